/**
 * Reading the event stream and the audit log across a change between Redis and a directory that stands in for it.
 *
 * While the directory has authority, a follower with a cursor from before goes on at its first event; what Redis had
 * behind that cursor cannot be read then. The follower's memory, which this process keeps, says where on Redis that began.
 * Once Redis has authority again, it is read before anything newer, and what was read in the directory is passed over. A
 * memory changes only by what the follower's next read proves to have reached it, since an answer may be thrown away when
 * the authority changes. Who reads once, without a memory, is told that the cursor is out of reach.
 *
 * A Redis that comes back from an outage without what was behind a cursor has lost it for everybody: the follower goes on
 * with what is newer than its cursor. Where there was no outage since its last read, nothing tells it of the loss, so
 * that an unknown cursor remains an error.
 * @module
 */
import type { AuditStore, FollowedEntries, FollowQuery } from "../../audit/store.ts";
import { eventId } from "../../event/model.ts";
import type { EventQuery, EventsRead, EventStore } from "../../event/store.ts";
import { sequencedAtMs, sequenceOf } from "../../id.ts";

/** Number 0 stands for the very beginning of a stream. */
const BEGINNING = { id: eventId(0, 0), seq: 0 };

type Cursor = NonNullable<EventQuery["after"]>;

/** When followers read last, and which place Redis lost in an outage since. */
class LastReads {
  readonly #reads = new WeakMap<object, { epoch: number; lost?: string }>();

  note(follower: object | undefined, epoch: number): void {
    if (follower === undefined) return;
    this.#reads.set(follower, { ...this.#reads.get(follower), epoch });
  }

  /** Whether the authority has changed since the follower came to this place, which Redis does not know. */
  isLost(follower: object | undefined, place: string | undefined, epoch: number): boolean {
    const last = follower && this.#reads.get(follower);
    if (last === undefined || place === undefined) return false;
    if (last.epoch < epoch) last.lost = place;
    return last.lost === place;
  }
}

/** What a follower of events has read in directories, and what it has not read on Redis. */
interface EventMemory {
  /** Where on Redis it goes on. */
  back: Pick<EventQuery, "after" | "sinceMs">;
  /** What it read in each outage: the events with numbers above `until`, up to `resume`. */
  readonly outages: { readonly until: number; resume?: Cursor }[];
  /** Whether it has read what lies before the last of these. */
  passed: boolean;
}

/** The reads of the event stream. */
export class FollowedEvents {
  readonly #memories = new WeakMap<object, EventMemory>();
  readonly #lastReads = new LastReads();
  readonly #epoch: () => number;

  /** `epoch`: the one of the record, which is greater after each change. */
  constructor(epoch: () => number) {
    this.#epoch = epoch;
  }

  /** Reads while the directory has authority; `isOlder` says whether Redis may have had an event. */
  async onDirectory(
    store: EventStore,
    query: EventQuery,
    isOlder: (id: string) => boolean,
  ): Promise<EventsRead> {
    const { after, sinceMs, follower } = query;
    const epoch = this.#epoch();
    const found = await store.read(query);
    if (found.kind === "read") this.#lastReads.note(follower, epoch);
    if (follower === undefined || after !== undefined && found.kind === "read") return found;
    const start = await store.read({ after: BEGINNING, limit: 1 });
    if (start.kind !== "read") return start;
    const [first] = start.events;
    if (after === undefined) {
      if (first !== undefined) this.#remember(follower, { sinceMs: sinceMs ?? 0 }, before(first));
      return found;
    }
    // A place within this outage that is not there is a mistake of its own.
    if (!isOlder(after.id) || first !== undefined && after.seq >= seqOf(first.id)) return found;
    const answer = await store.read({ ...query, after: BEGINNING });
    if (answer.kind !== "read") return answer;
    if (first === undefined) return { ...answer, cursor: after.id };
    this.#remember(follower, { after }, before(first));
    return answer;
  }

  /** From here on the follower does not read Redis. */
  #remember(follower: object, place: EventMemory["back"], until: number): void {
    const known = this.#memories.get(follower);
    const last = known?.outages.at(-1);
    if (known === undefined || last === undefined) {
      this.#memories.set(follower, { back: place, outages: [{ until }], passed: false });
    } else if (last.until !== until) {
      if (last.resume === undefined && place.after !== undefined) last.resume = place.after;
      // What it had not begun to read after the outage before, it has not read now either.
      if (known.passed || place.after?.id !== last.resume?.id) known.back = place;
      known.outages.push({ until });
      known.passed = false;
    }
  }

  /** Reads while Redis has authority. */
  async onRedis(store: EventStore, query: EventQuery): Promise<EventsRead> {
    const { after, follower } = query;
    const epoch = this.#epoch();
    let answer = await this.#goOn(store, query);
    if (answer.kind === "unknown" && this.#lastReads.isLost(follower, after?.id, epoch)) {
      answer = await readNewer(store, query, after!);
    }
    if (answer.kind === "read") this.#lastReads.note(follower, epoch);
    return answer;
  }

  async #goOn(store: EventStore, query: EventQuery): Promise<EventsRead> {
    const { after, follower, limit, type } = query;
    const memory = follower && this.#memories.get(follower);
    const last = memory?.outages.at(-1);
    if (memory === undefined || last === undefined || after === undefined) {
      return await store.read(query);
    }
    if (last.resume === undefined && after.seq < last.until) {
      // Nothing that was read in that outage has reached it.
      memory.outages.pop();
      return await this.#goOn(store, query);
    }
    const resume = last.resume ??= after;
    if (after.seq > resume.seq || memory.passed && after.id === resume.id) {
      if (after.seq > resume.seq) this.#memories.delete(follower!);
      return await store.read(query);
    }
    const filter = { limit, ...(type === undefined ? {} : { type }) };
    for (let place = after.id === resume.id ? memory.back : { after };;) {
      let answer = await store.read({ ...filter, ...place });
      if (answer.kind === "unknown" && place === memory.back && place.after !== undefined) {
        answer = await readNewer(store, filter, place.after);
      }
      if (answer.kind !== "read") return answer;
      const events = answer.events.filter(({ id }) => isPassedOver(memory, seqOf(id)));
      if (events.length > 0) return { kind: "read", events, cursor: events.at(-1)!.id };
      const seq = seqOf(answer.cursor);
      if (answer.events.length < limit || seq > last.until) break;
      place = { after: { id: answer.cursor, seq } };
    }
    memory.passed = true;
    return await store.read({ ...query, after: resume });
  }
}

/** Reads from a stream that has lost what was at `lost`. It counts on above every number that was given out before. */
async function readNewer(
  store: EventStore,
  { after: _, ...query }: EventQuery,
  lost: Cursor,
): Promise<EventsRead> {
  const answer = await store.read({ ...query, sinceMs: sequencedAtMs(lost.id) });
  if (answer.kind !== "read") return answer;
  return { ...answer, events: answer.events.filter(({ id }) => seqOf(id) > lost.seq) };
}

/** Whether an event with this number was before the last outage, and was not read in one before that. */
function isPassedOver({ outages }: EventMemory, seq: number): boolean {
  if (seq > outages.at(-1)!.until) return false;
  return !outages.some(({ until, resume }) => seq > until && seq <= (resume?.seq ?? until));
}

/** The number that all of an outage are above. */
function before({ id }: { readonly id: string }): number {
  return seqOf(id) - 1;
}

function seqOf(id: string): number {
  return sequenceOf("evt", id) ?? 0;
}

/** What a follower of the audit log has read in directories, and where on Redis it had come to. */
interface AuditMemory {
  /** Where on Redis it goes on; nothing in it: at the first entry. */
  back?: { readonly after?: string };
  /** Where Redis has lost that place: what it has from this instant on is newer. */
  newerMs?: number;
  /** What it read last in a directory. */
  resume?: string;
  /** What it read in directories. */
  readonly read: Set<string>;
  /** Whether it has been answered everything up to `resume`: from there it goes on behind it. */
  passed?: boolean;
  /** What was answered last, until it is known to have reached the follower. */
  answered?: { readonly after: string; readonly ids: readonly string[]; readonly from?: string };
}

/** The reads of the audit log. */
export class FollowedAudit {
  readonly #memories = new WeakMap<object, AuditMemory>();
  readonly #lastReads = new LastReads();
  readonly #epoch: () => number;

  /** `epoch`: the one of the record, which is greater after each change. */
  constructor(epoch: () => number) {
    this.#epoch = epoch;
  }

  /** What was answered before has reached the follower if that now goes on behind it. */
  #confirm(follower: object, after: string | undefined): void {
    const memory = this.#memories.get(follower);
    const answered = memory?.answered;
    if (memory === undefined || answered === undefined) return;
    delete memory.answered;
    if (answered.after !== after) return;
    const { from } = answered;
    const isOnward = memory.back !== undefined && !memory.passed && from === memory.resume;
    if (!isOnward) memory.back = from === undefined ? {} : { after: from };
    memory.resume = answered.after;
    memory.passed = false;
    for (const id of answered.ids) memory.read.add(id);
  }

  /** Reads while the directory has authority; `isOlder` says whether Redis may have had an entry. */
  async onDirectory(
    store: AuditStore,
    query: FollowQuery,
    isOlder: (id: string) => boolean,
  ): Promise<FollowedEntries | undefined> {
    const { after, follower, ...others } = query;
    const epoch = this.#epoch();
    if (follower !== undefined) this.#confirm(follower, after);
    let found = await store.follow(query);
    if (found === undefined && follower !== undefined && isOlder(after!)) {
      found = await store.follow(others);
    }
    if (found === undefined) return undefined;
    this.#lastReads.note(follower, epoch);
    if (found.after === undefined) return { ...found, ...(after === undefined ? {} : { after }) };
    if (follower !== undefined) {
      const memory = this.#memories.get(follower) ?? { read: new Set() };
      this.#memories.set(follower, memory);
      const ids = found.entries.map(({ id }) => id);
      memory.answered = {
        after: found.after,
        ids,
        ...(after === undefined ? {} : { from: after }),
      };
    }
    return found;
  }

  /** Reads while Redis has authority. */
  async onRedis(store: AuditStore, query: FollowQuery): Promise<FollowedEntries | undefined> {
    const { after, follower } = query;
    const epoch = this.#epoch();
    if (follower !== undefined) this.#confirm(follower, after);
    let found = await this.#goOn(store, query);
    if (found === undefined && this.#lastReads.isLost(follower, after, epoch)) {
      const place = { back: { after: after! }, resume: after! };
      this.#memories.set(follower!, { ...place, read: new Set() });
      found = await this.#goOn(store, query);
    }
    if (found !== undefined) this.#lastReads.note(follower, epoch);
    return found;
  }

  async #goOn(store: AuditStore, query: FollowQuery): Promise<FollowedEntries | undefined> {
    const { after, follower, ...others } = query;
    const memory = follower && this.#memories.get(follower);
    if (memory?.back === undefined) return await store.follow(query);
    const isBack = after === memory.resume && !memory.passed;
    for (let place = isBack ? memory.back : { after };;) {
      const found = await store.follow({ ...others, ...(place as { readonly after?: string }) });
      if (found === undefined) {
        if (place !== memory.back || place.after === undefined) return undefined;
        memory.newerMs = sequencedAtMs(place.after);
        place = memory.back = {};
        continue;
      }
      const { newerMs = 0 } = memory;
      const entries = found.entries.filter(({ id, createdAtMs }) =>
        createdAtMs >= newerMs && !memory.read.has(id)
      );
      // Never behind what is passed over: `resume` may be there, and from `resume` it would begin at `back` again.
      if (entries.length > 0) return { entries, after: entries.at(-1)!.id };
      if (found.entries.length === 0) {
        memory.passed = true;
        // Nothing was passed over to get here, so nothing will be; in an empty log there is no place to go on from.
        const isBehind = place.after === after && after !== memory.resume;
        if (isBehind && found.after !== undefined) this.#memories.delete(follower!);
        return found;
      }
      place = { after: found.after! };
    }
  }
}

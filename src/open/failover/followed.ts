/**
 * Following the event stream and the audit log across a change of the authority.
 *
 * A follower's place may be on Redis when the directory takes over. What Redis has behind that place cannot be read
 * then, and the directory does not have it: the follower goes on at the first item of the outage, and the stretch that
 * it passed over is remembered in this process under its new place. Once Redis is back, the next read from there
 * begins with that stretch. So nobody misses or repeats anything; what was out of reach comes late.
 *
 * Places of one outage are on Redis, too, once it is over: what was moved keeps its identifiers.
 * @module
 */
import type { Entry } from "../../audit/entry.ts";
import type { AuditStore, FollowedEntries, FollowQuery } from "../../audit/store.ts";
import { eventId } from "../../event/model.ts";
import type { EventQuery, EventsRead, EventStore } from "../../event/store.ts";
import { sequenceOf } from "../../id.ts";

/** Places of followers that are remembered in one process. */
const PLACES_KEPT = 1000;

/** A stretch that was passed over: behind `after`, up to the first item of an outage. */
interface Stretch {
  readonly after: string;
  /** The identifier of that first item. */
  readonly first: string;
}

/** What was passed over before each place, oldest first. */
class PassedOver {
  readonly #stretches = new Map<string, readonly Stretch[]>();

  at(place: string | undefined): readonly Stretch[] {
    return place === undefined ? [] : this.#stretches.get(place) ?? [];
  }

  keep(place: string, stretches: readonly Stretch[]): void {
    this.#stretches.delete(place);
    if (stretches.length === 0) return;
    this.#stretches.set(place, stretches);
    if (this.#stretches.size <= PLACES_KEPT) return;
    for (const oldest of this.#stretches.keys()) return void this.#stretches.delete(oldest);
  }
}

/** Number 0 stands for the very beginning of a stream. */
const BEGINNING = { id: eventId(0, 0), seq: 0 };

/** Reads events for followers; one for each store in front of two. */
export class FollowedEvents {
  readonly #passed = new PassedOver();

  /** Reads while the directory has the authority. */
  async onDirectory(store: EventStore, query: EventQuery): Promise<EventsRead> {
    const { after } = query;
    const found = await store.read(query);
    if (after === undefined) return found;
    const stretches = this.#passed.at(after.id);
    if (found.kind === "read") {
      this.#passed.keep(found.cursor, stretches);
      return found;
    }
    const start = await store.read({ after: BEGINNING, limit: 1 });
    const first = start.kind === "read" ? start.events[0]?.id : undefined;
    // A place within this outage that is not there is a mistake of its own.
    if (first === undefined || after.seq >= seqOf(first)) return found;
    const passed = await store.read({ ...query, after: BEGINNING });
    if (passed.kind !== "read") return passed;
    this.#passed.keep(passed.cursor, [...stretches, { after: after.id, first }]);
    return passed;
  }

  /** Reads while Redis has the authority. */
  async onRedis(store: EventStore, query: EventQuery): Promise<EventsRead> {
    const { after, limit, waits: _, ...filter } = query;
    const [stretch, ...others] = this.#passed.at(after?.id);
    if (after === undefined || stretch === undefined) return await store.read(query);
    const from = { id: stretch.after, seq: seqOf(stretch.after) };
    const found = await store.read({ ...filter, after: from, limit });
    // What was passed over is no longer kept: the follower hears of it.
    if (found.kind !== "read") {
      this.#passed.keep(after.id, others);
      return found;
    }
    const end = seqOf(stretch.first);
    const events = found.events.filter(({ id }) => seqOf(id) < end);
    const isWhole = events.length < found.events.length || found.events.length < limit;
    this.#passed.keep(
      after.id,
      isWhole ? others : [{ ...stretch, after: events.at(-1)!.id }, ...others],
    );
    if (events.length === 0) return await this.onRedis(store, query);
    return { kind: "read", events, cursor: after.id };
  }
}

/** Reads the audit log for followers. */
export class FollowedAudit {
  readonly #passed = new PassedOver();

  /** Reads while the directory has the authority. */
  async onDirectory(store: AuditStore, query: FollowQuery): Promise<FollowedEntries | undefined> {
    const { after, ...rest } = query;
    const found = await store.follow(query);
    if (after === undefined) return found;
    const stretches = this.#passed.at(after);
    if (found !== undefined) {
      if (found.after !== undefined) this.#passed.keep(found.after, stretches);
      return found;
    }
    const passed = await store.follow(rest);
    // As long as the outage has no entry, the place stays where it is.
    if (passed?.after === undefined) return passed;
    const first = await store.follow({ limit: 1 });
    const firstId = first?.entries[0]?.id;
    if (firstId === undefined) return passed;
    this.#passed.keep(passed.after, [...stretches, { after, first: firstId }]);
    return passed;
  }

  /** Reads while Redis has the authority. */
  async onRedis(store: AuditStore, query: FollowQuery): Promise<FollowedEntries | undefined> {
    const { after, limit } = query;
    const [stretch, ...others] = this.#passed.at(after);
    if (after === undefined || stretch === undefined) return await store.follow(query);
    const { waits: _, ...filter } = query;
    const found = await store.follow({ ...filter, after: stretch.after });
    if (found === undefined) {
      this.#passed.keep(after, others);
      return undefined;
    }
    const entries: Entry[] = [];
    for (const entry of found.entries) {
      if (entry.id >= stretch.first) break;
      entries.push(entry);
    }
    const isWhole = entries.length < found.entries.length || found.entries.length < limit;
    this.#passed.keep(
      after,
      isWhole ? others : [{ ...stretch, after: entries.at(-1)!.id }, ...others],
    );
    if (entries.length === 0) return await this.onRedis(store, query);
    return { entries, after };
  }
}

function seqOf(id: string): number {
  return sequenceOf("evt", id) ?? 0;
}

/**
 * The audit log: what was decided, by whom, on what grounds, in one order that nobody can quietly change.
 *
 * The protocol. An entry is sealed twice. The client hashes what it says (`contentHash`); the store, in the
 * operation that appends it, links it to the entry before (`link`, see `nextLink`) and counts it. Nothing updates or
 * deletes an entry. {@linkcode Audit.verify} walks the whole chain and names the first place where hash, link, number,
 * count, instant or event do not fit. Who can write the store's files can also rewrite the whole chain from some entry
 * on: whoever must rule that out keeps the `head` of an earlier verification elsewhere, and looks whether that link is
 * still in the chain.
 * @module
 */
import { given } from "../given.ts";
import {
  anything,
  checkArguments,
  fields,
  type FieldTable,
  list,
  options,
  signal,
} from "../arguments.ts";
import { checkBody, checkInteger, checkKey, invalid } from "../check.ts";
import { requireActor, type RoomContext } from "../context.ts";
import { checkName, checkText, LIMITS } from "../name.ts";
import { follow } from "../wait.ts";
import { draftEntry, type Entry } from "./entry.ts";
import type { EntryFilter, FollowQuery } from "./store.ts";
import { atTheEnd, type BrokenPlace, compare, examine, recordedEntries } from "./verification.ts";

export type { Entry } from "./entry.ts";
export type { BrokenPlace } from "./verification.ts";

/** A decision to put on the record. */
export interface LogOptions {
  /** Kind of decision, a name such as `deployment`. */
  readonly decisionType: string;
  /** What was known, at most 64 KiB; may have several lines. */
  readonly context: string;
  /** Why it was decided so, at most 64 KiB; may have several lines. */
  readonly reason: string;
  /** What it is about: identifiers, paths, URLs; at most 100 of one line and 4096 bytes each. */
  readonly refs?: readonly string[];
  /** Idempotency key: the same key again returns the first entry and adds nothing. */
  readonly key?: string;
}

/** Which entries; every condition given must hold. */
export interface EntryOptions {
  /** Only this agent's. */
  readonly agent?: string;
  /** Only decisions of this type. */
  readonly type?: string;
}

/** Which page of the log. */
export interface ListEntriesOptions extends EntryOptions {
  /** Only entries at this epoch millisecond or later. */
  readonly sinceMs?: number;
  /** Most entries to return, 1 to 1000. Default 100. */
  readonly limit?: number;
  /** The `nextCursor` of the page before. */
  readonly cursor?: string;
}

/** One page of the log. */
export interface EntryPage {
  /** In the order of the chain: the newest comes last. */
  readonly entries: readonly Entry[];
  /** Pass it as `cursor` for the page of older entries; absent when there are none. */
  readonly nextCursor?: string;
}

/** What to follow. */
export interface TailOptions extends EntryOptions {
  /** Start after the entry with this identifier. Default: from now on. */
  readonly after?: string;
  /** Ends the stream. */
  readonly signal?: AbortSignal;
}

/** What a walk along the chain found. */
export type Verification =
  | {
    readonly ok: true;
    /** Entries in the log; every one of them fits. */
    readonly entries: number;
    /** Link of the last one; `""` when there is none. */
    readonly head: string;
  }
  | {
    readonly ok: false;
    /** Entries before the broken place; they fit. */
    readonly entries: number;
    /** The first place that does not. */
    readonly broken: BrokenPlace;
  };

/** References one entry may have. */
const MAX_REFS = 100;
/** Entries handed over by one operation while walking or following. */
const BATCH = 100;

/** The audit log as one client sees it. */
export class Audit {
  readonly #context: RoomContext;

  /** Used by the client; see {@linkcode CoordinationClient.audit}. */
  constructor(context: RoomContext) {
    this.#context = context;
  }

  /**
   * Puts a decision of the acting agent on the record.
   *
   * @throws {InvalidArgumentError} for a bad value; nothing was written.
   */
  async log({ decisionType, context, reason, refs = [], key }: LogOptions): Promise<Entry> {
    const actor = requireActor(this.#context);
    const content = {
      agent: actor.name,
      decisionType: checkName(decisionType, "decisionType"),
      context: checkBody(context, "context", false),
      reason: checkBody(reason, "reason", false),
      refs: checkRefs(refs),
    };
    const checkedKey = key === undefined ? undefined : checkKey(key, "key");
    const draft = await draftEntry(content);
    return await (await this.#context.store.audit()).append(actor, draft, checkedKey);
  }

  /**
   * The newest entries that match, newest last; older ones page by page.
   *
   * @throws {InvalidArgumentError} for a cursor that no entry has.
   */
  async list(
    { sinceMs, limit = 100, cursor, ...options }: ListEntriesOptions = {},
  ): Promise<EntryPage> {
    const query = {
      ...filterOf(options),
      ...(sinceMs === undefined ? {} : { sinceMs: checkInstant(sinceMs) }),
      ...(cursor === undefined ? {} : { before: checkText(cursor, "cursor", { maxChars: 200 }) }),
      limit: checkInteger(limit, "limit", { min: 1, max: LIMITS.batch }),
    };
    const found = await (await this.#context.store.audit()).list(query);
    if (found === undefined) throw unknownPlace(cursor, "cursor");
    const [oldest] = found.entries;
    return {
      entries: found.entries,
      ...(found.more && oldest !== undefined ? { nextCursor: oldest.id } : {}),
    };
  }

  /**
   * Every entry that matches, as it is logged, until `signal` fires.
   *
   * @throws {InvalidArgumentError} when there is no entry `after`.
   *
   * @example
   * ```ts ignore
   * for await (const entry of client.audit.tail({ type: "deployment" })) {
   *   console.log(entry.agent, entry.reason);
   * }
   * ```
   */
  async *tail(
    { after, signal, ...options }: TailOptions = {},
  ): AsyncGenerator<Entry, void, undefined> {
    const filter = { ...filterOf(options), follower: {} };
    const from = after === undefined ? undefined : checkText(after, "after", { maxChars: 200 });
    const { store } = this.#context;
    const newest = async () => (await (await store.audit()).list({ limit: 1 }))?.entries[0]?.id;
    yield* follow<Entry, string | undefined>(
      this.#context,
      async (place, waits) => {
        const query = { ...filter, limit: BATCH, ...placeOf(place), waits };
        const found = await (await store.audit()).follow(query);
        if (found === undefined) throw unknownPlace(place, "after");
        return { items: found.entries, place: found.after ?? place };
      },
      from ?? await newest(),
      signal,
    );
  }

  /**
   * Walks the whole chain, page by page: recomputes every hash and link, and compares each entry with the event
   * that recorded it, the store's count and the store's clock.
   *
   * It finds an entry that was changed, moved, added or taken away by somebody who did not rewrite everything that
   * tells of it. It does not find a whole chain computed anew together with its events and count, an
   * entry's idempotency key, or an instant changed within what its neighbours allow once its event is no longer kept, or
   * was moved after an outage: against those, keep the `head` of an earlier verification elsewhere.
   *
   * @returns the first place that does not fit, if there is one.
   */
  async verify(): Promise<Verification> {
    for (;;) {
      const verification = await this.#verify();
      if (verification !== undefined) return verification;
    }
  }

  /** `undefined` when another store took over meanwhile: what it has does not go on where the other one's ended. */
  async #verify(): Promise<Verification | undefined> {
    const { store } = this.#context;
    const { epoch } = await (await store.audit()).chain(0, 0);
    const recorded = await recordedEntries(await store.events());
    let last = { seq: 0, link: "", createdAtMs: 0 };
    for (let after = Number.MIN_SAFE_INTEGER;; after = last.seq) {
      const part = await (await store.audit()).chain(after, BATCH);
      if (part.epoch !== epoch) return undefined;
      const { places, more, total, nowMs } = part;
      for (const { seq, entry } of places) {
        const broken = await examine(seq, entry, last, total) ??
          compare(seq, entry, recorded, nowMs);
        if (broken !== undefined) return { ok: false, entries: last.seq, broken };
        last = { seq, link: entry.link, createdAtMs: entry.createdAtMs };
      }
      if (more) continue;
      const broken = atTheEnd(last.seq, total, recorded);
      if (broken !== undefined) return { ok: false, entries: last.seq, broken };
      return { ok: true, entries: total, head: last.link };
    }
  }

  /** How many entries the store has taken in. */
  async count(): Promise<number> {
    return (await (await this.#context.store.audit()).chain(0, 0)).total;
  }
}

const ENTRY: FieldTable<EntryOptions> = { agent: anything, type: anything };

checkArguments(Audit, {
  log: {
    options: fields<LogOptions>({
      decisionType: anything,
      context: anything,
      reason: anything,
      refs: list(),
      key: anything,
    }),
  },
  list: {
    options: options<ListEntriesOptions>({
      ...ENTRY,
      sinceMs: anything,
      limit: anything,
      cursor: anything,
    }),
  },
  tail: { options: options<TailOptions>({ ...ENTRY, after: anything, signal }) },
  verify: {},
  count: {},
});

function filterOf({ agent, type }: EntryOptions): EntryFilter {
  return {
    ...(agent === undefined ? {} : { agent: checkName(agent, "agent") }),
    ...(type === undefined ? {} : { decisionType: checkName(type, "type") }),
  };
}

function placeOf(after: string | undefined): Pick<FollowQuery, "after"> {
  return given({ after });
}

function checkInstant(value: unknown): number {
  return checkInteger(value, "sinceMs", { min: 0, max: Number.MAX_SAFE_INTEGER });
}

function checkRefs(value: unknown): readonly string[] {
  if (!Array.isArray(value)) throw invalid(value, "refs", "use a list of texts");
  if (value.length > MAX_REFS) throw invalid(value.length, "refs", `use at most ${MAX_REFS}`);
  return value.map((ref) => checkText(ref, "refs", { maxBytes: LIMITS.pathBytes }));
}

function unknownPlace(value: unknown, field: string) {
  return invalid(value, field, "no entry of the audit log has this identifier");
}

/**
 * The event stream: what happened to locks, tasks, approvals, agents and threads, in one order.
 *
 * The protocol. An operation that changes something appends its events itself, so an event exists exactly when its
 * change does, and events are ordered as the changes were. Every event has a number, one more than the
 * event before it; its identifier carries that number, so any event is also a cursor: "everything after
 * this one". The store keeps the newest 100 000 events. Whoever comes back with a cursor older than that
 * has missed something, and learns it by an error, never by a gap.
 * @module
 */
import { type CoordEvent, EVENT_TYPES, type EventType } from "./model.ts";
import { anything, checkArguments, options, signal } from "../arguments.ts";
import { checkChoice, checkInteger, invalid } from "../check.ts";
import type { RoomContext } from "../context.ts";
import { NotFoundError } from "../errors.ts";
import { sequenceOf } from "../id.ts";
import { LIMITS, quote } from "../name.ts";
import { follow } from "../wait.ts";
import type { EventQuery, EventsRead } from "./store.ts";

/** Where in the stream to start: after the event with this identifier, or at this epoch millisecond. */
export type EventsSince = string | number;

/** Which events to list. */
export interface ListEventsOptions {
  /**
   * Default: the oldest event kept. A cursor that is no longer kept is an error; an instant is not, it
   * means whatever is kept from then on.
   */
  readonly since?: EventsSince;
  /** Most events to return, 1 to 1000. Default 100. */
  readonly limit?: number;
  /** Only events of this type. */
  readonly type?: EventType;
}

/** Some events, and where the next ones begin. */
export interface EventPage {
  /** In the order they happened. */
  readonly events: readonly CoordEvent[];
  /** Pass it as `since` to go on; it is past everything looked at, even when nothing matched. */
  readonly cursor: string;
}

/** Which events to follow. */
export interface FollowOptions {
  /** Default: what happens from the first time an event is asked for. */
  readonly since?: EventsSince;
  /** Only events of this type. */
  readonly type?: EventType;
  /** Ends the stream. */
  readonly signal?: AbortSignal;
}

/** Most events handed over by one operation while following. */
const FOLLOW_BATCH = 500;

/** Where a reader begins. */
type Start = Pick<EventQuery, "after" | "sinceMs">;

/** The event stream as one client sees it. */
export class Events {
  readonly #context: RoomContext;

  /** Used by the client; see {@linkcode CoordinationClient.events}. */
  constructor(context: RoomContext) {
    this.#context = context;
  }

  /**
   * The events after `since`, oldest first.
   *
   * @throws {NotFoundError} when the cursor is older than the oldest event kept, or of another stream;
   * `details` holds `cursor` and `oldest`.
   * @throws {InvalidArgumentError} when it is not a cursor at all.
   */
  async list({ since, limit = 100, type }: ListEventsOptions = {}): Promise<EventPage> {
    const query = {
      ...startOf(since),
      limit: checkInteger(limit, "limit", { min: 1, max: LIMITS.batch }),
      ...typeOf(type),
    };
    return pageOf(await (await this.#context.store.events()).read(query), query);
  }

  /**
   * Every event after `since`, as it happens, until `signal` fires.
   *
   * @throws {NotFoundError} as {@linkcode Events.list}; also later, when the reader fell so far behind
   * that events it has not seen are no longer kept.
   *
   * @example
   * ```ts ignore
   * for await (const event of client.events.follow({ type: "task.dead" })) {
   *   console.log(event.subject);
   * }
   * ```
   */
  async *follow(
    { since, type, signal }: FollowOptions = {},
  ): AsyncGenerator<CoordEvent, void, undefined> {
    const { store } = this.#context;
    const filter = { limit: FOLLOW_BATCH, ...typeOf(type), follower: {} };
    const start = since === undefined ? undefined : startOf(since);
    yield* follow<CoordEvent, Start>(
      this.#context,
      async (place, waits) => {
        const query = { ...place, ...filter, waits };
        const { events, cursor } = pageOf(await (await store.events()).read(query), query);
        return { items: events, place: startOf(cursor) };
      },
      start ?? startOf(await (await store.events()).end()),
      signal,
    );
  }
}

checkArguments(Events, {
  list: {
    options: options<ListEventsOptions>({ since: anything, limit: anything, type: anything }),
  },
  follow: { options: options<FollowOptions>({ since: anything, type: anything, signal }) },
});

function typeOf(type: EventType | undefined): Pick<EventQuery, "type"> {
  return type === undefined ? {} : { type: checkChoice(type, "type", EVENT_TYPES) };
}

function startOf(since: EventsSince | undefined): Start {
  if (since === undefined) return {};
  if (typeof since === "number") {
    return { sinceMs: checkInteger(since, "since", { min: 0, max: Number.MAX_SAFE_INTEGER }) };
  }
  const seq = typeof since === "string" ? sequenceOf("evt", since) : undefined;
  if (seq === undefined) {
    throw invalid(since, "since", "use the id of an event, as in the cursor of an earlier answer");
  }
  return { after: { id: since, seq } };
}

function pageOf(outcome: EventsRead, { after }: EventQuery): EventPage {
  if (outcome.kind === "read") return { events: outcome.events, cursor: outcome.cursor };
  const { oldest } = outcome;
  const cursor = after?.id ?? "";
  const why = outcome.kind === "trimmed"
    ? "events after it are no longer kept"
    : "it is not an event of this namespace";
  const fix = oldest === undefined ? "" : `, or at ${oldest}, the oldest kept`;
  throw new NotFoundError(
    `Cannot read events since ${quote(cursor)}: ${why}; start again without a cursor${fix}`,
    { cursor, oldest: oldest ?? null },
  );
}

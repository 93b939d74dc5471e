/**
 * The operations on the event stream, on Redis.
 *
 * An event's identifier holds the instant and the number that name its place in the stream, so a cursor is
 * found without an index. Numbers are never used twice, but they have a gap when a server has started anew.
 * @module
 */
import { sequencedAtMs } from "../../id.ts";
import { script } from "../../engine/redis/script.ts";
import type { ScriptRunner } from "../../engine/redis/script_runner.ts";
import { eventId } from "../model.ts";
import type { CoordEvent, EventType } from "../model.ts";
import type { EventQuery, EventsRead, EventStore } from "../store.ts";

const READ = script("event/read");
const END = script("event/end");

/** What event/read answers: a word, a place, whether there is more, then four values for each event. */
type ReadReply = readonly ["read" | "trimmed" | "unknown", number | "", number | "", ...unknown[]];

/** {@linkcode EventStore} on Redis. */
export class RedisEvents implements EventStore {
  readonly #runner: ScriptRunner;

  /** Uses the runner's connection and namespace. */
  constructor(runner: ScriptRunner) {
    this.#runner = runner;
  }

  async read({ after, sinceMs, limit, type, waits }: EventQuery): Promise<EventsRead> {
    const events: CoordEvent[] = [];
    const moved: string[] = [];
    const waker = waits ? (await this.#runner.waker()).id : "";
    let from = after !== undefined
      ? `${sequencedAtMs(after.id)}-${after.seq}`
      : sinceMs === undefined
      ? ""
      : `${sinceMs}`;
    // One operation looks at so many events at most; when few of them match, several operations fill the answer.
    for (;;) {
      const wake = events.length === 0 ? waker : "";
      const args = [from, after === undefined ? "" : 1, limit - events.length, type ?? "", wake];
      const answer = wake === ""
        ? this.#runner.read(READ, ...args)
        : this.#runner.write(READ, undefined, ...args);
      const [kind, atMs, seq, more, ...found] = await answer as ReadReply;
      const place = atMs === "" || seq === "" ? undefined : eventId(seq, atMs);
      if (kind !== "read") return { kind, oldest: place };
      for (let index = 0; index < found.length; index += 4) {
        const [atMs, ...others] = found.slice(index, index + 4) as [number, ...unknown[]];
        const event = toEvent([Math.abs(atMs), ...others]);
        if (atMs < 0) moved.push(event.id);
        events.push(event);
      }
      if (more === 0) {
        return { kind, events, cursor: place!, ...(moved.length > 0 ? { moved } : {}) };
      }
      from = `${atMs}-${seq}`;
    }
  }

  async end(): Promise<string> {
    const [atMs, seq] = await this.#runner.read(END) as [number, number];
    return eventId(seq, atMs);
  }
}

function toEvent(values: readonly unknown[]): CoordEvent {
  const [atMs, seq, type, text] = values as [number, number, EventType, string];
  const [agent = "", data = "", subject = ""] = text.split("\0");
  return {
    id: eventId(seq, atMs),
    type,
    subject,
    ...(agent === "" ? {} : { agent }),
    atMs,
    ...(data === "" ? {} : { data: JSON.parse(data) }),
  };
}

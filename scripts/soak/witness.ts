/**
 * Follows the event stream while everything else goes on, and says when it tells of something that may not
 * happen.
 * @module
 */
import { StoreUnavailableError } from "../../src/errors.ts";
import type { CoordEvent } from "../../src/event/model.ts";
import { Events } from "../../src/event/event.ts";
import { sequenceOf } from "../../src/id.ts";
import { openAs } from "../../dev/workers/context.ts";

/** What ends the tenure of a task. */
const ENDINGS: readonly string[] = [
  "task.completed",
  "task.failed",
  "task.released",
  "task.expired",
  "task.dead",
  "task.cancelled",
];

/** Somebody who sees every event. */
export class Witness {
  /** What may not happen, as sentences. */
  readonly violations: string[] = [];
  /** Events seen, by type. */
  readonly seen = new Map<string, number>();
  /** Tasks whose completion was told. */
  readonly completed = new Set<string>();
  readonly #locks = new Map<string, unknown>();
  readonly #tasks = new Map<string, unknown>();
  #cursor: string;
  #number: number;

  private constructor(cursor: string) {
    this.#cursor = cursor;
    this.#number = sequenceOf("evt", cursor)!;
  }

  /** Watches the store at `location` until `signal` fires and everything has been seen. */
  static async watch(
    location: string,
    signal: AbortSignal,
  ): Promise<{ readonly witness: Witness; readonly done: Promise<void> }> {
    const context = await openAs(location, "witness");
    const { cursor } = await new Events(context).list({ limit: 1 });
    const witness = new Witness(cursor);
    const events = new Events({ ...context, actor: undefined });
    return { witness, done: witness.#follow(events, signal).finally(() => context.store.close()) };
  }

  async #follow(events: Events, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        for await (const event of events.follow({ since: this.#cursor, signal })) this.#see(event);
      } catch (error) {
        if (!(error instanceof StoreUnavailableError) || !error.retryable) throw error;
      }
    }
    for (;;) {
      const page = await events.list({ since: this.#cursor, limit: 1000 });
      for (const event of page.events) this.#see(event);
      if (page.events.length === 0) return;
    }
  }

  #see(event: CoordEvent): void {
    const { id, type, subject, data } = event;
    const number = sequenceOf("evt", id)!;
    if (number !== this.#number + 1) this.#wrong(`event ${number} came after ${this.#number}`);
    this.#cursor = id;
    this.#number = number;
    this.seen.set(type, (this.seen.get(type) ?? 0) + 1);
    const fence = data?.fence;
    if (type === "lock.acquired") {
      if (this.#locks.has(subject)) {
        this.#wrong(`lock ${subject} was taken (fence ${fence}) under ${this.#locks.get(subject)}`);
      }
      this.#locks.set(subject, fence);
    } else if (type.startsWith("lock.")) {
      if (this.#locks.get(subject) !== fence) {
        this.#wrong(`lock ${subject}: ${type} of fence ${fence}, not ${this.#locks.get(subject)}`);
      }
      this.#locks.delete(subject);
    } else if (type === "task.claimed") {
      if (this.#tasks.has(subject)) this.#wrong(`task ${subject} was claimed while claimed`);
      this.#tasks.set(subject, fence);
    } else if (ENDINGS.includes(type)) {
      this.#tasks.delete(subject);
      if (type !== "task.completed") return;
      if (this.completed.has(subject)) this.#wrong(`task ${subject} was completed twice`);
      this.completed.add(subject);
    }
  }

  #wrong(sentence: string): void {
    if (this.violations.length < 50) this.violations.push(sentence);
  }
}

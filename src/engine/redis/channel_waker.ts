/**
 * How one process wakes another in the Redis store: a waiter listens to a channel of its own, and the script
 * that makes its wish come true publishes there.
 *
 * The server says how many received it, so a dead waiter is noticed by the very script that would have woken it.
 * What was published while the connection was down is lost, so this waker wakes once when the connection is back.
 * @module
 */
import { BaseWaker } from "../waker.ts";
import type { RedisConnection } from "./connection.ts";

/** {@linkcode Waker} on a channel of the server. */
export class ChannelWaker extends BaseWaker {
  /** Settled once a wake-up can arrive. */
  readonly ready: Promise<void>;
  /** Whether it could not listen: it never will. */
  failed = false;
  #unsubscribe: (() => void) | undefined;
  #closed = false;

  /** Listens to `<prefix>wake:<id>`. */
  constructor(connection: RedisConnection, prefix: string) {
    super();
    const wake = () => this.wake();
    this.ready = connection.subscribe(`${prefix}wake:${this.id}`, {
      onMessage: wake,
      onAgain: wake,
    }).then((unsubscribe) => {
      this.#unsubscribe = unsubscribe;
      if (this.#closed) unsubscribe();
    });
    // Whoever waits sees the failure; nobody may be waiting yet.
    this.ready.catch(() => this.failed = true);
  }

  /** Stops listening. */
  close(): void {
    this.#closed = true;
    this.#unsubscribe?.();
  }
}

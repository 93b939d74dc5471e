/**
 * How one process wakes another in the Redis store: a waiter listens to a channel of its own, and the script
 * that makes its wish come true publishes there.
 *
 * The server says how many heard it, so a dead waiter is noticed by the very script that would have woken it.
 * Whatever was published while the connection was down is lost, so it rings once when it is back.
 * @module
 */
import { Ear } from "../bell.ts";
import type { RedisConnection } from "./connection.ts";

/** A bell made of a channel. */
export class RedisBell extends Ear {
  readonly ready: Promise<void>;
  /** Whether it could not listen: it never will. */
  failed = false;
  #unsubscribe: (() => void) | undefined;
  #closed = false;

  /** Listens to `<prefix>bell:<id>`. */
  constructor(connection: RedisConnection, prefix: string) {
    super();
    const ring = () => this.ring();
    this.ready = connection.subscribe(`${prefix}bell:${this.id}`, {
      onMessage: ring,
      onAgain: ring,
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

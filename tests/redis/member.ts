/**
 * One of several that work on one store, each with connections of its own.
 * @module
 */
import type { RoomContext } from "../../src/context.ts";
import { Primitives } from "../../src/primitive_clients.ts";
import type { RedisStore } from "../../src/open/redis.ts";
import { Sleepers } from "../../dev/sleepers.ts";
import { openAs } from "../../dev/workers/context.ts";

const HOUR_MS = 3_600_000;

/** All primitives of a store, acting as one agent. */
export class Member extends Primitives implements AsyncDisposable {
  readonly store: RedisStore;
  /** The same; whoever waits there looks at the store by itself after an hour: a wait that ends was woken. */
  readonly unpolled: Primitives;
  readonly #sleepers: Sleepers;

  private constructor(context: RoomContext, sleepers: Sleepers) {
    super({ ...context, store: sleepers.store });
    this.store = context.store as RedisStore;
    this.unpolled = new Primitives({ ...context, store: sleepers.store, pollMs: HOUR_MS });
    this.#sleepers = sleepers;
  }

  /** Opens the store at `location`, a URL with the namespace as its fragment. */
  static async join(location: string, name: string): Promise<Member> {
    const context = await openAs(location, name);
    return new Member(context, new Sleepers(context.store));
  }

  /** Settled once so many of its calls wait at the same time: each has looked, and found nothing. */
  asleep(count?: number): Promise<void> {
    return this.#sleepers.asleep(count);
  }

  close(): Promise<void> {
    return this.store.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

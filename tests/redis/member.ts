/**
 * One of several that work on one store, each with connections of its own.
 * @module
 */
import type { RoomContext } from "../../src/context.ts";
import { Rooms } from "../../src/rooms.ts";
import type { RedisStore } from "../../src/open/redis.ts";
import { openAs } from "../../dev/workers/context.ts";

/** All rooms of a store, acting as one agent. */
export class Member extends Rooms implements AsyncDisposable {
  readonly store: RedisStore;

  private constructor(context: RoomContext) {
    super(context);
    this.store = context.store as RedisStore;
  }

  /** Opens the store at `location`, a URL with the namespace as its fragment. */
  static async join(location: string, name: string): Promise<Member> {
    return new Member(await openAs(location, name));
  }

  close(): Promise<void> {
    return this.store.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** What `work` gave, and how long it took. */
export async function timed<T>(work: Promise<T>): Promise<readonly [T, number]> {
  const startedMs = performance.now();
  const result = await work;
  return [result, performance.now() - startedMs];
}

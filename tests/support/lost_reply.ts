/**
 * Calls on Redis whose answers are lost while others go on working: what the server did stands, and the
 * client makes the call again without knowing.
 * @module
 */
import type { RoomContext } from "../../src/context.ts";
import { RedisStore } from "../../src/open/redis.ts";
import { startProxy } from "../../dev/proxy.ts";
import { freshNamespace, hasRedis, sharedRedis } from "../../dev/redis_server.ts";
import { TestClock } from "../../dev/stores.ts";
import { eventually } from "./wrapped.ts";
import { contextOn } from "../../dev/room_context.ts";

/** Long enough for everybody else's work while the connection is made again. */
const DELAY_MS = 60;

/** What a test of lost answers gets. */
export interface LostReplyBench {
  readonly clock: TestClock;
  /** Surroundings with a connection of their own, which is never disturbed. */
  readonly as: (name: string) => RoomContext;
  /** Surroundings whose answers `lose` can swallow. */
  readonly far: (name: string) => RoomContext;
  /**
   * Makes a call of a far context. The server does it and its answer is lost; `meanwhile` happens before the
   * call is made again, which it is by itself. The server must have run the same script before: it does not do
   * what it does not know yet.
   */
  readonly lose: <T>(call: () => Promise<T>, meanwhile: () => Promise<unknown>) => Promise<T>;
}

/** Registers `body`, skipped where Redis is not installed. */
export function lostReplyTest(name: string, body: (bench: LostReplyBench) => Promise<void>): void {
  Deno.test({ name, ignore: !hasRedis() }, async () => {
    const { url, port } = await sharedRedis();
    await using proxy = await startProxy(port);
    const clock = new TestClock();
    const options = { namespace: freshNamespace(), nowMs: clock.nowMs };
    const near = await RedisStore.open(url, options);
    const far = await RedisStore.open(proxy.url, options);
    const context = (store: RedisStore) => (agent: string) => contextOn(store, clock, agent);
    const lose: LostReplyBench["lose"] = async (call, meanwhile) => {
      const before = proxy.lost().length;
      proxy.loseReplies(1, ([word]) => /^eval(sha)?$/i.test(word ?? ""));
      proxy.delay(DELAY_MS);
      const answer = call();
      // It is awaited below; a failure until then is none that nobody handles.
      answer.catch(() => undefined);
      await eventually("a lost answer", () => proxy.lost().length > before);
      await meanwhile();
      const result = await answer;
      proxy.delay(0);
      return result;
    };
    try {
      await body({ clock, as: context(near), far: context(far), lose });
    } finally {
      await far.close();
      await near.close();
    }
  });
}

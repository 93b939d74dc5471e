/**
 * The clock of a Redis server was ahead, and was set back: the store's goes on at real speed from where it was.
 * @module
 */
import assert from "node:assert/strict";
import { Locks } from "../../src/lock/lock.ts";
import { RedisStore } from "../../src/store/redis.ts";
import { cliJson, withProject } from "../support/cli.ts";
import { freshNamespace, hasRedis, sharedRedis, startRedis } from "../support/redis_server.ts";
import { TestClock } from "../support/stores.ts";

const HOUR_MS = 3_600_000;

Deno.test({
  name: "a lease lapses after its length when the server's clock was set back meanwhile",
  ignore: !hasRedis(),
  async fn() {
    const clock = new TestClock();
    const store = await RedisStore.open((await sharedRedis()).url, {
      namespace: freshNamespace(),
      nowMs: clock.nowMs,
    });
    try {
      const as = (name: string) =>
        new Locks({
          store,
          clock,
          lockPath: (path) => ({ path, aliases: [] }),
          actor: { name, host: "test-host" },
        });
      await as("ada").acquire("a.py", { ttlMs: 1000 });
      clock.advance(-HOUR_MS);
      await assert.rejects(as("bob").acquire("a.py"), { code: "conflict" });
      clock.advance(999);
      await assert.rejects(as("bob").acquire("a.py"), { code: "conflict" });
      clock.advance(1);
      const [lease] = await as("bob").acquire("a.py");
      // A refusal alone is enough for the store to notice that the clock was set back.
      clock.advance(-HOUR_MS);
      await assert.rejects(as("cyd").acquire("a.py"), { code: "conflict" });
      clock.advance(300_000);
      const [next] = await as("cyd").acquire("a.py");
      assert.ok(next!.fence > lease!.fence && next!.acquiredAtMs >= lease!.expiresAtMs);
    } finally {
      await store.close();
    }
  },
});

Deno.test({
  name: "doctor tells that the store's clock is ahead of the server's",
  ignore: !hasRedis(),
  async fn() {
    await using server = await startRedis();
    await withProject(async (dir) => {
      const env = { AGENTCOORD_STORE: server.url, AGENTCOORD_AGENT: "ada" };
      const look = async () => {
        const { document } = await cliJson(dir, ["doctor"], { env });
        return document.data.checks.find(({ name }: { name: string }) =>
          name === "store_clock_ahead_ms"
        );
      };
      const ahead = await RedisStore.open(server.url, {
        namespace: "default",
        nowMs: () => Date.now() + HOUR_MS,
      });
      const context = {
        clock: new TestClock(),
        lockPath: (path: string) => ({ path, aliases: [] }),
      };
      await new Locks({ ...context, store: ahead, actor: { name: "eve", host: "h" } }).acquire("e");
      await ahead.close();
      const { code } = await cliJson(dir, ["lock", "acquire", "a.py"], { env });
      assert.equal(code, 0);
      const { ok, value, hint } = await look();
      assert.equal(ok, true);
      assert.ok(value > HOUR_MS - 60_000 && value < HOUR_MS + 60_000, `${value}`);
      assert.match(hint, /clock was set back/);
    });
  },
});

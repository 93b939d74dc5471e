/**
 * The clock of a Redis server was ahead, and was set back: the store's goes on at real speed from where it was.
 * @module
 */
import assert from "node:assert/strict";
import { Locks } from "../../src/lock/lock.ts";
import { RedisStore } from "../../src/open/redis.ts";
import { cli, cliJson, withProject } from "../support/cli.ts";
import { freshNamespace, hasRedis, sharedRedis, startRedis } from "../../dev/redis_server.ts";
import { TestClock } from "../../dev/stores.ts";
import { contextOn } from "../../dev/room_context.ts";

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
      const as = (name: string) => new Locks(contextOn(store, clock, name));
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
  name:
    "command on a server whose clock was set back warns, and shows what is left by the store's clock",
  ignore: !hasRedis(),
  async fn() {
    await using server = await startRedis();
    await withProject(async (dir) => {
      const env = {
        AGENTCOORD_STORE: server.url,
        AGENTCOORD_NAMESPACE: "default",
        AGENTCOORD_AGENT: "ada",
      };
      const healthy = await cliJson(dir, ["status"], { env });
      assert.deepEqual(healthy.document.warnings, []);
      const ahead = await RedisStore.open(server.url, {
        namespace: "default",
        nowMs: () => Date.now() + HOUR_MS,
      });
      await ahead.agents().then((agents) => agents.touch({ name: "eve", host: "h" }));
      await ahead.close();
      await cli(dir, ["lock", "acquire", "a.py", "--ttl", "5m"], { env });
      for (
        const words of [["status"], ["locks"], ["lock", "acquire", "b.py"], ["task", "counts"]]
      ) {
        const { code, document } = await cliJson(dir, words, { env });
        assert.equal(code, 0);
        assert.match(document.warnings[0], /store's clock is (?:1h|59m\d+s) ahead of this host's/);
        assert.equal(document.warnings.length, 1);
      }
      const refused = await cliJson(dir, ["lock", "acquire", "a.py", "--agent", "bob"], { env });
      assert.equal(refused.code, 3);
      assert.match(refused.document.error.message, /free in (?:5m|4m\d\ds) at the latest/);
      assert.equal(refused.document.warnings.length, 1);
      const { stdout, stderr } = await cli(dir, ["locks"], { env });
      assert.match(stdout, / (?:5m|4m\d\ds)/);
      assert.doesNotMatch(stdout, /1h/);
      assert.match(stderr, /ahead of this host's/);
    });
  },
});

Deno.test({
  name: "doctor tells that the store's clock is ahead of the server's",
  ignore: !hasRedis(),
  async fn() {
    await using server = await startRedis();
    await withProject(async (dir) => {
      const env = {
        AGENTCOORD_STORE: server.url,
        AGENTCOORD_NAMESPACE: "default",
        AGENTCOORD_AGENT: "ada",
      };
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
      await new Locks(contextOn(ahead, new TestClock(), "eve")).acquire("e");
      await ahead.close();
      const { code, document } = await cliJson(dir, ["lock", "acquire", "a.py"], { env });
      assert.equal(code, 0);
      assert.equal(document.warnings.length, 1);
      const { ok, value, hint } = await look();
      assert.equal(ok, true);
      assert.ok(value > HOUR_MS - 60_000 && value < HOUR_MS + 60_000, `${value}`);
      assert.match(hint, /clock was set back/);
    });
  },
});

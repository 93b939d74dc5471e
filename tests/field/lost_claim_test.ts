/**
 * A claim or an acquisition that was executed though its answer never came is known to nobody: it lapses by its own
 * lease, however lively the session that asked for it goes on.
 * @module
 */
import assert from "node:assert/strict";
import { CoordinationClient } from "../../src/client.ts";
import { StoreUnavailableError } from "../../src/errors.ts";
import type { EventType } from "../../src/event/model.ts";
import { freshNamespace, hasRedis, startRedis } from "../../dev/redis_server.ts";
import { startProxy } from "../../dev/proxy.ts";
import { eventually } from "../support/wrapped.ts";

const LEASE_MS = 1500;

Deno.test({
  name: "lease whose answer was lost lapses while its session lives on (redis)",
  ignore: !hasRedis(),
  async fn() {
    await using server = await startRedis();
    const namespace = freshNamespace();
    await using direct = await CoordinationClient.open({ store: server.url, namespace });
    await using boss = await direct.session("boss", { heartbeat: false });
    await using proxy = await startProxy(server);
    const store = `${proxy.url}?command_timeout=300ms`;
    await using client = await CoordinationClient.open({ store, namespace });
    await using ada = await client.session("ada", { ttlMs: 300 });
    // The scripts are known: a text that has to be sent again would never be.
    await boss.tasks.create([{ title: "first" }]);
    await (await ada.claimTask())!.complete();
    await (await ada.lockFile("warm.py")).release();
    await boss.tasks.create([{ title: "lost", leaseMs: LEASE_MS }]);

    // Busy for 0.9 s; what arrives meanwhile is executed after it, whoever has given it up.
    const task = async () => (await direct.tasks.list()).tasks[1]!;
    const claims = async (type: EventType) => (await direct.events.list({ type })).events.length;
    const sent = (error: unknown) =>
      error instanceof StoreUnavailableError && error.details.sent === true;
    // What is held back arrives, and is executed, once both calls have been given up.
    proxy.blackhole(true);
    await Promise.all([
      assert.rejects(ada.claimTask(), sent),
      assert.rejects(ada.lockFile("a.py", { ttlMs: LEASE_MS }), sent),
    ]);
    proxy.blackhole(false);
    await eventually(
      "both, late",
      async () =>
        (await claims("task.claimed")) === 2 && (await claims("lock.acquired")) === 2 || undefined,
    );
    await eventually("its end", async () => {
      await ada.board.post({ title: "alive", message: "still here" });
      return (await task()).status === "pending" || undefined;
    });
    assert.equal((await ada.agents.show("ada")).locks, 0);
    assert.equal((await boss.tasks.claim())[0]!.title, "lost");
  },
});

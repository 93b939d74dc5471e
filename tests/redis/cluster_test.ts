/**
 * The rooms on a real cluster: several processes' worth of connections, a slot that moves, a node that dies.
 * @module
 */
import assert from "node:assert/strict";
import { StoreUnavailableError } from "../../src/errors.ts";
import { startCluster } from "../../dev/redis_cluster.ts";
import { freshNamespace, hasRedis, pause } from "../../dev/redis_server.ts";
import { ends, GENEROUS_MS } from "../../dev/sleepers.ts";
import { Member } from "./member.ts";

const HOUR_MS = 3_600_000;

Deno.test({
  name: "the rooms work on a cluster, wake each other, and outlive a moved slot and a dead node",
  ignore: !hasRedis(),
  async fn(t) {
    await using cluster = await startCluster({ nodes: 3, replicas: 1 });
    const namespace = freshNamespace();
    const location = `${cluster.url}#${namespace}`;
    await using ada = await Member.join(location, "ada");
    await using bob = await Member.join(location, "bob");

    await t.step("locks exclude and are handed over", async () => {
      const [first] = await ada.locks.acquire("a.py");
      const waiting = bob.unpolled.locks.acquire("a.py", { waitMs: HOUR_MS });
      await bob.asleep();
      await ada.locks.release("a.py");
      const [second] = await ends("the wait", waiting);
      assert.ok(second!.fence > first!.fence);
    });

    await t.step("tasks are handed out by tags, and wake those who wait for them", async () => {
      const waiting = bob.unpolled.tasks.claim({ tags: ["x"], waitMs: HOUR_MS });
      await bob.asleep();
      const created = await ada.tasks.create([{ title: "y", tags: ["y"], priority: 9 }, {
        title: "x",
        tags: ["x", "z"],
      }]);
      const [task] = await ends("the wait", waiting);
      assert.equal(task!.id, created[1]!.id);
      const { next } = await bob.tasks.completeAndClaim(task!.id, { result: "done" });
      assert.equal(next[0]!.id, created[0]!.id);
      await bob.tasks.complete(next[0]!.id);
    });

    await t.step("approvals and inboxes wake those who wait for them", async () => {
      const { id } = await ada.approvals.request({ actionType: "deploy", description: "v2" });
      const decision = ada.unpolled.approvals.wait(id);
      const message = ada.unpolled.board.inboxWait({ timeoutMs: HOUR_MS });
      await ada.asleep(2);
      await bob.approvals.approve(id);
      await bob.board.post({ title: "for @ada" });
      assert.equal((await ends("the decision", decision)).status, "approved");
      assert.equal((await ends("the message", message))[0]!.title, "for @ada");
    });

    await t.step("events are followed as they happen", async () => {
      const enough = new AbortController();
      const seen: string[] = [];
      const following = (async () => {
        for await (
          const { type, subject } of ada.unpolled.events.follow({ signal: enough.signal })
        ) {
          seen.push(`${type} ${subject}`);
          if (seen.length === 10) break;
        }
      })();
      await ada.asleep();
      for (let i = 0; i < 10; i++) {
        await bob.locks.acquire(`file${i}`);
        await pause(5);
      }
      await ends("following", following);
      assert.deepEqual(seen, Array.from({ length: 10 }, (_, i) => `lock.acquired file${i}`));
      enough.abort();
      await bob.locks.releaseAll();
    });

    const key = `{agentcoord:${namespace}}:state`;
    await t.step("nothing fails or is lost while the slot moves to another node", async () => {
      let moving = true;
      const ids: string[] = [];
      const work = (async () => {
        for (let i = 0; moving; i++) {
          const [task] = await ada.tasks.create([{ title: `${i}` }]);
          ids.push(task!.id);
          const [claimed] = await bob.tasks.claim();
          await bob.tasks.complete(claimed!.id);
        }
      })();
      const from = await cluster.ownerOf(key);
      const others = cluster.nodes.slice(0, 3).filter((node) => node !== from);
      do {
        for (const node of [...others, from]) await cluster.moveSlot(key, node);
      } while (ids.length <= 3);
      moving = false;
      await work;
      assert.equal((await ada.tasks.counts()).completed, ids.length + 2);
    });

    await t.step("work goes on when the node dies and its replica takes over", async () => {
      const owner = await cluster.ownerOf(key);
      const [before] = await ada.locks.acquire("survivor", { ttlMs: 120_000 });
      const { id } = await ada.audit.log({ decisionType: "last", context: "c", reason: "r" });
      await caughtUp(owner);
      await owner.kill();
      const startedMs = performance.now();
      let answered = false;
      while (!answered) {
        assert.ok(performance.now() - startedMs < GENEROUS_MS, "no node took over");
        try {
          await bob.locks.acquire("new");
          answered = true;
        } catch (error) {
          assert.ok(error instanceof StoreUnavailableError, Deno.inspect(error));
          assert.ok(error.retryable, error.message);
          await pause(50);
        }
      }
      const [kept] = await ada.locks.list({ holder: "ada" });
      assert.deepEqual(kept, before);
      assert.equal((await ada.audit.list({ type: "last" })).entries[0]!.id, id);
      assert.deepEqual(await ada.locks.verify("survivor", { fence: before!.fence }), before);
      const [after] = await bob.locks.list({ holder: "bob" });
      assert.ok(
        after!.fence > before!.fence + 1000,
        "fences have a gap when another server answers",
      );
      // The connection for messages may have been to the dead node.
      const waiting = bob.unpolled.locks.acquire("survivor", { waitMs: HOUR_MS });
      await bob.asleep();
      await ada.locks.release("survivor");
      await ends("the wait", waiting);
    });
  },
});

/** Waits until the node's replica has everything. */
async function caughtUp(node: { command(...args: string[]): Promise<unknown> }): Promise<void> {
  for (;;) {
    const info = String(await node.command("INFO", "replication"));
    const own = /^master_repl_offset:(\d+)/m.exec(info)?.[1];
    const other = /^slave0:.*offset=(\d+)/m.exec(info)?.[1];
    if (own !== undefined && own === other) return;
    await pause(20);
  }
}

/**
 * A store that is full: what ends something or keeps it alive still works, what makes something new is refused.
 * @module
 */
import assert from "node:assert/strict";
import { CoordinationClient } from "../../mod.ts";
import { hasRedis, type RedisServer, startRedis } from "../../dev/redis_server.ts";

Deno.test({
  name: "full server lets holders renew, finish and leave, and refuses what is new",
  ignore: !hasRedis(),
  async fn() {
    await using server = await startRedis();
    await using client = await CoordinationClient.open({ store: server.url });
    await using boss = await client.session("boss", { heartbeat: false });
    await using ada = await client.session("ada", { heartbeat: false, onClose: "leave" });
    await using bob = await client.session("bob", { heartbeat: false });
    await boss.tasks.create(["a", "b", "c", "d", "e", "f"].map((title) => ({ title })));
    const tasks = await ada.tasks.claim({ count: 4 });
    const [first, second, third, fourth] = tasks.map(({ id }) => id);
    await ada.locks.acquire(["a.py", "b.py", "c.py"]);
    const thread = await boss.board.post({ title: "t", message: "@ada" });
    const { id } = await ada.approvals.request({ actionType: "deploy", description: "d" });
    await server.command("CONFIG", "SET", "maxmemory-policy", "noeviction");
    await server.command("CONFIG", "SET", "maxmemory", "1mb");

    const full = { code: "store_unavailable", message: /used up its memory.*task prune/ };
    await assert.rejects(boss.tasks.create([{ title: "new" }]), full);
    await assert.rejects(bob.locks.acquire("new.py"), full);
    await assert.rejects(boss.board.post({ title: "new", message: "m" }), full);
    await assert.rejects(bob.approvals.request({ actionType: "x", description: "d" }), full);
    const entry = { decisionType: "x", context: "c", reason: "r" };
    await assert.rejects(bob.audit.log(entry), full);

    await ada.locks.renew("a.py");
    await ada.locks.release("b.py");
    await boss.locks.break("c.py", { reason: "full" });
    await ada.tasks.renew(first!, { progress: "half" });
    await ada.tasks.complete(first!, { result: { ok: true } });
    await ada.tasks.fail(second!, { error: "broken" });
    await ada.tasks.release(third!);
    await boss.tasks.cancel(fourth!);
    assert.equal((await boss.tasks.retry(fourth!)).status, "pending");
    await boss.tasks.cancel(fourth!);
    assert.equal((await boss.board.resolve(thread.id)).status, "resolved");
    assert.equal((await bob.tasks.claim()).length, 1);
    await ada.agents.heartbeat();
    assert.equal((await ada.board.inbox({ ack: true })).length, 1);
    await boss.approvals.approve(id);
    await ada.approvals.use(id);
    const { released } = await ada.agents.deregister();
    assert.equal(released.locks, 1);
    assert.deepEqual((await client.locks.list()).map(({ path }) => path), []);
    await boss.agents.prune();
    await server.command("CONFIG", "SET", "maxmemory", "0");
    await boss.tasks.create([{ title: "room again" }]);
  },
});

/** How often the server has executed HDEL: what a script begins with on a server whose memory is full. */
async function hdels(server: RedisServer): Promise<number> {
  const stats = String(await server.command("INFO", "commandstats"));
  return Number(/cmdstat_hdel:calls=(\d+)/.exec(stats)?.[1] ?? 0);
}

Deno.test({
  name: "server with memory left is never sent what works on a full one",
  ignore: !hasRedis(),
  async fn() {
    await using server = await startRedis();
    await using client = await CoordinationClient.open({ store: server.url });
    await using ada = await client.session("ada", { heartbeat: false, onClose: "leave" });
    await ada.tasks.create([{ title: "a" }, { title: "b" }]);
    const [first, second] = await ada.tasks.claim({ count: 2 });
    await ada.locks.acquire(["a.py", "b.py"]);
    const before = await hdels(server);
    await ada.locks.renew("a.py");
    await ada.tasks.renew(first!.id);
    assert.equal(await hdels(server), before);

    await server.command("CONFIG", "SET", "maxmemory", "1mb");
    await ada.locks.renew("a.py");
    assert.equal(await hdels(server), before + 1);
    // Operations of one kind that are asked for at once are one call, also then.
    await Promise.all([ada.tasks.renew(first!.id), ada.tasks.renew(second!.id)]);
    assert.equal(await hdels(server), before + 2);

    await server.command("CONFIG", "SET", "maxmemory", "0");
    await ada.locks.renew("b.py");
    assert.equal(await hdels(server), before + 2);
  },
});

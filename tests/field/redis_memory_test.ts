/**
 * A fence is never given twice, and never a smaller one later, also by a server that has lost what it knew.
 * @module
 */
import assert from "node:assert/strict";
import { Member } from "../redis/member.ts";
import { hasRedis, type RedisServer, startRedis } from "../../dev/redis_server.ts";
import { eventually } from "../support/wrapped.ts";

const NAMESPACE = "memory";
const STATE = `{agentcoord:${NAMESPACE}}:state`;

/** One agent, over a connection of its own that stays open. */
const join = (server: RedisServer, name: string) => Member.join(`${server.url}#${NAMESPACE}`, name);

async function fenceOf({ locks }: Member, path: string): Promise<number> {
  const [lease] = await locks.acquire(path);
  return lease!.fence;
}

function redisTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: !hasRedis(), fn });
}

redisTest("fence grows when the server comes back empty after it was killed", async () => {
  await using server = await startRedis();
  await using ada = await join(server, "ada");
  const before = await fenceOf(ada, "deploy/");
  await server.kill();
  await server.restart();
  await using bob = await join(server, "bob");
  const after = await fenceOf(bob, "deploy/");
  assert.ok(after > before, `${after} after ${before}`);
  await assert.rejects(ada.locks.verify("deploy/", { fence: before }), { code: "lease_lost" });
  assert.equal((await bob.locks.verify("deploy/", { fence: after })).holder, "bob");
});

redisTest(
  "fences and event numbers grow when the namespace is emptied again and again",
  async () => {
    await using server = await startRedis();
    await using ada = await join(server, "ada");
    const numbers: number[] = [];
    const events: string[] = [];
    for (let round = 0; round < 100; round++) {
      numbers.push(await fenceOf(ada, "a"), await fenceOf(ada, "b"));
      events.push((await ada.events.list()).cursor);
      await server.command(...(round % 2 === 0 ? ["FLUSHALL"] : ["DEL", STATE]));
      await server.command("FLUSHALL");
    }
    assert.deepEqual(numbers, [...new Set(numbers)].sort((a, b) => a - b));
    assert.deepEqual(events, [...new Set(events)].sort());
  },
);

redisTest("fence grows when the state alone was evicted", async () => {
  await using server = await startRedis();
  await using ada = await join(server, "ada");
  const before = await fenceOf(ada, "a");
  await server.command("DEL", STATE);
  const after = await fenceOf(ada, "b");
  assert.ok(after > before, `${after} after ${before}`);
});

redisTest("fence grows when a replica that was never synchronised is promoted", async () => {
  await using x = await startRedis();
  await using y = await startRedis();
  await using ada = await join(x, "ada");
  const before = await fenceOf(ada, "a");
  await y.command("REPLICAOF", "127.0.0.1", x.port);
  await y.command("REPLICAOF", "NO", "ONE");
  await using bob = await join(y, "bob");
  const after = await fenceOf(bob, "a");
  assert.ok(after > before, `${after} after ${before}`);
});

/** Makes `replica` follow `primary`, and waits until it has everything. */
async function follow(replica: RedisServer, primary: RedisServer): Promise<void> {
  await replica.command("REPLICAOF", "127.0.0.1", primary.port);
  await eventually("a replica that is up to date", async () => {
    const state = await primary.command("GET", STATE);
    return /master_link_status:up/.test(String(await replica.command("INFO", "replication"))) &&
      await replica.command("GET", STATE).then((own) => own === state, () => false);
  }, 20_000);
}

/** Where the other primary wrote: also before the old one was promoted again, or only then. */
for (const seen of [true, false]) {
  redisTest(
    `fence grows on a connection that was idle while its server was demoted and promoted again, ${
      seen ? "with" : "without"
    } writes of the other in it`,
    async () => {
      const config = { "repl-diskless-sync-delay": "0" };
      await using x = await startRedis({ config });
      await using y = await startRedis({ config });
      await follow(y, x);
      await using ada = await join(x, "ada");
      await fenceOf(ada, "one");
      await follow(y, x);
      await y.command("REPLICAOF", "NO", "ONE");
      await using bob = await join(y, "bob");
      if (seen) await fenceOf(bob, "two");
      await follow(x, y);
      await x.command("REPLICAOF", "NO", "ONE");
      // The other primary does not know yet, and what it gives out now is lost with it.
      const lost = await fenceOf(bob, "p");
      const next = await fenceOf(ada, "p");
      assert.ok(next > lost, `${next} after ${lost}`);
      await using cyd = await join(x, "cyd");
      await assert.rejects(cyd.locks.verify("p", { fence: lost }), { code: "lease_lost" });
    },
  );
}

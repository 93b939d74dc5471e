/**
 * Agents on their way between a directory that stands in and Redis.
 * @module
 */
import assert from "node:assert/strict";
import { DirectoryAgentTransfer } from "../../src/agent/directory/transfer.ts";
import { RedisAgentTransfer } from "../../src/agent/redis/transfer.ts";
import type { AgentRecord } from "../../src/agent/transfer.ts";
import type { Registration } from "../../src/agent/store.ts";
import { newId } from "../../src/id.ts";
import type { PortionLimit } from "../../src/transfer.ts";
import { type OutageBench, outageTest, PORTION } from "../support/outage.ts";

const registration = (name: string, more: Partial<Registration> = {}): Registration => ({
  id: newId("agt"),
  name,
  host: "mill",
  pid: 7,
  role: "engineer",
  workingOn: "the gate",
  tags: ["backend", "a\u0001b"],
  ttlMs: 90_000,
  takeover: false,
  ...more,
});

const record = (name: string, atMs: number, more: Partial<AgentRecord> = {}): AgentRecord => ({
  id: newId("agt"),
  name,
  role: "",
  workingOn: "",
  status: "active",
  tags: [],
  host: "mill",
  ttlMs: 60_000,
  registeredAtMs: atMs,
  lastHeartbeatAtMs: atMs,
  ...more,
});

async function move({ directory, redis }: OutageBench, limit: PortionLimit = PORTION) {
  const source = new DirectoryAgentTransfer(directory.engine);
  const target = new RedisAgentTransfer(redis.runner);
  for (;;) {
    const { records, keys, more } = await source.changed(limit);
    assert.deepEqual(await target.take(records), []);
    await source.settle(keys);
    if (!more) return;
  }
}

outageTest("agents of an outage are the same on the server, told once or twice", async (bench) => {
  const { directory, redis, clock } = bench;
  const agents = await directory.agents();
  await agents.register(registration("ada"));
  await agents.register(registration("bob", { tags: [] }));
  await agents.touch({ name: "cy", host: "lathe" });
  clock.advance(1000);
  await agents.heartbeat({ name: "bob", host: "mill" }, {
    status: "blocked",
    workingOn: "waiting",
  });
  await agents.deregister("ada");
  await move(bench, { records: 1, bytes: 1 << 20 });
  const there = await redis.agents();
  const events = await (await redis.events()).end();
  for (let round = 0; round < 2; round++) {
    const sorted = [...await there.list()].sort((a, b) => a.name < b.name ? -1 : 1);
    assert.deepEqual(sorted, await agents.list());
    assert.deepEqual(await there.summary(), await agents.summary());
    await new DirectoryAgentTransfer(directory.engine).markAll();
    await move(bench);
  }
  assert.equal(await (await redis.events()).end(), events, "no event was emitted");
  // The registration goes with it: repeated, it is known.
  const known = registration("dee");
  await agents.register(known);
  await move(bench);
  assert.equal((await there.register(known)).kind, "registered");
  assert.equal((await there.register(registration("dee"))).kind, "taken");
});

outageTest("agents taken over are pruned, and come back, as any other", async (bench) => {
  const { directory, redis, clock } = bench;
  await (await directory.agents()).register(registration("ada"));
  await (await directory.agents()).deregister("ada");
  await move(bench);
  const there = await redis.agents();
  await there.touch({ name: "ada", host: "mill" });
  assert.equal((await there.get("ada"))!.status, "active");
  await there.deregister("ada");
  clock.advance(1000);
  const pruned = await there.prune({ name: "bob", host: "mill" }, 10);
  assert.deepEqual(pruned.agents.map(({ name }) => name), ["ada"]);
});

outageTest("the later word about an agent counts, whichever store has it", async (bench) => {
  const { redis, clock } = bench;
  const there = await redis.agents();
  const target = new RedisAgentTransfer(redis.runner);
  const { agent } = await there.register(registration("ada"));
  const nowMs = clock.nowMs();
  await target.take([record("ada", nowMs - 1)]);
  assert.deepEqual(await there.get("ada"), agent);
  await target.take([record("ada", nowMs + 5, { id: "agt_new", status: "idle" })]);
  assert.deepEqual(
    await there.get("ada").then((ada) => [ada!.id, ada!.status, ada!.lastHeartbeatAtMs]),
    ["agt_new", "idle", nowMs + 5],
  );
  // It left on the server after it was heard of in the directory.
  clock.advance(100);
  await there.deregister("ada");
  await target.take([record("ada", nowMs + 50)]);
  assert.equal((await there.get("ada"))!.status, "gone");
  await target.take([record("ada", nowMs + 50, { goneAtMs: nowMs + 200 })]);
  assert.equal((await there.get("ada"))!.status, "gone");
  await target.take([record("ada", nowMs + 300)]);
  assert.equal((await there.get("ada"))!.status, "active");
});

outageTest(
  "agent removed in an outage is removed on the server unless it holds something",
  async (bench) => {
    const { directory, redis, clock } = bench;
    const actor = (name: string) => ({ name, host: "mill" });
    for (const name of ["ada", "bob"]) {
      await (await redis.agents()).register(registration(name));
      await (await directory.agents()).register(registration(name));
      await (await directory.agents()).deregister(name);
    }
    const request = { paths: ["a"], mode: "exclusive", ttlMs: 60_000, intent: "" } as const;
    await (await redis.locks()).acquire(actor("bob"), { ...request, reentrant: false });
    clock.advance(10);
    await (await directory.agents()).prune(actor("cy"), 10);
    await move(bench);
    const left = await (await redis.agents()).list();
    assert.deepEqual(left.map(({ name }) => name).sort(), ["bob", "cy"]);
  },
);

outageTest(
  "agents carried into a directory count as heard of now, and are no change of it",
  async (bench) => {
    const { directory, clock } = bench;
    const target = new DirectoryAgentTransfer(directory.engine);
    const agents = await directory.agents();
    const nowMs = clock.nowMs();
    const { agent: here } = await agents.register(registration("bob"));
    const told = [
      record("ada", nowMs - 500_000, {
        status: "blocked",
        pid: 9,
        tags: ["x"],
        registration: "agt_r",
      }),
      record("bob", nowMs - 10),
      record("cy", nowMs - 9, { goneAtMs: nowMs - 5 }),
    ];
    await target.take(told);
    await target.take(told);
    const [ada, bob, cy] = await agents.list();
    assert.deepEqual([ada!.status, ada!.lastHeartbeatAtMs, ada!.pid, ada!.tags], [
      "blocked",
      nowMs,
      9,
      ["x"],
    ]);
    assert.equal(ada!.registeredAtMs, nowMs - 500_000);
    assert.deepEqual(bob, here);
    assert.deepEqual([cy!.status, cy!.lastHeartbeatAtMs], ["gone", nowMs - 9]);
    assert.deepEqual((await target.changed(PORTION)).keys, ["bob"]);
  },
);

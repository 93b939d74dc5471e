import assert from "node:assert/strict";
import { RedisAgents } from "../../../src/agent/redis/store.ts";
import { Locks } from "../../../src/lock/lock.ts";
import { RedisLocks } from "../../../src/lock/redis/store.ts";
import type { RoomContext } from "../../../src/context.ts";
import { Script } from "../../../src/engine/redis/script.ts";
import { ScriptRunner } from "../../../src/engine/redis/script_runner.ts";
import type { Store } from "../../../src/store.ts";
import { type OperationBench, operationTest } from "../../support/redis_operations.ts";

const DAY = 24 * 3_600_000;

/** Registers `w1`, `w2` and so on: every second one idle, every third one blocked, some of them silent. */
const CROWD = new Script(
  "test/crowd",
  ["agent_reported", "agents_left"],
  `local counts = { active = 0, idle = 0, blocked = 0, hung = 0, gone = 0 }
   for i = 1, tonumber(ARGV[5]) do
     local name, word = 'w' .. i, i % 2 == 0 and 'idle' or i % 3 == 0 and 'blocked' or 'active'
     local silent = i % 5 == 0 and 86400000 or i % 7 == 0 and 300001 or 300000
     call('HSET', AGENTS, name, '{"tags":"[]","ttlMs":1}')
     call('ZADD', SEEN, int(now - silent), name)
     if word ~= 'active' then call('HSET', AGENT_REPORTED, name, word) end
     local status = i % 5 == 0 and 'gone' or i % 7 == 0 and 'hung' or word
     counts[status] = counts[status] + 1
   end
   return cjson.encode(counts)`,
);

/** What each of two processes has of one store. */
function processes({ runner, connection, clock }: OperationBench): [ScriptRunner, ScriptRunner] {
  const namespace = runner.prefix.slice("{agentcoord:".length, -2);
  return [runner, new ScriptRunner(connection, { namespace, nowMs: clock.nowMs })];
}

/** The locks of `ada` in one process. */
function locksOf(runner: ScriptRunner, { clock }: OperationBench): Locks {
  const room = new RedisLocks(runner);
  const store = { locks: () => Promise.resolve(room) } as unknown as Store;
  const lockPath = (path: string) => ({ path, aliases: [] });
  const actor = { name: "ada", host: "mill" };
  return new Locks({ store, clock, lockPath, actor } as unknown as RoomContext);
}

operationTest(
  "agent deregistered by another process on Redis is registered again by its next act",
  async (bench) => {
    const [here, there] = processes(bench);
    const locks = locksOf(here, bench);
    const agents = new RedisAgents(there);
    await locks.acquire("a.py");
    const first = await agents.get("ada");
    await agents.deregister("ada");
    // Its heartbeat is not due for most of a second yet.
    bench.clock.advance(10);
    await locks.acquire("b.py");
    const agent = await agents.get("ada");
    assert.deepEqual([agent?.id, agent?.status, agent?.locks], [first?.id, "active", 1]);
    const pruned = await agents.prune({ name: "eve", host: "mill" }, 500);
    assert.deepEqual(pruned, { agents: [] }, "it is back");
    assert.equal(await bench.raw("ZCARD", ":agents_left"), 0);
  },
);

operationTest("agent sign of life on Redis that is not due writes nothing", async (bench) => {
  const [here, there] = processes(bench);
  const locks = locksOf(here, bench);
  const agents = new RedisAgents(there);
  await locks.acquire("a.py");
  const heard = (await agents.get("ada"))?.lastHeartbeatAtMs;
  await agents.heartbeat({ name: "bob", host: "mill" }, {});
  await agents.deregister("bob");
  bench.clock.advance(10);
  await locks.acquire("b.py");
  assert.equal((await agents.get("ada"))?.lastHeartbeatAtMs, heard);
});

operationTest("agent summary on Redis counts the words of many", async (bench) => {
  const agents = new RedisAgents(bench.runner);
  assert.deepEqual(await agents.summary(), { active: 0, idle: 0, blocked: 0, hung: 0, gone: 0 });
  const counts = JSON.parse(String(await bench.runner.write(CROWD, undefined, 5000)));
  assert.deepEqual(await agents.summary(), counts);
  assert.equal((await agents.list()).length, 5000);
  assert.equal((await agents.hung(300_000)).length, counts.hung);
});

operationTest("agent prune on Redis passes over many that hold something", async (bench) => {
  const agents = new RedisAgents(bench.runner);
  const eve = { name: "eve", host: "mill" };
  const locks = new RedisLocks(bench.runner);
  const request = { mode: "exclusive", ttlMs: 3 * DAY, intent: "", reentrant: false } as const;
  for (let i = 0; i < 250; i++) {
    await locks.acquire({ name: `h${i}`, host: "mill" }, { ...request, paths: [`${i}`] });
  }
  bench.clock.advance(1);
  for (const name of ["x", "y", "z"]) await agents.heartbeat({ name, host: "mill" }, {});
  bench.clock.advance(DAY);
  const prune = async (from = "") => {
    const { agents: removed, next } = await agents.prune(eve, 2, from);
    return [removed.map(({ name }) => name), next];
  };
  assert.deepEqual(await prune(), [["x", "y"], "s250"]);
  assert.deepEqual(await prune("s250"), [["z"], undefined]);
  assert.deepEqual(await prune(), [[], undefined]);
});

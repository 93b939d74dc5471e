/**
 * Which sites use a namespace, as Redis knows it.
 * @module
 */
import assert from "node:assert/strict";
import { RedisConnection } from "../../../src/engine/redis/connection.ts";
import { Script } from "../../../src/engine/redis/script.ts";
import { ScriptRunner } from "../../../src/engine/redis/script_runner.ts";
import {
  listSites,
  seeSites,
  SITE_MEMORY_MS,
  SITES_TOLD,
} from "../../../src/engine/redis/sites.ts";
import { redisEngine } from "../../../src/open/redis_engine.ts";
import { systemClock } from "../../../src/clock.ts";
import { Audit } from "../../../src/audit/audit.ts";
import { contextOn } from "../../../dev/room_context.ts";
import { monitor } from "../../../dev/redis_monitor.ts";
import { freshNamespace, hasRedis, sharedRedis, startRedis } from "../../../dev/redis_server.ts";

const START = 1_800_000_000_000;
const ADA = { name: "ada", host: "test-host" };
const WRITE = new Script("test/write", [], "return finish('written')");

interface Bench {
  /** Runs scripts at `clock.nowMs`. */
  readonly runner: ScriptRunner;
  readonly clock: { nowMs: number };
}

function sitesTest(name: string, body: (bench: Bench) => Promise<void>): void {
  Deno.test({ name, ignore: !hasRedis() }, async () => {
    const connection = await RedisConnection.open((await sharedRedis()).url);
    const clock = { nowMs: START };
    const namespace = freshNamespace();
    try {
      await body({
        runner: new ScriptRunner(connection, { namespace, nowMs: () => clock.nowMs }),
        clock,
      });
    } finally {
      await connection.close();
    }
  });
}

sitesTest("site hears of every other one and never of itself", async ({ runner, clock }) => {
  assert.deepEqual(await seeSites(runner, "sit_A"), { others: [], nowMs: START });
  clock.nowMs += 1000;
  assert.deepEqual(await seeSites(runner, 'none:host "b"'), {
    others: [{ site: "sit_A", lastSeenMs: START }],
    nowMs: START + 1000,
  });
  clock.nowMs += 1000;
  assert.deepEqual(await seeSites(runner, "sit_A"), {
    others: [{ site: 'none:host "b"', lastSeenMs: START + 1000 }],
    nowMs: START + 2000,
  });
});

sitesTest("site is remembered for 24 hours after its last word", async ({ runner, clock }) => {
  await seeSites(runner, "sit_A");
  clock.nowMs += SITE_MEMORY_MS - 1;
  assert.equal((await seeSites(runner, "sit_B")).others.length, 1);
  clock.nowMs += 1;
  assert.deepEqual((await seeSites(runner, "sit_B")).others, []);
  const kept = await runner.connection.send("ZRANGE", [`${runner.prefix}sites`, "0", "-1"]);
  assert.deepEqual(kept, ["sit_B"]);
});

sitesTest("forgotten site is away until it is heard of again", async ({ runner, clock }) => {
  await seeSites(runner, "sit_A");
  assert.deepEqual((await listSites(runner, { forget: "sit_A" })).others, []);
  clock.nowMs += 5;
  await seeSites(runner, "sit_A");
  assert.deepEqual((await seeSites(runner, "sit_B")).others, [
    { site: "sit_A", lastSeenMs: START + 5 },
  ]);
});

sitesTest("who only asks for sites is none itself", async ({ runner }) => {
  assert.deepEqual((await listSites(runner)).others, []);
  await seeSites(runner, "sit_A");
  await seeSites(runner, "sit_B");
  const sites = (await listSites(runner, { forget: "sit_A" })).others;
  assert.deepEqual(sites, [{ site: "sit_B", lastSeenMs: START }]);
  assert.deepEqual((await listSites(runner)).others, sites);
});

sitesTest("site hears of the newest when there are many", async ({ runner, clock }) => {
  for (let n = 0; n < SITES_TOLD + 5; n++) {
    clock.nowMs++;
    await seeSites(runner, `none:host-${n}`);
  }
  await seeSites(runner, "sit_A");
  const { others } = await seeSites(runner, "sit_A");
  assert.equal(others.length, SITES_TOLD);
  assert.equal(others[0]!.site, `none:host-${SITES_TOLD + 4}`);
  assert.equal(others.at(-1)!.site, "none:host-5");
});

Deno.test({
  name:
    "client without a directory tells its site once behind its agent's first operation, and not while it reads",
  ignore: !hasRedis(),
}, async () => {
  await using server = await startRedis();
  const namespace = freshNamespace();
  const listener = await monitor(server);
  const told = async () =>
    (await listener.read()).filter(({ words: [command, key] }) =>
      command === "ZADD" && key?.endsWith(":sites")
    ).map(({ words }) => words.at(-1));
  const store = await redisEngine({ kind: "redis", url: server.url })
    .open({ namespace, durability: "full", clock: systemClock, acts: true });
  try {
    const audit = new Audit(contextOn(store, systemClock, "ada"));
    await audit.list();
    assert.deepEqual(await told(), []);
    for (const reason of ["first", "second"]) {
      await audit.log({ decisionType: "test", context: "none", reason });
      assert.deepEqual(await told(), [`none:${Deno.hostname()}`]);
    }
  } finally {
    await store.close();
    await listener.stop();
  }
});

Deno.test({
  name: "site that could not be told is told behind the next operation of an agent",
  ignore: !hasRedis(),
}, async () => {
  const connection = await RedisConnection.open((await sharedRedis()).url);
  try {
    let told = 0;
    const runner = new ScriptRunner(connection, {
      namespace: freshNamespace(),
      tellSite: () => ++told === 1 ? Promise.reject(new Error("refused")) : Promise.resolve(),
    });
    // What nobody does, such as the trial operation of doctor, tells nothing.
    assert.equal(await runner.write(WRITE, undefined), "written");
    assert.equal(told, 0);
    for (const want of [1, 2, 2]) {
      assert.equal(await runner.write(WRITE, ADA), "written");
      assert.equal(told, want);
    }
  } finally {
    await connection.close();
  }
});

sitesTest(
  "site that is known from before is put back, and none is set back",
  async ({ runner, clock }) => {
    await seeSites(runner, "sit_B");
    const known = [
      { site: "sit_B", lastSeenMs: START - 7 },
      { site: "sit_C", lastSeenMs: START - 5 },
      { site: "sit_D", lastSeenMs: START - SITE_MEMORY_MS },
    ];
    clock.nowMs += 1;
    assert.deepEqual((await seeSites(runner, "sit_A", { known })).others, [
      { site: "sit_B", lastSeenMs: START },
      { site: "sit_C", lastSeenMs: START - 5 },
    ]);
  },
);

/**
 * A client that may only read is answered, and what cannot be done behind a completion takes nothing from it.
 * @module
 */
import assert from "node:assert/strict";
import type { Clock } from "../../src/clock.ts";
import { DirectoryEngine } from "../../src/engine/directory/engine.ts";
import type { Engine } from "../../src/engine/directory/transaction.ts";
import { RedisConnection } from "../../src/engine/redis/connection.ts";
import { ScriptRunner } from "../../src/engine/redis/script_runner.ts";
import { StoreUnavailableError } from "../../src/errors.ts";
import { PREAMBLE } from "../../src/open/preamble.ts";
import { RedisStore } from "../../src/open/redis.ts";
import { SCHEMA } from "../../src/open/schema.ts";
import type { Store } from "../../src/store.ts";
import { DirectoryTasks } from "../../src/task/directory/store.ts";
import { RedisTasks } from "../../src/task/redis/store.ts";
import type { TaskStore } from "../../src/task/store.ts";
import { Tasks } from "../../src/task/task.ts";
import { freshNamespace, hasRedis, sharedRedis, startRedis } from "../../dev/redis_server.ts";
import { TestClock } from "../../dev/stores.ts";
import { contextOn } from "../../dev/room_context.ts";
import { titles } from "../support/task_titles.ts";

const MANY = 1300;

interface Bench {
  readonly clock: TestClock;
  readonly as: (name?: string) => Tasks;
  /** From now on only so many writes succeed. */
  readonly allow: (writes: number) => void;
}

/** Registers `body` for both kinds of store, whose writes it can make fail. */
function refusingTest(name: string, body: (bench: Bench) => Promise<void>): void {
  const run = async (clock: TestClock, make: (spend: () => void) => TaskStore) => {
    let left = Infinity;
    const steps = make(() => {
      if (left-- <= 0) throw new StoreUnavailableError("Cannot use the store: it takes no writes");
    });
    const tasks = () => Promise.resolve(steps);
    await body({
      clock,
      as: (agent) => as({ tasks }, clock, agent),
      allow: (writes) => left = writes,
    });
  };
  Deno.test(`${name} (directory)`, async () => {
    const clock = new TestClock();
    const directory = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
    const engine = await DirectoryEngine.open(directory, {
      schema: SCHEMA,
      preamble: PREAMBLE,
      durability: "normal",
      clock,
    });
    try {
      await run(clock, (spend) => {
        const write: Engine["write"] = async (actor, step) => {
          spend();
          return await engine.write(actor, step);
        };
        return new DirectoryTasks({
          waker: engine.waker,
          read: (look) => engine.read(look),
          write,
          writeFreeing: write,
        });
      });
    } finally {
      await engine.close();
      await Deno.remove(directory, { recursive: true });
    }
  });
  Deno.test({ name: `${name} (redis)`, ignore: !hasRedis() }, async () => {
    const clock = new TestClock();
    const connection = await RedisConnection.open((await sharedRedis()).url);
    const { nowMs } = clock;
    const runner = new ScriptRunner(connection, { namespace: freshNamespace(), nowMs });
    const write = runner.write.bind(runner);
    try {
      await run(clock, (spend) => {
        runner.write = async (...call) => {
          spend();
          return await write(...call);
        };
        return new RedisTasks(runner);
      });
    } finally {
      await connection.close();
    }
  });
}

function as(store: Pick<Store, "tasks">, clock: Clock, agent: string | undefined): Tasks {
  return new Tasks(contextOn(store as Store, clock, agent));
}

/** Tasks of which some will be dead and some pending when their leases lapse, and some are due then. */
async function expireMany(boss: Tasks, ada: Tasks, clock: TestClock): Promise<void> {
  const some = (word: string, task: object) =>
    boss.create(Array.from({ length: MANY / 2 }, (_, n) => ({ title: `${word} ${n}`, ...task })));
  await some("once", { maxAttempts: 1 });
  await some("again", { priority: 5 });
  for (let left = MANY; left > 0; left -= 100) {
    await ada.claim({ count: Math.min(100, left), leaseMs: 5000 });
  }
  await some("later", { notBeforeMs: clock.nowMs() + 5000 });
  await boss.create([{ title: "open", priority: 9 }, { title: "last", priority: 0 }]);
  clock.advance(5000);
}

async function assertTold(look: Tasks): Promise<void> {
  const { claimed, pending, scheduled, dead } = await look.counts();
  assert.deepEqual([claimed, pending, scheduled, dead], [0, MANY + 2, 0, MANY / 2]);
  const numbered = (word: string) => Array.from({ length: MANY / 2 }, (_, n) => `${word} ${n}`);
  const [once, again, later] = ["once", "again", "later"].map(numbered);
  assert.deepEqual(
    await titles(look, { status: "pending" }),
    [...again!, ...later!, "open", "last"],
  );
  assert.deepEqual(await titles(look, { status: "dead" }), once);
  assert.deepEqual(await titles(look, { status: "claimed" }), []);
  assert.deepEqual(await titles(look, { status: "scheduled" }), []);
  assert.deepEqual(
    await titles(look, { order: "claim" }),
    ["open", ...again!, ...later!, "last", ...once!],
  );
}

refusingTest("task list and counts answer when nothing can be written", async (bench) => {
  await expireMany(bench.as("boss"), bench.as("ada"), bench.clock);
  bench.allow(0);
  await assertTold(bench.as());
});

refusingTest(
  "task complete stands when its dependents cannot be unblocked",
  async ({ as, allow }) => {
    const ada = as("ada");
    const [hub] = await ada.create([{ title: "hub", priority: 9 }, { title: "next", priority: 8 }]);
    await ada.create(
      Array.from({ length: 700 }, (_, n) => ({ title: `${n}`, dependsOn: [hub!.id] })),
    );
    await ada.claim();
    allow(1);
    const { task, next } = await ada.completeAndClaim(hub!.id, { result: "built" });
    assert.deepEqual([task.status, task.result], ["completed", "built"]);
    assert.deepEqual(next.map(({ title }) => title), ["next"]);
    allow(Infinity);
    for (let got = 0; got < 700;) got += (await ada.claim({ count: 100 })).length;
    assert.equal((await ada.counts()).blocked, 0);
  },
);

Deno.test({
  name: "task list and counts answer a user of a server who may not write",
  ignore: !hasRedis(),
  fn: async () => {
    await using server = await startRedis();
    const clock = new TestClock();
    const namespace = freshNamespace();
    const store = await RedisStore.open(server.url, { namespace, nowMs: clock.nowMs });
    try {
      await expireMany(as(store, clock, "boss"), as(store, clock, "ada"), clock);
    } finally {
      await store.close();
    }
    const rules = ["on", ">hunter2", "~*", "&*", "+@all", "-@write"];
    await server.command("ACL", "SETUSER", "reader", ...rules);
    const url = Object.assign(new URL(server.url), { username: "reader", password: "hunter2" });
    const reader = await RedisStore.open(url.href, { namespace, nowMs: clock.nowMs });
    try {
      await assertTold(as(reader, clock, undefined));
    } finally {
      await reader.close();
    }
  },
});

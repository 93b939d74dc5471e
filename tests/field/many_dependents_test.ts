/**
 * A task that very many others wait for: completing it tells them in operations of bounded size, and none is left out.
 * @module
 */
import assert from "node:assert/strict";
import { systemClock } from "../../src/clock.ts";
import { DirectoryEngine } from "../../src/engine/directory/engine.ts";
import type { Engine, Transaction } from "../../src/engine/directory/transaction.ts";
import type { Store } from "../../src/store.ts";
import { RedisStore } from "../../src/open/redis.ts";
import { DirectoryTasks } from "../../src/task/directory/store.ts";
import { Tasks } from "../../src/task/task.ts";
import { monitor } from "../../dev/redis_monitor.ts";
import { freshNamespace, hasRedis, startRedis } from "../../dev/redis_server.ts";
import { storeTest } from "../../dev/stores.ts";
import { PREAMBLE } from "../../src/open/preamble.ts";
import { SCHEMA } from "../../src/open/schema.ts";
import { contextOn } from "../../dev/room_context.ts";

const MANY = 700;

async function waitingFor(tasks: Tasks, id: string, count = MANY): Promise<readonly string[]> {
  const made = await tasks.create(
    Array.from({ length: count }, (_, n) => ({ title: `${n}`, dependsOn: [id] })),
  );
  return made.map((task) => task.id);
}

storeTest("task complete brings every one of many dependents to the queue", async ({ as }) => {
  const ada = new Tasks(as("ada"));
  const [hub] = await ada.create([{ title: "hub" }]);
  const ids = await waitingFor(ada, hub!.id);
  await ada.cancel(ids[600]!);
  assert.equal((await ada.counts()).blocked, MANY - 1);
  await ada.claim();
  const seen = await ada.complete(hub!.id, { result: "built" });
  assert.equal(seen.result, "built");
  const { blocked, pending } = await ada.counts();
  assert.deepEqual([blocked, pending], [0, MANY - 1]);
  const claimed: string[] = [];
  for (;;) {
    const some = await ada.tryClaim({ count: 100 });
    if (some.length === 0) break;
    claimed.push(...some.map(({ id }) => id));
  }
  assert.deepEqual(claimed, ids.filter((id) => id !== ids[600]), "in the order of creation");
  assert.deepEqual(await ada.sweep(), []);
  // What was cancelled meanwhile no longer waits, either.
  assert.equal((await ada.retry(ids[600]!)).status, "pending");
});

Deno.test("task claim goes on where a completion was left that had unblocked few of many dependents", async () => {
  const directory = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
  const engine = await DirectoryEngine.open(directory, {
    schema: SCHEMA,
    preamble: PREAMBLE,
    durability: "normal",
    clock: systemClock,
  });
  const ada = { name: "ada", host: "test-host" };
  let writes = 0;
  let alive = Infinity;
  const rows: number[] = [];
  // An engine whose process dies after some operations; of each operation it counts the rows that were written.
  const counting: Engine = {
    waker: () => engine.waker(),
    read: (look) => engine.read(look),
    write: (actor, step) => counting.writeFreeing(actor, step),
    writeFreeing: (actor, step) => {
      if (++writes > alive) return Promise.reject(new Error("dead"));
      return engine.write(actor, (tx) => {
        let written = 0;
        const run: Transaction["run"] = (sql, ...values) => {
          written++;
          return tx.run(sql, ...values);
        };
        const value = step(
          new Proxy(tx, {
            get: (target, name) => {
              if (name === "run") return run;
              const found = Reflect.get(target, name);
              return typeof found === "function" ? found.bind(target) : found;
            },
          }),
        );
        rows.push(written);
        return value;
      });
    },
  };
  try {
    const tasks = new DirectoryTasks(counting);
    const context = {
      store: { tasks: () => Promise.resolve(tasks) } as unknown as Store,
      clock: systemClock,
      lockPath: (path: string) => ({ path, aliases: [] }),
      actor: ada,
    };
    const room = new Tasks(context);
    const [hub] = await room.create([{ title: "hub" }]);
    const ids = await waitingFor(room, hub!.id);
    await room.claim();
    rows.length = 0;
    alive = writes + 1;
    await assert.rejects(room.complete(hub!.id), /dead/);
    alive = Infinity;
    assert.deepEqual(await room.counts(), {
      ...await room.counts(),
      blocked: MANY - 256,
      completed: 1,
    });
    let count = 0;
    for (let some = await room.tryClaim({ count: 100 }); some.length > 0;) {
      count += some.length;
      some = await room.tryClaim({ count: 100 });
    }
    assert.equal(count, ids.length);
    assert.ok(Math.max(...rows) < 1000, `wrote ${rows}`);
    const links = await engine.read((reader) => [
      reader.get("SELECT 1 FROM task_links"),
      reader.counts.task_links,
      reader.counts.task_untold,
    ]);
    assert.deepEqual(links, [undefined, undefined, undefined]);
  } finally {
    await engine.close();
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test({
  name: "task complete tells a bounded number of dependents in one script",
  ignore: !hasRedis(),
  fn: async () => {
    await using server = await startRedis();
    const store = await RedisStore.open(server.url, { namespace: freshNamespace() });
    const ada = new Tasks(contextOn(store, systemClock, "ada"));
    const watch = await monitor(server);
    try {
      const [hub] = await ada.create([{ title: "hub" }]);
      await waitingFor(ada, hub!.id);
      await ada.claim();
      const before = (await watch.read()).length;
      await ada.complete(hub!.id);
      const work: number[] = [];
      for (const { words, byScript } of (await watch.read()).slice(before)) {
        if (!byScript) work.push(0);
        else if (words[0]!.toUpperCase() === "ZREM" && words[1]!.endsWith("task_links")) {
          work[work.length - 1]!++;
        }
      }
      assert.equal(work.reduce((sum, count) => sum + count, 0), MANY);
      assert.ok(Math.max(...work) <= 256, `unblocked ${work}`);
    } finally {
      await watch.stop();
      await store.close();
    }
  },
});

/**
 * Lists and counts while very many tasks are claimed, or have lapsed unnoticed: bounded operations, and none is left
 * out.
 * @module
 */
import assert from "node:assert/strict";
import { Tasks } from "../../src/task/task.ts";
import { storeTest } from "../../dev/stores.ts";
import { titles } from "../support/task_titles.ts";

const MANY = 1300;

async function claimAll(tasks: Tasks, count: number, leaseMs: number): Promise<void> {
  for (let left = count; left > 0; left -= 100) {
    await tasks.claim({ count: Math.min(100, left), leaseMs });
  }
}

storeTest("task list finds every one of very many claimed tasks, in order", async (bench) => {
  const ada = new Tasks(bench.as("ada"));
  const bob = new Tasks(bench.as("bob"));
  // Later ones are claimed first: the order of leases is not that of creation.
  for (const priority of [1, 5]) {
    await ada.create(
      Array.from({ length: MANY / 2 }, (_, n) => ({ title: `p${priority}-${n}`, priority })),
    );
  }
  await claimAll(ada, MANY - 20, 60_000);
  await claimAll(bob, 5, 60_000);
  const all = [1, 5].flatMap((p) => Array.from({ length: MANY / 2 }, (_, n) => `p${p}-${n}`));
  const low = MANY / 2 - 20;
  const open = Array.from({ length: 15 }, (_, n) => `p1-${low + 5 + n}`);
  const bobs = Array.from({ length: 5 }, (_, n) => `p1-${low + n}`);
  const claimed = all.filter((title) => !open.includes(title));
  assert.deepEqual(await titles(ada, {}), all);
  assert.deepEqual(await titles(ada, { status: "claimed" }), claimed);
  assert.deepEqual(await titles(ada, { status: "pending" }), open);
  assert.deepEqual(await titles(ada, { holder: "bob" }), bobs);
  assert.deepEqual(
    await titles(ada, { holder: "ada" }),
    claimed.filter((title) => !bobs.includes(title)),
  );
  assert.deepEqual(await titles(ada, { order: "claim" }), [...claimed, ...open]);
});

storeTest("task list and counts tell what has become of very many lapsed leases", async (bench) => {
  const ada = new Tasks(bench.as("ada"));
  await ada.create(
    Array.from({ length: MANY / 2 }, (_, n) => ({ title: `once ${n}`, maxAttempts: 1 })),
  );
  await ada.create(Array.from({ length: MANY / 2 }, (_, n) => ({ title: `again ${n}` })));
  await claimAll(ada, MANY, 5000);
  bench.clock.advance(5000);
  const look = new Tasks(bench.as());
  const { claimed, pending, dead } = await look.counts();
  assert.deepEqual([claimed, pending, dead], [0, MANY / 2, MANY / 2]);
  const numbered = (word: string) => Array.from({ length: MANY / 2 }, (_, n) => `${word} ${n}`);
  assert.deepEqual(await titles(look, { status: "pending" }), numbered("again"));
  assert.deepEqual(await titles(look, { status: "dead" }), numbered("once"));
  assert.deepEqual(await titles(look, { status: "claimed" }), []);
});

storeTest("task list shows in one operation few of many long results", async ({ as, store }) => {
  const ada = new Tasks(as("ada"));
  await ada.create(Array.from({ length: 20 }, (_, n) => ({ title: `${n}` })));
  for (const { id } of await ada.claim({ count: 20 })) {
    await ada.complete(id, { result: "x".repeat(200_000) });
  }
  const query = { tags: [], match: "any", limit: 100, after: 0, order: "created" } as const;
  const slice = await (await store.tasks()).list(query);
  assert.ok(slice.tasks.length < 10 && slice.next !== undefined, `${slice.tasks.length}`);
  assert.equal((await ada.list()).tasks.length, 20);
});

storeTest(
  "task list passes few of many long results in one operation of a search",
  async (bench) => {
    const ada = new Tasks(bench.as("ada"));
    await ada.create(Array.from({ length: 40 }, (_, n) => ({ title: `${n}` })));
    for (const { id } of await ada.claim({ count: 40 })) {
      await ada.complete(id, { result: "x".repeat(250_000) });
    }
    await ada.create([{ title: "rare", tags: ["rare"] }]);
    if (bench.store.kind === "directory") {
      const query = {
        tags: ["rare"],
        match: "any",
        limit: 100,
        after: 0,
        order: "created",
      } as const;
      const slice = await (await bench.store.tasks()).list(query);
      assert.deepEqual([slice.tasks.length, slice.next], [0, 17], "four megabytes");
    }
    assert.deepEqual((await ada.list({ tags: ["rare"] })).tasks.map(({ title }) => title), [
      "rare",
    ]);
  },
);

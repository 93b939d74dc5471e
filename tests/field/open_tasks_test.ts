/**
 * Lists of tasks: what is open stands before what has ended, and a page says what it leaves out.
 * @module
 */
import assert from "node:assert/strict";
import { InvalidArgumentError } from "../../src/errors.ts";
import { type ListTasksOptions, type TaskPage, Tasks } from "../../src/task/task.ts";
import { cli, cliJson, withProject } from "../support/cli.ts";
import { storeTest } from "../../dev/stores.ts";

/** The titles of every page, page by page. */
async function pages(tasks: Tasks, options: ListTasksOptions): Promise<readonly string[][]> {
  const all: string[][] = [];
  for (let cursor: string | undefined = ""; cursor !== undefined;) {
    const page: TaskPage = await tasks.list({ ...options, ...(cursor === "" ? {} : { cursor }) });
    all.push(page.tasks.map(({ title }) => title));
    cursor = page.nextCursor;
  }
  return all;
}

storeTest("task list in the order of claims shows open tasks before ended ones", async (bench) => {
  const ada = new Tasks(bench.as("ada"));
  const bob = new Tasks(bench.as("bob"));
  const [done, dead, cancelled] = await ada.create([
    { title: "done", priority: 9, tags: ["x"] },
    { title: "dead", priority: 9 },
    { title: "cancelled" },
  ]);
  for (const [first] of [await ada.claim(), await ada.claim()]) {
    if (first!.id === done!.id) await ada.complete(first!.id);
    else await ada.fail(first!.id, { error: "hopeless", retry: false });
  }
  await ada.cancel(cancelled!.id);
  assert.equal((await ada.show(dead!.id)).status, "dead");
  const nowMs = bench.clock.nowMs();
  await ada.create([
    { title: "later", notBeforeMs: nowMs + 60_000, priority: 9 },
    { title: "due", notBeforeMs: nowMs + 10, priority: 5 },
    { title: "lapsing", leaseMs: 100, priority: 8, tags: ["x"] },
    { title: "used up", leaseMs: 100, priority: 8, maxAttempts: 1 },
    { title: "held", priority: 7 },
    { title: "blocked", dependsOn: [0], priority: 9 },
    { title: "low", priority: 0, tags: ["x"] },
    { title: "high", priority: 6 },
    { title: "as high", priority: 6, tags: ["x"] },
  ]);
  await bob.claim({ count: 3 });
  // Time alone has changed some of them, and no operation has noted that.
  bench.clock.advance(200);
  const order = [
    "held",
    "lapsing",
    "high",
    "as high",
    "due",
    "low",
    "blocked",
    "later",
    "done",
    "dead",
    "cancelled",
    "used up",
  ];
  for (const limit of [1, 2, 5, 100]) {
    const all = await pages(ada, { order: "claim", limit });
    assert.deepEqual(all.flat(), order);
    assert.equal(all.length, Math.ceil(order.length / limit), "no page is empty");
  }
  const titles = async (options: ListTasksOptions) =>
    (await pages(ada, { order: "claim", limit: 2, ...options })).flat();
  assert.deepEqual(await titles({ status: "pending" }), order.slice(1, 6));
  assert.deepEqual(await titles({ status: "dead" }), ["dead", "used up"]);
  assert.deepEqual(await titles({ status: "completed" }), ["done"]);
  assert.deepEqual(await titles({ tags: ["x"] }), ["lapsing", "as high", "low", "done"]);
  assert.deepEqual(await titles({ tags: ["x"], status: "pending" }), ["lapsing", "as high", "low"]);
  assert.deepEqual(await titles({ holder: "bob" }), ["held"]);
  assert.deepEqual(await titles({ createdBy: "bob" }), []);
  assert.deepEqual(await titles({ createdBy: "ada" }), order);
  for (const cursor of ["after-3", "stage-1", "stage-x-1", "stage-111-1"]) {
    await assert.rejects(ada.list({ order: "claim", cursor }), InvalidArgumentError);
  }
  await assert.rejects(ada.list({ cursor: "stage-1-1" }), InvalidArgumentError);
  await assert.rejects(ada.list({ order: "newest" as never }), InvalidArgumentError);
});

storeTest(
  "task list in the order of claims finds an open task behind many ended ones",
  async ({ as }) => {
    const ada = new Tasks(as("ada"));
    await ada.create(Array.from({ length: 150 }, (_, n) => ({ title: `${n}` })));
    for (let count = 0; count < 150; count += 50) {
      for (const { id } of await ada.claim({ count: 50 })) await ada.complete(id);
    }
    await ada.create([{ title: "open" }]);
    const { tasks, nextCursor } = await ada.list({ order: "claim" });
    assert.equal(tasks[0]!.title, "open");
    assert.equal(tasks.length, 100);
    const rest = await ada.list({ order: "claim", cursor: nextCursor! });
    assert.deepEqual(rest.tasks.map(({ title }) => title), [
      ...Array.from({ length: 51 }, (_, n) => `${n + 99}`),
    ]);
  },
);

Deno.test("tasks tells what it left out, and the command that shows it", () =>
  withProject(async (dir) => {
    const env = { AGENTCOORD_AGENT: "ada" };
    const lines = ["done", "two", "three", "four"].map((title) => JSON.stringify({ title }));
    await cli(dir, ["task", "add", "--from", "-"], { env, stdin: lines.join("\n") });
    const { document } = await cliJson(dir, ["task", "claim"], { env });
    await cli(dir, ["task", "complete", document.data[0].id], { env });
    const page = await cliJson(dir, ["tasks", "--limit", "2"]);
    assert.deepEqual(page.document.data.map(({ title }: { title: string }) => title), [
      "two",
      "three",
    ]);
    const { nextCursor } = page.document;
    const seen = await cli(dir, ["tasks", "--limit", "2"]);
    assert.equal(
      seen.stderr,
      `Left out: 1 pending, 1 completed. More: agentcoord tasks --limit 2 --cursor ${nextCursor}\n`,
    );
    const next = await cli(dir, ["tasks", "--limit=1", `--cursor=${nextCursor}`]);
    assert.match(next.stdout, / four\n/);
    assert.match(next.stderr, /^More: agentcoord tasks --limit=1 --cursor stage-\d+-\d+\n$/);
    const quiet = await cli(dir, ["tasks", "--limit", "3", "-q"]);
    assert.equal(quiet.stdout.trim().split("\n").length, 3);
    assert.match(
      quiet.stderr,
      /^agentcoord: Left out: 1 completed. More: agentcoord tasks --limit 3 -q --cursor /,
    );
    assert.equal((await cli(dir, ["tasks"])).stderr, "");
  }));

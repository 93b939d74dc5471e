/**
 * What is created at once is bounded in bytes as well as in tasks: an operation that stores a hundred megabytes
 * would keep everybody else waiting.
 * @module
 */
import assert from "node:assert/strict";
import { InvalidArgumentError } from "../../src/errors.ts";
import { type NewTask, Tasks } from "../../src/task/task.ts";
import { hasRedis, startRedis } from "../../dev/redis_server.ts";
import { storeTest } from "../../dev/stores.ts";
import { cliJson, withProject } from "../support/cli.ts";

const LIMIT = 8 * 1024 * 1024;
/** As JSON four bytes less than a payload may take. */
const LONG = "x".repeat(256 * 1024 - 6);

/** Tasks whose texts take so many bytes together. */
function tasksOf(bytes: number): NewTask[] {
  const one = LONG.length + 2 + 1;
  const tasks = Array.from({ length: Math.floor(bytes / one) }, () => ({
    title: "t",
    payload: LONG,
  }));
  const rest = bytes - tasks.length * one;
  return [...tasks, { title: "r".repeat(rest) }];
}

storeTest("batch of tasks is bounded in bytes, all of it or none", async ({ as }) => {
  const ada = new Tasks(as("ada"));
  const largest = tasksOf(LIMIT);
  assert.equal(largest.length, 33);
  assert.equal((await ada.create(largest)).length, 33);
  const before = await ada.counts();
  const over: readonly NewTask[][] = [
    tasksOf(LIMIT + 1),
    [...largest.slice(0, -1), { ...largest.at(-1)!, tags: ["a"] }],
    [...largest.slice(0, -1), { ...largest.at(-1)!, key: "k" }],
    [...largest.slice(0, -1), { ...largest.at(-1)!, description: "d" }],
  ];
  for (const batch of over) {
    await assert.rejects(ada.create(batch), (error: unknown) => {
      assert.ok(error instanceof InvalidArgumentError);
      assert.equal(
        error.message,
        `Invalid tasks: their texts take ${LIMIT + 1} bytes together, and the limit is ${LIMIT} ` +
          "(8 MiB); create them in several batches",
      );
      assert.deepEqual(error.details, {
        field: "tasks",
        size: LIMIT + 1,
        limit: LIMIT,
        unit: "bytes",
      });
      return true;
    });
  }
  // Bytes count, not characters.
  const wide = [...largest.slice(0, -1), { title: "é".repeat(largest.at(-1)!.title.length) }];
  await assert.rejects(ada.create(wide), InvalidArgumentError);
  assert.deepEqual(await ada.counts(), before);
});

async function splits(dir: string, env: Record<string, string>): Promise<void> {
  // Fewer than 1000 lines; 32 of these fill a batch, so the second one begins at line 33.
  const lines: NewTask[] = Array.from({ length: 70 }, (_, index) => ({
    title: `task ${index}`,
    payload: LONG.slice(0, -10),
  }));
  const add = async (changes: Record<number, object>) => {
    const stdin = lines.map((line, index) => JSON.stringify({ ...line, ...changes[index] }));
    const args = ["task", "add", "--from", "-", "--agent", "ada"];
    return await cliJson(dir, args, { stdin: stdin.join("\n"), env });
  };
  const refusals: readonly (readonly [Record<number, object>, number, string])[] = [
    [
      { 31: { dependsOn: [32] } },
      2,
      "Line 32 of --from: Invalid dependsOn 32: it stands in a later batch (1000 tasks or 8 MiB of texts each); put that task before this one",
    ],
    [
      { 40: { dependsOn: [41] }, 41: { dependsOn: [40] } },
      2,
      '--from: Invalid dependsOn: line 41 "task 40" needs line 42 "task 41" needs line 41 "task 40"; break the cycle',
    ],
    [
      { 66: { priority: 10 } },
      2,
      "Line 67 of --from: Invalid priority 10: use a whole number from 0 to 9",
    ],
    [
      { 69: { dependsOn: [0, "nonsense"] } },
      4,
      'Line 70 of --from: Cannot create task "task 69": it depends on "nonsense", which is no task',
    ],
    [
      { 69: { dependsOn: [70] } },
      2,
      "Line 70 of --from: Invalid dependsOn 70: use the identifier of a task, or its place in the file from 0 to 69",
    ],
  ];
  for (const [changes, exit, message] of refusals) {
    const { code, document } = await add(changes);
    assert.equal(document.error?.message, message);
    assert.equal(code, exit);
  }
  const { document: { data: counts } } = await cliJson(dir, ["task", "counts"], { env });
  assert.equal(counts.pending, 0);

  const { code, document } = await add({
    30: { dependsOn: [31] },
    32: { dependsOn: [31, 33] },
    64: { dependsOn: [0, 32, 65] },
    69: { dependsOn: [68, 63] },
  });
  assert.equal(code, 0, JSON.stringify(document.error));
  const { data } = document;
  assert.deepEqual(
    data.map(({ title }: { title: string }) => title),
    lines.map(({ title }) => title),
  );
  const idsOf = (...places: number[]) => places.map((place) => data[place].id);
  assert.deepEqual(data[30].dependsOn, idsOf(31));
  assert.deepEqual(data[32].dependsOn, idsOf(31, 33));
  assert.deepEqual(data[64].dependsOn, idsOf(0, 32, 65));
  assert.deepEqual(data[69].dependsOn, idsOf(68, 63));
}

Deno.test("task add --from begins a batch where the texts of one are full, and counts places on", () =>
  withProject((dir) => splits(dir, {})));

Deno.test({
  name: "task add --from begins a batch where the texts of one are full, on a server",
  ignore: !hasRedis(),
  async fn() {
    await using server = await startRedis();
    await withProject((dir) => splits(dir, { AGENTCOORD_STORE: server.url }));
  },
});

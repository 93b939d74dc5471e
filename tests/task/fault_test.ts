/**
 * The queue under real processes and real kills. AGENTCOORD_KILLS sets how many (200 at night).
 * @module
 */
import assert from "node:assert/strict";
import { type Task, Tasks } from "../../src/task/task.ts";
import { Fleet, seeded } from "../../dev/fleet.ts";
import { placeTest } from "../../dev/places.ts";
import { openAs } from "../../dev/workers/context.ts";

const WORKERS = 8;
const TASKS = 2000;
const KILLS = Number(Deno.env.get("AGENTCOORD_KILLS") ?? "40");
/**
 * Short, so that the tasks of the killed come back soon; long where nobody is killed, as a slow machine is no death.
 */
const LEASE_MS = { killed: 500, spared: 60_000 };
/** Long enough for the work to outlast the kills. */
const WORK_MS = Math.max(15, KILLS / 2);

interface Record {
  readonly claimed?: string;
  readonly completed?: string;
  readonly fence: number;
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function fill(store: string, leaseMs: number): Promise<void> {
  const context = await openAs(store, "maria");
  const tasks = new Tasks(context);
  for (let done = 0; done < TASKS; done += 1000) {
    const batch = Array.from({ length: 1000 }, (_, index) => ({
      title: `task ${done + index}`,
      priority: index % 10,
      leaseMs,
      maxAttempts: 100,
    }));
    await tasks.create(batch);
  }
  await context.store.close();
}

async function all(store: string): Promise<readonly Task[]> {
  const context = await openAs(store, "maria");
  const tasks = new Tasks(context);
  const found: Task[] = [];
  let cursor: string | undefined;
  do {
    const page = await tasks.list({ limit: 1000, ...(cursor === undefined ? {} : { cursor }) });
    // A list leaves out the older attempts.
    for (const task of page.tasks) {
      found.push(task.attemptsLeftOut === undefined ? task : await tasks.show(task.id));
    }
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  const counts = await tasks.counts();
  assert.equal(counts.completed, found.filter(({ status }) => status === "completed").length);
  await context.store.close();
  return found;
}

/** Every task is completed, by exactly one attempt, and its result is that attempt's. */
function assertDoneOnce(tasks: readonly Task[], records: readonly Record[]): void {
  assert.equal(tasks.length, TASKS);
  for (const { id, status, attempts, result } of tasks) {
    assert.equal(status, "completed", id);
    const winners = attempts.filter(({ outcome }) => outcome === "completed");
    assert.equal(winners.length, 1, id);
    assert.deepEqual(result, { by: winners[0]!.holder }, id);
  }
  // The answers to the workers: no fence was given to two of them, no task was completed twice.
  const fences = records.flatMap(({ claimed, fence }) => claimed === undefined ? [] : [fence]);
  assert.equal(new Set(fences).size, fences.length, "a fence was handed out twice");
  const completions = records.flatMap(({ completed }) => completed ?? []);
  assert.equal(new Set(completions).size, completions.length, "a completion counted twice");
}

placeTest(
  "task queue is drained by 8 processes, each task completed once",
  async ({ location: store, directory }) => {
    await fill(store, LEASE_MS.spared);
    const fleet = new Fleet("task_drainer.ts", [store, "full", "0"], directory);
    for (let slot = 0; slot < WORKERS; slot++) fleet.start(slot);
    assert.equal(await fleet.finished(), 0, "a worker failed");
    const tasks = await all(store);
    assertDoneOnce(tasks, fleet.records<Record>());
    assert.ok(tasks.every(({ attemptsUsed }) => attemptsUsed === 1), "a task was handed out twice");
  },
);

placeTest(
  "task queue loses nothing and doubles nothing while workers are killed",
  async ({ location: store, directory }) => {
    await fill(store, LEASE_MS.killed);
    const random = seeded(4_711);
    const fleet = new Fleet("task_drainer.ts", [store, "normal", `${WORK_MS}`], directory);
    for (let slot = 0; slot < WORKERS; slot++) fleet.start(slot);
    while (fleet.kills < KILLS) {
      await wait(60 + random() * 60);
      const slot = Math.floor(random() * WORKERS);
      await fleet.kill(slot);
      fleet.start(slot);
    }
    assert.equal(await fleet.finished(), 0, "a worker failed");
    assertDoneOnce(await all(store), fleet.records<Record>());
  },
);

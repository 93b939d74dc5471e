/**
 * Tasks with paths under real processes and real kills. AGENTCOORD_KILLS sets how many (200 at night).
 * @module
 */
import assert from "node:assert/strict";
import { covers } from "../../src/path.ts";
import { type NewTask, type Task, Tasks } from "../../src/task/task.ts";
import { Fleet, seeded } from "../../dev/fleet.ts";
import { placeTest } from "../../dev/places.ts";
import { openAs } from "../../dev/workers/context.ts";

const WORKERS = 8;
const TASKS = 1000;
const KILLS = Number(Deno.env.get("AGENTCOORD_KILLS") ?? "15");
const LEASE_MS = 1500;
const WORK_MS = 5;

/** What there is: directories with files. A task wants some files, or a whole directory, or all. */
const DIRECTORIES = ["a", "b", "c", "d", "e"];
const LEAVES = DIRECTORIES.flatMap((directory) =>
  ["x", "y", "z"].map((leaf) => `${directory}/${leaf}`)
);

/** Tasks whose paths overlap at random. */
function drafts(random: () => number): NewTask[] {
  const one = <Item>(items: readonly Item[]) => items[Math.floor(random() * items.length)]!;
  return Array.from({ length: TASKS }, (_, index) => {
    const wanted = index % 97 === 0
      ? ["."]
      : index % 11 === 0
      ? [one(DIRECTORIES)]
      : [...new Set([one(LEAVES), one(LEAVES)])];
    const paths = wanted.map((path) => ({
      path,
      mode: random() < 0.3 ? "shared" as const : "exclusive" as const,
    }));
    return { title: `task ${index}`, leaseMs: LEASE_MS, maxAttempts: 100, paths };
  });
}

async function all(store: string): Promise<readonly Task[]> {
  const context = await openAs(store, "maria");
  const tasks = new Tasks(context);
  const { tasks: found } = await tasks.list({ limit: 1000 });
  const whole = [];
  for (const task of found) {
    whole.push(task.attemptsLeftOut === undefined ? task : await tasks.show(task.id));
  }
  await context.store.close();
  return whole;
}

interface Tenure {
  readonly task: Task;
  readonly startMs: number;
  readonly endMs: number;
}

/** Each tenure by the store's clock: it ends with its attempt, or when its lease lapses. */
function tenures(tasks: readonly Task[]): Tenure[] {
  return tasks.flatMap((task) =>
    task.attempts.map(({ startedAtMs, endedAtMs = Infinity }) => ({
      task,
      startMs: startedAtMs,
      endMs: Math.min(endedAtMs, startedAtMs + LEASE_MS),
    }))
  ).sort((a, b) => a.startMs - b.startMs);
}

function overlap(a: Task, b: Task): boolean {
  return (a.paths ?? []).some((one) =>
    (b.paths ?? []).some((other) =>
      (one.mode === "exclusive" || other.mode === "exclusive") &&
      (covers(one.path, other.path) || covers(other.path, one.path))
    )
  );
}

placeTest(
  "task queue never lets two tasks on overlapping paths run at once while workers are killed",
  async ({ location: store, directory }) => {
    const random = seeded(2_718);
    const witnesses = `${directory}/witnesses`;
    await Deno.mkdir(witnesses);
    for (const leaf of LEAVES) {
      await Deno.writeTextFile(`${witnesses}/${leaf.replaceAll("/", "+")}`, "");
    }
    const context = await openAs(store, "maria");
    await new Tasks(context).create(drafts(random));
    await context.store.close();
    const fleet = new Fleet(
      "path_drainer.ts",
      [store, witnesses, `${LEASE_MS}`, `${WORK_MS}`],
      directory,
    );
    for (let slot = 0; slot < WORKERS; slot++) fleet.start(slot);
    while (fleet.kills < KILLS) {
      await new Promise((resolve) => setTimeout(resolve, 100 + random() * 200));
      const slot = Math.floor(random() * WORKERS);
      await fleet.kill(slot);
      fleet.start(slot);
    }
    assert.equal(await fleet.finished(), 0, "a worker failed");
    const tasks = await all(store);
    assert.equal(tasks.length, TASKS);
    assert.deepEqual(tasks.filter(({ status }) => status !== "completed"), [], "one was starved");
    const found = tenures(tasks);
    for (const [index, one] of found.entries()) {
      for (let next = index + 1; next < found.length; next++) {
        const other = found[next]!;
        if (other.startMs >= one.endMs) break;
        if (one.task === other.task) continue;
        assert.ok(
          !overlap(one.task, other.task),
          `${JSON.stringify(one.task.paths)} and ${JSON.stringify(other.task.paths)} at once`,
        );
      }
    }
    interface Record {
      readonly taken: readonly string[];
      readonly isLate: boolean;
    }
    const records = fleet.records<Record>();
    // A slow machine lets leases lapse while their workers still work; then the witnesses prove nothing.
    if (records.some(({ isLate }) => isLate)) return;
    assert.deepEqual(records, [], "two workers had a file at once");
  },
);

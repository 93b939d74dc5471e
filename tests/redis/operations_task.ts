/**
 * Operations on tasks.
 * @module
 */
import type { Task } from "../../src/task/task.ts";
import type { Operation } from "./operations.ts";
import { WAIT_MS } from "./operations_lock.ts";

const claimed = async ({ as }: Parameters<Operation["call"]>[0]): Promise<Task> => {
  await as("bob").tasks.create([{ title: "t", tags: ["x"], payload: [1] }]);
  return (await as("ada").tasks.claim())[0]!;
};

const WITH_PATHS = {
  title: "p",
  paths: ["src/a.py", { path: "docs", mode: "shared" }],
} as const;

const claimedWithPaths = async ({ as }: Parameters<Operation["call"]>[0]): Promise<Task> => {
  await as("bob").tasks.create([WITH_PATHS, { title: "next", paths: ["src"] }]);
  const [task] = await as("ada").tasks.claim();
  // The next one is held up by it.
  await as("bob").tasks.tryClaim();
  return task!;
};

/** Operations of Tasks. */
export const TASK_OPERATIONS: readonly Operation[] = [
  {
    name: "tasks.create",
    method: "tasks.create",
    call: ({ as }) =>
      as("ada").tasks.create([
        { title: "a", description: "d", payload: { n: [null, "é"] }, key: "a" },
        { title: "b", dependsOn: [0], tags: ["x", "y"] },
        { title: "c", priority: 9, maxAttempts: 1 },
      ]),
  },
  {
    name: "tasks.create with a key that is known",
    method: "tasks.create",
    setup: ({ as }) => as("bob").tasks.create([{ title: "a", key: "k" }]),
    call: ({ as }) => as("ada").tasks.create([{ title: "b" }, { title: "c", key: "k" }]),
  },
  {
    name: "tasks.create on a task that is unknown",
    method: "tasks.create",
    call: ({ as }) => as("ada").tasks.create([{ title: "b" }, { title: "c", dependsOn: ["no"] }]),
  },
  {
    name: "tasks.claim",
    method: "tasks.claim",
    setup: ({ as }) =>
      as("bob").tasks.create([{ title: "a" }, { title: "b", priority: 5 }, { title: "c" }]),
    call: ({ as }) => as("ada").tasks.claim({ count: 2, leaseMs: 1000 }),
  },
  {
    name: "tasks.create with paths",
    method: "tasks.create",
    call: ({ as }) => as("ada").tasks.create([WITH_PATHS]),
  },
  {
    name: "tasks.claim of several with paths, of which some are held up",
    method: "tasks.claim",
    setup: async ({ as }) => {
      await as("bob").tasks.create([WITH_PATHS, { title: "q", paths: ["b.py"] }, WITH_PATHS, {
        title: "r",
      }]);
      await as("bob").locks.acquire("b.py");
    },
    call: ({ as }) => as("ada").tasks.claim({ count: 3 }),
  },
  {
    name: "tasks.claim of nothing but what is held up",
    method: "tasks.claim",
    setup: claimedWithPaths,
    call: ({ as }) => as("ada").tasks.tryClaim(),
  },
  {
    name: "tasks.complete with paths, and claim what it held up",
    method: "tasks.complete",
    setup: claimedWithPaths,
    call: ({ as }, { id, lease }: Task) =>
      as("ada").tasks.completeAndClaim(id, { fence: lease!.fence }),
  },
  {
    name: "tasks.renew with paths",
    method: "tasks.renew",
    setup: claimedWithPaths,
    call: ({ as }, { id }: Task) => as("ada").tasks.renew(id, { leaseMs: 600_000 }),
  },
  {
    name: "tasks.fail with paths",
    method: "tasks.fail",
    setup: claimedWithPaths,
    call: ({ as }, { id }: Task) => as("ada").tasks.fail(id, { error: "no" }),
  },
  {
    name: "tasks.update of what is held up",
    method: "tasks.update",
    setup: async (bench) => {
      await claimedWithPaths(bench);
      return (await bench.as("bob").tasks.list({ status: "pending" })).tasks[0]!;
    },
    call: ({ as }, { id }: Task) => as("ada").tasks.update(id, { paths: ["free.py"] }),
  },
  {
    name: "tasks.claim by any tag",
    method: "tasks.claim",
    setup: ({ as }) =>
      as("bob").tasks.create([{ title: "a" }, { title: "b", tags: ["x"] }, { title: "c" }]),
    call: ({ as }) => as("ada").tasks.claim({ tags: ["y", "x"] }),
  },
  {
    name: "tasks.claim by all tags",
    method: "tasks.claim",
    setup: ({ as }) =>
      as("bob").tasks.create([{ title: "a", tags: ["x"] }, { title: "b", tags: ["x", "y"] }]),
    call: ({ as }) => as("ada").tasks.claim({ tags: ["y", "x"], match: "all" }),
  },
  {
    name: "tasks.claim of one whose lease has lapsed",
    method: "tasks.claim",
    setup: async ({ as, advance }) => {
      await as("bob").tasks.create([{ title: "a", leaseMs: 1000 }]);
      await as("eve").tasks.claim();
      advance(1000);
    },
    call: ({ as }) => as("ada").tasks.claim(),
  },
  {
    name: "tasks.claim when there is none",
    method: "tasks.claim",
    setup: ({ as }) => as("bob").tasks.create([{ title: "a", tags: ["x"] }]),
    call: ({ as }) => as("ada").tasks.claim({ tags: ["y"] }),
  },
  {
    name: "tasks.claim waiting in vain",
    method: "tasks.claim",
    commands: [3, 4],
    call: ({ as }) => as("ada").tasks.claim({ waitMs: WAIT_MS }),
  },
  {
    name: "tasks.claim waiting in vain, leaving",
    method: "tasks.abandon",
    commands: [3, 4],
    call: ({ as }) => as("ada").tasks.claim({ waitMs: WAIT_MS, tags: ["x"] }),
  },
  {
    name: "tasks.claim waiting until there is one",
    method: "tasks.claim",
    commands: 3,
    call: async ({ as, answered }) => {
      const waiting = as("ada").tasks.claim({ waitMs: 5000, tags: ["x"] });
      await answered("tasks.claim");
      return [await as("bob").tasks.create([{ title: "a", tags: ["x"] }]), await waiting];
    },
  },
  {
    name: "tasks.create for one who waits",
    method: "tasks.create",
    commands: 3,
    call: async ({ as, answered }) => {
      const waiting = as("ada").tasks.claim({ waitMs: 5000 });
      await answered("tasks.claim");
      const created = await as("bob").tasks.create([{ title: "a" }]);
      // As it stands when its creator hears of it: claimed perhaps.
      return [created.map(({ id }) => id), await waiting];
    },
  },
  {
    name: "tasks.tryClaim when there is none",
    method: "tasks.claim",
    call: ({ as }) => as("ada").tasks.tryClaim(),
  },
  {
    name: "tasks.hold",
    method: "tasks.claim",
    setup: ({ as }) => as("bob").tasks.create([{ title: "a" }]),
    call: async ({ as, later }) => {
      const held = await as("ada").tasks.hold();
      later(() => held!.complete());
      return held!.task;
    },
  },
  {
    name: "tasks.renew",
    method: "tasks.renew",
    setup: async (bench) => {
      const task = await claimed(bench);
      bench.advance(1500);
      return task;
    },
    call: ({ as }, { id }: Task) => as("ada").tasks.renew(id, { leaseMs: 1e6, progress: "half" }),
  },
  {
    name: "tasks.renew of a lease that is lost",
    method: "tasks.renew",
    setup: claimed,
    call: ({ as }, { id }: Task) => as("bob").tasks.renew(id),
  },
  {
    name: "tasks.complete",
    method: "tasks.complete",
    setup: claimed,
    call: ({ as }, { id, lease }: Task) =>
      as("ada").tasks.complete(id, { fence: lease!.fence, result: { ok: [] } }),
  },
  {
    name: "tasks.complete that frees others",
    method: "tasks.complete",
    setup: async ({ as }) => {
      const [, task] = await as("bob").tasks.create([
        { title: "b", dependsOn: [1] },
        { title: "a", priority: 9 },
        { title: "c", dependsOn: [0, 1] },
      ]);
      await as("ada").tasks.claim();
      return task;
    },
    call: ({ as }, { id }: Task) => as("ada").tasks.complete(id),
  },
  {
    name: "tasks.complete of a lease that is lost",
    method: "tasks.complete",
    setup: claimed,
    call: ({ as }, { id }: Task) => as("ada").tasks.complete(id, { fence: 77 }),
  },
  {
    name: "tasks.completeAndClaim",
    method: "tasks.complete",
    setup: async (bench) => {
      const task = await claimed(bench);
      await bench.as("bob").tasks.create([{ title: "b" }, { title: "c" }, { title: "d" }]);
      return task;
    },
    call: ({ as }, { id }: Task) => as("ada").tasks.completeAndClaim(id, { next: { count: 2 } }),
  },
  {
    name: "tasks.fail",
    method: "tasks.fail",
    setup: claimed,
    call: ({ as }, { id }: Task) => as("ada").tasks.fail(id, { error: "no" }),
  },
  {
    name: "tasks.fail for good",
    method: "tasks.fail",
    setup: claimed,
    call: ({ as }, { id }: Task) => as("ada").tasks.fail(id, { error: "no", retry: false }),
  },
  {
    name: "tasks.release",
    method: "tasks.release",
    setup: claimed,
    call: ({ as }, { id }: Task) => as("ada").tasks.release(id, { reason: "lunch" }),
  },
  {
    name: "tasks.release until later",
    method: "tasks.release",
    setup: claimed,
    call: ({ as }, { id, lease }: Task) =>
      as("ada").tasks.release(id, { reason: "rate limit", notBeforeMs: lease!.expiresAtMs }),
  },
  {
    name: "tasks.cancel",
    method: "tasks.cancel",
    setup: claimed,
    call: ({ as }, { id }: Task) => as("bob").tasks.cancel(id),
  },
  {
    name: "tasks.retry",
    method: "tasks.retry",
    setup: async (bench) => {
      const task = await claimed(bench);
      await bench.as("ada").tasks.fail(task.id, { error: "no", retry: false });
      return task;
    },
    call: ({ as }, { id }: Task) => as("bob").tasks.retry(id),
  },
  {
    name: "tasks.retry of one that is pending",
    method: "tasks.retry",
    setup: async ({ as }) => (await as("bob").tasks.create([{ title: "a" }]))[0],
    call: ({ as }, { id }: Task) => as("bob").tasks.retry(id),
  },
  {
    name: "tasks.update",
    method: "tasks.update",
    setup: async ({ as }) => (await as("bob").tasks.create([{ title: "a", tags: ["x"] }]))[0],
    call: ({ as }, { id }: Task) =>
      as("ada").tasks.update(id, { title: "b", tags: ["y"], priority: 8, payload: null }),
  },
  {
    name: "tasks.prune",
    method: "tasks.prune",
    setup: async (bench) => {
      const task = await claimed(bench);
      await bench.as("ada").tasks.complete(task.id);
      bench.advance(1000);
    },
    call: ({ as }) => as("bob").tasks.prune({ olderThanMs: 0 }),
  },
  {
    name: "tasks.sweep",
    method: "tasks.sweep",
    setup: async ({ as, advance }) => {
      await as("bob").tasks.create([{ title: "a", leaseMs: 1000 }, { title: "b", leaseMs: 1000 }]);
      await as("eve").tasks.claim({ count: 2 });
      advance(1000);
    },
    call: ({ as }) => as("ada").tasks.sweep(),
  },
  {
    name: "tasks.why of what is held up",
    method: "tasks.get",
    commands: [1, 5],
    setup: async (bench) => {
      await claimedWithPaths(bench);
      return (await bench.as("bob").tasks.list({ status: "pending" })).tasks[0]!;
    },
    call: ({ as }, { id }: Task) => as().tasks.why(id),
  },
  {
    name: "tasks.get",
    method: "tasks.get",
    setup: claimed,
    call: ({ as }, { id }: Task) => as().tasks.get(id),
  },
  {
    name: "tasks.show of a task that is unknown",
    method: "tasks.get",
    call: ({ as }) => as().tasks.show("tsk_no"),
  },
  {
    name: "tasks.list",
    method: "tasks.list",
    setup: ({ as }) =>
      as("bob").tasks.create([{ title: "a" }, { title: "b" }, { title: "c", dependsOn: [0] }]),
    call: ({ as }) => as().tasks.list({ limit: 2 }),
  },
  {
    name: "tasks.list by status and tag",
    method: "tasks.list",
    setup: ({ as }) =>
      as("bob").tasks.create([{ title: "a", tags: ["x"] }, { title: "b" }, {
        title: "c",
        tags: ["x"],
      }]),
    call: ({ as }) => as().tasks.list({ status: "pending", tags: ["x"] }),
  },
  {
    name: "tasks.counts",
    method: "tasks.counts",
    setup: claimed,
    call: ({ as }) => as().tasks.counts(),
  },
  {
    name: "tasks.largest",
    method: "tasks.largest",
    setup: claimed,
    call: async ({ contextOf }) => (await contextOf().store.tasks()).largest(undefined),
  },
];

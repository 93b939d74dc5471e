/**
 * Operations on what is held: locks, agents, tasks.
 * @module
 */
import type { Lease } from "../../src/lock/lock.ts";
import type { Task } from "../../src/task/task.ts";
import type { Operation } from "./operations.ts";

const DAY_MS = 86_400_000;
/** Long enough to look twice, and short enough for a test. */
const WAIT_MS = 40;

/** Operations of Locks. */
export const LOCK_OPERATIONS: readonly Operation[] = [
  {
    name: "locks.acquire",
    step: "locks.acquire",
    call: ({ as }) => as("ada").locks.acquire(["b.py", "a.py", "src/"], { intent: "fix" }),
  },
  {
    name: "locks.acquire shared beside another",
    step: "locks.acquire",
    setup: ({ as }) => as("bob").locks.acquire("a.py", { mode: "shared" }),
    call: ({ as }) => as("ada").locks.acquire("a.py", { mode: "shared" }),
  },
  {
    name: "locks.acquire of what another holds",
    step: "locks.acquire",
    setup: ({ as }) => as("bob").locks.acquire("src/a.py", { intent: "busy" }),
    call: ({ as }) => as("ada").locks.acquire(["x.py", "src/"]),
  },
  {
    name: "locks.acquire of what has lapsed",
    step: "locks.acquire",
    setup: async ({ as, advance }) => {
      await as("bob").locks.acquire("a.py", { ttlMs: 1000 });
      advance(1000);
    },
    call: ({ as }) => as("ada").locks.acquire("a.py"),
  },
  {
    name: "locks.acquire again, reentrant",
    step: "locks.acquire",
    setup: ({ as }) => as("ada").locks.acquire("a.py", { ttlMs: 1000 }),
    call: ({ as }) => as("ada").locks.acquire("a.py", { reentrant: true }),
  },
  {
    name: "locks.acquire of what it holds itself, while something else lapses",
    step: "locks.acquire",
    setup: async ({ as, advance }) => {
      await as("bob").locks.acquire("b.py", { ttlMs: 1000 });
      await as("ada").locks.acquire("a.py");
      advance(1000);
    },
    call: ({ as }) => as("ada").locks.acquire("a.py"),
  },
  {
    name: "locks.acquire waiting in vain",
    step: "locks.acquire",
    commands: [3, 4],
    setup: ({ as }) => as("bob").locks.acquire("a.py"),
    call: ({ as }) => as("ada").locks.acquire("a.py", { waitMs: WAIT_MS }),
  },
  {
    name: "locks.acquire waiting in vain, leaving",
    step: "locks.abandon",
    commands: [3, 4],
    setup: ({ as }) => as("bob").locks.acquire("a.py"),
    call: ({ as }) => as("ada").locks.acquire("a.py", { waitMs: WAIT_MS }),
  },
  {
    name: "locks.acquire waiting until it is released",
    step: "locks.acquire",
    commands: 3,
    setup: ({ as }) => as("bob").locks.acquire("a.py"),
    call: async ({ as, answered }) => {
      const waiting = as("ada").locks.acquire("a.py", { waitMs: 5000 });
      await answered("locks.acquire");
      return [await as("bob").locks.release("a.py"), await waiting];
    },
  },
  {
    name: "locks.tryAcquire of what another holds",
    step: "locks.acquire",
    setup: ({ as }) => as("bob").locks.acquire("a.py"),
    call: ({ as }) => as("ada").locks.tryAcquire("a.py"),
  },
  {
    name: "locks.hold",
    step: "locks.acquire",
    call: async ({ as, later }) => {
      const held = await as("ada").locks.hold(["a.py", "b.py"]);
      later(() => held.release());
      return held.leases;
    },
  },
  {
    name: "locks.renew",
    step: "locks.renew",
    setup: async ({ as, advance }) => {
      await as("ada").locks.acquire(["a.py", "b.py"], { ttlMs: 1000 });
      advance(500);
    },
    call: ({ as }) => as("ada").locks.renew(["a.py", "b.py"], { ttlMs: 2000 }),
  },
  {
    name: "locks.renew of what another holds",
    step: "locks.renew",
    setup: ({ as }) => as("bob").locks.acquire("a.py"),
    call: ({ as }) => as("ada").locks.renew("a.py", { fence: 7 }),
  },
  {
    name: "locks.release",
    step: "locks.release",
    setup: ({ as }) => as("ada").locks.acquire(["a.py", "b.py"]),
    call: ({ as }, [{ fence }]: [Lease]) => as("ada").locks.release(["b.py", "a.py"], { fence }),
  },
  {
    name: "locks.release of some that are lost",
    step: "locks.release",
    setup: ({ as }) => as("ada").locks.acquire("a.py"),
    call: ({ as }) => as("ada").locks.release(["a.py", "b.py"]),
  },
  {
    name: "locks.release to one who waits",
    step: "locks.release",
    commands: 3,
    setup: ({ as }) => as("bob").locks.acquire("a.py"),
    call: async ({ as, answered }) => {
      const waiting = as("ada").locks.acquire("a.py", { waitMs: 5000 });
      await answered("locks.acquire");
      return [await as("bob").locks.release("a.py"), await waiting];
    },
  },
  {
    name: "locks.releaseAll",
    step: "locks.releaseAll",
    setup: async ({ as }) => {
      await as("ada").locks.acquire("a.py");
      await as("ada").locks.acquire("b.py");
    },
    call: ({ as }) => as("ada").locks.releaseAll(),
  },
  {
    name: "locks.verify",
    step: "locks.current",
    setup: ({ as }) => as("ada").locks.acquire("a.py"),
    call: ({ as }, [{ fence }]: [Lease]) => as().locks.verify("a.py", { fence }),
  },
  {
    name: "locks.break",
    step: "locks.break",
    setup: ({ as }) => as("ada").locks.acquire("a.py"),
    call: ({ as }) => as("bob").locks.break("a.py", { reason: "stuck" }),
  },
  {
    name: "locks.break of what nobody holds",
    step: "locks.break",
    call: ({ as }) => as("bob").locks.break("a.py", { reason: "stuck" }),
  },
  {
    name: "locks.list",
    step: "locks.list",
    setup: async ({ as }) => {
      await as("ada").locks.acquire(["b.py", "a.py"]);
      await as("bob").locks.acquire("c.py");
    },
    call: ({ as }) => as().locks.list(),
  },
  {
    name: "locks.list of one holder",
    step: "locks.list",
    setup: async ({ as }) => {
      await as("ada").locks.acquire(["b.py", "a.py"]);
      await as("bob").locks.acquire("c.py");
    },
    call: ({ as }) => as().locks.list({ holder: "bob" }),
  },
  {
    name: "locks.count",
    step: "locks.count",
    setup: ({ as }) => as("ada").locks.acquire(["b.py", "a.py"]),
    call: ({ as }) => as().locks.count(),
  },
];

/** Operations of Agents. */
export const AGENT_OPERATIONS: readonly Operation[] = [
  {
    name: "agents.register",
    step: "agents.register",
    call: ({ as }) =>
      as("ada").agents.register({ role: "engineer", tags: ["backend"], workingOn: "a" }),
  },
  {
    name: "agents.register of a live name",
    step: "agents.register",
    setup: ({ as }) => as("ada").agents.register(),
    call: ({ as }) => as("ada").agents.register(),
  },
  {
    name: "agents.register taking over",
    step: "agents.register",
    setup: async ({ as, advance }) => {
      await as("ada").agents.register({ role: "engineer" });
      advance(500);
    },
    call: ({ as }) => as("ada").agents.register({ takeover: true, workingOn: "b" }),
  },
  {
    name: "agents.heartbeat",
    step: "agents.heartbeat",
    setup: async ({ as, advance }) => {
      await as("ada").locks.acquire("a.py", { ttlMs: 3000 });
      advance(2000);
    },
    call: ({ as }) => as("ada").agents.heartbeat({ status: "idle", workingOn: "tea" }),
  },
  {
    name: "agents.heartbeat of a name that is new",
    step: "agents.heartbeat",
    call: ({ as }) => as("ada").agents.heartbeat(),
  },
  {
    name: "agents.deregister",
    step: "agents.deregister",
    setup: async ({ as }) => {
      await as("ada").locks.acquire(["a.py", "b.py"]);
      await as("bob").tasks.create([{ title: "t" }, { title: "u" }]);
      await as("ada").tasks.claim();
    },
    call: ({ as }) => as("ada").agents.deregister(),
  },
  {
    name: "agents.deregister of a name that is unknown",
    step: "agents.deregister",
    call: ({ as }) => as("ada").agents.deregister(),
  },
  {
    name: "agents.prune",
    step: "agents.prune",
    setup: async ({ as, advance }) => {
      await as("ada").agents.register();
      await as("bob").agents.register();
      await as("bob").agents.deregister();
      advance(DAY_MS + 1);
    },
    call: ({ as }) => as("eve").agents.prune(),
  },
  {
    name: "agents.get",
    step: "agents.get",
    setup: ({ as }) => as("ada").agents.register(),
    call: ({ as }) => as().agents.get("ada"),
  },
  {
    name: "agents.show of a name that is unknown",
    step: "agents.get",
    call: ({ as }) => as().agents.show("ada"),
  },
  {
    name: "agents.explain",
    step: "agents.explain",
    setup: async ({ as }) => {
      await as("ada").locks.acquire("a.py");
      await as("ada").tasks.create([{ title: "t" }]);
      await as("ada").tasks.claim();
    },
    call: ({ as }) => as().agents.explain("ada"),
  },
  {
    name: "agents.list",
    step: "agents.list",
    setup: async ({ as, advance }) => {
      await as("bob").agents.register();
      advance(400_000);
      await as("ada").agents.register();
    },
    call: ({ as }) => as().agents.list(),
  },
  {
    name: "agents.hung",
    step: "agents.hung",
    setup: async ({ as, advance }) => {
      await as("bob").agents.register();
      advance(400_000);
      await as("ada").agents.register();
    },
    call: ({ as }) => as().agents.hung(),
  },
  {
    name: "agents.summary",
    step: "agents.summary",
    setup: async ({ as, advance }) => {
      await as("bob").agents.register();
      advance(400_000);
      await as("ada").agents.register();
    },
    call: ({ as }) => as().agents.summary(),
  },
];

const claimed = async ({ as }: Parameters<Operation["call"]>[0]): Promise<Task> => {
  await as("bob").tasks.create([{ title: "t", tags: ["x"], payload: [1] }]);
  return (await as("ada").tasks.claim())[0]!;
};

/** Operations of Tasks. */
export const TASK_OPERATIONS: readonly Operation[] = [
  {
    name: "tasks.create",
    step: "tasks.create",
    call: ({ as }) =>
      as("ada").tasks.create([
        { title: "a", description: "d", payload: { n: [null, "é"] }, key: "a" },
        { title: "b", dependsOn: [0], tags: ["x", "y"] },
        { title: "c", priority: 9, maxAttempts: 1 },
      ]),
  },
  {
    name: "tasks.create with a key that is known",
    step: "tasks.create",
    setup: ({ as }) => as("bob").tasks.create([{ title: "a", key: "k" }]),
    call: ({ as }) => as("ada").tasks.create([{ title: "b" }, { title: "c", key: "k" }]),
  },
  {
    name: "tasks.create on a task that is unknown",
    step: "tasks.create",
    call: ({ as }) => as("ada").tasks.create([{ title: "b" }, { title: "c", dependsOn: ["no"] }]),
  },
  {
    name: "tasks.claim",
    step: "tasks.claim",
    setup: ({ as }) =>
      as("bob").tasks.create([{ title: "a" }, { title: "b", priority: 5 }, { title: "c" }]),
    call: ({ as }) => as("ada").tasks.claim({ count: 2, leaseMs: 1000 }),
  },
  {
    name: "tasks.claim by any tag",
    step: "tasks.claim",
    setup: ({ as }) =>
      as("bob").tasks.create([{ title: "a" }, { title: "b", tags: ["x"] }, { title: "c" }]),
    call: ({ as }) => as("ada").tasks.claim({ tags: ["y", "x"] }),
  },
  {
    name: "tasks.claim by all tags",
    step: "tasks.claim",
    setup: ({ as }) =>
      as("bob").tasks.create([{ title: "a", tags: ["x"] }, { title: "b", tags: ["x", "y"] }]),
    call: ({ as }) => as("ada").tasks.claim({ tags: ["y", "x"], match: "all" }),
  },
  {
    name: "tasks.claim of one whose lease has lapsed",
    step: "tasks.claim",
    setup: async ({ as, advance }) => {
      await as("bob").tasks.create([{ title: "a", leaseMs: 1000 }]);
      await as("eve").tasks.claim();
      advance(1000);
    },
    call: ({ as }) => as("ada").tasks.claim(),
  },
  {
    name: "tasks.claim when there is none",
    step: "tasks.claim",
    setup: ({ as }) => as("bob").tasks.create([{ title: "a", tags: ["x"] }]),
    call: ({ as }) => as("ada").tasks.claim({ tags: ["y"] }),
  },
  {
    name: "tasks.claim waiting in vain",
    step: "tasks.claim",
    commands: [3, 4],
    call: ({ as }) => as("ada").tasks.claim({ waitMs: WAIT_MS }),
  },
  {
    name: "tasks.claim waiting in vain, leaving",
    step: "tasks.abandon",
    commands: [3, 4],
    call: ({ as }) => as("ada").tasks.claim({ waitMs: WAIT_MS, tags: ["x"] }),
  },
  {
    name: "tasks.claim waiting until there is one",
    step: "tasks.claim",
    commands: 3,
    call: async ({ as, answered }) => {
      const waiting = as("ada").tasks.claim({ waitMs: 5000, tags: ["x"] });
      await answered("tasks.claim");
      return [await as("bob").tasks.create([{ title: "a", tags: ["x"] }]), await waiting];
    },
  },
  {
    name: "tasks.create for one who waits",
    step: "tasks.create",
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
    step: "tasks.claim",
    call: ({ as }) => as("ada").tasks.tryClaim(),
  },
  {
    name: "tasks.hold",
    step: "tasks.claim",
    setup: ({ as }) => as("bob").tasks.create([{ title: "a" }]),
    call: async ({ as, later }) => {
      const held = await as("ada").tasks.hold();
      later(() => held!.complete());
      return held!.task;
    },
  },
  {
    name: "tasks.renew",
    step: "tasks.renew",
    setup: async (bench) => {
      const task = await claimed(bench);
      bench.advance(1500);
      return task;
    },
    call: ({ as }, { id }: Task) => as("ada").tasks.renew(id, { leaseMs: 1e6, progress: "half" }),
  },
  {
    name: "tasks.renew of a lease that is lost",
    step: "tasks.renew",
    setup: claimed,
    call: ({ as }, { id }: Task) => as("bob").tasks.renew(id),
  },
  {
    name: "tasks.complete",
    step: "tasks.complete",
    setup: claimed,
    call: ({ as }, { id, lease }: Task) =>
      as("ada").tasks.complete(id, { fence: lease!.fence, result: { ok: [] } }),
  },
  {
    name: "tasks.complete that frees others",
    step: "tasks.complete",
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
    step: "tasks.complete",
    setup: claimed,
    call: ({ as }, { id }: Task) => as("ada").tasks.complete(id, { fence: 77 }),
  },
  {
    name: "tasks.completeAndClaim",
    step: "tasks.complete",
    setup: async (bench) => {
      const task = await claimed(bench);
      await bench.as("bob").tasks.create([{ title: "b" }, { title: "c" }, { title: "d" }]);
      return task;
    },
    call: ({ as }, { id }: Task) => as("ada").tasks.completeAndClaim(id, { next: { count: 2 } }),
  },
  {
    name: "tasks.fail",
    step: "tasks.fail",
    setup: claimed,
    call: ({ as }, { id }: Task) => as("ada").tasks.fail(id, { error: "no" }),
  },
  {
    name: "tasks.fail for good",
    step: "tasks.fail",
    setup: claimed,
    call: ({ as }, { id }: Task) => as("ada").tasks.fail(id, { error: "no", retry: false }),
  },
  {
    name: "tasks.release",
    step: "tasks.release",
    setup: claimed,
    call: ({ as }, { id }: Task) => as("ada").tasks.release(id, { reason: "lunch" }),
  },
  {
    name: "tasks.cancel",
    step: "tasks.cancel",
    setup: claimed,
    call: ({ as }, { id }: Task) => as("bob").tasks.cancel(id),
  },
  {
    name: "tasks.retry",
    step: "tasks.retry",
    setup: async (bench) => {
      const task = await claimed(bench);
      await bench.as("ada").tasks.fail(task.id, { error: "no", retry: false });
      return task;
    },
    call: ({ as }, { id }: Task) => as("bob").tasks.retry(id),
  },
  {
    name: "tasks.retry of one that is pending",
    step: "tasks.retry",
    setup: async ({ as }) => (await as("bob").tasks.create([{ title: "a" }]))[0],
    call: ({ as }, { id }: Task) => as("bob").tasks.retry(id),
  },
  {
    name: "tasks.update",
    step: "tasks.update",
    setup: async ({ as }) => (await as("bob").tasks.create([{ title: "a", tags: ["x"] }]))[0],
    call: ({ as }, { id }: Task) =>
      as("ada").tasks.update(id, { title: "b", tags: ["y"], priority: 8, payload: null }),
  },
  {
    name: "tasks.sweep",
    step: "tasks.sweep",
    setup: async ({ as, advance }) => {
      await as("bob").tasks.create([{ title: "a", leaseMs: 1000 }, { title: "b", leaseMs: 1000 }]);
      await as("eve").tasks.claim({ count: 2 });
      advance(1000);
    },
    call: ({ as }) => as("ada").tasks.sweep(),
  },
  {
    name: "tasks.get",
    step: "tasks.get",
    setup: claimed,
    call: ({ as }, { id }: Task) => as().tasks.get(id),
  },
  {
    name: "tasks.show of a task that is unknown",
    step: "tasks.get",
    call: ({ as }) => as().tasks.show("tsk_no"),
  },
  {
    name: "tasks.list",
    step: "tasks.list",
    setup: ({ as }) =>
      as("bob").tasks.create([{ title: "a" }, { title: "b" }, { title: "c", dependsOn: [0] }]),
    call: ({ as }) => as().tasks.list({ limit: 2 }),
  },
  {
    name: "tasks.list by status and tag",
    step: "tasks.list",
    setup: ({ as }) =>
      as("bob").tasks.create([{ title: "a", tags: ["x"] }, { title: "b" }, {
        title: "c",
        tags: ["x"],
      }]),
    call: ({ as }) => as().tasks.list({ status: "pending", tags: ["x"] }),
  },
  {
    name: "tasks.counts",
    step: "tasks.counts",
    setup: claimed,
    call: ({ as }) => as().tasks.counts(),
  },
];

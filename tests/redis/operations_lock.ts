/**
 * Operations on locks.
 * @module
 */
import type { Lease } from "../../src/lock/model.ts";
import type { Operation } from "./operations.ts";

/** Long enough to look twice, and short enough for a test. */
export const WAIT_MS = 40;

/** Operations of Locks. */
export const LOCK_OPERATIONS: readonly Operation[] = [
  {
    name: "locks.acquire",
    method: "locks.acquire",
    call: ({ as }) => as("ada").locks.acquire(["b.py", "a.py", "src"], { intent: "fix" }),
  },
  {
    name: "locks.acquire shared beside another",
    method: "locks.acquire",
    setup: ({ as }) => as("bob").locks.acquire("a.py", { mode: "shared" }),
    call: ({ as }) => as("ada").locks.acquire("a.py", { mode: "shared" }),
  },
  {
    name: "locks.acquire of what another holds",
    method: "locks.acquire",
    setup: ({ as }) => as("bob").locks.acquire("src/a.py", { intent: "busy" }),
    call: ({ as }) => as("ada").locks.acquire(["x.py", "src"]),
  },
  {
    name: "locks.acquire of what has lapsed",
    method: "locks.acquire",
    setup: async ({ as, advance }) => {
      await as("bob").locks.acquire("a.py", { ttlMs: 1000 });
      advance(1000);
    },
    call: ({ as }) => as("ada").locks.acquire("a.py"),
  },
  {
    name: "locks.acquire again, reentrant",
    method: "locks.acquire",
    setup: ({ as }) => as("ada").locks.acquire("a.py", { ttlMs: 1000 }),
    call: ({ as }) => as("ada").locks.acquire("a.py", { reentrant: true }),
  },
  {
    name: "locks.acquire of what it holds itself, while something else lapses",
    method: "locks.acquire",
    setup: async ({ as, advance }) => {
      await as("bob").locks.acquire("b.py", { ttlMs: 1000 });
      await as("ada").locks.acquire("a.py");
      advance(1000);
    },
    call: ({ as }) => as("ada").locks.acquire("a.py"),
  },
  {
    name: "locks.acquire waiting in vain",
    method: "locks.acquire",
    commands: [3, 4],
    setup: ({ as }) => as("bob").locks.acquire("a.py"),
    call: ({ as }) => as("ada").locks.acquire("a.py", { waitMs: WAIT_MS }),
  },
  {
    name: "locks.acquire waiting in vain, leaving",
    method: "locks.abandon",
    commands: [3, 4],
    setup: ({ as }) => as("bob").locks.acquire("a.py"),
    call: ({ as }) => as("ada").locks.acquire("a.py", { waitMs: WAIT_MS }),
  },
  {
    name: "locks.acquire waiting until it is released",
    method: "locks.acquire",
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
    method: "locks.acquire",
    setup: ({ as }) => as("bob").locks.acquire("a.py"),
    call: ({ as }) => as("ada").locks.tryAcquire("a.py"),
  },
  {
    name: "locks.hold",
    method: "locks.acquire",
    call: async ({ as, later }) => {
      const held = await as("ada").locks.hold(["a.py", "b.py"]);
      later(() => held.release());
      return held.leases;
    },
  },
  {
    name: "locks.renew",
    method: "locks.renew",
    setup: async ({ as, advance }) => {
      await as("ada").locks.acquire(["a.py", "b.py"], { ttlMs: 1000 });
      advance(500);
    },
    call: ({ as }) => as("ada").locks.renew(["a.py", "b.py"], { ttlMs: 2000 }),
  },
  {
    name: "locks.renew of what another holds",
    method: "locks.renew",
    setup: ({ as }) => as("bob").locks.acquire("a.py"),
    call: ({ as }) => as("ada").locks.renew("a.py", { fence: 7 }),
  },
  {
    name: "locks.release",
    method: "locks.release",
    setup: ({ as }) => as("ada").locks.acquire(["a.py", "b.py"]),
    call: ({ as }, [{ fence }]: [Lease]) => as("ada").locks.release(["b.py", "a.py"], { fence }),
  },
  {
    name: "locks.release of some that are lost",
    method: "locks.release",
    setup: ({ as }) => as("ada").locks.acquire("a.py"),
    call: ({ as }) => as("ada").locks.release(["a.py", "b.py"]),
  },
  {
    name: "locks.release to one who waits",
    method: "locks.release",
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
    method: "locks.releaseAll",
    setup: async ({ as }) => {
      await as("ada").locks.acquire("a.py");
      await as("ada").locks.acquire("b.py");
    },
    call: ({ as }) => as("ada").locks.releaseAll(),
  },
  {
    name: "locks.verify",
    method: "locks.covering",
    setup: ({ as }) => as("ada").locks.acquire("a.py"),
    call: ({ as }, [{ fence }]: [Lease]) => as().locks.verify("a.py", { fence }),
  },
  {
    name: "locks.release of what held a task up",
    method: "locks.release",
    setup: async ({ as }) => {
      await as("ada").locks.acquire("src");
      await as("bob").tasks.create([{ title: "t", paths: ["src/a.py"], tags: ["x"] }]);
      await as("bob").tasks.tryClaim();
    },
    call: ({ as }) => as("ada").locks.release("src"),
  },
  {
    name: "locks.break of what is part of a claim",
    method: "locks.break",
    setup: async ({ as }) => {
      await as("bob").tasks.create([{ title: "t", paths: ["src/a.py"] }]);
      await as("bob").tasks.claim();
    },
    call: ({ as }) => as("ada").locks.break("src/a.py", { reason: "stuck" }),
  },
  {
    name: "locks.check",
    method: "locks.check",
    setup: async ({ as }) => {
      await as("ada").locks.acquire(["a.py", "src/b.py"]);
      await as("bob").locks.acquire("c.py");
    },
    call: ({ as }) => as("bob").locks.check(["a.py", "src", "c.py", "free.py"]),
  },
  {
    name: "locks.break",
    method: "locks.break",
    setup: ({ as }) => as("ada").locks.acquire("a.py"),
    call: ({ as }) => as("bob").locks.break("a.py", { reason: "stuck" }),
  },
  {
    name: "locks.break of what nobody holds",
    method: "locks.break",
    call: ({ as }) => as("bob").locks.break("a.py", { reason: "stuck" }),
  },
  {
    name: "locks.list",
    method: "locks.list",
    setup: async ({ as }) => {
      await as("ada").locks.acquire(["b.py", "a.py"]);
      await as("bob").locks.acquire("c.py");
    },
    call: ({ as }) => as().locks.list(),
  },
  {
    name: "locks.list of one holder",
    method: "locks.list",
    setup: async ({ as }) => {
      await as("ada").locks.acquire(["b.py", "a.py"]);
      await as("bob").locks.acquire("c.py");
    },
    call: ({ as }) => as().locks.list({ holder: "bob" }),
  },
  {
    name: "locks.count",
    method: "locks.count",
    setup: ({ as }) => as("ada").locks.acquire(["b.py", "a.py"]),
    call: ({ as }) => as().locks.count(),
  },
];

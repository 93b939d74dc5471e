/**
 * Tasks that declare paths, on every store.
 */
import assert from "node:assert/strict";
import { Agents } from "../../src/agent/agent.ts";
import { ConflictError, InvalidArgumentError, LeaseLostError } from "../../src/errors.ts";
import { Events } from "../../src/event/event.ts";
import { Locks } from "../../src/lock/lock.ts";
import { type Task, Tasks } from "../../src/task/task.ts";
import { storeTest } from "../../dev/stores.ts";

const titles = (tasks: readonly Task[]) => tasks.map(({ title }) => title);

storeTest(
  "task claim takes the task and the locks on its paths under one fence",
  async ({ as }) => {
    const [ada, bob] = [new Tasks(as("ada")), new Tasks(as("bob"))];
    const locks = new Locks(as("cy"));
    const [made] = await ada.create([
      {
        title: "rename",
        paths: ["./src/a.py", { path: "docs/", mode: "shared" }],
        leaseMs: 60_000,
      },
    ]);
    const paths = [{ path: "src/a.py", mode: "exclusive" }, { path: "docs", mode: "shared" }];
    assert.deepEqual(made!.paths, paths);
    const [task] = await bob.claim();
    assert.deepEqual(task!.paths, paths);
    const { holder, fence, expiresAtMs } = task!.lease!;
    const held = { holder, fence, intent: "rename", expiresAtMs, taskId: task!.id };
    const { startedAtMs: acquiredAtMs } = task!.attempts[0]!;
    assert.deepEqual(await locks.list(), [
      { path: "docs", mode: "shared", ...held, acquiredAtMs },
      { path: "src/a.py", mode: "exclusive", ...held, acquiredAtMs },
    ]);
    await assert.rejects(locks.acquire("src"), /"src\/a\.py" is held by "bob" \(rename\)/);
    assert.equal((await locks.acquire("docs", { mode: "shared" })).length, 1);
    await locks.verify("src/a.py", { fence });
  },
);

storeTest(
  "task that needs a held path is passed over, and comes back to its place",
  async ({ as }) => {
    const ada = new Tasks(as("ada"));
    const locks = new Locks(as("cy"));
    await ada.create([
      { title: "urgent", priority: 9, paths: ["src/a.py"], tags: ["x"] },
      { title: "other", paths: ["src/b.py"], tags: ["x"] },
      { title: "plain" },
    ]);
    await locks.acquire("src/a.py");
    assert.deepEqual(titles(await ada.claim()), ["other"]);
    assert.deepEqual(titles((await ada.list({ status: "pending" })).tasks), ["urgent", "plain"]);
    assert.equal((await ada.counts()).pending, 2);
    assert.deepEqual(
      titles((await ada.list({ status: "pending", tags: ["x"] })).tasks),
      ["urgent"],
    );
    assert.deepEqual(titles((await ada.list({ order: "claim" })).tasks), [
      "other",
      "urgent",
      "plain",
    ]);
    await locks.release("src/a.py");
    assert.deepEqual(titles(await ada.claim({ tags: ["x"] })), ["urgent"]);
    assert.deepEqual(titles(await ada.claim()), ["plain"]);
  },
);

const ENDINGS: Readonly<Record<string, (tasks: Tasks, task: Task) => Promise<unknown>>> = {
  completed: (tasks, { id }) => tasks.complete(id),
  failed: (tasks, { id }) => tasks.fail(id, { error: "no" }),
  "failed for good": (tasks, { id }) => tasks.fail(id, { error: "no", retry: false }),
  released: (tasks, { id }) => tasks.release(id),
  "released until later": (tasks, { id, lease }) =>
    tasks.release(id, { notBeforeMs: lease!.expiresAtMs }),
  cancelled: (tasks, { id }) => tasks.cancel(id),
};

for (const [how, end] of Object.entries(ENDINGS)) {
  storeTest(`task that is ${how} ends its locks and lets the next one in`, async ({ as }) => {
    const ada = new Tasks(as("ada"));
    const bob = new Tasks(as("bob"));
    const locks = new Locks(as("cy"));
    await ada.create([
      { title: "first", paths: ["src"], priority: 1, tags: ["f"] },
      { title: "second", paths: ["src/deep/x.py"], tags: ["s"] },
    ]);
    const [task] = await ada.claim({ tags: ["f"] });
    assert.deepEqual(await bob.tryClaim({ tags: ["s"] }), []);
    await end(ada, task!);
    assert.deepEqual(await locks.list(), []);
    assert.deepEqual(titles(await bob.claim({ tags: ["s"] })), ["second"]);
    assert.deepEqual((await locks.list()).map(({ path }) => path), ["src/deep/x.py"]);
  });
}

storeTest("task whose lease lapses ends its locks at the same instant", async ({ as, clock }) => {
  const ada = new Tasks(as("ada"));
  const bob = new Tasks(as("bob"));
  const locks = new Locks(as("cy"));
  await ada.create([
    { title: "first", priority: 9, paths: ["a.py"], leaseMs: 1000, tags: ["f"] },
    { title: "second", paths: ["a.py"], tags: ["s"] },
  ]);
  const [task] = await ada.claim();
  assert.deepEqual(await bob.tryClaim(), []);
  clock.advance(600);
  await ada.renew(task!.id);
  clock.advance(600);
  assert.deepEqual(await bob.tryClaim(), []);
  assert.equal((await locks.list())[0]!.expiresAtMs, (await ada.show(task!.id)).lease!.expiresAtMs);
  clock.advance(400);
  assert.deepEqual(await locks.list(), []);
  assert.deepEqual(titles(await bob.claim({ tags: ["s"] })), ["second"]);
  assert.deepEqual(await bob.tryClaim(), []);
  await assert.rejects(ada.renew(task!.id), LeaseLostError);
  // Late, but nobody has had the task since.
  assert.equal((await ada.complete(task!.id)).status, "completed");
  assert.deepEqual((await locks.list()).map(({ holder }) => holder), ["bob"]);
});

storeTest("task lock lapses by itself, whoever notices first", async ({ as, clock }) => {
  const ada = new Tasks(as("ada"));
  const locks = new Locks(as("cy"));
  await ada.create([{ title: "t", paths: ["a.py"], leaseMs: 1000 }]);
  const [task] = await ada.claim();
  clock.advance(1000);
  const [lease] = await locks.acquire("a.py");
  assert.ok(lease!.fence > task!.lease!.fence);
  assert.deepEqual(await ada.tryClaim(), []);
  assert.equal((await ada.show(task!.id)).status, "pending");
  await locks.release("a.py");
  assert.equal((await ada.claim())[0]!.id, task!.id);
});

storeTest(
  "task locks are renewed by a heartbeat together with the claim",
  async ({ as, clock }) => {
    const ada = new Tasks(as("ada"));
    await ada.create([{ title: "t", paths: ["a.py", "b.py"], leaseMs: 1000 }]);
    const [task] = await ada.claim();
    clock.advance(900);
    await new Agents(as("ada")).heartbeat();
    clock.advance(900);
    const now = await ada.show(task!.id);
    assert.equal(now.status, "claimed");
    const leases = await new Locks(as("cy")).list();
    assert.deepEqual(leases.map(({ path, expiresAtMs }) => [path, expiresAtMs]), [
      ["a.py", now.lease!.expiresAtMs],
      ["b.py", now.lease!.expiresAtMs],
    ]);
  },
);

storeTest("task locks end when their holder leaves", async ({ as }) => {
  const ada = new Tasks(as("ada"));
  const bob = new Tasks(as("bob"));
  await ada.create([{ title: "first", paths: ["a.py"] }, { title: "second", paths: ["a.py"] }]);
  await ada.claim();
  await new Locks(as("ada")).acquire("own.py");
  assert.deepEqual(await bob.tryClaim(), []);
  assert.deepEqual(await new Agents(as("ada")).deregister(), {
    released: { locks: 1, tasks: 1 },
  });
  assert.deepEqual(await new Locks(as("bob")).list(), []);
  assert.deepEqual(titles(await bob.claim()), ["first"]);
});

storeTest("task lock is not released, renewed or broken by itself", async ({ as }) => {
  const ada = new Tasks(as("ada"));
  const locks = new Locks(as("ada"));
  await ada.create([{ title: "t", paths: ["a.py"] }]);
  const [task] = await ada.claim();
  const { fence } = task!.lease!;
  for (
    const attempt of [
      () => locks.release("a.py"),
      () => locks.release("a.py", { fence }),
      () => locks.renew("a.py"),
      () => new Locks(as("maria")).break("a.py", { reason: "now" }),
    ]
  ) {
    await assert.rejects(attempt(), (error: Error) => {
      assert.match(error.message, new RegExp(`part of the claim of task ${task!.id} by "ada"`));
      return error instanceof ConflictError;
    });
  }
  assert.deepEqual(await locks.releaseAll(), []);
  assert.equal((await locks.list()).length, 1);
  // Its holder may edit what it has claimed: the same lease, which is not made longer.
  const [lease] = await locks.acquire("a.py", { reentrant: true, ttlMs: 3_600_000 });
  assert.deepEqual([lease!.fence, lease!.expiresAtMs], [fence, task!.lease!.expiresAtMs]);
  assert.equal((await locks.check("a.py"))[0]!.state, "mine");
});

storeTest(
  "task paths shared by readers keep writers out, and the other way round",
  async ({ as }) => {
    const ada = new Tasks(as("ada"));
    const reader = (title: string) => ({
      title,
      paths: [{ path: "src", mode: "shared" } as const],
    });
    await ada.create([
      reader("r1"),
      reader("r2"),
      { title: "w", paths: ["src/a.py"] },
      reader("r3"),
    ]);
    const claimed = await ada.claim({ count: 2 });
    assert.deepEqual(titles(claimed), ["r1", "r2"]);
    await ada.complete(claimed[0]!.id);
    assert.deepEqual(titles(await ada.claim({ count: 2 })), ["r3"]);
    await ada.complete(claimed[1]!.id);
    assert.deepEqual(await ada.tryClaim(), []);
    const [{ id }] = (await ada.list({ status: "claimed" })).tasks as [Task];
    await ada.complete(id);
    assert.deepEqual(titles(await ada.claim()), ["w"]);
  },
);

storeTest("task claim waits behind a waiter for a lock that came first", async ({ as }) => {
  const ada = new Tasks(as("ada"));
  const [bob, cy] = [new Locks(as("bob")), new Locks(as("cy"))];
  await ada.create([{ title: "t", paths: ["a.py"] }]);
  await bob.acquire("a.py");
  const waiting = cy.acquire("a.py", { waitMs: 60_000 });
  while ((await bob.tryAcquire("a.py", { waitMs: 0 })).kind !== "held") { /* never free here */ }
  await new Promise((resolve) => setTimeout(resolve, 100));
  await bob.release("a.py");
  assert.deepEqual(await ada.tryClaim(), []);
  await waiting;
  assert.deepEqual(await ada.tryClaim(), []);
  await cy.release("a.py");
  assert.deepEqual(titles(await ada.claim()), ["t"]);
});

storeTest(
  "task claim that waits is woken when a path that kept its task back is free",
  async ({ as }) => {
    const ada = new Tasks(as("ada"));
    const bob = new Locks(as("bob"));
    await ada.create([{ title: "t", paths: ["src/a.py"], tags: ["x"] }]);
    await bob.acquire("src");
    const waiting = ada.claim({ waitMs: 60_000, tags: ["x"] });
    await new Promise((resolve) => setTimeout(resolve, 100));
    await bob.release("src");
    assert.deepEqual(titles(await waiting), ["t"]);
  },
);

storeTest(
  "task waiter for a lock is woken when the claim that held its path ends",
  async ({ as }) => {
    const ada = new Tasks(as("ada"));
    const bob = new Locks(as("bob"));
    await ada.create([{ title: "t", paths: ["src/a.py"] }]);
    const [task] = await ada.claim();
    const waiting = bob.acquire("src", { waitMs: 60_000 });
    await new Promise((resolve) => setTimeout(resolve, 100));
    await ada.complete(task!.id);
    assert.deepEqual((await waiting).map(({ path }) => path), ["src"]);
  },
);

storeTest("task paths change with an update, also while the task is held up", async ({ as }) => {
  const ada = new Tasks(as("ada"));
  const locks = new Locks(as("cy"));
  const [a, b] = await ada.create([
    { title: "a", paths: ["a.py"], tags: ["t"] },
    { title: "b", paths: ["a.py"], tags: ["t"] },
  ]);
  await locks.acquire("a.py");
  assert.deepEqual(await ada.tryClaim({ tags: ["t"] }), []);
  await ada.update(b!.id, { paths: ["b.py"], priority: 9 });
  assert.deepEqual(titles(await ada.claim({ tags: ["t"] })), ["b"]);
  assert.deepEqual(await ada.tryClaim({ tags: ["t"] }), []);
  const changed = await ada.update(a!.id, { paths: [], tags: ["u"] });
  assert.deepEqual([changed.status, changed.paths], ["pending", []]);
  assert.deepEqual(titles(await ada.claim({ tags: ["u"] })), ["a"]);
});

storeTest("task that is held up may be cancelled and brought back", async ({ as }) => {
  const ada = new Tasks(as("ada"));
  const locks = new Locks(as("cy"));
  const [a] = await ada.create([{ title: "a", paths: ["a.py"] }, { title: "b", paths: ["a.py"] }]);
  await locks.acquire("a.py");
  assert.deepEqual(await ada.tryClaim(), []);
  await ada.cancel(a!.id);
  await locks.release("a.py");
  const [b] = await ada.claim();
  assert.equal(b!.title, "b");
  await ada.retry(a!.id);
  assert.deepEqual(await ada.tryClaim(), []);
  const { next } = await ada.completeAndClaim(b!.id);
  assert.deepEqual(titles(next), ["a"]);
});

storeTest("task claims of several take no two that overlap", async ({ as }) => {
  const ada = new Tasks(as("ada"));
  await ada.create([
    { title: "1", paths: ["src"] },
    { title: "2", paths: ["src/a.py"] },
    { title: "3" },
    { title: "4", paths: ["src/b.py", "docs"] },
    { title: "5", paths: ["docs/x.md"] },
    { title: "6", paths: ["docs/x.md/y"] },
  ]);
  const first = await ada.claim({ count: 10 });
  assert.deepEqual(titles(first), ["1", "3", "5"]);
  await ada.complete(first[0]!.id);
  assert.deepEqual(titles(await ada.claim({ count: 10 })), ["2"]);
  await ada.complete(first[2]!.id);
  const second = await ada.claim({ count: 10 });
  assert.deepEqual(titles(second), ["4"]);
  await ada.complete(second[0]!.id);
  assert.deepEqual(titles(await ada.claim({ count: 10 })), ["6"]);
});

storeTest(
  "task claim takes its locks, and its end ends them, in the event stream",
  async ({ as }) => {
    const ada = new Tasks(as("ada"));
    const events = new Events(as("ada"));
    await ada.create([{ title: "t", paths: ["a.py"] }]);
    const [task] = await ada.claim();
    await ada.complete(task!.id);
    const { events: told } = await events.list();
    const { fence } = task!.lease!;
    assert.deepEqual(
      told.filter(({ type }) => /^(?:lock|task)\./.test(type)).map(({ type, subject, data }) =>
        [type, subject, data] as const
      ).slice(1),
      [
        ["lock.acquired", "a.py", { fence, mode: "exclusive" }],
        ["task.claimed", task!.id, { fence }],
        ["lock.released", "a.py", { fence }],
        ["task.completed", task!.id, { fence }],
      ],
    );
  },
);

storeTest("task paths that are bad are refused, and nothing is written", async ({ as }) => {
  const ada = new Tasks(as("ada"));
  const bad: readonly (readonly [unknown, RegExp])[] = [
    ["a.py", /paths/],
    [[""], /path/],
    [[{ path: "a.py", mode: "both" }], /paths\[0\]\.mode/],
    [["../up.py"], /outside the project/],
    [["src", "src/a.py"], /lies within "src"/],
    [Array.from({ length: 65 }, (_, n) => `f${n}`), /at most 64/],
    [[7], /paths/],
  ];
  for (const [paths, message] of bad) {
    await assert.rejects(
      ada.create([{ title: "t", paths: paths as string[] }]),
      (error: Error) => {
        assert.match(error.message, message);
        return error instanceof InvalidArgumentError;
      },
    );
  }
  assert.equal((await ada.counts()).pending, 0);
  const [task] = await ada.create([
    { title: "t", paths: ["a.py", { path: "./b.py", mode: "shared" }, "b.py", "a.py"] },
  ]);
  assert.deepEqual(task!.paths, [
    { path: "a.py", mode: "exclusive" },
    { path: "b.py", mode: "exclusive" },
  ]);
});

storeTest("task claim of several takes all that one path has held up together", async ({ as }) => {
  const ada = new Tasks(as("ada"));
  const locks = new Locks(as("cy"));
  const paths = [{ path: "src", mode: "shared" } as const];
  await ada.create([{ title: "1", paths }, { title: "2", paths }, { title: "3", paths }]);
  await locks.acquire("src");
  assert.deepEqual(await ada.tryClaim({ count: 9 }), []);
  await ada.create([{ title: "4" }]);
  await locks.release("src");
  assert.deepEqual(titles(await ada.claim({ count: 9 })), ["1", "2", "3", "4"]);
});

storeTest(
  "task that claims of others have held up for long comes before those behind it",
  async ({ as, clock }) => {
    const ada = new Tasks(as("ada"));
    const small = (n: number) => ({ title: `s${n}`, paths: [`src/${n}.py`], leaseMs: 600_000 });
    await ada.create([small(0), { title: "whole", paths: ["src"] }, small(1), {
      title: "elsewhere",
      paths: ["docs"],
      priority: 0,
    }]);
    let running = await ada.claim({ count: 2 });
    assert.deepEqual(titles(running), ["s0", "s1"]);
    // Small ones overlap in time, so that the directory is never free.
    let n = 2;
    for (; n < 10; n++) {
      await ada.create([small(n)]);
      clock.advance(60_000);
      await ada.complete(running[0]!.id);
      const [next] = await ada.tryClaim();
      running = [running[1]!, next!].filter((task) => task !== undefined);
      if (next === undefined || next.title === "elsewhere") break;
    }
    assert.deepEqual(titles(running).at(-1), "elsewhere", "what is elsewhere goes on");
    assert.ok(n > 5 && n < 10, `after ${n}`);
    await ada.complete(running[0]!.id);
    assert.deepEqual(titles(await ada.claim()), ["whole"]);
    assert.deepEqual(await ada.tryClaim(), []);
    await ada.complete(
      (await ada.list({ status: "claimed" })).tasks.find(({ title }) => title === "whole")!.id,
    );
    assert.deepEqual(titles(await ada.claim()), [`s${n}`]);
  },
);

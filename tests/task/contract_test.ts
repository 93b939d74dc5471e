/**
 * The queue: creating, claiming in order, by tag, and ending a task one way or another. Long, because it is
 * one promise after the other.
 * @module
 */
import assert from "node:assert/strict";
import {
  ConflictError,
  InvalidArgumentError,
  LeaseLostError,
  NotFoundError,
  NothingToClaimError,
} from "../../src/errors.ts";
import { type Task, type TaskPage, Tasks } from "../../src/task/task.ts";
import { storeTest } from "../../dev/stores.ts";

const titles = (tasks: readonly Task[]) => tasks.map(({ title }) => title);

storeTest("task create gives the task its whole shape", async ({ as, clock }) => {
  const ada = new Tasks(as("ada"));
  const [task] = await ada.create([{
    title: "fix login",
    description: "line one\nline two",
    priority: 7,
    tags: ["backend", "urgent", "backend"],
    payload: { files: ["a.py"], deep: { n: 1.5, none: null } },
    maxAttempts: 2,
  }]);
  assert.match(task!.id, /^tsk_[0-9A-HJKMNP-TV-Z]{26}$/);
  assert.deepEqual(task, {
    id: task!.id,
    title: "fix login",
    description: "line one\nline two",
    priority: 7,
    tags: ["backend", "urgent"],
    status: "pending",
    dependsOn: [],
    payload: { files: ["a.py"], deep: { n: 1.5, none: null } },
    attempts: [],
    attemptsUsed: 0,
    maxAttempts: 2,
    createdBy: "ada",
    createdAtMs: clock.nowMs(),
    updatedAtMs: clock.nowMs(),
  });
  assert.deepEqual(await ada.get(task!.id), task);
  assert.deepEqual(await ada.create([]), []);
});

storeTest("task create refuses a bad field before anything is written", async ({ as }) => {
  const ada = new Tasks(as("ada"));
  const bad: readonly Record<string, unknown>[] = [
    { title: "" },
    { title: "x".repeat(513) },
    { title: "two\nlines" },
    { title: "x", priority: 10 },
    { title: "x", priority: 1.5 },
    { title: "x", tags: ["no spaces"] },
    { title: "x", tags: Array.from({ length: 33 }, (_, i) => `t${i}`) },
    { title: "x", description: "x".repeat(64 * 1024 + 1) },
    { title: "x", maxAttempts: 0 },
    { title: "x", maxAttempts: 101 },
    { title: "x", leaseMs: 10 },
    { title: "x", notBeforeMs: -1 },
    { title: "x", payload: "x".repeat(256 * 1024) },
    { title: "x", payload: { n: NaN } },
    { title: "x", payload: { n: 1n } },
    { title: "x", payload: () => 1 },
    { title: "x", backoff: { kind: "sudden" } },
    { title: "x", backoff: { kind: "linear", baseMs: 3_600_001 } },
    { title: "x", dependsOn: [""] },
    { title: "x", dependsOn: [2] },
    { title: "x", dependsOn: [-1] },
    { title: "x", key: "" },
    {},
  ];
  for (const task of bad) {
    await assert.rejects(
      ada.create([{ title: "good" }, task as unknown as { title: string }]),
      (error: InvalidArgumentError) =>
        error instanceof InvalidArgumentError && /tasks\[1\]/.test(error.message),
      JSON.stringify(Object.keys(task)),
    );
  }
  const many = Array.from({ length: 1001 }, () => ({ title: "x" }));
  await assert.rejects(ada.create(many), InvalidArgumentError);
  await assert.rejects(new Tasks(as()).create([{ title: "x" }]), /No acting agent/);
  assert.equal((await ada.list()).tasks.length, 0);
});

storeTest("task key gives the first task again and creates nothing", async ({ as, clock }) => {
  const ada = new Tasks(as("ada"));
  const [first] = await ada.create([{ title: "deploy", key: "deploy-42" }]);
  clock.advance(5);
  const again = await ada.create([
    { title: "other" },
    { title: "deploy, again", key: "deploy-42", priority: 9 },
    { title: "twin", key: "twin" },
    { title: "twin", key: "twin" },
  ]);
  assert.deepEqual(again[1], first);
  assert.equal(again[2]!.id, again[3]!.id);
  assert.deepEqual(titles((await ada.list()).tasks), ["deploy", "other", "twin"]);
  assert.equal((await ada.counts()).pending, 3);
});

storeTest("task creation repeated with the same ids changes nothing", async ({ store, as }) => {
  const steps = await store.tasks();
  const actor = as("ada").actor!;
  const draft = (n: number, dependsOn: number[]) => ({
    id: `tsk_0000000000000000000000000${n}`,
    title: `task ${n}`,
    description: "",
    priority: 3,
    tags: ["x"],
    dependsOn,
    maxAttempts: 4,
    leaseMs: 1000,
    backoff: { kind: "none" as const, baseMs: 0 },
  });
  const first = await steps.create(actor, [draft(1, []), draft(2, [0])]);
  const second = await steps.create(actor, [draft(1, []), draft(2, [0])]);
  assert.deepEqual(second, first);
  assert.deepEqual({ ...await steps.counts() }, {
    scheduled: 0,
    blocked: 1,
    pending: 1,
    claimed: 0,
    completed: 0,
    dead: 0,
    cancelled: 0,
  });
});

storeTest("task claim takes the highest priority, then the oldest", async ({ as, clock }) => {
  const ada = new Tasks(as("ada"));
  await ada.create([
    { title: "low", priority: 0 },
    { title: "first" },
    { title: "second" },
    { title: "high", priority: 9, leaseMs: 5000 },
  ]);
  const [best] = await ada.claim();
  assert.equal(best!.title, "high");
  assert.equal(best!.status, "claimed");
  assert.deepEqual(best!.lease, {
    holder: "ada",
    fence: best!.lease!.fence,
    expiresAtMs: clock.nowMs() + 5000,
  });
  assert.deepEqual(best!.attempts, [
    { holder: "ada", fence: best!.lease!.fence, startedAtMs: clock.nowMs() },
  ]);
  const rest = await new Tasks(as("bob")).claim({ count: 100, leaseMs: 700 });
  assert.deepEqual(titles(rest), ["first", "second", "low"]);
  const fences = [best!, ...rest].map(({ lease }) => lease!.fence);
  assert.deepEqual(fences, [...new Set(fences)].sort((a, b) => a - b));
  assert.ok(rest.every(({ lease }) => lease!.expiresAtMs === clock.nowMs() + 700));
  await assert.rejects(ada.claim(), NothingToClaimError);
  assert.deepEqual(await ada.tryClaim(), []);
});

storeTest("task claim by tags takes any or all of them", async ({ as }) => {
  const ada = new Tasks(as("ada"));
  await ada.create([
    { title: "none", priority: 9 },
    { title: "a", tags: ["a"] },
    { title: "b", tags: ["b"], priority: 5 },
    { title: "ab", tags: ["a", "b"] },
    { title: "abc", tags: ["c", "b", "a"], priority: 4 },
    { title: "c", tags: ["c"] },
  ]);
  const all = await ada.claim({ tags: ["a", "b"], match: "all", count: 10 });
  assert.deepEqual(titles(all), ["abc", "ab"]);
  for (const task of all) await ada.release(task.id);
  const any = await ada.claim({ tags: ["a", "b"], count: 10 });
  assert.deepEqual(titles(any), ["b", "abc", "a", "ab"]);
  await assert.rejects(ada.claim({ tags: ["a"] }), /No pending task with tag "a"/);
  assert.deepEqual(titles(await ada.claim({ count: 9 })), ["none", "c"]);
  for (
    const bad of [{ tags: ["?"] }, { count: 0 }, { count: 101 }, { leaseMs: 1 }, { waitMs: -1 }]
  ) {
    await assert.rejects(ada.claim(bad), InvalidArgumentError);
  }
});

storeTest("task complete keeps the result and ends the lease", async ({ as, clock }) => {
  const ada = new Tasks(as("ada"));
  await ada.create([{ title: "x" }]);
  const [task] = await ada.claim();
  clock.advance(20);
  const done = await ada.complete(task!.id, { result: { url: "https://x.test", n: 0 } });
  assert.equal(done.status, "completed");
  assert.deepEqual(done.result, { url: "https://x.test", n: 0 });
  assert.equal(done.lease, undefined);
  assert.deepEqual(done.attempts, [{
    holder: "ada",
    fence: task!.lease!.fence,
    startedAtMs: clock.nowMs() - 20,
    endedAtMs: clock.nowMs(),
    outcome: "completed",
  }]);
  assert.deepEqual(await ada.get(task!.id), done);
  await assert.rejects(ada.complete(task!.id), LeaseLostError);
  await assert.rejects(ada.complete(task!.id, { result: 1n as never }), InvalidArgumentError);
});

storeTest("task completion sent twice under its fence answers the same", async ({ as, clock }) => {
  const ada = new Tasks(as("ada"));
  await ada.create([{ title: "x" }, { title: "y" }]);
  const [task] = await ada.claim();
  const fence = task!.lease!.fence;
  const first = await ada.complete(task!.id, { fence, result: 1 });
  clock.advance(5000);
  assert.deepEqual(await ada.complete(task!.id, { fence, result: 1 }), first);
  assert.equal((await ada.counts()).completed, 1);
  await assert.rejects(
    new Tasks(as("bob")).complete(task!.id, { fence, result: 1 }),
    LeaseLostError,
  );
});

storeTest("task completeAndClaim hands over the next task in one operation", async ({ as }) => {
  const ada = new Tasks(as("ada"));
  const [a, b, c] = await ada.create([
    { title: "a", tags: ["x"] },
    { title: "b", tags: ["x"], dependsOn: [0] },
    { title: "c" },
  ]);
  const [task] = await ada.claim({ tags: ["x"] });
  // What the completion sets free can be claimed at once.
  const first = await ada.completeAndClaim(task!.id, { result: "ok", next: { tags: ["x"] } });
  assert.equal(first.task.id, a!.id);
  assert.equal(first.task.status, "completed");
  assert.deepEqual(first.next.map(({ id }) => id), [b!.id]);
  const second = await ada.completeAndClaim(b!.id);
  assert.deepEqual(second.next.map(({ id }) => id), [c!.id]);
  const last = await ada.completeAndClaim(c!.id, { next: { count: 5 } });
  assert.deepEqual(last.next, []);
  await ada.create([{ title: "d" }]);
  await assert.rejects(ada.completeAndClaim(c!.id), LeaseLostError);
  assert.equal((await ada.counts()).pending, 1, "a refused completion claims nothing");
});

storeTest(
  "task completeAndClaim goes on whatever the task has been through",
  async ({ as, clock }) => {
    const ada = new Tasks(as("ada"));
    const bob = new Tasks(as("bob"));
    const plan = ["plain", "noted", "last", "lapsed", "returned", "mutated", "end"];
    await ada.create(plan.map((title) => ({
      title,
      tags: title === "mutated" ? [] : ["t", title],
      payload: { title },
      maxAttempts: title === "last" ? 1 : 4,
    })));
    await bob.claim({ tags: ["returned"] });
    await bob.release((await bob.list({ status: "claimed" })).tasks[0]!.id, { reason: "no" });
    let [task] = await ada.claim({ leaseMs: 1000 });
    for (const title of plan) {
      const { id, lease, payload } = task!;
      assert.deepEqual([task!.title, task!.payload], [title, { title }]);
      if (title === "noted") await ada.renew(id, { progress: "half way" });
      if (title === "lapsed") clock.advance(1000);
      if (title === "mutated") (payload as { title: string }).title = "spoilt";
      const next = title === "plain" ? { tags: ["t"], leaseMs: 1000 } : { leaseMs: 1000 };
      const done = await ada.completeAndClaim(id, { fence: lease!.fence, result: { title }, next });
      const { attempts, ...kept } = (await ada.get(id))!;
      const leftOut = attempts.length === 1 ? {} : { attemptsLeftOut: attempts.length - 1 };
      assert.deepEqual(done.task, { ...kept, attempts: attempts.slice(-1), ...leftOut }, title);
      assert.deepEqual([done.task.payload, done.task.result], [{ title }, { title }]);
      assert.equal(attempts.length, title === "returned" ? 2 : 1);
      assert.equal(done.task.attempts[0]!.progress, title === "noted" ? "half way" : undefined);
      assert.deepEqual(done.next, title === "end" ? [] : [await ada.get(done.next[0]!.id)]);
      [task] = done.next;
    }
    assert.deepEqual(await ada.tryClaim({ tags: ["t"] }), []);
    assert.equal((await ada.counts()).completed, plan.length);
  },
);

storeTest("task fence given must match, and left out the actor must hold it", async ({ as }) => {
  const ada = new Tasks(as("ada"));
  const bob = new Tasks(as("bob"));
  await ada.create([{ title: "x" }]);
  const [task] = await ada.claim();
  const { id } = task!;
  const stale = { fence: task!.lease!.fence + 1 };
  for (
    const attempt of [
      () => ada.renew(id, stale),
      () => ada.complete(id, stale),
      () => ada.fail(id, { error: "no", ...stale }),
      () => ada.release(id, stale),
      () => bob.renew(id),
      () => bob.complete(id),
      () => bob.fail(id, { error: "no" }),
      () => bob.release(id),
    ]
  ) {
    await assert.rejects(attempt, (error: LeaseLostError) => {
      assert.match(error.message, /it is held by "ada" under fence \d+ now/);
      return error instanceof LeaseLostError && error.details.cancelled === false;
    });
  }
  assert.deepEqual(await ada.get(id), task);
  await ada.renew(id, { fence: task!.lease!.fence });
});

storeTest("task that does not exist is not found, whatever its identifier", async ({ as }) => {
  const ada = new Tasks(as("ada"));
  for (const id of ["tsk_00000000000000000000000000", "nonsense", "", "x".repeat(9999)]) {
    assert.equal(await ada.get(id), undefined);
    for (
      const attempt of [
        () => ada.show(id),
        () => ada.renew(id),
        () => ada.complete(id),
        () => ada.completeAndClaim(id),
        () => ada.fail(id, { error: "no" }),
        () => ada.release(id),
        () => ada.cancel(id),
        () => ada.retry(id),
        () => ada.update(id, { title: "new" }),
      ]
    ) await assert.rejects(attempt, NotFoundError);
  }
});

storeTest(
  "task cancel ends it, and its holder learns of it at the next renewal",
  async ({ as }) => {
    const ada = new Tasks(as("ada"));
    const bob = new Tasks(as("bob"));
    await ada.create([{ title: "x" }, { title: "y" }]);
    const [task] = await ada.claim();
    const cancelled = await bob.cancel(task!.id);
    assert.equal(cancelled.status, "cancelled");
    assert.equal(cancelled.attempts[0]!.outcome, "cancelled");
    assert.deepEqual(await bob.cancel(task!.id), cancelled);
    for (const attempt of [() => ada.renew(task!.id), () => ada.complete(task!.id)]) {
      await assert.rejects(attempt, (error: LeaseLostError) => {
        assert.match(error.message, /it was cancelled/);
        return error instanceof LeaseLostError && error.details.cancelled === true;
      });
    }
    const [other] = await ada.claim();
    await ada.complete(other!.id);
    await assert.rejects(bob.cancel(other!.id), /it is completed now/);
    const [pending] = await ada.create([{ title: "z", tags: ["t"] }]);
    await bob.cancel(pending!.id);
    assert.deepEqual(await ada.tryClaim({ tags: ["t"] }), []);
    assert.deepEqual(await ada.tryClaim(), []);
  },
);

storeTest(
  "task update changes what waits, keeps its place, and nothing else",
  async ({ as, clock }) => {
    const ada = new Tasks(as("ada"));
    const [a, b, c] = await ada.create([
      { title: "a", tags: ["x"] },
      { title: "b", tags: ["x"] },
      { title: "c", tags: ["y"], payload: 1 },
    ]);
    clock.advance(1000);
    const changed = await ada.update(b!.id, {
      title: "B",
      description: "more",
      priority: 4,
      tags: ["y"],
      maxAttempts: 9,
      payload: null,
    });
    assert.deepEqual(changed, {
      ...b!,
      title: "B",
      description: "more",
      priority: 4,
      tags: ["y"],
      maxAttempts: 9,
      payload: null,
      updatedAtMs: clock.nowMs(),
    });
    assert.deepEqual(titles(await ada.claim({ tags: ["x"], count: 9 })), ["a"]);
    await ada.update(b!.id, { priority: 3, leaseMs: 777 });
    const claimed = await ada.claim({ tags: ["y"], count: 9 });
    assert.deepEqual(titles(claimed), ["B", "c"]);
    assert.equal(claimed[0]!.lease!.expiresAtMs, clock.nowMs() + 777);
    await assert.rejects(ada.update(a!.id, { title: "late" }), ConflictError);
    await assert.rejects(ada.update(c!.id, {}), /Nothing to update/);
    await assert.rejects(ada.update(c!.id, { priority: 11 }), InvalidArgumentError);
  },
);

storeTest("task texts come back whole, however long they are or become", async ({ as }) => {
  const ada = new Tasks(as("ada"));
  const long = "é\n".repeat(20_000);
  const payload = Array.from({ length: 5000 }, (_, n) => ({ n, name: `"${n}"` }));
  const [task] = await ada.create([{ title: "x", description: long, payload }]);
  assert.deepEqual([task!.description, task!.payload], [long, payload]);
  const steps = [
    { description: "short" },
    { payload: null },
    { description: long },
    { payload },
    { description: "", payload: 0 },
    { payload },
  ];
  let wanted: Task = task!;
  for (const change of steps) {
    await ada.update(task!.id, change);
    wanted = { ...wanted, ...change };
    const { description, payload: now } = await ada.show(task!.id);
    assert.deepEqual([description, now], [wanted.description, wanted.payload]);
  }
  const [claimed] = await ada.claim();
  assert.deepEqual(claimed!.payload, payload);
  const done = await ada.complete(task!.id, { result: payload });
  assert.deepEqual([done.payload, done.result], [payload, payload]);
  assert.deepEqual((await ada.list()).tasks, [done]);
  const deep = JSON.parse("[".repeat(1500) + "]".repeat(1500));
  const [nested] = await ada.create([{ title: "nested", payload: deep, tags: ["t"] }]);
  assert.deepEqual((await ada.list({ tags: ["t"], createdBy: "ada" })).tasks, [nested]);
});

storeTest("task update moves its time on and back", async ({ as, clock }) => {
  const ada = new Tasks(as("ada"));
  const [task] = await ada.create([{ title: "x", tags: ["t"] }]);
  const later = await ada.update(task!.id, { notBeforeMs: clock.nowMs() + 100 });
  assert.equal(later.status, "scheduled");
  assert.equal(later.notBeforeMs, clock.nowMs() + 100);
  assert.deepEqual(await ada.tryClaim({ tags: ["t"] }), []);
  const now = await ada.update(task!.id, { notBeforeMs: null });
  assert.equal(now.status, "pending");
  assert.equal(now.notBeforeMs, undefined);
  assert.equal((await ada.claim({ tags: ["t"] })).length, 1);
});

storeTest("task list goes through every task in the order of creation", async ({ as }) => {
  const ada = new Tasks(as("ada"));
  const created = await ada.create(
    Array.from(
      { length: 25 },
      (_, n) => ({ title: `${n}`, priority: n % 10, tags: [`t${n % 3}`] }),
    ),
  );
  const pages: string[][] = [];
  let cursor: { readonly cursor?: string } | undefined = {};
  while (cursor !== undefined) {
    const { tasks, nextCursor } = await ada.list({ limit: 10, ...cursor }) as TaskPage;
    pages.push(titles(tasks));
    cursor = nextCursor === undefined ? undefined : { cursor: nextCursor };
  }
  assert.deepEqual(pages.map((page) => page.length), [10, 10, 5]);
  assert.deepEqual(pages.flat(), titles(created));
  const pending = await ada.list({ status: "pending", limit: 25 });
  assert.deepEqual(titles(pending.tasks), titles(created));
  assert.equal(pending.nextCursor, undefined);
  for (const cursor of ["", "5", "after-", "after-x", "after-9999999999999999"]) {
    await assert.rejects(ada.list({ cursor }), InvalidArgumentError);
  }
  await assert.rejects(ada.list({ limit: 0 }), InvalidArgumentError);
  await assert.rejects(ada.list({ status: "open" as never }), InvalidArgumentError);
});

storeTest("task list filters by status, tags, holder and creator", async ({ as, clock }) => {
  const ada = new Tasks(as("ada"));
  const bob = new Tasks(as("bob"));
  await ada.create([
    { title: "later", notBeforeMs: clock.nowMs() + 5000, tags: ["a"] },
    { title: "blocked", dependsOn: [0], tags: ["a", "b"] },
    { title: "one", priority: 9 },
    { title: "two", priority: 8 },
  ]);
  await bob.create([{ title: "three", tags: ["b"] }]);
  const [one] = await ada.claim();
  const [two] = await bob.claim();
  const named = async (options: Parameters<Tasks["list"]>[0]) =>
    titles((await ada.list(options)).tasks);
  assert.deepEqual(await named({ status: "scheduled" }), ["later"]);
  assert.deepEqual(await named({ status: "blocked" }), ["blocked"]);
  assert.deepEqual(await named({ status: "claimed" }), ["one", "two"]);
  assert.deepEqual(await named({ status: "pending" }), ["three"]);
  assert.deepEqual(await named({ holder: "ada" }), ["one"]);
  assert.deepEqual(await named({ holder: "ada", status: "claimed" }), ["one"]);
  assert.deepEqual(await named({ holder: "ada", status: "pending" }), []);
  assert.deepEqual(await named({ createdBy: "bob" }), ["three"]);
  assert.deepEqual(await named({ tags: ["a", "b"] }), ["later", "blocked", "three"]);
  assert.deepEqual(await named({ tags: ["a", "b"], match: "all" }), ["blocked"]);
  assert.deepEqual(await named({ tags: ["b"], status: "pending" }), ["three"]);
  await ada.complete(one!.id);
  await bob.fail(two!.id, { error: "hopeless", retry: false });
  assert.deepEqual(await named({ status: "completed" }), ["one"]);
  assert.deepEqual(await named({ status: "dead" }), ["two"]);
  assert.deepEqual(await named({ status: "completed", createdBy: "bob" }), []);
});

storeTest("task changes are in the event stream", async ({ store, as, clock }) => {
  const ada = new Tasks(as("ada"));
  await ada.create([{ title: "x", leaseMs: 100, maxAttempts: 2 }, { title: "y" }]);
  const [x] = await ada.claim();
  clock.advance(100);
  await new Tasks(as("bob")).sweep();
  await ada.claim();
  await ada.fail(x!.id, { error: "no" });
  await ada.retry(x!.id);
  await ada.update(x!.id, { priority: 9 });
  await ada.claim();
  await ada.release(x!.id);
  await ada.cancel(x!.id);
  const [y] = await ada.claim();
  await ada.complete(y!.id);
  const { events } = await eventsOf(store);
  const seen = events.filter(({ type }) => type.startsWith("task."))
    .map(({ type, subject, agent }) => `${type} ${subject === x!.id ? "x" : "y"} ${agent ?? ""}`);
  assert.deepEqual(seen, [
    "task.created x ada",
    "task.created y ada",
    "task.claimed x ada",
    "task.expired x ada",
    "task.claimed x ada",
    "task.failed x ada",
    "task.dead x ",
    "task.retried x ada",
    "task.updated x ada",
    "task.claimed x ada",
    "task.released x ada",
    "task.cancelled x ada",
    "task.claimed y ada",
    "task.completed y ada",
  ]);
});

async function eventsOf(store: Parameters<Parameters<typeof storeTest>[1]>[0]["store"]) {
  const outcome = await (await store.events()).read({ limit: 1000 });
  assert.ok(outcome.kind === "read");
  return outcome;
}

storeTest(
  "task released until later waits for that time, keeps its place, and counts no attempt",
  async ({ as, clock }) => {
    const ada = new Tasks(as("ada"));
    const [first] = await ada.create([{ title: "first" }, { title: "second" }]);
    const [task] = await ada.claim();
    const until = clock.nowMs() + 1000;
    const given = await ada.release(task!.id, { reason: "rate limit", notBeforeMs: until });
    assert.deepEqual(
      [given.status, given.notBeforeMs, given.attemptsUsed, given.attempts[0]!.error],
      ["scheduled", until, 0, "rate limit"],
    );
    assert.deepEqual((await ada.claim()).map(({ title }) => title), ["second"]);
    assert.deepEqual(await ada.tryClaim(), []);
    clock.advance(1000);
    const [again] = await ada.claim();
    assert.deepEqual([again!.id, again!.attemptsUsed], [first!.id, 1]);
    // A time that has passed already is none.
    assert.equal((await ada.release(again!.id, { notBeforeMs: until })).status, "pending");
  },
);

/**
 * Tasks that wait for other tasks, or for their time.
 * @module
 */
import assert from "node:assert/strict";
import { InvalidArgumentError, NotFoundError } from "../../src/errors.ts";
import { findCycle } from "../../src/task/cycle.ts";
import { type Task, Tasks } from "../../src/task/task.ts";
import { storeTest } from "../../dev/stores.ts";

const standing = ({ title, status }: Task) => `${title} ${status}`;

storeTest("task depends on tasks of its batch and on older ones", async ({ as }) => {
  const ada = new Tasks(as("ada"));
  const [old] = await ada.create([{ title: "old" }]);
  const [last, first, second] = await ada.create([
    { title: "last", dependsOn: [1, 2, old!.id, old!.id] },
    { title: "first" },
    { title: "second", dependsOn: [1] },
  ]) as [Task, Task, Task];
  assert.deepEqual(last.dependsOn, [first.id, second.id, old!.id]);
  assert.equal(last.status, "blocked");
  assert.equal(last.blockedReason, undefined);
  const order: string[] = [];
  for (let [task] = await ada.claim(); task !== undefined;) {
    order.push(task.title);
    [task] = (await ada.completeAndClaim(task.id)).next;
  }
  assert.deepEqual(order, ["old", "first", "second", "last"]);
});

storeTest("task dependency that is completed already counts as met", async ({ as, clock }) => {
  const ada = new Tasks(as("ada"));
  const [done] = await ada.create([{ title: "done", key: "k" }]);
  await ada.claim();
  await ada.complete(done!.id);
  const [task, waiting] = await ada.create([
    { title: "x", dependsOn: [done!.id] },
    { title: "y", dependsOn: [2], notBeforeMs: clock.nowMs() + 100 },
    { title: "done, again", key: "k" },
  ]);
  assert.equal(task!.status, "pending");
  assert.deepEqual(task!.dependsOn, [done!.id]);
  assert.equal(waiting!.status, "scheduled");
  assert.deepEqual(waiting!.dependsOn, [done!.id]);
});

storeTest("task creation with an unknown dependency writes nothing", async ({ as }) => {
  const ada = new Tasks(as("ada"));
  const batch = [{ title: "a" }, { title: "b", dependsOn: [0, "tsk_nobody"] }];
  await assert.rejects(ada.create(batch), (error: NotFoundError) => {
    assert.match(error.message, /"b": it depends on "tsk_nobody"/);
    return error instanceof NotFoundError && error.details.index === 1;
  });
  assert.deepEqual((await ada.list()).tasks, []);
  assert.equal((await ada.counts()).pending, 0);
});

storeTest("task creation refuses a cycle and names it", async ({ as }) => {
  const ada = new Tasks(as("ada"));
  const cyclic = [
    { title: "free" },
    { title: "egg", dependsOn: [0, 2] },
    { title: "hen", dependsOn: [1] },
  ];
  await assert.rejects(ada.create(cyclic), (error: InvalidArgumentError) => {
    assert.match(error.message, /tasks\[1\] "egg" needs tasks\[2\] "hen" needs tasks\[1\] "egg"/);
    assert.deepEqual(error.details.cycle, [1, 2]);
    return error instanceof InvalidArgumentError;
  });
  await assert.rejects(ada.create([{ title: "self", dependsOn: [0] }]), InvalidArgumentError);
  const twins = [{ title: "a", key: "k", dependsOn: [1] }, { title: "b", key: "k" }];
  await assert.rejects(ada.create(twins), InvalidArgumentError);
  assert.deepEqual((await ada.list()).tasks, []);
});

storeTest(
  "task blocked by a dead or cancelled one says so, and retry revives it",
  async ({ as }) => {
    const ada = new Tasks(as("ada"));
    const [a, b, c, d] = await ada.create([
      { title: "a", maxAttempts: 1 },
      { title: "b" },
      { title: "c", dependsOn: [0, 1], tags: ["c"] },
      { title: "d", dependsOn: [2] },
    ]) as [Task, Task, Task, Task];
    await ada.claim();
    await ada.fail(a.id, { error: "broken" });
    assert.equal((await ada.show(c.id)).blockedReason, `depends on ${a.id}, which is dead`);
    assert.equal((await ada.show(d.id)).blockedReason, undefined);
    await ada.cancel(b.id);
    await ada.retry(a.id);
    assert.equal((await ada.show(c.id)).blockedReason, `depends on ${b.id}, which is cancelled`);
    const [late] = await ada.create([{ title: "late", dependsOn: [b.id] }]);
    assert.equal(late!.status, "blocked");
    assert.equal(late!.blockedReason, `depends on ${b.id}, which is cancelled`);
    await ada.retry(b.id);
    assert.equal((await ada.show(c.id)).blockedReason, undefined);
    await ada.claim({ count: 2 });
    await ada.complete(a.id);
    assert.equal((await ada.show(c.id)).status, "blocked");
    await ada.complete(b.id);
    assert.equal((await ada.show(c.id)).status, "pending");
    assert.equal((await ada.claim({ tags: ["c"] }))[0]!.id, c.id);
  },
);

storeTest(
  "task blocked by one whose last lease has lapsed says so at once",
  async ({ as, clock }) => {
    const ada = new Tasks(as("ada"));
    const [a, b] = await ada.create([
      { title: "a", maxAttempts: 1, leaseMs: 100 },
      { title: "b", dependsOn: [0] },
    ]) as [Task, Task];
    await ada.claim();
    clock.advance(100);
    assert.equal((await ada.show(b.id)).blockedReason, `depends on ${a.id}, which is dead`);
  },
);

storeTest(
  "task cancelled while blocked waits for what is still open when retried",
  async ({ as }) => {
    const ada = new Tasks(as("ada"));
    const [a, b, c] = await ada.create([
      { title: "a" },
      { title: "b" },
      { title: "c", dependsOn: [0, 1] },
    ]) as [Task, Task, Task];
    await ada.cancel(c.id);
    await ada.claim({ count: 2 });
    await ada.complete(a.id);
    assert.equal((await ada.retry(c.id)).status, "blocked");
    await ada.cancel(c.id);
    await ada.complete(b.id);
    assert.equal((await ada.show(c.id)).status, "cancelled");
    assert.equal((await ada.retry(c.id)).status, "pending");
  },
);

storeTest(
  "task is blocked before it is scheduled, and scheduled before it is pending",
  async ({ as, clock }) => {
    const ada = new Tasks(as("ada"));
    const later = clock.nowMs() + 1000;
    const [, b] = await ada.create([
      { title: "a" },
      { title: "b", dependsOn: [0], notBeforeMs: later },
      { title: "c", notBeforeMs: later, priority: 9 },
      { title: "d", notBeforeMs: clock.nowMs() },
    ]) as [Task, Task];
    assert.deepEqual((await ada.list()).tasks.map(standing), [
      "a pending",
      "b blocked",
      "c scheduled",
      "d pending",
    ]);
    const [a] = await ada.claim();
    await ada.complete(a!.id);
    assert.equal((await ada.show(b.id)).status, "scheduled");
    clock.advance(999);
    assert.equal((await ada.claim())[0]!.title, "d");
    assert.deepEqual(await ada.tryClaim(), []);
    clock.advance(1);
    const { pending, scheduled } = await ada.counts();
    assert.deepEqual([pending, scheduled], [2, 0]);
    assert.deepEqual((await ada.list({ status: "scheduled" })).tasks, []);
    assert.deepEqual((await ada.list({ status: "pending" })).tasks.map(standing), [
      "b pending",
      "c pending",
    ]);
    assert.deepEqual((await ada.claim({ count: 5 })).map(({ title }) => title), ["c", "b"]);
  },
);

storeTest("task update of a blocked one keeps it blocked", async ({ as, clock }) => {
  const ada = new Tasks(as("ada"));
  const [a, b] = await ada.create([{ title: "a" }, { title: "b", dependsOn: [0] }]) as [Task, Task];
  const changed = await ada.update(b.id, { tags: ["t"], notBeforeMs: clock.nowMs() + 500 });
  assert.equal(changed.status, "blocked");
  await ada.claim();
  await ada.complete(a.id);
  assert.equal((await ada.show(b.id)).status, "scheduled");
  clock.advance(500);
  assert.equal((await ada.claim({ tags: ["t"] }))[0]!.id, b.id);
});

Deno.test("cycle search finds one in a long chain and none in a dag", () => {
  const chain = Array.from({ length: 1000 }, (_, n) => n === 999 ? [] : [n + 1]);
  assert.equal(findCycle(chain), undefined);
  assert.equal(findCycle([...chain.slice(0, 999), [0]])!.length, 1000);
  assert.equal(findCycle([[1, 2], [3], [3], []]), undefined);
  assert.deepEqual(findCycle([[1], [2, 3], [], [1]]), [1, 3]);
  assert.deepEqual(findCycle([[], [1]]), [1]);
});

/**
 * Waiting for a task, and holding one.
 * @module
 */
import assert from "node:assert/strict";
import { LeaseLostError, NothingToClaimError } from "../../src/errors.ts";
import { type Task, Tasks } from "../../src/task/task.ts";
import { ends } from "../../dev/sleepers.ts";
import { storeTest } from "../../dev/stores.ts";

const HOUR_MS = 3_600_000;

storeTest(
  "task claim that waits is woken by whatever puts a task into the queue",
  async ({ as, asleep, clock }) => {
    const ada = new Tasks(as("ada"));
    const bob = new Tasks(as("bob"));
    /** What `waiter` gets once `act` is done. */
    const woken = async (waiter: Tasks, act: () => Promise<unknown>): Promise<Task> => {
      const waiting = waiter.claim({ waitMs: 60_000 });
      await asleep();
      await act();
      const [task] = await ends("the claim", waiting);
      return task!;
    };
    const batch = [{ title: "a" }, { title: "b", dependsOn: [0], leaseMs: 5000 }];
    const a = await woken(bob, () => ada.create(batch));
    assert.equal(a.title, "a");
    assert.equal((await woken(ada, () => bob.release(a.id))).id, a.id);
    await ada.fail(a.id, { error: "no", retry: false });
    assert.equal((await woken(bob, () => ada.retry(a.id))).id, a.id);
    const b = await woken(ada, () => bob.complete(a.id));
    assert.equal(b.title, "b");
    const [c] = await ada.create([{ title: "c", notBeforeMs: clock.nowMs() + 1_000_000 }]);
    assert.equal((await woken(bob, () => ada.update(c!.id, { notBeforeMs: null }))).id, c!.id);
    const lost = await woken(ada, async () => {
      clock.advance(5000);
      await new Tasks(as("cy")).sweep();
    });
    assert.equal(lost.id, b.id);
  },
);

storeTest("task claim that waits takes only what it wants", async ({ as, asleep }) => {
  const ada = new Tasks(as("ada"));
  const wanting = new Tasks(as("bob")).claim({ tags: ["x", "y"], match: "all", waitMs: 60_000 });
  await asleep();
  const any = new Tasks(as("cy")).claim({ tags: ["x", "z"], waitMs: 60_000 });
  await asleep(2);
  await ada.create([{ title: "xz", tags: ["x", "z"] }]);
  assert.equal((await ends("the claim", any))[0]!.title, "xz");
  await ada.create([{ title: "xyz", tags: ["z", "y", "x"] }]);
  assert.equal((await ends("the claim", wanting))[0]!.title, "xyz");
});

storeTest("task waiters are woken one per task, in the order they came", async ({ store, as }) => {
  const ada = new Tasks(as("ada"));
  const steps = await store.tasks();
  const request = { tags: [], match: "any" as const, count: 1 };
  const actor = as("bob").actor!;
  const waker = await store.waker();
  for (const id of ["w1", "w2", "w3"]) {
    assert.deepEqual((await steps.claim(actor, request, id)).tasks, []);
  }
  const seen = waker.wakes;
  const look = async () => (await steps.claim(actor, request)).tasks.length;
  await ada.create([{ title: "x" }]);
  await ends("waking", waker.wait(seen, HOUR_MS));
  assert.equal(waker.wakes, seen + 1);
  assert.equal(await look(), 1);
  await steps.abandon("w2");
  await ada.create([{ title: "y" }, { title: "z" }]);
  await ends("waking", waker.wait(seen + 1, HOUR_MS));
  // What else would have been sent had been sent before that.
  await new Promise((resolve) => setTimeout(resolve, 60));
  assert.equal(waker.wakes, seen + 2, "the one that gave up is not woken, nor is the first again");
});

storeTest("task claim waits no longer than it was asked to", async ({ as, asleep, clock }) => {
  const ada = new Tasks(as("ada", { pollMs: 20 }));
  const waiting = ada.claim({ waitMs: 5_000_000, tags: ["t"] });
  await asleep();
  clock.advance(5_000_000);
  await assert.rejects(ends("the claim", waiting), (error: NothingToClaimError) => {
    assert.match(error.message, /No pending task with tag "t" to claim after 1h23m/);
    return error instanceof NothingToClaimError && error.details.waitMs === 5_000_000;
  });
  const stop = new AbortController();
  const bob = new Tasks(as("bob"));
  const stopped = bob.tryClaim({ waitMs: 5_000_000, signal: stop.signal });
  await asleep();
  stop.abort();
  assert.deepEqual(await ends("the claim", stopped), []);
});

storeTest("task hold keeps the lease alive until a verdict", async ({ as, clock }) => {
  const ada = new Tasks(as("ada"));
  await ada.create([{ title: "a" }, { title: "b" }, { title: "c" }, { title: "d" }, {
    title: "e",
  }]);
  const a = await ada.hold();
  assert.equal(a!.task.title, "a");
  assert.equal(a!.signal.aborted, false);
  assert.equal(a!.fence, a!.task.lease!.fence);
  assert.equal((await a!.progress("started")).attempts[0]!.progress, "started");
  assert.equal((await a!.complete({ ok: true })).status, "completed");
  await a![Symbol.asyncDispose]();

  const b = await ada.hold();
  assert.equal((await b!.fail("no", { retry: false })).status, "dead");

  const c = await ada.hold();
  const { task, next: [d] } = await c!.completeAndClaim(3);
  assert.deepEqual([task.result, d!.task.title], [3, "d"]);
  assert.equal((await d!.release("not mine")).status, "pending");
  {
    await using again = await ada.hold();
    assert.equal(again!.task.title, "d");
  }
  assert.equal((await ada.show(d!.task.id)).status, "pending", "left without a verdict");
  await ada.claim({ count: 2 });
  assert.equal(await ada.hold(), undefined);
  clock.advance(1);
});

storeTest("task hold tells its work when the task is cancelled", async ({ as }) => {
  const ada = new Tasks(as("ada"));
  await ada.create([{ title: "a" }]);
  await using held = await ada.hold({ leaseMs: 300 });
  await new Tasks(as("bob")).cancel(held!.task.id);
  const stopped = new Promise((resolve) => held!.signal.addEventListener("abort", resolve));
  await ends("the lease", stopped);
  assert.ok(held!.signal.reason instanceof LeaseLostError);
  assert.equal(held!.signal.reason.details.cancelled, true);
  await assert.rejects(held!.complete(), LeaseLostError);
});

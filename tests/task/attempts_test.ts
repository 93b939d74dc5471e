/**
 * Leases, attempts and what remains of them; time moves only when a test moves it.
 * @module
 */
import assert from "node:assert/strict";
import { ConflictError, LeaseLostError } from "../../src/errors.ts";
import { type Task, Tasks } from "../../src/task/task.ts";
import { storeTest } from "../../dev/stores.ts";

const outcomes = (task: Task | undefined) => task!.attempts.map(({ outcome }) => outcome);

storeTest(
  "task whose lease lapsed reads as pending before anybody notices",
  async ({ as, clock }) => {
    const ada = new Tasks(as("ada"));
    const reader = new Tasks(as());
    await ada.create([{ title: "x", leaseMs: 1000 }]);
    const [task] = await ada.claim();
    await ada.renew(task!.id, { progress: "half way" });
    clock.advance(999);
    assert.equal((await reader.show(task!.id)).status, "claimed");
    clock.advance(1);
    const seen = await reader.show(task!.id);
    assert.equal(seen.status, "pending");
    assert.equal(seen.lease, undefined);
    assert.deepEqual(seen.attempts, [{
      holder: "ada",
      fence: task!.lease!.fence,
      startedAtMs: clock.nowMs() - 1000,
      endedAtMs: clock.nowMs(),
      outcome: "expired",
      progress: "half way",
    }]);
    assert.equal((await reader.counts()).pending, 1);
    assert.equal((await reader.counts()).claimed, 0);
    assert.deepEqual((await reader.list({ status: "pending" })).tasks, [seen]);
    assert.deepEqual((await reader.list({ status: "claimed" })).tasks, []);
    assert.deepEqual((await reader.list({ holder: "ada" })).tasks, []);
    clock.advance(50_000);
    assert.deepEqual(await new Tasks(as("cy")).sweep(), [task!.id]);
    assert.deepEqual(await reader.show(task!.id), seen, "noticing changes nothing that is seen");
  },
);

storeTest(
  "task returns at its old place and tells the next holder how far it was",
  async ({ as, clock }) => {
    const ada = new Tasks(as("ada"));
    const bob = new Tasks(as("bob"));
    await ada.create([{ title: "old", leaseMs: 1000 }, { title: "young" }]);
    const [task] = await ada.claim();
    await ada.renew(task!.id, { progress: "operation 3 of 5" });
    clock.advance(2000);
    const [again] = await bob.claim();
    assert.equal(again!.title, "old");
    assert.ok(again!.lease!.fence > task!.lease!.fence);
    assert.deepEqual(outcomes(again), ["expired", undefined]);
    assert.equal(again!.attempts[0]!.progress, "operation 3 of 5");
    assert.equal(again!.attempts[1]!.progress, undefined);
    for (
      const attempt of [
        () => ada.renew(task!.id, { fence: task!.lease!.fence }),
        () => ada.complete(task!.id, { fence: task!.lease!.fence }),
        () => ada.fail(task!.id, { fence: task!.lease!.fence, error: "late" }),
        () => ada.release(task!.id, { fence: task!.lease!.fence }),
      ]
    ) await assert.rejects(attempt, LeaseLostError);
    assert.equal((await bob.complete(again!.id)).status, "completed");
  },
);

storeTest(
  "task completion counts late while nobody has claimed it since",
  async ({ as, clock }) => {
    const ada = new Tasks(as("ada"));
    const bob = new Tasks(as("bob"));
    await ada.create([{ title: "x", leaseMs: 1000 }, { title: "y", leaseMs: 1000 }]);
    const [x, y] = await ada.claim({ count: 2 });
    clock.advance(5000);
    // Unnoticed by any operation yet.
    const late = await ada.complete(x!.id, { fence: x!.lease!.fence, result: "late" });
    assert.deepEqual(outcomes(late), ["completed"]);
    assert.equal(late.attempts[0]!.endedAtMs, clock.nowMs());
    // Noticed and back in the queue.
    assert.deepEqual(await bob.sweep(), [y!.id]);
    await assert.rejects(ada.renew(y!.id), LeaseLostError);
    await assert.rejects(bob.complete(y!.id), LeaseLostError);
    const later = await ada.complete(y!.id, { result: "later" });
    assert.deepEqual(outcomes(later), ["completed"]);
    assert.equal(later.result, "later");
    assert.deepEqual(await bob.tryClaim(), []);
    const { completed, pending, claimed } = await ada.counts();
    assert.deepEqual([completed, pending, claimed], [2, 0, 0]);
  },
);

storeTest(
  "task whose attempts have all lapsed is dead, and then late is too late",
  async ({ as, clock }) => {
    const ada = new Tasks(as("ada"));
    const reader = new Tasks(as());
    await ada.create([{ title: "x", leaseMs: 1000, maxAttempts: 2 }]);
    for (let attempt = 1; attempt <= 2; attempt++) {
      await ada.claim();
      clock.advance(1000);
    }
    const [{ id }] = (await reader.list()).tasks as [Task];
    const dead = await reader.show(id);
    assert.equal(dead.status, "dead");
    assert.deepEqual(outcomes(dead), ["expired", "expired"]);
    assert.equal((await reader.counts()).dead, 1);
    assert.deepEqual((await reader.list({ status: "dead" })).tasks, [
      { ...dead, attempts: dead.attempts.slice(1), attemptsLeftOut: 1 },
    ]);
    const fence = dead.attempts[1]!.fence;
    await assert.rejects(ada.complete(id, { fence }), /it is dead now/);
    await new Tasks(as("bob")).sweep();
    assert.deepEqual(await reader.show(id), dead);
    await assert.rejects(ada.complete(id, { fence }), LeaseLostError);
  },
);

storeTest("task failure backs off, keeps the id and ends dead", async ({ as, clock }) => {
  const ada = new Tasks(as("ada"));
  const [{ id }] = await ada.create([{ title: "x", maxAttempts: 3 }]) as [Task];
  const waits: number[] = [];
  for (let attempt = 1; attempt <= 2; attempt++) {
    await ada.claim();
    const failed = await ada.fail(id, { error: `error ${attempt}\nwith a trace` });
    assert.equal(failed.status, "scheduled");
    assert.deepEqual(await ada.tryClaim(), []);
    waits.push(failed.notBeforeMs! - clock.nowMs());
    clock.advance(waits.at(-1)! - 1);
    assert.deepEqual(await ada.tryClaim(), []);
    clock.advance(1);
    assert.equal((await ada.show(id)).status, "pending");
    assert.equal((await ada.show(id)).notBeforeMs, undefined);
  }
  assert.deepEqual(waits, [60_000, 120_000]);
  await ada.claim();
  const dead = await ada.fail(id, { error: "error 3" });
  assert.equal(dead.status, "dead");
  assert.deepEqual((await ada.show(id)).attempts.map(({ error }) => error), [
    "error 1\nwith a trace",
    "error 2\nwith a trace",
    "error 3",
  ]);
});

storeTest("task backoff grows as its creator said, to an hour at most", async ({ as, clock }) => {
  const ada = new Tasks(as("ada"));
  const kinds = [
    { kind: "exponential", waits: [1_000_000, 2_000_000, 3_600_000] },
    { kind: "linear", waits: [1_000_000, 2_000_000, 3_000_000] },
    { kind: "none", waits: [undefined, undefined, undefined] },
  ] as const;
  for (const { kind, waits } of kinds) {
    const backoff = { kind, baseMs: 1_000_000 };
    const [{ id }] = await ada.create([{ title: kind, backoff, tags: [kind] }]) as [Task];
    for (const wait of waits) {
      await ada.claim({ tags: [kind] });
      const { status, notBeforeMs } = await ada.fail(id, { error: "no" });
      assert.equal(status, wait === undefined ? "pending" : "scheduled", kind);
      assert.equal(notBeforeMs, wait === undefined ? undefined : clock.nowMs() + wait, kind);
      clock.advance(wait ?? 0);
    }
  }
});

storeTest("task update while it backs off does not cut the wait short", async ({ as, clock }) => {
  const ada = new Tasks(as("ada"));
  await ada.create([{ title: "x" }]);
  const [task] = await ada.claim();
  const { notBeforeMs } = await ada.fail(task!.id, { error: "no" });
  assert.equal((await ada.update(task!.id, { title: "y" })).notBeforeMs, notBeforeMs);
  clock.advance(59_999);
  assert.deepEqual(await ada.tryClaim(), []);
  assert.equal((await ada.update(task!.id, { notBeforeMs: null })).status, "pending");
});

storeTest("task failure without retry is dead at once", async ({ as }) => {
  const ada = new Tasks(as("ada"));
  await ada.create([{ title: "x" }]);
  const [task] = await ada.claim();
  const dead = await ada.fail(task!.id, { error: "no such file", retry: false });
  assert.equal(dead.status, "dead");
  assert.deepEqual(await ada.fail(task!.id, { error: "no", fence: task!.lease!.fence }), dead);
  await assert.rejects(ada.fail(task!.id, { error: "no" }), LeaseLostError);
});

storeTest("task release gives it back at its place and costs no attempt", async ({ as }) => {
  const ada = new Tasks(as("ada"));
  const bob = new Tasks(as("bob"));
  await ada.create([{ title: "x", maxAttempts: 2 }, { title: "y" }]);
  for (let times = 0; times < 3; times++) {
    const [task] = await ada.claim();
    assert.equal(task!.title, "x");
    const back = await ada.release(task!.id, { reason: "wrong machine" });
    assert.equal(back.status, "pending");
    assert.equal(back.attempts.at(-1)!.outcome, "released");
    assert.equal(back.attempts.at(-1)!.error, "wrong machine");
    assert.deepEqual(await ada.release(task!.id, { fence: task!.lease!.fence }), back);
  }
  const [task] = await bob.claim();
  assert.equal(task!.attempts.length, 4);
  assert.equal((await bob.fail(task!.id, { error: "no" })).status, "scheduled");
});

storeTest("task keeps its newest hundred attempts", async ({ as }) => {
  const ada = new Tasks(as("ada"));
  const [{ id }] = await ada.create([{ title: "x" }]) as [Task];
  for (let times = 1; times <= 130; times++) {
    await ada.claim();
    await ada.release(id, { reason: `${times}` });
  }
  const { attempts, attemptsLeftOut } = await ada.show(id);
  assert.equal(attemptsLeftOut, 30);
  assert.deepEqual(
    attempts.map(({ error }) => error),
    Array.from({ length: 100 }, (_, n) => `${n + 31}`),
  );
});

storeTest(
  "task retry brings a dead or cancelled one back with a fresh budget",
  async ({ as, clock }) => {
    const ada = new Tasks(as("ada"));
    const [{ id }, other] = await ada.create([
      { title: "x", maxAttempts: 1, tags: ["t"] },
      { title: "y", notBeforeMs: clock.nowMs() + 100 },
    ]) as [Task, Task];
    await assert.rejects(ada.retry(id), ConflictError);
    await ada.claim();
    await ada.fail(id, { error: "no" });
    const back = await ada.retry(id);
    assert.equal(back.status, "pending");
    assert.deepEqual(outcomes(back), ["failed"]);
    const [again] = await ada.claim({ tags: ["t"] });
    assert.deepEqual(outcomes(again), ["failed", undefined]);
    await assert.rejects(ada.retry(id), ConflictError);
    await ada.complete(id);
    await assert.rejects(ada.retry(id), ConflictError);
    await ada.cancel(other.id);
    assert.equal((await ada.retry(other.id)).status, "scheduled");
  },
);

storeTest("task renewal extends the lease, never shortens it", async ({ as, clock }) => {
  const ada = new Tasks(as("ada"));
  await ada.create([{ title: "x" }]);
  const [task] = await ada.claim({ leaseMs: 1000 });
  clock.advance(400);
  const start = clock.nowMs();
  assert.equal((await ada.renew(task!.id)).lease!.expiresAtMs, start + 1000);
  assert.equal((await ada.renew(task!.id, { leaseMs: 100 })).lease!.expiresAtMs, start + 1000);
  const long = await ada.renew(task!.id, { leaseMs: 9000, progress: "a\nb" });
  assert.equal(long.lease!.expiresAtMs, start + 9000);
  assert.equal(long.attempts[0]!.progress, "a\nb");
  clock.advance(9000);
  await assert.rejects(ada.renew(task!.id), LeaseLostError);
});

storeTest(
  "task that its holder lost track of comes back while that agent goes on",
  async (bench) => {
    const { as, clock } = bench;
    const ada = new Tasks(as("ada"));
    await ada.create(["lost", "y", "z"].map((title) => ({ title, leaseMs: 2000 })));
    const [lost] = await ada.claim();
    clock.advance(1500);
    const [next] = await ada.claim();
    assert.equal(next!.title, "y");
    clock.advance(500);
    // Its loop asks once more, and gets what it had lost, as a new attempt.
    const [again] = await ada.claim();
    assert.equal(again!.id, lost!.id);
    assert.ok(again!.lease!.fence > next!.lease!.fence);
    assert.deepEqual(again!.attempts.map(({ outcome }) => outcome), ["expired", undefined]);
    assert.equal((await ada.show(next!.id)).status, "claimed", "it stands on its own lease");
  },
);

storeTest(
  "task claims of an agent that leaves go back to the queue",
  async ({ store, as, clock }) => {
    const ada = new Tasks(as("ada"));
    await ada.create([
      { title: "kept", priority: 9 },
      { title: "lapsed", priority: 8, leaseMs: 100, maxAttempts: 1 },
      { title: "other" },
    ]);
    await ada.claim({ count: 2 });
    await new Tasks(as("bob")).claim();
    clock.advance(100);
    await (await store.agents()).deregister("ada");
    const { tasks } = await ada.list();
    assert.deepEqual(tasks.map(({ title, status }) => `${title} ${status}`), [
      "kept pending",
      "lapsed dead",
      "other claimed",
    ]);
    assert.deepEqual(tasks.map((task) => outcomes(task)[0]), ["released", "expired", undefined]);
    assert.equal((await new Tasks(as("bob")).claim())[0]!.title, "kept");
  },
);

storeTest("task claims find work behind a heap of lapsed leases", async ({ as, clock }) => {
  const ada = new Tasks(as("ada"));
  const bob = new Tasks(as("bob"));
  const heap = 1200;
  const dead = { title: "dead", maxAttempts: 1, leaseMs: 100, priority: 9 };
  for (let made = 0; made < heap; made += 100) {
    await ada.create(Array.from({ length: 100 }, () => dead));
    assert.equal((await ada.claim({ count: 100 })).length, 100);
  }
  await ada.create([{ title: "alive", leaseMs: 1000, tags: ["t"] }]);
  await ada.claim();
  clock.advance(1000);
  const counts = await bob.counts();
  assert.deepEqual([counts.dead, counts.pending, counts.claimed], [heap, 1, 0]);
  const found = await bob.claim({ tags: ["t"] });
  assert.equal(found[0]!.title, "alive");
  await bob.sweep();
  const after = await bob.counts();
  assert.deepEqual([after.dead, after.pending, after.claimed], [heap, 0, 1]);
});

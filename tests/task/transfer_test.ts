/**
 * Tasks on their way from a directory that stood in into each kind of store.
 * @module
 */
import assert from "node:assert/strict";
import { taskText } from "../../commands/task/text.ts";
import { LeaseLostError, NothingToClaimError } from "../../src/errors.ts";
import type { Task } from "../../src/task/task.ts";
import { recordOfClaim } from "../../src/task/transfer.ts";
import { PORTION, type Side, type TransferBench, transferTest } from "../support/task_transfer.ts";

const BOTH = ["directory", "redis"] as const;
const REDIS = ["redis"] as const;

/** Creates one task, and claims it for `agent`, who has it alone. */
async function claimed(side: Side, agent: string, title: string): Promise<Task> {
  const tag = title.replaceAll(" ", "-");
  await side.as("ada").create([{ title, tags: [tag], description: "d".repeat(600) }]);
  return await claimOne(side, agent, { tags: [tag] });
}

async function claimOne(side: Side, agent: string, options: object = {}): Promise<Task> {
  const [task] = await side.as(agent).claim(options);
  assert.ok(task, "there is one to claim");
  return task;
}

/** One task in each status, and with each end of an attempt. */
async function everyStatus({ source, clock }: TransferBench): Promise<Task[]> {
  const ada = source.as("ada");
  const done = await claimed(source, "bob", "done");
  await source.as("bob").renew(done.id, { progress: "half\nway" });
  clock.advance(5);
  await source.as("bob").complete(done.id, { result: { n: [1.5, null, "ü\u0000/"] } });
  const nothing = await claimed(source, "bob", "no result");
  await source.as("bob").complete(nothing.id);
  const failed = await claimed(source, "bob", "failed");
  await source.as("bob").fail(failed.id, { error: 'a "quoted" / error' });
  const dead = await claimed(source, "bob", "dead");
  await source.as("bob").fail(dead.id, { error: "no", retry: false });
  const released = await claimed(source, "bob", "released");
  await source.as("bob").release(released.id, { reason: "later" });
  const taken = await claimed(source, "bob", "taken away");
  await ada.cancel(taken.id);
  const again = await claimed(source, "bob", "again");
  await source.as("bob").release(again.id);
  await claimOne(source, "eve", { tags: ["again"] });
  const lapsed = await claimed(source, "bob", "lapsed");
  await source.as("bob").renew(lapsed.id, { leaseMs: 300_000 });
  clock.advance(301_000);
  const held = await claimed(source, "bob", "held");
  await source.as("bob").renew(held.id, { progress: "on it" });
  await ada.create([
    { title: "plain" },
    { title: "empty", payload: "", priority: 9, tags: ["x", "y"], maxAttempts: 2 },
    { title: "nothing", payload: null, description: "" },
    { title: "long", payload: { text: "p".repeat(70_000) } },
    { title: "later", notBeforeMs: clock.nowMs() + 60_000 },
    { title: "keyed", key: "k1" },
    { title: "waits", dependsOn: [dead.id, held.id] },
    { title: "waits no more", dependsOn: [done.id] },
  ]);
  const cancelled = await ada.create([{ title: "cancelled" }]);
  await ada.cancel(cancelled[0]!.id);
  clock.advance(7);
  return (await ada.list({ limit: 100 })).tasks.slice();
}

transferTest("task moves with all that is known of it in every status", BOTH, async (bench) => {
  const { source, target, move } = bench;
  const tasks = await everyStatus(bench);
  assert.deepEqual(
    [...new Set(tasks.map(({ status }) => status))].sort(),
    ["blocked", "cancelled", "claimed", "completed", "dead", "pending", "scheduled"],
  );
  for (let time = 0; time < 2; time++) {
    assert.deepEqual(await move(), []);
    for (const { id } of tasks) {
      assert.deepEqual(await target.as("ada").get(id), await source.as("ada").get(id));
    }
    assert.deepEqual(await target.as("ada").counts(), await source.as("ada").counts());
    assert.deepEqual(
      (await target.as("ada").list({ limit: 100 })).tasks,
      (await source.as("ada").list({ limit: 100 })).tasks,
    );
    assert.deepEqual(await source.transfer.changed(PORTION), {
      records: [],
      keys: [],
      more: false,
    });
    await source.transfer.markAll();
  }
});

transferTest(
  "task taken over is claimed in the order of rank and creation",
  BOTH,
  async (bench) => {
    const { source, target, move } = bench;
    await target.as("ada").create([{ title: "there 5" }, { title: "there 9", priority: 9 }]);
    await source.as("ada").create([
      { title: "new 5", tags: ["a", "b"] },
      { title: "new 9", priority: 9, tags: ["b"] },
      { title: "new 5 too", tags: ["a"] },
    ]);
    await move();
    const titles = [];
    titles.push((await claimOne(target, "bob", { tags: ["a", "b"], match: "all" })).title);
    for (const { title } of await target.as("bob").claim({ count: 10 })) titles.push(title);
    assert.deepEqual(titles, ["new 5", "there 9", "new 9", "there 5", "new 5 too"]);
  },
);

transferTest("task taken over wakes who waits for it", BOTH, async ({ source, target, move }) => {
  const waker = await target.waker();
  const request = { tags: ["x"], match: "any", count: 1 } as const;
  await target.room.claim({ name: "bob", host: "h" }, request, "wtr_bob");
  const { wakes } = waker;
  await source.as("ada").create([{ title: "for bob", tags: ["x"] }]);
  await move();
  await waker.wait(wakes, 10_000);
  assert.equal(waker.wakes, wakes + 1);
});

transferTest("task taken over waits for what it depends on", BOTH, async (bench) => {
  const { source, target, move } = bench;
  const [first] = await source.as("ada").create([
    { title: "first", tags: ["first"] },
    { title: "second", dependsOn: [2] },
    { title: "third", dependsOn: [0], tags: ["third"] },
  ]);
  // A record at a time: the second comes before the third, which it waits for.
  await move({ ...PORTION, records: PORTION.records });
  assert.deepEqual(
    (await target.as("bob").claim({ count: 9 })).map(({ title }) => title),
    ["first"],
  );
  await target.as("bob").complete(first!.id);
  const third = await claimOne(target, "bob");
  assert.equal(third.title, "third");
  await target.as("bob").complete(third.id);
  assert.equal((await claimOne(target, "bob")).title, "second");
});

transferTest(
  "task taken over before the one it waits for is freed by that one",
  REDIS,
  async ({ source, target, move }) => {
    const [, third] = await source.as("ada").create([
      { title: "second", dependsOn: [1] },
      { title: "third" },
    ]);
    await move({ ...PORTION, records: 1 });
    await claimOne(source, "bob");
    await source.as("bob").complete(third!.id);
    await move();
    assert.equal((await claimOne(target, "bob")).title, "second");
  },
);

transferTest("task taken over in portions is there once, all of it", BOTH, async (bench) => {
  const { source, target, move } = bench;
  for (let n = 0; n < 3000; n += 100) {
    await source.as("ada").create(
      Array.from({ length: 100 }, (_, i) => ({ title: `t${n + i}`, key: `k${n + i}` })),
    );
  }
  const limit = { records: 500, bytes: 60_000 };
  const first = await source.transfer.changed(limit);
  assert.ok(first.records.length < 200 && first.more, "bounded by bytes");
  await target.transfer.take(first.records);
  assert.deepEqual(await move(limit), []);
  assert.equal((await target.as("ada").counts()).pending, 3000);
  const titles = (await target.as("bob").claim({ count: 100 })).map(({ title }) => title);
  assert.deepEqual(titles, Array.from({ length: 100 }, (_, i) => `t${i}`));
  const [same] = await target.as("ada").create([{ title: "twin", key: "k2999" }]);
  assert.equal(same!.title, "t2999");
});

transferTest("task whose key another has is taken over without it", BOTH, async (bench) => {
  const { source, target, move } = bench;
  const [there] = await target.as("ada").create([{ title: "there", key: "k" }]);
  const [mine] = await source.as("ada").create([{ title: "mine", key: "k" }]);
  assert.deepEqual(await move(), [{
    kind: "task",
    subject: mine!.id,
    outcome: `taken over without its key, which ${there!.id} has`,
  }]);
  assert.equal((await target.as("ada").counts()).pending, 2);
  const [same] = await target.as("ada").create([{ title: "twin", key: "k" }]);
  assert.equal(same!.id, there!.id);
});

transferTest("claim taken over lapses when its lease ends", BOTH, async (bench) => {
  const { source, target, clock, move } = bench;
  const task = await claimed(source, "bob", "t");
  clock.advance(200_000);
  await move();
  clock.advance(99_999);
  await assert.rejects(target.as("eve").claim(), NothingToClaimError);
  clock.advance(1);
  const again = await claimOne(target, "eve");
  assert.equal(again.id, task.id);
  assert.deepEqual(again.attempts.map(({ outcome }) => outcome), ["expired", undefined]);
  assert.equal(again.attemptsUsed, 2);
});

transferTest("claim taken over is ended by its holder under its fence", BOTH, async (bench) => {
  const { source, target, move } = bench;
  const task = await claimed(source, "bob", "t");
  const other = await claimed(source, "bob", "u");
  await move();
  const { fence } = task.lease!;
  await assert.rejects(
    target.as("bob").complete(task.id, { fence: fence - 1 }),
    LeaseLostError,
  );
  await target.as("bob").renew(task.id, { fence, progress: "on" });
  const done = await target.as("bob").complete(task.id, { fence, result: 1 });
  assert.deepEqual([done.status, done.result], ["completed", 1]);
  const failed = await target.as("bob").fail(other.id, { fence: other.lease!.fence, error: "no" });
  assert.equal(failed.status, "scheduled");
});

transferTest("claim carried over goes on where it is taken", BOTH, async (bench) => {
  const { target, clock } = bench;
  // As the holder was shown it when it had claimed the task.
  const shown = await claimed(bench.source, "bob", "t");
  clock.advance(1000);
  const record = recordOfClaim(shown, 50_000, 300_000);
  assert.deepEqual(await target.transfer.take([record]), []);
  const { fence } = shown.lease!;
  const expected = { ...shown, lease: { ...shown.lease!, expiresAtMs: clock.nowMs() + 50_000 } };
  assert.deepEqual(await target.as("bob").get(shown.id), expected);
  const failed = await target.as("bob").fail(shown.id, { fence, error: "no" });
  assert.equal(failed.notBeforeMs, clock.nowMs() + 60_000);
  clock.advance(60_000);
  const again = await claimOne(target, "eve");
  assert.equal(again.lease!.expiresAtMs, clock.nowMs() + 300_000);
});

/** A claim of `bob` that is carried over into the store that stands in, and then lapses in the target, where `eve` claims it. */
async function claimedSince(
  bench: TransferBench,
): Promise<{ readonly mine: Task; readonly theirs: Task }> {
  const { source, target, clock } = bench;
  const mine = await claimed(target, "bob", "t");
  await source.transfer.take([recordOfClaim(mine, 300_000, 300_000)]);
  await source.as("bob").renew(mine.id, { leaseMs: 3_600_000 });
  clock.advance(300_000);
  return { mine, theirs: await claimOne(target, "eve") };
}

transferTest(
  "task that somebody else has claimed since stays theirs and a completion is kept as a late result",
  REDIS,
  async (bench) => {
    const { source, target, clock, move } = bench;
    const { mine, theirs } = await claimedSince(bench);
    await source.as("bob").complete(mine.id, { result: { late: true } });
    const conflicts = await move();
    const outcome = "kept as a late result: somebody else has had the task since, which is claimed";
    assert.deepEqual(conflicts, [{ kind: "task", subject: mine.id, outcome }]);
    const expected = {
      ...theirs,
      attempts: [
        {
          holder: "bob",
          fence: mine.lease!.fence,
          startedAtMs: mine.attempts[0]!.startedAtMs,
          endedAtMs: clock.nowMs(),
          outcome: "completed",
          late: true,
          result: { late: true },
        },
        theirs.attempts.at(-1),
      ],
    };
    assert.deepEqual(await target.as("ada").get(mine.id), expected);
    const view = { terminal: false, color: false, columns: Infinity, nowMs: clock.nowMs() };
    assert.match(
      taskText((await target.as("ada").get(mine.id))!, view),
      /attempt 1: bob, completed, too late, began .*\n {2}\| result: \{"late":true\}\n {2}attempt 2: eve, under way/,
    );
    await source.transfer.markAll();
    assert.deepEqual(await move(), conflicts, "told again");
    assert.deepEqual(await target.as("ada").get(mine.id), expected);
    const done = await target.as("eve").complete(mine.id, { result: 2 });
    assert.equal(done.result, 2);
    await source.transfer.markAll();
    // Completed in both: by somebody else here.
    assert.match((await move())[0]!.outcome, /^kept as a late result: .* is completed$/);
    assert.equal((await target.as("ada").get(mine.id))!.result, 2);
  },
);

transferTest(
  "task that a call executed late has claimed is as told where nobody else could have had it",
  REDIS,
  async (bench) => {
    const { source, target, move } = bench;
    const { mine } = await claimedSince(bench);
    await source.as("bob").complete(mine.id, { result: 1 });
    assert.deepEqual(await move(undefined, { isAlone: true }), []);
    const done = await target.as("ada").get(mine.id);
    assert.equal(done!.status, "completed");
    assert.equal(done!.result, 1);
    assert.equal((await target.as("ada").claim().catch(() => [])).length, 0);
  },
);

transferTest("task failed too late is kept with its error", REDIS, async (bench) => {
  const { source, target, move } = bench;
  const { mine } = await claimedSince(bench);
  await source.as("bob").fail(mine.id, { error: "no", retry: false });
  // Claimed once more there, under a fence above all others.
  await source.as("ada").retry(mine.id);
  const again = await claimOne(source, "dan");
  await source.as("dan").fail(mine.id, { error: "no, either" });
  assert.equal((await move()).length, 1);
  const { attempts, status } = (await target.as("ada").get(mine.id))!;
  assert.equal(status, "claimed");
  assert.deepEqual(
    attempts.map((
      { holder, fence, outcome, error, late },
    ) => [holder, fence, outcome, error, late]),
    [
      ["bob", mine.lease!.fence, "expired", undefined, undefined],
      ["dan", again.lease!.fence, "failed", "no, either", true],
      ["eve", attempts.at(-1)!.fence, undefined, undefined, undefined],
    ],
  );
});

transferTest(
  "task still held there that somebody else has claimed stays theirs",
  REDIS,
  async (bench) => {
    const { source, target, move } = bench;
    const { mine, theirs } = await claimedSince(bench);
    await source.as("bob").renew(mine.id, { progress: "still at it" });
    const outcome = "not taken over: somebody else has had the task since, which is claimed";
    assert.deepEqual(await move(), [{ kind: "task", subject: mine.id, outcome }]);
    await target.as("eve").complete(mine.id, { fence: theirs.lease!.fence });
  },
);

transferTest(
  "task cancelled here stays so and a completion is kept as late",
  REDIS,
  async (bench) => {
    const { source, target, move } = bench;
    const mine = await claimed(source, "bob", "t");
    await move();
    await target.as("ada").cancel(mine.id);
    await source.as("bob").complete(mine.id, { result: 1 });
    assert.match((await move())[0]!.outcome, /^kept as a late result: .* is cancelled$/);
    const task = (await target.as("ada").get(mine.id))!;
    assert.equal(task.status, "cancelled");
    assert.deepEqual(task.attempts.map(({ outcome, late }) => [outcome, late]), [
      ["completed", true],
      ["cancelled", undefined],
    ]);
  },
);

transferTest(
  "task completed there in time counts although its lease lapsed here",
  REDIS,
  async (bench) => {
    const { source, target, clock } = bench;
    const move = bench.move;
    const [once] = await source.as("ada").create([{ title: "once", maxAttempts: 1 }]);
    const mine = await claimOne(source, "bob");
    await target.transfer.take([recordOfClaim(mine, 1000, 300_000)]);
    clock.advance(2000);
    await target.room.sweep({ name: "eve", host: "h" });
    assert.equal((await target.as("ada").get(once!.id))!.status, "dead");
    await source.as("bob").complete(mine.id, { result: "done" });
    assert.deepEqual(await move(), []);
    const task = (await target.as("ada").get(once!.id))!;
    assert.deepEqual([task.status, task.result], ["completed", "done"]);
    assert.deepEqual(await target.as("ada").get(once!.id), await source.as("ada").get(once!.id));
  },
);

transferTest("task goes on there after it was moved and is moved again", BOTH, async (bench) => {
  const { source, target, clock, move } = bench;
  const mine = await claimed(source, "bob", "t");
  await source.as("bob").fail(mine.id, { error: "no", retry: false });
  await move();
  clock.advance(5);
  await source.as("ada").retry(mine.id);
  await source.as("ada").update(mine.id, {
    title: "u",
    tags: ["other"],
    priority: 8,
    payload: [1],
  });
  assert.deepEqual(await move(), []);
  assert.deepEqual(await target.as("ada").get(mine.id), await source.as("ada").get(mine.id));
  await assert.rejects(target.as("eve").claim({ tags: ["t"] }), NothingToClaimError);
  assert.equal((await claimOne(target, "eve", { tags: ["other"] })).attempts.length, 2);
});

transferTest("task pruned there is removed here with its key", BOTH, async (bench) => {
  const { source, target, clock, move } = bench;
  const [old, waits] = await source.as("ada").create([{ title: "old", key: "k" }, {
    title: "waits",
    dependsOn: [0],
  }]);
  await move();
  await claimOne(source, "bob");
  await source.as("bob").complete(old!.id);
  clock.advance(10);
  await source.as("ada").prune({ olderThanMs: 1 });
  const [young] = await source.as("ada").create([{ title: "young", key: "k" }]);
  assert.deepEqual(await move(), []);
  assert.equal(await target.as("ada").get(old!.id), undefined);
  assert.equal((await target.as("ada").get(waits!.id))!.status, "pending");
  assert.deepEqual(await target.as("ada").counts(), await source.as("ada").counts());
  const [same] = await target.as("ada").create([{ title: "twin", key: "k" }]);
  assert.equal(same!.id, young!.id);
});

transferTest("task with many attempts moves with those that are kept", BOTH, async (bench) => {
  const { source, target, clock, move } = bench;
  const [task] = await source.as("ada").create([{ title: "often", maxAttempts: 100 }]);
  for (let n = 0; n < 120; n++) {
    await claimOne(source, "bob");
    await source.as("bob").release(task!.id, { reason: `r${n}` });
    clock.advance(1);
    if (n === 50) await move();
  }
  await move();
  const moved = await target.as("ada").get(task!.id);
  assert.deepEqual(moved, await source.as("ada").get(task!.id));
  assert.deepEqual([moved!.attempts.length, moved!.attemptsLeftOut], [100, 20]);
  await claimOne(target, "eve");
  assert.equal((await target.as("ada").get(task!.id))!.attemptsLeftOut, 21);
});

transferTest("claim taken over is renewed and released with its holder", BOTH, async (bench) => {
  const { source, target, clock, move } = bench;
  const [first, second] = [await claimed(source, "bob", "t"), await claimed(source, "bob", "u")];
  await move();
  assert.equal(await target.agents.get("bob"), undefined, "no sign of life");
  const bob = { name: "bob", host: "test-host" };
  clock.advance(100_000);
  await source.as("bob").complete(first.id);
  await move();
  assert.equal((await target.agents.heartbeat(bob, {})).tasks, 1);
  const { lease } = (await target.as("ada").get(second.id))!;
  assert.equal(lease!.expiresAtMs, clock.nowMs() + 300_000);
  assert.equal((await target.agents.deregister("bob"))!.tasks, 1);
  assert.equal((await claimOne(target, "eve")).id, second.id);
});

transferTest("task told again after it was claimed here stays claimed", REDIS, async (bench) => {
  const { source, target } = bench;
  const [fresh] = await source.as("ada").create([{ title: "fresh" }]);
  const [, retried] = await source.as("ada").create([{ title: "last" }, {
    title: "u",
    priority: 9,
  }]);
  await source.as("bob").claim();
  await source.as("bob").fail(retried!.id, { error: "no", retry: false });
  await source.as("ada").retry(retried!.id);
  // The process that moves them dies before it has settled them, within one millisecond.
  const { records } = await source.transfer.changed(PORTION);
  await target.transfer.take(records);
  const claims = await target.as("eve").claim({ count: 2 });
  assert.deepEqual(claims.map(({ id }) => id), [retried!.id, fresh!.id]);
  const conflicts = await target.transfer.take(records);
  assert.deepEqual(conflicts.map(({ subject }) => subject), [fresh!.id, retried!.id]);
  for (const { id, lease } of claims) {
    assert.deepEqual((await target.as("ada").get(id))!.lease, lease);
    await target.as("eve").complete(id, { fence: lease!.fence });
  }
});

transferTest("task removed there stays told when all is told again", BOTH, async (bench) => {
  const { source, target, clock, move } = bench;
  const [task] = await source.as("ada").create([{ title: "t" }]);
  await move();
  await source.as("ada").cancel(task!.id);
  clock.advance(10);
  await source.as("ada").prune({ olderThanMs: 1 });
  await source.transfer.markAll();
  assert.deepEqual(await move(), []);
  assert.equal(await target.as("ada").get(task!.id), undefined);
  assert.equal((await target.as("ada").counts()).pending, 0);
});

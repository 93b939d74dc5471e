/**
 * What is said of a task that nobody works on, on every store.
 */
import assert from "node:assert/strict";
import { Agents } from "../../src/agent/agent.ts";
import { NotFoundError } from "../../src/errors.ts";
import { newId } from "../../src/id.ts";
import { Locks } from "../../src/lock/lock.ts";
import { Tasks } from "../../src/task/task.ts";
import { storeTest } from "../../dev/stores.ts";

storeTest("task why names what keeps a task from being worked on", async ({ as, clock }) => {
  const ada = new Tasks(as("ada"));
  const said = async (id: string) =>
    (await new Tasks(as()).why(id)).reasons.map(({ kind, message }) => `${kind}: ${message}`);

  const [base, later, gone, plain] = await ada.create([
    { title: "base", priority: 9, maxAttempts: 2 },
    { title: "later", notBeforeMs: clock.nowMs() + 60_000 },
    { title: "gone" },
    { title: "plain" },
  ]);
  const [needs, touches] = await ada.create([
    { title: "needs", dependsOn: [base!.id, gone!.id, plain!.id] },
    { title: "touches", paths: ["src/a.py", { path: "docs", mode: "shared" }], tags: ["db"] },
  ]);
  await ada.cancel(gone!.id);
  assert.deepEqual(await said(later!.id), [
    "scheduled: it may be claimed 1m from now at the earliest; its creator asked for that",
  ]);
  assert.deepEqual(await said(plain!.id), [
    "ready: it is ready: in the order of the queue the next claim that asks for any task takes it",
  ]);
  assert.deepEqual(await said(needs!.id), [
    `dependency: it depends on ${base!.id} "base", which is pending`,
    `dependency: it depends on ${gone!.id} "gone", which is cancelled; task retry brings that back`,
    `dependency: it depends on ${plain!.id} "plain", which is pending`,
  ]);
  assert.deepEqual(await said(gone!.id), [
    "ended: it was cancelled, and task retry brings it back; nobody has ever claimed it",
  ]);

  await new Locks(as("cy")).acquire("src", { intent: "big move" });
  await new Agents(as("bob")).register({ tags: ["web"] });
  const [path, agent] = await said(touches!.id);
  assert.equal(
    path,
    'path: its path "src/a.py" is held by "cy" (big move) with the lock on "src", until 5m from now at the latest',
  );
  assert.match(
    agent!,
    /^no_agent: none of \d agents that are there has registered with its tag \(db\)/,
  );
  await new Agents(as("bob")).register({ tags: ["db"], takeover: true });
  assert.deepEqual((await new Tasks(as()).why(touches!.id)).reasons.map(({ kind }) => kind), [
    "path",
  ]);

  const [first] = await ada.claim();
  clock.advance(1000);
  await ada.renew(first!.id, { progress: "half way" });
  clock.advance(1000);
  assert.deepEqual(await said(first!.id), [
    'claimed: "ada" has claimed it 2s ago, renewed 1s ago, until 4m59s from now; its last note: half way',
  ]);
  await ada.fail(first!.id, { error: "no disk" });
  assert.deepEqual(await said(first!.id), [
    'scheduled: it may be claimed 1m from now at the earliest; attempt 1 by "ada" failed: no disk',
  ]);
  clock.advance(60_000);
  const [again] = await ada.claim();
  assert.equal(again!.id, base!.id);
  await ada.release(base!.id, { reason: "rate limit", notBeforeMs: clock.nowMs() + 5000 });
  assert.deepEqual(await said(base!.id), [
    'scheduled: it may be claimed 5s from now at the earliest; "ada" gave it back until then: rate limit',
  ]);
  clock.advance(5000);
  await ada.claim();
  await ada.renew(base!.id, { progress: "one\ntwo" });
  assert.match((await said(base!.id)).join(), /; its last note: one$/);
  await ada.fail(base!.id, { error: '\nbroken\n{"half": "a docu', retry: false });
  assert.deepEqual(await said(base!.id), [
    'ended: it is dead after 2 attempts, and task retry brings it back; its last attempt, by "ada", ended as failed 0ms ago: broken',
  ]);
});

storeTest(
  "task why says whose claim holds a path, and knows no task that is not there",
  async ({ as }) => {
    const ada = new Tasks(as("ada"));
    const [first, second] = await ada.create([
      { title: "first", paths: ["a.py"] },
      { title: "second", paths: ["a.py"] },
    ]);
    await ada.claim();
    const { title, status, reasons } = await ada.why(second!.id);
    assert.deepEqual([title, status, reasons.length], ["second", "pending", 1]);
    assert.match(
      reasons[0]!.message,
      new RegExp(`"a\\.py" is held by "ada" \\(first, task ${first!.id}\\), until `),
    );
    await assert.rejects(ada.why(newId("tsk")), NotFoundError);
  },
);

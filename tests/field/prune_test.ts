/**
 * Making room: what ended long ago is removed, and nothing else.
 * @module
 */
import assert from "node:assert/strict";
import { Approvals } from "../../src/approval/approval.ts";
import { Events } from "../../src/event/event.ts";
import { Tasks } from "../../src/task/task.ts";
import { cli, cliJson, withProject } from "../support/cli.ts";
import { storeTest } from "../support/stores.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

storeTest(
  "task prune removes what ended long ago, and keeps what is alive or needed",
  async (bench) => {
    const ada = new Tasks(bench.as("ada"));
    const events = new Events(bench.as());
    const [done, , cancelled, needed] = await ada.create([
      { title: "done", key: "done-1" },
      { title: "waits" },
      { title: "cancelled" },
      { title: "needed" },
      { title: "blocked", dependsOn: [3] },
      { title: "dead", maxAttempts: 1 },
    ]);
    const [claimed] = await ada.claim();
    assert.equal(claimed!.id, done!.id);
    await ada.complete(done!.id, { result: { long: "x".repeat(1000) } });
    await ada.cancel(cancelled!.id);
    await ada.cancel(needed!.id);
    bench.clock.advance(40 * DAY_MS);
    const [young] = await ada.claim();
    await ada.complete(young!.id);
    const options = { olderThanMs: 0 } as const;
    const long = { olderThanMs: 30 * DAY_MS };

    assert.equal((await ada.prune({ ...long, dryRun: true })).pruned, 2);
    assert.equal((await ada.list()).tasks.length, 6, "a dry run removes nothing");
    const pruned = await ada.prune(long);
    assert.deepEqual([pruned.pruned, pruned.dryRun], [2, false]);
    assert.deepEqual((await ada.list()).tasks.map(({ title }) => title), [
      "waits",
      "needed",
      "blocked",
      "dead",
    ]);
    assert.equal(await ada.get(done!.id), undefined);
    const { completed, cancelled: left } = await ada.counts();
    assert.deepEqual([completed, left], [1, 1]);
    const told = (await events.list({ type: "task.pruned" })).events;
    assert.deepEqual(told.map(({ subject, data }) => [subject, data?.count]).sort(), [
      ["cancelled", 1],
      ["completed", 1],
    ]);
    assert.equal((await ada.prune(long)).pruned, 0, "again there is nothing to remove");
    const [again] = await ada.create([{ title: "done again", key: "done-1" }]);
    assert.equal(again!.title, "done again", "its key is free");
    await assert.rejects(ada.prune({ ...options, statuses: ["pending" as never] }), {
      code: "invalid_argument",
    });
  },
);

storeTest("task prune goes through thousands in portions", async (bench) => {
  const ada = new Tasks(bench.as("ada"));
  for (let batch = 0; batch < 2; batch++) {
    await ada.create(Array.from({ length: 700 }, (_, index) => ({ title: `${batch} ${index}` })));
  }
  for (let left = 1300; left > 0; left -= 100) {
    for (const { id } of await ada.claim({ count: 100 })) await ada.complete(id);
  }
  bench.clock.advance(40 * DAY_MS);
  assert.equal((await ada.prune({ olderThanMs: DAY_MS })).pruned, 1300);
  assert.equal((await ada.counts()).completed, 0);
  assert.equal((await ada.counts()).pending, 100);
});

storeTest("approval prune removes what was decided or expired long ago", async (bench) => {
  const ada = new Approvals(bench.as("ada"));
  const bob = new Approvals(bench.as("bob"));
  const ask = (key: string) => ada.request({ actionType: "deploy", description: key, key });
  const [first, second, third] = [await ask("a"), await ask("b"), await ask("c")];
  await bob.approve(first!.id);
  await bob.reject(second!.id);
  bench.clock.advance(40 * DAY_MS);
  const fourth = await ask("d");
  const fifth = await ask("e");
  await bob.approve(fifth.id);
  const long = { olderThanMs: 30 * DAY_MS };
  assert.equal((await bob.prune({ ...long, dryRun: true })).pruned, 3);
  assert.equal((await bob.prune(long)).pruned, 3);
  assert.deepEqual((await ada.list()).approvals.map(({ id }) => id), [fifth.id, fourth.id]);
  assert.equal(await ada.get(third!.id), undefined);
  assert.deepEqual(await ada.counts(), { pending: 1, approved: 1, rejected: 0, expired: 0 });
  const sixth = await ask("a");
  assert.notEqual(sixth.id, first!.id, "its key is free");
  assert.deepEqual((await ada.list()).approvals.map(({ id }) => id), [
    sixth.id,
    fifth.id,
    fourth.id,
  ]);
});

Deno.test("prune commands say what they would remove, and refuse what is no time", async () => {
  await withProject(async (dir) => {
    const env = { AGENTCOORD_AGENT: "ada" };
    await cli(dir, ["task", "add", "t"], { env });
    const dry = await cli(dir, ["task", "prune", "--before", "30d", "--dry-run"], { env });
    assert.match(dry.stdout, /^Would remove 0 tasks that ended over 30d ago/);
    const { document } = await cliJson(dir, ["approval", "prune"], { env });
    assert.deepEqual([document.data.pruned, document.data.dryRun], [0, false]);
    for (const bad of ["soon", "-1d", "2999-01-01"]) {
      const { code, stderr } = await cli(dir, ["task", "prune", `--before=${bad}`], { env });
      assert.equal(code, 2, stderr);
      assert.match(stderr, /--before/);
    }
    const status = await cli(dir, ["task", "prune", "--status", "pending"], { env });
    assert.equal(status.code, 2, status.stderr);
  });
});

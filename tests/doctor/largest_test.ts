import assert from "node:assert/strict";
import { Approvals } from "../../src/approval/approval.ts";
import { Audit } from "../../src/audit/audit.ts";
import { Board } from "../../src/board/board.ts";
import { largestCheck } from "../../src/doctor/largest.ts";
import { Tasks } from "../../src/task/task.ts";
import { storeTest } from "../../dev/stores.ts";

/** The check's figures, and whether it has advice. */
async function largest(context: Parameters<typeof largestCheck>[0]) {
  const { name, ok, value, subject, hint } = await largestCheck(context);
  assert.deepEqual({ name, ok }, { name: "largest_record_bytes", ok: true });
  return { bytes: Number(value), subject, advised: hint !== undefined };
}

function within(bytes: number, least: number, spare: number): void {
  assert.ok(bytes >= least && bytes <= least + spare, `${bytes}, not ${least} and up to ${spare}`);
}

storeTest("largest record of an empty store is none", async ({ as }) => {
  assert.deepEqual(await largest(as()), { bytes: 0, subject: undefined, advised: false });
});

storeTest("largest record is named, whatever kind it is of", async ({ as }) => {
  const ada = as("ada");
  const approval = await new Approvals(ada).request({
    actionType: "deploy",
    description: "d".repeat(3000),
  });
  within((await largest(as())).bytes, 3000, 600);
  assert.equal((await largest(as())).subject, `approval ${approval.id}`);
  const entry = await new Audit(ada).log({
    decisionType: "t",
    context: "c".repeat(4000),
    reason: "r".repeat(4000),
  });
  within((await largest(as())).bytes, 8000, 600);
  assert.equal((await largest(as())).subject, `audit entry ${entry.id}`);
  const thread = await new Board(ada).post({ title: "t", message: "m".repeat(20_000) });
  within((await largest(as())).bytes, 20_000, 600);
  assert.equal((await largest(as())).subject, `thread ${thread.id}`);
  const [task] = await new Tasks(ada).create([{
    title: "t",
    description: "é".repeat(15_000),
    payload: "p".repeat(10_000),
  }]);
  const { bytes, ...rest } = await largest(as());
  within(bytes, 40_000, 600);
  assert.deepEqual(rest, { subject: `task ${task!.id}`, advised: false });
});

storeTest("task that failed often is as large as all its attempts", async ({ as, clock }) => {
  const tasks = new Tasks(as("ada"));
  const [old] = await tasks.create([{ title: "old", maxAttempts: 20, backoff: { kind: "none" } }]);
  const error = "e".repeat(65_536);
  for (let attempt = 0; attempt < 17; attempt++) {
    const [claimed] = await tasks.claim();
    assert.equal(claimed!.id, old!.id);
    await tasks.fail(old!.id, { error });
    clock.advance(1);
  }
  // More than one operation looks at.
  await tasks.create(Array.from({ length: 600 }, (_, i) => ({ title: `young ${i}` })));
  const { bytes, subject, advised } = await largest(as());
  within(bytes, 17 * 65_536, 17 * 200 + 1000);
  assert.deepEqual({ subject, advised }, { subject: `task ${old!.id}`, advised: true });
});

storeTest(
  "thread is as large as all its replies, of which the newest are weighed",
  async ({ as }) => {
    const board = new Board(as("ada"));
    const { id } = await board.post({ title: "long", message: "m" });
    for (let reply = 0; reply < 150; reply++) {
      await board.reply(id, {
        message: "r".repeat(10_000),
      });
    }
    for (let other = 0; other < 120; other++) await board.post({ title: "short", message: "m" });
    const { bytes, subject, advised } = await largest(as());
    within(bytes, 150 * 10_000, 150 * 200 + 1000);
    assert.deepEqual({ subject, advised }, { subject: `thread ${id}`, advised: true });
  },
);

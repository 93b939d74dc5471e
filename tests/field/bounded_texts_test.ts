/**
 * One operation shows a bounded length of texts, and of leases, however much is asked for at once; nothing is left out.
 * @module
 */
import assert from "node:assert/strict";
import { Agents } from "../../src/agent/agent.ts";
import { Approvals } from "../../src/approval/approval.ts";
import { Audit } from "../../src/audit/audit.ts";
import { Locks } from "../../src/lock/lock.ts";
import { Tasks } from "../../src/task/task.ts";
import { workTest } from "../support/operation_work.ts";

const LONG = "x".repeat(65_000);
/** A quarter of all that is there. */
const OPERATION_BYTES = 1_700_000;

workTest("audit log is listed, followed and verified in portions of its texts", async (bench) => {
  const ada = new Audit(bench.as("ada"));
  const numbers = Array.from({ length: 55 }, (_, n) => `${n}`);
  for (const context of numbers) {
    await ada.log({ decisionType: "d", context: `${context} ${LONG}`, reason: LONG });
  }
  const numberOf = ({ context }: { readonly context: string }) => context.split(" ")[0];
  const filters = { all: {}, "of a type": { type: "d" } };
  for (const [which, filter] of Object.entries(filters)) {
    let found: unknown[] = [];
    const { bytes } = await bench.work(async () => {
      const { entries, nextCursor } = await ada.list({ ...filter, limit: 50 });
      const older = await ada.list({ ...filter, limit: 50, cursor: nextCursor! });
      found = [...older.entries, ...entries].map(numberOf);
      assert.equal(older.nextCursor, undefined);
    });
    assert.deepEqual(found, numbers, which);
    assert.ok(bytes < OPERATION_BYTES, `list ${which} answered ${bytes}`);
  }
  const [first] = (await ada.list({ limit: 55 })).entries;
  const seen: unknown[] = [];
  const follows = await bench.work(async () => {
    for await (const entry of ada.tail({ after: first!.id })) {
      if (seen.push(numberOf(entry)) === 54) break;
    }
  });
  assert.deepEqual(seen, numbers.slice(1));
  assert.ok(follows.bytes < OPERATION_BYTES, `follow answered ${follows.bytes}`);
  const verifies = await bench.work(async () => {
    const { ok, entries } = await ada.verify();
    assert.deepEqual([ok, entries], [true, 55]);
  });
  assert.ok(verifies.bytes < OPERATION_BYTES, `verify answered ${verifies.bytes}`);
});

workTest("approvals are listed in portions of their texts", async ({ as, work }) => {
  const ada = new Approvals(as("ada"));
  const numbers = Array.from({ length: 100 }, (_, n) => `${99 - n}`);
  for (const number of [...numbers].reverse()) {
    await ada.request({ actionType: "deploy", description: `${number} ${LONG}` });
  }
  for (const options of [{}, { status: "pending", requestedBy: "ada" }] as const) {
    let found: unknown[] = [];
    const { bytes } = await work(async () => {
      const { approvals, nextCursor } = await ada.list({ ...options, limit: 90 });
      const older = await ada.list({ ...options, limit: 90, cursor: nextCursor! });
      found = [...approvals, ...older.approvals].map(({ description }) =>
        description.split(" ")[0]
      );
      assert.equal(older.nextCursor, undefined);
    });
    assert.deepEqual(found, numbers);
    assert.ok(bytes < OPERATION_BYTES, `answered ${bytes}`);
  }
});

workTest("approvals and entries by the thousand are listed in portions", async ({ as, work }) => {
  const approvals = new Approvals(as("ada"));
  const audit = new Audit(as("ada"));
  for (let round = 0; round < 12; round++) {
    await Promise.all(Array.from({ length: 100 }, async (_, n) => {
      const text = `${round * 100 + n}`;
      await approvals.request({ actionType: "deploy", description: text });
      await audit.log({ decisionType: "d", context: text, reason: "r" });
    }));
  }
  const asked = await approvals.list({ limit: 1000 });
  const logged = await audit.list({ limit: 1000 });
  assert.deepEqual([asked.approvals.length, logged.entries.length], [1000, 1000]);
  const older = await approvals.list({ limit: 1000, cursor: asked.nextCursor! });
  const before = await audit.list({ limit: 1000, cursor: logged.nextCursor! });
  const all = [...asked.approvals, ...older.approvals].map(({ id }) => id);
  assert.equal(new Set(all).size, 1200);
  assert.equal(new Set([...logged.entries, ...before.entries].map(({ id }) => id)).size, 1200);
  assert.deepEqual(all, [...all].sort().reverse());
  const works = {
    approvals: await work(() => approvals.list({ limit: 1000 })),
    verify: await work(() => audit.verify()),
  };
  for (const [name, { items }] of Object.entries(works)) {
    assert.ok(items < 2600, `${name} did ${items}`);
  }
});

workTest("what an agent holds is explained in portions", async ({ as, work }) => {
  const [agents, locks, tasks] = [
    new Agents(as("ada")),
    new Locks(as("ada")),
    new Tasks(as("ada")),
  ];
  const paths = Array.from({ length: 2000 }, (_, n) => `${1000 + n}`);
  for (const from of [0, 1000]) {
    const some = paths.slice(from, from + 1000);
    await locks.acquire(some);
    await tasks.create(some.map((title) => ({ title, priority: Number(title) % 2 })));
  }
  const claimed: string[] = [];
  for (let left = 2000; left > 0; left -= 100) {
    for (const { title } of await tasks.claim({ count: 100 })) claimed.push(title);
  }
  let found: readonly string[][] = [];
  const { items } = await work(async () => {
    const { locks, tasks } = await agents.explain("ada");
    found = [locks.map(({ path }) => path), tasks.map(({ title }) => title)];
  });
  assert.deepEqual(found[0], paths);
  assert.deepEqual([...found[1]!].sort(), [...claimed].sort());
  assert.ok(items < 3500, `did ${items}`);
});

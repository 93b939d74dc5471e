/**
 * Entries of the audit log on their way from a directory that stood in into Redis.
 * @module
 */
import assert from "node:assert/strict";
import { Audit } from "../../src/audit/audit.ts";
import { draftEntry } from "../../src/audit/entry.ts";
import { DirectoryAuditTransfer } from "../../src/audit/directory/transfer.ts";
import { RedisAuditTransfer } from "../../src/audit/redis/transfer.ts";
import { RedisEvents } from "../../src/event/redis/store.ts";
import type { AuditRecord } from "../../src/audit/transfer.ts";
import type { PortionLimit } from "../../src/transfer.ts";
import { type OutageBench, outageTest, PORTION } from "../support/outage.ts";

const text = (number: number, agent = "ada") => ({
  agent,
  decisionType: number % 2 ? "deployment" : "rollback",
  context: `context ${number}`,
  reason: `reason ${number}`,
  refs: [`ref ${number}`],
});

async function append(
  { directory, redis }: OutageBench,
  side: "directory" | "redis",
  number: number,
  key?: string,
) {
  const store = await (side === "redis" ? redis : directory).audit();
  const draft = await draftEntry(text(number));
  return await store.append({ name: "ada", host: "mill" }, draft, key);
}

async function move({ directory, redis }: OutageBench, limit: PortionLimit = PORTION) {
  const source = new DirectoryAuditTransfer(directory.engine);
  const target = new RedisAuditTransfer(redis.runner);
  const conflicts = [];
  for (;;) {
    const { records, keys, more } = await source.changed(limit);
    conflicts.push(...await target.take(records));
    await source.settle(keys);
    if (!more) return conflicts;
  }
}

async function ids(bench: OutageBench): Promise<string[]> {
  const list = await (await bench.redis.audit()).list({ limit: 100 });
  return list!.entries.map(({ id }) => id);
}

outageTest("audit entries of an outage are linked behind the last one", async (bench) => {
  const before = await append(bench, "redis", 1);
  bench.clock.advance(10);
  const told = [];
  for (let number = 2; number < 7; number++) told.push(await append(bench, "directory", number));
  const events = await new RedisEvents(bench.redis.runner).end();
  bench.clock.advance(1000);
  assert.deepEqual(await move(bench, { records: 2, bytes: 1 << 20 }), []);
  assert.deepEqual(await ids(bench), [before, ...told].map(({ id }) => id));
  assert.equal(await new RedisEvents(bench.redis.runner).end(), events, "no event was emitted");
  const audit = new Audit(bench.onRedis("ada"));
  const verified = await audit.verify();
  assert.equal(verified.ok, true);
  assert.equal(verified.entries, 6);
  const after = await (await bench.redis.audit()).list({ limit: 100 });
  for (const [index, { link: _, ...entry }] of told.entries()) {
    const { link, ...taken } = after!.entries[index + 1]!;
    assert.deepEqual(taken, entry);
    assert.match(link, /^[0-9a-f]{40}$/);
  }
  const some = await (await bench.redis.audit()).list({ decisionType: "rollback", limit: 9 });
  assert.deepEqual(some!.entries.map(({ context }) => context), [
    "context 2",
    "context 4",
    "context 6",
  ]);
});

outageTest(
  "audit entries that are told twice, or were taken down late, are there once",
  async (bench) => {
    const draft = await draftEntry(text(1));
    const actor = { name: "ada", host: "mill" };
    await (await bench.directory.audit()).append(actor, draft, "k");
    const second = await append(bench, "directory", 2);
    bench.clock.advance(5);
    await (await bench.redis.audit()).append(actor, draft, "k");
    await move(bench);
    assert.deepEqual(await ids(bench), [draft.id, second.id]);
    await new DirectoryAuditTransfer(bench.directory.engine).markAll();
    assert.deepEqual(await move(bench), []);
    assert.deepEqual(await ids(bench), [draft.id, second.id]);
    // The entry taken down late bears a later instant than the one that was told behind it.
    assert.equal((await new Audit(bench.onRedis("ada")).verify()).ok, true);
  },
);

outageTest("audit entry whose key another one has is taken without it", async (bench) => {
  const theirs = await append(bench, "redis", 1, "k");
  const ours = await append(bench, "directory", 2, "k");
  const other = await append(bench, "directory", 3, "other");
  const conflicts = await move(bench);
  assert.deepEqual(conflicts.map(({ kind, subject }) => [kind, subject]), [["audit", ours.id]]);
  assert.deepEqual(await ids(bench), [theirs.id, ours.id, other.id]);
  assert.equal((await append(bench, "redis", 4, "k")).id, theirs.id);
  assert.equal((await append(bench, "redis", 5, "other")).id, other.id);
});

outageTest(
  "audit portions hold as many entries, and about as long ones, as they may",
  async (bench) => {
    for (let number = 0; number < 5; number++) await append(bench, "directory", number);
    const source = new DirectoryAuditTransfer(bench.directory.engine);
    const few = await source.changed({ records: 2, bytes: 1 << 20 });
    assert.deepEqual([few.records.length, few.more], [2, true]);
    const short = await source.changed({ records: 500, bytes: 1 });
    assert.deepEqual([short.records.length, short.more], [1, true]);
    const all = await source.changed({ records: 5, bytes: 1 << 20 });
    assert.deepEqual([all.records.length, all.more], [5, false]);
    const contexts = all.records.map(({ entry }: AuditRecord) => entry.context);
    assert.deepEqual(contexts, [0, 1, 2, 3, 4].map((number) => `context ${number}`));
  },
);

outageTest("audit entries that are taken wake whoever follows the log", async (bench) => {
  await append(bench, "directory", 1);
  const waker = await bench.redis.waker();
  const seen = waker.wakes;
  await (await bench.redis.audit()).follow({ limit: 1, waits: true });
  await move(bench);
  await waker.wait(seen, 30_000);
  assert.equal(waker.wakes, seen + 1);
});

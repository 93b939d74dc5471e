/**
 * Approvals on their way from a directory that stood in into Redis.
 * @module
 */
import { openEngines } from "../support/outage.ts";
import assert from "node:assert/strict";
import { contextOn } from "../../dev/room_context.ts";
import { hasRedis } from "../../dev/redis_server.ts";
import { TestClock } from "../../dev/stores.ts";
import { Approvals } from "../../src/approval/approval.ts";
import { DirectoryApprovals } from "../../src/approval/directory/store.ts";
import { DirectoryApprovalTransfer } from "../../src/approval/directory/transfer.ts";
import { RedisApprovals } from "../../src/approval/redis/store.ts";
import { RedisApprovalTransfer } from "../../src/approval/redis/transfer.ts";
import type { ApprovalStore } from "../../src/approval/store.ts";
import type { ApprovalRecord, MovedApproval } from "../../src/approval/transfer.ts";
import type { Waker } from "../../src/engine/waker.ts";
import type { Store } from "../../src/store.ts";
import type { TransferConflict } from "../../src/transfer.ts";

const PORTION = { records: 500, bytes: 1 << 20 };
const DAY_MS = 86_400_000;

interface Side {
  readonly as: (agent: string) => Approvals;
  readonly room: ApprovalStore;
}

interface Bench {
  readonly clock: TestClock;
  readonly directory: Side;
  readonly redis: Side;
  readonly source: DirectoryApprovalTransfer;
  readonly target: RedisApprovalTransfer;
  /** Of whom waits on Redis. */
  readonly waker: () => Promise<Waker>;
  /** Tells Redis all that has changed, in portions; answers how many there were. */
  readonly move: (
    limit?: typeof PORTION,
  ) => Promise<{ conflicts: TransferConflict[]; portions: number }>;
}

function transferTest(name: string, body: (bench: Bench) => Promise<void>): void {
  Deno.test({ name, ignore: !hasRedis() }, async () => {
    await using closing = new AsyncDisposableStack();
    const clock = new TestClock();
    const { engine, runner } = await openEngines(closing, clock);
    const sideOf = (room: ApprovalStore): Side => {
      const store = { approvals: () => Promise.resolve(room) } as unknown as Store;
      return { as: (agent) => new Approvals(contextOn(store, clock, agent)), room };
    };
    const source = new DirectoryApprovalTransfer(engine);
    const target = new RedisApprovalTransfer(runner);
    const move: Bench["move"] = async (limit = PORTION) => {
      const conflicts: TransferConflict[] = [];
      for (let portions = 1;; portions++) {
        const portion = await source.changed(limit);
        assert.ok(portion.records.length <= limit.records);
        conflicts.push(...await target.take(portion.records));
        await source.settle(portion.keys);
        if (!portion.more) return { conflicts, portions };
      }
    };
    await body({
      clock,
      directory: sideOf(new DirectoryApprovals(engine)),
      redis: sideOf(new RedisApprovals(runner)),
      source,
      target,
      waker: () => runner.waker(),
      move,
    });
  });
}

const deploy = { actionType: "deploy", description: 'deploy "v2"\nto production /ü' };

/** One in each status, with everything that one may have. */
async function everyStatus({ directory, clock }: Bench) {
  const [ada, bob] = [directory.as("ada"), directory.as("bob")];
  const ask = (key: string, more: object = {}) => ada.request({ ...deploy, key, ...more });
  const lapsed = await ask("lapsed", { timeoutMs: 100 });
  clock.advance(200);
  const used = await ask("used", { digest: "sha256:00", approvers: ["bob", "cy"] });
  const approved = await ask("approved");
  const rejected = await ask("rejected");
  const pending = await ask("pending", { timeoutMs: DAY_MS });
  clock.advance(3);
  await bob.approve(used.id, { comment: 'go "on"' });
  clock.advance(3);
  await ada.use(used.id, { digest: "sha256:00" });
  await bob.approve(approved.id);
  await bob.reject(rejected.id, { comment: "no" });
  return { lapsed, used, approved, rejected, pending };
}

async function assertSame({ directory, redis }: Bench) {
  const statuses = ["pending", "approved", "rejected", "expired", undefined] as const;
  for (const status of statuses) {
    const query = { ...(status && { status }), limit: 1000 };
    assert.deepEqual(await redis.room.list(query), await directory.room.list(query));
    const asked = { ...query, requestedBy: "ada" };
    assert.deepEqual(await redis.room.list(asked), await directory.room.list(asked));
  }
  assert.deepEqual(await redis.room.counts(), await directory.room.counts());
}

transferTest(
  "approvals that moved are listed, found and counted as where they were",
  async (bench) => {
    const { clock, directory, redis, move, source, target } = bench;
    const { pending, approved, used } = await everyStatus(bench);
    assert.deepEqual(await move(), { conflicts: [], portions: 1 });
    await assertSame(bench);
    assert.deepEqual(await source.changed(PORTION), { records: [], keys: [], more: false });
    await source.markAll();
    const { records } = await source.changed(PORTION);
    assert.equal(records.length, 5);
    for (let times = 0; times < 2; times++) {
      assert.deepEqual(await target.take(records), []);
      await assertSame(bench);
    }
    const ada = redis.as("ada");
    const again = await ada.request({ ...deploy, key: "pending" });
    assert.equal(again.id, pending.id, "the key leads to it");
    await ada.use(approved.id);
    await assert.rejects(ada.use(used.id, { digest: "sha256:00" }));
    const next = await ada.request(deploy);
    assert.deepEqual((await ada.list()).approvals.map(({ id }) => id).slice(0, 2), [
      next.id,
      pending.id,
    ]);
    clock.advance(DAY_MS);
    assert.equal((await ada.show(pending.id)).status, "expired");
    assert.equal((await directory.as("ada").show(pending.id)).status, "expired");
  },
);

transferTest("who waits for a decision hears of one that moved", async (bench) => {
  const { directory, redis, move, waker } = bench;
  const asked = await directory.as("ada").request({ ...deploy, timeoutMs: DAY_MS });
  await move();
  await redis.room.look({ name: "ada", host: "test-host" }, asked.id, true);
  const waiting = await waker();
  const { wakes } = waiting;
  await directory.as("bob").approve(asked.id);
  await move();
  await waiting.wait(wakes, 10_000);
  assert.equal(waiting.wakes, wakes + 1);
});

transferTest("approvals that were removed are removed where they went, too", async (bench) => {
  const { clock, directory, redis, move, source } = bench;
  await everyStatus(bench);
  await move();
  clock.advance(1000);
  assert.equal((await directory.as("bob").prune({ olderThanMs: 1 })).pruned, 4);
  // A server that got an older memory back still has them.
  await source.markAll();
  assert.deepEqual((await move()).conflicts, []);
  await assertSame(bench);
  const fresh = await redis.as("ada").request({ ...deploy, key: "approved" });
  assert.equal(fresh.status, "pending", "its key is free again");
  clock.advance(DAY_MS);
  await redis.as("ada").request(deploy);
  clock.advance(DAY_MS);
  const { pruned } = await redis.as("ada").prune({ olderThanMs: 1 });
  assert.equal(pruned, 3);
  assert.deepEqual((await redis.as("ada").list()).approvals, []);
});

transferTest("thousands of approvals move in portions", async (bench) => {
  const { directory, redis, move, clock } = bench;
  const ask = (index: number) =>
    directory.room.request({ name: "ada", host: "h" }, {
      id: `apr_${String(index).padStart(26, "0")}`,
      ...deploy,
      timeoutMs: DAY_MS,
    });
  for (let first = 0; first < 3000; first += 500) {
    clock.advance(1);
    await Promise.all(Array.from({ length: 500 }, (_, index) => ask(first + index)));
  }
  assert.deepEqual(await move(), { conflicts: [], portions: 6 });
  assert.equal((await redis.room.counts()).pending, 3000);
  const ids = async ({ room }: Side) =>
    (await room.list({ limit: 4000 }))!.approvals.map(({ id }) => id);
  assert.deepEqual(await ids(redis), await ids(directory));
});

transferTest(
  "approvals that are long move in portions of their own",
  async ({ directory, move }) => {
    for (let count = 0; count < 3; count++) {
      await directory.as("ada").request({ ...deploy, description: "d".repeat(700) });
    }
    assert.deepEqual(await move({ records: 500, bytes: 1000 }), { conflicts: [], portions: 3 });
  },
);

transferTest("approval whose key is known already moves without it", async (bench) => {
  const { directory, redis, move } = bench;
  const theirs = await redis.as("cy").request({ ...deploy, key: "same" });
  const ours = await directory.as("ada").request({ ...deploy, key: "same" });
  for (let times = 0; times < 2; times++) {
    await bench.source.markAll();
    assert.deepEqual((await move()).conflicts, [{
      kind: "approval",
      subject: ours.id,
      outcome: `taken over without its idempotency key, which ${theirs.id} has`,
    }]);
    assert.deepEqual(await redis.as("ada").show(ours.id), ours);
    assert.equal((await redis.as("ada").request({ ...deploy, key: "same" })).id, theirs.id);
  }
});

transferTest("decision that Redis has already stays, whatever is told", async (bench) => {
  const { clock, directory, redis, source, target, move } = bench;
  const ask = () => directory.as("ada").request({ ...deploy, timeoutMs: 1000 });
  const asked = await ask();
  const lapsing = await ask();
  await move();
  const decided = await redis.as("bob").approve(asked.id, { comment: "here" });
  await redis.as("ada").use(asked.id);
  await source.markAll();
  assert.deepEqual((await move()).conflicts, [], "pending is told of one that was decided");
  const shown = await redis.as("ada").show(asked.id);
  assert.deepEqual(shown, { ...decided, usedAtMs: clock.nowMs() });

  await directory.as("cy").reject(asked.id);
  assert.deepEqual((await move()).conflicts, [{
    kind: "approval",
    subject: asked.id,
    outcome: "it stays approved: that was decided in Redis meanwhile",
  }]);
  assert.deepEqual(await redis.as("ada").show(asked.id), shown);

  await directory.as("cy").approve(lapsing.id);
  clock.advance(2000);
  await redis.room.look(undefined, lapsing.id, false);
  assert.equal((await redis.as("ada").show(lapsing.id)).status, "expired");
  assert.deepEqual((await move()).conflicts, []);
  assert.equal((await redis.as("ada").show(lapsing.id)).status, "approved", "decided in time");
  const record = (await redis.as("ada").show(lapsing.id)) as MovedApproval;
  await redis.as("ada").use(lapsing.id);
  const told: ApprovalRecord = { ...record, usedAtMs: clock.nowMs() - 500 };
  assert.deepEqual((await target.take([told])).map(({ outcome }) => outcome), [
    "it was used in Redis meanwhile, too",
  ]);
  assert.equal((await redis.as("ada").show(lapsing.id)).usedAtMs, clock.nowMs());
  assert.deepEqual(await redis.room.counts(), {
    pending: 0,
    approved: 2,
    rejected: 0,
    expired: 0,
  });
});

/** Locks that move from a directory that stood in for a server into the server, and from one store into another. */
import assert from "node:assert/strict";
import type { Lease, LockMode } from "../../src/lock/model.ts";
import { DirectoryLockTransfer } from "../../src/lock/directory/transfer.ts";
import { RedisLockTransfer } from "../../src/lock/redis/transfer.ts";
import type {
  LeaseRecord,
  LockRecord,
  LockWaiterRecord,
  TakeLocksOptions,
} from "../../src/lock/transfer.ts";
import { DirectoryStore } from "../../src/open/directory.ts";
import { RedisStore } from "../../src/open/redis.ts";
import type { Store } from "../../src/store.ts";
import type { Target } from "../../src/transfer.ts";
import { freshNamespace, hasRedis, sharedRedis } from "../../dev/redis_server.ts";
import { TestClock } from "../../dev/stores.ts";

const PORTION = { records: 500, bytes: 1_048_576 };
const TTL_MS = 60_000;

interface Side {
  readonly store: Store;
  /** Another process's view of it. */
  readonly open: () => Promise<Store>;
  readonly transfer: (options?: TakeLocksOptions) => Target<LockRecord>;
}

/** The directory database of an outage, and where its records go: on each engine. */
function transferTest(
  name: string,
  body: (
    from: { readonly store: DirectoryStore; readonly transfer: DirectoryLockTransfer },
    into: Side,
    clock: TestClock,
  ) => Promise<void>,
): void {
  for (const kind of ["directory", "redis"] as const) {
    const ignore = kind === "redis" && !hasRedis();
    Deno.test({ name: `${name} (into ${kind})`, ignore }, async () => {
      const directory = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
      const clock = new TestClock();
      const options = { namespace: "default", durability: "normal", clock } as const;
      const open = (home: string) =>
        DirectoryStore.open(directory, { ...options, outage: { home: `${directory}/${home}` } });
      const store = await open("outage.1");
      let into: Side;
      if (kind === "directory") {
        const target = await open("outage.2");
        into = {
          store: target,
          open: () => open("outage.2"),
          transfer: (options) => new DirectoryLockTransfer(target.engine, options),
        };
      } else {
        const { url } = await sharedRedis();
        const namespace = freshNamespace();
        const openRedis = () => RedisStore.open(url, { namespace, nowMs: clock.nowMs });
        const target = await openRedis();
        into = {
          store: target,
          open: openRedis,
          transfer: (options) => new RedisLockTransfer(target.runner, options),
        };
      }
      try {
        await body({ store, transfer: new DirectoryLockTransfer(store.engine) }, into, clock);
      } finally {
        await store.close();
        await into.store.close();
        await Deno.remove(directory, { recursive: true });
      }
    });
  }
}

const actor = (name: string) => ({ name, host: "test-host" });

async function acquire(
  store: Store,
  agent: string,
  paths: readonly string[],
  { mode = "exclusive", waiter, aliases }: {
    readonly mode?: LockMode;
    readonly waiter?: string;
    readonly aliases?: Readonly<Record<string, readonly string[]>>;
  } = {},
) {
  const request = { paths, mode, ttlMs: TTL_MS, intent: 'to "see"', reentrant: false };
  return await (await store.locks()).acquire(actor(agent), {
    ...request,
    ...(waiter === undefined ? {} : { waiter }),
    ...(aliases === undefined ? {} : { aliases }),
  });
}

async function granted(...args: Parameters<typeof acquire>): Promise<readonly Lease[]> {
  const outcome = await acquire(...args);
  assert.ok(outcome.kind === "acquired", JSON.stringify(outcome));
  return outcome.leases;
}

async function list(store: Store): Promise<readonly Lease[]> {
  return await (await store.locks()).list();
}

/** Moves all that has changed; returns how many portions that took. */
async function move(from: DirectoryLockTransfer, into: Target<LockRecord>): Promise<number> {
  for (let portions = 1;; portions++) {
    const { records, keys, more } = await from.changed(PORTION);
    assert.deepEqual(await into.take(records), []);
    await from.settle(keys);
    if (!more) return portions;
  }
}

function leaseOf(lease: Partial<LeaseRecord>): LeaseRecord {
  return {
    kind: "lease",
    path: "a",
    holder: "ada",
    fence: 2 ** 50,
    mode: "exclusive",
    intent: "",
    ttlMs: TTL_MS,
    acquiredAtMs: 1_800_000_000_000,
    leftMs: 30_000,
    ...lease,
  };
}

transferTest(
  "lease that moved is listed, covers, is renewed and released as where it came from",
  async (from, into, clock) => {
    const all = [
      ...await granted(from.store, "ada", ["src/a.ts", "docs"], {
        aliases: { docs: ["Docs", "DOCS"] },
      }),
      ...await granted(from.store, "ada", ["shared"], { mode: "shared" }),
      ...await granted(from.store, "bob", ["shared"], { mode: "shared" }),
    ];
    clock.advance(1000);
    const before = await list(from.store);
    await move(from.transfer, into.transfer());
    assert.deepEqual(await list(into.store), before);
    const { events } = await (await into.store.events()).read({ limit: 10 }) as {
      events: readonly { type: string }[];
    };
    assert.deepEqual(events.filter(({ type }) => type.startsWith("lock.")), []);
    const locks = await into.store.locks();
    assert.equal(await locks.count(), 4);
    const [docs] = await locks.covering({ path: "DOCS", aliases: [] });
    assert.equal(docs!.path, "docs");
    assert.equal((await acquire(into.store, "bob", ["docs/x"])).kind, "held");
    assert.equal((await acquire(into.store, "bob", ["Docs"])).kind, "held");
    assert.equal((await acquire(into.store, "eve", ["shared"])).kind, "held");
    const { fence } = all[0]!;
    const renewed = await locks.renew(actor("ada"), { paths: ["src/a.ts"], fence }, undefined);
    assert.ok("renewed" in renewed);
    assert.equal(renewed.renewed[0]!.expiresAtMs, before.at(-1)!.expiresAtMs + 1000);
    const { released, lost } = await locks.release(actor("ada"), { paths: ["docs"], fence });
    assert.deepEqual([released.length, lost.length], [1, 0]);
    const [next] = await granted(into.store, "bob", ["Docs"]);
    assert.ok(next!.fence > Math.max(...all.map((lease) => lease.fence)));
    assert.equal((await locks.releaseAll(actor("ada"))).length, 2);
    assert.equal((await list(into.store)).length, 2);
  },
);

transferTest("record that is taken twice is there once", async ({ store, transfer }, into) => {
  await granted(store, "ada", ["a", "b"], { aliases: { a: ["A"] } });
  const { records } = await transfer.changed(PORTION);
  const target = into.transfer();
  await target.take(records);
  const once = await list(into.store);
  assert.deepEqual(await target.take(records), []);
  assert.deepEqual(await list(into.store), once);
  assert.equal(await (await into.store.locks()).count(), 2);
  const { released } = await (await into.store.locks()).release(actor("ada"), { paths: ["A"] });
  assert.equal(released.length, 1);
  await (await into.store.locks()).releaseAll(actor("ada"));
  await granted(into.store, "bob", ["A", "b"]);
});

transferTest(
  "lease that is there with its fence gets longer, never shorter",
  async (_, into) => {
    const target = into.transfer();
    await target.take([leaseOf({ leftMs: 30_000 })]);
    await target.take([leaseOf({ leftMs: 10_000, ttlMs: 90_000 })]);
    const [first] = await list(into.store);
    await target.take([leaseOf({ leftMs: 40_000 })]);
    const [second] = await list(into.store);
    assert.equal(second!.expiresAtMs - first!.expiresAtMs, 10_000);
    // One that has lapsed is not there at all.
    await target.take([leaseOf({ path: "b", leftMs: 0, fence: 2 ** 51 })]);
    assert.equal((await list(into.store)).length, 1);
    const [next] = await granted(into.store, "bob", ["b"]);
    assert.ok(next!.fence > 2 ** 51);
  },
);

transferTest("lease that ended in between ends where it was taken over", async (from, into) => {
  await granted(from.store, "ada", ["a"], { aliases: { a: ["A"] } });
  await granted(from.store, "ada", ["b"]);
  const target = into.transfer();
  await move(from.transfer, target);
  await (await from.store.locks()).releaseAll(actor("ada"));
  await granted(from.store, "bob", ["a"]);
  const { records } = await from.transfer.changed(PORTION);
  assert.deepEqual(records.map(({ kind }) => kind), ["ended", "ended", "lease"]);
  await move(from.transfer, target);
  assert.deepEqual(await list(into.store), await list(from.store));
  await granted(into.store, "eve", ["A", "b"]);
  assert.deepEqual((await from.transfer.changed(PORTION)).records, []);
  await from.transfer.markAll();
  assert.deepEqual((await from.transfer.changed(PORTION)).records.map(({ kind }) => kind), [
    "lease",
  ]);
});

transferTest("lease that is told ends others that it keeps out", async (_, into) => {
  const [eve] = await granted(into.store, "eve", ["src/a"]);
  await granted(into.store, "ada", ["src/b"]);
  await granted(into.store, "bob", ["lib"], { mode: "shared" });
  const told = leaseOf({ path: "src", fence: eve!.fence + 2 ** 40 });
  const shared = leaseOf({ path: "lib", mode: "shared", fence: told.fence });
  assert.deepEqual(await into.transfer().take([told, shared]), [{
    kind: "lock",
    subject: "src/a",
    outcome: `the lease of "eve" (fence ${eve!.fence}) ended, because "ada" (fence ` +
      `${told.fence}) holds "src"`,
  }]);
  assert.deepEqual((await list(into.store)).map(({ path, holder }) => [path, holder]), [
    ["lib", "bob"],
    ["lib", "ada"],
    ["src", "ada"],
    ["src/b", "ada"],
  ]);
});

transferTest(
  "lease with a higher fence stays where others may have been at work",
  async (_, into) => {
    const [low] = await granted(into.store, "eve", ["a"]);
    const told = leaseOf({ path: ".", fence: low!.fence + 1 });
    const [high] = await granted(into.store, "eve", ["b"]);
    const [higher] = await granted(into.store, "eve", ["c"]);
    assert.ok(higher!.fence > told.fence && high!.fence >= told.fence);
    const conflicts = await into.transfer({ keepOthers: true }).take([told]);
    assert.equal(conflicts.length, 1);
    assert.equal(conflicts[0]!.subject, ".");
    assert.deepEqual((await list(into.store)).map(({ path }) => path), ["a", "b", "c"]);
    const above = leaseOf({ path: ".", fence: higher!.fence + 1 });
    assert.equal((await into.transfer({ keepOthers: true }).take([above])).length, 3);
    assert.deepEqual((await list(into.store)).map(({ path }) => path), ["."]);
  },
);

transferTest("thousands of leases move in portions", async (from, into) => {
  for (let n = 0; n < 6; n++) {
    const paths = Array.from({ length: 500 }, (_, i) => `dir${n}/file-${i}`);
    await granted(from.store, `agent-${n}`, paths);
  }
  const small = await from.transfer.changed({ records: 500, bytes: 1000 });
  assert.ok(small.more && small.records.length > 1 && small.records.length < 20);
  assert.equal(await move(from.transfer, into.transfer()), 6);
  assert.deepEqual(await list(into.store), await list(from.store));
  assert.equal((await from.transfer.changed(PORTION)).more, false);
});

transferTest("who waits keeps the place in the queue", async (from, into, clock) => {
  const [lease] = await granted(from.store, "ada", ["src"]);
  for (const agent of ["bob", "eve", "kim"]) {
    const outcome = await acquire(from.store, agent, ["src/x", "y"], { waiter: `wtr_${agent}` });
    assert.equal(outcome.kind, "held");
  }
  const waiters = await from.transfer.waiters();
  const expected = ["bob", "eve", "kim"].map((agent): LockWaiterRecord => ({
    kind: "waiter",
    id: `wtr_${agent}`,
    agent,
    mode: "exclusive",
    paths: ["src/x", "y"],
  }));
  assert.deepEqual(waiters, expected);
  const target = into.transfer();
  await move(from.transfer, target);
  await target.take(waiters);
  await target.take(waiters);
  const wait = (agent: string) =>
    acquire(into.store, agent, ["src/x", "y"], { waiter: `wtr_${agent}` });
  // Its process looks, in any order; then it is known how to wake it.
  assert.equal((await wait("eve")).kind, "held");
  const locks = await into.store.locks();
  await locks.release(actor("ada"), { paths: ["src"], fence: lease!.fence });
  const blocked = await wait("eve");
  assert.ok(blocked.kind === "held" && blocked.blocker.kind === "waiter");
  assert.equal(blocked.blocker.holder, "bob");
  // The first has a second to look and to find its turn; it never does, and is passed over.
  clock.advance(1000);
  assert.equal((await wait("eve")).kind, "held");
  clock.advance(251);
  assert.equal((await wait("kim")).kind, "held");
  assert.equal((await wait("eve")).kind, "acquired");
  await locks.releaseAll(actor("eve"));
  clock.advance(6000);
  await granted(into.store, "zoe", ["y"]);
});

transferTest(
  "who waits keeps the place that it had here before it waited elsewhere",
  async (from, into) => {
    const [lease] = await granted(into.store, "ada", ["src"]);
    const wait = (agent: string, store = into.store) =>
      acquire(store, agent, ["src/x"], { waiter: `wtr_${agent}` });
    const before = await into.open();
    for (const agent of ["bob", "eve"]) assert.equal((await wait(agent, before)).kind, "held");
    // From now on nobody listens to the waker that they wait with.
    await before.close();
    await granted(from.store, "ada", ["src"]);
    for (const agent of ["bob", "eve"]) await wait(agent, from.store);
    await into.transfer().take(await from.transfer.waiters());
    await (await into.store.locks()).release(actor("ada"), { paths: ["src"], fence: lease!.fence });
    const blocked = await wait("eve");
    assert.ok(blocked.kind === "held" && blocked.blocker.kind === "waiter");
    assert.equal(blocked.blocker.holder, "bob");
    assert.equal((await wait("bob")).kind, "acquired");
  },
);

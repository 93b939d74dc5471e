/**
 * Leases look the same on both stores: in the order of their fields, and in fences of any length.
 * @module
 */
import assert from "node:assert/strict";
import { LeaseLostError } from "../../src/errors.ts";
import { Locks } from "../../src/lock/lock.ts";
import { storeTest } from "../../dev/stores.ts";

const FIELDS = ["path", "mode", "holder", "fence", "intent", "acquiredAtMs", "expiresAtMs"];

storeTest("a lease has its fields in one order wherever it is shown", async ({ as }) => {
  const [ada, bob] = [new Locks(as("ada")), new Locks(as("bob"))];
  const refusal = await (async () => {
    await ada.acquire("a", { mode: "shared", intent: "read" });
    return await bob.acquire("a").catch((error) => error);
  })();
  const seen = [
    ...await ada.acquire(["b", "c"]),
    ...await bob.acquire("a", { mode: "shared" }),
    ...await ada.renew(["b", "c"]),
    ...await ada.list(),
    ...await ada.release("b"),
    ...await ada.release("a"),
  ];
  for (const lease of seen) assert.deepEqual(Object.keys(lease), FIELDS);
  assert.equal(refusal.code, "conflict");
});

storeTest("a fence of sixteen digits stays exact", async ({ as, clock }) => {
  // Five hundred years later a store's first fence has fifteen digits, and one of 5700 sixteen.
  clock.advance(Date.UTC(5700, 0, 1) - clock.nowMs());
  const [ada, bob] = [new Locks(as("ada")), new Locks(as("bob"))];
  const [a, b] = [...await ada.acquire("a"), ...await ada.acquire(["b", "c"])];
  assert.ok(a!.fence > 1e15 && Number.isSafeInteger(a!.fence));
  assert.equal(b!.fence, a!.fence + 1);
  for (const { path, fence } of [a!, b!]) {
    assert.equal((await ada.verify(path, { fence })).fence, fence);
    assert.equal((await ada.renew(path, { fence }))[0]!.fence, fence);
    await assert.rejects(bob.renew(path, { fence: fence + 1 }), LeaseLostError);
  }
  assert.deepEqual((await ada.list()).map(({ fence }) => fence), [a!.fence, b!.fence, b!.fence]);
  assert.deepEqual((await ada.release(["a"], { fence: a!.fence })).map(({ path }) => path), ["a"]);
});

storeTest(
  "an intent that reads like a record comes back whole when its lease ends",
  async ({ as }) => {
    const locks = new Locks(as("ada"));
    const intents = [
      `","ttl":1,"at":2}]`,
      `"},{"mode":"shared","holder":"bob"`,
      `","ttl":1,"at":2},{"holder":"`,
      `\\","ttl":1,"at":2}]`,
      `100% of %l+ ]] é \u2028`,
    ];
    for (const intent of intents) {
      const [lease] = await locks.acquire("a", { intent });
      assert.deepEqual(await locks.release("a"), [lease]);
      const [again] = await locks.acquire("a", { intent });
      assert.deepEqual(await locks.release("a", { fence: again!.fence }), [again]);
      assert.equal(await locks.count(), 0);
    }
  },
);

storeTest("a lease that is shared ends for its holder alone", async ({ as }) => {
  const [ada, bob] = [new Locks(as("ada")), new Locks(as("bob"))];
  await ada.acquire("a", { mode: "shared", intent: "one" });
  const [other] = await bob.acquire("a", { mode: "shared", intent: "two" });
  assert.deepEqual((await ada.release("a")).map(({ holder, intent }) => [holder, intent]), [
    ["ada", "one"],
  ]);
  assert.deepEqual(await bob.list(), [other]);
});

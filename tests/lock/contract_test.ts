import assert from "node:assert/strict";
import { ConflictError, LeaseLostError, NotFoundError } from "../../src/errors.ts";
import { Locks } from "../../src/lock/lock.ts";
import { CALL_MS, LOOKS_WITHIN_MS } from "../../src/lock/model.ts";
import { storeTest } from "../../dev/stores.ts";

storeTest(
  "lock acquire gives a lease and refuses a second holder by name",
  async ({ as, clock }) => {
    const ada = new Locks(as("ada"));
    const bob = new Locks(as("bob"));
    const [lease] = await ada.acquire("./a.py", { intent: "fix auth", ttlMs: 60_000 });
    assert.equal(lease?.path, "a.py");
    assert.ok(Number.isSafeInteger(lease!.fence) && lease!.fence > 0);
    assert.equal(lease?.expiresAtMs, clock.nowMs() + 60_000);
    clock.advance(1000);
    await assert.rejects(bob.acquire("/project/a.py"), (error: ConflictError) => {
      assert.match(error.message, /"a\.py": held by "ada" \(fix auth\), free in 59s/);
      assert.equal(error.details.remainingMs, 59_000);
      return error instanceof ConflictError;
    });
  },
);

storeTest("lock acquire takes every path or none", async ({ as }) => {
  const ada = new Locks(as("ada"));
  const bob = new Locks(as("bob"));
  await ada.acquire("b.py");
  await assert.rejects(bob.acquire(["a.py", "b.py", "c.py"]), ConflictError);
  assert.deepEqual((await bob.list()).map((lease) => lease.path), ["b.py"]);
});

storeTest(
  "lock lapses at its expiry and its fence is stale from then on",
  async ({ as, clock }) => {
    const ada = new Locks(as("ada"));
    const bob = new Locks(as("bob"));
    const [old] = await ada.acquire("a.py", { ttlMs: 1000 });
    clock.advance(1000);
    await assert.rejects(ada.verify("a.py", { fence: old!.fence }), LeaseLostError);
    await assert.rejects(ada.renew("a.py"), LeaseLostError);
    const [fresh] = await bob.acquire("a.py");
    assert.ok(fresh!.fence > old!.fence);
    await assert.rejects(ada.release("a.py", { fence: old!.fence }), LeaseLostError);
    await assert.rejects(bob.release("a.py", { fence: old!.fence }), LeaseLostError);
    assert.equal((await bob.verify("a.py", { fence: fresh!.fence })).holder, "bob");
  },
);

storeTest("lock acquire by its own holder conflicts unless reentrant", async ({ as, clock }) => {
  const ada = new Locks(as("ada"));
  const [first] = await ada.acquire("a.py", { ttlMs: 1000 });
  await assert.rejects(ada.acquire("a.py"), /held by "ada"/);
  clock.advance(500);
  const [again] = await ada.acquire("a.py", { ttlMs: 1000, reentrant: true });
  assert.equal(again!.fence, first!.fence);
  assert.equal(again!.expiresAtMs, clock.nowMs() + 1000);
});

storeTest("lock modes share among readers and exclude writers", async ({ as }) => {
  const [ada, bob, cy] = ["ada", "bob", "cy"].map((name) => new Locks(as(name)));
  await ada!.acquire("a.py", { mode: "shared" });
  await bob!.acquire("a.py", { mode: "shared" });
  await assert.rejects(cy!.acquire("a.py"), ConflictError);
  await ada!.release("a.py");
  await bob!.release("a.py");
  await cy!.acquire("a.py");
});

storeTest("lock on a directory conflicts with every lock below and above it", async ({ as }) => {
  const ada = new Locks(as("ada"));
  const bob = new Locks(as("bob"));
  await ada.acquire("src/auth/");
  for (const path of ["src/auth/login.ts", "src/auth/deep/er.ts", "src/", "src/auth", "./"]) {
    await assert.rejects(bob.acquire(path), ConflictError, path);
  }
  await bob.acquire(["src/auth.ts", "src/authors/", "lib/a.ts"]);
});

storeTest("lock waiters are served in the order they came", async ({ as }) => {
  const ada = new Locks(as("ada"));
  await ada.acquire("a.py");
  const order: string[] = [];
  const waiting = ["bob", "cy", "di"].map(async (name) => {
    const locks = new Locks(as(name));
    await locks.acquire("a.py", { waitMs: 60_000 });
    order.push(name);
    await locks.release("a.py");
  });
  await ada.release("a.py");
  await Promise.all(waiting);
  assert.deepEqual(order, ["bob", "cy", "di"]);
});

storeTest(
  "lock waiters that are silent do not keep a later one waiting one after another",
  async ({ as, store, clock }) => {
    const ada = new Locks(as("ada"));
    await ada.acquire("a.py");
    const locks = await store.locks();
    const request = {
      paths: ["a.py"],
      mode: "exclusive",
      ttlMs: 1000,
      intent: "",
      reentrant: false,
    } as const;
    // As if each were frozen after its first look: its process is still there to be woken.
    const look = (name: string) =>
      locks.acquire({ name, host: "here" }, { ...request, waiter: name });
    for (const name of ["bob", "cy", "di", "eve"]) assert.equal((await look(name)).kind, "held");
    await ada.release("a.py");
    let waitedMs = 0;
    let outcome = await look("eve");
    for (; outcome.kind === "held" && waitedMs < 10_000; outcome = await look("eve")) {
      assert.equal(outcome.blocker.kind, "waiter");
      clock.advance(outcome.retryInMs + 1);
      waitedMs += outcome.retryInMs + 1;
    }
    assert.equal(outcome.kind, "acquired");
    // Each is called once and given time to come; a store that takes them over meanwhile calls each again, and
    // gives all of them time to learn of it.
    const mostMs = 4 * CALL_MS;
    assert.ok(waitedMs < 2 * mostMs + LOOKS_WITHIN_MS, `${waitedMs} ms`);
  },
);

storeTest(
  "lock acquire is not refused for a waiter that has died in line",
  async ({ as, another }) => {
    const ada = new Locks(as("ada"));
    await ada.acquire("a.py");
    const bobs = await another();
    const outcome = await (await bobs.locks()).acquire({ name: "bob", host: "here" }, {
      paths: ["a.py", "b.py"],
      mode: "exclusive",
      ttlMs: 1000,
      intent: "",
      reentrant: false,
      waiter: "bob",
    });
    assert.equal(outcome.kind, "held");
    await bobs.close();
    await new Locks(as("cy")).acquire("b.py");
  },
);

storeTest("lock break ends the lease, is audited, and needs a holder", async ({ as }) => {
  const ada = new Locks(as("ada"));
  const bob = new Locks(as("bob"));
  const [lease] = await ada.acquire("a.py");
  await bob.break("a.py", { reason: "ada is on holiday" });
  await assert.rejects(ada.renew("a.py", { fence: lease!.fence }), LeaseLostError);
  await assert.rejects(bob.break("a.py", { reason: "again" }), NotFoundError);
  await bob.acquire("a.py");
});

storeTest("lock handle releases on scope exit and its signal stays quiet", async ({ as }) => {
  const ada = new Locks(as("ada"));
  {
    await using held = await ada.hold("a.py", { ttlMs: 60_000 });
    assert.equal(held.signal.aborted, false);
    assert.equal((await ada.list()).length, 1);
  }
  assert.equal((await ada.list()).length, 0);
});

storeTest("lock count follows what is live, swept or not", async ({ as, clock }) => {
  const ada = new Locks(as("ada"));
  assert.equal(await ada.count(), 0);
  await ada.acquire(["a.py", "b.py"], { ttlMs: 1000 });
  await ada.acquire("c.py", { ttlMs: 2000 });
  assert.equal(await ada.count(), 3);
  clock.advance(1000);
  assert.equal(await ada.count(), 1);
  await ada.acquire("d.py");
  assert.equal(await ada.count(), 2);
  await ada.releaseAll();
  assert.equal(await ada.count(), 0);
});

storeTest(
  "lock check tells of each path whether it is free, one's own, or another's, and writes nothing",
  async ({ as, clock }) => {
    const ada = new Locks(as("ada"));
    const bob = new Locks(as("bob"));
    const [own] = await ada.acquire("src", { intent: "fix" });
    const [theirs] = await bob.acquire("docs/a.md", { ttlMs: 1000 });
    assert.deepEqual(await ada.check(["./src/x.py", "docs", "free.py", "docs/a.md", "docs"]), [
      { path: "src/x.py", state: "mine", lease: own },
      { path: "docs", state: "held", lease: theirs },
      { path: "free.py", state: "free" },
      { path: "docs/a.md", state: "held", lease: theirs },
    ]);
    assert.deepEqual(await bob.check("free.py"), [{ path: "free.py", state: "free" }]);
    assert.deepEqual((await new Locks(as()).check("src")).map(({ state }) => state), ["held"]);
    await ada.acquire("free.py");
    clock.advance(1000);
    assert.deepEqual(await ada.check("docs"), [{ path: "docs", state: "free" }]);
  },
);

storeTest(
  "lock check finds another's lease before one's own, and lets shared holders be",
  async ({ as }) => {
    const ada = new Locks(as("ada"));
    const bob = new Locks(as("bob"));
    const [own] = await ada.acquire("src/a.py", { mode: "shared" });
    const [theirs] = await bob.acquire("src/a.py", { mode: "shared" });
    assert.deepEqual(await ada.check("src/a.py"), [
      { path: "src/a.py", state: "held", lease: theirs },
    ]);
    assert.deepEqual(await ada.check("src", { mode: "shared" }), [
      { path: "src", state: "mine", lease: own },
    ]);
  },
);

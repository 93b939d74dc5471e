/**
 * One operation on locks does a bounded piece of work, however many there are.
 * @module
 */
import assert from "node:assert/strict";
import { Locks } from "../../src/lock/lock.ts";
import type { Actor } from "../../src/engine/actor.ts";
import { CALL_MS } from "../../src/lock/model.ts";
import { workTest } from "../support/operation_work.ts";
import { storeTest } from "../../dev/stores.ts";

const PATHS = Array.from({ length: 3000 }, (_, n) => `d${1000 + n}/f`);

async function take(locks: Locks, options: Parameters<Locks["acquire"]>[1] = {}): Promise<void> {
  for (let from = 0; from < PATHS.length; from += 500) {
    await locks.acquire(PATHS.slice(from, from + 500), options);
  }
}

workTest(
  "lock acquire of a directory looks no further than the first lock in its way",
  async ({ as, work }) => {
    const [ada, bob] = [new Locks(as("ada")), new Locks(as("bob"))];
    await take(ada);
    for (const mode of ["exclusive", "shared"] as const) {
      let refused: unknown;
      const { items } = await work(async () => refused = await bob.tryAcquire(".", { mode }));
      assert.partialDeepStrictEqual(refused, {
        kind: "held",
        blocker: { lease: { path: "d1000/f", holder: "ada" }, asked: "." },
      });
      assert.ok(items < 200, `did ${items}`);
    }
  },
);

workTest("lock list answers in portions when there are thousands", async ({ as, work }) => {
  const ada = new Locks(as("ada"));
  await take(ada, { intent: "i".repeat(500) });
  await new Locks(as("bob")).acquire("e/g");
  for (const [options, paths] of [[{}, [...PATHS, "e/g"]], [{ holder: "ada" }, PATHS]] as const) {
    let found: readonly string[] = [];
    const { items, bytes } = await work(async () => {
      found = (await ada.list(options)).map(({ path }) => path);
    });
    assert.deepEqual(found, paths);
    assert.ok(items < 2500, `did ${items}`);
    assert.ok(bytes < 1_200_000, `answered ${bytes} bytes`);
  }
});

storeTest(
  "lock acquire finds the one lock in its way behind thousands that are not",
  async ({ as, clock }) => {
    const [ada, bob] = [new Locks(as("ada")), new Locks(as("bob"))];
    const blocker = async (...request: Parameters<Locks["tryAcquire"]>) => {
      const outcome = await ada.tryAcquire(...request);
      return outcome.kind === "held" && outcome.blocker.kind === "lease" &&
        `${outcome.blocker.lease.holder} ${outcome.blocker.lease.path}`;
    };
    // What only looks like a field of a lease must not be taken for one.
    const intent = '"holder":"ada"},{"mode":"exclusive","of":"x"';
    await take(ada, { mode: "shared", ttlMs: 60_000, intent });
    assert.equal(await blocker("."), "ada d1000/f");
    assert.equal(await blocker(".", { reentrant: true }), "ada d1000/f");
    await bob.acquire("e/g", { mode: "shared", intent });
    assert.equal(await blocker("e", { reentrant: true }), "bob e/g");
    await bob.acquire("e/h", { intent });
    assert.equal(await blocker(".", { mode: "shared", reentrant: true }), "bob e/h");
    assert.equal(await blocker("e", { mode: "shared" }), "bob e/h");
    // All of hers have lapsed, and only a few are swept by an operation.
    clock.advance(60_000);
    assert.equal(await blocker("."), "bob e/g");
    await bob.releaseAll();
    assert.equal(await blocker("."), false);
    await ada.releaseAll();
    await take(ada, { intent });
    assert.equal(await blocker("."), "ada d1000/f");
    await bob.acquire("e/g", { mode: "shared", intent });
    assert.equal(await blocker(".", { reentrant: true }), "bob e/g");
    await bob.releaseAll();
    assert.equal(await blocker(".", { reentrant: true }), false);
  },
);

storeTest(
  "lock waiters that want a thousand paths each are called in order",
  async ({ as, store }) => {
    const ada = new Locks(as("ada"));
    await ada.acquire(".");
    const locks = await store.locks();
    const ask = (name: string, paths: readonly string[]) => {
      const actor: Actor = { name, host: "test-host" };
      const waiter = `wtr-${name}`;
      const rest = { mode: "exclusive", ttlMs: 60_000, intent: "", reentrant: false } as const;
      return locks.acquire(actor, { paths, ...rest, waiter });
    };
    const own = (n: number) => Array.from({ length: 999 }, (_, k) => `w${n}/${k}`);
    const wanted = Array.from({ length: 40 }, (_, n) => [...own(n), n === 39 ? "other" : "common"]);
    for (const [n, paths] of wanted.entries()) await ask(`w${n}`, paths);
    await ada.release(".");
    const first = await ask("w0", wanted[0]!);
    assert.equal(first.kind, "acquired");
    const second = await ask("w1", wanted[1]!);
    assert.partialDeepStrictEqual(second, {
      kind: "held",
      blocker: { kind: "lease", lease: { path: "common", holder: "w0" } },
    });
  },
);

storeTest(
  "lock waiters are all called when a lease ends that a hundred of them wait for",
  async ({ as, store, clock }) => {
    const [ada, zoe] = [new Locks(as("ada")), new Locks(as("zoe"))];
    await ada.acquire(".");
    const locks = await store.locks();
    const paths = Array.from({ length: 100 }, (_, n) => `w${n}.py`);
    for (const [n, path] of paths.entries()) {
      const actor: Actor = { name: `w${n}`, host: "test-host" };
      const rest = { mode: "exclusive", ttlMs: 60_000, intent: "", reentrant: false } as const;
      await locks.acquire(actor, { paths: [path], ...rest, waiter: `wtr-${n}` });
    }
    await ada.release(".");
    // Whoever was called and has not come by then stands in nobody's way; who was not called still does.
    clock.advance(CALL_MS + 1);
    for (const path of paths) {
      assert.equal((await zoe.tryAcquire(path)).kind, "acquired", path);
    }
  },
);

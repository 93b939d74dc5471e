import assert from "node:assert/strict";
import { Board } from "../src/board/board.ts";
import { systemClock } from "../src/clock.ts";
import { BaseWaker } from "../src/engine/waker.ts";
import { Locks } from "../src/lock/lock.ts";
import { DirectoryStore } from "../src/open/directory.ts";
import type { Store } from "../src/store.ts";
import { Tasks } from "../src/task/task.ts";
import { follow, type WaitContext, waitFor, waitInQueue } from "../src/wait.ts";
import { ends, Sleepers } from "../dev/sleepers.ts";
import { storeTest, TestClock } from "../dev/stores.ts";

const HOUR_MS = 3_600_000;

class HandWaker extends BaseWaker {
  override wake(): void {
    super.wake();
  }
}

/** A store that has nothing but a waker, and a clock that only stands. */
function handMade() {
  const waker = new HandWaker();
  const clock = new TestClock();
  const store = { waker: () => Promise.resolve(waker) } as unknown as Store;
  const sleepers = new Sleepers(store);
  const context: WaitContext = { store: sleepers.store, clock, pollMs: HOUR_MS };
  return { waker, clock, sleepers, context };
}

Deno.test("wait misses no wake-up that comes between the look and the sleep", async () => {
  const { waker, context } = handMade();
  let looks = 0;
  const wait = waitFor<{ looks: number }>(context, {
    look: () => {
      looks++;
      if (looks < 3) waker.wake();
      return Promise.resolve({ looks });
    },
    until: ({ looks }) => looks === 3,
  }, { waitMs: HOUR_MS });
  assert.deepEqual(await ends("the wait", wait), { looks: 3 });
});

Deno.test("wait looks again at once when asked to, and once time alone may have changed the answer", async () => {
  const { context } = handMade();
  for (const retryInMs of [0, 5]) {
    let looks = 0;
    const wait = waitFor<{ looks: number }>(context, {
      look: () => Promise.resolve({ looks: ++looks, retryInMs }),
      until: ({ looks }) => looks === 3,
    }, { waitMs: HOUR_MS });
    assert.equal((await ends("the wait", wait)).looks, 3);
  }
});

Deno.test("wait ends with a last look that asks for no wake-up", async () => {
  const { context, clock, sleepers, waker } = handMade();
  const ways = {
    time: () => {
      clock.advance(HOUR_MS);
      waker.wake();
    },
    signal: (stop: AbortController) => stop.abort(),
  };
  for (const [name, end] of Object.entries(ways)) {
    const stop = new AbortController();
    const asked: boolean[] = [];
    const wait = waitFor<{ readonly found: number }>(context, {
      look: (waits) => {
        asked.push(waits);
        return Promise.resolve({ found: asked.length });
      },
      until: () => false,
    }, { waitMs: HOUR_MS, signal: stop.signal });
    await sleepers.asleep();
    end(stop);
    assert.deepEqual(await ends(name, wait), { found: 2 });
    assert.deepEqual(asked, [true, false], name);
  }
});

Deno.test("wait in a queue keeps its place for the last look, and leaves it unless served", async () => {
  const { context, clock, sleepers, waker } = handMade();
  const run = async (waitMs: number, act: () => void, served: boolean, fails = false) => {
    const places: (string | undefined)[] = [];
    const left: string[] = [];
    const wait = waitInQueue<{ readonly looks: number }>(context, {
      look: (waiter) => {
        places.push(waiter);
        if (fails && places.length === 2) return Promise.reject(new Error("gone"));
        return Promise.resolve({ looks: places.length });
      },
      until: ({ looks }) => served && looks === 2,
      abandon: (waiter) => {
        left.push(waiter);
        return Promise.resolve();
      },
    }, { waitMs }).catch(() => "failed");
    if (waitMs > 0) await sleepers.asleep();
    act();
    return { found: await ends("the wait", wait), places, left };
  };
  const expire = () => {
    clock.advance(HOUR_MS);
    waker.wake();
  };
  const late = await run(HOUR_MS, expire, false);
  assert.equal(late.places.length, 2);
  assert.match(late.places[0]!, /^wtr_/);
  assert.equal(late.places[1], late.places[0]);
  assert.deepEqual(late.left, [late.places[0]]);
  assert.deepEqual((await run(HOUR_MS, () => waker.wake(), true)).left, []);
  const failed = await run(HOUR_MS, () => waker.wake(), true, true);
  assert.deepEqual([failed.found, failed.left], ["failed", [failed.places[0]]]);
  assert.deepEqual(await run(0, () => {}, false), {
    found: { looks: 1 },
    places: [undefined],
    left: [],
  });
});

Deno.test("follow only reads while it is behind, and asks to be woken once nothing is left", async () => {
  const { context, sleepers, waker } = handMade();
  const stream = ["a", "b", "c"];
  const reads: [number, boolean][] = [];
  const stop = new AbortController();
  const following = follow(
    context,
    (place: number, waits) => {
      reads.push([place, waits]);
      const items = stream.slice(place, place + 2);
      return Promise.resolve({ items, place: place + items.length });
    },
    0,
    stop.signal,
  );
  const next = async () => (await ends("the next item", following.next())).value;
  assert.deepEqual([await next(), await next(), await next()], ["a", "b", "c"]);
  const fourth = next();
  await sleepers.asleep();
  stream.push("d");
  waker.wake();
  assert.equal(await fourth, "d");
  const last = next();
  await sleepers.asleep();
  stop.abort();
  assert.equal(await last, undefined);
  assert.deepEqual(reads, [
    [0, false],
    [2, false],
    [3, false],
    [3, true],
    [3, true],
    [4, false],
    [4, true],
    [4, false],
  ]);
});

/** A store in front of two others, as one that takes over has it: it wakes whoever waits when it changes. */
function inFrontOf(first: Store, second: Store) {
  const changes = new HandWaker();
  let current = first;
  const waker: Store["waker"] = async () => {
    const behind = await current.waker();
    return {
      id: behind.id,
      get wakes() {
        return changes.wakes + behind.wakes;
      },
      wait: async (seen, ms, signal) => {
        const woken = new AbortController();
        const either = AbortSignal.any([woken.signal, ...signal === undefined ? [] : [signal]]);
        const [ofChanges, ofBehind] = [changes.wakes, behind.wakes];
        if (ofChanges + ofBehind > seen) return;
        await Promise.race([
          changes.wait(ofChanges, ms, either),
          behind.wait(ofBehind, ms, either),
        ]);
        woken.abort();
      },
    };
  };
  const store = new Proxy(first, {
    get: (_, name) => {
      if (name === "waker") return waker;
      const value = Reflect.get(current, name);
      return typeof value === "function" ? value.bind(current) : value;
    },
  });
  const change = () => {
    current = second;
    changes.wake();
  };
  return { store, change };
}

storeTest(
  "waiting goes on in the other store when the one in front of both changes",
  async (bench) => {
    const directory = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
    const other = await DirectoryStore.open(directory, {
      namespace: "default",
      durability: "normal",
      clock: systemClock,
    });
    const behind = [new Sleepers(bench.store), new Sleepers(other)] as const;
    const at = (store: Store, name: string) => ({ ...bench.as(name), store });
    const waits = {
      lock: {
        begin: (store: Store) => new Locks(at(store, "ada")).acquire("a.py"),
        wait: (store: Store) => new Locks(at(store, "bob")).acquire("a.py", { waitMs: HOUR_MS }),
        end: (store: Store) => new Locks(at(store, "ada")).release("a.py"),
      },
      task: {
        begin: () => Promise.resolve(),
        wait: (store: Store) => new Tasks(at(store, "bob")).claim({ waitMs: HOUR_MS }),
        end: (store: Store) => new Tasks(at(store, "ada")).create([{ title: "t" }]),
      },
      message: {
        begin: (store: Store) => new Board(at(store, "bob")).ack(),
        wait: (store: Store) => new Board(at(store, "bob")).inboxWait({ timeoutMs: HOUR_MS }),
        end: (store: Store) => new Board(at(store, "ada")).post({ title: "t", to: ["bob"] }),
      },
    };
    try {
      for (const [name, { begin, wait, end }] of Object.entries(waits)) {
        for (const { store } of behind) await begin(store);
        const { store, change } = inFrontOf(behind[0].store, behind[1].store);
        const waiting: Promise<unknown> = wait(store);
        await behind[0].asleep();
        change();
        await behind[1].asleep();
        await end(other);
        await ends(name, waiting);
      }
    } finally {
      await other.close();
      await Deno.remove(directory, { recursive: true });
    }
  },
);

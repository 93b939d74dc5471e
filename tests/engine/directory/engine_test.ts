import assert from "node:assert/strict";
import { StoreUnavailableError } from "../../../src/errors.ts";
import { DirectoryEngine } from "../../../src/engine/directory/engine.ts";
import type { EngineOptions } from "../../../src/engine/directory/engine_options.ts";
import { KernelLock } from "../../../src/engine/directory/kernel_lock.ts";
import type { Reader } from "../../../src/engine/directory/transaction.ts";
import { Fleet } from "../../../dev/fleet.ts";
import { TestClock } from "../../../dev/stores.ts";
import { PREAMBLE } from "../../../src/open/preamble.ts";
import { SCHEMA } from "../../../src/open/schema.ts";
import { ends } from "../../../dev/sleepers.ts";

const DIER = new URL("../../../dev/workers/operation_dier.ts", import.meta.url).pathname;

interface Bench {
  readonly home: string;
  readonly clock: TestClock;
  readonly engine: DirectoryEngine;
  /** One more engine on the same files, as another process would have. */
  readonly open: (options?: Partial<EngineOptions>) => Promise<DirectoryEngine>;
}

/** Runs `body` with an engine on files of its own; whatever it opens is closed after it. */
function engineTest(name: string, body: (bench: Bench) => Promise<void>): void {
  Deno.test(name, async () => {
    const home = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
    const clock = new TestClock();
    const opened: DirectoryEngine[] = [];
    const open = async (options: Partial<EngineOptions> = {}) => {
      const engine = await DirectoryEngine.open(home, {
        schema: SCHEMA,
        preamble: PREAMBLE,
        durability: "normal",
        clock,
        ...options,
      });
      opened.push(engine);
      return engine;
    };
    try {
      await body({ home, clock, engine: await open(), open });
    } finally {
      for (const engine of opened) await engine.close();
      await Deno.remove(home, { recursive: true });
    }
  });
}

/** Adds a row to a table that has nothing to do with the engine. */
function add(engine: DirectoryEngine, topic: string): Promise<number> {
  return engine.write(undefined, (tx) => {
    tx.run("INSERT INTO listeners VALUES (?, 'wtr_1', 0)", topic);
    tx.count("rows", 1);
    return tx.nextFence();
  });
}

function topics(reader: Reader): string[] {
  return reader.all<{ topic: string }>("SELECT topic FROM listeners ORDER BY topic")
    .map(({ topic }) => topic);
}

interface State {
  readonly now_ms: number;
  readonly fence: number;
  readonly event: number;
  readonly commits: number;
  readonly counts: string;
}

function state(engine: DirectoryEngine): Promise<State> {
  return engine.read((reader) => ({ ...reader.get<State>("SELECT * FROM state")! }));
}

const nowOf = (engine: DirectoryEngine) => engine.read((reader) => reader.nowMs);

engineTest("store clock never steps back, even when the host's clock does", async (bench) => {
  const { clock, engine, open } = bench;
  const startMs = clock.nowMs();
  await add(engine, "a");
  clock.advance(-60_000);
  assert.equal(await nowOf(engine), startMs);
  assert.equal(await engine.write(undefined, (tx) => tx.nowMs), startMs);
  await add(engine, "b");
  assert.equal(await nowOf(await open()), startMs, "another process agrees");
  clock.advance(60_001);
  assert.equal(await nowOf(engine), startMs + 60_001, "what has passed since");
});

engineTest(
  "operation that throws changes nothing and hurts no other operation",
  async ({ engine }) => {
    await add(engine, "a");
    const before = await state(engine);
    const failing = engine.write(undefined, (tx) => {
      tx.run("INSERT INTO listeners VALUES ('b', 'wtr_1', 0)");
      tx.run("DELETE FROM listeners WHERE topic = 'a'");
      tx.count("rows", 5);
      tx.nextFence();
      tx.nextEvent();
      throw new Error("no");
    });
    const bad = engine.write(undefined, (tx) => tx.run("INSERT INTO nowhere VALUES (1)"));
    const [, , next] = await Promise.all([
      assert.rejects(failing, /^Error: no$/),
      assert.rejects(bad, /no such table/),
      add(engine, "c"),
    ]);
    assert.equal(next, before.fence + 1);
    assert.deepEqual(await engine.read(topics), ["a", "c"]);
    const after = await state(engine);
    assert.equal(after.event, before.event);
    assert.equal(after.commits, before.commits + 1);
    assert.equal(after.counts, '{"rows":2}');
  },
);

engineTest("operation that writes nothing leaves no trace", async ({ engine, clock }) => {
  await add(engine, "a");
  const before = await state(engine);
  clock.advance(1000);
  await engine.write(undefined, (tx) => {
    topics(tx);
    tx.run("DELETE FROM listeners WHERE topic = 'none'");
  });
  assert.deepEqual(await state(engine), before);
});

engineTest("counts, fences, events and the clock survive a reopening", async (bench) => {
  const { clock, engine, open } = bench;
  await add(engine, "a");
  await engine.write(undefined, (tx) => {
    tx.run("INSERT INTO listeners VALUES ('b', 'wtr_1', 0)");
    tx.count("kept", 3);
    tx.count("cancelled", 2);
    tx.count("cancelled", -2);
    tx.nextEvent();
  });
  const before = await state(engine);
  assert.equal(before.counts, '{"rows":1,"kept":3}');
  await engine.close();
  clock.advance(-1000);
  const again = await open();
  assert.deepEqual(await state(again), before);
  assert.deepEqual(await again.read((reader) => ({ ...reader.counts })), { rows: 1, kept: 3 });
  assert.equal(await add(again, "c"), before.fence + 1);
  assert.equal(await again.write(undefined, (tx) => tx.nextEvent()), before.event + 1);
});

engineTest(
  "many operations at once all succeed, in the order they were asked for",
  async (bench) => {
    const engines = [bench.engine, await bench.open()];
    const fences: number[][] = [[], []];
    await Promise.all(
      engines.map((engine, index) =>
        Promise.all(Array.from({ length: 300 }, async (_, step) => {
          fences[index]!.push(await add(engine, `${index}-${step}`));
        }))
      ),
    );
    const all = fences.flat();
    assert.equal(new Set(all).size, 600);
    assert.equal(Math.max(...all) - Math.min(...all), 599);
    for (const own of fences) assert.deepEqual(own, [...own].sort((a, b) => a - b));
    assert.equal((await bench.engine.read(topics)).length, 600);
    assert.equal((await state(bench.engine)).counts, '{"rows":600}');
  },
);

/** Replaces the call that waits for the disk, for the length of `body`; its own is handed to `replace`. */
async function withSync(
  replace: (original: () => void) => void,
  body: () => Promise<void>,
): Promise<void> {
  const original = Deno.FsFile.prototype.syncDataSync;
  Deno.FsFile.prototype.syncDataSync = function (this: Deno.FsFile) {
    replace(() => original.call(this));
  };
  try {
    await body();
  } finally {
    Deno.FsFile.prototype.syncDataSync = original;
  }
}

engineTest(
  "operations asked for together share their syncs with durability full",
  async ({ open }) => {
    const engine = await open({ durability: "full" });
    let syncs = 0;
    await withSync((original) => {
      syncs++;
      original();
    }, async () => {
      await Promise.all(Array.from({ length: 300 }, (_, step) => add(engine, `${step}`)));
    });
    assert.ok(syncs >= 1 && syncs <= 60, `${syncs} syncs for 300 operations`);
    const never = () => assert.fail("synced");
    await withSync(never, async () => {
      await engine.write(undefined, topics); // Nothing written: nothing to wait for.
      await add(await open({ durability: "normal" }), "normal");
    });
  },
);

engineTest("operation returns only after its sync, which holds nobody up", async (bench) => {
  const engine = await bench.open({ durability: "full" });
  const other = await bench.open({ durability: "normal" });
  let returned = false;
  const seen: boolean[] = [];
  await withSync((original) => {
    seen.push(returned);
    // The kernel lock is free again: another process could run its operation now.
    const lock = KernelLock.open(`${bench.home}/store.lock`);
    assert.equal(lock.tryAcquire(), true);
    lock.close();
    original();
  }, async () => {
    await add(engine, "a");
    returned = true;
  });
  assert.deepEqual(seen, [false]);
  assert.deepEqual(await other.read(topics), ["a"]);
});

engineTest(
  "operation whose sync fails says so, and the next one is not affected",
  async ({ open }) => {
    const engine = await open({ durability: "full" });
    const broken = () => {
      throw new Error("Input/output error (os error 5)");
    };
    await withSync(broken, async () => {
      await assert.rejects(add(engine, "a"), (error: StoreUnavailableError) => {
        assert.ok(error instanceof StoreUnavailableError);
        assert.match(error.message, /the disk failed to read or write .*store\.db; check the disk/);
        return true;
      });
    });
    await add(engine, "b");
  },
);

engineTest(
  "log starts again from its beginning although several processes write",
  async (bench) => {
    const fleet = new Fleet("committer.ts", [bench.home, "3000"], bench.home);
    for (let slot = 0; slot < 4; slot++) fleet.start(slot);
    assert.equal(await fleet.finished(), 0, "a process failed");
    // A commit adds at least one page of 1 KiB: without a new beginning these made over 12 MB.
    const sizes = fleet.records<{ bytes: number }>().map(({ bytes }) => bytes);
    assert.equal(sizes.length, 4);
    assert.ok(Math.max(...sizes) < 6_000_000, `${sizes.join(" ")} bytes of log`);
  },
);

engineTest("closing waits for the operations under way", async ({ engine, open }) => {
  const steps = Array.from({ length: 50 }, (_, step) => add(engine, `${step}`));
  await engine.close();
  assert.equal((await Promise.all(steps)).length, 50);
  assert.equal((await (await open()).read(topics)).length, 50);
  await engine.close();
  for (const late of [() => add(engine, "late"), () => engine.read(topics)]) {
    await assert.rejects(late(), /^StoreUnavailableError: .* has been closed by this program/);
  }
});

/** A process that sends itself a signal inside an operation. */
interface Dier {
  readonly pid: number;
  /** What it says next. */
  readonly hear: () => Promise<string>;
  /** Ends it, if it has not ended by itself. */
  readonly end: () => Promise<void>;
}

/** Starts one, and waits until it is inside its operation. */
async function dier(home: string, signal: Deno.Signal): Promise<Dier> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--quiet", DIER, home, signal],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  const hear = async () => new TextDecoder().decode((await reader.read()).value);
  const end = async () => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await child.status;
    await reader.cancel();
  };
  assert.equal(await hear(), "inside\n");
  return { pid: child.pid, hear, end };
}

engineTest("process killed inside an operation leaves nothing behind", async ({ engine, home }) => {
  await add(engine, "a");
  const before = await state(engine);
  await (await dier(home, "SIGKILL")).end();
  assert.deepEqual(await state(engine), before);
  assert.equal(await add(engine, "b"), before.fence + 1);
  assert.deepEqual(await engine.read(topics), ["a", "b"]);
  assert.equal(engine.integrity(), "ok");
});

engineTest(
  "process frozen inside an operation is named, readers go on, and it may finish",
  async (bench) => {
    const { home, open } = bench;
    const engine = await open({ lockTimeoutMs: 300 });
    await add(engine, "a");
    const child = await dier(home, "SIGSTOP");
    try {
      for (let attempt = 0; attempt < 2; attempt++) {
        const waiting = Promise.all(
          ["b", "c"].map((topic) =>
            assert.rejects(add(engine, topic), (error: StoreUnavailableError) => {
              assert.ok(error instanceof StoreUnavailableError);
              assert.match(
                error.message,
                new RegExp(`process ${child.pid} has held .*/store\\.lock`),
              );
              assert.deepEqual(error.details, {
                path: `${home}/store.lock`,
                pid: child.pid,
                waitMs: 300,
              });
              assert.equal(error.retryable, true);
              return true;
            })
          ),
        );
        assert.deepEqual(await engine.read(topics), ["a"], "a reader waits for nobody");
        await ends("giving up", waiting);
      }
      const late = add(engine, "d");
      Deno.kill(child.pid, "SIGCONT");
      await late;
      assert.deepEqual(
        await engine.read(topics),
        ["a", "d", "dier"],
        "what was refused stays undone",
      );
      assert.equal(await child.hear(), "done\n");
    } finally {
      await child.end();
    }
  },
);

engineTest("kernel lock granted after everybody gave up is handed back at once", async (bench) => {
  const engine = await bench.open({ lockTimeoutMs: 50 });
  const child = await dier(bench.home, "SIGSTOP");
  await assert.rejects(add(engine, "a"), StoreUnavailableError);
  await child.end();
  await add(await bench.open({ lockTimeoutMs: 2000 }), "b");
  await add(engine, "c");
});

engineTest(
  "engine closed while somebody frozen holds the kernel lock ends quietly",
  async (bench) => {
    const engine = await bench.open({ lockTimeoutMs: 50 });
    const child = await dier(bench.home, "SIGSTOP");
    await assert.rejects(add(engine, "a"), StoreUnavailableError);
    await engine.close();
    await child.end();
    await new Promise((resolve) => setTimeout(resolve, 100));
    await add(bench.engine, "b");
  },
);

engineTest(
  "log is copied into the database as it grows, and no operation notices",
  async (bench) => {
    const size = () => Deno.statSync(`${bench.home}/store.db-wal`).size;
    const text = "x".repeat(2000);
    let largest = 0;
    for (let round = 0; round < 40; round++) {
      await Promise.all(
        Array.from(
          { length: 100 },
          (_, step) =>
            bench.engine.write(
              undefined,
              (tx) => tx.run("INSERT OR REPLACE INTO listeners VALUES (?, ?, 0)", `${step}`, text),
            ),
        ),
      );
      largest = Math.max(largest, size());
    }
    assert.ok(largest < 32_000_000, `${largest} bytes of log for 4000 commits`);
    assert.equal(bench.engine.integrity(), "ok");
  },
);

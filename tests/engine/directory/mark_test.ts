/**
 * When the number of the newest commit is written beside the database.
 * @module
 */
import assert from "node:assert/strict";
import { DirectoryEngine } from "../../../src/engine/directory/engine.ts";
import { KernelLock } from "../../../src/engine/directory/kernel_lock.ts";
import { readMark } from "../../../src/engine/directory/mark.ts";
import { TestClock } from "../../../dev/stores.ts";
import { PREAMBLE } from "../../../src/open/preamble.ts";
import { SCHEMA } from "../../../src/open/schema.ts";
import { GENEROUS_MS } from "../../../dev/sleepers.ts";

interface Bench {
  /** One more engine on the same files, as another process would have. */
  readonly open: () => Promise<DirectoryEngine>;
  /** The commits that the mark knows of. */
  readonly marked: () => number | undefined;
}

function markTest(name: string, body: (bench: Bench) => Promise<void>): void {
  Deno.test(name, async () => {
    const home = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
    const opened: DirectoryEngine[] = [];
    const open = async () => {
      const engine = await DirectoryEngine.open(home, {
        schema: SCHEMA,
        preamble: PREAMBLE,
        durability: "normal",
        clock: new TestClock(),
      });
      opened.push(engine);
      return engine;
    };
    const marked = () => {
      const lock = KernelLock.open(`${home}/store.lock`);
      try {
        const found = readMark(lock);
        return found.kind === "none" ? undefined : found.mark.commits;
      } finally {
        lock.close();
      }
    };
    try {
      await body({ open, marked });
    } finally {
      for (const engine of opened) await engine.close();
      await Deno.remove(home, { recursive: true });
    }
  });
}

/** Makes `count` commits, one after another; gives the number of the last. */
async function commit(engine: DirectoryEngine, count: number): Promise<number> {
  for (let done = 0; done < count; done++) {
    await engine.write(
      undefined,
      (tx) => tx.run("INSERT INTO listeners VALUES (?, 'wtr_1', 0)", crypto.randomUUID()),
    );
  }
  return await engine.read((reader) =>
    reader.get<{ commits: number }>("SELECT commits FROM state")!.commits
  );
}

markTest(
  "mark has the first commit of a process before its operation is answered",
  async (bench) => {
    const engine = await bench.open();
    const commits = await commit(engine, 1);
    assert.equal(bench.marked(), commits);
  },
);

markTest("mark has the newest commit soon after a busy process has come to rest", async (bench) => {
  const engine = await bench.open();
  const commits = await commit(engine, 40);
  const untilMs = performance.now() + GENEROUS_MS;
  while (bench.marked() !== commits && performance.now() < untilMs) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.equal(bench.marked(), commits);
});

markTest("mark has the newest commit when a busy process leaves", async (bench) => {
  const engine = await bench.open();
  const commits = await commit(engine, 40);
  await engine.close();
  assert.equal(bench.marked(), commits);
});

markTest(
  "mark stays with the newer commit of another process when a busy one leaves",
  async (bench) => {
    const busy = await bench.open();
    await commit(busy, 40);
    const other = await bench.open();
    const commits = await commit(other, 1);
    await busy.close();
    assert.equal(bench.marked(), commits);
  },
);

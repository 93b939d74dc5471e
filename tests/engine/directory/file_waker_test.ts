import assert from "node:assert/strict";
import { FileWaker, wakeWaiter } from "../../../src/engine/directory/file_waker.ts";
import { newId } from "../../../src/id.ts";

const BELL = new URL("../../../src/engine/directory/file_waker.ts", import.meta.url).href;

/** Runs `body` with a directory for bells; the bells it hangs are taken down after it. */
function bellTest(
  name: string,
  body: (dir: string, hang: () => FileWaker) => Promise<void> | void,
): void {
  Deno.test(name, async () => {
    const root = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
    const bells: FileWaker[] = [];
    const hang = () => {
      const bell = new FileWaker(`${root}/bells`);
      bells.push(bell);
      return bell;
    };
    try {
      await body(`${root}/bells`, hang);
    } finally {
      for (const bell of bells) bell.close();
      await Deno.remove(root, { recursive: true });
    }
  });
}

async function elapsed(work: Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work;
  return performance.now() - startedMs;
}

/** A process that hangs a bell, says its name, and waits to be rung. */
async function listener(dir: string) {
  const script = `
    import { FileWaker } from "${BELL}";
    const bell = new FileWaker(Deno.args[0]);
    console.log(bell.id);
    await bell.wait(0, 60_000);
    console.log("rung");
    Deno.exit(0);
  `;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--quiet", "--ext=ts", "-", dir],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(script));
  await writer.close();
  const reader = child.stdout.getReader();
  const hear = async () => new TextDecoder().decode((await reader.read()).value).trim();
  const end = async () => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await child.status;
    await reader.cancel();
  };
  return { id: await hear(), hear, end };
}

bellTest("bell rung by another wakes its waiter within milliseconds", async (dir, hang) => {
  const bell = hang();
  const times: number[] = [];
  for (let round = 0; round < 20; round++) {
    const woken = bell.wait(bell.wakes, 10_000);
    await new Promise((resolve) => setTimeout(resolve, 1));
    const startedMs = performance.now();
    assert.equal(wakeWaiter(dir, bell.id), true);
    await woken;
    times.push(performance.now() - startedMs);
  }
  times.sort((a, b) => a - b);
  assert.ok(times[10]! < 20, `the median is ${times[10]} ms`);
  assert.ok(times[19]! < 1000, `the slowest is ${times[19]} ms`);
});

bellTest("bell of another process wakes it", async (dir) => {
  const other = await listener(dir);
  try {
    assert.equal(wakeWaiter(dir, other.id), true);
    assert.equal(await other.hear(), "rung");
  } finally {
    await other.end();
  }
});

bellTest("bell of a process that died is known to be dead and taken away", async (dir) => {
  const other = await listener(dir);
  await other.end();
  assert.ok(Deno.statSync(`${dir}/${other.id}`).isFile, "a killed process leaves its bell");
  assert.equal(wakeWaiter(dir, other.id), false);
  assert.throws(() => Deno.statSync(`${dir}/${other.id}`), Deno.errors.NotFound);
  assert.equal(wakeWaiter(dir, other.id), false);
});

bellTest(
  "bell takes one byte, and answers nobody before it is hung and after it is taken down",
  (dir, hang) => {
    const bell = hang();
    assert.equal(wakeWaiter(dir, newId("wtr")), false);
    const size = () => Deno.statSync(`${dir}/${bell.id}`).size;
    assert.equal(size(), 1);
    wakeWaiter(dir, bell.id);
    assert.equal(size(), 1, "a ring takes no space that is not there already");
    bell.close();
    assert.equal(wakeWaiter(dir, bell.id), false);
    bell.close(); // Twice is harmless.
  },
);

bellTest("ring between the look and the wait is not lost", async (dir, hang) => {
  const bell = hang();
  const heard = bell.wakes;
  // Here the waiter looks at the store and finds nothing; then it is rung, and only then does it wait.
  wakeWaiter(dir, bell.id);
  const tookMs = await elapsed(bell.wait(heard, 10_000));
  assert.ok(tookMs < 1000, `${tookMs} ms`);
  await until(() => bell.wakes > heard);
  assert.ok(await elapsed(bell.wait(heard, 10_000)) < 50, "nor when the ring was heard before");
});

bellTest(
  "bell wakes every waiter of its process, and each again by the next ring",
  async (dir, hang) => {
    const bell = hang();
    for (let round = 0; round < 3; round++) {
      const heard = bell.wakes;
      const waits = [bell.wait(heard, 10_000), bell.wait(heard, 10_000), bell.wait(heard, 10_000)];
      wakeWaiter(dir, bell.id);
      assert.ok(await elapsed(Promise.all(waits)) < 1000);
      await until(() => bell.wakes > heard);
      await new Promise((resolve) => setTimeout(resolve, 20)); // One ring may be told of twice.
    }
  },
);

bellTest("wait ends by its time, its signal, and not by another's bell", async (dir, hang) => {
  const [mine, other] = [hang(), hang()];
  wakeWaiter(dir, other.id);
  const tookMs = await elapsed(mine.wait(0, 50));
  assert.ok(tookMs >= 45 && tookMs < 1000, `${tookMs} ms`);
  assert.equal(mine.wakes, 0);
  assert.ok(await elapsed(mine.wait(0, 10_000, AbortSignal.timeout(20))) < 1000);
  assert.ok(await elapsed(mine.wait(0, 10_000, AbortSignal.abort())) < 20);
});

bellTest("bell without file notifications polls instead of sleeping on", async (dir, hang) => {
  const watchFs = Deno.watchFs;
  Deno.watchFs = () => {
    throw new Error("Too many open files (os error 24)");
  };
  try {
    const deaf = hang();
    assert.equal(wakeWaiter(dir, deaf.id), true);
    const tookMs = await elapsed(deaf.wait(0, 10_000));
    assert.ok(tookMs >= 90 && tookMs < 1000, `${tookMs} ms`);
  } finally {
    Deno.watchFs = watchFs;
  }
});

bellTest(
  "bells of the dead are swept when another is hung, young and live ones are not",
  (dir, hang) => {
    const [dead, young] = [newId("wtr"), newId("wtr")];
    const live = hang();
    const old = new Date(Date.now() - 3_600_000);
    for (const [name, mtime] of [[dead, old], [young, new Date()]] as const) {
      Deno.writeFileSync(`${dir}/${name}`, new Uint8Array());
      Deno.utimeSync(`${dir}/${name}`, mtime, mtime);
    }
    Deno.utimeSync(`${dir}/${live.id}`, old, old);
    const next = hang();
    const left = [...Deno.readDirSync(dir)].map(({ name }) => name).sort();
    assert.deepEqual(left, [young, live.id, next.id].sort());
  },
);

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    assert.ok(tries < 1000, "it never came true");
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

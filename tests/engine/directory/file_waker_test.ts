import assert from "node:assert/strict";
import { FileWaker, WaiterFiles } from "../../../src/engine/directory/file_waker.ts";
import { newId } from "../../../src/id.ts";
import { ends } from "../../../dev/sleepers.ts";
import { pause } from "../../../dev/redis_server.ts";

const HOUR_MS = 3_600_000;

const WAKER = new URL("../../../src/engine/directory/file_waker.ts", import.meta.url).href;

/** Runs `body` with a directory for wakers; those it makes are closed after it. */
function wakerTest(
  name: string,
  body: (dir: string, make: () => FileWaker) => Promise<void> | void,
): void {
  Deno.test(name, async () => {
    const root = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
    const wakers: FileWaker[] = [];
    const make = () => {
      const waker = new FileWaker(`${root}/bells`);
      wakers.push(waker);
      return waker;
    };
    try {
      await body(`${root}/bells`, make);
    } finally {
      for (const waker of wakers) waker.close();
      await Deno.remove(root, { recursive: true });
    }
  });
}

/** A process that makes a waker, says its name, and waits to be woken. */
async function listener(dir: string) {
  const script = `
    import { FileWaker } from "${WAKER}";
    const waker = new FileWaker(Deno.args[0]);
    console.log(waker.id);
    await waker.wait(0, 60_000);
    console.log("woken");
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

function wakeWaiter(dir: string, id: string): boolean {
  const files = new WaiterFiles(dir);
  try {
    return files.wake(id);
  } finally {
    files.close();
  }
}

wakerTest(
  "waker woken by another resumes its waiter, though time is far from up",
  async (dir, make) => {
    const waker = make();
    for (let round = 0; round < 20; round++) {
      const woken = waker.wait(waker.wakes, HOUR_MS);
      assert.equal(wakeWaiter(dir, waker.id), true);
      await ends(`waking ${round}`, woken);
      // A wake-up may arrive twice.
      await pause(5);
    }
  },
);

wakerTest("waker of another process wakes it", async (dir) => {
  const other = await listener(dir);
  try {
    assert.equal(wakeWaiter(dir, other.id), true);
    assert.equal(await other.hear(), "woken");
  } finally {
    await other.end();
  }
});

wakerTest("waker of a process that died is known to be dead and taken away", async (dir) => {
  const other = await listener(dir);
  await other.end();
  assert.ok(Deno.statSync(`${dir}/${other.id}`).isFile, "a killed process leaves its file");
  assert.equal(wakeWaiter(dir, other.id), false);
  assert.throws(() => Deno.statSync(`${dir}/${other.id}`), Deno.errors.NotFound);
  assert.equal(wakeWaiter(dir, other.id), false);
});

wakerTest(
  "waker takes one byte, and answers nobody before it is made and after it is closed",
  (dir, make) => {
    const waker = make();
    assert.equal(wakeWaiter(dir, newId("wtr")), false);
    const size = () => Deno.statSync(`${dir}/${waker.id}`).size;
    assert.equal(size(), 1);
    wakeWaiter(dir, waker.id);
    assert.equal(size(), 1, "a wake-up takes no space that is not there already");
    waker.close();
    assert.equal(wakeWaiter(dir, waker.id), false);
    waker.close(); // Twice is harmless.
  },
);

wakerTest("wake-up between the look and the wait is not lost", async (dir, make) => {
  const waker = make();
  const seen = waker.wakes;
  // Here the waiter looks at the store and finds nothing; then it is woken, and only then does it wait.
  wakeWaiter(dir, waker.id);
  await ends("waking", waker.wait(seen, HOUR_MS));
  await until(() => waker.wakes > seen);
  await ends("waking by what was seen before", waker.wait(seen, HOUR_MS));
});

wakerTest(
  "waker resumes every waiter of its process, and each again by the next wake-up",
  async (dir, make) => {
    const waker = make();
    for (let round = 0; round < 3; round++) {
      const seen = waker.wakes;
      const waits = [1, 2, 3].map(() => waker.wait(seen, HOUR_MS));
      wakeWaiter(dir, waker.id);
      await ends("waking all", Promise.all(waits));
      await until(() => waker.wakes > seen);
      await pause(20); // One wake-up may arrive twice.
    }
  },
);

wakerTest("wait ends by its time, its signal, and not by another's waker", async (dir, make) => {
  const [mine, other] = [make(), make()];
  wakeWaiter(dir, other.id);
  let over = false;
  const timer = setTimeout(() => over = true, 40);
  await ends("time", mine.wait(0, 50));
  assert.ok(over, "its time was not up yet");
  clearTimeout(timer);
  assert.equal(mine.wakes, 0);
  await ends("the signal", mine.wait(0, HOUR_MS, AbortSignal.timeout(20)));
  await ends("the signal that has fired", mine.wait(0, HOUR_MS, AbortSignal.abort()));
});

wakerTest("waker without file notifications polls instead of sleeping on", async (dir, make) => {
  const watchFs = Deno.watchFs;
  Deno.watchFs = () => {
    throw new Error("Too many open files (os error 24)");
  };
  try {
    const deaf = make();
    assert.equal(wakeWaiter(dir, deaf.id), true);
    await ends("the poll", deaf.wait(0, HOUR_MS));
    assert.equal(deaf.wakes, 0);
  } finally {
    Deno.watchFs = watchFs;
  }
});

wakerTest(
  "wakers of the dead are swept when another is made, young and live ones are not",
  (dir, make) => {
    const [dead, young] = [newId("wtr"), newId("wtr")];
    const live = make();
    const old = new Date(Date.now() - 3_600_000);
    for (const [name, mtime] of [[dead, old], [young, new Date()]] as const) {
      Deno.writeFileSync(`${dir}/${name}`, new Uint8Array());
      Deno.utimeSync(`${dir}/${name}`, mtime, mtime);
    }
    Deno.utimeSync(`${dir}/${live.id}`, old, old);
    const next = make();
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

wakerTest(
  "waker that was woken before is known to be dead when its process has died",
  async (dir) => {
    const files = new WaiterFiles(dir);
    const other = await listener(dir);
    try {
      assert.equal(files.wake(other.id), true);
      assert.equal(await other.hear(), "woken");
    } finally {
      await other.end();
    }
    assert.equal(files.wake(other.id), false);
    assert.throws(() => Deno.statSync(`${dir}/${other.id}`), Deno.errors.NotFound);
    assert.equal(files.wake(other.id), false);
    files.close();
  },
);

wakerTest("waker that was woken before resumes its waiter again", async (dir, make) => {
  const files = new WaiterFiles(dir);
  const waker = make();
  for (let round = 0; round < 5; round++) {
    const woken = waker.wait(waker.wakes, HOUR_MS);
    assert.equal(files.wake(waker.id), true);
    await ends(`waking ${round}`, woken);
    await pause(5); // One wake-up may arrive twice.
  }
  files.close();
});

wakerTest("waker that was woken before is not alive once it is closed", (dir, make) => {
  const files = new WaiterFiles(dir);
  const waker = make();
  assert.equal(files.wake(waker.id), true);
  waker.close();
  assert.equal(files.wake(waker.id), false);
  files.close();
});

Deno.test({
  name: "files of many wakers are not all kept open",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const dir = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
    const openFiles = () =>
      [...Deno.readDirSync("/proc/self/fd")].filter(({ name }) => {
        try {
          return Deno.readLinkSync(`/proc/self/fd/${name}`).startsWith(`${dir}/wtr_`);
        } catch {
          return false; // That of the reading itself.
        }
      }).length;
    const files = new WaiterFiles(dir);
    const wakers = Array.from({ length: 40 }, () => new FileWaker(dir));
    try {
      await until(() => openFiles() === 40);
      for (const { id } of [...wakers, ...wakers]) assert.equal(files.wake(id), true);
      await until(() => openFiles() === 40 + 16);
      files.close();
      await until(() => openFiles() === 40);
    } finally {
      for (const waker of wakers) waker.close();
      await Deno.remove(dir, { recursive: true });
    }
  },
});

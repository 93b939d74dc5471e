/**
 * A store that is removed, moved or replaced while processes work on it.
 * @module
 */
import assert from "node:assert/strict";
import { StoreUnavailableError } from "../../src/errors.ts";
import { DirectoryEngine } from "../../src/engine/directory/engine.ts";
import { cli, withProject } from "../support/cli.ts";
import { listening } from "../support/golden_stream.ts";
import { TestClock } from "../../dev/stores.ts";
import { Running, runs, written } from "../support/wrapped.ts";
import { PREAMBLE } from "../../src/open/preamble.ts";
import { SCHEMA } from "../../src/open/schema.ts";
import { ends } from "../../dev/sleepers.ts";

const HOME = ".agentcoord/namespaces/default";
const GONE = /was removed or replaced while in use/;

const CHANGES: Readonly<Record<string, (home: string) => Promise<void>>> = {
  "its directory removed": (home) => Deno.remove(home, { recursive: true }),
  "its directory moved away": (home) => Deno.rename(home, `${home}-old`),
  "its directory replaced by a copy": async (home) => {
    await Deno.rename(home, `${home}-old`);
    await Deno.mkdir(home);
    for (const { name } of Deno.readDirSync(`${home}-old`)) {
      await Deno.copyFile(`${home}-old/${name}`, `${home}/${name}`);
    }
  },
  "its database replaced": async (home) => {
    await Deno.copyFile(`${home}/store.db`, `${home}/copy`);
    await Deno.rename(`${home}/copy`, `${home}/store.db`);
  },
  "its kernel lock removed": (home) => Deno.remove(`${home}/store.lock`),
};

for (const [what, change] of Object.entries(CHANGES)) {
  Deno.test(`store with ${what} answers no step of a process that had it open`, async () => {
    const parent = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
    const home = `${parent}/home`;
    await Deno.mkdir(home);
    const clock = new TestClock();
    const engine = await DirectoryEngine.open(home, {
      schema: SCHEMA,
      preamble: PREAMBLE,
      durability: "normal",
      clock,
    });
    try {
      const write = () => engine.write(undefined, (tx) => tx.nextFence());
      const read = () => engine.read((reader) => reader.nowMs);
      await write();
      await read();
      await change(home);
      // One look serves a few milliseconds.
      await new Promise((resolve) => setTimeout(resolve, 10));
      const gone = (error: unknown) =>
        error instanceof StoreUnavailableError && GONE.test(error.message);
      await assert.rejects(write(), gone);
      // A read needs no kernel lock, so without one it is as good as before.
      if (what !== "its kernel lock removed") await assert.rejects(read(), gone);
    } finally {
      await engine.close();
      await Deno.remove(parent, { recursive: true });
    }
  });
}

Deno.test("lock run ends its command before the lapse when the store was removed", async () => {
  await withProject(async (dir) => {
    const args = [
      "lock",
      "run",
      "a.py",
      "--ttl",
      "3s",
      "--",
      "sh",
      "-c",
      "echo $$ > pid; exec sleep 1h",
    ];
    const wrapper = new Running(dir, args);
    await written(`${dir}/pid`);
    await Deno.remove(`${dir}/.agentcoord`, { recursive: true });
    const bob = await cli(dir, ["lock", "acquire", "a.py", "--agent", "bob"]);
    assert.equal(bob.code, 0, "a new store knows of nobody");
    const { code, stderr } = await ends("the wrapper", wrapper.result());
    assert.equal(code, 125, stderr);
    assert.match(stderr, /could not be renewed in time|was removed or replaced/);
  });
});

Deno.test("agent run ends its command with 125 when the store was removed", async () => {
  await withProject(async (dir) => {
    const script = "echo $$ > pid; exec sleep 1h";
    const args = ["agent", "run", "--name", "ada", "--ttl", "3s", "--", "sh", "-c", script];
    const wrapper = new Running(dir, args);
    const pid = Number(await written(`${dir}/pid`));
    await Deno.remove(`${dir}/.agentcoord`, { recursive: true });
    const { code, stderr } = await wrapper.result();
    assert.equal(code, 125, stderr);
    assert.match(
      stderr,
      /^agentcoord: Ending the command: .*was removed or replaced while in use.*\n$/,
    );
    assert.equal(runs(pid), false);
  });
});

const WAITERS: Readonly<Record<string, readonly string[]>> = {
  "events --follow": ["events", "--follow"],
  "audit tail": ["audit", "tail", "--follow"],
  "inbox wait": ["inbox", "wait", "--timeout", "5m"],
  "task claim --wait": ["task", "claim", "--wait", "5m"],
  "lock acquire --wait": ["lock", "acquire", "held.py", "--wait", "5m"],
  "approval request --wait": ["approval", "request", "deploy", "--description", "d", "--wait"],
};

Deno.test("whoever waits for a store that was removed ends with 7, and makes no new one", async (t) => {
  for (const [what, args] of Object.entries(WAITERS)) {
    await t.step(what, () =>
      withProject(async (dir) => {
        const held = await cli(dir, ["lock", "acquire", "held.py", "--agent", "bob"]);
        assert.equal(held.code, 0, held.stderr);
        const waiter = new Running(dir, args);
        await listening(dir, 1);
        await Deno.remove(`${dir}/.agentcoord`, { recursive: true });
        const limit = setTimeout(() => waiter.kill("SIGKILL"), 15_000);
        const result = await waiter.result();
        clearTimeout(limit);
        assert.equal(result.code, 7, result.stderr);
        assert.match(result.stderr, GONE);
        await assert.rejects(Deno.stat(`${dir}/${HOME}`), Deno.errors.NotFound);
      }));
  }
});

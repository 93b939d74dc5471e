/**
 * A store that is removed, moved or replaced while processes work on it.
 * @module
 */
import assert from "node:assert/strict";
import { CoordinationClient } from "../../mod.ts";
import { LeaseLostError, StoreUnavailableError } from "../../src/errors.ts";
import { hasRedis, startRedis } from "../../dev/redis_server.ts";
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

/** By another process: who closes a file gives up all locks that its process has on it. */
async function replace(path: string): Promise<void> {
  const { success } = await new Deno.Command("cp", { args: [path, `${path}.copy`] }).output();
  assert.ok(success);
  await Deno.rename(`${path}.copy`, path);
}

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
  "its log removed": (home) => Deno.remove(`${home}/store.db-wal`),
  "the index of its log removed": (home) => Deno.remove(`${home}/store.db-shm`),
  "its log and the index removed": async (home) => {
    await Deno.remove(`${home}/store.db-wal`);
    await Deno.remove(`${home}/store.db-shm`);
  },
  "its log replaced by a copy": (home) => replace(`${home}/store.db-wal`),
  "the index of its log replaced by a copy": (home) => replace(`${home}/store.db-shm`),
  "its log emptied": (home) => Deno.truncate(`${home}/store.db-wal`),
};

for (const [what, change] of Object.entries(CHANGES)) {
  Deno.test(`store with ${what} answers no operation of a process that had it open`, async () => {
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
      const write = () =>
        engine.write(undefined, (tx) => tx.run("UPDATE state SET counts = counts"));
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

/** Reads the lines of a process one by one. */
async function* linesOf(child: Deno.ChildProcess): AsyncGenerator<string> {
  let rest = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
}

function worker(
  script: string,
  args: readonly string[],
  stdin: "piped" | "null" = "null",
): Deno.ChildProcess {
  const { pathname } = new URL(`../../dev/workers/${script}`, import.meta.url);
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--quiet", pathname, ...args],
    stdin,
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
}

for (const [what, change] of Object.entries(CHANGES).filter(([what]) => /log/.test(what))) {
  Deno.test(`process whose store has ${what} loses its lock, and no commit is gone without a word`, async () => {
    await withProject(async (dir) => {
      const home = `${dir}/${HOME}`;
      const child = worker("task_maker.ts", [`${dir}/.agentcoord`], "piped");
      const lines = linesOf(child);
      assert.equal((await lines.next()).value, "at work");
      await change(home);
      // It has noticed by the next operation; its lease ends within about a second.
      await new Promise((resolve) => setTimeout(resolve, 100));
      const add = () => cli(dir, ["task", "add", "t", "--agent", "bob", "--json"]);
      let added = await add();
      if (added.code !== 0) {
        assert.match(added.stdout, /the log of .* was removed or cut while in use/);
      }
      const writer = child.stdin.getWriter();
      await writer.write(new Uint8Array(1));
      await writer.close();
      const { ids, refusal, lost } = JSON.parse((await lines.next()).value!);
      await ends("the process", child.status);
      assert.match(refusal, GONE);
      // The index that the process kept alive went with it.
      if (added.code !== 0) added = await add();
      assert.equal(added.code, 0, added.stdout);
      assert.match(lost, GONE);
      const { stdout } = await cli(dir, ["tasks", "--json", "--limit", "1000"]);
      const there = new Set<string>(JSON.parse(stdout).data.map(({ id }: { id: string }) => id));
      assert.ok(there.has(JSON.parse(added.stdout).data.id), "others keep theirs");
      const gone = ids.filter((id: string) => !there.has(id));
      if (gone.length > 0) {
        const events = await cli(dir, ["events", "--type", "store.restored", "--json"]);
        const told = JSON.parse(events.stdout).data;
        assert.ok(told.lostCommits >= gone.length, events.stdout);
      }
    });
  });
}

Deno.test("processes that open and close a store at once are never told that it was removed", async () => {
  const dir = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
  const visitors = Array.from({ length: 4 }, () => worker("visitor.ts", [`${dir}/store`, "50"]));
  for (const visitor of visitors) {
    const { code } = await visitor.output();
    assert.equal(code, 0);
  }
  const client = await CoordinationClient.open({ store: `${dir}/store` });
  assert.equal((await client.tasks.list({ limit: 1000 })).tasks.length, 200);
  await client.close();
  await Deno.remove(dir, { recursive: true });
});

Deno.test("second client of a process leaves the first one its log while others come and go", async () => {
  const dir = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
  const store = `${dir}/store`;
  const first = await CoordinationClient.open({ store });
  const session = await first.session("ada", { heartbeat: false });
  await session.tasks.create([{ title: "t" }]);
  const second = await CoordinationClient.open({ store });
  await second.tasks.list();
  const { code } = await worker("visitor.ts", [store, "2"]).output();
  assert.equal(code, 0);
  await session.tasks.create([{ title: "u" }]);
  assert.equal((await second.tasks.list()).tasks.length, 4);
  await second.close();
  await first.close();
  await Deno.remove(dir, { recursive: true });
});

/** A lease this long is neither renewed nor near its expiry within a test. */
const LONG = "10m";

Deno.test("lock run ends its command long before it expires when the store was removed", async () => {
  await withProject(async (dir) => {
    const args = [
      "lock",
      "run",
      "a.py",
      "--ttl",
      LONG,
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
    assert.match(stderr, /^agentcoord: Ending the command: .*was removed or replaced.*\n$/);
  });
});

Deno.test("lock run ends with 125 when its store was removed right before its command ended", async () => {
  await withProject(async (dir) => {
    const script = "mv .agentcoord moved; exit 0";
    const args = ["lock", "run", "a.py", "--ttl", LONG, "--", "sh", "-c", script];
    const { code, stderr } = await cli(dir, [...args], { env: { AGENTCOORD_AGENT: "ada" } });
    assert.equal(code, 125, stderr);
    assert.match(stderr, GONE);
  });
});

Deno.test("held lock and held task of the library end long before it expires when the store was removed", async () => {
  const cwd = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
  const client = await CoordinationClient.open({ store: `${cwd}/store`, cwd });
  const session = await client.session("ada", { heartbeat: false, onClose: "leave" });
  const lock = await session.locks.hold("a.py", { ttlMs: 600_000 });
  await session.tasks.create([{ title: "t", leaseMs: 600_000 }, { title: "u", leaseMs: 600_000 }]);
  const first = await session.tasks.hold();
  const { next } = await first!.completeAndClaim();
  await Deno.rename(`${cwd}/store`, `${cwd}/moved`);
  for (const { signal } of [lock, next[0]!]) {
    await ends(
      "the lease",
      new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        else signal.addEventListener("abort", () => resolve());
      }),
    );
    assert.ok(signal.reason instanceof LeaseLostError);
    assert.match(signal.reason.message, GONE);
    assert.equal(signal.reason.details.removed, true);
  }
  await assert.rejects(lock.release(), GONE);
  await client.close();
  await Deno.remove(cwd, { recursive: true });
});

Deno.test("agent run ends its command with 125 when the store was removed", async () => {
  await withProject(async (dir) => {
    const script = "echo $$ > pid; exec sleep 1h";
    const args = ["agent", "run", "--name", "ada", "--ttl", LONG, "--", "sh", "-c", script];
    const wrapper = new Running(dir, args);
    const pid = Number(await written(`${dir}/pid`));
    await Deno.remove(`${dir}/.agentcoord`, { recursive: true });
    const { code, stderr } = await ends("the wrapper", wrapper.result());
    assert.equal(code, 125, stderr);
    assert.match(
      stderr,
      /^agentcoord: Ending the command: .*was removed or replaced while in use.*\n$/,
    );
    assert.equal(runs(pid), false);
  });
});

Deno.test({
  name: "agent run and lock run end their commands with 125 when the server was emptied",
  ignore: !hasRedis(),
  async fn() {
    await using server = await startRedis();
    await withProject(async (dir) => {
      // Where a directory would stand in, the server gets the leases back from its mirror.
      const env = {
        AGENTCOORD_STORE: server.url,
        AGENTCOORD_NAMESPACE: "emptied",
        AGENTCOORD_FALLBACK: "never",
      };
      const script = (name: string) => ["--", "sh", "-c", `echo $$ > ${name}; exec sleep 1h`];
      const agent = ["agent", "run", "--name", "bob", "--ttl", LONG, ...script("bob")];
      const lock = ["lock", "run", "a.py", "--ttl", LONG, ...script("lock")];
      const wrappers = [agent, lock].map((args) => new Running(dir, args, env));
      await written(`${dir}/bob`);
      await written(`${dir}/lock`);
      await server.command("FLUSHALL");
      const [ofAgent, ofLock] = await ends(
        "the wrappers",
        Promise.all(wrappers.map((wrapper) => wrapper.result())),
      );
      assert.equal(ofAgent!.code, 125, ofAgent!.stderr);
      assert.match(
        ofAgent!.stderr,
        /^agentcoord: Ending the command: Agent "bob" is not registered any more: the store was emptied.*\n$/,
      );
      assert.equal(ofLock!.code, 125, ofLock!.stderr);
      assert.match(ofLock!.stderr, /"a.py" is not held under fence/);
    });
  },
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

/**
 * The command line on a server for which the project's directory stands in.
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { cli, cliJson, type CliOptions, withProject } from "../support/cli.ts";
import { Stream } from "../support/golden_stream.ts";
import { eventually, Running, runs, textOf, written } from "../support/wrapped.ts";
import {
  freshNamespace,
  hasRedis,
  type RedisServer,
  sharedRedis,
  startRedis,
} from "../../dev/redis_server.ts";

const [MAIN, CONFIG] = ["main.ts", "deno.json"].map((name) =>
  fileURLToPath(new URL(`../../${name}`, import.meta.url))
) as [string, string];

/** Registers a test of a project without a store, where there is Redis. */
function redisTest(name: string, body: (dir: string) => Promise<void>): void {
  Deno.test({ name, ignore: !hasRedis(), fn: () => withProject(body, { store: false }) });
}

/** Calls that only look. */
const READERS = [
  "status",
  "config",
  "doctor",
  "agents",
  "hung --explain",
  "locks",
  "tasks",
  "task counts",
  "board",
  "board search word",
  "approvals",
  "audit list",
  "audit verify",
  "events",
  "store sites",
  "store failback --now",
];

redisTest(
  "commands that only read leave no directory and no site in a fresh project",
  async (dir) => {
    const { url } = await sharedRedis();
    const env = { AGENTCOORD_STORE: url, AGENTCOORD_NAMESPACE: freshNamespace() };
    for (const reader of READERS) {
      const { code, stderr } = await cli(dir, reader.split(" "), { env });
      assert.deepEqual([code, stderr], [0, ""], reader);
      assert.ok(!existsSync(`${dir}/.agentcoord`), reader);
    }
    const { stdout } = await cli(dir, ["-q", "store", "sites"], { env });
    assert.equal(stdout, "");
    await cli(dir, ["lock", "acquire", "a.py", "--agent", "ada"], { env });
    assert.ok(existsSync(`${dir}/.agentcoord/fallback`));
  },
);

/** What a test of a project with a server of its own gets. */
interface Bench {
  readonly dir: string;
  readonly server: RedisServer;
  readonly env: Readonly<Record<string, string>>;
  /** Runs a command line as this agent and gives its data; it must succeed. */
  // deno-lint-ignore no-explicit-any -- a test looks into the document as its reader would
  readonly does: (agent: string, ...args: string[]) => Promise<any>;
  /** Waits until this store decides. */
  readonly decided: (store: "directory" | "redis") => Promise<unknown>;
}

/** Registers a test of a project that has used a server of its own, which keeps what it is told. */
function benchTest(name: string, body: (bench: Bench) => Promise<void>): void {
  redisTest(name, async (dir) => {
    await using server = await startRedis({ config: { appendonly: "yes", appendfsync: "always" } });
    const env = {
      AGENTCOORD_STORE: `${server.url}?command_timeout=3s`,
      AGENTCOORD_NAMESPACE: "default",
      AGENTCOORD_AGENT: "ada",
    };
    const does: Bench["does"] = async (agent, ...args) => {
      const options: CliOptions = { env: { ...env, AGENTCOORD_AGENT: agent } };
      const { code, document } = await cliJson(dir, args, options);
      assert.equal(code, 0, `${args.join(" ")}: ${JSON.stringify(document)}`);
      return document.data;
    };
    const decided: Bench["decided"] = (store) =>
      eventually(`${store} decides`, async () => {
        const { authority } = await does("ada", "status");
        return authority.store === store || undefined;
      });
    await does("ada", "audit", "log", "start", "--context", "c", "--reason", "r");
    await body({ dir, server, env, does, decided });
  });
}

const warningsIn = (stderr: string) => stderr.match(/^agentcoord: warning: .*$/gm) ?? [];
const STANDS_IN =
  /cannot be reached \(\w+\) since .* the directory of this project stands in for it/;
const IS_BACK = /can be reached again and decides since/;

benchTest(
  "lock run keeps its command and its fence across loss and return of the server",
  async ({ dir, server, env, does, decided }) => {
    const script =
      "echo $AGENTCOORD_LOCK_FENCE > fence; echo $$ > pid; until [ -e go ]; do sleep 0.05; done; exit 3";
    const args = ["lock", "run", "a.py", "--ttl", "9s", "--", "sh", "-c", script];
    const wrapper = new Running(dir, args, env);
    const pid = Number(await written(`${dir}/pid`));
    const fence = textOf(`${dir}/fence`).trim();
    const heldUntil = async () => {
      const [lease] = await does("bob", "lock", "verify", "a.py", "--fence", fence);
      return lease.expiresAtMs;
    };
    const renewed = async (where: string) => {
      const before = await heldUntil();
      await eventually(`a renewal ${where}`, async () => await heldUntil() > before || undefined);
    };
    await server.kill();
    await decided("directory");
    await renewed("in the directory");
    await server.restart();
    await decided("redis");
    await renewed("on the server");
    assert.ok(runs(pid));
    await Deno.writeTextFile(`${dir}/go`, "");
    const { code, stderr } = await wrapper.result();
    assert.equal(code, 3, stderr);
    const [lost, back, ...more] = warningsIn(stderr);
    assert.match(lost!, STANDS_IN);
    assert.match(back!, IS_BACK);
    assert.deepEqual(more, []);
    assert.deepEqual(await does("ada", "locks"), []);
  },
);

benchTest(
  "a task that sits on the lost server is completed by its holder, with a warning that says so",
  async ({ dir, server, env, does, decided }) => {
    const [task, other] = [
      await does("ada", "task", "add", "one"),
      await does("ada", "task", "add", "two"),
    ];
    await does("ada", "task", "claim");
    await server.kill();
    const { code, document, stderr } = await cliJson(
      dir,
      ["task", "complete", task.id, "--result", '{"a":1}'],
      { env },
    );
    assert.deepEqual([code, document.data.status], [0, "completed"]);
    assert.match(document.warnings.join(), STANDS_IN);
    assert.match(stderr, STANDS_IN);
    const quiet = await cli(dir, ["-q", "task", "add", "three"], { env });
    assert.deepEqual([quiet.code, quiet.stderr], [0, ""]);
    for (const verb of ["show", "why"]) {
      const away = await cliJson(dir, ["task", verb, other.id], { env });
      assert.deepEqual([away.code, away.document.error.details.reason], [7, "out_of_reach"]);
      assert.match(away.document.error.message, /: it may be on redis:/);
    }
    await server.restart();
    await does("ada", "store", "failback", "--now");
    await decided("redis");
    const direct = await does("ada", "task", "show", task.id, "--fallback", "never");
    assert.deepEqual([direct.status, direct.result], ["completed", { a: 1 }]);
    const next = await does("ada", "task", "claim");
    assert.equal(next[0].id, other.id);
  },
);

benchTest(
  "whoever waits or follows goes on across loss and return of the server",
  async ({ dir, server, env, does, decided }) => {
    const as = (agent: string) => ({ ...env, AGENTCOORD_AGENT: agent });
    for (const path of ["early.py", "late.py"]) {
      await does("bob", "lock", "acquire", path, "--ttl", "10m");
    }
    const old = await does("ada", "approval", "request", "deploy", "--description", "before");
    const waits = (agent: string, ...args: string[]) =>
      new Running(dir, ["--json", ...args], as(agent));
    const waiters = {
      earlyLock: waits("w1", "lock", "acquire", "early.py", "--wait", "10m"),
      lateLock: waits("w2", "lock", "acquire", "late.py", "--wait", "10m"),
      earlyTask: waits("w3", "task", "claim", "--tags", "early", "--wait", "10m"),
      lateTask: waits("w4", "task", "claim", "--tags", "late", "--wait", "10m"),
      earlyMessage: waits("w5", "inbox", "wait", "--timeout", "10m"),
      lateMessage: waits("w6", "inbox", "wait", "--timeout", "10m"),
      approval: waits("ada", "approval", "wait", old.id, "--timeout", "10m"),
    };
    const events = new Stream(dir, ["events", "--follow", "--json"], as("w7"));
    const audit = new Stream(dir, ["audit", "tail", "--follow", "--json"], as("w8"));
    const result = async (waiter: Running) => {
      const { code, stdout, stderr } = await waiter.result();
      assert.equal(code, 0, `${stdout}${stderr}`);
      return JSON.parse(stdout).data;
    };
    await eventually("all waiting", async () => {
      const channels = await server.command("PUBSUB", "CHANNELS", "{agentcoord:*}:wake:*");
      return (channels as readonly unknown[]).length >= 9 || undefined;
    });
    await server.kill();

    await does("bob", "lock", "release", "early.py");
    assert.equal((await result(waiters.earlyLock))[0].path, "early.py");
    const early = await does("bob", "task", "add", "early", "--tags", "early");
    assert.equal((await result(waiters.earlyTask))[0].id, early.id);
    await does("bob", "board", "post", "early", "--message", "for @w5");
    assert.equal((await result(waiters.earlyMessage)).length, 1);
    const made = await does("ada", "approval", "request", "deploy", "--description", "meanwhile");
    const asked = waits("ada", "approval", "wait", made.id, "--timeout", "10m");
    await does("bob", "approve", made.id);
    assert.equal((await result(asked)).status, "approved");
    await does("bob", "audit", "log", "early", "--context", "c", "--reason", "r");

    await server.restart();
    await decided("redis");
    await does("bob", "lock", "release", "late.py");
    assert.equal((await result(waiters.lateLock))[0].path, "late.py");
    const late = await does("bob", "task", "add", "late", "--tags", "late");
    assert.equal((await result(waiters.lateTask))[0].id, late.id);
    await does("bob", "board", "post", "late", "--message", "for @w6");
    assert.equal((await result(waiters.lateMessage)).length, 1);
    await does("bob", "approve", old.id);
    assert.equal((await result(waiters.approval)).status, "approved");
    await does("bob", "audit", "log", "late", "--context", "c", "--reason", "r");

    const entries = await audit.objects(3);
    assert.deepEqual(entries.map(({ decisionType }) => decisionType), ["start", "early", "late"]);
    const seen: string[] = [];
    while (seen.filter((event) => event === "audit.logged").length < 2) {
      const [{ type }] = await events.objects(1);
      seen.push(type);
    }
    const count = (type: string) => seen.filter((event) => event === type).length;
    assert.deepEqual(
      ["lock.released", "thread.posted", "approval.approved"].map(count),
      [2, 2, 2],
      seen.join(),
    );
    // On a busy machine the server may be out of reach once more, and is back then.
    assert.ok(count("store.failed_over") > 0, seen.join());
    assert.equal(count("store.failed_over"), count("store.failed_back"), seen.join());
    for (const stream of [events, audit]) {
      const warnings = warningsIn((await stream.end()).stderr);
      assert.ok(warnings.length > 0 && warnings.length % 2 === 0, warnings.join("\n"));
      for (const [index, warning] of warnings.entries()) {
        assert.match(warning, index % 2 === 0 ? STANDS_IN : IS_BACK);
      }
    }
  },
);

benchTest(
  "a sandbox that forbids the network is told from a server that is away",
  async ({ dir, env, does, decided }) => {
    const args = ["lock", "acquire", "a.py", "--json"];
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--deny-net", "--config", CONFIG, MAIN, ...args],
      cwd: dir,
      env,
    }).output();
    const { error } = JSON.parse(new TextDecoder().decode(stdout));
    assert.deepEqual([code, error.code, error.retryable], [7, "store_unavailable", false]);
    assert.equal(error.details.reason, "no_permission");
    await decided("redis");
    await does("ada", "lock", "acquire", "a.py");
  },
);

benchTest(
  "a program that may write nothing works on the server alone, and says so",
  async ({ dir, env, does }) => {
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        `--deny-write=${dir}`,
        "--config",
        CONFIG,
        MAIN,
        "lock",
        "acquire",
        "a.py",
        "--json",
      ],
      cwd: dir,
      env,
    }).output();
    const document = JSON.parse(new TextDecoder().decode(stdout));
    assert.equal(code, 0, JSON.stringify(document));
    assert.equal(document.warnings.length, 1);
    assert.match(
      document.warnings[0],
      /^No directory can stand in for the server while it cannot be reached: /,
    );
    assert.deepEqual((await does("ada", "locks")).map(({ path }: { path: string }) => path), [
      "a.py",
    ]);
  },
);

redisTest(
  "store sites --forget lets the directory take over while the server is away",
  async (dir) => {
    await using server = await startRedis();
    const env = {
      AGENTCOORD_STORE: `${server.url}?command_timeout=1s`,
      AGENTCOORD_NAMESPACE: "default",
      AGENTCOORD_AGENT: "ada",
    };
    const run = (...args: readonly string[]) => cli(dir, args, { env });
    await withProject(async (elsewhere) => {
      await cli(elsewhere, ["lock", "acquire", "b.py"], { env });
      assert.equal((await run("lock", "acquire", "a.py")).code, 0);
      assert.equal((await run("lock", "acquire", "a.py", "--reentrant")).code, 0);
    }, { store: false });
    await server.kill();
    const refused = await run("lock", "acquire", "c.py");
    assert.equal(refused.code, 7);
    const [, other] = /site (sit_[0-9A-Z]+) used it, too/.exec(refused.stderr) ?? [];
    assert.ok(
      other !== undefined && refused.stderr.includes("store sites --forget"),
      refused.stderr,
    );
    const shown = await run("store", "sites");
    assert.ok(shown.stdout.includes(other), shown.stderr);
    const forgotten = await run("store", "sites", "--forget", other);
    assert.deepEqual([forgotten.code, forgotten.stderr], [0, ""]);
    const taken = await run("lock", "acquire", "c.py");
    assert.equal(taken.code, 0);
    assert.match(taken.stderr, /stands in for it/);
  },
);

benchTest(
  "a client without a fallback is granted nothing while the directory decides, and everything afterwards",
  async ({ dir, server, env, does, decided }) => {
    await does("ada", "lock", "acquire", "before.py");
    await server.kill();
    await decided("directory");
    await does("ada", "lock", "acquire", "a.py");
    await server.restart();
    for (const line of ["lock acquire a.py", "status", "store journal", "store failback --now"]) {
      const args = [...line.split(" "), "--fallback", "never"];
      const { code, document } = await cliJson(dir, args, {
        env: { ...env, AGENTCOORD_AGENT: "bob" },
      });
      assert.deepEqual([code, document.error?.code], [7, "store_unavailable"], line);
      assert.ok(document.error.retryable, line);
      assert.match(document.error.message, /stands in for the server .* since 2.*failback --now/);
    }
    assert.equal((await does("ada", "store", "failback", "--now")).moved, true);
    const args = ["lock", "acquire", "a.py", "--fallback", "never"];
    const held = await cliJson(dir, args, { env: { ...env, AGENTCOORD_AGENT: "bob" } });
    assert.equal(held.document.error.code, "conflict");
  },
);

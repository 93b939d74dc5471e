/**
 * The program on a Redis server: how one is named, what doctor says of good and bad ones, and that secrets
 * show up nowhere. Their transcripts show what the commands themselves print, on both kinds of store.
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { sleep } from "../../src/clock.ts";
import { lists } from "../../src/disk.ts";
import { cli, cliJson, type CliOptions, start, steady, withProject } from "../support/cli.ts";
import {
  freePort,
  freshNamespace,
  hasRedis,
  type RedisServer,
  sharedRedis,
  startRedis,
} from "../../dev/redis_server.ts";
import { eventually } from "../support/wrapped.ts";
import { ends } from "../../dev/sleepers.ts";

interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly value: string | number;
  readonly hint?: string;
}

const SECRET = "s3cret";
/** Named, so that no warning says that the project has no name of its own. */
const DEFAULT = { AGENTCOORD_NAMESPACE: "default" };

/** Registers a test of a project, where there is Redis. */
function redisTest(name: string, body: (dir: string) => Promise<void>): void {
  Deno.test({ name, ignore: !hasRedis(), fn: () => withProject(body, { store: false }) });
}

/** Registers a test of a project and a server of its own, which is called by AGENTCOORD_STORE. */
function serverTest(
  name: string,
  body: (dir: string, server: RedisServer, options: CliOptions) => Promise<void>,
  config: Readonly<Record<string, string>> = {},
): void {
  redisTest(name, async (dir) => {
    await using server = await startRedis({ config });
    const env = { AGENTCOORD_STORE: server.url, AGENTCOORD_AGENT: "ada", ...DEFAULT };
    await body(dir, server, { env });
  });
}

function find(checks: readonly Check[], name: string): Check {
  const check = checks.find((candidate) => candidate.name === name);
  assert.ok(check !== undefined, `no check ${name}`);
  return check;
}

async function examined(dir: string, options: CliOptions): Promise<readonly Check[]> {
  const { code, document, stderr } = await cliJson(dir, ["doctor"], options);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" }, JSON.stringify(document));
  return document.data.checks;
}

/** Runs doctor on a server that is to be refused; gives the check that fails. */
async function refused(dir: string, failing: string, options: CliOptions): Promise<Check> {
  const { code, document, stderr } = await cliJson(dir, ["doctor"], options);
  assert.deepEqual([code, document.error?.code, stderr], [7, "store_unavailable", ""]);
  const failed = document.error.details.checks.filter(({ ok }: Check) => !ok);
  assert.deepEqual(failed.map(({ name }: Check) => name), [failing], JSON.stringify(failed));
  assert.match(document.error.message, new RegExp(`^The check "${failing}" failed: `));
  return failed[0];
}

/** Every file of a project with its content. */
async function filesIn(dir: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(dir)) {
    const path = `${dir}/${name}`;
    if (isDirectory) found.push(...await filesIn(path));
    else found.push(`${path} ${(await Deno.readFile(path)).toBase64()}`);
  }
  return found.sort();
}

/** Every key with its content. */
async function contents(server: RedisServer): Promise<string[]> {
  await using client = await server.connect();
  const keys = (await client.command("KEYS", "*") as string[]).sort();
  const dumped = await Promise.all(
    keys.map((key) =>
      client.command("EVAL", "return redis.sha1hex(redis.call('DUMP', KEYS[1]))", 1, key)
    ),
  );
  return keys.map((key, index) => `${key} ${dumped[index]}`);
}

redisTest("store sites shows who acted on a server, and forgets one", async (dir) => {
  const { url } = await sharedRedis();
  const env = { AGENTCOORD_STORE: url, AGENTCOORD_NAMESPACE: freshNamespace() };
  const sites = async (...more: string[]) => {
    const { code, stdout, stderr } = await cli(dir, ["store", "sites", ...more], { env });
    assert.equal(code, 0, stderr);
    return stdout;
  };
  assert.equal(await sites(), "No site uses this namespace.\n");
  await cli(dir, ["lock", "acquire", "a.py", "--agent", "ada"], { env });
  const [server] = [...Deno.readDirSync(`${dir}/.agentcoord/fallback`)];
  const file = await Deno.readTextFile(`${dir}/.agentcoord/fallback/${server!.name}/site`);
  const here = /^sit_\w+/.exec(file)![0];
  assert.equal(await sites("--quiet"), `${here}\n`);
  const without = `none:${Deno.hostname()}`;
  await cli(dir, ["lock", "acquire", "b.py", "--agent", "ada", "--fallback", "never"], { env });
  assert.deepEqual((await sites("--quiet")).split("\n").sort(), ["", without, here].sort());
  assert.equal(await sites("--quiet", "--forget", without), `${here}\n`);
  assert.match(await sites(), /^SITE +LAST SEEN\n/);
  const [row, ...others] = JSON.parse(await sites("--json")).data;
  assert.deepEqual([row.id, others], [here, []]);
  assert.ok(Math.abs(row.lastSeenMs - Date.now()) < 60_000);
  assert.equal(await sites("--forget", here), "No site uses this namespace.\n");
  assert.equal(await sites(), "No site uses this namespace.\n");
});

redisTest("a Redis store is named by flag, variables or file", async (dir) => {
  const { url } = await sharedRedis();
  const namespace = freshNamespace();
  const agent = { AGENTCOORD_AGENT: "ada", AGENTCOORD_NAMESPACE: namespace };
  const took = await cli(dir, ["lock", "acquire", "a.py", "--store", url], { env: agent });
  assert.equal(took.code, 0, took.stderr);
  assert.match(took.stdout, /^Locked a\.py \(fence \d+\), lapses in 5m\n$/);
  const held = async (args: readonly string[], env: Record<string, string>) => {
    const { stdout, stderr } = await cli(dir, ["-q", "locks", ...args], { env });
    assert.deepEqual([stdout, stderr], ["a.py\n", ""]);
  };
  await held(["--store", url, "--namespace", namespace], {});
  await held([], { ...agent, AGENTCOORD_STORE: url });
  const made = await cli(dir, ["init", "--store", url, "--namespace", namespace]);
  assert.deepEqual(
    { code: made.code, stderr: made.stderr, stdout: steady(made.stdout, dir) },
    {
      code: 0,
      stderr: "",
      stdout: `The store is there already: ${url} (namespace ${namespace}).\n` +
        `Set store to "${url}" in DIR/agentcoord.json.\n` +
        `Set namespace to "${namespace}" in DIR/agentcoord.json.\n`,
    },
  );
  await held([], {});
  const { document } = await cliJson(dir, ["status"]);
  assert.deepEqual(document.data.store, { kind: "redis", location: url });
  assert.deepEqual([...Deno.readDirSync(dir)].map(({ name }) => name).sort(), [
    ".agentcoord",
    ".git",
    "agentcoord.json",
  ]);
  assert.deepEqual([...Deno.readDirSync(`${dir}/.agentcoord`)].map(({ name }) => name), [
    "fallback",
  ]);
});

serverTest(
  "init makes a namespace on Redis once, and keeps passwords out of the file",
  async (dir, server) => {
    const url = server.url.replace(`:${SECRET}@`, "");
    for (
      const secret of [
        `redis://:${SECRET}@db`,
        `redis+sentinel://db/main?sentinel_password=${SECRET}`,
      ]
    ) {
      const { code, stdout, stderr } = await cli(dir, ["init", "--store", secret]);
      assert.deepEqual([code, stdout], [2, ""]);
      assert.match(
        stderr,
        /a password does not go into a configuration file; leave it out/,
      );
      assert.doesNotMatch(stderr, new RegExp(SECRET));
    }
    assert.deepEqual([...Deno.readDirSync(dir)].map(({ name }) => name), [".git"]);
    const env = { AGENTCOORD_STORE: server.url, ...DEFAULT };
    for (const created of [true, false]) {
      const { code, document } = await cliJson(dir, ["init"], { env });
      assert.equal(code, 0);
      assert.deepEqual(document.data, {
        store: { kind: "redis", location: url.replace("//", "//***@") },
        namespace: "default",
        created,
      });
    }
    assert.deepEqual([...Deno.readDirSync(dir)].map(({ name }) => name).sort(), [
      ".agentcoord",
      ".git",
    ]);
  },
  { requirepass: SECRET },
);

serverTest(
  "doctor finds a good Redis server well and changes nothing there",
  async (dir, server, options) => {
    const names = (checks: readonly Check[]) =>
      checks.map(({ name, ok, value }) => `${name} ${ok} ${typeof value}`);
    const before = [
      "project true string",
      "store true string",
      "namespace true string",
      "fallback true string",
      "fallback_directory true string",
    ];
    const site = [
      "authority true string",
      "other_sites true number",
      "stopped_processes true string",
    ];
    const outside = [
      "server true string",
      "mode true string",
      "role true string",
      "round_trip_ms true number",
      "clock_ahead_ms true number",
      "eviction_policy true string",
      "evicted_keys true number",
      "memory_bytes true number",
      "memory_limit_bytes true string",
      "persistence true string",
      "last_save true string",
      "replicas true number",
      "clients true number",
      "blocked_clients true number",
      "permissions true string",
      "channels true string",
      "state true string",
    ];
    assert.deepEqual(names(await examined(dir, options)), [...before, ...outside]);
    assert.deepEqual(await contents(server), []);
    assert.equal(lists(dir, ".agentcoord"), false);
    assert.equal((await cli(dir, ["lock", "acquire", "a.py"], options)).code, 0);
    const stored = await contents(server);
    const files = await filesIn(dir);
    const checks = await examined(dir, options);
    assert.deepEqual(names(checks), [
      ...before,
      ...site,
      ...outside,
      "schema_version true number",
      "store_clock_ahead_ms true number",
      "restored true string",
      "oldest_event true string",
      "read_ms true number",
      "write_ms true number",
      "largest_record_bytes true number",
      "audit_chain true string",
      "mirror true string",
    ]);
    assert.deepEqual(await contents(server), stored);
    assert.deepEqual(await filesIn(dir), files);
    const value = (name: string) => find(checks, name).value;
    assert.match(String(value("server")), /^(?:redis|valkey) \d+\.\d+\.\d+$/);
    assert.deepEqual(
      [value("mode"), value("role"), value("eviction_policy"), value("memory_limit_bytes")],
      ["standalone", "primary", "noeviction", "none"],
    );
    assert.deepEqual([value("persistence"), value("permissions")], ["off", "enough"]);
    assert.match(
      find(checks, "persistence").hint ?? "",
      /a restart of the server loses everything/,
    );
    assert.ok(Math.abs(Number(value("clock_ahead_ms"))) < 1000);
  },
);

serverTest(
  "doctor notes what works on a Redis server but should be known",
  async (dir, server, options) => {
    await using client = await server.connect();
    assert.equal((await cli(dir, ["lock", "acquire", "a.py"], options)).code, 0);
    await client.command("CONFIG", "SET", "appendonly", "yes");
    await client.command("CONFIG", "SET", "maxmemory", "50mb");
    // The last change was another server's, as after a failover.
    await client.command(
      "EVAL",
      "local s = redis.call('GET', KEYS[1]) " +
        "redis.call('SET', KEYS[1], string.sub(s, 1, 48) .. string.rep('a', 40) .. string.sub(s, 89))",
      1,
      "{agentcoord:default}:state",
    );
    const checks = await examined(dir, {
      env: { ...options.env, AGENTCOORD_FALLBACK: "directory" },
    });
    assert.deepEqual(find(checks, "fallback").value, "directory");
    assert.match(find(checks, "fallback").hint ?? "", /may both be granted one path/);
    assert.deepEqual(find(checks, "persistence"), { name: "persistence", ok: true, value: "aof" });
    assert.equal(find(checks, "memory_limit_bytes").value, 50 * 1024 * 1024);
    assert.equal(find(checks, "write_ms").value, "not tried");
    assert.match(find(checks, "write_ms").hint ?? "", /restarted, or another took over/);
    assert.match(String(find(checks, "oldest_event").value), /^\d+(?:ms|s) ago$/);
    assert.equal(find(checks, "restored").value, "never");
    assert.deepEqual(find(checks, "evicted_keys"), { name: "evicted_keys", ok: true, value: 0 });
    // Only what has a time to live is thrown away here, so the store's keys stay.
    await client.command("SET", "somebody", "x", "EX", 1000);
    await client.command("CONFIG", "SET", "maxmemory-policy", "volatile-ttl");
    await client.command("CONFIG", "SET", "maxmemory", 100_000);
    await client.command("SET", "other", "x").catch(() => undefined);
    await client.command("CONFIG", "SET", "maxmemory-policy", "noeviction");
    await client.command("CONFIG", "SET", "maxmemory", 0);
    const { value, hint } = find(await examined(dir, options), "evicted_keys");
    assert.equal(value, 1);
    assert.match(hint ?? "", /thrown so many keys away.* set maxmemory-policy to noeviction/);
  },
);

serverTest(
  "doctor refuses a Redis server that cannot be trusted with state",
  async (dir, server, options) => {
    await using client = await server.connect();
    const set = async (name: string, value: string | number) =>
      void await client.command("CONFIG", "SET", name, value);

    await set("maxmemory-policy", "allkeys-lru");
    const evicting = await refused(dir, "eviction_policy", options);
    assert.deepEqual([
      evicting.value,
      evicting.hint?.includes("set maxmemory-policy to noeviction"),
    ], [
      "allkeys-lru",
      true,
    ]);
    await set("maxmemory-policy", "noeviction");

    await set("maxmemory", 100_000);
    assert.match((await refused(dir, "memory_limit_bytes", options)).hint ?? "", /raise maxmemory/);
    await set("maxmemory", 0);

    await set("min-replicas-to-write", 1);
    assert.match((await refused(dir, "replicas", options)).hint ?? "", /wants 1 .* and has 0/);
    await set("min-replicas-to-write", 0);

    await client.command("REPLICAOF", "127.0.0.1", 1);
    await set("replica-serve-stale-data", "yes");
    assert.match((await refused(dir, "role", options)).hint ?? "", /use its primary's address/);
    await client.command("REPLICAOF", "NO", "ONE");

    const SET_VERSION = "redis.call('SET', KEYS[1], struct.pack('>d', ARGV[1]) .. ARGV[2])";
    const setVersion = (version: number) =>
      client.command("EVAL", SET_VERSION, 1, "{agentcoord:default}:state", version, "x".repeat(99));
    await setVersion(0);
    assert.match(
      (await refused(dir, "schema_version", options)).hint ?? "",
      /did not write it; use another namespace or database/,
    );
    const stranger = await cli(dir, ["lock", "list"], options);
    assert.equal(stranger.code, 7);
    assert.match(
      stranger.stderr,
      /holds in \{agentcoord:\S+:state was not written by agentcoord; .* use another namespace/,
    );
    await setVersion(99);
    assert.match(
      (await refused(dir, "schema_version", options)).hint ?? "",
      /a newer program wrote it; upgrade agentcoord/,
    );
    const newer = await cli(dir, ["lock", "list"], options);
    assert.equal(newer.code, 7);
    assert.match(newer.stderr, /has schema version 99, this program knows \d+; upgrade agentcoord/);
    await client.command("DEL", "{agentcoord:default}:state");
    await client.command("RPUSH", "{agentcoord:default}:state", "x");
    const foreign = await refused(dir, "server", options);
    assert.match(String(foreign.value), /other data lies under this namespace's keys/);
  },
);

serverTest("doctor tells what a Redis user may not do", async (dir, server, options) => {
  await using client = await server.connect();
  assert.equal((await cli(dir, ["lock", "acquire", "a.py"], options)).code, 0);
  const as = async (...rules: string[]) => {
    await client.command("ACL", "SETUSER", "low", "reset", "on", `>${SECRET}`, ...rules);
    const url = server.url.replace("//", `//low:${SECRET}@`);
    return { env: { AGENTCOORD_STORE: url, ...DEFAULT } };
  };
  const KEYS = ["~{agentcoord:*", "&{agentcoord:*"];
  const without = await refused(
    dir,
    "permissions",
    await as(...KEYS, "+@all", "-hset", "-evalsha"),
  );
  assert.equal(without.value, "the user may not run EVALSHA, HSET");
  assert.match(without.hint ?? "", /ACL SETUSER NAME \+evalsha \+hset$/);
  const deaf = await refused(dir, "channels", await as("~{agentcoord:*", "resetchannels", "+@all"));
  assert.match(String(deaf.value), /may not use the channels/);
  const blind = await refused(dir, "server", await as("~other:*", "allchannels", "+@all"));
  assert.match(String(blind.value), /may not use the keys/);
  const checks = await examined(dir, await as(...KEYS, "+@all", "-info", "-config"));
  assert.match(find(checks, "server").hint ?? "", /may not run INFO/);
  assert.equal(find(checks, "eviction_policy").value, "unknown");
});

serverTest("the rules for a Redis user in the README are enough", async (dir, server) => {
  const readme = Deno.readTextFileSync(fileURLToPath(new URL("../../README.md", import.meta.url)));
  const rules = /^ACL SETUSER agents (.*)$/m.exec(readme)?.[1]?.replace("PASSWORD", SECRET) ?? "";
  await server.command("ACL", "SETUSER", "agents", ...rules.split(" "));
  const env = { AGENTCOORD_STORE: server.url.replace("//", `//agents:${SECRET}@`), ...DEFAULT };
  const { code, document } = await cliJson(dir, ["init"], { env });
  assert.equal(code, 0, JSON.stringify(document));
  const checked = await cliJson(dir, ["doctor", "--selftest"], { env });
  assert.equal(checked.code, 0, JSON.stringify(checked.document));
  assert.equal(find(checked.document.data.checks, "permissions").value, "enough");
});

Deno.test("doctor tries every command that the scripts run", async () => {
  const { readTree } = await import("../../scripts/checks/layers.ts");
  const tree = await readTree(fileURLToPath(new URL("../..", import.meta.url)));
  const inspecting = "src/engine/redis/inspect.lua";
  const commands = (pattern: RegExp, isMeant: (path: string) => boolean) => {
    const texts = [...tree].filter(([path]) => /^src\/.*\.lua$/.test(path) && isMeant(path));
    const found = texts.flatMap(([, text]) => [...text.matchAll(pattern)].map(([, name]) => name));
    return [...new Set(found)].sort();
  };
  assert.deepEqual(
    commands(/\btry\('(\w+)'/g, (path) => path === inspecting),
    commands(/\bp?call\('(\w+)'/g, (path) => path !== inspecting),
  );
});

/** Checks that commands and doctor fail with this sentence and code 7, and never tell the secret. */
async function unusable(dir: string, url: string, says: RegExp): Promise<void> {
  const options = { env: { AGENTCOORD_STORE: url, AGENTCOORD_AGENT: "ada", ...DEFAULT } };
  const server = await refused(dir, "server", options);
  assert.match(String(server.value), says);
  const json = await cliJson(dir, ["lock", "acquire", "a.py"], options);
  assert.deepEqual([json.code, json.stderr, json.document.error.code], [
    7,
    "",
    "store_unavailable",
  ]);
  assert.match(json.document.error.message, says);
  const results = [
    JSON.stringify([server, json]),
    ...await Promise.all([["status"], ["doctor"], ["locks"], ["config"]].map(async (args) => {
      const { code, stdout, stderr } = await cli(dir, args, options);
      assert.equal(code, args[0] === "config" ? 0 : 7);
      return stdout + stderr;
    })),
  ];
  for (const text of results) assert.doesNotMatch(text, new RegExp(SECRET));
}

serverTest(
  "a Redis server that refuses the password is a failure with 7, without it",
  async (dir, server) => {
    const { port } = server;
    await unusable(dir, `redis://:${SECRET}@127.0.0.1:${port}`, /refused the user or the password/);
    await unusable(
      dir,
      `redis://127.0.0.1:${port}`,
      /wants a password; store it with agentcoord login/,
    );
  },
  { requirepass: "another" },
);

redisTest("a Redis server that is not there is a failure with 7", async (dir) => {
  await unusable(
    dir,
    `redis://:${SECRET}@127.0.0.1:${freePort()}`,
    /nothing listens at 127\.0\.0\.1/,
  );
});

serverTest(
  "a frozen Redis server is a failure with 7 within its time limit",
  async (dir, server) => {
    server.freeze();
    const url = `${server.url}?command_timeout=300ms`.replace("//", `//:${SECRET}@`);
    const call = cli(dir, ["locks"], { env: { AGENTCOORD_STORE: url, ...DEFAULT } });
    const { code, stderr } = await ends("the call", call);
    assert.equal(code, 7);
    assert.match(stderr, /has not answered for 300ms; the server may be frozen/);
    await unusable(dir, url, /has not answered for 300ms/);
    server.resume();
  },
);

/** Command lines of all processes, as anybody on the host can see them. */
function commandLines(): string {
  return [...Deno.readDirSync("/proc")].filter(({ name }) => /^\d+$/.test(name)).map(({ name }) => {
    try {
      return Deno.readTextFileSync(`/proc/${name}/cmdline`);
    } catch {
      return "";
    }
  }).join("\n");
}

serverTest(
  "the self-test fights on the Redis server and leaves nothing behind",
  async (dir, server, options) => {
    assert.equal((await cli(dir, ["lock", "acquire", "a.py"], options)).code, 0);
    const before = await contents(server);
    const child = start(dir, ["--json", "doctor", "--selftest"], { env: options.env ?? {} });
    const output = child.output();
    let workersSeen = false;
    for (let ended = false; !ended && !workersSeen;) {
      output.then(() => ended = true);
      await sleep(20);
      if (Deno.build.os !== "linux") break;
      const lines = commandLines();
      workersSeen = lines.includes("doctor-worker");
      assert.ok(!lines.includes(SECRET), "a process shows the password");
    }
    const { code, stdout, stderr } = await output;
    assert.deepEqual([code, new TextDecoder().decode(stderr)], [0, ""]);
    const document = JSON.parse(new TextDecoder().decode(stdout));
    const checks: Check[] = document.data.checks;
    assert.deepEqual(checks.slice(-5).map(({ name, ok }) => `${name} ${ok}`), [
      "lock_exclusion true",
      "locks_per_s true",
      "task_exclusion true",
      "tasks_per_s true",
      "wake_ms true",
    ]);
    assert.equal(find(checks, "task_exclusion").value, "200 tasks, 200 completed, 0 twice");
    assert.deepEqual(await contents(server), before);
    assert.deepEqual(standingIn(dir), ["default"]);
  },
  { requirepass: SECRET },
);

/** The namespaces for which the project's directory may stand in. */
function standingIn(dir: string): string[] {
  const fallback = `${dir}/.agentcoord/fallback`;
  return [...Deno.readDirSync(fallback)].flatMap(({ name }) =>
    [...Deno.readDirSync(`${fallback}/${name}/namespaces`)].map((entry) => entry.name)
  );
}

serverTest(
  "the self-test on a Redis server cleans up when it is interrupted",
  async (dir, server, options) => {
    const child = start(dir, ["doctor", "--selftest"], { env: options.env ?? {} });
    const underWay = async () => (await contents(server)).length >= 5 || undefined;
    await eventually("the self-test", underWay);
    child.kill("SIGINT");
    const { code, stdout } = await child.output();
    assert.deepEqual([code, stdout.length], [130, 0]);
    assert.deepEqual(await contents(server), []);
    assert.deepEqual(standingIn(dir), []);
  },
);

serverTest(
  "a wrapped command finds a Redis store in its environment, not in its arguments",
  async (dir, _, options) => {
    const script = 'tr "\\0" " " </proc/self/cmdline; echo; echo "$AGENTCOORD_STORE"';
    const { code, stdout, stderr } = await cli(dir, [
      "lock",
      "run",
      "a.py",
      "--",
      "sh",
      "-c",
      script,
    ], options);
    assert.deepEqual([code, stderr], [0, ""]);
    const [line = "", store] = stdout.split("\n");
    assert.ok(!line.includes(SECRET));
    assert.equal(store, options.env?.AGENTCOORD_STORE);
    const { stdout: status } = await cli(dir, ["status"], options);
    assert.match(status, /^store +redis redis:\/\/\*\*\*@127\.0\.0\.1:\d+$/m);
  },
  { requirepass: SECRET },
);

Deno.test("config says what holds for a Redis store", () =>
  withProject(async (dir) => {
    const env = { AGENTCOORD_STORE: "redis://db", AGENTCOORD_FALLBACK: "directory", ...DEFAULT };
    const { code, document } = await cliJson(dir, ["config"], { env });
    assert.equal(code, 0);
    assert.deepEqual(document.data.settings.slice(3, 5), [
      { name: "fallback", value: "directory", source: "AGENTCOORD_FALLBACK", overrides: [] },
      { name: "durability", value: null, source: "default", overrides: [] },
    ]);
    assert.deepEqual(document.warnings, []);
  }));

Deno.test("a call that works on a directory loads nothing of Redis", async () => {
  const file = (path: string) => new URL(`../../${path}`, import.meta.url).href;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "--config", fileURLToPath(file("deno.json")), file("main.ts")],
  }).output();
  const { modules } = JSON.parse(new TextDecoder().decode(stdout));
  const loaded = new Set<string>();
  const load = (specifier: string): void => {
    if (loaded.has(specifier)) return;
    loaded.add(specifier);
    const module = modules.find((module: { specifier: string }) => module.specifier === specifier);
    for (const { code, isDynamic } of module?.dependencies ?? []) {
      if (code?.specifier !== undefined && !isDynamic) load(code.specifier);
    }
  };
  for (const path of ["main.ts", "commands/status.ts", "commands/init.ts", "commands/doctor.ts"]) {
    load(file(path));
  }
  load(file("src/open/directory.ts"));
  assert.ok(loaded.size > 40);
  const redis = [...loaded].filter((specifier) => /redis|scripts?\.ts$/.test(specifier));
  // What reads a URL, and the descriptor that answers what a URL alone shows.
  assert.deepEqual(redis.sort(), [
    file("src/engine/redis/url.ts"),
    file("src/open/redis_engine.ts"),
  ]);
});

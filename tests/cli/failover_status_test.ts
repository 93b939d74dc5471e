/**
 * What people are shown while a directory stands in for a server, and after it has.
 * @module
 */
import assert from "node:assert/strict";
import { lists } from "../../src/disk.ts";
import { lockHolders } from "../../src/engine/directory/kernel_lock.ts";
import { hasRedis, type RedisServer, startRedis } from "../../dev/redis_server.ts";
import { until } from "../../dev/site.ts";
import { cli, cliJson, type CliResult, withProject } from "../support/cli.ts";

/** A project whose store is a server that can go away. */
interface Place {
  readonly dir: string;
  readonly server: RedisServer;
  readonly env: Readonly<Record<string, string>>;
  /** Runs a command line as `ada`; it has to succeed. */
  readonly run: (...args: readonly string[]) => Promise<CliResult>;
  /** The data of a command. */
  // deno-lint-ignore no-explicit-any -- a test looks into the document as its reader would
  readonly data: (...args: readonly string[]) => Promise<any>;
}

function outageTest(name: string, body: (place: Place) => Promise<void>): void {
  Deno.test({
    name,
    ignore: !hasRedis(),
    fn: () =>
      withProject(async (dir) => {
        await using server = await startRedis({
          config: { appendonly: "yes", appendfsync: "always" },
        });
        const env = {
          AGENTCOORD_STORE: `redis://127.0.0.1:${server.port}?command_timeout=1s`,
          AGENTCOORD_NAMESPACE: "default",
          AGENTCOORD_AGENT: "ada",
        };
        const run = async (...args: readonly string[]) => {
          const result = await cli(dir, args, { env });
          assert.equal(result.code, 0, result.stderr);
          return result;
        };
        const data = async (...args: readonly string[]) => {
          const { code, document } = await cliJson(dir, args, { env });
          assert.equal(code, 0, JSON.stringify(document));
          return document.data;
        };
        await body({ dir, server, env, run, data });
      }, { store: false }),
  });
}

outageTest(
  "status tells what waits and what is out of reach while the server is away",
  async (place) => {
    const { server, run, data } = place;
    for (const title of ["one", "two", "three", "four"]) await run("task", "add", title);
    await run("task", "claim");
    await run("task", "cancel", (await data("tasks"))[3].id);
    const before = await data("status");
    assert.deepEqual(
      [before.authority.store, before.authority.journal, before.authority.unreachable],
      ["redis", undefined, undefined],
    );
    assert.match((await run("status")).stdout, /^store +redis /);
    await server.kill();
    const startMs = Date.now();
    await run("task", "add", "meanwhile");
    await run("board", "post", "hello", "--message", "there");
    const { stdout } = await run("status");
    assert.match(
      stdout,
      /^The directory stands in for redis:\S+ for \S+ \(unreachable\); 3 records wait to be moved back; 2 open tasks are out of reach\. What else the server has \(threads, approvals, audit entries\) is not counted here\.\n/,
    );
    const { authority, tasks } = await data("status");
    assert.deepEqual([authority.store, authority.epoch, authority.journal], ["directory", 2, 3]);
    assert.equal(authority.reason, "unreachable");
    assert.equal(authority.unreachable.tasks, 2);
    assert.ok(authority.unreachable.countedAtMs <= startMs);
    assert.ok(authority.sinceMs >= startMs && authority.sinceMs <= Date.now());
    assert.deepEqual([tasks.pending, tasks.claimed], [1, 1]);
  },
);

outageTest(
  "store journal and failback show and move what was changed while the server was away",
  async ({ dir, server, env, run, data }) => {
    await run("lock", "acquire", "held.py", "--ttl", "10m");
    assert.deepEqual(await data("store", "journal"), {
      records: [],
      total: 0,
      counts: {},
      carried: 0,
    });
    assert.equal((await run("store", "journal")).stdout, "Nothing waits to be moved.\n");
    assert.equal(
      (await run("store", "failback", "--now")).stdout,
      "Nothing to move: the server decides already.\n",
    );
    await server.kill();
    await run("tasks");
    await run("task", "add", "meanwhile");
    await run("audit", "log", "deploy", "--context", "green", "--reason", "asked");
    const { records, ...journal } = await data("store", "journal");
    assert.deepEqual(journal, {
      total: 3,
      counts: { agent: 1, audit: 1, task: 1 },
      carried: 1,
    });
    assert.deepEqual(
      new Set(records.map(({ kind, change }: Record<string, string>) => `${kind} ${change}`)),
      new Set(["agent changed", "task changed", "audit changed"]),
    );
    const { stdout } = await run("store", "journal", "--limit", "1");
    assert.match(
      stdout,
      /^KIND +RECORD +CHANGE +SINCE\n\w+ +\S+ +changed +\S+ ago\n2 more; --limit shows them\.\nBesides, one lease is held since before\.\n$/,
    );
    assert.match(
      (await run("store", "journal", "--quiet")).stdout,
      /^(?=(?:.*\n)*ada\n)(?=(?:.*\n)*tsk_\w{26}\n)(?=(?:.*\n)*aud_\w{26}\n)(?:\S+\n){3}$/,
    );
    const early = await cliJson(dir, ["store", "failback", "--now"], { env });
    assert.deepEqual([early.code, early.document.error.code], [7, "store_unavailable"]);
    assert.equal(early.document.error.retryable, true);
    assert.match(early.document.error.message, /^Cannot move anything yet: the server at redis:/);
    await server.restart();
    assert.deepEqual(await data("store", "failback", "--now"), {
      moved: true,
      counts: { agent: 1, audit: 1, task: 1 },
      conflicts: [],
    });
    const { authority, tasks, audit, locks } = await data("status");
    assert.deepEqual([authority.store, authority.epoch], ["redis", 3]);
    assert.equal(authority.reason, "reachable again");
    assert.deepEqual([tasks.pending, audit, locks], [1, 1, 1]);
    const told = (await run("events")).stdout;
    for (const type of ["failed_over", "failed_back"]) {
      assert.equal(told.split(`store.${type}`).length, 2, told);
    }
    assert.match(told, /store\.failed_over +- +sit_\w+ \{"epoch":2,"reason":"unreachable"\}/);
    assert.match(told, /store\.failed_back +- +sit_\w+ \{"epoch":3,"reason":"reachable again",/);
  },
);

interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly value: string | number;
  readonly hint?: string;
}

/** What doctor finds, well or not. */
async function examined({ dir, env }: Place): Promise<ReadonlyMap<string, Check>> {
  const { document } = await cliJson(dir, ["doctor"], { env });
  const checks: readonly Check[] = document.data?.checks ?? document.error.details.checks;
  return new Map(checks.map((check) => [check.name, check]));
}

outageTest(
  "doctor says what is ready for an outage, and what stands in for the server",
  async (place) => {
    const { dir, server, env, run } = place;
    const site = `${dir}/.agentcoord/fallback`;
    assert.equal((await examined(place)).get("fallback_directory")?.value, "none yet");
    assert.equal(lists(dir, ".agentcoord"), false);
    await run("lock", "acquire", "a.py", "--ttl", "10m");
    const well = await examined(place);
    assert.ok(String(well.get("fallback_directory")?.value).startsWith(`${site}/`));
    assert.equal(well.get("authority")?.value, "redis, epoch 1");
    assert.deepEqual([well.get("other_sites")?.value, well.get("mirror")?.value], [
      0,
      "complete (1)",
    ]);
    assert.equal(well.get("stopped_processes")?.value, "none");
    for (const name of ["authority", "other_sites", "mirror"]) {
      assert.equal(well.get(name)?.hint, undefined);
    }

    const never = { env: { ...env, AGENTCOORD_FALLBACK: "never", AGENTCOORD_AGENT: "bob" } };
    assert.equal((await cli(dir, ["lock", "acquire", "b.py", "--ttl", "10m"], never)).code, 0);
    const doubtful = await examined(place);
    assert.equal(doubtful.get("mirror")?.value, "1 of 2 leases are missing");
    assert.match(doubtful.get("mirror")?.hint ?? "", /could grant the paths anew/);

    await server.kill();
    const directory = { env: { ...env, AGENTCOORD_FALLBACK: "directory" } };
    assert.equal((await cli(dir, ["tasks"], directory)).code, 0);
    assert.equal((await cli(dir, ["task", "add", "x"], directory)).code, 0);
    const away = await examined(place);
    assert.deepEqual([away.get("server")?.ok, away.get("authority")?.ok], [false, true]);
    assert.equal(away.get("authority")?.value, "directory, epoch 2");
    assert.match(
      away.get("authority")?.hint ?? "",
      /^the directory stands in for the server for \S+ \(unreachable\); .*store failback --now/,
    );
    assert.equal(away.get("waiting_records")?.value, 2);
    const home = well.get("fallback_directory")!.value + "/namespaces/default";
    await Deno.remove(`${home}/outage.2`, { recursive: true });
    assert.equal((await examined(place)).get("waiting_records")?.ok, false);
    await Deno.writeTextFile(`${home}/authority`, "x".repeat(9000));
    const damaged = (await examined(place)).get("authority");
    assert.equal(damaged?.ok, false);
    assert.match(String(damaged?.value), /authority, which says whether .* decides, is damaged/);
  },
);

outageTest(
  "doctor names other sites, and a process that is stopped in an operation",
  async (place) => {
    const { dir, env, run } = place;
    await run("lock", "acquire", "a.py");
    const home = `${(await examined(place)).get("fallback_directory")!.value}/namespaces/default`;
    const inside = new Deno.Command("flock", {
      args: ["-s", "-o", `${home}/authority.lock`, "sleep", "60"],
      stdout: "null",
    }).spawn();
    try {
      await until(
        "the lock is held",
        () => lockHolders(Deno.statSync(`${home}/authority.lock`).ino!).includes(inside.pid),
      );
      assert.equal((await examined(place)).get("stopped_processes")?.value, "none");
      inside.kill("SIGSTOP");
      const { value, hint = "", ok } = (await examined(place)).get("stopped_processes")!;
      assert.deepEqual([value, ok], [`${inside.pid} (flock)`, true]);
      assert.ok(hint.includes(`kill -CONT ${inside.pid}`), hint);
    } finally {
      inside.kill("SIGKILL");
      await inside.status;
    }
    const never = { env: { ...env, AGENTCOORD_FALLBACK: "never", AGENTCOORD_AGENT: "bob" } };
    await cli(dir, ["lock", "acquire", "b.py"], never);
    await run("store", "sites");
    const found = await examined(place);
    assert.equal(found.get("other_sites")?.value, 1);
    assert.match(
      found.get("other_sites")?.hint ?? "",
      /^site none:\S+ used the server \S+ ago: the directory does not take over$/,
    );
    assert.equal(found.get("mirror"), undefined);
  },
);

outageTest("doctor says why no directory could stand in for the server", async (place) => {
  const { dir, env } = place;
  await Deno.mkdir(`${dir}/.agentcoord`);
  await Deno.symlink("/tmp", `${dir}/.agentcoord/fallback`);
  const { ok, value, hint = "" } = (await examined(place)).get("fallback_directory")!;
  assert.deepEqual([ok, value], [true, "cannot be used"]);
  assert.match(hint, /^no directory can stand in for the server: .*fallback/);
  const directory = { ...place, env: { ...env, AGENTCOORD_FALLBACK: "directory" } };
  assert.equal((await examined(directory)).get("fallback_directory")?.ok, false);
  const never = { ...place, env: { ...env, AGENTCOORD_FALLBACK: "never" } };
  assert.equal((await examined(never)).get("fallback_directory"), undefined);
});

/** What only the server had is lost; the events and doctor say so, once. */
async function assertTold({ place, warned }: { readonly place: Place; readonly warned: string }) {
  const { run } = place;
  assert.match(warned, /tasks, threads, approvals, audit entries and events that only it had are/);
  const told = (await run("events", "--type", "store.restored")).stdout;
  assert.equal(told.split("store.restored").length, 2, told);
  assert.match(told, /\{"cause":"emptied"\}/);
  const restored = (await examined(place)).get("restored");
  assert.match(String(restored?.value), /ago$/);
  assert.match(restored?.hint ?? "", /had lost everything/);
}

outageTest("a server that is emptied while it runs is told by events and doctor", async (place) => {
  const { run, server, data } = place;
  await run("lock", "acquire", "a.py", "--ttl", "10m");
  await run("task", "add", "lost");
  await server.command("FLUSHALL");
  // What only reads may be the first to notice.
  const warned = (await run("locks")).stderr;
  await run("lock", "acquire", "b.py");
  assert.deepEqual((await data("locks")).length, 2);
  await assertTold({ place, warned });
});

outageTest("a server that comes back empty is told by events and doctor", async (place) => {
  const { run, server } = place;
  await run("lock", "acquire", "a.py", "--ttl", "10m");
  await run("task", "add", "lost");
  await server.kill();
  await run("task", "add", "kept");
  await server.restart();
  await server.command("FLUSHALL");
  const warned = (await run("store", "failback", "--now")).stderr;
  await run("lock", "acquire", "b.py");
  await assertTold({ place, warned });
});

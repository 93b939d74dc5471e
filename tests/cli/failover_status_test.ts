/**
 * What people are shown while a directory stands in for a server, and after it has.
 * @module
 */
import assert from "node:assert/strict";
import { hasRedis, type RedisServer, startRedis } from "../../dev/redis_server.ts";
import { cli, cliJson, type CliResult, withProject } from "../support/cli.ts";

/** A project whose store is a server that can go away. */
interface Place {
  readonly dir: string;
  readonly server: RedisServer;
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
        await body({ dir, server, run, data });
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
      /^The directory stands in for redis:\S+ since \S+ \(unreachable\); 3 records wait to be moved back; 2 open tasks are out of reach\.\n/,
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

/**
 * The command line on a server for which the project's directory stands in.
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { cli, withProject } from "../support/cli.ts";
import { freshNamespace, hasRedis, sharedRedis, startRedis } from "../../dev/redis_server.ts";

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

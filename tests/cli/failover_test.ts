/**
 * The command line on a server for which the project's directory stands in.
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { cli, withProject } from "../support/cli.ts";
import { freshNamespace, hasRedis, sharedRedis } from "../../dev/redis_server.ts";

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

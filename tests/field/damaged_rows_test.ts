/**
 * Rows that no step writes, and paths that no store can have: one exit code, the path, and the way out.
 * @module
 */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { StoreUnavailableError } from "../../src/errors.ts";
import { storeFailure } from "../../src/engine/directory/failure.ts";
import { cli, withProject } from "../support/cli.ts";

const HOME = ".agentcoord/namespaces/default";
const AGENT = ["--agent", "ada"];

/** What is broken, how, and the commands that meet it. */
const DAMAGES: readonly (readonly [sql: string, says: RegExp, commands: readonly string[][]])[] = [
  ["UPDATE tasks SET spec = '{'", /task tsk_\w{26} holds text that is not JSON/, [
    ["task", "list"],
    ["task", "claim", ...AGENT],
  ]],
  ["UPDATE tasks SET spec = 'null'", /task tsk_\w{26} holds something else/, [["task", "list"]]],
  ["UPDATE events SET data = '['", /event \d+ holds text that is not JSON/, [["events"]]],
  ["UPDATE agents SET tags = '7'", /agent agt_\w{26} holds something else/, [["agent", "list"]]],
  ["UPDATE threads SET tags = 'x'", /thread thr_\w{26} holds text that is/, [["board", "list"]]],
  ["UPDATE approvals SET approvers = '{}'", /approval apr_\w{26} holds something else/, [
    ["approval", "list"],
  ]],
  ["UPDATE approvals SET expires_at_ms = 9223372036854775807", /too large/, [
    ["approval", "list"],
  ]],
  ["UPDATE state SET counts = '{'", /counters that are not JSON/, [["status"], ["doctor"]]],
  ['UPDATE state SET counts = \'{"tasks":"x"}\'', /counters that are no numbers/, [["status"]]],
  ["UPDATE state SET now_ms = -1", /no number for now_ms/, [["status"], ["task", "list"]]],
  ["DELETE FROM state", /state row is missing/, [["status"], ["doctor"]]],
];

Deno.test("rows that no step writes are damage, by their identifiers", async () => {
  await withProject(async (dir) => {
    for (
      const args of [
        ["task", "add", "t", ...AGENT],
        ["board", "post", "t", "--message", "m", ...AGENT],
        ["approval", "request", "deploy", "--description", "d", "--approvers", "lead", ...AGENT],
      ]
    ) {
      const { code, stderr } = await cli(dir, args);
      assert.equal(code, 0, stderr);
    }
    const path = `${dir}/${HOME}/store.db`;
    const checkpointed = new DatabaseSync(path);
    checkpointed.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    checkpointed.close();
    const good = await Deno.readFile(path);
    for (const [sql, says, commands] of DAMAGES) {
      await Deno.writeFile(path, good);
      await Deno.remove(`${path}-wal`).catch(() => {});
      const db = new DatabaseSync(path);
      db.exec(sql);
      db.close();
      for (const args of commands) {
        const { code, stdout, stderr } = await cli(dir, args);
        assert.equal(code, 7, `${sql}; ${args}: ${stderr}`);
        assert.match(stdout + stderr, says, `${args}`);
        assert.ok((stdout + stderr).includes(`${HOME}/store.db is damaged`), stderr);
      }
    }
  });
});

Deno.test("paths that no store can have are refused with the path", async () => {
  await withProject(async (dir) => {
    await Deno.symlink(`${dir}/loop`, `${dir}/loop`);
    for (const path of ["/proc/nope", `${dir}/${"n".repeat(300)}`, `${dir}/loop`]) {
      const lock = ["--store", path, "lock", "acquire", "a", ...AGENT];
      const { code, stderr } = await cli(dir, lock);
      assert.equal(code, 7, stderr);
      assert.ok(stderr.includes(path), stderr);
      const run = ["--store", path, "lock", "run", "a", ...AGENT, "--", "true"];
      assert.equal((await cli(dir, run)).code, 125);
    }
  });
});

Deno.test("each failure of the system on a store's path names the path", () => {
  for (let errno = 1; errno < 134; errno++) {
    const error = storeFailure(new Error(`Something (os error ${errno})`), "/s/store.db");
    assert.ok(error instanceof StoreUnavailableError, `${errno}`);
    assert.ok(error.message.includes("/s/store.db"), error.message);
  }
});

/**
 * Rows that no operation writes, and paths that no store can have: one exit code, the path, and the way out.
 * @module
 */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { StoreUnavailableError } from "../../src/errors.ts";
import { storeFailure } from "../../src/engine/directory/failure.ts";
import { hasRedis, startRedis } from "../../dev/redis_server.ts";
import { CoordinationClient } from "../../mod.ts";
import { RedisConnection } from "../../src/engine/redis/connection.ts";
import { explainFailure } from "../../src/open/redis_damage.ts";
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
  ["UPDATE approvals SET status = 'maybe'", /approval apr_\w{26} has the status maybe/, [
    ["approval", "list"],
  ]],
  ["UPDATE state SET counts = '{'", /counters that are not JSON/, [["status"], ["doctor"]]],
  ['UPDATE state SET counts = \'{"tasks":"x"}\'', /counters that are no numbers/, [["status"]]],
  ["UPDATE state SET now_ms = -1", /no number for now_ms/, [["status"], ["task", "list"]]],
  ["DELETE FROM state", /state row is missing/, [["status"], ["doctor"]]],
];

Deno.test("rows that no operation writes are damage, by their identifiers", async () => {
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

/** A hash, what is made of each of its records, and the commands that meet it. */
const RECORDS: readonly (readonly [
  key: string,
  (record: string) => string,
  commands: readonly string[][],
])[] = [
  ["tasks", () => "junk", [["task", "list"], ["task", "claim", ...AGENT]]],
  ["tasks", () => "{", [["task", "list"]]],
  ["tasks", () => "", [["task", "list"]]],
  ["locks", () => "junk", [["locks"], ["lock", "acquire", "a", ...AGENT]]],
  ["locks", () => '[{"holder":"ada"}]', [["locks"], ["lock", "release", "a", ...AGENT]]],
  ["agents", () => "junk", [["agents"], ["agent", "heartbeat", ...AGENT]]],
  ["agents", (record) => record.replace('"tags":"[]"', '"tags":"7x"'), [["agents"]]],
  ["approvals", () => "junk", [["approvals"]]],
  ["approvals", (record) => record.replace("pending", "maybe"), [["approvals"]]],
  ["threads", () => "junk", [["board", "list"]]],
  ["messages", () => "junk", [["board", "list"]]],
];

Deno.test({
  name: "records on a server that no script writes are damage, by their identifiers",
  ignore: !hasRedis(),
  async fn() {
    await using server = await startRedis();
    await withProject(async (dir) => {
      const env = { AGENTCOORD_STORE: server.url, AGENTCOORD_NAMESPACE: "damaged" };
      for (
        const args of [
          ["task", "add", "t", ...AGENT],
          ["lock", "acquire", "a", ...AGENT],
          ["board", "post", "t", "--message", "m", ...AGENT],
          ["approval", "request", "deploy", "--description", "d", "--approvers", "lead", ...AGENT],
        ]
      ) {
        const { code, stderr } = await cli(dir, args, { env });
        assert.equal(code, 0, stderr);
      }
      for (const [name, damage, commands] of RECORDS) {
        const key = `{agentcoord:damaged}:${name}`;
        const [field, good] = await server.command("HGETALL", key) as string[];
        await server.command("HSET", key, field!, damage(good!));
        for (const args of commands) {
          const { code, stderr } = await cli(dir, args, { env });
          assert.equal(code, 7, `${name} ${damage(good!)}; ${args}: ${stderr}`);
          assert.ok(stderr.includes(`${field} in ${key}`), stderr);
          assert.match(stderr, /is damaged \(it .*\); put it right or restore the server/);
        }
        await server.command("HSET", key, field!, good!);
      }
      const { code, stderr } = await cli(dir, ["task", "list"], { env });
      assert.equal(code, 0, stderr);
    });
  },
});

Deno.test({
  name: "failure on a server whose records are whole stays what it is",
  ignore: !hasRedis(),
  async fn() {
    await using server = await startRedis();
    const namespace = "whole";
    await using client = await CoordinationClient.open({ store: server.url, namespace });
    await using ada = await client.session("ada", { tags: ["db"], onClose: "leave" });
    await using bob = await client.session("bob", { heartbeat: false });
    const [first] = await ada.tasks.create([
      { title: "one", tags: ["x"], key: "k", payload: { a: 1 } },
      { title: "two" },
      { title: "three", notBeforeMs: Date.now() + 60_000 },
    ]);
    await ada.tasks.create([{ title: "four", dependsOn: [first!.id] }]);
    const held = await ada.tasks.claim({ count: 2 });
    await ada.tasks.complete(held[0]!.id, { result: ["done"] });
    await ada.tasks.fail(held[1]!.id, { error: "no", retry: false });
    await ada.locks.acquire(["a", "b"], { mode: "shared", intent: 'with "quotes"' });
    await bob.locks.acquire("b", { mode: "shared" });
    const thread = await ada.board.post({ title: "t", message: "@bob", tags: ["q"] });
    await bob.board.reply(thread.id, { message: "m", status: "waiting" });
    await ada.board.post({ title: "u", message: "x" });
    const { id } = await ada.approvals.request({ actionType: "d", description: "d", digest: "x" });
    await ada.approvals.request({
      actionType: "d",
      description: "d",
      approvers: ["bob"],
      key: "z",
    });
    await bob.approvals.approve(id, { comment: "fine" });
    await ada.approvals.use(id, { digest: "x" });
    const connection = await RedisConnection.open(server.url);
    const error = new Error("a mistake in a script");
    assert.equal(await explainFailure(error, connection, `{agentcoord:${namespace}}:`), error);
    await connection.close();
  },
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

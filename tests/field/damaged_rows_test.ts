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

/** A hash whose records are gone while an index names them, and the commands that meet it. */
const MISSING: readonly (readonly [key: string, commands: readonly string[][]])[] = [
  ["tasks", [["task", "list"], ["task", "claim", ...AGENT]]],
  ["agents", [["agent", "heartbeat", ...AGENT]]],
  ["approvals", [["approvals"]]],
  ["messages", [["board", "list"]]],
];

Deno.test({
  name: "records and entries on a server that are missing or odd are damage, never a defect",
  ignore: !hasRedis(),
  async fn() {
    await using server = await startRedis();
    await withProject(async (dir) => {
      const env = { AGENTCOORD_STORE: server.url, AGENTCOORD_NAMESPACE: "damaged" };
      const prefix = "{agentcoord:damaged}:";
      for (
        const args of [
          ["task", "add", "t", ...AGENT],
          ["board", "post", "t", "--message", "m", ...AGENT],
          ["approval", "request", "deploy", "--description", "d", "--approvers", "lead", ...AGENT],
          ["audit", "log", "choice", "--context", "c", "--reason", "r", ...AGENT],
        ]
      ) {
        const { code, stderr } = await cli(dir, args, { env });
        assert.equal(code, 0, stderr);
      }
      for (const [name, commands] of MISSING) {
        const key = prefix + name;
        const [field] = await server.command("HKEYS", key) as string[];
        await server.command("RENAME", key, `${prefix}kept`);
        for (const args of commands) {
          const { code, stderr } = await cli(dir, args, { env });
          assert.equal(code, 7, `${name}; ${args}: ${stderr}`);
          assert.ok(stderr.includes(`${field} in ${key}`), stderr);
          assert.match(stderr, /is damaged \(it is missing, and \S+ names it\)/);
        }
        await server.command("RENAME", `${prefix}kept`, key);
      }

      for (const junk of ["", "j", "junk and more than eight bytes", "z".repeat(300)]) {
        await server.command("RENAME", `${prefix}state`, `${prefix}kept`);
        await server.command("SET", `${prefix}state`, junk);
        for (const args of [["status"], ["task", "list"], ["task", "add", "x", ...AGENT]]) {
          const { code, stderr } = await cli(dir, args, { env });
          assert.equal(code, 7, stderr);
          assert.ok(stderr.includes(`in ${prefix}state was not written by agentcoord`), stderr);
          assert.match(stderr, /restore the server from a backup, or use another namespace/);
        }
        await server.command("RENAME", `${prefix}kept`, `${prefix}state`);
      }

      // What was added to the log from outside is shown, and verifying finds it.
      await server.command("XADD", `${prefix}audit`, "2-0", "junk", "x");
      for (const [args, exit] of [[["audit", "list"], 0], [["audit", "verify"], 3]] as const) {
        const { code, stdout, stderr } = await cli(dir, args, { env });
        assert.equal(code, exit, stderr);
        assert.match(stdout + stderr, /2-0/);
      }

      const id = "99999999999999-99999999999";
      await server.command("XADD", `${prefix}events`, id, "task.created", "ada\0{\0t");
      const { code, stderr } = await cli(dir, ["events"], { env });
      assert.equal(code, 7, stderr);
      assert.ok(stderr.includes(`event ${id} in ${prefix}events`), stderr);
      await server.command("XDEL", `${prefix}events`, id);
      const later = "99999999999999-999999999999";
      await server.command("XADD", `${prefix}events`, later, "task.created", "ada\0\0t");
      const added = await cli(dir, ["task", "add", "u", ...AGENT], { env });
      assert.equal(added.code, 7, added.stderr);
      assert.match(added.stderr, new RegExp(`event ${later} in .* is later than any`));
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

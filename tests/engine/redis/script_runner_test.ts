/**
 * The part that every script shares: the clock, the counters, and what is refused.
 * @module
 */
import assert from "node:assert/strict";
import { StoreUnavailableError } from "../../../src/errors.ts";
import { RedisConnection } from "../../../src/engine/redis/connection.ts";
import { Script } from "../../../src/engine/redis/script.ts";
import { ScriptRunner } from "../../../src/engine/redis/script_runner.ts";
import { freshNamespace, hasRedis, sharedRedis } from "../../../dev/redis_server.ts";

const ADA = { name: "ada", host: "test-host", pid: 7 };
const NOW = new Script("test/now", [], "return finish(int(now))");
const EMIT = new Script(
  "test/emit",
  [],
  "for i = 1, tonumber(ARGV[5]) do emit('task.created', 'tsk_' .. i, ACTOR) end return finish(int(last_event))",
);
const FENCE = new Script(
  "test/fence",
  [],
  "last_fence, dirty = last_fence + 1, true return finish(int(last_fence))",
);

/** Fences begin high; these tests count from 1. */
const ZERO = new Script("test/zero", [], "last_fence, dirty = 0, true return finish('')");

interface Bench {
  readonly runner: (nowMs?: () => number) => ScriptRunner;
  readonly connection: RedisConnection;
}

function scriptTest(name: string, body: (bench: Bench) => Promise<void>): void {
  Deno.test({ name, ignore: !hasRedis() }, async () => {
    const connection = await RedisConnection.open((await sharedRedis()).url);
    const namespace = freshNamespace();
    try {
      await body({
        connection,
        runner: (nowMs) => new ScriptRunner(connection, { namespace, nowMs }),
      });
    } finally {
      await connection.close();
    }
  });
}

scriptTest(
  "script clock never steps backwards and never stands still, whoever asks",
  async ({ runner }) => {
    const at = (nowMs: number) => runner(() => nowMs).write(NOW, ADA);
    assert.equal(await at(1_000_000), "1000000");
    assert.equal(await at(999_000), "1000000");
    // What passes after a step back is counted from there.
    assert.equal(await at(999_010), "1000010");
    assert.equal(await at(999_010), "1000010");
    assert.equal(await at(1_000_010), "1001010");
  },
);

scriptTest("script keeps numbers of more than 14 digits exact", async ({ runner, connection }) => {
  const scripts = runner();
  assert.match(await scripts.write(FENCE, undefined) as string, /^\d{13,}$/);
  const raise = new Script(
    "test/raise",
    [],
    "last_fence, dirty = 9007199254740000, true return finish('')",
  );
  await scripts.write(raise, undefined);
  assert.equal(await scripts.write(FENCE, undefined), "9007199254740001");
  assert.equal(connection.clustered, false);
});

scriptTest(
  "script that fails again and again leaves the process time to hear that the server is back",
  async ({ runner, connection }) => {
    const client = connection.client as { evalsha: typeof connection.client.evalsha };
    const evalsha = client.evalsha.bind(client);
    let isBack = false;
    const timer = setTimeout(() => isBack = true, 0);
    client.evalsha = (...args) =>
      isBack ? evalsha(...args) : Promise.reject(new Error("Connection is closed."));
    try {
      assert.equal(await runner(() => 1_000_000).write(NOW, ADA), "1000000");
    } finally {
      clearTimeout(timer);
      client.evalsha = evalsha;
    }
  },
);

scriptTest(
  "script refuses data of another version and changes nothing",
  async ({ runner, connection }) => {
    const scripts = runner();
    await scripts.write(FENCE, undefined);
    const key = `${scripts.prefix}state`;
    const newer = new Script(
      "test/newer",
      [],
      "call('SET', STATE, struct.pack(STATE_FORMAT, 99, run, history, now, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)) return ''",
    );
    await scripts.write(newer, undefined);
    const before = await connection.send("GET", [key]);
    await assert.rejects(scripts.write(FENCE, ADA), (error) => {
      assert.ok(error instanceof StoreUnavailableError);
      assert.match(
        error.message,
        /has schema version 99, this program knows 2; upgrade agentcoord$/,
      );
      assert.equal(error.details.reason, "schema");
      assert.equal(error.retryable, false);
      return true;
    });
    assert.equal(await connection.send("GET", [key]), before);
  },
);

scriptTest(
  "script events of one operation share entries, eight to each",
  async ({ runner, connection }) => {
    const scripts = runner(() => 1_700_000_000_000);
    await scripts.write(NOW, ADA);
    assert.equal(await scripts.write(EMIT, ADA, 20), "21");
    const entries = await connection.send("XRANGE", [`${scripts.prefix}events`, "-", "+"]) as [
      string,
      string[],
    ][];
    assert.deepEqual(
      entries.map(([id, fields]) => [
        id,
        fields.filter((field) => field === "task.created").length,
      ]),
      [
        ["1700000000000-1", 0],
        ["1700000000000-9", 8],
        ["1700000000000-17", 8],
        ["1700000000000-21", 4],
      ],
    );
  },
);

scriptTest(
  "script is sent again by its text when the server has lost it",
  async ({ runner, connection }) => {
    const scripts = runner();
    await scripts.write(ZERO, undefined);
    const once = new Script(
      "test/once",
      [],
      `last_fence, dirty = last_fence + 1, true return finish(int(last_fence)) -- ${freshNamespace()}`,
    );
    assert.equal(await scripts.write(once, ADA), "1");
    await connection.send("SCRIPT", ["FLUSH"]);
    assert.equal(await scripts.write(once, ADA), "2");
  },
);

scriptTest("script with a mistake is a bug of ours that names it", async ({ runner }) => {
  const broken = new Script("test/broken", [], "return nothing()");
  await assert.rejects(runner().write(broken, ADA), /^Error: test\/broken: /);
});

scriptTest(
  "script operations asked for at once are done in their order, and a reading one sees those before it",
  async ({ runner }) => {
    const scripts = runner();
    await scripts.write(ZERO, undefined);
    const read = new Script("test/read", [], "return finish(int(last_fence))");
    const answers = await Promise.all([
      ...Array.from({ length: 20 }, (_, i) => scripts.write(FENCE, { ...ADA, name: `ada${i}` })),
      scripts.read(read),
      scripts.write(FENCE, ADA),
      scripts.write(NOW, ADA).then(() => "now"),
      scripts.write(FENCE, undefined),
      scripts.read(read),
    ]);
    const first = Array.from({ length: 20 }, (_, i) => `${i + 1}`);
    assert.deepEqual(answers, [...first, "20", "21", "now", "22", "22"]);
  },
);

scriptTest(
  "script operations keep their order while the server does not know the script",
  async ({ runner }) => {
    const unknown = new Script(
      "test/unknown",
      [],
      `last_fence, dirty = last_fence + 1, true return finish(int(last_fence)) -- ${freshNamespace()}`,
    );
    const scripts = runner();
    await scripts.write(ZERO, undefined);
    // So much that some are refused while others are still being sent.
    const made = Array.from({ length: 3000 }, () => scripts.write(unknown, ADA, "x".repeat(2000)));
    assert.deepEqual(await Promise.all(made), made.map((_, i) => `${i + 1}`));
  },
);

scriptTest(
  "script operations of one batch fail together when one is a mistake",
  async ({ runner }) => {
    const broken = new Script(
      "test/broken",
      [],
      "return ARGV[5] == 'x' and nothing() or finish('')",
    );
    const scripts = runner();
    const settled = await Promise.allSettled(
      ["a", "x", "b"].map((word) => scripts.write(broken, ADA, word)),
    );
    assert.deepEqual(settled.map(({ status }) => status), ["rejected", "rejected", "rejected"]);
    assert.equal(await scripts.write(broken, ADA, "a"), "");
  },
);

scriptTest("script operations of many arguments go alone", async ({ runner }) => {
  const count = new Script("test/count", [], "return finish(int(#ARGV))");
  const scripts = runner();
  const args = (length: number) => Array.from({ length }, (_, i) => i);
  const answers = await Promise.all([1, 7000, 2].map((n) => scripts.write(count, ADA, ...args(n))));
  assert.deepEqual(answers, ["5", "7004", "6"]);
});

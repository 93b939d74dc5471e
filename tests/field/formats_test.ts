/**
 * Formats that grow: data of a newer minor form lose nothing, data of an older version come forward whoever is at work
 * meanwhile, and data of a newer version are left alone.
 * @module
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { DatabaseSync } from "node:sqlite";
import { Redis } from "ioredis";
import { CoordError } from "../../src/errors.ts";
import { SCHEMA_VERSION } from "../../src/open/schema.ts";
import { inspectContent } from "../../src/open/inspect.ts";
import { REDIS_SCHEMA_VERSION } from "../../src/engine/redis/schema.ts";
import { migrationText, script, textOf } from "../../src/engine/redis/script.ts";
import { DirectoryStore } from "../../src/open/directory.ts";
import { MIGRATIONS } from "../../src/open/migrations.ts";
import { RedisStore } from "../../src/open/redis.ts";
import { bringForward, REDIS_MIGRATIONS } from "../../src/open/redis_migrations.ts";
import { Primitives } from "../../src/primitive_clients.ts";
import { cli, withProject } from "../support/cli.ts";
import {
  NAMESPACE,
  partOf,
  readRecording,
  type Recording,
  restoreDirectory,
  restoreRedis,
  viewOf,
} from "../../dev/recorded.ts";
import { freshNamespace, hasRedis, sharedRedis } from "../../dev/redis_server.ts";
import { TestClock } from "../../dev/stores.ts";
import { contextOn } from "../../dev/room_context.ts";

interface ServerBench {
  readonly store: RedisStore;
  readonly clock: TestClock;
  readonly prefix: string;
  /** Sends a command to the server; keys are whole names. */
  readonly call: (command: string, ...args: (string | number | Uint8Array)[]) => Promise<unknown>;
  /** The namespace's state as it is kept. */
  readonly state: () => Promise<Uint8Array>;
  /** Another client of the namespace. */
  readonly another: () => Promise<RedisStore>;
}

/** Registers `body`, which gets a namespace of its own; with a recording, what that has. */
function serverTest(
  name: string,
  recorded: string | undefined,
  body: (bench: ServerBench, recording: Recording) => Promise<void>,
): void {
  Deno.test({ name, ignore: !hasRedis() }, async () => {
    const { url } = await sharedRedis();
    const namespace = freshNamespace();
    const clock = new TestClock();
    const recording = recorded === undefined ? undefined : await readRecording(recorded);
    if (recording !== undefined) clock.advance(recording.viewedAtMs - clock.nowMs());
    const opened: RedisStore[] = [];
    const another = async () => {
      const store = await RedisStore.open(url, { namespace, nowMs: clock.nowMs });
      opened.push(store);
      return store;
    };
    const store = await another();
    const client = new Redis(url);
    try {
      const prefix = `{agentcoord:${namespace}}:`;
      const call: ServerBench["call"] = (command, ...args) =>
        client.call(
          command,
          ...args.map((one) => one instanceof Uint8Array ? Buffer.from(one) : one),
        );
      const state = async () => Uint8Array.from((await client.getBuffer(`${prefix}state`))!);
      if (recording !== undefined) {
        await restoreRedis(
          (command, ...args) => client.call(command, ...args),
          namespace,
          recording,
        );
      }
      await body({ store, clock, prefix, call, state, another }, recording as Recording);
    } finally {
      client.disconnect();
      for (const one of opened) await one.close();
    }
  });
}

const versionOf = (state: Uint8Array) => new DataView(state.buffer).getFloat64(0);

serverTest(
  "Redis state without its last number reads it as 0",
  undefined,
  async ({ store, clock, prefix, call, state }) => {
    const { locks } = new Primitives(contextOn(store, clock, "ada"));
    const [first] = await locks.acquire("a");
    const whole = await state();
    await call("SET", `${prefix}state`, whole.slice(0, -8));
    const [second] = await locks.acquire("b");
    assert.equal(second!.fence, first!.fence + 1);
    assert.deepEqual([...(await state()).slice(-8)], [0, 0, 0, 0, 0, 0, 0, 0]);
  },
);

serverTest(
  "Redis state keeps what a later program has added to it",
  undefined,
  async ({ store, clock, prefix, call, state }) => {
    const { locks, tasks } = new Primitives(contextOn(store, clock, "ada"));
    await locks.acquire("a");
    const added = Uint8Array.from({ length: 24 }, (_, index) => 255 - index);
    await call("APPEND", `${prefix}state`, added);
    await locks.acquire("b");
    await tasks.create([{ title: "t", tags: ["x"] }]);
    const [task] = await tasks.claim();
    await tasks.complete(task!.id);
    assert.deepEqual((await state()).slice(-24), added);
  },
);

serverTest(
  "task detail that a later program has added outlasts a claim, a change and a completion (redis)",
  undefined,
  async ({ store, clock, prefix, call }) => {
    const { tasks } = new Primitives(contextOn(store, clock, "ada"));
    const { id } = (await tasks.create([{ title: "t", payload: { a: [1] } }]))[0]!;
    const spec = async () => String(await call("HGET", `${prefix}tasks`, id));
    const later = (await spec()).replace("}]", '},\n"hue":"blue, \\n}]",\n"flat":[]}]')
      .replace('{"a":[1]}},', '{"a":[1]},');
    assert.deepEqual(JSON.parse(later).at(-1), {
      payload: { a: [1] },
      hue: "blue, \n}]",
      flat: [],
    });
    await call("HSET", `${prefix}tasks`, id, later);
    assert.deepEqual(Object.keys(await tasks.show(id)).filter((key) => /hue|flat/.test(key)), []);
    const changed = await tasks.update(id, { title: "u", payload: "text", priority: 9 });
    assert.equal(changed.payload, "text");
    const [claimed] = await tasks.claim();
    assert.deepEqual([claimed!.title, claimed!.payload], ["u", "text"]);
    await tasks.complete(id, { result: 1 });
    assert.deepEqual(JSON.parse(await spec()).at(-1), {
      payload: "text",
      hue: "blue, \n}]",
      flat: [],
    });
  },
);

serverTest(
  "records of locks, threads and approvals keep what a later program has added (redis)",
  undefined,
  async ({ store, clock, prefix, call }) => {
    const { locks, board, approvals, agents } = new Primitives(contextOn(store, clock, "ada"));
    const bob = new Primitives(contextOn(store, clock, "bob"));
    const change = async (key: string, field: string, edit: (record: string) => string) => {
      const record = String(await call("HGET", `${prefix}${key}`, field));
      await call("HSET", `${prefix}${key}`, field, edit(record));
    };
    const kept = async (key: string, field: string) =>
      String(await call("HGET", `${prefix}${key}`, field));

    const [lease] = await locks.acquire("a", { mode: "shared", ttlMs: 1000 });
    await change("locks", "a", (record) => record.replace("}]", ',"more":{"hue":"blue"}}]'));
    await bob.locks.acquire("a", { mode: "shared" });
    await locks.renew("a", { fence: lease!.fence, ttlMs: 60_000 });
    await bob.locks.release("a");
    assert.deepEqual(JSON.parse(await kept("locks", "a"))[0].more, { hue: "blue" });
    assert.deepEqual((await locks.list()).map(({ holder, path }) => [holder, path]), [[
      "ada",
      "a",
    ]]);

    const thread = await board.post({ title: "t", message: "m" });
    const [number] = await call("HKEYS", `${prefix}threads`) as string[];
    await change("threads", number!, (record) => `${record}\0blue\0`);
    await change("messages", number!, (record) => `${record}\0green`);
    await bob.board.reply(thread.id, { message: "r" });
    await board.resolve(thread.id);
    const shown = await board.show(thread.id);
    assert.deepEqual([shown.title, shown.message, shown.status], ["t", "m", "resolved"]);
    assert.ok((await kept("threads", number!)).endsWith('"t"\0blue\0'));

    const asked = await approvals.request({ actionType: "deploy", description: "d", key: "k" });
    await change("approvals", asked.id, (record) => `${record}\0blue`);
    await bob.approvals.approve(asked.id, { comment: "go" });
    const used = await approvals.use(asked.id);
    assert.deepEqual([used.status, used.decidedBy], ["approved", "bob"]);
    assert.ok((await kept("approvals", asked.id)).endsWith("\0k\0blue"));

    await change("agents", "ada", (record) => record.replace(/}$/, ',"hue":"blue"}'));
    await agents.heartbeat({ workingOn: "x" });
    await agents.deregister();
    assert.equal(JSON.parse(await kept("agents", "ada")).hue, "blue");
  },
);

Deno.test("task detail that a later program has added outlasts a change (directory)", async () => {
  const directory = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
  const clock = new TestClock();
  const options = { namespace: "default", durability: "normal", clock } as const;
  const store = await DirectoryStore.open(directory, options);
  const db = new DatabaseSync(`${directory}/namespaces/default/store.db`);
  try {
    const { tasks } = new Primitives(contextOn(store, clock, "ada"));
    const { id } = (await tasks.create([{ title: "t", payload: 1 }]))[0]!;
    db.exec(`UPDATE tasks SET spec = json_set(spec, '$.hue', 'blue')`);
    await tasks.update(id, { title: "u", payload: 2, notBeforeMs: null });
    const [claimed] = await tasks.claim();
    assert.deepEqual([claimed!.title, claimed!.payload, "hue" in claimed!], ["u", 2, false]);
    const row = db.prepare("SELECT spec ->> '$.hue' AS hue FROM tasks").get();
    assert.equal(row?.hue, "blue");
  } finally {
    db.close();
    await store.close();
    await Deno.remove(directory, { recursive: true });
  }
});

serverTest(
  "Redis data come forward where a client died in the middle",
  "redis_1",
  async ({ store, clock, prefix, call, state }, { view }) => {
    const { text, keys } = migrationText(REDIS_MIGRATIONS[0]!);
    const names = keys.map((key) => prefix + key);
    const portion = () => call("EVAL", text, names.length, ...names, 1, 2, 1_000_000);
    assert.equal(await portion(), "1.5");
    assert.equal(await portion(), "1.5");
    assert.equal(versionOf(await state()), 1.5);
    assert.deepEqual(
      partOf(await viewOf((name) => new Primitives(contextOn(store, clock, name))), view),
      view,
    );
    assert.equal(versionOf(await state()), REDIS_SCHEMA_VERSION);
    // One that comes late finds nothing to do.
    assert.equal(await portion(), String(REDIS_SCHEMA_VERSION));
  },
);

serverTest(
  "Redis data come forward once while many clients bring them forward and others work",
  "redis_1",
  async ({ store, clock, prefix, another }, { view }) => {
    const helpers = await Promise.all([another(), another(), another()]);
    const readers = await Promise.all([another(), another()]);
    await Promise.all([
      ...helpers.map(({ connection }) => bringForward(connection, 1, { prefix, records: 1 })),
      ...readers.map((reader) =>
        new Primitives(contextOn(reader, clock, "bob")).tasks.list({ limit: 1000 })
      ),
      ...readers.map((reader) => new Primitives(contextOn(reader, clock, "bob")).tasks.counts()),
    ]);
    assert.deepEqual(
      partOf(await viewOf((name) => new Primitives(contextOn(store, clock, name))), view),
      view,
    );
  },
);

serverTest(
  "Redis data under way are refused by a program that knows only the version before",
  "redis_1",
  async ({ prefix, call, state }) => {
    const { text, keys } = migrationText(REDIS_MIGRATIONS[0]!);
    const names = keys.map((key) => prefix + key);
    await call("EVAL", text, names.length, ...names, 1, 1, 1_000_000);
    const before = await state();
    const form = { batched: false, full: false, clustered: false };
    const { text: known, keys: own } = textOf(script("lock/release_all"), form);
    const old = known.replace("= 2, false, false", "= 1, false, false");
    assert.notEqual(old, known);
    const named = own.map((key) => prefix + key);
    const release = call("EVAL", old, own.length, ...named, "op", "", "ada", "0h\n", "", 1);
    await assert.rejects(release, /SCHEMA 1.5/);
    assert.deepEqual(await state(), before);
  },
);

serverTest(
  "Redis data of a newer version are left alone, also while they are on their way to it",
  undefined,
  async ({ store, clock, prefix, call, state }) => {
    const { locks } = new Primitives(contextOn(store, clock, "ada"));
    await locks.acquire("a");
    for (const version of [REDIS_SCHEMA_VERSION + 0.5, REDIS_SCHEMA_VERSION + 1]) {
      const raw = await state();
      new DataView(raw.buffer).setFloat64(0, version);
      await call("SET", `${prefix}state`, raw);
      for (const attempt of [() => locks.acquire("b"), () => locks.list()]) {
        await assert.rejects(attempt(), (error) => {
          assert.ok(error instanceof CoordError);
          assert.equal(error.code, "store_unavailable");
          assert.ok(
            error.message.endsWith(
              `has schema version ${version}, this program knows ${REDIS_SCHEMA_VERSION}; upgrade agentcoord`,
            ),
          );
          assert.equal(error.details.reason, "schema");
          return true;
        });
      }
      assert.deepEqual(await state(), raw);
    }
  },
);

Deno.test("Redis migrations lead to the version of the program, one each", () => {
  assert.equal(REDIS_MIGRATIONS.length, REDIS_SCHEMA_VERSION - 1);
});

Deno.test("directory that a newer program brings forward meanwhile is left alone", async () => {
  const directory = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
  const clock = new TestClock();
  const options = { namespace: "default", durability: "normal", clock } as const;
  const store = await DirectoryStore.open(directory, options);
  const db = new DatabaseSync(`${directory}/namespaces/default/store.db`);
  try {
    const { locks } = new Primitives(contextOn(store, clock, "ada"));
    await locks.acquire("a");
    db.exec(
      `BEGIN; ALTER TABLE locks ADD COLUMN hue TEXT; PRAGMA user_version = ${
        SCHEMA_VERSION + 1
      }; COMMIT`,
    );
    for (const attempt of [() => locks.acquire("b"), () => locks.list()]) {
      await assert.rejects(attempt(), (error) => {
        assert.ok(error instanceof CoordError);
        assert.equal(error.code, "store_unavailable");
        assert.match(error.message, /this program knows \d+; upgrade agentcoord$/);
        assert.equal(error.details.reason, "schema");
        return true;
      });
    }
    assert.equal(db.prepare("SELECT COUNT(*) AS n FROM locks").get()?.n, 1);
  } finally {
    db.close();
    await store.close();
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("data of a newer version end a command with 7 and say what to do (directory)", async () => {
  await withProject(async (dir) => {
    assert.equal((await cli(dir, ["task", "add", "t", "--agent", "ada"])).code, 0);
    const db = new DatabaseSync(`${dir}/.agentcoord/namespaces/default/store.db`);
    db.exec(`PRAGMA user_version = ${MIGRATIONS.length + 1}`);
    db.close();
    const { code, stderr } = await cli(dir, ["task", "list"]);
    assert.equal(code, 7);
    assert.match(stderr, /has schema version \d+, this program knows \d+; upgrade agentcoord/);
  });
});

/** What doctor says of a store whose data are of an older version; it must not bring them forward. */
async function checkDoctor(
  dir: string,
  place: readonly string[],
  { version, versionNow }: { readonly version: number; readonly versionNow: () => Promise<number> },
): Promise<void> {
  const examined = await cli(dir, ["doctor", ...place, "--json"]);
  assert.equal(examined.code, 0, examined.stdout);
  const checks = JSON.parse(examined.stdout).data.checks as readonly Record<string, unknown>[];
  assert.deepEqual(checks.find(({ name }) => name === "schema_version"), {
    name: "schema_version",
    ok: true,
    value: version,
    hint: "the next command brings it forward",
  });
  assert.equal(await versionNow(), version);
  const listed = await cli(dir, ["task", "list", ...place]);
  assert.equal(listed.code, 0, listed.stderr);
  assert.ok(await versionNow() > version);
}

serverTest(
  "doctor leaves data of an older version to the next command (redis)",
  "redis_1",
  async ({ store, prefix, state }) => {
    await withProject(async (dir) => {
      const namespace = /^\{agentcoord:(.*)\}:$/.exec(prefix)![1]!;
      const place = ["--store", store.connection.location, "--namespace", namespace];
      const versionNow = async () => versionOf(await state());
      await checkDoctor(dir, place, { version: 1, versionNow });
    });
  },
);

Deno.test("doctor leaves data of an older version to the next command (directory)", async () => {
  await withProject(async (dir) => {
    await restoreDirectory(`${dir}/.agentcoord`, await readRecording("directory_3"));
    const versionNow = () =>
      Promise.resolve(inspectContent(`${dir}/.agentcoord`, NAMESPACE).schema);
    await checkDoctor(dir, [], { version: 3, versionNow });
  });
});

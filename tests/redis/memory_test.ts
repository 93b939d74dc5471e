/**
 * A server that may have forgotten something is noticed by the first call on it of a client that says what memory it
 * expects: nothing is read, granted or written before the client has learned of it.
 * @module
 */
import assert from "node:assert/strict";
import { MemoryChangedError } from "../../src/engine/redis/memory.ts";
import { raiseNumbers } from "../../src/engine/redis/raise.ts";
import { sequenceOf } from "../../src/id.ts";
import { RedisStore } from "../../src/open/redis.ts";
import { freshNamespace, hasRedis, pause, startRedis } from "../../dev/redis_server.ts";
import { startProxy } from "../../dev/proxy.ts";
import type { RedisConfig, RedisServer } from "../../dev/redis_server.ts";
import { eventually } from "../support/wrapped.ts";

const ADA = { name: "ada", host: "test-host" };
const AOF: RedisConfig = { appendonly: "yes", appendfsync: "always" };

/** A store that expects the memory it was told of last. */
async function open(url: string, namespace: string, start = 0) {
  const record = { memory: start };
  const store = await RedisStore.open(url, { namespace, memory: () => record.memory });
  const acquire = async (path: string) => {
    const locks = await store.locks();
    const request = { paths: [path], mode: "exclusive", ttlMs: 60_000, intent: "" } as const;
    const answer = await locks.acquire(ADA, { ...request, reentrant: false });
    assert.equal(answer.kind, "acquired");
    return (answer as { leases: readonly { fence: number }[] }).leases[0]!.fence;
  };
  const paths = async () => (await (await store.locks()).list()).map(({ path }) => path);
  /** The call fails as the memory is another; from then on that is expected. */
  const changed = async (call: Promise<unknown>) => {
    const error = await call.then(() => undefined, (error) => error);
    assert.ok(error instanceof MemoryChangedError, String(error));
    assert.notEqual(error.memory, record.memory);
    assert.equal(error.sent, false);
    record.memory = error.memory;
  };
  return { store, record, acquire, paths, changed };
}

/** Runs `body` with a server and a store on it that has learned its memory. */
function memoryTest(
  name: string,
  config: RedisConfig,
  body: (
    server: RedisServer,
    opened: Awaited<ReturnType<typeof open>> & { readonly namespace: string },
  ) => Promise<void>,
): void {
  Deno.test({
    name,
    ignore: !hasRedis(),
    async fn() {
      await using server = await startRedis({ config });
      const namespace = freshNamespace();
      const opened = await open(server.url, namespace);
      try {
        await opened.changed(opened.acquire("a"));
        assert.deepEqual(await opened.paths(), []);
        await opened.acquire("a");
        await body(server, { ...opened, namespace });
      } finally {
        await opened.store.close();
      }
    },
  });
}

memoryTest(
  "write after the server was emptied does nothing",
  {},
  async (server, { acquire, changed, paths }) => {
    await server.command("FLUSHALL");
    await changed(acquire("b"));
    assert.deepEqual(await paths(), []);
    await acquire("b");
    assert.deepEqual(await paths(), ["b"]);
  },
);

memoryTest(
  "read after the state's key was deleted tells it, and the write after it again",
  {},
  async (server, { acquire, changed, paths, namespace, record }) => {
    await server.command("DEL", `{agentcoord:${namespace}}:state`);
    await changed(paths());
    assert.equal(record.memory, 0);
    assert.deepEqual(await paths(), ["a"]);
    await changed(acquire("b"));
    await acquire("b");
  },
);

memoryTest(
  "restart of a server that keeps nothing is noticed by a read",
  {},
  async (server, { acquire, changed, paths }) => {
    await server.restart();
    await changed(paths());
    assert.deepEqual(await paths(), []);
    await changed(acquire("b"));
    await acquire("b");
  },
);

memoryTest(
  "restart from an older snapshot is noticed by a read, once",
  {},
  async (server, { acquire, changed, paths }) => {
    await server.command("SAVE");
    const fence = await acquire("b");
    await server.kill();
    await server.restart();
    await changed(paths());
    assert.deepEqual(await paths(), ["a"]);
    assert.ok(await acquire("b") > fence);
  },
);

memoryTest(
  "restart of a server that keeps everything only costs the call a second time",
  AOF,
  async (server, { acquire, changed, paths }) => {
    await acquire("b");
    await server.restart();
    await changed(acquire("c"));
    assert.deepEqual(await paths(), ["a", "b"]);
    await acquire("c");
    await acquire("d");
    assert.deepEqual(await paths(), ["a", "b", "c", "d"]);
  },
);

memoryTest(
  "replica that misses writes when it is promoted is noticed by reads and writes",
  {},
  async (server, { acquire, changed, namespace, record }) => {
    await using replica = await startRedis();
    await replica.command("REPLICAOF", "127.0.0.1", server.port);
    await eventually("the replica has all", async () => {
      return Number(await replica.command("EXISTS", `{agentcoord:${namespace}}:state`)) === 1;
    });
    await replica.command("REPLICAOF", "NO", "ONE");
    // A primary's first replica makes its history another one, though nothing is lost.
    await changed(acquire("b"));
    const fence = await acquire("b");
    const promoted = await open(replica.url, namespace, record.memory);
    await promoted.changed(promoted.paths());
    assert.deepEqual(await promoted.paths(), ["a"]);
    assert.ok(await promoted.acquire("b") > fence);
    await promoted.store.close();
  },
);

memoryTest(
  "state without a memory, which an older program left, is one of 0",
  {},
  async (server, { acquire, changed, paths, namespace, record }) => {
    const key = `{agentcoord:${namespace}}:state`;
    const shorten = "redis.call('SET', KEYS[1], string.sub(redis.call('GET', KEYS[1]), 1, 208))";
    await server.command("EVAL", shorten, 1, key);
    await changed(paths());
    assert.equal(record.memory, 0);
    await acquire("b");
    assert.deepEqual(await paths(), ["a", "b"]);
    assert.equal(await server.command("STRLEN", key), 224);
  },
);

memoryTest(
  "client that expects no memory works on any, and changes none that there is",
  {},
  async (server, { acquire, paths, namespace }) => {
    const plain = await RedisStore.open(server.url, { namespace });
    await (await plain.locks()).releaseAll(ADA);
    await pause(10);
    await (await plain.agents()).summary();
    assert.deepEqual(await paths(), []);
    await acquire("b");
    await server.command("FLUSHALL");
    assert.deepEqual(await (await plain.locks()).list(), []);
    await (await plain.locks()).releaseAll(ADA);
    await plain.close();
  },
);

memoryTest(
  "memory that changes while many calls are made at once fails each of them",
  {},
  async (server, { acquire, paths, record }) => {
    await server.command("FLUSHALL");
    const calls = Array.from({ length: 20 }, (_, n) => acquire(`many/${n}`));
    const found = (await Promise.allSettled(calls)).map((result) =>
      result.status === "rejected" ? (result.reason as MemoryChangedError).memory : undefined
    );
    assert.equal(new Set(found).size, 1);
    assert.ok(found[0]! > record.memory);
    record.memory = found[0]!;
    assert.deepEqual(await paths(), []);
  },
);

memoryTest(
  "raised numbers are above those of the other store, and refuse calls that knew the memory before",
  {},
  async (_, { acquire, changed, store, record }) => {
    const last = await acquire("b");
    const fence = last + 1_000_000_000;
    const nowMs = Date.now() + 60_000;
    const { memory } = await raiseNumbers(store.runner, { nowMs, fence, event: 2 ** 52 });
    assert.ok(memory > record.memory);
    await changed(acquire("c"));
    assert.equal(record.memory, memory);
    assert.equal(await acquire("c"), fence + 1);
    const read = await (await store.events()).read({ limit: 100 });
    assert.ok(read.kind === "read");
    assert.ok(store.clockAheadMs! > 50_000);
    assert.ok(sequenceOf("evt", read.events.at(-1)!.id)! > 2 ** 52);
    const { memory: again } = await raiseNumbers(store.runner, { nowMs: 0, fence: 0, event: 0 });
    assert.ok(again > memory);
    record.memory = again;
    assert.equal(await acquire("d"), fence + 2);
  },
);

Deno.test({
  name: "call whose answer was lost with a restart says that the server may have done it",
  ignore: !hasRedis(),
  async fn() {
    await using server = await startRedis({ config: AOF });
    await using proxy = await startProxy(server);
    const { store, acquire, paths, changed, record } = await open(proxy.url, freshNamespace());
    await changed(acquire("a"));
    await acquire("a");
    await proxy.refuse(true);
    proxy.loseReplies(1, ([word]) => /^evalsha$/i.test(word!));
    const call = acquire("b").then(() => undefined, (error) => error);
    await eventually("a lost answer", () => proxy.lost().length > 0);
    await server.restart();
    await proxy.refuse(false);
    const error = await call;
    assert.ok(error instanceof MemoryChangedError, String(error));
    assert.equal(error.sent, true);
    record.memory = error.memory;
    assert.deepEqual(await paths(), ["a", "b"]);
    await store.close();
  },
});

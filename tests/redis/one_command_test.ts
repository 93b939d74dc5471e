/**
 * Every operation is one command, and every script touches only keys that it was given.
 * @module
 */
import assert from "node:assert/strict";
import { RedisStore } from "../../src/open/redis.ts";
import { type RedisCluster, startCluster } from "../../dev/redis_cluster.ts";
import { freshNamespace, hasRedis, type RedisServer, startRedis } from "../../dev/redis_server.ts";
import { startProxy } from "../../dev/proxy.ts";
import { monitor } from "../../dev/redis_monitor.ts";
import { Bench, normalised, type Operation, OPERATIONS } from "./operations.ts";

/** Opens a store for one operation, in a namespace of its own, and calls `body` with all it needs. */
async function withBench(
  url: string,
  body: (bench: Bench, namespace: string) => Promise<void>,
): Promise<void> {
  const namespace = freshNamespace();
  const clock = { nowMs: 1_700_000_000_000 };
  const store = await RedisStore.open(url, { namespace, nowMs: () => clock.nowMs });
  try {
    const bench = new Bench(store, clock);
    await body(bench, namespace);
    await bench.end();
  } finally {
    await store.close();
  }
}

/** How many commands `operation` may send. */
function allowed({ commands = 1 }: Operation): readonly [number, number] {
  return typeof commands === "number" ? [commands, commands] : commands;
}

Deno.test({
  name: "every operation sends one command, and the text of its script only to a server without it",
  ignore: !hasRedis(),
  async fn(t) {
    await using server = await startRedis();
    await using proxy = await startProxy(server);
    for (const operation of OPERATIONS) {
      await t.step(operation.name, async () => {
        for (const known of [false, true]) {
          await withBench(proxy.url, async (bench) => {
            const given = await bench.prepare(operation);
            // Who waits subscribes on a connection of its own, once in a process: see the next test.
            await bench.store.waker();
            if (!known) await server.command("SCRIPT", "FLUSH");
            proxy.clear();
            await bench.run(operation, given);
            const words = proxy.commands().map(([word]) => word!.toUpperCase());
            const sent = words.filter((word) => word === "EVALSHA").length;
            const [least, most] = allowed(operation);
            assert.ok(least <= sent && sent <= most, `sent ${words.join(" ")}`);
            const others = words.filter((word) => word !== "EVALSHA");
            const taught = new Set(bench.methods()).size + (operation.looksFirst ? 1 : 0);
            assert.ok(others.every((word) => !known && word === "EVAL"), words.join(" "));
            assert.ok(
              others.length <= taught,
              `sent ${others.length} texts in ${taught} operations`,
            );
            assert.equal(others.length > 0, !known, "the server was taught once");
          });
        }
      });
    }
  },
});

Deno.test({
  name: "an operation that waits adds one subscription, on a connection that all waiters share",
  ignore: !hasRedis(),
  async fn() {
    await using server = await startRedis();
    await using proxy = await startProxy(server);
    await withBench(proxy.url, async (bench) => {
      await bench.as("bob").locks.acquire("a.py");
      proxy.clear();
      const wait = () => bench.as("ada").locks.acquire("a.py", { waitMs: 30 }).catch(() => {});
      const claim = () => bench.as("ada").tasks.tryClaim({ waitMs: 30 });
      await Promise.all([wait(), wait(), claim()]);
      await Promise.all([wait(), claim()]);
      const words = proxy.commands().map(([word]) => word!.toUpperCase());
      assert.deepEqual(words.filter((word) => !word.startsWith("EVAL")), ["INFO", "SUBSCRIBE"]);
      assert.equal(proxy.connections, 2);
    });
  },
});

/** Answers of every operation on `url`. */
async function answers(url: string, after: (namespace: string, operation: Operation) => void) {
  const found = new Map<string, string>();
  for (const operation of OPERATIONS) {
    await withBench(url, async (bench, namespace) => {
      const given = await bench.prepare(operation);
      found.set(operation.name, normalised([await bench.run(operation, given)]));
      after(namespace, operation);
    });
  }
  return found;
}

Deno.test({
  name: "every operation works on a cluster, with every key among those its script was given",
  ignore: !hasRedis(),
  async fn() {
    await using cluster: RedisCluster = await startCluster();
    await using single: RedisServer = await startRedis();
    const monitors = await Promise.all(cluster.nodes.map(monitor));
    const clustered = await answers(cluster.url, () => {});
    const expected = await answers(single.url, () => {});
    for (const operation of OPERATIONS) {
      assert.equal(clustered.get(operation.name), expected.get(operation.name), operation.name);
    }
    let touches = 0;
    for (const [index, { read }] of monitors.entries()) {
      let given: ReadonlySet<string> = new Set();
      for (const { words, byScript } of await read()) {
        const [word, ...args] = words as [string, ...string[]];
        if (!byScript) {
          if (!/^evalsha?$/i.test(word)) continue;
          given = new Set(args.slice(2, 2 + Number(args[1])));
          for (const key of given) assert.match(key, /^\{agentcoord:test-[^}]+\}:\w+$/);
          assert.equal(new Set([...given].map((key) => key.split("}")[0])).size, 1);
          continue;
        }
        for (const key of keysOf(word.toUpperCase(), args)) {
          assert.ok(given.has(key), `${word} ${key} on node ${index} was not among the keys`);
          touches++;
        }
      }
    }
    assert.ok(touches > 1000, `only ${touches} commands of scripts were seen`);
    await Promise.all(monitors.map(({ stop }) => stop()));
  },
});

/** Commands of scripts whose first argument is their only key. */
const ONE_KEY = new Set(
  ("GET SET GETRANGE SETRANGE STRLEN APPEND INCR INCRBY DEL EXISTS TYPE EXPIRE PEXPIRE " +
    "HGET HSET HSETNX HDEL HMGET HEXISTS HLEN HINCRBY HGETALL HVALS HKEYS HSTRLEN HSCAN " +
    "ZADD ZREM ZSCORE ZMSCORE ZCARD ZCOUNT ZLEXCOUNT ZRANGE ZRANGEBYLEX ZREVRANGEBYLEX " +
    "ZRANGEBYSCORE ZREVRANGEBYSCORE ZREVRANGE ZRANK ZREVRANK ZPOPMIN ZPOPMAX ZINCRBY " +
    "ZREMRANGEBYLEX ZREMRANGEBYSCORE ZREMRANGEBYRANK SADD SREM SISMEMBER SMISMEMBER SCARD " +
    "LPUSH RPUSH LPOP RPOP LLEN LRANGE LINDEX LTRIM XADD XRANGE XREVRANGE XLEN XTRIM XDEL").split(
      " ",
    ),
);

/** Those that no script may use: they cost more the more is stored. */
const FORBIDDEN = new Set("KEYS SCAN SMEMBERS SORT FLUSHDB FLUSHALL".split(" "));

function keysOf(word: string, args: readonly string[]): readonly string[] {
  assert.ok(!FORBIDDEN.has(word), `a script used ${word}`);
  if (ONE_KEY.has(word)) return word === "DEL" || word === "EXISTS" ? args : args.slice(0, 1);
  if (word === "TIME" || word === "INFO") return [];
  if (word === "PUBLISH") {
    assert.match(args[0]!, /^\{agentcoord:test-[^}]+\}:wake:wtr_\w+$/);
    return [];
  }
  throw new Error(`keys of ${word} are unknown to this test; name them in it`);
}

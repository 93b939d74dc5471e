/**
 * The members of ioredis that it does not document are there in the version that is installed.
 * @module
 */
import assert from "node:assert/strict";
import { Cluster, Redis } from "npm:ioredis@6.0.0";
import { RedisConnection } from "../../../src/engine/redis/connection.ts";
import { hasRedis, sharedRedis } from "../../../dev/redis_server.ts";
import {
  addSentinelOptions,
  CLUSTER_MEMBERS,
  commandsUnderWay,
  NODE_MEMBERS,
  socketOf,
} from "../../../src/engine/redis/ioredis_internals.ts";

const missing = (object: object, members: readonly string[]) =>
  members.filter((member) => !(member in object));

Deno.test("members of ioredis that are used without being documented exist in a connection", () => {
  const client = new Redis({ lazyConnect: true });
  assert.deepEqual(missing(client, NODE_MEMBERS), []);
  assert.equal(commandsUnderWay(client), 0);
  assert.equal(socketOf(client), undefined, "there is no socket before it connects");
});

Deno.test("members of ioredis that are used without being documented exist in a cluster", () => {
  const cluster = new Cluster([{ host: "127.0.0.1", port: 1 }], { lazyConnect: true });
  assert.deepEqual(missing(cluster, CLUSTER_MEMBERS), []);
});

Deno.test("options for Sentinels reach the connections that ioredis makes to them", () => {
  const client = new Redis({
    lazyConnect: true,
    sentinels: [{ host: "127.0.0.1", port: 1 }],
    name: "primary",
  });
  const { connector } = client as unknown as {
    connector: { connectToSentinel(endpoint: object): Redis };
  };
  addSentinelOptions(client, { disconnectTimeout: 77 });
  const sentinel = connector.connectToSentinel({ host: "127.0.0.1", port: 1 });
  sentinel.on("error", () => {});
  assert.equal(sentinel.options.disconnectTimeout, 77);
  sentinel.disconnect();
});

Deno.test("a Redis connection whose socket tells of two errors ends no process, and comes back", {
  ignore: !hasRedis(),
}, async () => {
  const { url } = await sharedRedis();
  const connection = await RedisConnection.open(url);
  try {
    const socket = socketOf(connection.client as Redis) as unknown as NodeJS.EventEmitter;
    socket.emit("error", new Error("read ECONNRESET"));
    socket.emit("error", new Error("write UNKNOWN"));
    assert.equal(await connection.send("PING", []), "PONG");
  } finally {
    await connection.close();
  }
});

/**
 * Closing a connection ends everything that the client has begun by itself: the test runner counts sockets and timers.
 * @module
 */
import assert from "node:assert/strict";
import { startCluster } from "../../../dev/redis_cluster.ts";
import { startSentinel } from "../../../dev/redis_sentinel.ts";
import { hasRedis, pause } from "../../../dev/redis_server.ts";
import { RedisConnection } from "../../../src/engine/redis/connection.ts";

const ignore = !hasRedis();

Deno.test({
  name: "closing a connection to a cluster ends the look for who serves what",
  ignore,
  fn: async () => {
    await using cluster = await startCluster();
    const connection = await RedisConnection.open(cluster.url);
    // A failed command makes it look.
    connection.failure(new Error("Connection is closed."));
    await connection.close();
  },
});

Deno.test({
  name: "closing a connection to a cluster leaves no timer for nodes that went before",
  ignore,
  fn: async () => {
    await using cluster = await startCluster();
    const connection = await RedisConnection.open(cluster.url);
    await cluster.nodes[1]!.kill();
    // Each look meets the dead node sooner or later, and is under way or just over when the connection is closed.
    for (let times = 0; times < 8; times++) {
      connection.failure(new Error("Connection is closed."));
      await pause(3);
    }
    assert.equal(connection.clustered, true);
    await connection.close();
  },
});

Deno.test({
  name: "closing a connection leaves no timer for a Sentinel that did not answer",
  ignore,
  fn: async () => {
    await using setup = await startSentinel();
    const connection = await RedisConnection.open(setup.url.replace("://", "://127.0.0.1:1,"));
    assert.equal(await connection.send("PING"), "PONG");
    await connection.close();
  },
});

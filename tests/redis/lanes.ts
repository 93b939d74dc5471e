/**
 * Tests of many operations, some side by side: most of their time they wait for connections to come back.
 * @module
 */
import { type Proxy, startProxy } from "../../dev/proxy.ts";
import { type RedisServer, type RespClient, startRedis } from "../../dev/redis_server.ts";
import type { Operation } from "./operations.ts";

/** Operations tested at a time. */
const LANES = 4;

/** What those of one lane share. */
export interface Surroundings {
  readonly server: RedisServer;
  readonly proxy: Proxy;
  /** Not through the proxy. */
  readonly client: RespClient;
}

/** Registers an operation for each operation; no two that run at a time have the same server. */
export async function testSideBySide(
  t: Deno.TestContext,
  operations: readonly Operation[],
  body: (surroundings: Surroundings, operation: Operation) => Promise<void>,
): Promise<void> {
  const apart = { sanitizeOps: false, sanitizeResources: false, sanitizeExit: false };
  await Promise.all(Array.from({ length: LANES }, async (_, lane) => {
    await using server = await startRedis();
    await using proxy = await startProxy(server);
    await using client = await server.connect();
    for (const operation of operations.filter((_, index) => index % LANES === lane)) {
      const fn = () => body({ server, proxy, client }, operation);
      await t.step({ name: operation.name, fn, ...apart });
    }
  }));
}

/**
 * Scripts on a namespace of a test's own, without a room around them.
 * @module
 */
import { RedisConnection } from "../../src/engine/redis/connection.ts";
import { ScriptRunner } from "../../src/engine/redis/script_runner.ts";
import { freshNamespace, hasRedis, sharedRedis } from "../../dev/redis_server.ts";
import { TestClock } from "../../dev/stores.ts";

/** What a test of scripts gets. */
export interface OperationBench {
  readonly runner: ScriptRunner;
  readonly connection: RedisConnection;
  readonly clock: TestClock;
  /** Sends one command; an argument that begins with `:` names a key of the namespace. */
  readonly raw: (command: string, ...args: readonly (string | number)[]) => Promise<unknown>;
}

/** Registers `body`, skipped where Redis is not installed. */
export function operationTest(name: string, body: (bench: OperationBench) => Promise<void>): void {
  Deno.test({ name, ignore: !hasRedis() }, async () => {
    const clock = new TestClock();
    const connection = await RedisConnection.open((await sharedRedis()).url);
    try {
      const runner = new ScriptRunner(connection, {
        namespace: freshNamespace(),
        nowMs: clock.nowMs,
      });
      const named = (value: string | number) =>
        typeof value === "string" && value.startsWith(":")
          ? `${runner.prefix}${value.slice(1)}`
          : value;
      const raw: OperationBench["raw"] = (command, ...args) =>
        connection.client.call(command, ...args.map(named));
      await body({ runner, connection, clock, raw });
    } finally {
      await connection.close();
    }
  });
}

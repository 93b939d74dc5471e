/**
 * A namespace on a server, and a directory database that stands in for it, for tests of moving records.
 * @module
 */
import { contextOn } from "../../dev/room_context.ts";
import { freshNamespace, hasRedis, sharedRedis } from "../../dev/redis_server.ts";
import { TestClock } from "../../dev/stores.ts";
import type { RoomContext } from "../../src/context.ts";
import { DirectoryEngine } from "../../src/engine/directory/engine.ts";
import { RedisConnection } from "../../src/engine/redis/connection.ts";
import { ScriptRunner } from "../../src/engine/redis/script_runner.ts";
import { startAfter } from "../../src/engine/numbers.ts";
import { DirectoryStore } from "../../src/open/directory.ts";
import { OUTAGE_SCHEMA } from "../../src/open/failover/schema.ts";
import { PREAMBLE } from "../../src/open/preamble.ts";
import { RedisStore } from "../../src/open/redis.ts";
import type { PortionLimit } from "../../src/transfer.ts";

/** What such a test gets. */
export interface OutageBench {
  readonly clock: TestClock;
  readonly redis: RedisStore;
  readonly directory: DirectoryStore;
  /** A client's surroundings on the server. */
  readonly onRedis: (agent: string) => RoomContext;
  /** A client's surroundings on the directory. */
  readonly onDirectory: (agent: string) => RoomContext;
  /** The number that those of the directory's events are above. */
  readonly startOfEvents: number;
  /** Sends one command to the server; an argument that begins with `:` names a key of the namespace. */
  readonly raw: (command: string, ...args: readonly (string | number)[]) => Promise<unknown>;
}

/** Most that a test moves at a time, as the program does. */
export const PORTION: PortionLimit = { records: 500, bytes: 1 << 20 };

/** Registers `body`, skipped where Redis is not installed. */
export function outageTest(name: string, body: (bench: OutageBench) => Promise<void>): void {
  Deno.test({ name, ignore: !hasRedis() }, async () => {
    const home = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
    const clock = new TestClock();
    const { url } = await sharedRedis();
    const redis = await RedisStore.open(url, { namespace: freshNamespace(), nowMs: clock.nowMs });
    const directory = await DirectoryStore.open(home, {
      namespace: "default",
      durability: "normal",
      clock,
      outage: { home: `${home}/outage.1` },
    });
    try {
      const startOfEvents = startAfter(clock.nowMs() + 60_000, 0);
      await directory.engine.write(undefined, (tx) => {
        tx.startAbove({ fence: 0, event: startOfEvents });
      });
      const { prefix } = redis.runner;
      await body({
        clock,
        redis,
        directory,
        onRedis: (agent) => contextOn(redis, clock, agent),
        onDirectory: (agent) => contextOn(directory, clock, agent),
        startOfEvents,
        raw: (command, ...args) =>
          redis.connection.client.call(
            command,
            ...args.map((value) =>
              typeof value === "string" && value.startsWith(":") ? prefix + value.slice(1) : value
            ),
          ),
      });
    } finally {
      await directory.close();
      await redis.close();
      await Deno.remove(home, { recursive: true });
    }
  });
}

/**
 * The engines that such a test of one room works with: of a directory database that stands in, and of a namespace of its
 * own on the shared server. Both end with `closing`.
 */
export async function openEngines(
  closing: AsyncDisposableStack,
  clock: TestClock,
): Promise<{ readonly engine: DirectoryEngine; readonly runner: ScriptRunner }> {
  const home = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
  closing.defer(() => Deno.remove(home, { recursive: true }));
  const schema = { schema: OUTAGE_SCHEMA, preamble: PREAMBLE };
  const engine = await DirectoryEngine.open(home, { ...schema, durability: "normal", clock });
  closing.defer(() => engine.close());
  const connection = await RedisConnection.open((await sharedRedis()).url);
  closing.defer(() => connection.close());
  const options = { namespace: freshNamespace(), nowMs: clock.nowMs };
  const runner = new ScriptRunner(connection, options);
  closing.defer(() => runner.close());
  return { engine, runner };
}

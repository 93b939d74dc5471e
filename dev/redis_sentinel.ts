/**
 * A real set-up with Redis Sentinel for tests: a primary, a replica, and three Sentinels of which two
 * have to agree before the replica takes over.
 * @module
 */
import {
  pause,
  type RedisServer,
  type RespClient,
  type RespValue,
  startRedis,
} from "./redis_server.ts";

const NAME = "mymaster";
const READY_MS = 20_000;

/** A set-up under way. */
export interface RedisSentinel extends AsyncDisposable {
  /** The one that was primary at the beginning. */
  readonly primary: RedisServer;
  /** The one that was replica at the beginning. */
  readonly replica: RedisServer;
  readonly sentinels: readonly RedisServer[];
  /** Names every Sentinel, and the primary by its name. */
  readonly url: string;
  /** Ends the primary (SIGKILL). */
  killPrimary(): Promise<void>;
  /** Waits until the replica is primary and every Sentinel says so. */
  waitForPromotion(): Promise<void>;
  /** Ends everything. */
  stop(): Promise<void>;
}

/** Starts all of it, and waits until the Sentinels know each other and the replica is in step. */
export async function startSentinel(): Promise<RedisSentinel> {
  const started: RedisServer[] = [];
  const start = async (options: Parameters<typeof startRedis>[0]) => {
    const server = await startRedis(options);
    started.push(server);
    return server;
  };
  try {
    const primary = await start({ config: { "repl-diskless-sync-delay": "0" } });
    const replica = await start({
      config: { replicaof: `127.0.0.1 ${primary.port}`, "repl-diskless-sync-delay": "0" },
    });
    // Sentinels ask servers about their replicas only every ten seconds: this has to be so before.
    await until("the replica is in step", async () => {
      const info = String(await primary.command("INFO", "replication"));
      return /^slave0:.*state=online/m.test(info);
    }, primary);
    const sentinels: RedisServer[] = [];
    for (let i = 0; i < 3; i++) {
      sentinels.push(
        await start({
          sentinel: true,
          config: {
            sentinel: [
              `monitor ${NAME} 127.0.0.1 ${primary.port} 2`,
              `down-after-milliseconds ${NAME} 500`,
              `failover-timeout ${NAME} 2000`,
              `parallel-syncs ${NAME} 1`,
            ],
          },
        }),
      );
    }
    const setup = new Setup(primary, replica, sentinels);
    await setup.ready();
    return setup;
  } catch (error) {
    await Promise.all(started.map((server) => server.stop()));
    throw error;
  }
}

class Setup implements RedisSentinel {
  constructor(
    readonly primary: RedisServer,
    readonly replica: RedisServer,
    readonly sentinels: readonly RedisServer[],
  ) {}

  get url(): string {
    const hosts = this.sentinels.map(({ port }) => `127.0.0.1:${port}`).join(",");
    return `redis+sentinel://${hosts}/${NAME}`;
  }

  async ready(): Promise<void> {
    for (const sentinel of this.sentinels) {
      await until("a Sentinel knows the others and the replica", async () => {
        await using client = await sentinel.connect();
        const [others, replicas] = [
          await list(client, "SENTINELS"),
          await list(client, "REPLICAS"),
        ];
        // "runid" stays empty, and "flags" tells of a link that is down, until the two have talked.
        return others.length === this.sentinels.length - 1 && replicas.length === 1 &&
          [...others, ...replicas].every(({ runid, flags }) =>
            runid !== "" && (flags === "sentinel" || flags === "slave")
          ) && replicas[0]!["master-link-status"] === "ok";
      }, sentinel);
    }
  }

  async killPrimary(): Promise<void> {
    await this.primary.kill();
  }

  async waitForPromotion(): Promise<void> {
    await until("the replica is primary", async () => {
      return String(await this.replica.command("INFO", "replication")).includes("role:master");
    }, this.replica);
    for (const sentinel of this.sentinels) {
      await until("a Sentinel names the new primary", async () => {
        const address = await sentinel.command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME);
        return Array.isArray(address) && Number(address[1]) === this.replica.port;
      }, sentinel);
    }
  }

  async stop(): Promise<void> {
    await Promise.all(
      [...this.sentinels, this.replica, this.primary].map((server) => server.stop()),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** What a Sentinel knows, one record for each. */
async function list(client: RespClient, what: string): Promise<Record<string, string>[]> {
  const known = await client.command("SENTINEL", what, NAME) as RespValue[][];
  return known.map((fields) => {
    const record: Record<string, string> = {};
    for (let i = 0; i < fields.length; i += 2) record[String(fields[i])] = String(fields[i + 1]);
    return record;
  });
}

async function until(
  what: string,
  condition: () => Promise<boolean>,
  about: RedisServer,
): Promise<void> {
  const deadlineMs = performance.now() + READY_MS;
  while (!await condition()) {
    if (performance.now() > deadlineMs) {
      throw new Error(`not within ${READY_MS} ms: ${what}\n${about.log()}`);
    }
    await pause(20);
  }
}

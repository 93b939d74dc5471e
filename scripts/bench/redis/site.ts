/**
 * The server that the benchmarks of the Redis store run on: one of their own, or one that the user runs.
 *
 * Everything that a turn leaves behind lies under a name that nobody else uses, and is removed after the
 * turn. Only a server of our own is flushed.
 * @module
 */
import { Redis } from "ioredis";
import { parseRedisUrl } from "../../../src/engine/redis/url.ts";
import { infoField, startRedis } from "../../../dev/redis_server.ts";

/** A part of the server for one turn. */
export interface Place {
  readonly url: string;
  /** Our namespace; what the keys of others begin with. */
  readonly name: string;
}

/** How a client other than ours is told where the server is. */
export interface Address {
  readonly host?: string;
  readonly port?: number;
  readonly path?: string;
  readonly db: number;
  readonly username?: string;
  readonly password?: string;
}

/** A server, for as long as benchmarks run on it. */
export interface Site extends AsyncDisposable {
  /** What it is, in one line. */
  readonly about: string;
  /** Calls `body` with a place that is empty before and after. */
  withPlace<T>(body: (place: Place) => Promise<T>): Promise<T>;
  /** Bytes that data and buffers of the whole server take. */
  usedMemory(): Promise<number>;
  /** Bytes of one key. */
  memoryOf(key: string): Promise<number>;
}

/** Keys removed with one command. */
const BATCH = 1000;

/**
 * Opens the server at `store`; `redis` alone starts one that keeps nothing on a disk, and ends with the site.
 *
 * @throws {InvalidArgumentError} when it is no URL of a Redis server.
 */
export async function openSite(store: string): Promise<Site> {
  const server = store === "redis" ? await startRedis() : undefined;
  const url = server?.url ?? store;
  const client = new Redis({ ...addressOf(url), lazyConnect: true, disconnectTimeout: 50 });
  let last: unknown;
  client.on("error", (error) => last = error);
  try {
    await client.connect().catch((error) => {
      throw last ?? error;
    });
    const info = await client.info("server");
    const version = infoField(info, "valkey_version") ?? infoField(info, "redis_version");
    const whose = server === undefined
      ? "the server given"
      : `a server of its own (process ${server.pid}), no persistence`;
    return {
      about: `${infoField(info, "server_name") ?? "redis"} ${version}, ${whose}`,
      withPlace: async (body) => {
        const place = { url, name: `bench-${crypto.randomUUID().slice(0, 8)}` };
        try {
          return await body(place);
        } finally {
          if (server !== undefined) await client.flushall();
          else await remove(client, place);
        }
      },
      usedMemory: async () => Number(infoField(await client.info("memory"), "used_memory")),
      memoryOf: async (key) => await client.memory("USAGE", key, "SAMPLES", 0) ?? 0,
      [Symbol.asyncDispose]: async () => {
        client.disconnect();
        await server?.stop();
      },
    };
  } catch (error) {
    client.disconnect();
    await server?.stop();
    throw error;
  }
}

/** What clients other than ours need to know of a URL. */
export function addressOf(url: string): Address {
  const { kind, hosts: [host], path, db, auth, tls } = parseRedisUrl(url, "--store");
  if (kind !== "single" || tls !== undefined) {
    throw new TypeError("--store: the benchmarks measure a single server without TLS");
  }
  return {
    ...(path === undefined ? host : { path }),
    db,
    ...(auth && { username: auth.user ?? "default", password: auth.password }),
  };
}

/** Processor time that the server has used, in microseconds. */
export async function serverCpuUs(client: Redis): Promise<number> {
  const info = await client.info("cpu");
  const seconds = (mode: string) => Number(infoField(info, `used_cpu_${mode}`));
  return (seconds("user") + seconds("sys")) * 1e6;
}

/** Prefix of our keys in a namespace. */
export function ourPrefix({ name }: Place): string {
  return `{agentcoord:${name}}:`;
}

async function remove(client: Redis, place: Place): Promise<void> {
  for (const prefix of [ourPrefix(place), `${place.name}:`]) {
    let cursor = "0";
    do {
      const [next, keys] = await client.scan(cursor, "MATCH", `${prefix}*`, "COUNT", BATCH);
      if (keys.length > 0) await client.unlink(...keys);
      cursor = next;
    } while (cursor !== "0");
  }
  // The server gives the memory back while it serves others: what is measured next must not see that.
  while (infoField(await client.info("memory"), "lazyfree_pending_objects") !== "0") {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

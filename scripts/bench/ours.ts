/**
 * The program's stores as a worker process opens them.
 * @module
 */
import { systemClock } from "../../src/clock.ts";
import type { RoomContext } from "../../src/context.ts";
import { DirectoryStore } from "../../src/open/directory.ts";
import { FailoverStore } from "../../src/open/failover/store.ts";
import { RedisStore } from "../../src/open/redis.ts";
import type { Store } from "../../src/store.ts";
import type { Durability } from "./bare.ts";

/** Surroundings of an agent of this process's own. Whoever opens it closes `store`. */
export async function openOurs(directory: string, durability: Durability): Promise<RoomContext> {
  const store = await DirectoryStore.open(directory, {
    namespace: "default",
    durability,
    clock: systemClock,
  });
  return contextOf(store);
}

/** The same on a Redis server. */
export async function openOursOnRedis(url: string, namespace: string): Promise<RoomContext> {
  return contextOf(await RedisStore.open(url, { namespace }));
}

/** The same, with a directory that would stand in for the server. */
export async function openOursWithStandIn(
  url: string,
  namespace: string,
  directory: string,
): Promise<RoomContext> {
  const options = { durability: "full", clock: systemClock, mode: "auto" } as const;
  return contextOf(await FailoverStore.open({ url, namespace, directory, ...options }));
}

function contextOf(store: Store): RoomContext {
  return {
    store,
    actor: { name: `process-${Deno.pid}`, host: "bench", pid: Deno.pid },
    clock: systemClock,
    lockPath: (path) => ({ path, aliases: [] }),
  };
}

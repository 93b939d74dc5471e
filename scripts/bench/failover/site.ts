/**
 * A site of one's own for a benchmark: a server that can be taken away, and a directory that stands in for it.
 * @module
 */
import { contextOn } from "../../../dev/room_context.ts";
import { type Proxy, startProxy } from "../../../dev/proxy.ts";
import { type RedisServer, startRedis } from "../../../dev/redis_server.ts";
import { systemClock } from "../../../src/clock.ts";
import type { RoomContext } from "../../../src/context.ts";
import { FailoverStore } from "../../../src/open/failover/store.ts";
import { withDirectory } from "../harness.ts";

/** How long a command may take. */
export const COMMAND_TIMEOUT_MS = 1000;

/** Where a process finds the site. */
export interface SitePlace {
  readonly url: string;
  readonly directory: string;
}

/** What a benchmark gets. */
export interface BenchSite extends SitePlace {
  readonly server: RedisServer;
  /** In front of the server; `url` leads to it. */
  readonly proxy: Proxy;
}

/** Runs `body` with a site. */
export async function withSite<T>(body: (site: BenchSite) => Promise<T>): Promise<T> {
  return await withDirectory(async (directory) => {
    await using server = await startRedis();
    await using proxy = await startProxy(server.port);
    const url = `${proxy.url}?command_timeout=${COMMAND_TIMEOUT_MS}ms`;
    return await body({ server, proxy, url, directory });
  });
}

/** Opens the site's store as the program does. */
export function openSite({ url, directory }: SitePlace): Promise<FailoverStore> {
  return FailoverStore.open({
    url,
    directory,
    namespace: "default",
    mode: "directory",
    durability: "normal",
    clock: systemClock,
  });
}

/** The surroundings of an agent. */
export function agentOn(store: FailoverStore, agent: string): RoomContext {
  return contextOn(store, systemClock, agent);
}

/**
 * Sites for tests: a Redis server of one's own, and directories whose agents fail over together.
 * @module
 */
import { type Clock, systemClock } from "../src/clock.ts";
import type { Warn } from "../src/engine/warning.ts";
import type { FailoverMode } from "../src/open/failover/change.ts";
import { FailoverStore } from "../src/open/failover/store.ts";
import type { Store } from "../src/store.ts";
import { pause, type RedisServer, startRedis } from "./redis_server.ts";

/** How long a command may take in these tests. */
export const COMMAND_TIMEOUT_MS = 1000;

/** What is not as usual. */
export interface SiteOptions {
  readonly url?: string;
  readonly mode?: FailoverMode;
  /** The host's clock; `redisNowMs` is the server's. Default: the real ones. */
  readonly clock?: Clock;
  readonly redisNowMs?: () => number;
  /** Is told what whoever acts should know. */
  readonly warn?: Warn;
}

/** One site. */
export interface Site {
  readonly directory: string;
  /** Another process's view of it; closed at the end of the test. */
  readonly open: (options?: SiteOptions) => Promise<FailoverStore>;
}

/** What a test of sites gets. */
export interface Sites {
  readonly server: RedisServer;
  readonly url: string;
  /** A new site. */
  readonly site: () => Promise<Site>;
}

/** Runs `body` with a server and sites of its own. */
export async function withSites(
  body: (sites: Sites) => Promise<void>,
  { isPersistent = true }: { readonly isPersistent?: boolean } = {},
): Promise<void> {
  await using server = await startRedis(
    isPersistent ? { config: { appendonly: "yes", appendfsync: "always" } } : {},
  );
  const url = `redis://127.0.0.1:${server.port}?command_timeout=${COMMAND_TIMEOUT_MS}ms`;
  const stores: Store[] = [];
  const directories: string[] = [];
  try {
    await body({
      server,
      url,
      site: async () => {
        const directory = await Deno.makeTempDir({ prefix: "agentcoord-site-" });
        directories.push(directory);
        return {
          directory,
          open: async (options = {}) => {
            const store = await FailoverStore.open({
              url,
              mode: "auto",
              clock: systemClock,
              ...options,
              namespace: "default",
              durability: "normal",
              directory: `${directory}/fallback`,
            });
            stores.push(store);
            return store;
          },
        };
      },
    });
  } finally {
    for (const store of stores) await store.close();
    for (const directory of directories) await Deno.remove(directory, { recursive: true });
  }
}

/** Settled once `condition` holds; fails after `limitMs`. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  limitMs = 20_000,
): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!await condition()) {
    if (Date.now() > deadline) throw new Error(`Not within ${limitMs} ms: ${what}`);
    await pause(50);
  }
}

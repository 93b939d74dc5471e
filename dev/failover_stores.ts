/**
 * The store in front of Redis and a directory, in situations that a test of any store can be in without noticing.
 * @module
 */
import type { Clock } from "../src/clock.ts";
import { FailoverStore } from "../src/open/failover/store.ts";
import { startProxy } from "./proxy.ts";
import { freshNamespace, hasRedis, resp, sharedRedis } from "./redis_server.ts";
import type { StoreKind } from "./stores.ts";

/** How Redis is. */
export type Situation =
  /** There all the time. */
  | "up"
  /** Away all the time. */
  | "away"
  /** Emptied before the test begins, behind the back of the store. */
  | "emptied";

/**
 * While the directory stands in, what is as old as Redis may be there, so it is out of reach rather than unknown; what is
 * no place in the stream may be one in that of Redis; and a change of authority is an event like others.
 */
const EXCEPT =
  /^(event (cursor of|list|pages|follow ends)|audit (tail starts|follow stands)|approval calls on what|board calls on threads|task that does not)/;

/** The store in one situation. */
export function failoverKind(situation: Situation): StoreKind {
  return {
    name: `failover, Redis ${situation}`,
    ignore: !hasRedis(),
    ...(situation === "away" ? { except: EXCEPT } : {}),
    make: async (clock) => {
      const { port } = await sharedRedis();
      const proxy = await startProxy(port);
      const directory = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
      const namespace = freshNamespace();
      let isToBeEmptied = situation === "emptied";
      if (situation === "away") await proxy.refuse(true);
      return {
        open: async () => {
          const store = await open(proxy.url, { directory, namespace, clock });
          if (!isToBeEmptied) return store;
          isToBeEmptied = false;
          await touch(store);
          await empty(port, namespace);
          return store;
        },
        remove: async () => {
          await proxy.stop();
          await Deno.remove(directory, { recursive: true });
        },
      };
    },
  };
}

/** An operation that writes and changes nothing: Redis is known from then on. */
async function touch(store: FailoverStore): Promise<void> {
  await (await store.locks()).abandon("nobody");
}

function open(
  url: string,
  { directory, namespace, clock }: {
    readonly directory: string;
    readonly namespace: string;
    readonly clock: Clock;
  },
): Promise<FailoverStore> {
  return FailoverStore.open({
    url: `${url}?command_timeout=500ms`,
    mode: "directory",
    directory,
    namespace,
    clock,
    redisNowMs: clock.nowMs,
    durability: "normal",
  });
}

/** Removes every key of a namespace, the state as well: what FLUSHALL does to it. */
async function empty(port: number, namespace: string): Promise<void> {
  const client = await resp(port);
  try {
    const keys = await client.command("KEYS", `{agentcoord:${namespace}}:*`) as readonly string[];
    if (keys.length > 0) await client.command("DEL", ...keys);
  } finally {
    client.close();
  }
}

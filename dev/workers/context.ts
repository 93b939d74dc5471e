/**
 * A real process's way into a store under test.
 * @module
 */
import { systemClock } from "../../src/clock.ts";
import type { RoomContext } from "../../src/context.ts";
import { DirectoryStore } from "../../src/open/directory.ts";
import { FailoverStore } from "../../src/open/failover/store.ts";
import { RedisStore } from "../../src/open/redis.ts";
import type { Store } from "../../src/store.ts";

/**
 * Opens the store at `location` acting as `name`. A location is a directory, or the URL of a Redis store
 * with the namespace as its fragment: `redis://127.0.0.1:6379#test-1`. A tab and a directory behind that make it a
 * store for which the directory stands in.
 */
export async function openAs(
  location: string,
  name: string,
  durability: "full" | "normal" = "normal",
): Promise<RoomContext> {
  return {
    store: await openStore(location, durability),
    actor: { name, host: "test-host", pid: Deno.pid },
    clock: systemClock,
    lockPath: (path) => ({ path, aliases: [] }),
  };
}

function openStore(location: string, durability: "full" | "normal"): Promise<Store> {
  if (!/^(redis|unix)[^/]*:/.test(location)) {
    return DirectoryStore.open(location, { namespace: "default", durability, clock: systemClock });
  }
  const [server, directory] = location.split("\t") as [string, string?];
  const [url, namespace = "default"] = server.split("#") as [string, string?];
  if (directory === undefined) return RedisStore.open(url, { namespace });
  const clock = systemClock;
  return FailoverStore.open({ url, directory, namespace, mode: "auto", durability, clock });
}

/**
 * The surroundings of a client for tests that open a store by themselves; those of `storeTest` are in `stores.ts`.
 * @module
 */
import type { Clock } from "../src/clock.ts";
import type { RoomContext } from "../src/context.ts";
import type { Store } from "../src/store.ts";

/** A client on `store` that acts as `agent`, or only reads without one. It locks paths as they are given. */
export function contextOn(store: Store, clock: Clock, agent?: string): RoomContext {
  return {
    store,
    clock,
    lockPath: (path) => ({ path, aliases: [] }),
    actor: agent === undefined ? undefined : { name: agent, host: "test-host" },
  };
}

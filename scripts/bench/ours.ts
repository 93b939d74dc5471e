/**
 * The directory store as a worker process opens it.
 * @module
 */
import { systemClock } from "../../src/clock.ts";
import type { RoomContext } from "../../src/context.ts";
import { DirectoryStore } from "../../src/store/directory.ts";
import type { Durability } from "./bare.ts";

/** Surroundings of an agent of this process's own. Whoever opens it closes `store`. */
export async function openOurs(directory: string, durability: Durability): Promise<RoomContext> {
  const store = await DirectoryStore.open(directory, {
    namespace: "default",
    durability,
    clock: systemClock,
  });
  return {
    store,
    actor: { name: `process-${Deno.pid}`, host: "bench", pid: Deno.pid },
    clock: systemClock,
    lockPath: (path) => path,
  };
}

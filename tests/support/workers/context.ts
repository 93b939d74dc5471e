/**
 * A real process's way into a store under test.
 * @module
 */
import { systemClock } from "../../../src/clock.ts";
import type { RoomContext } from "../../../src/context.ts";
import { DirectoryStore } from "../../../src/store/directory.ts";

/** Opens the store at `location` acting as `name`. */
export async function openAs(
  location: string,
  name: string,
  durability: "full" | "normal" = "normal",
): Promise<RoomContext> {
  const store = await DirectoryStore.open(location, {
    namespace: "default",
    durability,
    clock: systemClock,
  });
  return {
    store,
    actor: { name, host: "test-host", pid: Deno.pid },
    clock: systemClock,
    lockPath: (path) => path,
  };
}

/**
 * How this program starts itself.
 * @module
 */
import { fileURLToPath } from "node:url";

/** The words that start this very program as a child process, from source or as a compiled binary. */
export function selfCommand(): readonly [string, ...string[]] {
  if (Deno.build.standalone) return [Deno.execPath()];
  const file = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
  // The project file brings the lock file along, whatever project the working directory is in.
  return [Deno.execPath(), "run", "-A", "--config", file("deno.json"), file("main.ts")];
}

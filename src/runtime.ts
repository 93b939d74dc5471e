/**
 * Which runtime the library needs.
 * @module
 */
import { StoreUnavailableError } from "./errors.ts";

/** The oldest version of Deno that has all that is used: kernel file locks, `node:sqlite`, `using`. */
const OLDEST = [2, 7] as const;

/** What other runtimes and this one say of themselves. */
interface Surroundings {
  readonly Deno?: { readonly version: { readonly deno: string } };
  readonly Bun?: { readonly version: string };
  readonly process?: { readonly version?: string };
}

/**
 * Makes sure that this is a Deno that can run the library.
 *
 * @throws {StoreUnavailableError} in another runtime, or in a Deno that is too old.
 */
export function requireRuntime(surroundings: Surroundings = globalThis as Surroundings): void {
  const { Deno: deno, Bun: bun, process: node } = surroundings;
  const [major = 0, minor = 0] = (deno?.version.deno ?? "").split(".").map(Number);
  if (major > OLDEST[0] || major === OLDEST[0] && minor >= OLDEST[1]) return;
  const found = deno !== undefined
    ? `Deno ${deno.version.deno}`
    : bun !== undefined
    ? `Bun ${bun.version}`
    : `Node.js ${node?.version ?? "or another runtime"}`;
  throw new StoreUnavailableError(
    `Cannot open the store: the library needs Deno ${
      OLDEST.join(".")
    } or newer, and this is ${found}; ` +
      `from other runtimes run the agentcoord binary with --json`,
    { reason: "runtime", found },
  );
}

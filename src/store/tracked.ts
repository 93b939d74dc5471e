/**
 * State that came with a git repository.
 *
 * Whoever committed it decides what it says: which approvals were given, which locks are held, what the time is.
 * A store on this host has a mark for its own files (mark.ts); a clone cannot have one. So a store without such a
 * mark is looked for in git's index, and refused when it is there. A store that was copied back from a backup
 * is in no index, and is used.
 * @module
 */
import { StoreUnavailableError } from "../errors.ts";

/** Refuses the namespace in `home` when git tracks its database. */
export function refuseTracked(home: string): void {
  if (!isTracked(home)) return;
  throw new StoreUnavailableError(
    `Cannot use the store: ${home} came with the git repository around it, so whoever committed it decides ` +
      `what it says; move it away to start an empty store, or, if it is yours, stop tracking it with ` +
      `git rm -r --cached`,
    { path: home },
  );
}

/** Whether the index of the git repository around `home` lists its database. */
export function isTracked(home: string): boolean {
  const real = Deno.realPathSync(home);
  for (let top = real; top !== "";) {
    top = top.slice(0, top.lastIndexOf("/"));
    const index = indexOf(top);
    if (index === undefined) continue;
    const path = `${real.slice(top.length + 1)}/store.db`;
    // Entries are whole paths that end with a zero byte (gitformat-index(5), versions 2 and 3).
    return latin(index).includes(`${latin(new TextEncoder().encode(path))}\0`);
  }
  return false;
}

/** The index of the checkout whose top this is, if it is one. */
function indexOf(top: string): Uint8Array | undefined {
  const direct = read(`${top}/.git/index`);
  if (direct !== undefined) return direct;
  const pointer = read(`${top}/.git`);
  const target = pointer && /^gitdir: (.+?)[\r\n]*$/.exec(new TextDecoder().decode(pointer))?.[1];
  if (!target) return undefined;
  return read(`${target.startsWith("/") ? target : `${top}/${target}`}/index`);
}

function read(path: string): Uint8Array | undefined {
  try {
    return Deno.statSync(path).isFile ? Deno.readFileSync(path) : undefined;
  } catch (error) {
    // Not a checkout, or one that this process may not look into: then git says nothing about the store.
    if (error instanceof Error && "code" in error) return undefined;
    throw error;
  }
}

/** One character a byte, so that bytes can be searched as text. */
function latin(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}

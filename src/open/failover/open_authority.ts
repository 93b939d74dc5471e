/**
 * Opening the authority of a site, or finding out that this process has to do without: the place of the directory is a
 * link, holds somebody else's files, came with a clone, or cannot be written.
 *
 * Without it a process works on Redis alone, which it tells Redis, so that no site takes over while this process is about.
 * @module
 */
import type { Clock } from "../../clock.ts";
import { StoreUnavailableError } from "../../errors.ts";
import type { Warn } from "../../engine/warning.ts";
import { Authority } from "./authority.ts";
import type { FailoverMode } from "./change.ts";
import { usableRecord } from "./decider.ts";
import { siteOf } from "./site.ts";
import { makeSiteHome, siteHome } from "./site_files.ts";

/** What {@linkcode openAuthority} goes by. */
export interface OpenAuthorityOptions {
  /** The directory that makes the site. */
  readonly directory: string;
  readonly namespace: string;
  readonly mode: FailoverMode;
  readonly clock: Clock;
  /** Called when there will be no authority. */
  readonly warn?: Warn | undefined;
}

/**
 * Opens it, with everything that it needs made.
 *
 * @returns `undefined` where the directory cannot be used and need not: in the mode `auto`.
 * @throws {StoreUnavailableError} in the mode `directory`, and where the directory may have the authority now: going on
 * without it could grant what is granted there.
 */
export function openAuthority(options: OpenAuthorityOptions): Authority | undefined {
  const { directory, namespace, mode, clock, warn } = options;
  const makeHome = () => makeSiteHome(directory, namespace);
  try {
    const home = makeHome();
    // A site without a name could not tell Redis that it is there, and others would take over beside it.
    siteOf(directory);
    return Authority.open(home, { clock, makeHome });
  } catch (error) {
    const isForbidden = error instanceof Deno.errors.NotCapable;
    if (!isForbidden && !(error instanceof StoreUnavailableError)) throw error;
    if (mayDecide(siteHome(directory, namespace))) throw error;
    // What follows is advice for who named the directory as a store.
    const [reason = ""] = error.message.replace(/^Cannot use the store: /, "").split("; ");
    if (mode === "directory") {
      throw new StoreUnavailableError(
        `Cannot let a directory stand in for the server: ${reason}; mend that, or do without one with ` +
          "--fallback never",
        { path: directory, fallback: mode },
        !isForbidden && error.retryable,
        error,
      );
    }
    warn?.({ kind: "no_fallback", directory, reason });
    return undefined;
  }
}

/** Whether a record that could not be opened for writing may be in use by others of this site, and name the directory. */
function mayDecide(home: string): boolean {
  try {
    return usableRecord(home)?.store === "directory";
  } catch (error) {
    if (error instanceof StoreUnavailableError) return true; // Damaged.
    throw error;
  }
}

/**
 * Which sites use a namespace on Redis. A site is all agents that share a fallback directory; a client without one is a
 * site by itself, of its host. Who is alone may go on in its directory while Redis cannot be reached, since nobody
 * else can be granted the same lock meanwhile; so everybody tells Redis that it is there.
 * @module
 */
import { script } from "./script.ts";
import type { ScriptRunner } from "./script_runner.ts";

/** How long a site is remembered that is not heard of again. */
export const SITE_MEMORY_MS = 24 * 60 * 60 * 1000;
/** How many other sites an answer names at most: one of them is enough to know that this one is not alone. */
export const SITES_TOLD = 100;

/** One site, as Redis knows it. */
export interface SeenSite {
  /** Its `siteId`, or `none:<host>` of clients that have no fallback directory. */
  readonly site: string;
  /** When it was last heard of, by the store's clock in epoch milliseconds. */
  readonly lastSeenMs: number;
}

/** What Redis answers to a site. */
export interface SitesSeen {
  /** The other sites of the last 24 hours, the newest first, {@linkcode SITES_TOLD} at most. Empty: it is alone. */
  readonly others: readonly SeenSite[];
  /** The store's clock, in epoch milliseconds. */
  readonly nowMs: number;
}

const SITES = script("engine/sites");

/** What a client calls itself that has no fallback directory: the site of its host. */
export function siteWithoutDirectory(host: string): string {
  return `none:${host}`;
}

/**
 * Tells the namespace that `site` is there, and asks who else is. Sites that are `known` from before are put back where
 * the server has forgotten them.
 *
 * @throws {StoreUnavailableError} when the server cannot be used.
 */
export async function seeSites(
  runner: ScriptRunner,
  site: string,
  { known = [] }: { readonly known?: readonly SeenSite[] } = {},
): Promise<SitesSeen> {
  return await callSites(runner, site, { known });
}

/**
 * Asks the namespace for all its sites, as somebody who belongs to none. With `forget` one is taken off the list first,
 * until it is heard of again.
 *
 * @throws {StoreUnavailableError} when the server cannot be used.
 */
export async function listSites(
  runner: ScriptRunner,
  { forget = "" }: { readonly forget?: string } = {},
): Promise<SitesSeen> {
  return await callSites(runner, "", { forget });
}

async function callSites(
  runner: ScriptRunner,
  site: string,
  { forget = "", known = [] }: { readonly forget?: string; readonly known?: readonly SeenSite[] },
): Promise<SitesSeen> {
  const answer = await runner.write(
    SITES,
    undefined,
    site,
    SITE_MEMORY_MS,
    forget,
    SITES_TOLD,
    ...known.flatMap((one) => [one.site, one.lastSeenMs]),
  );
  return JSON.parse(String(answer));
}

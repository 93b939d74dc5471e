/**
 * Who uses a server, as everybody above the stores sees it. A site is all agents that share a fallback directory, or
 * those of one host that have none.
 * @module
 */
import { InvalidArgumentError } from "./errors.ts";
import type { Site, Store } from "./store.ts";

/**
 * Asks the server which sites use the namespace, after telling it to forget one.
 *
 * @throws {InvalidArgumentError} when the store is no server.
 */
export async function sitesOf(store: Store, forget?: string): Promise<readonly Site[]> {
  const sites = await store.sites?.(forget);
  if (sites !== undefined) return sites;
  const { kind, location } = store;
  throw new InvalidArgumentError(
    `The store at ${location} is a directory: sites are what shares a server`,
    { field: "store", kind },
  );
}

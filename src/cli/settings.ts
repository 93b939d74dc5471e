/**
 * What a call needs that works with settings or a store, loaded as one: most calls do, `version` and help do not.
 * @module
 */
import type { Config } from "../config.ts";
import { engineOf } from "../open/engines.ts";

export { resolveAccess, resolveConfig, shownStore } from "../config.ts";
export { lazyContext } from "../open/open.ts";

/** What to say of a password that stands in the command line itself; `undefined` when there is none. */
export function passwordRemark({ sources, store, credentials }: Config): string | undefined {
  if (sources.store !== "--store" || credentials !== undefined) return;
  if (!engineOf(store).hasPassword) return;
  return "--store has a password, which other users of this host can read while the command runs; " +
    "give it in AGENTCOORD_STORE, or store it with agentcoord login";
}

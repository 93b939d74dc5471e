/**
 * Where a site keeps what its agents share for failing over: in the project's `.agentcoord/fallback/`, kept out of git.
 * @module
 */
import { isDirectory } from "../../disk.ts";
import { makeHome } from "../../engine/directory/place.ts";

/** Where one namespace's files are in the directory that makes a site. */
export function siteHome(directory: string, namespace: string): string {
  return `${directory}/namespaces/${namespace}`;
}

/** Whether it has been made. */
export function hasSiteHome(directory: string, namespace: string): boolean {
  return isDirectory(siteHome(directory, namespace));
}

/**
 * Makes it, with everything above it.
 *
 * @throws {StoreUnavailableError} when that is not possible.
 */
export function makeSiteHome(directory: string, namespace: string): string {
  const home = siteHome(directory, namespace);
  makeHome(directory, home);
  return home;
}

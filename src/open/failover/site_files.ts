/**
 * Where a site keeps what its agents share for failing over: in the project's `.agentcoord/fallback/`, kept out of git.
 * @module
 */
import { exists, parentOf } from "../../disk.ts";
import { storeFailure } from "../../engine/directory/failure.ts";
import { makeHome } from "../../engine/directory/place.ts";
import { isPlainDirectory } from "../../engine/directory/plain_file.ts";

/** Where one namespace's files are in the directory that makes a site. */
export function siteHome(directory: string, namespace: string): string {
  return `${directory}/namespaces/${namespace}`;
}

/** Whether it has been made, or something else is in its place. */
export function hasSiteHome(directory: string, namespace: string): boolean {
  return exists(siteHome(directory, namespace));
}

/**
 * Makes it, with everything above it. The directory and the one around it belong to the project, so a link in their place
 * may have come with a clone, and is not followed.
 *
 * @throws {StoreUnavailableError} when that is not possible.
 */
export function makeSiteHome(directory: string, namespace: string): string {
  const home = siteHome(directory, namespace);
  try {
    if (isPlainDirectory(parentOf(directory))) isPlainDirectory(directory);
  } catch (error) {
    throw storeFailure(error, directory);
  }
  makeHome(directory, home);
  return home;
}

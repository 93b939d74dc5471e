/**
 * Where a site keeps what its agents share for failing over: in the project's `.agentcoord/fallback/`, in a directory of
 * its own for each server, kept out of git.
 * @module
 */
import { exists, parentOf } from "../../disk.ts";
import { storeFailure } from "../../engine/directory/failure.ts";
import { makeHome } from "../../engine/directory/place.ts";
import { isPlainDirectory } from "../../engine/directory/plain_file.ts";

/** So many bytes of a digest tell the few servers of a project apart. */
const SERVER_BYTES = 8;

/**
 * The directory of all that a project has that makes the site of one server; `identity` is what makes two stores one.
 * Whoever misspells the address of a server, or moves to another one, has a site of its own there, and takes nothing
 * over from those who use the right one.
 */
export async function siteDirectory(fallback: string, identity: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(identity));
  return `${fallback}/${new Uint8Array(digest, 0, SERVER_BYTES).toHex()}`;
}

/** Where one namespace's files are in the directory that makes a site. */
export function siteHome(directory: string, namespace: string): string {
  return `${directory}/namespaces/${namespace}`;
}

/** Whether it has been made, or something else is in its place. */
export function hasSiteHome(directory: string, namespace: string): boolean {
  return exists(siteHome(directory, namespace));
}

/**
 * Makes it, with everything above it. The directory and the two around it belong to the project, so a link in their
 * place may have come with a clone, and is not followed.
 *
 * @throws {StoreUnavailableError} when that is not possible.
 */
export function makeSiteHome(directory: string, namespace: string): string {
  const home = siteHome(directory, namespace);
  try {
    const fallback = parentOf(directory);
    if (isPlainDirectory(parentOf(fallback)) && isPlainDirectory(fallback)) {
      isPlainDirectory(directory);
    }
  } catch (error) {
    throw storeFailure(error, directory);
  }
  makeHome(directory, home);
  return home;
}

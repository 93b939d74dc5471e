/**
 * The name of a site: all agents that share one fallback directory, and with it one name, which they tell Redis.
 * @module
 */
import { StoreUnavailableError } from "../../errors.ts";
import { newId } from "../../id.ts";
import { lookAtFile } from "../../engine/directory/plain_file.ts";

/** A `siteId`, which is a prefix and a ULID (https://github.com/ulid/spec), and the number of the file it was written to. */
const CONTENT = /^(sit_[0-7][0-9A-HJKMNP-TV-Z]{25}) (\d{1,20})$/;
/** A longer file is not one of ours. */
const FILE_BYTES = 64;

/**
 * The `siteId` of the fallback directory `home`, which exists; made at the first call. Processes that make it at the same
 * moment get the same one. A copy of the directory is another site, since its agents do not share the locks of this
 * one: it gets a name of its own.
 *
 * @throws {StoreUnavailableError} when the file is damaged, or something else is in its place.
 */
export function siteOf(home: string): string {
  const path = `${home}/site`;
  const found = readSite(path);
  if (found?.isOwn) return found.site;
  makeSite(path, found === undefined ? Deno.linkSync : Deno.renameSync);
  // Another process may have been the last to replace a copy.
  return readSite(path)!.site;
}

/** `undefined` when there is no such file. It has two names for a moment while it is made. */
function readSite(path: string): { readonly site: string; readonly isOwn: boolean } | undefined {
  if (lookAtFile(path, 2) === undefined) return undefined;
  const file = Deno.openSync(path, { read: true });
  try {
    const bytes = new Uint8Array(FILE_BYTES);
    const length = file.readSync(bytes) ?? 0;
    const text = new TextDecoder().decode(bytes.subarray(0, length)).trimEnd();
    const [, site, number] = CONTENT.exec(text) ?? [];
    if (site === undefined) throw damaged(path);
    return { site, isOwn: number === String(file.statSync().ino) };
  } finally {
    file.close();
  }
}

/** A link lets the name be there as a whole or not at all, and the first one stay; a rename replaces it. */
function makeSite(path: string, put: (draft: string, path: string) => void): void {
  const draft = `${path}.${Deno.pid}.${crypto.randomUUID().slice(0, 8)}`;
  const file = Deno.openSync(draft, { createNew: true, write: true, mode: 0o600 });
  try {
    file.writeSync(new TextEncoder().encode(`${newId("sit")} ${file.statSync().ino}\n`));
    file.syncSync();
    put(draft, path);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  } finally {
    file.close();
    removeDraft(draft);
  }
}

function removeDraft(draft: string): void {
  try {
    Deno.removeSync(draft);
  } catch (error) {
    // Renamed.
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function damaged(path: string): StoreUnavailableError {
  return new StoreUnavailableError(
    `Cannot use the store: ${path} does not hold the name of a site; remove it, and a new name is made: to Redis this ` +
      "is another site then, and the former one is forgotten after 24 hours",
    { path },
  );
}

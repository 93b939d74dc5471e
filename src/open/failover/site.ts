/**
 * The name of a site: all agents that share one fallback directory, and with it one name, which they tell Redis.
 * @module
 */
import { StoreUnavailableError } from "../../errors.ts";
import { newId } from "../../id.ts";
import { lookAtFile } from "../../engine/directory/plain_file.ts";

/** A `siteId`: the prefix and a ULID (https://github.com/ulid/spec). */
const SITE_ID = /^sit_[0-7][0-9A-HJKMNP-TV-Z]{25}$/;
/** A name and its line feed; a longer file is not one of ours. */
const FILE_BYTES = 64;

/**
 * The `siteId` of the fallback directory `home`, which exists; made at the first call. Processes that make it at the same
 * moment get the same one.
 *
 * @throws {StoreUnavailableError} when the file is damaged, or something else is in its place.
 */
export function siteOf(home: string): string {
  const path = `${home}/site`;
  return readSite(path) ?? makeSite(path);
}

/** `undefined` when there is no such file. It has two names for a moment while it is made. */
function readSite(path: string): string | undefined {
  if (lookAtFile(path, 2) === undefined) return undefined;
  const file = Deno.openSync(path, { read: true });
  try {
    const bytes = new Uint8Array(FILE_BYTES);
    const length = file.readSync(bytes) ?? 0;
    const site = new TextDecoder().decode(bytes.subarray(0, length)).trimEnd();
    if (!SITE_ID.test(site)) throw damaged(path);
    return site;
  } finally {
    file.close();
  }
}

/** A link, so that the name is there as a whole or not at all, and the first one stays. */
function makeSite(path: string): string {
  const draft = `${path}.${Deno.pid}.${crypto.randomUUID().slice(0, 8)}`;
  const file = Deno.openSync(draft, { createNew: true, write: true, mode: 0o600 });
  try {
    file.writeSync(new TextEncoder().encode(`${newId("sit")}\n`));
    file.syncSync();
    Deno.linkSync(draft, path);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  } finally {
    file.close();
    Deno.removeSync(draft);
  }
  return readSite(path)!;
}

function damaged(path: string): StoreUnavailableError {
  return new StoreUnavailableError(
    `Cannot use the store: ${path} does not hold the name of a site; remove it, and a new name is made: to Redis this ` +
      "is another site then, and the former one is forgotten after 24 hours",
    { path },
  );
}

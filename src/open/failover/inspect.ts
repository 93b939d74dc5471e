/**
 * A look at what a site keeps for failing over, from outside: nothing is made, locked or changed, and whoever works
 * meanwhile goes on.
 * @module
 */
import { accessSync, constants } from "node:fs";
import { exists, parentOf } from "../../disk.ts";
import {
  inspectRecords,
  type StoppedHolder,
  stoppedHolders,
} from "../../engine/directory/inspect.ts";
import { storeFailure } from "../../engine/directory/failure.ts";
import { isPlainDirectory, lookAtFile } from "../../engine/directory/plain_file.ts";
import { isTracked } from "../../engine/directory/tracked.ts";
import type { Lease } from "../../lock/model.ts";
import type { Journal } from "../../store.ts";
import { journalIn } from "./journal.ts";
import { loadMirror } from "./mirror_snapshot.ts";
import { type AuthorityRecord, RecordFile } from "./record.ts";
import { OUTAGE_SCHEMA } from "./schema.ts";
import { siteDirectory, siteHome } from "./site_files.ts";

/** Where a site's files of one namespace are, or would be. */
export interface SitePlace {
  /** The directory that makes the site. */
  readonly directory: string;
  readonly home: string;
  readonly isMade: boolean;
}

/** The place for a server with this identity, in the project's directory for all of them. */
export async function sitePlace(
  fallback: string,
  identity: string,
  namespace: string,
): Promise<SitePlace> {
  const directory = await siteDirectory(fallback, identity);
  const home = siteHome(directory, namespace);
  return { directory, home, isMade: exists(home) };
}

/** Why the directory could not take over, as far as can be told without trying; `undefined` when it could. */
export function obstacle({ directory, home, isMade }: SitePlace): string | undefined {
  try {
    const fallback = parentOf(directory);
    // As when it is made: nothing of it may be a link, or somebody else's.
    for (const path of [parentOf(fallback), fallback, directory, parentOf(home), home]) {
      if (!isPlainDirectory(path)) break;
    }
    if (isMade && isTracked(home, "")) return `git tracks ${home}`;
    let place = home;
    while (!exists(place) && place !== "/") place = parentOf(place);
    accessSync(place, constants.W_OK);
    return undefined;
  } catch (error) {
    const failure = storeFailure(error, home);
    return failure instanceof Error ? failure.message : String(failure);
  }
}

/**
 * The authority record; `undefined` where there is none yet.
 *
 * @throws {StoreUnavailableError} when it is damaged, or something else is in its place.
 */
export function recordIn({ home }: SitePlace): AuthorityRecord | undefined {
  const path = `${home}/authority`;
  try {
    if (lookAtFile(path) === undefined) return undefined;
    using file = Deno.openSync(path, { read: true });
    return new RecordFile(path, file).peek();
  } catch (error) {
    throw storeFailure(error, path);
  }
}

/**
 * What waits to be moved from the directory of an outage.
 *
 * @throws {StoreUnavailableError} when its database is missing or damaged.
 */
export function outageJournal({ home }: SitePlace, { outage }: AuthorityRecord): Journal {
  return inspectRecords(
    `${home}/outage.${outage}`,
    OUTAGE_SCHEMA,
    (reader) => journalIn(reader, 0),
  );
}

/** The processes that were stopped while an operation of theirs was under way, and so delay a change of authority. */
export function stoppedInside({ home }: SitePlace): readonly StoppedHolder[] {
  return stoppedHolders([`${home}/authority.lock`, `${home}/turnstile.lock`]);
}

/** What of the locks that a server has is not in the site's mirror; the mirror may have more, which is safe. */
export function missingInMirror(
  { home }: SitePlace,
  { mirror }: AuthorityRecord,
  leases: readonly Lease[],
  nowMs: number,
): readonly Lease[] {
  const key = ({ path, fence }: Pick<Lease, "path" | "fence">) => `${fence} ${path}`;
  const known = new Set(loadMirror(home, mirror, nowMs).leases.map(key));
  return leases.filter((lease) => !known.has(key(lease)));
}

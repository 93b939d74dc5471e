/**
 * What processes left in a site's files that died while they changed the authority.
 * @module
 */
import { removeIfPresent } from "../../disk.ts";
import type { AuthorityRecord } from "./record.ts";

/** Databases of outages, mirrors, and drafts of mirrors and of the record. */
const REMOVABLE =
  /^(?:outage\.\d+|mirror\.\d+(?:\.\d+\.[0-9a-f]{8})?|authority\.\d+\.[0-9a-f]{8})$/;

/**
 * Removes from `home` what the record does not name. Only under the exclusive lock, and once the record is written: whatever
 * somebody still has open then is of an epoch that is over.
 */
export async function removeLeftovers(
  home: string,
  { outage, mirror }: AuthorityRecord,
): Promise<void> {
  const named = [`outage.${outage}`, `mirror.${mirror}`];
  for (const { name } of Deno.readDirSync(home)) {
    if (REMOVABLE.test(name) && !named.includes(name)) await removeIfPresent(`${home}/${name}`);
  }
}

/**
 * The schema of a database, and whether its tables are exactly those that the migrations make.
 *
 * A database file may come from somebody else, and what its schema holds is run by the engine: a trigger on
 * the approvals could approve each request as it is made. So everything in the schema is compared, by one
 * digest for each version that there has been. Reading the schema and the digest take a tenth of a millisecond.
 * @module
 */
import { createHash } from "node:crypto";

/** The schema that a program reads and writes, and those that came before it. */
export interface Schema {
  /** The digest of {@linkcode schemaDigest} after each migration; there are as many versions. */
  readonly digests: readonly string[];
  /** Loads the migrations: entry N brings a database from version N to N + 1. */
  readonly migrations: () => Promise<readonly string[]>;
}

/** What can be asked: a database of the embedded engine. */
interface Prepares {
  prepare(sql: string): { get(): unknown };
}

/** All that the schema holds, in one text; where in the file it lies makes no difference. */
const SCHEMA_TEXT = `
SELECT group_concat(entry, char(30)) AS text FROM (
  SELECT type || char(31) || name || char(31) || tbl_name || char(31) || coalesce(sql, '') AS entry
  FROM sqlite_schema ORDER BY type, name
)`;

/** The newest version that the program knows. */
export function newestVersion({ digests }: Schema): number {
  return digests.length;
}

/** SHA-256 of all that the schema holds: the same for all databases that the same migrations made. */
export function schemaDigest(db: Prepares): string {
  const row = db.prepare(SCHEMA_TEXT).get() as { readonly text: string | null };
  return createHash("sha256").update(row.text ?? "").digest("hex");
}

/** Whether the schema is the one of this version, with nothing added, changed or left out. */
export function isOwnSchema({ digests }: Schema, db: Prepares, version: number): boolean {
  return schemaDigest(db) === digests[version - 1];
}

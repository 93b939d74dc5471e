/**
 * Whether the tables of a database are exactly those that the migrations make.
 *
 * A database file may come from somebody else, and what its schema holds is run by the engine: a trigger on
 * the approvals could approve each request as it is made. So everything in the schema is compared, by one
 * digest for each version that there has been. Reading the schema and the digest take a tenth of a millisecond.
 * @module
 */
import { createHash } from "node:crypto";

/** SHA-256 of {@linkcode SCHEMA_TEXT} after each migration; a test makes them anew. */
const DIGESTS: readonly string[] = [
  "c06460f9509a7e03a1d1f83760d32ab73cdc39fecbf4116c5438cdcc35287636",
  "a5ac727146c2255646a87cd514b749ae38a4954871dabc109d4b865409ba3e14",
  "b8ba9dec78e154d630a0ba3603c63cc412f0b19a50f1c83c0617604bd8e8d115",
  "ae578190f829f4720b84629da2e0fca5f486c9822ae3614d6013fbe702baa6e8",
];

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

/** Fingerprint of the schema: the same for all databases that the same migrations made. */
export function schemaDigest(db: Prepares): string {
  const row = db.prepare(SCHEMA_TEXT).get() as { readonly text: string | null };
  return createHash("sha256").update(row.text ?? "").digest("hex");
}

/** Whether the schema is the one of this version, with nothing added, changed or left out. */
export function isOwnSchema(db: Prepares, version: number): boolean {
  return schemaDigest(db) === DIGESTS[version - 1];
}

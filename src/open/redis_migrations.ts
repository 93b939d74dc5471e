/**
 * How older data of a Redis store are brought forward, version by version. Loaded only where a script has found some.
 * @module
 */
import type { RedisConnection } from "../engine/redis/connection.ts";
import { migrationText } from "../engine/redis/script.ts";
import type { ScriptName } from "../engine/redis/scripts.ts";

/**
 * Entry N brings a namespace from version N to N + 1 (the first is 1). An entry that was released never changes: what
 * comes later is a new entry. There is one fewer than `REDIS_SCHEMA_VERSION` in schema.ts.
 */
export const REDIS_MIGRATIONS: readonly ScriptName[] = ["task/to_2"];

/** How many records one portion changes, and about how many bytes: some 10 ms of the server. */
const RECORDS = 500;
const BYTES = 1_048_576;

/** How {@linkcode bringForward} works. */
export interface BringForwardOptions {
  /** What the names of the namespace's keys begin with. */
  readonly prefix: string;
  /** Most records in a portion. */
  readonly records?: number;
}

/**
 * Brings a namespace forward from this version, portion by portion. Several clients may do so at once.
 *
 * @throws what the client throws; then another call goes on where this one ended.
 */
export async function bringForward(
  { client }: Pick<RedisConnection, "client">,
  found: number,
  { prefix, records = RECORDS }: BringForwardOptions,
): Promise<void> {
  for (let version = Math.floor(found); version <= REDIS_MIGRATIONS.length;) {
    const { text, keys } = migrationText(REDIS_MIGRATIONS[version - 1]!);
    const names = keys.map((key) => prefix + key);
    version = Math.floor(
      Number(await client.eval(text, names.length, ...names, version, records, BYTES)),
    );
  }
}

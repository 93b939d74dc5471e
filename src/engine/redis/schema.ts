/**
 * The form of a namespace's data on Redis: a whole number, which every script compares with its own before it does
 * anything. Halves are versions under way: 1.5 is being brought from 1 to 2, see migrate.lua.
 * @module
 */
import { StoreUnavailableError } from "../../errors.ts";

/** The form of the data that this program reads and writes. */
export const REDIS_SCHEMA_VERSION = 2;

/** The first form that there was. */
const FIRST = 1;

/** More than there will ever be. */
const MOST = 10_000;

/** What can be said of data of some version. */
export type SchemaAge = "known" | "older" | "newer" | "foreign";

/** How data of this version stand to this program. */
export function ageOf(version: number): SchemaAge {
  if (version === REDIS_SCHEMA_VERSION) return "known";
  // Eight bytes of anything are a number; versions are small, and halves at most.
  if (!Number.isInteger(version * 2) || version > MOST) return "foreign";
  if (version > REDIS_SCHEMA_VERSION) return "newer";
  return version >= FIRST ? "older" : "foreign";
}

/** The version that a script found instead of its own, when that is what the server's error says. */
export function versionIn(error: unknown): number | undefined {
  const found = error instanceof Error && /\bSCHEMA (\S+)/.exec(error.message)?.[1];
  return found ? Number(found) : undefined;
}

/** Why data of another version cannot be used, and what to do. */
export function schemaRefusal(
  version: number,
  { location, namespace }: { readonly location: string; readonly namespace: string },
): StoreUnavailableError {
  const supported = REDIS_SCHEMA_VERSION;
  const age = ageOf(version);
  const place = `namespace "${namespace}" at ${location}`;
  if (age === "foreign") {
    const key = `{agentcoord:${namespace}}:state`;
    return new StoreUnavailableError(
      `Cannot use the store: what ${place} holds in ${key} was not written by agentcoord; ` +
        "put it right or restore the server from a backup, or use another namespace or database",
      { location, reason: "foreign_keys", key },
    );
  }
  return new StoreUnavailableError(
    `Cannot use the store: ${place} has schema version ${version}, this program knows ${supported}; ` +
      (age === "newer" ? "upgrade agentcoord" : "use the program that wrote it"),
    { location, reason: "schema", version, supported },
  );
}

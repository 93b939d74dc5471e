/**
 * Rows of the lock tables, and which of them one path concerns.
 * @module
 */
import { lockPathAncestors } from "../../path.ts";
import type { Reader, SqlValue } from "../../engine/directory/transaction.ts";
import type { Lease, LockMode } from "../model.ts";
import type { Aliases } from "../store.ts";

/** One lease on one path, live or not. */
export interface LockRow {
  path: string;
  fence: number;
  holder: string;
  mode: LockMode;
  intent: string;
  ttl_ms: number;
  acquired_at_ms: number;
  expires_at_ms: number;
  /** The task whose claim took it, if one did. */
  task: string | null;
}

/** The public form of a row. */
export function toLease(row: LockRow): Lease {
  return {
    path: row.path,
    mode: row.mode,
    holder: row.holder,
    fence: row.fence,
    intent: row.intent,
    acquiredAtMs: row.acquired_at_ms,
    expiresAtMs: row.expires_at_ms,
    ...(row.task === null ? {} : { taskId: row.task }),
  };
}

/** A lease under one of its names: its path, or an alias. */
export type NamedLock = LockRow & { readonly name: string };

/** Which rows are meant, in SQL. */
export interface Condition {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

/** The lease of this path and fence, live or not. */
export function leaseOf(
  reader: Reader,
  { path, fence }: Pick<LockRow, "path" | "fence">,
): LockRow | undefined {
  return reader.get<LockRow>("SELECT * FROM locks WHERE path = ? AND fence = ?", path, fence);
}

/** The live leases on exactly this name. */
export function liveNamed(reader: Reader, name: string): LockRow[] {
  return rowsOn(reader, "name = ?", [name]).filter(isLive(reader));
}

/** The live leases that cover a name: its own, then those above it, the nearest first. */
export function liveOver(reader: Reader, name: string): LockRow[] {
  return rowsOver(reader, name).filter(isLive(reader));
}

/**
 * The first lease, of those that conflict with a name as names go, for which `condition` holds: of those over it,
 * the nearest, else of those below it the first by name. The engine looks through them: there may be very many.
 */
export function firstOverlapping(
  reader: Reader,
  name: string,
  condition: Condition,
): NamedLock | undefined {
  const names = [name, ...lockPathAncestors(name)];
  const values = [...names, ...condition.values];
  const over = rowsOn(reader, `${namedOneOf(names)} AND ${condition.sql}`, values);
  for (const each of names) {
    const row = over.find((one) => one.name === each);
    if (row !== undefined) return row;
  }
  const below = belowOf(name);
  const [first] = rowsOn(
    reader,
    `${below.sql} AND ${condition.sql}`,
    [...below.values, ...condition.values],
    1,
  );
  return first;
}

/** Whose requests are for what conflicts with a name, in the order they came: the first of them. */
export function waitersOverlapping(reader: Reader, name: string, limit: number): number[] {
  const names = [name, ...lockPathAncestors(name)];
  const below = belowOf(name);
  return reader.all<{ seq: number }>(
    `SELECT DISTINCT seq FROM (SELECT path AS name, seq FROM lock_waiter_paths)
     WHERE ${namedOneOf(names)} OR (${below.sql}) ORDER BY seq LIMIT ? + 0`,
    ...names,
    ...below.values,
    limit,
  ).map(({ seq }) => seq);
}

/** The condition of names below one. "0" is the character after "/": a range holds what starts with a slash after it. */
function belowOf(name: string): Condition {
  // The project's top is no such prefix: there it is everything but what lies outside the project.
  if (name === ".") return { sql: "name <> '.' AND (name < '/' OR name >= '0')", values: [] };
  const start = name === "/" ? "" : name;
  return { sql: "name > ? AND name < ?", values: [`${start}/`, `${start}0`] };
}

function rowsOver(reader: Reader, name: string): LockRow[] {
  const names = [name, ...lockPathAncestors(name)];
  const byName = Map.groupBy(rowsOn(reader, namedOneOf(names), names), (row) => row.name);
  return names.flatMap((each) => byName.get(each) ?? []);
}

/** The leases under names that fulfil a condition, by name; of very many the first. */
function rowsOn(
  reader: Reader,
  condition: string,
  values: readonly SqlValue[],
  limit = -1,
): NamedLock[] {
  const byAlias = reader.counts.lock_aliases
    ? "UNION ALL SELECT alias, l.* FROM lock_aliases a, locks l WHERE l.path = a.path AND l.fence = a.fence"
    : "";
  return reader.all(
    `SELECT * FROM (SELECT path AS name, * FROM locks ${byAlias}) WHERE ${condition}
     ORDER BY name, fence LIMIT ? + 0`,
    ...values,
    limit,
  );
}

function namedOneOf(names: readonly string[]): string {
  return `name IN (${names.map(() => "?").join(", ")})`;
}

function isLive({ nowMs }: Reader): (row: LockRow) => boolean {
  return (row) => row.expires_at_ms > nowMs;
}

/** A path and its other names. */
export function namesOf(path: string, aliases: Aliases = {}): readonly string[] {
  return [path, ...aliases[path] ?? []];
}

/** Whether two holders with these modes keep each other out. */
export function modesConflict(a: LockMode, b: LockMode): boolean {
  return a === "exclusive" || b === "exclusive";
}

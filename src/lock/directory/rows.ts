/**
 * Rows of the lock tables, and which of them one path concerns.
 * @module
 */
import { covers, lockPathAncestors } from "../../path.ts";
import type { Reader } from "../../engine/directory/transaction.ts";
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
  };
}

/** A row under one of its names: its path, or an alias. */
type Named<Row> = Row & { readonly name: string };

/** The tables of what stands on a path, each with what comes after the path in its order. */
const ORDER = { locks: "fence", lock_waiter_paths: "seq" } as const;
type Table = keyof typeof ORDER;

/** The live leases on exactly this name. */
export function liveNamed(reader: Reader, name: string): LockRow[] {
  return rowsOn<LockRow>(reader, "locks", "name = ?", [name]).filter(isLive(reader));
}

/** The live leases that cover a name: its own, then those above it, the nearest first. */
export function liveOver(reader: Reader, name: string): LockRow[] {
  return rowsOver<LockRow>(reader, "locks", name).filter(isLive(reader));
}

/** The leases, or places in the queue, that conflict with a name: those over it, then those below it by name. */
export function overlapping<Row>(reader: Reader, table: Table, name: string): Row[] {
  // "0" is the character after "/": the range holds exactly what starts with the name and a slash. The
  // project's top is no such prefix, so there the whole table is the range.
  const start = name === "/" ? "" : name;
  const below = name === "."
    ? rowsOn<Row>(reader, table, "name <> ?", [name])
    : rowsOn<Row>(reader, table, "name > ? AND name < ?", [`${start}/`, `${start}0`]);
  return [...rowsOver<Row>(reader, table, name), ...below.filter((row) => covers(name, row.name))];
}

function rowsOver<Row>(reader: Reader, table: Table, name: string): Row[] {
  const names = [name, ...lockPathAncestors(name)];
  const marks = names.map(() => "?").join(", ");
  const rows = rowsOn<Row>(reader, table, `name IN (${marks})`, names);
  const byName = Map.groupBy(rows, (row) => row.name);
  return names.flatMap((each) => byName.get(each) ?? []);
}

function rowsOn<Row>(
  reader: Reader,
  table: Table,
  condition: string,
  values: readonly string[],
): Named<Row>[] {
  const byAlias = table === "locks" && reader.counts.lock_aliases
    ? "UNION ALL SELECT alias, l.* FROM lock_aliases a, locks l WHERE l.path = a.path AND l.fence = a.fence"
    : "";
  return reader.all(
    `SELECT * FROM (SELECT path AS name, * FROM ${table} ${byAlias}) WHERE ${condition}
     ORDER BY name, ${ORDER[table]}`,
    ...values,
  );
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

/**
 * Rows of the lock tables, and which of them one path concerns.
 * @module
 */
import { lockPathAncestors, pathsConflict } from "../path.ts";
import type { Reader } from "../store/transaction.ts";
import type { Lease, LockMode } from "./lock.ts";

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

/** The live leases on exactly these paths. */
export function liveOn(reader: Reader, paths: readonly string[]): LockRow[] {
  return reader.all<LockRow>(
    `SELECT * FROM locks WHERE path IN (${
      marks(paths)
    }) AND expires_at_ms > ? ORDER BY path, fence`,
    ...paths,
    reader.nowMs,
  );
}

function marks(values: readonly unknown[]): string {
  return values.map(() => "?").join(", ");
}

/** The live leases that cover `path`: its own, then those above it, the nearest first. */
export function liveOver(reader: Reader, path: string): LockRow[] {
  const names = [path, ...lockPathAncestors(path)];
  const rows = Map.groupBy(liveOn(reader, names), (row) => row.path);
  return names.flatMap((name) => rows.get(name) ?? []);
}

/**
 * The rows of `table` whose path conflicts with `path`: its own, those above it with the nearest first, then
 * those below it by name.
 */
export function overlapping<Row extends { path: string }>(
  reader: Reader,
  table: "locks" | "lock_waiter_paths",
  path: string,
): Row[] {
  const second = table === "locks" ? "fence" : "seq";
  const names = [path, ...lockPathAncestors(path)];
  const over = Map.groupBy(
    reader.all<Row>(
      `SELECT * FROM ${table} WHERE path IN (${marks(names)}) ORDER BY path, ${second}`,
      ...names,
    ),
    (row) => row.path,
  );
  // "0" is the character after "/": the range holds exactly what starts with the path and a slash. The
  // project's top is no such prefix, so there the whole table is the range.
  const start = path === "/" ? "" : path;
  const below = path === "."
    ? reader.all<Row>(`SELECT * FROM ${table} WHERE path <> ? ORDER BY path, ${second}`, path)
    : reader.all<Row>(
      `SELECT * FROM ${table} WHERE path > ? AND path < ? ORDER BY path, ${second}`,
      `${start}/`,
      `${start}0`,
    );
  return [
    ...names.flatMap((name) => over.get(name) ?? []),
    ...below.filter((row) => pathsConflict(row.path, path)),
  ];
}

/** Whether two holders with these modes keep each other out. */
export function modesConflict(a: LockMode, b: LockMode): boolean {
  return a === "exclusive" || b === "exclusive";
}

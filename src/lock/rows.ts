/**
 * Rows of the lock tables, and which of them one path concerns.
 * @module
 */
import { isDirectoryPath, lockPathAncestors, pathsConflict } from "../path.ts";
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

/**
 * The rows of `table` whose path may conflict with `path`: itself, its twin with or without the slash, the
 * directories above it and, for a directory, everything below it.
 */
export function overlapping<Row extends { path: string }>(
  reader: Reader,
  table: "locks" | "lock_waiter_paths",
  path: string,
): Row[] {
  const twin = isDirectoryPath(path) ? path.slice(0, -1) : `${path}/`;
  const names = [path, twin, ...lockPathAncestors(path)];
  const rows = reader.all<Row>(`SELECT * FROM ${table} WHERE path IN (${marks(names)})`, ...names);
  if (!isDirectoryPath(path)) return rows;
  // "0" is the character after "/": the range holds exactly the paths that start with `path`. The
  // project's own root has no such prefix, so there the whole table is the range.
  const below = path === "./"
    ? reader.all<Row>(`SELECT * FROM ${table} WHERE path <> ?`, path)
    : reader.all<Row>(`SELECT * FROM ${table} WHERE path > ? AND path < ?`, path, `${twin}0`);
  return [...rows, ...below.filter((row) => pathsConflict(row.path, path))];
}

/** Whether two holders with these modes keep each other out. */
export function modesConflict(a: LockMode, b: LockMode): boolean {
  return a === "exclusive" || b === "exclusive";
}

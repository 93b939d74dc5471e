/**
 * Lock paths: one file, one name. Pure; what is on disk is `project.ts`'s business.
 *
 * A lock path is relative to the top of the project with `/` between its parts (`src/a.py`), or
 * absolute when it lies outside and the caller meant that (`/etc/hosts`); the top itself is `.`. It never
 * ends in `/`, and it covers every name below it, be it a file, a directory or nothing yet: a file has
 * nothing below it, so this costs a file nothing, and what a lock excludes does not change when the file
 * becomes a directory.
 * @module
 */

import { InvalidArgumentError } from "./errors.ts";
import { checkText, LIMITS, printable, quote, utf8Length } from "./name.ts";

/** What a path is called as a lock. */
export interface LockPath {
  /** As {@linkcode normalizeLockPath} returned it: what leases are listed under. */
  readonly path: string;
  /**
   * Other names of the same file, such as that of the symbolic link it was reached by. A lock keeps others
   * from all its names, and is found under each.
   */
  readonly aliases: readonly string[];
}

/** How {@linkcode normalizeLockPath} reads a path. All directories are absolute. */
export interface LockPathRules {
  /** The top of the project: names are relative to it. */
  readonly root: string;
  /** Further tops of the same project, such as its other worktrees. The innermost one wins. */
  readonly roots?: readonly string[];
  /** Where a relative path starts. */
  readonly cwd: string;
  /** Whether a path outside every root is kept by its absolute name. Default `false`: refused. */
  readonly absolute?: boolean;
  /** The path as the caller wrote it, for messages. Default: the path itself. */
  readonly given?: string;
}

/**
 * Returns `path` when it can name a lock at all: not empty, at most 4096 bytes of UTF-8, no control
 * characters.
 *
 * @throws {InvalidArgumentError} otherwise
 */
export function checkLockPath(path: unknown): string {
  return checkText(path, "path", { maxBytes: LIMITS.pathBytes });
}

/**
 * The one name of a path: relative to the innermost root that contains it, without `.`, `..`, double
 * slashes or one at its end. Idempotent where `cwd` is `root`.
 *
 * @throws {InvalidArgumentError} when the path cannot name a lock, when it leaves the root without
 * `absolute`, and when it is an absolute directory above a root: locks inside the root are known by
 * relative names, which such a lock would not cover.
 *
 * @example
 * ```ts
 * import { normalizeLockPath } from "./path.ts";
 * normalizeLockPath("../lib//a.py", { root: "/repo", cwd: "/repo/src" }); // "lib/a.py"
 * ```
 */
export function normalizeLockPath(
  path: string,
  { root, roots = [], cwd, absolute = false, given = path }: LockPathRules,
): string {
  checkLockPath(path);
  const parts = splitPath(path.startsWith("/") ? path : `${cwd}/${path}`);
  const tops = [root, ...roots];
  let inner: readonly string[] | undefined;
  for (const top of tops.map(splitPath)) {
    if (startsWith(parts, top) && top.length >= (inner?.length ?? 0)) inner = top;
  }
  if (inner === undefined) {
    if (!absolute) {
      const full = `/${parts.join("/")}`;
      throw refused(
        given,
        `it ${full === given ? "is" : `leads to ${quote(full)},`} outside the project root ` +
          `${quote(root)}; use --absolute (absolute: true) to lock it by its full name`,
        { root, resolved: printable(full) },
      );
    }
    const below = tops.find((top) => startsWith(splitPath(top), parts));
    if (below !== undefined) {
      throw refused(given, `it contains the project root ${quote(below)}; lock "." instead`, {
        root: below,
      });
    }
    return checkLength(`/${parts.join("/")}`, given);
  }
  if (parts.length === inner.length) return ".";
  return checkLength(parts.slice(inner.length).join("/"), given);
}

/**
 * The names above a lock path, nearest first: `["a/b", "a", "."]` for `a/b/c.py`, `["/etc", "/"]` for
 * `/etc/hosts`, none for `.` and `/`.
 *
 * @param path as {@linkcode normalizeLockPath} returned it
 */
export function lockPathAncestors(path: string): string[] {
  const top = path.startsWith("/") ? "/" : ".";
  if (path === top) return [];
  const above = [];
  for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1)) {
    above.push(path.slice(0, at));
  }
  above.push(top);
  return above;
}

/** Whether the lock path `a` covers `b`: the same name, or one above it. */
export function covers(a: string, b: string): boolean {
  if (a === b) return true;
  if (a === ".") return !b.startsWith("/");
  return b.startsWith(a === "/" ? a : `${a}/`);
}

/**
 * Refuses a path together with something below it: one request cannot lock both.
 *
 * @param names as {@linkcode normalizeLockPath} returned them
 * @throws {InvalidArgumentError} naming the inner one and what it lies within
 */
export function refuseNested(names: readonly string[]): void {
  if (names.length < 2) return;
  // In this order whatever a path covers comes right after it. Paths within the project get a top of their own.
  const key = (name: string) => {
    if (name === "/") return name;
    if (name.startsWith("/")) return `${name}/`;
    return name === "." ? "./" : `./${name}/`;
  };
  const sorted = names.map((name) => ({ name, key: key(name) }))
    .sort((a, b) => a.key < b.key ? -1 : 1);
  for (const [index, { name: inside }] of sorted.entries()) {
    const outside = sorted[index - 1]?.name;
    if (outside === undefined || !covers(outside, inside)) continue;
    throw new InvalidArgumentError(
      `Invalid paths ${quote(inside)}: it lies within ${quote(outside)}; name only one of them`,
      { field: "paths", value: printable(inside) },
    );
  }
}

/** The parts of an absolute path; `.` and empty ones dropped, `..` applied by name alone. */
export function splitPath(path: string): string[] {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts;
}

function startsWith(parts: readonly string[], start: readonly string[]): boolean {
  return start.length <= parts.length && start.every((part, index) => part === parts[index]);
}

/** A short path in a deep directory can have a long name. */
function checkLength(name: string, given: string): string {
  // No UTF-16 unit takes more than three bytes.
  if (name.length * 3 <= LIMITS.pathBytes) return name;
  const size = utf8Length(name);
  if (size <= LIMITS.pathBytes) return name;
  throw refused(given, `its full name has ${size} bytes, and the limit is ${LIMITS.pathBytes}`, {
    size,
    limit: LIMITS.pathBytes,
  });
}

function refused(
  given: string,
  reason: string,
  details: Readonly<Record<string, unknown>>,
): InvalidArgumentError {
  return new InvalidArgumentError(`Invalid path ${quote(given)}: ${reason}`, {
    field: "path",
    value: printable(given),
    ...details,
  });
}

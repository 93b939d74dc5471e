/**
 * What a path is called as a lock.
 *
 * A lock path is relative to the top of the worktree it lies in: so `src/a.py` is one lock, whichever worktree
 * an agent edits it in. And one file is locked in one store: the store of the first project upwards from it.
 * @module
 */
import { isAbsent, parentOf, readLink, reasonOf, under } from "./disk.ts";
import { InvalidArgumentError } from "./errors.ts";
import { printable, quote } from "./name.ts";
import { checkLockPath, normalizeLockPath, splitPath } from "./path.ts";
import { type Project, projectTop } from "./project.ts";

/** How {@linkcode resolveLockPath} reads a path. */
export interface ResolveOptions {
  /** Whether a path outside the project is kept by its absolute name. Default `false`: refused. */
  readonly absolute?: boolean;
  /** Where a relative path starts. Default: the directory the project was found from. */
  readonly cwd?: string;
}

/** As many symbolic links as Linux itself follows in one path (path_resolution(7)). */
const MAX_LINKS = 40;

/**
 * The lock path of a file or directory, whether it exists or not: symbolic links are followed, and a path
 * in any worktree of the project's repository is relative to that worktree. The rest is
 * {@linkcode normalizeLockPath}.
 *
 * @throws {InvalidArgumentError} when the path cannot name a lock, when its links turn in a circle,
 * when it lies in another project inside this one, and when it leads out of the project without `absolute`
 */
export function resolveLockPath(
  path: string,
  project: Project,
  { absolute = false, cwd = project.cwd }: ResolveOptions = {},
): string {
  checkLockPath(path);
  const { target, existing } = followLinks(path.startsWith("/") ? path : `${cwd}/${path}`, path);
  const { worktree, inner } = surroundings(existing, project);
  if (worktree !== undefined && inner !== undefined && inner.top !== target) {
    throw elsewhere(path, target, inner);
  }
  return normalizeLockPath(target, {
    root: project.worktree,
    roots: worktree === undefined ? [] : [worktree],
    cwd,
    absolute,
    given: path,
  });
}

/** The top of another project between a path and the worktree it seems to lie in. */
interface InnerProject {
  readonly top: string;
  readonly isGit: boolean;
}

/**
 * The innermost worktree of the project around a directory, unless it lies outside of all, and the first
 * other project on the way there.
 */
function surroundings(
  start: string,
  project: Project,
): { readonly worktree?: string; readonly inner?: InnerProject } {
  let inner: InnerProject | undefined;
  for (let directory = start;; directory = parentOf(directory)) {
    const top = directory === project.worktree ? project : topOf(directory);
    if (top?.root === project.root) return { worktree: directory, ...(inner && { inner }) };
    if (top !== undefined) inner ??= { top: directory, isGit: top.isGit };
    if (directory === "/") return inner === undefined ? {} : { inner };
  }
}

/** A repository that is broken is no project: nobody can lock anything in it. */
function topOf(directory: string): ReturnType<typeof projectTop> {
  try {
    return projectTop(directory);
  } catch (error) {
    if (error instanceof InvalidArgumentError) return undefined;
    throw error;
  }
}

/**
 * Where a path leads: `existing` is its longest part on disk with all links followed, and `target`
 * that plus the rest. A link to something not there yet is followed too, or the file would change
 * its name when it is created.
 */
function followLinks(path: string, given: string): { target: string; existing: string } {
  let pending = path;
  for (let links = 0; links < MAX_LINKS; links++) {
    let prefix = pending.replace(/(?<=.)\/+$/, "");
    let existing = realPath(prefix, given);
    const rest: string[] = [];
    while (existing === undefined) {
      rest.unshift(prefix.slice(prefix.lastIndexOf("/") + 1));
      prefix = parentOf(prefix);
      existing = realPath(prefix, given);
    }
    if (rest.length === 0) return { target: existing, existing };
    const target = under(existing, rest.join("/"));
    if (rest.includes("..")) {
      // Nothing on disk says where `missing/..` is; by name it may be on disk again.
      pending = `/${splitPath(target).join("/")}`;
      continue;
    }
    const link = readLink(under(existing, rest[0]!));
    if (link === undefined) return { target, existing };
    rest[0] = link;
    pending = link.startsWith("/") ? rest.join("/") : under(existing, rest.join("/"));
  }
  throw unresolvable(given, "too many symbolic links");
}

function realPath(path: string, given: string): string | undefined {
  try {
    return Deno.realPathSync(path);
  } catch (error) {
    if (isAbsent(error) && path !== "/") return undefined;
    if (error instanceof Deno.errors.NotCapable) throw error;
    throw unresolvable(given, reasonOf(error));
  }
}

function unresolvable(given: string, reason: string): InvalidArgumentError {
  return new InvalidArgumentError(`Invalid path ${quote(given)}: ${reason}`, {
    field: "path",
    value: printable(given),
  });
}

function elsewhere(
  given: string,
  target: string,
  { top, isGit }: InnerProject,
): InvalidArgumentError {
  const what = isGit ? "a git repository of its own" : "with a store or settings of its own";
  const mistake = isGit ? "" : "; if that was made by mistake, remove its .agentcoord";
  const below = target.slice(top.length + 1);
  return new InvalidArgumentError(
    `Invalid path ${quote(given)}: it lies in another project, ${
      quote(top)
    } (${what}), where its agents ` +
      `lock it; go there and lock ${quote(below)}${mistake}`,
    { field: "path", value: printable(given), project: printable(top), path: printable(below) },
  );
}

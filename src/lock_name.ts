/**
 * What a path is called as a lock.
 *
 * A lock path is relative to the top of the worktree it lies in: so `src/a.py` is one lock, whichever worktree
 * an agent edits it in. And one file is locked in one store: the store of the first project upwards from it.
 * @module
 */
import { given } from "./given.ts";
import { isAbsent, parentOf, readLink, reasonOf, stat, under } from "./disk.ts";
import { InvalidArgumentError } from "./errors.ts";
import { printable, quote } from "./name.ts";
import { checkLockPath, covers, type LockPath, normalizeLockPath, splitPath } from "./path.ts";
import { type Project, projectTop } from "./project.ts";

/** How {@linkcode resolveLockPath} reads a path. */
export interface ResolveOptions {
  /** Whether a path outside the project is kept by its absolute name. Default `false`: refused. */
  readonly absolute?: boolean;
  /** Where a relative path starts. Default: the directory the project was found from. */
  readonly cwd?: string;
  /** Whether the file system takes `A` for `a`, see {@linkcode foldsCase}. Default `false`. */
  readonly foldsCase?: boolean;
}

/** As many symbolic links as Linux itself follows in one path (path_resolution(7)). */
const MAX_LINKS = 40;

/**
 * What a file or directory is called as a lock, whether it exists or not: symbolic links are followed, and a
 * path in any worktree of the project's repository is relative to that worktree. The rest is
 * {@linkcode normalizeLockPath}.
 *
 * Whatever else can mean the same file is an alias: the spelling by way of a link, which may lead elsewhere
 * tomorrow; the composed form (NFC) of letters with accents, because nobody sees the difference; and lower
 * case where the file system makes no difference. None of them depends on what is on disk already, so that a
 * lock on a new file is the same one after the file was made.
 *
 * @param given a path, or a `file:` URL
 * @throws {InvalidArgumentError} when the path cannot name a lock, when its links turn in a circle,
 * when it lies in another project inside this one, and when it leads out of the project without `absolute`
 */
export function resolveLockPath(
  given: string,
  project: Project,
  { absolute = false, cwd = project.cwd, foldsCase = false }: ResolveOptions = {},
): LockPath {
  const spelt = fullPath(given, cwd);
  const { target, existing } = followLinks(spelt, given);
  const { worktree, inner } = surroundings(existing, project);
  if (worktree !== undefined && inner !== undefined && inner.top !== target) {
    throw elsewhere(given, target, inner);
  }
  const rules = {
    root: project.worktree,
    roots: worktree === undefined ? [] : [worktree],
    cwd,
    given,
  };
  const path = normalizeLockPath(target, { ...rules, absolute });
  const names = [path];
  if (target !== spelt && !goesBack(given)) {
    const link = nameWithin(spelt, [project.worktree, ...rules.roots]);
    if (link !== undefined && !covers(path, link)) names.push(link);
  }
  const aliases = names.flatMap((name) => [name, ...lookAlikes(name, foldsCase)]);
  return { path, aliases: [...new Set(aliases)].filter((name) => name !== path) };
}

/**
 * The absolute path that a caller means, as it is spelt.
 *
 * @throws {InvalidArgumentError} when it cannot name a lock
 */
export function fullPath(given: string, cwd: string): string {
  checkLockPath(given);
  const path = pathOf(given);
  return path.startsWith("/") ? path : `${cwd}/${path}`;
}

/** A `file:` URL (RFC 8089) stands for its path; a file that is called so can be written `./file:…`. */
function pathOf(given: string): string {
  const [, host, rest] = /^file:(?:\/\/([^/]*))?(.*)$/is.exec(given) ?? [];
  if (rest === undefined) return given;
  if (host !== undefined && host !== "" && host.toLowerCase() !== "localhost") {
    throw unresolvable(given, `it is on another host, ${quote(host)}`);
  }
  if (rest === "" || /[?#]/.test(rest)) {
    throw unresolvable(given, "it is a URL, but not of a file; write the path itself");
  }
  try {
    return checkLockPath(decodeURIComponent(rest));
  } catch (error) {
    if (error instanceof InvalidArgumentError) throw error;
    throw unresolvable(
      given,
      `it is a URL with "%" and no two hexadecimal digits behind it; write the path itself, ${
        quote(rest)
      }`,
    );
  }
}

/** Whether a path leaves a directory again that it names: by spelling alone `link/..` would be another one. */
function goesBack(given: string): boolean {
  const parts = pathOf(given).split("/").filter((part) => part !== "" && part !== ".");
  return parts.some((part, index) => part === ".." && index > 0 && parts[index - 1] !== "..");
}

/** The name of a path as it is spelt, when it lies within one of these tops. */
function nameWithin(path: string, [root, ...roots]: readonly string[]): string | undefined {
  try {
    return normalizeLockPath(path, { root: root!, roots, cwd: "/" });
  } catch (error) {
    if (error instanceof InvalidArgumentError) return undefined;
    throw error;
  }
}

/** Other spellings that look like a name, or that the file system takes for it. */
function lookAlikes(name: string, foldsCase: boolean): readonly string[] {
  if (foldsCase) return [foldCase(name)];
  // deno-lint-ignore no-control-regex -- ASCII has one form only
  return /^[\x00-\x7f]*$/.test(name) ? [] : [name.normalize("NFC")];
}

/** One spelling for all that differ in case or in how accents are composed. */
export function foldCase(name: string): string {
  return name.toUpperCase().toLowerCase().normalize("NFC");
}

/**
 * Whether the project's file system takes `A` for `a`, as those of macOS, of Windows and of USB sticks do:
 * shown by a name that is there, asked for in the other case. Nothing is written.
 *
 * @param lookAt what is there under a path, for tests
 */
export function foldsCase(
  { worktree }: Pick<Project, "worktree">,
  lookAt: (path: string) => Pick<Deno.FileInfo, "dev" | "ino"> | undefined = stat,
): boolean {
  const top = worktree.slice(worktree.lastIndexOf("/") + 1);
  const known = [under(worktree, ".git"), under(worktree, ".agentcoord"), worktree];
  for (const path of known) {
    const name = path === worktree ? top : path.slice(path.lastIndexOf("/") + 1);
    const swapped = name === name.toUpperCase() ? name.toLowerCase() : name.toUpperCase();
    const there = swapped === name ? undefined : lookAt(path);
    if (there === undefined) continue;
    const other = lookAt(under(parentOf(path), swapped));
    return other !== undefined && other.ino === there.ino && other.dev === there.dev;
  }
  return false;
}

/** The top of another project between a path and the worktree it seems to lie in. */
export interface InnerProject {
  /** Its directory. */
  readonly top: string;
  /** Whether it is a repository. */
  readonly isGit: boolean;
}

/**
 * The innermost worktree of the project around a directory, unless it lies outside of all, and the first
 * other project on the way there.
 */
export function surroundings(
  start: string,
  project: Project,
): { readonly worktree?: string; readonly inner?: InnerProject } {
  let inner: InnerProject | undefined;
  for (let directory = start;; directory = parentOf(directory)) {
    const top = directory === project.worktree ? project : topOf(directory);
    if (top?.root === project.root) return { worktree: directory, ...given({ inner }) };
    if (top !== undefined) inner ??= { top: directory, isGit: top.isGit };
    if (directory === "/") return given({ inner });
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
export function followLinks(path: string, given: string): { target: string; existing: string } {
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

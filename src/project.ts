/**
 * Which project a directory belongs to, and what a path in it is called.
 *
 * A project is a git repository with all its worktrees, or a directory with `.agentcoord/` or
 * `agentcoord.json`. Its
 * worktrees share one store, and a lock path is relative to the top of the worktree it lies in: so
 * `src/a.py` is one lock, whichever worktree an agent edits it in. Git's own files are read; git is
 * not run, because every command line call starts here.
 * @module
 */

import { InvalidArgumentError } from "./errors.ts";
import { printable, quote } from "./name.ts";
import { checkLockPath, normalizeLockPath, splitPath } from "./path.ts";

/** Where a project is. All paths are absolute and free of symbolic links. */
export interface Project {
  /** The directory that all worktrees share: git's main worktree, or the bare repository. */
  readonly root: string;
  /** The top that lock paths are relative to: of the worktree at hand; else the same as `root`. */
  readonly worktree: string;
  /** `.agentcoord` in the root; it need not exist. */
  readonly storeDirectory: string;
  /** Whether git's files said so. */
  readonly isGit: boolean;
  /** The working directory it was found from: where relative paths start. */
  readonly cwd: string;
  /** `agentcoord.json` in the root, when there is one; for a bare repository, in the worktree. */
  readonly configPath?: string;
  /** `.agentcoord/config.json`, where version 0.1.0 kept the project's settings, when there is one. */
  readonly oldConfigPath?: string;
  /** `agentcoord.json` of a linked worktree, which does not count: its main worktree has none. */
  readonly strayConfigPath?: string;
}

/** How {@linkcode resolveLockPath} reads a path. */
export interface ResolveOptions {
  /** Whether a path outside the project is kept by its absolute name. Default `false`: refused. */
  readonly absolute?: boolean;
  /** Where a relative path starts. Default: the directory the project was found from. */
  readonly cwd?: string;
}

/** The project's settings, meant to be committed. */
export const CONFIG_FILE = "agentcoord.json";
/** As many symbolic links as Linux itself follows in one path (path_resolution(7)). */
const MAX_LINKS = 40;
/** A `.git` file holds one path; anything longer is something else. */
const MAX_GIT_FILE_BYTES = 16 * 1024;

/**
 * Walks up from `cwd` to the first `.git`, `.agentcoord/` or `agentcoord.json`; with none of them, `cwd` is
 * the root.
 *
 * @throws {InvalidArgumentError} when `cwd` is not a directory, and when a `.git` file on the way is
 * broken: going on upwards would quietly use another project's store
 */
export function findProject(cwd: string): Project {
  let start: string;
  try {
    start = Deno.realPathSync(cwd);
  } catch (error) {
    throw new InvalidArgumentError(
      `Invalid working directory ${quote(cwd)}: ${reasonOf(error)}`,
      { field: "cwd", value: printable(cwd) },
    );
  }
  for (let directory = start;; directory = parentOf(directory)) {
    const root = gitRoot(directory);
    if (root !== undefined) return describe(root, directory, true, start);
    if (stat(under(directory, ".agentcoord"))?.isDirectory || hasConfig(directory)) {
      return describe(directory, directory, false, start);
    }
    if (directory === "/") return describe(start, start, false, start);
  }
}

/**
 * The lock path of a file or directory, whether it exists or not: symbolic links are followed, and a path
 * in any worktree of the project's repository is relative to that worktree. The rest is {@linkcode normalizeLockPath}.
 *
 * @throws {InvalidArgumentError} when the path cannot name a lock, when its links turn in a circle,
 * and when it leads out of the project without `absolute`
 */
export function resolveLockPath(
  path: string,
  project: Project,
  { absolute = false, cwd = project.cwd }: ResolveOptions = {},
): string {
  checkLockPath(path);
  const { target, existing } = followLinks(path.startsWith("/") ? path : `${cwd}/${path}`, path);
  return normalizeLockPath(target, {
    root: project.worktree,
    roots: [worktreeOf(existing, project)],
    cwd,
    absolute,
    given: path,
  });
}

function describe(root: string, worktree: string, isGit: boolean, cwd: string): Project {
  const storeDirectory = under(root, ".agentcoord");
  const oldConfigPath = `${storeDirectory}/config.json`;
  return {
    root,
    worktree,
    storeDirectory,
    isGit,
    cwd,
    ...findConfig(root, worktree),
    ...(stat(oldConfigPath, Deno.lstatSync) === undefined ? {} : { oldConfigPath }),
  };
}

/**
 * All worktrees must agree on where the state lives, whatever branch they are on: so the file in the root
 * counts, and a worktree's own only where the root has no checkout.
 */
function findConfig(
  root: string,
  worktree: string,
): Pick<Project, "configPath" | "strayConfigPath"> {
  if (hasConfig(root)) return { configPath: under(root, CONFIG_FILE) };
  if (worktree === root || !hasConfig(worktree)) return {};
  const path = under(worktree, CONFIG_FILE);
  const isBare = stat(under(root, ".git"), Deno.lstatSync) === undefined;
  return isBare ? { configPath: path } : { strayConfigPath: path };
}

/** A link that leads nowhere counts: whoever reads it says so, instead of passing the project's wish over. */
function hasConfig(directory: string): boolean {
  return stat(under(directory, CONFIG_FILE), Deno.lstatSync) !== undefined;
}

/** The innermost worktree of the project's repository around a directory, or the project's own. */
function worktreeOf(start: string, project: Project): string {
  if (!project.isGit) return project.worktree;
  for (let directory = start; directory !== project.worktree; directory = parentOf(directory)) {
    try {
      if (gitRoot(directory) === project.root) return directory;
    } catch (error) {
      // Somebody else's broken repository is not in the way of this one.
      if (!(error instanceof InvalidArgumentError)) throw error;
    }
    if (directory === "/") break;
  }
  return project.worktree;
}

/** The root of the repository whose worktree has its top in `directory`; `undefined` for no top. */
function gitRoot(directory: string): string | undefined {
  const path = under(directory, ".git");
  const info = stat(path, Deno.lstatSync);
  if (info === undefined) return undefined;
  if (info.isDirectory) return directory;
  if (info.isSymlink) {
    const target = stat(path);
    // The other worktrees know the directory behind the link only.
    if (target?.isDirectory) return rootOf(Deno.realPathSync(path));
    if (!target?.isFile) return undefined;
  } else if (!info.isFile) return undefined;
  if (info.size > MAX_GIT_FILE_BYTES) throw broken(path, "it is no git file");
  try {
    const target = /^gitdir: (.+?)[\r\n]*$/.exec(Deno.readTextFileSync(path))?.[1];
    if (target === undefined) throw broken(path, 'it does not say "gitdir: PATH"');
    const gitDirectory = target.startsWith("/") ? target : `${directory}/${target}`;
    // Only a linked worktree has a commondir; a submodule is a repository of its own.
    const common = readIfPresent(`${gitDirectory}/commondir`)?.trimEnd() ?? ".";
    const commonDirectory = Deno.realPathSync(
      common.startsWith("/") ? common : `${gitDirectory}/${common}`,
    );
    if (stat(`${commonDirectory}/HEAD`) === undefined) {
      throw broken(path, `it leads to ${quote(commonDirectory)}, which is no git directory`);
    }
    return rootOf(commonDirectory);
  } catch (error) {
    if (error instanceof InvalidArgumentError || error instanceof Deno.errors.NotCapable) {
      throw error;
    }
    throw broken(path, reasonOf(error));
  }
}

/** The root is where every worktree finds it: from the common directory alone. */
function rootOf(commonDirectory: string): string {
  if (commonDirectory.endsWith("/.git")) return parentOf(commonDirectory);
  // A submodule's directory lies in its superproject's .git and names its checkout in its
  // configuration; a bare or separate one does not, and is the root itself.
  const checkout = readWorktreeSetting(`${commonDirectory}/config.worktree`) ??
    readWorktreeSetting(`${commonDirectory}/config`);
  if (checkout === undefined) return commonDirectory;
  return Deno.realPathSync(checkout.startsWith("/") ? checkout : `${commonDirectory}/${checkout}`);
}

/** `core.worktree` of a git configuration file (git-config(1), "Syntax"). */
function readWorktreeSetting(configPath: string): string | undefined {
  let section = "";
  let value: string | undefined;
  for (const line of readIfPresent(configPath)?.split("\n") ?? []) {
    section = /^\s*\[\s*([^\]]*?)\s*\]/.exec(line)?.[1]?.toLowerCase() ?? section;
    const setting = /^\s*worktree\s*=\s*(.*?)\s*$/i.exec(line)?.[1];
    if (section === "core" && setting !== undefined) value = setting;
  }
  return value?.replace(/^"(.*)"$/, "$1").replace(/\\(["\\])/g, "$1");
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

function readLink(path: string): string | undefined {
  try {
    return Deno.readLinkSync(path);
  } catch (error) {
    if (isAbsent(error) || codeOf(error) === "EINVAL") return undefined;
    throw error;
  }
}

function stat(
  path: string,
  read: (path: string) => Deno.FileInfo = Deno.statSync,
): Deno.FileInfo | undefined {
  try {
    return read(path);
  } catch (error) {
    if (isAbsent(error) || codeOf(error) === "ELOOP") return undefined;
    throw error;
  }
}

function readIfPresent(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** What we may not see is not there for us. */
function isAbsent(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory ||
    error instanceof Deno.errors.PermissionDenied;
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}

function under(directory: string, name: string): string {
  return directory === "/" ? `/${name}` : `${directory}/${name}`;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

/** The system's words without Deno's `(os error 2): stat '/path'`. */
function reasonOf(error: unknown): string {
  return printable(String(error instanceof Error ? error.message : error).replace(/ \(os .*/s, ""));
}

function broken(path: string, reason: string): InvalidArgumentError {
  return new InvalidArgumentError(
    `Invalid git file ${quote(path)}: ${reason}; repair it (git worktree repair) or remove it`,
    { field: ".git", value: printable(path) },
  );
}

function unresolvable(given: string, reason: string): InvalidArgumentError {
  return new InvalidArgumentError(`Invalid path ${quote(given)}: ${reason}`, {
    field: "path",
    value: printable(given),
  });
}

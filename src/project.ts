/**
 * Which project a directory belongs to.
 *
 * A project is a git repository with all its worktrees, or a directory with `.agentcoord/` or
 * `agentcoord.json`. Its worktrees share one store. Git's own files are read; git is not run, because every
 * command line call starts here.
 * @module
 */

import { exists, lists, parentOf, readIfPresent, readLink, reasonOf, stat, under } from "./disk.ts";
import { InvalidArgumentError } from "./errors.ts";
import { printable, quote } from "./name.ts";

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

/** The project's settings, meant to be committed. */
export const CONFIG_FILE = "agentcoord.json";
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
    const top = projectTop(directory);
    if (top !== undefined) return describe(top.root, directory, top.isGit, start);
    if (directory === "/") return describe(start, start, false, start);
  }
}

/**
 * Whose top `directory` is: the repository's whose worktree begins there, else that of a project without
 * git; `undefined` when it is no top. The first one upwards decides where a file is locked.
 *
 * @throws {InvalidArgumentError} when its `.git` file is broken
 */
export function projectTop(
  directory: string,
): { readonly root: string; readonly isGit: boolean } | undefined {
  const root = gitRoot(directory);
  if (root !== undefined) return { root, isGit: true };
  const store = under(directory, ".agentcoord");
  if ((exists(store) && stat(store)?.isDirectory) || hasConfig(directory)) {
    return { root: directory, isGit: false };
  }
  return undefined;
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
    ...(lists(storeDirectory, "config.json") ? { oldConfigPath } : {}),
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

/** The root of the repository whose worktree has its top in `directory`; `undefined` for no top. */
function gitRoot(directory: string): string | undefined {
  const path = under(directory, ".git");
  // A link that leads nowhere is no top either.
  const info = exists(path) ? stat(path, Deno.lstatSync) : undefined;
  if (info === undefined) return undefined;
  // Git passes over a directory of that name which is none of its own, and so takes a repository above.
  if (info.isDirectory) return isGitDirectory(path) ? directory : undefined;
  if (info.isSymlink) {
    const target = stat(path);
    // The other worktrees know the directory behind the link only.
    if (target?.isDirectory) {
      return isGitDirectory(path) ? rootOf(Deno.realPathSync(path)) : undefined;
    }
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
    if (!isGitDirectory(commonDirectory)) {
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

/** As git's own is_git_directory (setup.c): `objects`, `refs`, and a HEAD that names a ref or a commit. */
function isGitDirectory(path: string): boolean {
  if (!stat(`${path}/objects`)?.isDirectory || !stat(`${path}/refs`)?.isDirectory) return false;
  const head = `${path}/HEAD`;
  const link = stat(head, Deno.lstatSync)?.isSymlink ? readLink(head) : undefined;
  if (link !== undefined) return link.startsWith("refs/");
  return /^(?:ref:\s*refs\/|[0-9a-f]{40})/.test(readIfPresent(head) ?? "");
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

function broken(path: string, reason: string): InvalidArgumentError {
  return new InvalidArgumentError(
    `Invalid git file ${quote(path)}: ${reason}; repair it (git worktree repair) or remove it`,
    { field: ".git", value: printable(path) },
  );
}

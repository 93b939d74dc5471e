/**
 * The name of a project on a server that many share: `owner-name`, from its repository's `origin`.
 *
 * Git's own configuration is read; git is not run, because every command on a server may start here.
 * Files that it includes are not followed, and neither are rewrites of URLs.
 * @module
 */
import type { Project } from "../project.ts";
import { LIMITS } from "../name.ts";

/** A namespace, and the file that it was read from. */
export interface OriginName {
  readonly name: string;
  readonly path: string;
}

/** The namespace that the repository's `origin` gives; `undefined` without one. */
export function namespaceOfOrigin({ isGit, worktree }: Project): OriginName | undefined {
  if (!isGit) return undefined;
  const path = `${commonDirectory(worktree)}/config`;
  const url = readOrigin(readIfPresent(path) ?? "");
  const name = url === undefined ? undefined : nameOfUrl(url);
  return name === undefined ? undefined : { name, path };
}

/** Where a repository with all its worktrees keeps its configuration (gitrepository-layout(5)). */
function commonDirectory(worktree: string): string {
  const dotGit = `${worktree}/.git`;
  const target = /^gitdir: (.+?)[\r\n]*$/.exec(readIfPresent(dotGit) ?? "")?.[1];
  if (target === undefined) return isDirectory(dotGit) ? dotGit : worktree;
  const gitDirectory = target.startsWith("/") ? target : `${worktree}/${target}`;
  const common = readIfPresent(`${gitDirectory}/commondir`)?.trimEnd() ?? ".";
  return common.startsWith("/") ? common : `${gitDirectory}/${common}`;
}

/** `remote.origin.url` in the text of a git configuration file (git-config(1), "Syntax"). */
function readOrigin(text: string): string | undefined {
  let section = "";
  for (const line of text.split(/\r?\n/)) {
    const header = /^\s*\[\s*([\w.-]+)(?:\s+"((?:[^"\\]|\\.)*)")?\s*\]/.exec(line);
    // The section's name has no case, the remote's has.
    if (header !== null) section = `${header[1]!.toLowerCase()} ${header[2] ?? ""}`;
    const rest = header === null ? line : line.slice(header[0].length);
    const value = /^\s*url\s*=\s*(.*)$/i.exec(rest)?.[1];
    if (section === "remote origin" && value !== undefined) return unquote(value);
  }
  return undefined;
}

/** A value without its quotes and what follows it as a comment. */
function unquote(value: string): string {
  let quoted = false;
  let found = "";
  for (const [part] of value.matchAll(/\\.|./gs)) {
    if (part === '"') quoted = !quoted;
    else if (!quoted && /[#;]/.test(part)) break;
    else found += part.length === 2 ? part.slice(1) : part;
  }
  return found.trim();
}

/**
 * `owner-name` of a remote's URL: `https://host/owner/name.git`, `ssh://git@host:22/owner/name`,
 * `git@host:owner/name.git`, or a path, of which the last two parts count. The host does not: one
 * repository is reached under several names.
 */
export function nameOfUrl(url: string): string | undefined {
  const withHost = /^[a-z][a-z0-9+.-]*:\/\/[^/]*\/(.*)$/is.exec(url)?.[1];
  const scpLike = withHost === undefined ? /^[^/:]+:(?!\/\/)(.*)$/s.exec(url)?.[1] : undefined;
  const isRemote = (withHost !== undefined && !/^file:/i.test(url)) || scpLike !== undefined;
  const parts = (withHost ?? scpLike ?? url).replace(/[?#].*$/s, "").replace(/\/+$/, "")
    .replace(/\.git$/i, "").replace(/\/+$/, "").split("/")
    .filter((part) => !/^(?:|\.|\.\.|~.*)$/.test(part));
  const kept = isRemote ? parts : parts.slice(-2);
  const name = kept.join("-").toLowerCase().replace(/[^a-z0-9._-]+/g, "-").replace(/^-+|-+$/g, "");
  if (name === "" || /^\.+$/.test(name)) return undefined;
  return name.length <= LIMITS.nameChars ? name : shortened(name);
}

/** Two long names that begin alike stay two: the end is a hash (FNV-1a) of the whole. */
function shortened(name: string): string {
  let hash = 0x811c9dc5;
  for (let index = 0; index < name.length; index++) {
    hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193) >>> 0;
  }
  return `${name.slice(0, LIMITS.nameChars - 9)}-${hash.toString(16).padStart(8, "0")}`;
}

function readIfPresent(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    // What cannot be read says nothing: then a namespace has to be named.
    if (error instanceof Error && "code" in error) return undefined;
    throw error;
  }
}

function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch (error) {
    if (error instanceof Error && "code" in error) return false;
    throw error;
  }
}

/**
 * What about a path suggests that another one was meant, or that its lock keeps fewer out than it seems to.
 * @module
 */
import { isAbsent } from "./disk.ts";
import {
  foldCase,
  followLinks,
  fullPath,
  type InnerProject,
  type ResolveOptions,
  surroundings,
} from "./lock_name.ts";
import { quote } from "./name.ts";
import type { Project } from "./project.ts";

/** Sentences about a path that can be locked, for whoever asked for that; usually none. */
export function doubtsAbout(
  given: string,
  project: Project,
  { cwd = project.cwd }: ResolveOptions = {},
): readonly string[] {
  const { target, existing } = followLinks(fullPath(given, cwd), given);
  const { worktree, inner } = surroundings(existing, project);
  const doubt = inner === undefined ? undefined : doubtAboutProject(given, inner, worktree);
  if (doubt !== undefined) return [doubt];
  return target === existing ? [] : doubtsAboutMissing(given, target, existing);
}

function doubtAboutProject(
  given: string,
  { top }: InnerProject,
  worktree: string | undefined,
): string | undefined {
  const seen = "its own agents lock in another store, and do not see this lock";
  return worktree === undefined
    ? `${quote(given)} lies in another project, ${quote(top)}: ${seen}`
    : `${quote(given)} is the top of another project: ${seen}`;
}

function doubtsAboutMissing(given: string, target: string, existing: string): readonly string[] {
  const literally = `${quote(given)} names one file literally, and nothing on disk is called that`;
  if (/[*?[{]/.test(given)) return [`${literally}: the shell did not expand it`];
  if (given.includes(",")) return [`${literally}: separate several paths by spaces`];
  const missing = target.slice(existing === "/" ? 1 : existing.length + 1).split("/", 1)[0]!;
  const known = lookAlikeIn(existing, missing);
  if (known === undefined) return [];
  return known.normalize("NFC") === missing.normalize("NFC")
    ? [
      `${quote(given)} is not on disk, but a name that looks the same is, with its accents ` +
      `${known === known.normalize("NFC") ? "composed (NFC)" : "apart (NFD)"}; both are one lock`,
    ]
    : [`${quote(given)} is not on disk, but ${quote(known)} is: these are two locks`];
}

/** A name in a directory that differs from this one only in case or in how accents are composed. */
function lookAlikeIn(directory: string, name: string): string | undefined {
  const folded = foldCase(name);
  try {
    for (const entry of Deno.readDirSync(directory)) {
      if (foldCase(entry.name) === folded) return entry.name;
    }
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
  return undefined;
}

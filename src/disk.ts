/**
 * Looking at the disk, where what is absent, or not ours to see, is no error.
 * @module
 */
import { existsSync } from "node:fs";
import { printable } from "./name.ts";

/**
 * Whether anything is there, behind links. Asked first where mostly nothing is: an error that says so takes the runtime
 * a tenth of a millisecond to make, the first one half a millisecond.
 */
export function exists(path: string): boolean {
  return existsSync(path);
}

/** Whether a directory has this name in it, even that of a link to nowhere. */
export function lists(directory: string, name: string): boolean {
  if (!exists(directory)) return false;
  try {
    return Deno.readDirSync(directory).some((entry) => entry.name === name);
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
}

/** Where a symbolic link leads; `undefined` when there is none. */
export function readLink(path: string): string | undefined {
  try {
    return Deno.readLinkSync(path);
  } catch (error) {
    if (isAbsent(error) || codeOf(error) === "EINVAL") return undefined;
    throw error;
  }
}

/** What is there, behind links unless `read` is `Deno.lstatSync`; `undefined` for nothing. */
export function stat(
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

/** Whether a directory is there, behind links; throws where that cannot be told. */
export function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** A path without links in it; `undefined` for none, or where it leads nowhere. */
export function realPath(path: string | undefined): string | undefined {
  try {
    return path && Deno.realPathSync(path);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** The text of a file; `undefined` when there is none. */
export function readIfPresent(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** What a file has from `place` on: `length` bytes of it, or less where it ends. */
export function readAt(file: Deno.FsFile, place: number, length: number): Uint8Array<ArrayBuffer> {
  file.seekSync(place, Deno.SeekMode.Start);
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const read = file.readSync(bytes.subarray(done));
    if (read === null) break;
    done += read;
  }
  return bytes.subarray(0, done);
}

/** Removes a file, or a directory with all that is in it; what is not there is removed already. */
export async function removeIfPresent(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Whether an error says that nothing is there. What we may not see is not there for us. */
export function isAbsent(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory ||
    error instanceof Deno.errors.PermissionDenied;
}

/** The directory above an absolute path. */
export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}

/** A name in a directory. */
export function under(directory: string, name: string): string {
  return directory === "/" ? `/${name}` : `${directory}/${name}`;
}

/** The system's code of an error, such as `EINVAL`. */
export function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

/** The system's words without Deno's `(os error 2): stat '/path'`. */
export function reasonOf(error: unknown): string {
  return printable(String(error instanceof Error ? error.message : error).replace(/ \(os .*/s, ""));
}

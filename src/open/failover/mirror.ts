/**
 * The mirror of a site: while Redis has the authority, each lease that it grants, renews or ends is noted in a file before
 * the call returns, so that the directory knows every live one.
 *
 * It must outlive the processes, not the host, with which the holders of the leases die: it is never synced. Each note is
 * appended by one write(2), which the kernel keeps in one piece; it begins with a line feed, too, so that what a full
 * disk left of an earlier one spoils nothing but itself. Lines that are no JSON are passed over.
 *
 * A mirror that has grown is replaced by one with what is live, in a new file: the authority record names its
 * generation, and is changed while no operation is under way. So nobody appends to a file that was given up.
 * @module
 */
import { StoreUnavailableError } from "../../errors.ts";
import { storeFailure } from "../../engine/directory/failure.ts";
import { lookAtFile } from "../../engine/directory/plain_file.ts";
import type { MirrorLine } from "./mirror_line.ts";

/** How often a note that went in only in part is made again. */
const TRIES = 3;

const encoder = new TextEncoder();

/** One generation of the mirror, open for appending. */
export class Mirror {
  readonly #path: string;
  readonly #file: Deno.FsFile;
  #isOpen = true;

  private constructor(path: string, file: Deno.FsFile) {
    this.#path = path;
    this.#file = file;
  }

  /**
   * Opens this generation in `home`, making its file when there is none.
   *
   * @throws {StoreUnavailableError} when that cannot be done.
   */
  static open(home: string, generation: number): Mirror {
    const path = mirrorPath(home, generation);
    try {
      return new Mirror(path, openForAppending(path));
    } catch (error) {
      throw storeFailure(error, path);
    }
  }

  /**
   * Notes what Redis has confirmed, in one call of the system. Only while the caller takes part in the shared hold of an authority that names
   * this generation.
   *
   * @throws {StoreUnavailableError} when it could not be noted, such as on a full disk.
   */
  append(...lines: readonly MirrorLine[]): void {
    const bytes = encoder.encode(lines.map((line) => `\n${JSON.stringify(line)}\n`).join(""));
    try {
      for (let time = 0; time < TRIES; time++) {
        if (this.#file.writeSync(bytes) === bytes.length) return;
      }
    } catch (error) {
      throw storeFailure(error, this.#path);
    }
    throw new StoreUnavailableError(
      `Cannot use the store: ${this.#path} takes in lines only in part; free some space, then try again`,
      { path: this.#path },
      true,
    );
  }

  /** How long the file is, in bytes. */
  size(): number {
    return this.#file.statSync().size;
  }

  /** Closes the file; once more does nothing. */
  close(): void {
    if (this.#isOpen) this.#file.close();
    this.#isOpen = false;
  }
}

/** The file of this generation. */
export function mirrorPath(home: string, generation: number): string {
  return `${home}/mirror.${generation}`;
}

function openForAppending(path: string): Deno.FsFile {
  if (lookAtFile(path) === undefined) {
    try {
      // Never follows a link: the name must be free.
      return Deno.openSync(path, { createNew: true, append: true, mode: 0o600 });
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
      lookAtFile(path);
    }
  }
  return Deno.openSync(path, { append: true });
}

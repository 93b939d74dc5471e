/**
 * Reading a file that is still written to.
 * @module
 */
import { sleep } from "../clock.ts";
import { exists, readAt } from "../disk.ts";
import type { LogOptions } from "./mode.ts";

/** How often a file that is followed is looked at. */
const LOOK_MS = 200;
/** As much is read at once. */
const PORTION_BYTES = 65_536;

/** How to read. */
export interface FollowFileOptions extends LogOptions {
  /** Whether somebody still writes to it. */
  readonly lives: () => Promise<boolean>;
}

/** The text of a file, or its last lines; with `follow` also what is added, until nobody writes to it any more. */
export async function* followFile(
  path: string,
  { tail, follow = false, signal, lives }: FollowFileOptions,
): AsyncGenerator<string, void> {
  if (!exists(path)) return;
  using file = Deno.openSync(path);
  let place = tail === undefined ? 0 : startOfLastLines(file, tail);
  const decoder = new TextDecoder();
  for (;;) {
    const isLast = !follow || signal?.aborted || !await lives();
    const { size } = file.statSync();
    // It was emptied, or made anew.
    if (size < place) place = 0;
    for (; place < size;) {
      const bytes = readAt(file, place, Math.min(PORTION_BYTES, size - place));
      if (bytes.length === 0) break;
      place += bytes.length;
      yield decoder.decode(bytes, { stream: true });
    }
    if (isLast) return;
    await sleep(LOOK_MS, signal);
  }
}

/** Where the last `count` lines begin; what follows the last line feed is a line, too. */
function startOfLastLines(file: Deno.FsFile, count: number): number {
  const { size } = file.statSync();
  let left = count;
  for (let end = size; end > 0;) {
    const begin = Math.max(end - PORTION_BYTES, 0);
    const bytes = readAt(file, begin, end - begin);
    for (let index = bytes.length - 1; index >= 0; index--) {
      const isLineFeed = bytes[index] === 10;
      // The one at the very end ends the last line.
      if (!isLineFeed || begin + index === size - 1) continue;
      if (--left === 0) return begin + index + 1;
    }
    end = begin;
  }
  return count === 0 ? size : 0;
}

/**
 * Which Lua files make up one script, in what order.
 * @module
 */
import type { LuaFile } from "./source.ts";

/** Every Lua file, by name. */
export type LuaFiles = ReadonlyMap<string, LuaFile>;

/** One script, put together. */
export interface ResolvedScript {
  readonly name: string;
  /** Keys of its own, without those that every script gets. */
  readonly keys: readonly string[];
  /** Files of the fast path in order, which stand before everything that is not needed by them. */
  readonly fast: readonly string[];
  /** Files it shares with others, in order, without those of the fast path and itself. */
  readonly parts: readonly string[];
  /** Whether it runs on a server whose memory is full. */
  readonly frees: boolean;
  /** Locals set before the first of them. */
  readonly lets: readonly string[];
}

/**
 * Puts a script together: each file comes once, after all that it needs.
 *
 * @param preamble names of the files that every script begins with: nobody has to name them
 * @throws {Error} naming the chain that leads to a file that is missing, or that needs itself.
 */
export function resolveScript(
  files: LuaFiles,
  name: string,
  preamble: ReadonlySet<string> = new Set(),
): ResolvedScript {
  const script = fileOf(files, name, []);
  const taken = new Set<string>(preamble);
  const fast = script.fast === undefined ? [] : inOrder(files, script.fast, taken, [name]);
  const parts = script.needs.flatMap((needed) => inOrder(files, needed, taken, [name]));
  const all = [...fast, ...parts, name].map((one) => files.get(one)!);
  return {
    name,
    fast,
    parts,
    keys: [...new Set(all.flatMap(({ keys }) => keys))],
    frees: script.frees,
    lets: [...new Set(all.flatMap(({ lets }) => lets))],
  };
}

function inOrder(
  files: LuaFiles,
  name: string,
  taken: Set<string>,
  chain: readonly string[],
): string[] {
  if (chain.includes(name)) {
    throw new Error(`Lua files need each other in a circle: ${[...chain, name].join(" -> ")}`);
  }
  const file = fileOf(files, name, chain);
  const twice = file.needs.find((needed, place) => file.needs.indexOf(needed) !== place);
  if (twice !== undefined) {
    throw new Error(`${twice} is named twice by ${[...chain, name].join(" -> ")}`);
  }
  if (taken.has(name)) return [];
  const before = file.needs.flatMap((needed) => inOrder(files, needed, taken, [...chain, name]));
  taken.add(name);
  return [...before, name];
}

function fileOf(files: LuaFiles, name: string, chain: readonly string[]): LuaFile {
  const file = files.get(name);
  if (file === undefined) {
    throw new Error(`no Lua file is called ${name}: ${[...chain, name].join(" -> ")}`);
  }
  return file;
}

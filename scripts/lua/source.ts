/**
 * Lua files of the Redis store, as they declare themselves: what each needs, and its text without comments.
 *
 * A file begins with one long comment. Its first line names the file (`lock/acquire: …`); then each field
 * stands on a line of its own, its name in capitals. The fields read here:
 *
 * - `NEEDS lock/rows, lock/queue`: files whose functions and locals this one uses.
 * - `FAST lock/acquire_fast`: a file that ends the call by itself in the common case; it stands first.
 * - `KEYS lock_paths, lock_waiters`: keys it uses besides those of every script. The text finds each in a
 *   local of that name in capitals.
 * - `RULES lock/model: CALL_MS, CALLS`: constants exported by a room's TypeScript module.
 * - `FLAGS frees`: the script runs on a server whose memory is full, since it ends or keeps what is held.
 * - `LET COMPLETES = true`: a local for the files it needs.
 *
 * All other fields (ARGV, RETURN, KEEPS, …) are for people.
 * @module
 */
// @ts-types="@types/luaparse"
import luaparse from "luaparse";

/** One Lua file. */
export interface LuaFile {
  /** Such as `lock/acquire`: room and file, as other files name it. */
  readonly name: string;
  /** Path from the root of the checkout. */
  readonly path: string;
  /** The comment that it begins with. */
  readonly header: string;
  readonly needs: readonly string[];
  readonly fast: string | undefined;
  readonly keys: readonly string[];
  /** Names of constants, and the module that exports them. */
  readonly rules: readonly { readonly module: string; readonly names: readonly string[] }[];
  /** Whether it runs on a server whose memory is full. */
  readonly frees: boolean;
  /** Locals that it sets for the files it needs. */
  readonly lets: readonly string[];
  /** The code without comments and blank lines. */
  readonly code: string;
}

const HEADER = /^--\[\[ (\S+): [\s\S]*?\]\]\n/;

/**
 * Reads one file.
 *
 * @throws {Error} when its header is missing, names another file, or a field cannot be read.
 */
export function readLuaFile(path: string, text: string): LuaFile {
  const name = nameOf(path);
  const [header, given] = HEADER.exec(text) ?? [];
  if (header === undefined || given !== name) {
    throw new Error(`${path}: it has to begin with "--[[ ${name}: what it does"`);
  }
  const fields = fieldsOf(header);
  const list = (field: string) => (fields.get(field) ?? []).flatMap((line) => line.split(/,\s*/));
  const [fast] = fields.get("FAST") ?? [];
  return {
    name,
    path,
    header,
    needs: list("NEEDS"),
    fast,
    keys: list("KEYS"),
    rules: (fields.get("RULES") ?? []).map((line) => {
      const [, module, names] = /^([\w/]+): (\w+(?:, \w+)*)$/.exec(line) ?? [];
      if (module === undefined) {
        throw new Error(`${path}: RULES ${line}: want room/module: NAME, NAME`);
      }
      return { module, names: names!.split(", ") };
    }),
    frees: list("FLAGS").includes("frees"),
    lets: fields.get("LET") ?? [],
    code: withoutComments(path, text),
  };
}

/** `src/lock/redis/acquire.lua` is `lock/acquire`; `src/engine/redis/state.lua` is `engine/state`. */
function nameOf(path: string): string {
  const [, room, file] = /^src\/(\w+)\/redis\/(\w+)\.lua$/.exec(path) ?? [];
  if (room === undefined) throw new Error(`${path}: Lua files lie in src/<room>/redis/`);
  return `${room}/${file}`;
}

/** The lines of the fields that are read here, one by one; a field may go on in an indented line. */
function fieldsOf(header: string): ReadonlyMap<string, readonly string[]> {
  const fields = new Map<string, string[]>();
  for (
    const match of header.matchAll(
      /^(NEEDS|FAST|KEYS|RULES|FLAGS|LET)[ \t]+(.+(?:\n[ \t]+\S.*)*)/gm,
    )
  ) {
    const value = match[2]!.replace(/\s*\]\]$/, "").replaceAll(/\s*\n\s+/g, " ").trim();
    fields.set(match[1]!, [...fields.get(match[1]!) ?? [], value]);
  }
  return fields;
}

function withoutComments(path: string, text: string): string {
  const comments: [number, number][] = [];
  try {
    luaparse.parse(text, {
      luaVersion: "5.1",
      ranges: true,
      onCreateNode: (node) => {
        if (node.type === "Comment") comments.push((node as { range?: [number, number] }).range!);
      },
    });
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`);
  }
  let code = "";
  let at = 0;
  for (const [from, to] of comments) {
    code += text.slice(at, from);
    at = to;
  }
  code += text.slice(at);
  return code.split("\n").map((line) => line.trimEnd()).filter((line) => line !== "").join("\n");
}

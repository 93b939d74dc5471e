/**
 * What can be known of a script without running it: names that nothing defines, and headers that mention what
 * is not there.
 * @module
 */
// @ts-types="@types/luaparse"
import luaparse from "luaparse";
import type { LuaFiles } from "./resolve.ts";

/** What Redis gives every script (https://redis.io/docs/latest/develop/programmability/lua-api/). */
const GIVEN = new Set(
  ("redis cjson struct cmsgpack bit math string table KEYS ARGV assert error ipairs next pairs pcall " +
    "rawequal rawget select setmetatable getmetatable tonumber tostring type unpack xpcall").split(
      " ",
    ),
);

/**
 * Global names that a script uses and nobody defines: a function whose file it does not need, a constant that
 * was renamed, a key that is not declared. An assignment to one counts too, since Redis refuses it.
 */
export function undefinedNames(text: string): string[] {
  const chunk = luaparse.parse(text, { luaVersion: "5.1", scope: true }) as unknown as {
    readonly globals: readonly { readonly name: string }[];
  };
  return chunk.globals.map(({ name }) => name).filter((name) => !GIVEN.has(name));
}

/** References such as `see lock/rows` or `as task/change` in headers to files that do not exist. */
export function danglingReferences(files: LuaFiles): string[] {
  const rooms = new Set([...files.keys()].map((name) => name.split("/")[0]!));
  return [...files.values()].flatMap(({ path, header }) =>
    [...header.replaceAll(/^RULES .*$/gm, "").matchAll(/\b([a-z]+)\/([a-z_]+)\b(?!\.ts)/g)]
      .filter(([name, room]) => rooms.has(room!) && !files.has(name))
      .map(([name]) => `${path}: its header mentions ${name}, which does not exist`)
  );
}

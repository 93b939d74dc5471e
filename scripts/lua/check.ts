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

/**
 * Headers that are not true: keys and constants that a file declares and does not use, keys that it uses and does not
 * declare, and scripts that do not say what they return.
 *
 * `common` is the file that declares the keys of every script, `scripts` are the files that are scripts.
 */
export function untrueHeaders(
  files: LuaFiles,
  { common, scripts }: { readonly common: string; readonly scripts: readonly string[] },
): string[] {
  const given = files.get(common)?.keys ?? [];
  const known = [...new Set([...files.values()].flatMap(({ keys }) => keys))]
    .filter((key) => !given.includes(key));
  const uses = (code: string, name: string) => new RegExp(`\\b${name}\\b`).test(code);
  return [...files.values()].flatMap(({ name, path, header, keys, rules, code }) => [
    ...keys.filter((key) => name !== common && !uses(code, key.toUpperCase()))
      .map((key) => `${path}: its header declares the key ${key}, which it does not use`),
    ...known.filter((key) => !keys.includes(key) && uses(code, key.toUpperCase()))
      .map((key) => `${path}: it uses the key ${key}, which its header does not declare`),
    ...rules.flatMap(({ names }) => names).filter((rule) => !uses(code, rule))
      .map((rule) => `${path}: its header declares ${rule}, which it does not use`),
    ...scripts.includes(name) && !/^RETURN /m.test(header)
      ? [`${path}: its header does not say what the script returns`]
      : [],
  ]);
}

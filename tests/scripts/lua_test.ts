import assert from "node:assert/strict";
import { generate } from "../../scripts/lua.ts";
import { readLuaFile } from "../../scripts/lua/source.ts";
import { type LuaFiles, resolveScript } from "../../scripts/lua/resolve.ts";
import { readTree } from "../../scripts/checks/layers.ts";

/** Files by name: their header fields, and their code. */
function files(texts: Readonly<Record<string, readonly [fields: string, code: string]>>): LuaFiles {
  return new Map(
    Object.entries(texts).map(([name, [fields, code]]) => {
      const [room, file] = name.split("/");
      const text = `--[[ ${name}: a test.\n\n${fields} ]]\n${code}\n`;
      return [name, readLuaFile(`src/${room}/redis/${file}.lua`, text)];
    }),
  );
}

/** The real sources, with some of them changed. */
async function changed(change: (path: string, text: string) => string) {
  const tree = await readTree(".");
  const rule = async (module: string, name: string) =>
    (await import(`../../src/${module}.ts`))[name];
  return await generate(new Map([...tree].map(([path, text]) => [path, change(path, text)])), rule);
}

Deno.test("Lua files come once each, after all that they need", () => {
  const all = files({
    "lock/acquire": ["NEEDS   lock/queue, lock/rows\nKEYS    own", "return queue()"],
    "lock/queue": [
      "NEEDS   lock/rows\nKEYS    waiters",
      "local function queue() return rows() end",
    ],
    "lock/rows": ["NEEDS   lock/names", "local function rows() return names() end"],
    "lock/names": ["KEYS    paths", "local function names() return 1 end"],
  });
  const { parts, keys } = resolveScript(all, "lock/acquire");
  assert.deepEqual(parts, ["lock/names", "lock/rows", "lock/queue"]);
  assert.deepEqual(keys, ["paths", "waiters", "own"]);
});

Deno.test("the fast path of a Lua script comes before what only the slow one needs", () => {
  const all = files({
    "lock/acquire": ["NEEDS   lock/rows\nFAST    lock/fast\nLET     A = 1", ""],
    "lock/fast": ["NEEDS   lock/names", ""],
    "lock/rows": ["NEEDS   lock/names", ""],
    "lock/names": ["KEYS    paths", ""],
  });
  const { fast, parts, lets } = resolveScript(all, "lock/acquire");
  assert.deepEqual([fast, parts, lets], [["lock/names", "lock/fast"], ["lock/rows"], ["A = 1"]]);
});

Deno.test("a Lua file that is missing, needed twice or needs itself is refused with the chain", () => {
  const missing = files({ "a/one": ["NEEDS   a/two", ""], "a/two": ["NEEDS   a/three", ""] });
  assert.throws(() => resolveScript(missing, "a/one"), /a\/three: a\/one -> a\/two -> a\/three/);
  const twice = files({
    "a/one": ["NEEDS   a/two", ""],
    "a/two": ["NEEDS   a/three, a/three", ""],
  });
  assert.throws(() => resolveScript(twice, "a/one"), /a\/three is named twice by a\/one -> a\/two/);
  const circle = files({ "a/one": ["NEEDS   a/two", ""], "a/two": ["NEEDS   a/one", ""] });
  assert.throws(() => resolveScript(circle, "a/one"), /circle: a\/one -> a\/two -> a\/one/);
});

Deno.test("a Lua file whose header names another file is refused", () => {
  assert.throws(
    () => readLuaFile("src/lock/redis/renew.lua", "--[[ lock/release: no. ]]\nreturn 1\n"),
    /renew\.lua: it has to begin with "--\[\[ lock\/renew: /,
  );
});

Deno.test("a Lua name that nothing defines is found, with the script that would meet it", async () => {
  const { complaints } = await changed((path, text) =>
    path === "src/lock/redis/renew.lua"
      ? text.replace(/\n(?=return )/, "\nlocal a = nobody(1)\n")
      : text
  );
  assert.deepEqual(complaints, ["src/lock/redis/renew.lua: nothing it needs defines nobody"]);
});

Deno.test("a Lua header that mentions a file which is not there is found", async () => {
  const { complaints } = await changed((path, text) =>
    path === "src/lock/redis/renew.lua" ? text.replace("]]", "see lock/nowhere ]]") : text
  );
  assert.deepEqual(complaints, [
    "src/lock/redis/renew.lua: its header mentions lock/nowhere, which does not exist",
  ]);
});

Deno.test("a Lua header that does not say what its code uses or returns is found", async () => {
  const { complaints } = await changed((path, text) =>
    path === "src/lock/redis/release_fast.lua"
      ? text.replace("lock_waiters, lock_paths", "lock_paths, lock_wait_queue")
        .replace("lock/model: SILENCE_MS", "lock/model: SILENCE_MS, CALL_MS")
      : path === "src/lock/redis/renew.lua"
      ? text.replace(/\nRETURN [^\]]*/, " ")
      : text
  );
  assert.deepEqual(complaints, [
    "src/lock/redis/release_fast.lua: its header declares the key lock_wait_queue, which it does not use",
    "src/lock/redis/release_fast.lua: it uses the key lock_waiters, which its header does not declare",
    "src/lock/redis/release_fast.lua: its header declares CALL_MS, which it does not use",
    "src/lock/redis/renew.lua: its header does not say what the script returns",
  ]);
});

Deno.test("the Lua scripts of the Redis store have nothing to complain about, and are up to date", async () => {
  const { complaints, module } = await changed((_, text) => text);
  assert.deepEqual(complaints, []);
  assert.equal(module, await Deno.readTextFile("src/engine/redis/scripts.ts"));
});

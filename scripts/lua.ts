/**
 * Puts the Lua scripts of the Redis store together and writes them into one TypeScript module, so that neither
 * a bundler nor a user of the library has to import Lua files.
 *
 *     deno run -A scripts/lua.ts            writes src/engine/redis/scripts.ts
 *     deno run -A scripts/lua.ts --check    fails when that module is not what the Lua files say
 *
 * What a Lua file declares is described in scripts/lua/source.ts.
 * @module
 */
// deno-lint-ignore-file no-console -- a script reports on stdout and stderr
import { readTree, type Tree } from "./checks/layers.ts";
import { danglingReferences, undefinedNames, untrueHeaders } from "./lua/check.ts";
import { type LuaFiles, type ResolvedScript, resolveScript } from "./lua/resolve.ts";
import { type LuaFile, readLuaFile } from "./lua/source.ts";

/** Where the module is written to. */
export const SCRIPTS_MODULE = "src/engine/redis/scripts.ts";

/** What every script begins with; `engine/begin` comes right before the operation itself. */
export const PREAMBLE = [
  "engine/state",
  "engine/operation",
  "agent/touch",
  "engine/begin",
] as const;
/** What the text of several operations in one call ends with. */
export const BATCH = "engine/batch";
/** A text of its own, not put together from anything. */
const ALONE: readonly string[] = ["engine/inspect"];

/** Reads a constant that a TypeScript module exports: `lock/model`, `CALL_MS`. */
export type ReadRule = (module: string, name: string) => Promise<unknown>;

/** What became of the Lua files. */
export interface Generated {
  /** What is wrong with them; the module is of use only when this is empty. */
  readonly complaints: readonly string[];
  /** The text of {@linkcode SCRIPTS_MODULE}. */
  readonly module: string;
}

/** Puts all scripts of a checkout together. */
export async function generate(tree: Tree, readRule: ReadRule): Promise<Generated> {
  const files: LuaFiles = new Map(
    [...tree].filter(([path]) => /^src\/.*\.lua$/.test(path))
      .map(([path, text]) => readLuaFile(path, text)).map((file) => [file.name, file] as const),
  );
  const codes = new Map<string, string>();
  for (const file of files.values()) codes.set(file.name, await withRules(file, readRule));
  const preamble = new Set<string>(PREAMBLE);
  // What no other file needs is a script; that the program runs each of them is checked below.
  const needed = new Set([...files.values()].flatMap(({ needs, fast }) => [...needs, fast]));
  const shared = new Set<string | undefined>([...needed, ...PREAMBLE, BATCH, ...ALONE]);
  const names = [...files.keys()].filter((name) => !shared.has(name)).sort();
  const scripts = names.map((name) => resolveScript(files, name, preamble));
  const code = [...tree].filter(([path]) => /^src\/.*\.ts$/.test(path) && path !== SCRIPTS_MODULE);
  const complaints = [
    ...danglingReferences(files),
    // The keys of a text of its own come by their places.
    ...untrueHeaders(new Map([...files].filter(([name]) => !ALONE.includes(name))), {
      common: PREAMBLE[0],
      scripts: names,
    }),
    ...names.filter((name) => !code.some(([, text]) => text.includes(`"${name}"`)))
      .map((name) =>
        `${files.get(name)!.path}: nothing in src/ runs this script, and no script needs it`
      ),
    ...scripts.flatMap((script) =>
      undefinedNames(wholeText(script, files, codes))
        .map((name) => `${files.get(script.name)!.path}: nothing it needs defines ${name}`)
    ),
  ];
  return { complaints, module: moduleText(scripts, files, codes) };
}

/** All that one script is made of, in order, with the names that the client defines. */
function wholeText(
  { name, fast, parts, keys, lets }: ResolvedScript,
  files: LuaFiles,
  codes: ReadonlyMap<string, string>,
): string {
  const [state, operation, touch, begin] = PREAMBLE;
  const given = ["CLOCK", "SCHEMA", "CLUSTERED", "BATCHED", ...commonKeys(files), ...keys];
  return [
    ...given.map((one) => `local ${one.toUpperCase()}`),
    ...lets.map((one) => `local ${one}`),
    ...[state, ...fast, operation, touch, ...parts, begin, name].map((one) =>
      `do end ${codes.get(one)}`
    ),
  ].join("\n");
}

function commonKeys(files: LuaFiles): readonly string[] {
  return files.get(PREAMBLE[0])?.keys ?? [];
}

async function withRules({ path, rules, code }: LuaFile, readRule: ReadRule): Promise<string> {
  const lines: string[] = [];
  for (const { module, names } of rules) {
    for (const name of names) {
      const value = await readRule(module, name);
      if (typeof value !== "number" && typeof value !== "string") {
        throw new Error(`${path}: src/${module}.ts exports no number or text ${name}`);
      }
      lines.push(`local ${name} = ${JSON.stringify(value)}`);
    }
  }
  return [...lines, code].join("\n");
}

function moduleText(
  scripts: readonly ResolvedScript[],
  files: LuaFiles,
  codes: ReadonlyMap<string, string>,
): string {
  const quoted = (text: string) => "`" + text.replaceAll(/[\\`]|\$\{/g, "\\$&") + "`";
  const listed = (names: readonly string[]) => JSON.stringify(names).replaceAll(",", ", ");
  const texts = [...codes].sort(([a], [b]) => a < b ? -1 : 1)
    .map(([name, code]) => `  "${name}": ${quoted(code + "\n")},`);
  const rows = scripts.map(({ name, keys, fast, parts, frees, lets }) => {
    const fields = [
      `keys: ${listed(keys)}`,
      `parts: ${listed(parts)}`,
      ...(fast.length === 0 ? [] : [`fast: ${listed(fast)}`]),
      ...(frees ? ["frees: true"] : []),
      ...(lets.length === 0 ? [] : [`lets: ${listed(lets)}`]),
    ];
    return `  "${name}": { ${fields.join(", ")} },`;
  });
  return `/**
 * The Lua files of the Redis store and how scripts are put together from them. Written by scripts/lua.ts from
 * src/<room>/redis/*.lua: change those, then run \`scripts/dev lua\`. As many lines as they have.
 * @module
 */
// deno-fmt-ignore-file -- generated

/** The code of each Lua file, without comments. */
export const LUA = {
${texts.join("\n")}
} as const;

/** Name of a Lua file, such as \`lock/rows\`. */
export type LuaName = keyof typeof LUA;

/** What a script is put together from, besides its own file and what every script has. */
export interface ScriptParts {
  /** Names of its keys, besides the common ones. */
  readonly keys: readonly string[];
  /** Files that it shares with others, in order. */
  readonly parts: readonly LuaName[];
  /** Files of its fast path, in order; they stand before everything that they do not need. */
  readonly fast?: readonly LuaName[];
  /** Whether it runs on a server whose memory is full. */
  readonly frees?: true;
  /** Locals that it sets for the files it needs. */
  readonly lets?: readonly string[];
}

/** Keys that every script is given, in this order, before its own. */
export const COMMON_KEYS: readonly string[] = ${listed(commonKeys(files))};

/** Every script. */
export const SCRIPTS = {
${rows.join("\n")}
} as const satisfies Readonly<Record<string, ScriptParts>>;

/** Name of a script, such as \`lock/acquire\`. */
export type ScriptName = keyof typeof SCRIPTS;
`;
}

if (import.meta.main) {
  const { complaints, module } = await generate(
    await readTree("."),
    async (room, name) => (await import(`../src/${room}.ts`))[name],
  );
  for (const complaint of complaints) console.error(complaint);
  if (complaints.length > 0) Deno.exit(1);
  if (!Deno.args.includes("--check")) Deno.writeTextFileSync(SCRIPTS_MODULE, module);
  else if (Deno.readTextFileSync(SCRIPTS_MODULE) !== module) {
    console.error(`${SCRIPTS_MODULE} is not what the Lua files say: run scripts/dev lua`);
    Deno.exit(1);
  }
}

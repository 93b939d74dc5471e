/**
 * The scripts of the Redis store: each operation of a room is one, put together from what all of them begin with,
 * parts that several share, and the operation itself.
 *
 * The order in the text is that of engine/state, the fast path, engine/operation, agent/touch, the parts,
 * engine/begin, the operation. The last two are a function, because one has 200 locals at most; in the text for batches
 * engine/batch calls it. All of it is a function, so that whatever it answers goes out together with the store's clock.
 * @module
 */
import { createHash } from "node:crypto";
import {
  COMMON_KEYS,
  LUA,
  type LuaName,
  type ScriptName,
  type ScriptParts,
  SCRIPTS,
} from "./scripts.ts";
import { REDIS_SCHEMA_VERSION } from "./schema.ts";

/** What stands before the parts of every script. */
const PREAMBLE = { before: "engine/state", after: ["engine/operation", "agent/touch"] } as const;

/** The key that comes last, in calls that are made again: what the stream holds of other calls; see operation.lua. */
export const INDEX_KEY = "replay_index";

/** Names of all keys that the scripts use, without the namespace's prefix. */
export function keyNames(): readonly string[] {
  const own = Object.values(SCRIPTS).flatMap(({ keys }) => keys);
  return [...new Set([...COMMON_KEYS, INDEX_KEY, ...own])];
}

/** The script of this name. */
export function script(name: ScriptName): Script {
  const { keys, parts, fast = [], lets = [], frees }: ScriptParts = SCRIPTS[name];
  const texts = (names: readonly LuaName[]) => names.map((one) => LUA[one]);
  const fastPath = [...lets.map((one) => `local ${one}`), ...texts(fast)];
  const found = new Script(name, keys, ...texts(parts), LUA[name]).withFastPath(...fastPath);
  return frees ? found.freeing() : found;
}

/**
 * One operation: its text, put together from parts that several operations share, and the keys of its own. The text finds
 * each key in a local of that name in capitals, wherever it stands among KEYS: `lock_paths` in LOCK_PATHS.
 */
export class Script {
  /** Where the script is to be found, such as `lock/acquire`; messages name it. */
  readonly name: string;
  /** Names of its keys besides the common ones. */
  readonly keys: readonly string[];
  /** What it shares with other scripts: functions and constants, in Lua. */
  readonly parts: readonly string[];
  /** The operation itself, in Lua. */
  readonly operation: string;
  /** Lua text that comes before all functions: see {@linkcode Script.withFastPath}. */
  fastPath = "";
  /** Whether it works on a server whose memory is full; see {@linkcode Script.freeing}. */
  frees = false;
  /** Whether it runs whatever memory the client expects of the server; see {@linkcode Script.onAnyMemory}. */
  anyMemory = false;

  /** The last text is the operation itself; those before it are the parts that it shares with others. */
  constructor(name: string, keys: readonly string[], ...texts: readonly string[]) {
    this.name = name;
    this.keys = keys;
    this.parts = texts.slice(0, -1);
    this.operation = texts.at(-1)!;
  }

  /**
   * Adds a text that ends the whole call, of one operation or of a batch, when the fast path applies to all of it.
   * It stands before the parts, because a script pays for every function that it defines.
   */
  withFastPath(...parts: readonly string[]): this {
    this.fastPath = parts.join("\n");
    return this;
  }

  /**
   * Lets the operation run although the server's memory is full: it ends what is held, or keeps it alive, and so makes
   * room in the end. A server refuses a script's commands that may need memory only until the script
   * has written something (https://redis.io/docs/latest/develop/programmability/eval-intro/), so there is
   * a second text of such a script, which begins with a write that needs none and changes nothing. It is sent once
   * the first was refused, which then has not written anything.
   */
  freeing(): this {
    this.frees = true;
    return this;
  }

  /** Lets the operation run also where the server's memory is not the one that the client expects. */
  onAnyMemory(): this {
    this.anyMemory = true;
    return this;
  }
}

/** A write that needs no memory: no topic has this name. */
const FIRST_WRITE = "redis.call('HDEL', LISTENERS, '')";

/** Answers {the store's clock, what the operation answered}: of nothing, the first alone. An error goes out as one. */
const ANSWER = `local reply = run()
if type(reply) == 'table' and reply.err then return reply end
return { CLOCK, reply }`;

/** A script as a server knows it. */
export interface ScriptText {
  readonly text: string;
  readonly sha1: string;
  /** Names of the keys that it is to be given. */
  readonly keys: readonly string[];
}

/** Which of a script's texts is meant. */
export interface TextForm {
  /** For several operations of it in one call. */
  readonly batched: boolean;
  /** For a server whose memory is full; see {@linkcode Script.freeing}. */
  readonly full: boolean;
}

/** A text of `script`. */
export function textOf(
  script: Script,
  { batched, full, clustered }: TextForm & { readonly clustered: boolean },
): ScriptText {
  const keys = [...COMMON_KEYS, ...script.keys];
  const constants = `local SCHEMA, CLUSTERED, BATCHED = ` +
    `${REDIS_SCHEMA_VERSION}, ${clustered}, ${batched}`;
  const begin = LUA["engine/begin"];
  const own = batched
    ? ["local function operation()", begin, script.operation, "end", LUA["engine/batch"]]
    : ["return (function()", begin, script.operation, "end)()"];
  const shared = [
    full ? FIRST_WRITE : "",
    LUA[PREAMBLE.before],
    script.fastPath,
    ...PREAMBLE.after.map((name) => LUA[name]),
    ...script.parts,
  ];
  const body = [constants, localsFor(keys), ...shared, ...own];
  const text = ["local CLOCK = 0", "local function run()", ...body, "end", ANSWER].join("\n");
  return { text, sha1: createHash("sha1").update(text).digest("hex"), keys };
}

/** The text of a script that brings data forward: it begins with nothing that knows the new form. See migrate.lua. */
export function migrationText(name: ScriptName): Pick<ScriptText, "text" | "keys"> {
  const { keys: own, parts }: ScriptParts = SCRIPTS[name];
  const keys = [...COMMON_KEYS, ...own];
  const text = [localsFor(keys), ...parts.map((part) => LUA[part]), LUA[name]].join("\n");
  return { text, keys };
}

function localsFor(keys: readonly string[]): string {
  return `local ${keys.join(", ").toUpperCase()} = unpack(KEYS)`;
}

/**
 * What a process works with: flags over environment over `.agentcoord/config.json` over defaults.
 *
 * The file is validated by hand: it has five keys, and every command line call reads it.
 * @module
 */

import { InvalidArgumentError } from "./errors.ts";
import { checkName, checkText, LIMITS, printable, quote } from "./name.ts";
import { splitPath } from "./path.ts";
import { findProject, type Project } from "./project.ts";
import { parseRedisUrl, redactUrl, REDIS_SCHEMES } from "./store/redis_url.ts";

export { redactUrl };

/** Where state lives. A `url` may hold a secret: show it with {@linkcode redactUrl} only. */
export type StoreConfig =
  | { readonly kind: "directory"; readonly directory: string }
  | { readonly kind: "redis"; readonly url: string };

/** What happens when Redis cannot be reached: the directory takes over, or nothing does. */
export type Fallback = "directory" | "never";

/** Whether a directory store waits for the disk (`full`) or for the kernel (`normal`). */
export type Durability = "full" | "normal";

/** A setting that has a source. */
export type ConfigKey = "store" | "namespace" | "agent" | "json" | "fallback" | "durability";

/** Everything a process needs to know before it opens a store. */
export interface Config {
  /** Where state lives. Default: the project's store directory. */
  readonly store: StoreConfig;
  /** One project's state in a store. Default `default`. */
  readonly namespace: string;
  /** Who acts. */
  readonly agent?: string;
  /** Whether results are printed as JSON. Default `false`. */
  readonly json: boolean;
  /** Whether the project's directory takes over when Redis is gone. Default `directory`. */
  readonly fallback: Fallback;
  /** How safe a directory store's writes are. Default `full`. */
  readonly durability: Durability;
  /** The project around the working directory. */
  readonly project: Project;
  /**
   * Where each value came from: the flag (`--store`), the variable (`AGENTCOORD_STORE`), the path of
   * the configuration file, or `default`.
   */
  readonly sources: Readonly<Record<ConfigKey, string>>;
}

/** Settings of one call, which win over all others. */
export interface ConfigFlags {
  /** `--store`: a Redis URL or a directory. */
  readonly store?: string | undefined;
  /** `--namespace`. */
  readonly namespace?: string | undefined;
  /** `--agent`. */
  readonly agent?: string | undefined;
  /** `--json`. */
  readonly json?: boolean | undefined;
  /** `--fallback`: `directory` or `never`. */
  readonly fallback?: string | undefined;
}

/** What {@linkcode resolveConfig} reads. It takes nothing from the process by itself. */
export interface ConfigInput {
  /** Settings of this call. */
  readonly flags: ConfigFlags;
  /** The environment, such as `Deno.env.toObject()`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The working directory: the project is found upwards from it. */
  readonly cwd: string;
}

/** A value, what messages call it, and where it came from. */
interface Setting {
  readonly value: unknown;
  readonly field: string;
  readonly source: string;
}

const FILE_KEYS = ["store", "namespace", "json", "fallback", "durability"];
const FALLBACKS: readonly Fallback[] = ["directory", "never"];
const DURABILITIES: readonly Durability[] = ["full", "normal"];
const STORE_FIX =
  "use a URL with redis:, rediss:, redis+sentinel:, redis+cluster: or unix:, or a " +
  "directory such as ./state";

/**
 * Settles every setting. Reads the disk to find the project and its configuration file, and nothing
 * else.
 *
 * @throws {InvalidArgumentError} naming the flag, variable or file whose value is wrong; a value that
 * another one overrides is looked at only in the file
 */
export function resolveConfig({ flags, env, cwd }: ConfigInput): Config {
  const project = findProject(cwd);
  const { configPath } = project;
  const file = configPath === undefined ? {} : readConfigFile(configPath, project);

  const pick = (key: ConfigKey, ...variables: string[]): Setting | undefined => {
    const flag = key === "durability" ? undefined : flags[key];
    if (flag !== undefined) return { value: flag, field: `--${key}`, source: `--${key}` };
    for (const name of variables) {
      const value = env[name];
      // CI sets a variable empty to unset it.
      if (value) return { value, field: name, source: name };
    }
    if (configPath === undefined || !Object.hasOwn(file, key)) return undefined;
    return { value: file[key], field: fileField(key, configPath), source: configPath };
  };

  const store = pick("store", "AGENTCOORD_STORE", "REDIS_URL");
  const namespace = pick("namespace", "AGENTCOORD_NAMESPACE");
  const agent = pick("agent", "AGENTCOORD_AGENT");
  const json = pick("json", "AGENTCOORD_JSON");
  const fallback = pick("fallback", "AGENTCOORD_FALLBACK");
  const durability = pick("durability", "AGENTCOORD_DURABILITY");
  return {
    store: store === undefined
      ? { kind: "directory", directory: project.storeDirectory }
      : parseStore(store, store.source === configPath ? project.root : project.cwd),
    namespace: namespace === undefined ? "default" : checkName(namespace.value, namespace.field),
    ...(agent === undefined ? {} : { agent: checkName(agent.value, agent.field) }),
    json: json === undefined ? false : parseBoolean(json),
    fallback: fallback === undefined ? "directory" : parseWord(fallback, FALLBACKS),
    durability: durability === undefined ? "full" : parseWord(durability, DURABILITIES),
    project,
    sources: {
      store: store?.source ?? "default",
      namespace: namespace?.source ?? "default",
      agent: agent?.source ?? "default",
      json: json?.source ?? "default",
      fallback: fallback?.source ?? "default",
      durability: durability?.source ?? "default",
    },
  };
}

function readConfigFile(path: string, project: Project): Record<string, unknown> {
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return {};
    if (error instanceof Deno.errors.NotCapable) throw error;
    const reason = error instanceof Error ? error.message.replace(/ \(os .*/s, "") : String(error);
    throw new InvalidArgumentError(
      `Invalid configuration file ${quote(path, 300)}: ${printable(reason)}`,
      { field: "config", value: printable(path, 300) },
    );
  }
  const parsed = parseJson(text, path);
  for (const [key, value] of Object.entries(parsed)) {
    if (key === "agent") {
      throw invalid(
        fileField(key, path),
        value,
        "remove it; a file is shared by all agents, so name one with --agent or AGENTCOORD_AGENT",
      );
    }
    if (!FILE_KEYS.includes(key)) {
      // Its value may be a secret under a mistyped name.
      throw new InvalidArgumentError(
        `Invalid key ${quote(key)} in ${path}: use ${FILE_KEYS.join(", ")}`,
        { field: fileField(key, path), value: printable(key) },
      );
    }
    const setting = { value, field: fileField(key, path), source: path };
    if (key === "store") parseStore(setting, project.root);
    else if (key === "namespace") checkName(value, setting.field);
    else if (key === "fallback") parseWord(setting, FALLBACKS);
    else if (key === "durability") parseWord(setting, DURABILITIES);
    else if (typeof value !== "boolean") throw invalid(setting.field, value, "use true or false");
  }
  return parsed;
}

function parseJson(text: string, path: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    // The engine's message quotes the text, which may hold a password.
    const place = /\(line \d+ column \d+\)/.exec(String(error))?.[0];
    throw new InvalidArgumentError(
      `Invalid configuration file ${quote(path, 300)}: it is not JSON${place ? ` ${place}` : ""}`,
      { field: "config", value: printable(path, 300) },
    );
  }
  if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) {
    return parsed as Record<string, unknown>;
  }
  throw new InvalidArgumentError(
    `Invalid configuration file ${quote(path, 300)}: use one JSON object, such as ` +
      '{"namespace": "default"}',
    { field: "config", value: printable(path, 300) },
  );
}

function parseStore({ value, field, source }: Setting, base: string): StoreConfig {
  if (typeof value !== "string" || value.trim() === "") throw invalid(field, value, STORE_FIX);
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(value)?.[1]?.toLowerCase();
  if (scheme === undefined) {
    // "//:password@host" lost its scheme; as a directory it would be created, and shown.
    if (/^(?::|\/\/).*@/s.test(value)) throw invalid(field, value, STORE_FIX);
    if (source === "REDIS_URL") throw invalid(field, value, "use a redis: or rediss: URL");
    checkText(value, field, { maxBytes: LIMITS.pathBytes });
    const parts = splitPath(value.startsWith("/") ? value : `${base}/${value}`);
    return { kind: "directory", directory: `/${parts.join("/")}` };
  }
  if (!REDIS_SCHEMES.includes(scheme)) {
    throw invalid(field, value, `"${printable(scheme, 40)}:" is no store; ${STORE_FIX}`);
  }
  parseRedisUrl(value, field);
  return { kind: "redis", url: value };
}

function parseBoolean({ value, field }: Setting): boolean {
  if (typeof value === "boolean") return value;
  if (typeof value === "string") {
    if (/^(?:1|true|yes|on)$/i.test(value)) return true;
    if (/^(?:0|false|no|off)$/i.test(value)) return false;
  }
  throw invalid(field, value, "use 1 or 0");
}

function parseWord<Word extends string>({ value, field }: Setting, words: readonly Word[]): Word {
  const word = words.find((candidate) => candidate === value);
  if (word === undefined) throw invalid(field, value, `use ${words.join(" or ")}`);
  return word;
}

function fileField(key: string, path: string): string {
  return `${printable(key, 40)} in ${path}`;
}

function invalid(field: string, value: unknown, fix: string): InvalidArgumentError {
  // What is neither text, number nor boolean may hold a secret anywhere inside.
  const shown = typeof value === "string"
    ? quote(redactUrl(value))
    : typeof value === "object" && value !== null
    ? (Array.isArray(value) ? "an array" : "an object")
    : quote(value);
  return new InvalidArgumentError(`Invalid ${field} ${shown}: ${fix}`, {
    field,
    value: typeof value === "string" ? printable(redactUrl(value)) : shown,
  });
}

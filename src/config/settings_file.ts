/**
 * Reads one configuration file: `agentcoord.json` of a project, or a user's own.
 *
 * Nothing of it is trusted before it is checked: a project's file comes with a clone, and may be a pipe,
 * a link to somebody's secrets, or text that two programs read differently.
 * @module
 */
import { DURABILITIES } from "../durability.ts";
import { InvalidArgumentError } from "../errors.ts";
import { checkName, printable, quote } from "../name.ts";
import { engineOf } from "../open/engines.ts";
import type { StoreConfig } from "../store_config.ts";
import { fileField, invalidSetting, parseWord } from "./setting.ts";
import { parseStore } from "./store_value.ts";
import { parseObject, StrictJsonError } from "./strict_json.ts";
import { isWithin } from "./within.ts";

/** What happens when Redis cannot be reached: a directory takes over if that is safe, always, or never. */
export const FALLBACKS = ["auto", "directory", "never"] as const;

const KEYS = ["store", "namespace", "json", "fallback", "durability", "hooks"];
const HOOK_ERRORS = ["ask", "deny", "allow"] as const;
/** Far more than any such file needs. */
const MAX_BYTES = 64 * 1024;

/** How {@linkcode readSettingsFile} reads. */
export interface ReadOptions {
  /** Where a relative store directory starts. */
  readonly base: string;
  /** A link must stay below one of these. Default: it may lead anywhere. */
  readonly within?: readonly string[];
}

/**
 * The settings in the file, each checked; `undefined` when there is no such file.
 *
 * @throws {InvalidArgumentError} naming the file, the key, its value and what to write instead.
 */
export function readSettingsFile(
  path: string,
  { base, within }: ReadOptions,
): Readonly<Record<string, unknown>> | undefined {
  const text = readText(path, within);
  if (text === undefined) return undefined;
  let settings: Record<string, unknown>;
  try {
    settings = parseObject(text);
  } catch (error) {
    if (error instanceof StrictJsonError) throw unusable(path, error.message);
    throw error;
  }
  for (const [key, value] of Object.entries(settings)) checkEntry(key, value, path, base);
  return settings;
}

/** The refusal of a file as a whole. */
export function unusable(path: string, why: string): InvalidArgumentError {
  return new InvalidArgumentError(`Invalid configuration file ${quote(path, 300)}: ${why}`, {
    field: "config",
    value: printable(path, 300),
  });
}

function checkEntry(key: string, value: unknown, path: string, base: string): void {
  const field = fileField(key, path);
  if (key === "agent") {
    throw invalidSetting(
      field,
      value,
      "remove it; a file is shared by all agents, so name one with --agent or AGENTCOORD_AGENT",
    );
  }
  if (!KEYS.includes(key)) {
    // Its value may be a secret under a mistyped name.
    throw new InvalidArgumentError(`Invalid key ${quote(key)} in ${path}: use ${KEYS.join(", ")}`, {
      field,
      value: printable(key),
    });
  }
  const setting = { value, field, source: path };
  if (key === "store") {
    const store = parseStore(setting, base);
    refusePassword(store, field);
  } else if (key === "namespace") checkName(value, field);
  else if (key === "fallback") parseWord(setting, FALLBACKS);
  else if (key === "durability") parseWord(setting, DURABILITIES);
  else if (key === "hooks") checkHooks(value, path);
  else if (typeof value !== "boolean") throw invalidSetting(field, value, "use true or false");
}

function checkHooks(value: unknown, path: string): void {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalidSetting(fileField("hooks", path), value, 'use an object, {"onError": "ask"}');
  }
  for (const [key, word] of Object.entries(value)) {
    if (key !== "onError") {
      throw new InvalidArgumentError(`Invalid key ${quote(key)} of hooks in ${path}: use onError`, {
        field: fileField("hooks", path),
        value: printable(key),
      });
    }
    const field = fileField("hooks.onError", path);
    parseWord({ value: word, field, source: path }, HOOK_ERRORS);
  }
}

/**
 * Refuses a URL with a password: a file ends up in commits, backups and images.
 *
 * @throws {InvalidArgumentError} that says where passwords go.
 */
export function refusePassword(store: StoreConfig, field: string): void {
  const engine = engineOf(store);
  if (!engine.hasSecrets) return;
  throw invalidSetting(
    field,
    engine.value,
    "a password does not go into a configuration file; leave it out and run " +
      "agentcoord login URL, or give the whole URL in AGENTCOORD_STORE",
  );
}

function readText(path: string, within: readonly string[] | undefined): string | undefined {
  try {
    let info = Deno.lstatSync(path);
    if (info.isSymlink) {
      checkLink(path, within);
      info = Deno.statSync(path);
    }
    // Opening a pipe would wait for whoever writes to it.
    if (!info.isFile) throw unusable(path, `it is ${info.isDirectory ? "a directory" : "no file"}`);
    if (info.size > MAX_BYTES) {
      throw unusable(path, `it has ${info.size} bytes, and the limit is ${MAX_BYTES}`);
    }
    return new TextDecoder("utf-8", { fatal: true }).decode(Deno.readFileSync(path));
  } catch (error) {
    if (error instanceof InvalidArgumentError || error instanceof Deno.errors.NotCapable) {
      throw error;
    }
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return undefined;
    }
    if (error instanceof TypeError) throw unusable(path, "it is not UTF-8; save it as UTF-8");
    throw unusable(path, reasonOf(error));
  }
}

function checkLink(path: string, within: readonly string[] | undefined): void {
  let target: string;
  try {
    target = Deno.realPathSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    const missing = printable(Deno.readLinkSync(path), 300);
    throw unusable(path, `it is a link to ${missing}, which is not there; make that, or remove it`);
  }
  if (within === undefined || within.some((root) => isWithin(target, root))) return;
  throw unusable(
    path,
    `it is a link to ${printable(target, 300)}, outside the project; put the file itself here`,
  );
}

/** The system's reason for a failure, without its number. */
export function reasonOf(error: unknown): string {
  return printable(
    (error instanceof Error ? error.message : String(error)).replace(/ \(os error.*/s, ""),
  );
}

/**
 * What a process works with: flags over environment over the project's `agentcoord.json` over the user's
 * own file over defaults.
 *
 * Whose word counts for what. Flags and the environment are the caller's, and the user's file is the
 * user's. The project's file comes with a clone: it is checked as a stranger's, and when it alone names a
 * server or a place outside of the project, {@linkcode Config.denial} is set until the user has agreed.
 *
 * The files are validated by hand: they have six keys, and every command line call reads them.
 * @module
 */

import type { Access, AccessInput } from "./config/access.ts";
import { namespaceOfOrigin } from "./config/origin.ts";
import { overrideRemarks, projectRemarks, type Remark } from "./config/remarks.ts";
import { fileField, parseBoolean, parseWord, type Setting } from "./config/setting.ts";
import { FALLBACKS, readSettingsFile } from "./config/settings_file.ts";
import { DURABILITIES, type Durability } from "./durability.ts";
import { parseStore, type StoreConfig } from "./config/store_value.ts";
import type { Fallback } from "./store_config.ts";
import { exists, realPath } from "./disk.ts";
import { given as present } from "./given.ts";
import { checkName } from "./name.ts";
import { findProject, type Project } from "./project.ts";
import { isLink } from "./config/within.ts";
import { redactUrl } from "./engine/redis/url.ts";
import { engineOf } from "./open/engines.ts";

export { redactUrl };
export type { Remark, StoreConfig };
export { hideSecrets } from "./config/setting.ts";
export type { Durability } from "./durability.ts";
export { shownStore } from "./config/store_value.ts";

export type { Fallback } from "./store_config.ts";

/** A setting that has a source. */
export type ConfigKey = "store" | "namespace" | "agent" | "json" | "fallback" | "durability";

/** A value that counts for nothing, as another source comes before its own. */
export interface Overridden {
  /** As {@linkcode Config.sources}. */
  readonly source: string;
  /** As it was given; may hold a secret. */
  readonly value: unknown;
}

/** Everything a process needs to know before it opens a store. */
export interface Config extends Access {
  /** One project's state in a store. Default: `owner-name` of the `origin` on a server, else `default`. */
  readonly namespace: string;
  /** Who acts. */
  readonly agent?: string;
  /** Whether results are printed as JSON. Default `false`. */
  readonly json: boolean;
  /** What happens when Redis is gone. Default `auto`. */
  readonly fallback: Fallback;
  /** The directory that may take over then: the project's. Absent where everybody's projects would share it. */
  readonly standInDirectory?: string;
  /** How safe a directory store's writes are. Default `full`. */
  readonly durability: Durability;
  /** The project around the working directory. */
  readonly project: Project;
  /** Where the user's own files are; absent when the environment does not say. */
  readonly userDirectory?: string;
  /**
   * Where each value came from: the flag (`--store`), the variable (`AGENTCOORD_STORE`), the path of
   * the configuration file, `origin in` the path of git's, or `default`.
   */
  readonly sources: Readonly<Record<ConfigKey, string>>;
  /** What each value overrode, the nearest first. */
  readonly overridden: Readonly<Record<ConfigKey, readonly Overridden[]>>;
  /** Files that settings were read from, the first before the others. */
  readonly files: readonly string[];
  /** What the user should know about these settings. */
  readonly remarks: readonly Remark[];
  /** What {@linkcode resolveAccess} has yet to look into; absent when there is nothing. */
  readonly pending?: AccessInput;
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
  /** `--fallback`: `auto`, `directory` or `never`. */
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

/** A file with its settings. */
interface Layer {
  readonly path: string;
  readonly settings: Readonly<Record<string, unknown>>;
}

const KEYS: readonly ConfigKey[] = [
  "store",
  "namespace",
  "agent",
  "json",
  "fallback",
  "durability",
];

/**
 * Decides every setting. Reads the disk to find the project, its configuration and the user's, and nothing
 * else.
 *
 * @throws {InvalidArgumentError} naming the flag, variable or file whose value is wrong; a value that
 * another one overrides is looked at only in a file
 */
export function resolveConfig({ flags, env, cwd }: ConfigInput): Config {
  const project = findProject(cwd);
  const own = userDirectory(env);
  const layers = readLayers(project, own);
  const given = forEachKey((key) => candidates(key, flags, env, layers));
  const { agent: [agent], json: [json], fallback: [fallback], durability: [durability] } = given;
  const isProjects = ({ source }: Setting) =>
    source === project.configPath || source === project.oldConfigPath;
  const isOfFile = ({ source }: Setting) => layers.some(({ path }) => path === source);
  const baseOf = (setting: Setting) => isOfFile(setting) ? project.root : project.cwd;
  const [named] = given.store;
  const store: StoreConfig = named === undefined
    ? { kind: "directory", directory: project.storeDirectory }
    : parseStore(named, baseOf(named));
  const file = named !== undefined && isProjects(named) ? named.source : undefined;
  const namespace = chooseNamespace(given.namespace[0], store, project, file);
  const pending: AccessInput = {
    project,
    userDirectory: own,
    source: named === undefined ? "default" : isProjects(named) ? named.source : undefined,
    // What the project's file comes before may be the user's own word for the same place.
    others: given.store.slice(1).filter((setting) => isOfFile(setting) && !isProjects(setting))
      .map((setting) => parseStore(setting, project.root)),
  };
  return {
    store,
    ...(isPlainlyOurs(store, pending) ? {} : { pending }),
    namespace: namespace.name,
    ...(agent === undefined ? {} : { agent: checkName(agent.value, agent.field) }),
    json: json === undefined ? false : parseBoolean(json),
    fallback: fallback === undefined ? "auto" : parseWord(fallback, FALLBACKS),
    ...present({ standInDirectory: standInOf(store, project, env.HOME) }),
    durability: durability === undefined ? "full" : parseWord(durability, DURABILITIES),
    project,
    ...(own === undefined ? {} : { userDirectory: own }),
    sources: {
      ...forEachKey((key) => given[key][0]?.source ?? "default"),
      namespace: namespace.source,
    },
    overridden: forEachKey((key) => given[key].slice(1)),
    files: layers.map(({ path }) => path),
    remarks: [
      ...projectRemarks(project),
      ...namespace.remarks,
      ...overrideRemarks(given, isProjects, baseOf),
    ],
  };
}

/**
 * Adds the user's stored password to a server's URL, and finds out whether the user has agreed to a place
 * that only the project's file names. A directory that is plainly the project's or the user's own costs
 * nothing here.
 *
 * @throws {InvalidArgumentError} when the user's own files are broken, or others may read the passwords.
 * @throws {DeniedError} with `check`, when the user has not agreed.
 */
export async function resolveAccess(
  { pending, ...config }: Config,
  { check = true }: { readonly check?: boolean } = {},
): Promise<Config> {
  if (pending === undefined) return config;
  const { checkAccess, decideAccess } = await import("./config/access.ts");
  const decided = { ...config, ...decideAccess(config.store, pending) };
  if (check) checkAccess(decided);
  return decided;
}

/** Whether the store is a directory that nobody has to agree to, as far as that is cheap to tell. */
function isPlainlyOurs(store: StoreConfig, { source }: AccessInput): boolean {
  const { isShared, value } = engineOf(store);
  if (isShared) return false;
  return source === undefined || (source === "default" && !isLink(value));
}

/**
 * `$XDG_CONFIG_HOME/agentcoord`, else `~/.config/agentcoord`; `undefined` when the environment names
 * neither. A relative path counts as none, as the XDG base directory specification asks.
 */
export function userDirectory(
  { XDG_CONFIG_HOME: config, HOME: home }: Readonly<Record<string, string | undefined>>,
): string | undefined {
  if (config?.startsWith("/")) return `${config.replace(/\/+$/, "")}/agentcoord`;
  return home?.startsWith("/") ? `${home.replace(/\/+$/, "")}/.config/agentcoord` : undefined;
}

/** Everything below the home directory, or the root of all files, would share a directory made there. */
function standInOf(store: StoreConfig, { root, storeDirectory }: Project, home?: string) {
  if (!engineOf(store).isShared || root === "/" || root === realPath(home)) return undefined;
  return `${storeDirectory}/fallback`;
}

function forEachKey<Value>(valueOf: (key: ConfigKey) => Value): Record<ConfigKey, Value> {
  return Object.fromEntries(KEYS.map((key) => [key, valueOf(key)])) as Record<ConfigKey, Value>;
}

/** The project's file, the one of version 0.1.0, and the user's. */
function readLayers(project: Project, own: string | undefined): Layer[] {
  const { root, worktree, configPath, oldConfigPath } = project;
  const inProject = { base: root, within: [root, worktree] };
  const files = [
    { path: configPath, options: inProject },
    { path: oldConfigPath, options: inProject },
    // A user may keep it wherever, and link to it.
    { path: own && exists(own) ? `${own}/config.json` : undefined, options: { base: root } },
  ];
  return files.flatMap(({ path, options }) => {
    const settings = path === undefined ? undefined : readSettingsFile(path, options);
    return path === undefined || settings === undefined ? [] : [{ path, settings }];
  });
}

/** Every value that somebody gave for the setting; the first one counts. */
function candidates(
  key: ConfigKey,
  flags: ConfigFlags,
  env: ConfigInput["env"],
  layers: readonly Layer[],
): Setting[] {
  const found: Setting[] = [];
  const flag = key === "durability" ? undefined : flags[key];
  if (flag !== undefined) found.push({ value: flag, field: `--${key}`, source: `--${key}` });
  const variable = `AGENTCOORD_${key.toUpperCase()}`;
  const value = env[variable];
  // CI sets a variable empty to unset it.
  if (value) found.push({ value, field: variable, source: variable });
  for (const { path, settings } of layers) {
    if (!Object.hasOwn(settings, key)) continue;
    found.push({ value: settings[key], field: fileField(key, path), source: path });
  }
  return found;
}

function chooseNamespace(
  given: Setting | undefined,
  store: StoreConfig,
  project: Project,
  sharedFile: string | undefined,
): { readonly name: string; readonly source: string; readonly remarks: readonly Remark[] } {
  if (given !== undefined) {
    return { name: checkName(given.value, given.field), source: given.source, remarks: [] };
  }
  if (!engineOf(store).isShared) return { name: "default", source: "default", remarks: [] };
  const origin = namespaceOfOrigin(project);
  if (origin !== undefined) {
    const source = `origin in ${origin.path}`;
    return {
      name: origin.name,
      source,
      remarks: sharedFile ? [byOrigin(origin.name, sharedFile)] : [],
    };
  }
  const text = "No namespace is named and there is no git remote called origin: using " +
    '"default", which every such project on this server shares; set namespace in agentcoord.json';
  return { name: "default", source: "default", remarks: [{ kind: "notice", text }] };
}

/** A file that all clones share names the server, and the namespace is each clone's own: forks part without a word. */
function byOrigin(name: string, file: string): Remark {
  const text =
    `${file} names a server and no namespace, so each clone uses the one of its own origin, here ` +
    `"${name}": a fork does not see this one's locks and tasks. Add this line to the file: "namespace": "${name}",`;
  return { kind: "notice", text };
}

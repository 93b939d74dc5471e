import { given } from "../src/given.ts";
import { type Cli, defineCommand } from "../src/cli/command.ts";
import { type FileSettings, type SettingChange, writeConfigFile } from "../src/cli/config_file.ts";
import { choice } from "../src/cli/options.ts";
import {
  type Config,
  redactUrl,
  resolveAccess,
  resolveConfig,
  shownStore,
  type StoreConfig,
} from "../src/config.ts";
import { addTrust } from "../src/config/trust.ts";
import { refusePassword } from "../src/config/settings_file.ts";
import { isSameStore } from "../src/config/store_value.ts";
import { ConflictError } from "../src/errors.ts";
import { newId } from "../src/id.ts";
import { printable, quote } from "../src/name.ts";
import { engineOf } from "../src/open/engines.ts";

/** `agentcoord init` */
export const command = defineCommand({
  build: (command) =>
    command.addOption(
      choice("--durability <mode>", "full survives power loss, normal any crash of a process", [
        "full",
        "normal",
      ]),
    ).option("--yes", "leave behind what is held and queued in the store that counted until now"),
  examples: [
    "agentcoord init",
    "agentcoord init --durability normal --namespace ci",
    "agentcoord init --store ../shared-state --json",
    "agentcoord init --store redis://localhost:6379/0",
  ],
  run: async (cli, { durability, yes }) => {
    const config = await cli.config();
    const settings: FileSettings = {
      ...(config.sources.store === "--store" ? { store: storeSetting(config) } : {}),
      ...(writesNamespace(config) ? { namespace: config.namespace } : {}),
      ...given({ durability }),
    };
    const left = await leftBehind(cli, config);
    if (left !== undefined) {
      if (!yes) throw left;
      cli.warn(left.message);
    }
    const created = await make(cli, config);
    const { path, changes, moved } = writeConfigFile(config.project, settings);
    rememberTrust(config);
    warnOfEnvironment(cli, settings);
    offerServer(cli, config);
    const { kind, location } = (await cli.context()).store;
    const { isShared } = engineOf(config.store);
    return {
      ...(isShared ? {} : { directory: location }),
      store: { kind, location },
      namespace: config.namespace,
      created,
      ...(changes.length === 0 && moved === undefined ? {} : {
        config: {
          path,
          changes: changes.map(redacted),
          ...given({ moved }),
        },
      }),
    };
  },
  text: ({ store, namespace, created, config }) => {
    const place = `${printable(store.location, Infinity)} (namespace ${namespace})`;
    const lines = [
      created
        ? `Made the store in ${place}.`
        : `The store is there already: ${place}${
          config === undefined ? "; nothing changed." : "."
        }`,
      ...(config?.moved === undefined ? [] : [
        `Moved the settings in ${printable(config.moved, Infinity)} to ${
          printable(config.path, Infinity)
        }, which is meant to be committed.`,
      ]),
      ...(config?.changes ?? []).map(({ name, value, before }) =>
        `Set ${name} to ${quote(value, 300)}${
          before === null ? "" : ` (was ${quote(before, 300)})`
        } in ${printable(config?.path ?? "", Infinity)}.`
      ),
    ];
    return lines.map((line) => `${line}\n`).join("");
  },
});

/**
 * With a server its namespace is written down, too: it would come from each clone's own origin, so that a fork, or a
 * clone made before there was an origin, would be elsewhere on the same server without a word.
 */
function writesNamespace({ sources, store }: Config): boolean {
  if (sources.namespace === "--namespace") return true;
  return sources.store === "--store" && engineOf(store).isShared &&
    sources.namespace !== "AGENTCOORD_NAMESPACE";
}

/** The refusal to go over to another store while the one of before has something alive in it. */
async function leftBehind(cli: Cli, config: Config): Promise<ConflictError | undefined> {
  const { sources } = config;
  if (sources.store !== "--store" && sources.namespace !== "--namespace") return undefined;
  const before = { ...cli.env, AGENTCOORD_STORE: "", AGENTCOORD_NAMESPACE: "" };
  const old = await resolveAccess(
    resolveConfig({ flags: {}, env: before, cwd: cli.cwd }),
    { check: false },
  );
  if (isSameStore(old.store, config.store) && old.namespace === config.namespace) return undefined;
  const { countAlive } = await import("../src/cli/alive.ts");
  const place = printable(shownStore(old.store), 300);
  const alive = await countAlive(old);
  if (typeof alive === "string") {
    cli.warn(`What ${place} still holds could not be seen: ${alive}`);
    return undefined;
  }
  const { locks, tasks } = alive;
  // Agents register anew by acting, so they alone keep nobody.
  if (locks === 0 && tasks === 0) return undefined;
  const parts = [[locks, "lock"], [tasks, "task"]].filter(([count]) => count !== 0)
    .map(([count, what]) => `${count} ${what}${count === 1 ? "" : "s"}`);
  return new ConflictError(
    `In ${place} (namespace ${old.namespace}) stay behind: ${parts.join(", ")}; ` +
      "finish, release or cancel them first, or leave them with --yes",
    { store: place, namespace: old.namespace, ...alive },
    false,
  );
}

/** REDIS_URL is the application's, so it is not read as a setting; but it may be what is wanted. */
function offerServer(cli: Cli, { sources, store }: Config): void {
  const url = cli.env.REDIS_URL ?? "";
  if (sources.store !== "default" || engineOf(store).isShared || !/^rediss?:\/\//.test(url)) {
    return;
  }
  cli.note(
    "REDIS_URL is your application's and is not used. To keep the state on a server: " +
      `agentcoord init --store ${redactUrl(url).replace("***@", "")}, after agentcoord login`,
  );
}

/** The store as every directory of the project can understand it: a directory inside is relative. */
function storeSetting({ store, credentials, project }: Config): string {
  const plain: StoreConfig = credentials === undefined
    ? store
    : { kind: "redis", url: credentials.plainUrl };
  refusePassword(plain, "--store");
  const { value } = engineOf(plain);
  const prefix = project.root === "/" ? "/" : `${project.root}/`;
  return value.startsWith(prefix) ? `./${value.slice(prefix.length)}` : value;
}

/** Who names the store here has agreed to it, and need not say so again when only the file names it. */
function rememberTrust({ store, sources, project, userDirectory }: Config): void {
  if (sources.store !== "--store" || userDirectory === undefined) return;
  if (engineOf(store).needsTrust(project.root)) addTrust(userDirectory, project.root, store);
}

/** Makes the store if need be; whether there was none. */
async function make(cli: Cli, { store: place, namespace }: Config): Promise<boolean> {
  const { store } = await cli.context({ init: true });
  const existed = await engineOf(place).hasState(namespace);
  // An operation that finds nothing to do (nobody waits under a new identifier) shows that operations can write here.
  await (await store.locks()).abandon(newId("wtr"));
  return !existed;
}

function withoutSecret<Value>(value: Value): Value | string {
  return typeof value === "string" && /^[a-z][a-z0-9+.-]*:/i.test(value) ? redactUrl(value) : value;
}

function redacted(change: SettingChange): SettingChange {
  return { ...change, value: withoutSecret(change.value), before: withoutSecret(change.before) };
}

/** A variable wins over the file, so the file alone changes nothing for who has it set. */
function warnOfEnvironment(cli: Cli, settings: FileSettings): void {
  for (const name of Object.keys(settings)) {
    const variable = `AGENTCOORD_${name.toUpperCase()}`;
    if (cli.env[variable]) {
      cli.warn(`${variable} is set and wins over ${name} in the configuration file`);
    }
  }
}

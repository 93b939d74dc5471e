import { type Cli, defineCommand } from "../src/cli/command.ts";
import { type FileSettings, type SettingChange, writeConfigFile } from "../src/cli/config_file.ts";
import { choice } from "../src/cli/options.ts";
import { type Config, redactUrl } from "../src/config.ts";
import { InvalidArgumentError } from "../src/errors.ts";
import { newId } from "../src/id.ts";
import { printable, quote } from "../src/name.ts";
import { parseRedisUrl } from "../src/store/redis_url.ts";

/** `agentcoord init` */
export const command = defineCommand({
  build: (command) =>
    command.addOption(
      choice("--durability <mode>", "full survives power loss, normal any crash of a process", [
        "full",
        "normal",
      ]),
    ),
  examples: [
    "agentcoord init",
    "agentcoord init --durability normal --namespace ci",
    "agentcoord init --store ../shared-state --json",
    "agentcoord init --store redis://localhost:6379/0",
  ],
  run: async (cli, { durability }) => {
    const config = await cli.config();
    const settings: FileSettings = {
      ...(config.sources.store === "--store" ? { store: storeSetting(config) } : {}),
      ...(config.sources.namespace === "--namespace" ? { namespace: config.namespace } : {}),
      ...(durability === undefined ? {} : { durability }),
    };
    const created = await make(cli, config);
    const { path, changes } = writeConfigFile(config.project, settings);
    warnOfEnvironment(cli, settings);
    const { kind, location } = (await cli.context()).store;
    return {
      ...(kind === "directory" ? { directory: location } : {}),
      store: { kind, location },
      namespace: config.namespace,
      created,
      ...(changes.length === 0 ? {} : { config: { path, changes: changes.map(redacted) } }),
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
      ...(config?.changes ?? []).map(({ name, value, before }) =>
        `Set ${name} to ${quote(value, 300)}${
          before === null ? "" : ` (was ${quote(before, 300)})`
        } in ${printable(config?.path ?? "", Infinity)}.`
      ),
    ];
    return lines.map((line) => `${line}\n`).join("");
  },
});

/** The store as every directory of the project can understand it: a directory inside is relative. */
function storeSetting({ store, project }: Config): string {
  if (store.kind === "redis") {
    refusePassword(store.url);
    return store.url;
  }
  const prefix = project.root === "/" ? "/" : `${project.root}/`;
  return store.directory.startsWith(prefix)
    ? `./${store.directory.slice(prefix.length)}`
    : store.directory;
}

/** A file in a project is read by everybody who works there, and ends up in backups and images. */
function refusePassword(url: string): void {
  const { auth, sentinelAuth } = parseRedisUrl(url, "--store");
  if ((auth?.password ?? "") === "" && (sentinelAuth?.password ?? "") === "") return;
  throw new InvalidArgumentError(
    `Invalid --store ${quote(redactUrl(url))}: a password does not go into the project's ` +
      "configuration file; give this URL in AGENTCOORD_STORE or REDIS_URL instead",
    { field: "--store", value: printable(redactUrl(url)) },
  );
}

/** Makes the store if need be; whether there was none. */
async function make(cli: Cli, { store: place, namespace }: Config): Promise<boolean> {
  const { store } = await cli.context();
  if (place.kind === "directory") {
    const existed = hasDatabase(place.directory, namespace);
    // Whoever first asks for a room makes the store.
    await store.locks();
    return !existed;
  }
  const { hasState } = await import("../src/store/redis_inspect.ts");
  const existed = await hasState(place.url, namespace);
  // A step that finds nothing to do (nobody waits under a new identifier) shows that steps can write here.
  await (await store.locks()).abandon(newId("wtr"));
  return !existed;
}

function hasDatabase(directory: string, namespace: string): boolean {
  try {
    return Deno.statSync(`${directory}/namespaces/${namespace}/store.db`).isFile;
  } catch (error) {
    // Any other obstacle is for the store to explain when it is opened.
    if (error instanceof Error && "code" in error) return false;
    throw error;
  }
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
    const variables = [
      `AGENTCOORD_${name.toUpperCase()}`,
      ...(name === "store" ? ["REDIS_URL"] : []),
    ];
    const set = variables.find((variable) => cli.env[variable] !== undefined);
    if (set !== undefined) {
      cli.warn(`${set} is set and wins over ${name} in the configuration file`);
    }
  }
}

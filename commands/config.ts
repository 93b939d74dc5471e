import { defineCommand } from "../src/cli/command.ts";
import { table } from "../src/cli/output.ts";
import { type Config, type ConfigKey, hideSecrets, shownStore } from "../src/config.ts";
import { printable } from "../src/name.ts";
import { engineOf } from "../src/open/engines.ts";

/** The settings in the order they are shown. */
const SETTINGS: readonly ConfigKey[] = [
  "store",
  "namespace",
  "agent",
  "fallback",
  "durability",
  "json",
];

/** `agentcoord config` */
export const command = defineCommand({
  build: (command) => command,
  examples: ["agentcoord config", "agentcoord config --store ./state --json"],
  run: async (cli) => {
    const config = await cli.config();
    const { overridden } = config;
    for (const { text } of config.remarks) cli.warn(text);
    if (config.denial !== undefined) cli.warn(config.denial);
    const { root, worktree, isGit, configPath } = config.project;
    return {
      settings: SETTINGS.map((name) => ({
        name,
        value: valueOf(config, name),
        source: config.sources[name],
        overrides: overridden[name].map(({ source, value }) => ({ source, value: shown(value) })),
      })),
      project: { root, worktree, git: isGit, configFile: configPath ?? null },
      files: config.files,
      credentials: config.credentials?.path ?? null,
    };
  },
  text: async ({ settings, project, files, credentials }, view) => {
    const rows = await table(
      settings.flatMap(({ name, value, source, overrides }) => [
        { name, value, source },
        ...overrides.map((other) => ({ name: "  overrides", ...other })),
      ]),
      [
        { title: "SETTING", value: ({ name }) => name },
        { title: "VALUE", value: ({ value }) => value === null ? "-" : String(value) },
        { title: "FROM", value: ({ source }) => source },
      ],
      view,
      "",
    );
    const places = await table(
      [
        ["project", project.root],
        ...(project.worktree === project.root ? [] : [["worktree", project.worktree]]),
        ["config file", project.configFile ?? "none"],
        ...files.filter((path) => path !== project.configFile).map((path) => ["also read", path]),
        ...(credentials === null ? [] : [["password from", credentials]]),
      ],
      [
        { title: "PLACE", value: ([name]) => name ?? "" },
        { title: "PATH", value: ([, path]) => path ?? "" },
      ],
      view,
      "",
    );
    return `${rows}\n${places}`;
  },
});

/** What holds, as far as it may be shown; `null` for a setting that has no value, or no meaning here. */
function valueOf(config: Config, name: ConfigKey): string | boolean | null {
  const { store } = config;
  if (name === "store") return shownStore(store);
  if (name === "durability" && !engineOf(store).hasDurability) return null;
  return config[name] ?? null;
}

/** A value that does not count, and so was never checked: fit to be shown whatever it is. */
function shown(value: unknown): string | boolean {
  return typeof value === "boolean" ? value : printable(hideSecrets(String(value)));
}

import { defineCommand } from "../src/cli/command.ts";
import { table } from "../src/cli/output.ts";
import { type Config, type ConfigKey, redactUrl } from "../src/config.ts";

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
    const { store, fallback, sources } = config;
    if (store.kind === "redis" && fallback === "directory" && sources.fallback !== "default") {
      cli.warn(`${sources.fallback} asks for directory, and this version never falls back`);
    }
    const { root, worktree, isGit, configPath } = config.project;
    return {
      settings: SETTINGS.map((name) => ({
        name,
        value: valueOf(config, name),
        source: config.sources[name],
      })),
      project: { root, worktree, git: isGit, configFile: configPath ?? null },
    };
  },
  text: async ({ settings, project }, view) => {
    const rows = await table(
      settings,
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
  if (store.kind === "redis") {
    if (name === "store") return redactUrl(store.url);
    if (name === "durability") return null;
    if (name === "fallback") return "never";
  } else if (name === "store") {
    return store.directory;
  }
  return config[name] ?? null;
}

import { defineCommand } from "../../src/cli/command.ts";
import { given } from "../../src/given.ts";
import { workerTable } from "./text.ts";
import { spawnerOf } from "./spawner.ts";

/** `agentcoord workers` */
export const command = defineCommand({
  build: (command) => command.option("--all", "also those that have ended"),
  examples: ["agentcoord workers", "agentcoord workers --all --json"],
  run: async (cli, { all }) => await (await spawnerOf(cli)).list(given({ all })),
  text: workerTable,
});

import { defineCommand } from "../src/cli/command.ts";
import { VERSION } from "../src/version.ts";

/** `agentcoord version` */
export const command = defineCommand({
  build: (command) => command,
  examples: ["agentcoord version", "agentcoord version --json"],
  run: () =>
    Promise.resolve({
      version: VERSION,
      deno: Deno.version.deno,
      platform: `${Deno.build.os}-${Deno.build.arch}`,
      compiled: Deno.build.standalone,
    }),
  text: ({ version, deno, platform, compiled }) =>
    `agentcoord ${version} (${platform}, Deno ${deno}, ${compiled ? "compiled" : "from source"})\n`,
});

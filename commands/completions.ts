import { Argument } from "@commander-js/extra-typings";
import { defineCommand } from "../src/cli/command.ts";
import { completionPlaces, SHELLS } from "../src/cli/completion.ts";
import { VERSION } from "../src/version.ts";

/** `agentcoord completions` */
export const command = defineCommand({
  build: (command) =>
    command.addArgument(new Argument("<shell>", "whose script to print").choices(SHELLS)),
  examples: [
    "agentcoord completions bash > ~/.local/share/bash-completion/completions/agentcoord",
    "agentcoord completions zsh > ~/.zfunc/_agentcoord",
    "agentcoord completions fish > ~/.config/fish/completions/agentcoord.fish",
  ],
  run: async (_cli, _options, shell) => {
    const { COMMANDS, GROUPS } = await import("./mod.ts");
    const places = await completionPlaces({
      version: VERSION,
      commands: COMMANDS,
      groups: GROUPS,
    });
    return { shell, script: await script(shell, places) };
  },
  text: ({ script }) => script,
});

async function script(
  shell: typeof SHELLS[number],
  places: Awaited<ReturnType<typeof completionPlaces>>,
): Promise<string> {
  switch (shell) {
    case "bash":
      return (await import("../src/cli/completion_bash.ts")).bashScript(places);
    case "zsh":
      return (await import("../src/cli/completion_zsh.ts")).zshScript(places);
    case "fish":
      return (await import("../src/cli/completion_fish.ts")).fishScript(places);
  }
}

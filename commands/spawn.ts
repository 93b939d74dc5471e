import { checkBody } from "../src/check.ts";
import { defineCommand } from "../src/cli/command.ts";
import { choice, count } from "../src/cli/options.ts";
import { childEnvironment } from "../src/cli/wrapper.ts";
import { shellWords } from "../src/cli/wrapper_words.ts";
import { RESTART_POLICIES } from "../src/fleet/supervisor.ts";
import { given } from "../src/given.ts";
import { checkName } from "../src/name.ts";
import { executable } from "../src/process/program.ts";
import { agentText } from "./agent/text.ts";
import { spawnerOf } from "./workers/spawner.ts";
import { workOptions, workWords } from "./work_options.ts";

/** How often a worker that fails is started again unless said otherwise. */
const RESTARTS = 10;

/** `agentcoord spawn` */
export const command = defineCommand({
  build: (command) =>
    workOptions(command)
      .argument("<name>", "the worker's name")
      .usage("[options] <name> -- <command> [args...]")
      .addOption(choice("--mode <mode>", "how to run it (default: subprocess)", ["subprocess"]))
      .addOption(
        choice("--restart <when>", "start it again (default: on-failure)", RESTART_POLICIES),
      )
      .option(
        "--max-restarts <n>",
        `start it again so often at most (default: ${RESTARTS})`,
        count("--max-restarts", { min: 0, max: 1e6 }),
      )
      .addHelpText("after", HELP),
  takesRest: true,
  examples: [
    "agentcoord spawn w1 --tags backend --agent ada -- ./do-task.sh",
    "agentcoord spawn w2 --concurrency 4 --idle-exit 10m --restart never --agent ada -- ./do-task.sh",
  ],
  run: async (cli, { mode, restart, maxRestarts, ...options }, name) => {
    checkName(name, "worker name");
    if (options.verify !== undefined) checkBody(options.verify, "--verify", false);
    executable(cli.rest, cli.env);
    const spawner = await spawnerOf(cli, {
      restart: restart ?? "on-failure",
      maxRestarts: maxRestarts ?? RESTARTS,
    });
    return await spawner.spawn({
      name,
      mode: mode ?? "subprocess",
      ...given({ tags: options.tags, role: options.role }),
      words: ["work", "--agent", name, "--takeover", ...workWords(options), "--", ...cli.rest],
      command: shellWords(cli.rest),
      env: { ...cli.env, ...await childEnvironment(cli), AGENTCOORD_AGENT: name },
    });
  },
  text: agentText,
});

const HELP = `
The worker is an "agentcoord work" with the same options. It outlives the command that spawned it; see
"agentcoord workers", "workers logs NAME" and "workers stop NAME". One that fails is started again after a pause that
grows from a second to a minute.`;

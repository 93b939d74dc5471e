import { defineCommand } from "../../src/cli/command.ts";
import { Locks } from "../../src/lock/lock.ts";
import { heldConflict } from "../../src/lock/refusal.ts";
import { checkLines } from "./text.ts";

/** `agentcoord lock check` */
export const command = defineCommand({
  build: (command) =>
    command
      .argument("<path...>", "files or directories; each with everything below it")
      .option("--shared", "ask for a shared lock: other shared holders do not count")
      .option("--absolute", "allow paths outside the project"),
  examples: [
    "agentcoord lock check src/auth.ts --agent ada",
    "agentcoord lock check src/auth.ts docs --agent ada --json",
  ],
  run: async (cli, { shared, absolute }, paths) => {
    const context = await cli.context();
    const checks = await new Locks(context).check(paths, {
      mode: shared ? "shared" : "exclusive",
      absolute: absolute ?? false,
    });
    const held = heldConflict(checks, context.clock.nowMs());
    if (held !== undefined) throw held;
    return checks;
  },
  text: checkLines,
});

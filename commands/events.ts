import { given } from "../src/given.ts";
import { defineCommand, Exit } from "../src/cli/command.ts";
import { choice, integer } from "../src/cli/options.ts";
import { ago, type View } from "../src/cli/output.ts";
import { type CoordEvent, EVENT_TYPES } from "../src/event/model.ts";
import { Events } from "../src/event/event.ts";
import { printable } from "../src/name.ts";

/** `agentcoord events` */
export const command = defineCommand({
  build: (command) =>
    command
      .option("--since <cursor>", "only what comes after this event")
      .addOption(choice("--type <type>", "only this type", EVENT_TYPES))
      .option("--limit <n>", "most events without --follow (default: 100)", integer("--limit"))
      .option("-f, --follow", "go on as things happen; from now on without --since")
      .addHelpText(
        "after",
        "\nWith --json each event is an object on a line of its own, also without --follow.",
      ),
  examples: ["agentcoord events", "agentcoord events --follow --type task.completed --json"],
  run: async (cli, { since, type, limit, follow }) => {
    const events = new Events(await cli.context());
    const filter = {
      ...given({ since, type }),
    };
    const print = (event: CoordEvent) => cli.line(event, eventText(event, cli.view));
    if (follow) { for await (const event of events.follow(filter)) await print(event); }
    else {
      const page = await events.list({ ...filter, ...given({ limit }) });
      for (const event of page.events) await print(event);
    }
    return new Exit(0);
  },
  text: () => "",
});

function eventText({ id, type, subject, agent, atMs, data }: CoordEvent, view: View): string {
  const facts = data === undefined ? "" : ` ${printable(JSON.stringify(data), 200)}`;
  const who = agent ?? "-";
  return `${id}  ${ago(view, atMs).padEnd(9)} ${type.padEnd(18)} ${who.padEnd(12)} ` +
    `${printable(subject, Infinity)}${facts}\n`;
}

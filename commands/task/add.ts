import { given } from "../../src/given.ts";
import { defineCommand } from "../../src/cli/command.ts";
import { fileFrom } from "../../src/cli/input.ts";
import { list } from "../../src/cli/options.ts";
import { InvalidArgumentError } from "../../src/errors.ts";
import { NEW_TASK_FIELDS } from "../../src/task/arguments.ts";
import { type Task, Tasks } from "../../src/task/task.ts";
import { addFields, type Fields, fieldsOf } from "./fields.ts";
import { createAll, parseTasks } from "./import.ts";
import { taskLines } from "./text.ts";

/** What `task add` takes beside the fields of a task. */
interface Options extends Fields {
  readonly dependsOn?: readonly string[];
  readonly key?: string;
  readonly from?: string;
}

const FILE_HELP = `
A line of --from FILE is one JSON object: title, and what it needs of the other fields:
${NEW_TASK_FIELDS.slice(1).join(" ")}
A backoff is {kind, baseMs}. A number in dependsOn is a task of the file, counted from 0; of
another batch (1000 tasks, or 8 MiB of texts) it must be an earlier one.`;

/** `agentcoord task add` */
export const command = defineCommand({
  build: (command) => {
    const built = command
      .argument("[title]", "one line; leave it out with --from")
      .option("--depends-on <ids>", "tasks that must be completed first", list("--depends-on"))
      .option("--key <key>", "idempotency key: the same again creates nothing new")
      .option("--from <file|->", "one JSON task a line; atomic batches of 1000 or 8 MiB");
    addFields(built);
    return built.addHelpText("after", FILE_HELP);
  },
  examples: [
    "agentcoord task add 'Hash passwords' --tags backend --priority 8 --agent maria",
    "agentcoord task add 'Rename login' --paths src/auth,tests/auth --shared-paths docs --agent maria",
    "agentcoord task add --from tasks.jsonl --agent maria --json",
  ],
  run: async (cli, options: Options, title): Promise<Task | readonly Task[]> => {
    const { dependsOn, key, from } = options;
    const described = await fieldsOf(cli, options);
    const extra = {
      ...described,
      ...given({ dependsOn, key }),
    };
    if (from === undefined) {
      if (title === undefined) {
        throw new InvalidArgumentError("Give the task a title, or name a file with --from FILE", {
          field: "title",
        });
      }
      const [task] = await new Tasks(await cli.context()).create([{ title, ...extra }]);
      return task!;
    }
    if (title !== undefined || Object.keys(extra).length > 0) {
      throw new InvalidArgumentError("With --from, titles and options stand in the file's lines", {
        field: "--from",
      });
    }
    const items = parseTasks(await fileFrom(cli, from, "--from"), from);
    return await createAll(new Tasks(await cli.context()), items);
  },
  text: (data, view) => taskLines(Array.isArray(data) ? data : [data as Task], view),
});

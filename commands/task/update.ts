import { given } from "../../src/given.ts";
import { defineCommand } from "../../src/cli/command.ts";
import { InvalidArgumentError } from "../../src/errors.ts";
import { Tasks } from "../../src/task/task.ts";
import { addFields, FIELD_OPTIONS, type Fields, fieldsOf } from "./fields.ts";
import { taskLine } from "./text.ts";

/** What `task update` takes: `--no-tags` makes them `false`. */
interface Options extends Omit<Fields, "tags"> {
  readonly title?: string;
  readonly tags?: readonly string[] | false;
}

/** `agentcoord task update` */
export const command = defineCommand({
  build: (command) => {
    const built = command
      .argument("<id>", "a task that nobody works on yet")
      .option("--title <text>", "one line");
    addFields(built);
    built.option("--no-tags", "take all its tags away");
    return built;
  },
  examples: ["agentcoord task update tsk_01JD3ZW5N7X9K2M4P6Q8R0S2T4 --priority 9 --agent maria"],
  run: async (cli, options: Options, id) => {
    const { title, tags, ...fields } = options;
    const kept = tags === undefined ? {} : { tags: tags === false ? [] : tags };
    const changes = {
      ...await fieldsOf(cli, { ...fields, ...kept }),
      ...given({ title }),
    };
    if (options.backoffBase !== undefined && options.backoff === undefined) {
      // The kind that goes with it would be changed too, unasked.
      throw new InvalidArgumentError("With --backoff-base, say --backoff too", {
        field: "--backoff-base",
      });
    }
    if (Object.keys(changes).length === 0) {
      throw new InvalidArgumentError(
        `Nothing to update: give at least one of ${FIELD_OPTIONS.slice(0, -1).join(", ")} and ` +
          `${FIELD_OPTIONS.at(-1)} as an option; see --help`,
        { field: "changes" },
      );
    }
    return await new Tasks(await cli.context()).update(id, changes);
  },
  text: taskLine,
});

import { defineCommand } from "../../src/cli/command.ts";
import { Tasks } from "../../src/task/task.ts";
import { addFields, type Fields, fieldsOf } from "./fields.ts";
import { taskLine } from "./text.ts";

/** `agentcoord task update` */
export const command = defineCommand({
  build: (command) => {
    const built = command
      .argument("<id>", "a task that nobody works on yet")
      .option("--title <text>", "one line");
    addFields(built);
    return built;
  },
  examples: ["agentcoord task update tsk_01JD3ZW5N7X9K2M4P6Q8R0S2T4 --priority 9 --agent maria"],
  run: async (cli, options: Fields & { readonly title?: string }, id) => {
    const { title } = options;
    const changes = {
      ...await fieldsOf(cli, options),
      ...(title === undefined ? {} : { title }),
    };
    return await new Tasks(await cli.context()).update(id, changes);
  },
  text: taskLine,
});

import { decideCommand } from "./decide.ts";

/** `agentcoord reject` */
export const command = decideCommand(
  "reject",
  "agentcoord reject apr_01JD3ZW5N7X9K2M4P6Q8R0S2T4 --agent maria --comment 'not on a Friday'",
);

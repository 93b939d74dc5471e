import { decideCommand } from "./decide.ts";

/** `agentcoord approve` */
export const command = decideCommand(
  "approve",
  "agentcoord approve apr_01JD3ZW5N7X9K2M4P6Q8R0S2T4 --agent maria --comment 'go ahead'",
);

/**
 * Hints for names that no agent has: most often somebody else's is meant.
 * @module
 */
import { Agents } from "../../src/agent/agent.ts";
import type { Cli } from "../../src/cli/command.ts";
import { CoordError, NotFoundError } from "../../src/errors.ts";

/** What is said of `name` when no agent has it. */
export interface Unknown {
  readonly message: string;
  /** Whether the message names the agent that may have been meant. */
  readonly isLike: boolean;
}

/** `undefined` when an agent has that name. */
export async function unknownAgent(cli: Cli, name: string): Promise<Unknown | undefined> {
  try {
    await new Agents(await cli.context()).show(name);
    return undefined;
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    return { message: error.message, isLike: error.details.suggestion !== undefined };
  }
}

/**
 * Warns of each name that nobody has while somebody has one much like it. What the command was called for is done
 * by then, so a look that fails costs the hint and nothing else.
 */
export async function hintAgents(cli: Cli, names: Iterable<string | undefined>): Promise<void> {
  for (const name of names) {
    if (name === undefined) continue;
    try {
      const unknown = await unknownAgent(cli, name);
      if (unknown?.isLike) cli.warn(unknown.message);
    } catch (error) {
      if (error instanceof CoordError) return;
      throw error;
    }
  }
}

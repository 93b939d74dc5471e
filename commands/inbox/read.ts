/**
 * Counting as read what was shown.
 * @module
 */
import type { Board, Message } from "../../src/board/board.ts";
import type { Cli } from "../../src/cli/command.ts";
import type { Unknown } from "../agent/hint.ts";

/**
 * Counts these messages as read once they have been shown. Under a name that is not registered this registers it, as
 * somebody has written to that name. A name that is one letter away from a registered one is probably a slip: for
 * it nothing is counted, and a warning says so.
 */
export function countAsRead(
  cli: Cli,
  board: Board,
  messages: readonly Message[],
  unknown: Unknown | undefined,
): void {
  const last = messages.at(-1);
  if (last === undefined) return;
  if (unknown?.isLike !== true) cli.delivered(() => board.ack({ upTo: last.id }));
  else cli.warn(`Nothing was counted as read: ${unknown.message}`);
}

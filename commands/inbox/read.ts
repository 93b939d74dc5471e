/**
 * Counting as read what was shown.
 * @module
 */
import type { Board, Message } from "../../src/board/board.ts";
import type { Cli } from "../../src/cli/command.ts";
import type { Unknown } from "../agent/hint.ts";

/**
 * Once they are shown, counts the messages as read. To do so for a name that nobody has registers it: whoever wrote
 * to it meant it, unless it is one letter away from a known one.
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

/**
 * Counting as read what was shown.
 * @module
 */
import type { Board, Message } from "../../src/board/board.ts";
import type { Cli } from "../../src/cli/command.ts";
import type { Unknown } from "../agent/hint.ts";

/** Once they are printed, counts the messages as read; to count them for a name that nobody has would register it. */
export function countAsRead(
  cli: Cli,
  board: Board,
  messages: readonly Message[],
  unknown: Unknown | undefined,
): void {
  const last = messages.at(-1);
  if (last === undefined) return;
  if (unknown === undefined) cli.delivered(() => board.ack({ upTo: last.id }));
  else cli.warn(`Nothing was counted as read: ${unknown.message}`);
}

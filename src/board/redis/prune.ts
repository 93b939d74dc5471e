/**
 * Removing threads that last changed long ago, on Redis: one script gives what is to be removed, and another removes it
 * if it has not changed since. Between them the words of the messages are worked out, as no script can.
 * @module
 */
import { given } from "../../given.ts";
import type { Actor } from "../../engine/actor.ts";
import { script } from "../../engine/redis/script.ts";
import type { ScriptRunner } from "../../engine/redis/script_runner.ts";
import type { PrunedPortion } from "../../prune.ts";
import { textOf } from "../draft.ts";
import type { PruneRequest } from "../store.ts";
import { THREADS_PRUNED_AT_ONCE } from "../thread.ts";
import { wordsIn } from "../words.ts";

const PRUNABLE = script("board/prunable");
const PRUNE = script("board/prune");

/** How many messages, and bytes of them, one operation removes. */
const MESSAGES_AT_ONCE = 100;
const BYTES_AT_ONCE = 65_536;
/** How many words one operation removes. */
const WORDS_AT_ONCE = 4000;

interface Prunable {
  readonly count: number;
  readonly threads: readonly OldThread[];
  readonly next?: number;
}

interface OldThread {
  readonly number: string;
  readonly updated: string;
  readonly title: string;
  readonly whole: boolean;
  readonly messages: readonly (readonly [number: string, text: string])[];
}

interface Removed {
  readonly pruned: number;
  readonly again?: number;
}

/** The operation of {@linkcode BoardStore.prune}. */
export async function pruneThreads(
  runner: ScriptRunner,
  actor: Actor | undefined,
  { statuses, olderThanMs, after, dryRun }: PruneRequest,
): Promise<PrunedPortion> {
  const looked: Prunable = JSON.parse(String(
    await runner.write(
      PRUNABLE,
      actor,
      statuses.join(),
      olderThanMs,
      after,
      THREADS_PRUNED_AT_ONCE,
      MESSAGES_AT_ONCE,
      BYTES_AT_ONCE,
      dryRun ? 1 : 0,
    ),
  ));
  if (dryRun) return { ...looked, pruned: looked.count };
  let { next } = looked;
  let pruned = 0;
  for (const args of removals(looked.threads)) {
    const removed: Removed = JSON.parse(
      String(await runner.write(PRUNE, actor, olderThanMs, ...args)),
    );
    pruned += removed.pruned;
    if (removed.again !== undefined) next = Math.min(next ?? Infinity, removed.again - 1);
  }
  return { pruned, ...given({ next }) };
}

/** Removes what is left of threads that are out of sight; see hiding.lua. */
export async function removeHidden(runner: ScriptRunner): Promise<void> {
  const request = { statuses: [], olderThanMs: 0, after: 0, dryRun: false };
  for (let next: number | undefined = 0; next !== undefined;) {
    ({ next } = await pruneThreads(runner, undefined, request));
  }
}

/** Arguments of one call after another, each with a bounded number of words. */
function* removals(threads: readonly OldThread[]): Generator<readonly string[]> {
  let args: string[] = [];
  let room = WORDS_AT_ONCE;
  for (const { number, updated, title, whole, messages } of threads) {
    const words = [
      ...new Set(
        messages.flatMap(([at, text]) => wordsIn(textOf(text, at === number ? title : ""))),
      ),
    ];
    while (words.length > room) {
      yield [...args, number, updated, "0", "", words.splice(0, room).join(" ")];
      args = [];
      room = WORDS_AT_ONCE;
    }
    const numbers = messages.map(([at]) => at).join(" ");
    args.push(number, updated, whole ? "1" : "0", numbers, words.join(" "));
    room -= words.length;
  }
  if (args.length > 0) yield args;
}

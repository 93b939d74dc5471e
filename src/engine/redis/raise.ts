/**
 * Brings the numbers of a namespace on a server above those of a store that was in its place.
 * @module
 */
import { script } from "./script.ts";
import type { ScriptRunner } from "./script_runner.ts";

const RAISE = script("engine/raise").onAnyMemory();

/** What another store's clock has reached, and the last numbers that it gave out. */
export interface Numbers {
  readonly nowMs: number;
  readonly fence: number;
  readonly event: number;
}

/** What a server remembers from now on. */
export interface Raised {
  readonly memory: number;
  /** Whether it had lost everything that the caller knew it to have. */
  readonly emptied: boolean;
}

/**
 * Raises clock, fences and numbers of events to at least these, whatever memory the server has, and makes another one:
 * calls that expect the one before are refused from then on, also those that are on their way already.
 *
 * @param options `isFirst`: whether records begin to be moved, so that conflicts of an earlier time are forgotten. Default `true`.
 */
export async function raiseNumbers(
  runner: ScriptRunner,
  { nowMs, fence, event }: Numbers,
  { isFirst = true }: { readonly isFirst?: boolean } = {},
): Promise<Raised> {
  const answer = await runner.write(RAISE, undefined, nowMs, fence, event, isFirst ? 1 : "");
  const [memory, emptied] = String(answer).split(" ");
  return { memory: Number(memory), emptied: emptied !== undefined };
}

/**
 * What a namespace on a server could not take over as another store told it; see conflicts.lua.
 * @module
 */
import { script } from "./script.ts";
import type { ScriptRunner } from "./script_runner.ts";

const KEPT = script("engine/conflicts_kept");

/** One of them: the room, and what its script answered. */
export interface KeptConflict {
  readonly room: string;
  readonly told: unknown;
}

/** Those since records began to be moved, whoever moved them, in order; the first 1000. */
export async function keptConflicts(runner: ScriptRunner): Promise<readonly KeptConflict[]> {
  const kept = await runner.read(KEPT) as readonly string[];
  return kept.map((text) => {
    const space = text.indexOf(" ");
    return { room: text.slice(0, space), told: JSON.parse(text.slice(space + 1)) };
  });
}

/**
 * Handing many records to a script, a portion an operation.
 * @module
 */
import type { Script } from "./script.ts";
import type { ScriptRunner } from "./script_runner.ts";

/** How records become portions. */
export interface Portions<Record> {
  /** How many records one operation takes: a few milliseconds of the server. */
  readonly atOnce: number;
  /** What every portion begins with. Default: nothing. */
  readonly head?: readonly (string | number)[];
  /** The arguments of one record. */
  readonly argumentsOf: (record: Record) => readonly (string | number)[];
}

/** What the script answered of all portions, in order: JSON lists, or nothing. */
export async function writeInPortions<Record, Answer>(
  runner: ScriptRunner,
  script: Script,
  records: readonly Record[],
  { atOnce, head = [], argumentsOf }: Portions<Record>,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let first = 0; first < records.length; first += atOnce) {
    const args = records.slice(first, first + atOnce).flatMap(argumentsOf);
    const text = await runner.write(script, undefined, ...head, ...args);
    if (text !== "") answers.push(...JSON.parse(String(text)) as Answer[]);
  }
  return answers;
}

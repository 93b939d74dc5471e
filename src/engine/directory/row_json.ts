/**
 * JSON in the columns of a row. Only this program writes it, so text that does not parse, or is of another
 * shape, was damaged or written by somebody else.
 * @module
 */

/** Says which row is damaged; whoever ran the operation knows the file (see failure.ts). */
export class DamagedRowError extends Error {
  override readonly name = "DamagedRowError";
}

/** Any value from the row that `what` names, such as `task tsk_…`. */
export function parseRow(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new DamagedRowError(`${what} holds text that is not JSON`, { cause });
  }
}

/** An object. */
export function parseRowObject<Value>(text: string, what: string): Value {
  const value = parseRow(text, what);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Value;
  throw new DamagedRowError(`${what} holds something else than an object`);
}

/** A list of texts. */
export function parseRowTexts(text: string, what: string): string[] {
  const value = parseRow(text, what);
  if (Array.isArray(value) && value.every((one) => typeof one === "string")) return value;
  throw new DamagedRowError(`${what} holds something else than a list of texts`);
}

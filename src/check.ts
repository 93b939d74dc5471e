/**
 * Checks of the values callers give, shared by every room: each throws {@linkcode InvalidArgumentError}
 * with the field, the offending value and the fix, before anything is written.
 * @module
 */
import { InvalidArgumentError } from "./errors.ts";
import { checkName, checkText, LIMITS, quote, shownValue } from "./name.ts";

/** The longest lease or wait: 30 days. Anything longer is a mistake in units. */
export const MAX_DURATION_MS = 30 * 24 * 60 * 60 * 1000;
/** The shortest lease. Below it a holder could not renew in time. */
export const MIN_LEASE_MS = 100;

/** Returns `value` when it is an integer from `min` to `max`. */
export function checkInteger(
  value: unknown,
  field: string,
  { min, max }: { readonly min: number; readonly max: number },
): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) {
    return value;
  }
  throw invalid(value, field, `use a whole number from ${min} to ${max}`);
}

/** Returns `value` when it is the length of a lease in milliseconds. */
export function checkLeaseMs(value: unknown, field: string): number {
  if (isWithin(value, MIN_LEASE_MS)) return value;
  throw invalid(value, field, `use ${MIN_LEASE_MS} ms to 30 days`);
}

/** Returns `value` when it is a wait in milliseconds; 0 means not to wait. */
export function checkWaitMs(value: unknown, field: string): number {
  if (isWithin(value, 0)) return value;
  throw invalid(value, field, `use 0 ms to 30 days`);
}

function isWithin(value: unknown, min: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= min &&
    value <= MAX_DURATION_MS;
}

/** Returns `value` when it is one of `choices`. */
export function checkChoice<T extends string>(
  value: unknown,
  field: string,
  choices: readonly T[],
): T {
  if (choices.includes(value as T)) return value as T;
  throw invalid(value, field, `use ${choices.join(", ").replace(/, ([^,]*)$/, " or $1")}`);
}

/** Returns the tags without repeats, in the order given. */
export function checkTags(value: unknown, field: string): readonly string[] {
  if (!Array.isArray(value)) throw invalid(value, field, "use a list of names");
  const tags = [...new Set(value.map((tag) => checkName(tag, field)))];
  if (tags.length > LIMITS.tags) throw invalid(tags.length, field, `use at most ${LIMITS.tags}`);
  return tags;
}

/** Returns `value` when it is a one-line title of at most 512 characters. */
export function checkTitle(value: unknown, field: string, allowEmpty = false): string {
  return checkText(value, field, { maxChars: LIMITS.titleChars, allowEmpty });
}

/** Returns `value` when it is a text of at most 64 KiB, which may have several lines. */
export function checkBody(value: unknown, field: string, allowEmpty = true): string {
  return checkText(value, field, { maxBytes: LIMITS.textBytes, multiline: true, allowEmpty });
}

/** Returns `value` when it may be an idempotency key: 1 to 200 printable characters. */
export function checkKey(value: unknown, field: string): string {
  return checkText(value, field, { maxChars: 200 });
}

/** Returns `value` when it is a positive fence. */
export function checkFence(value: unknown, field: string): number {
  return checkInteger(value, field, { min: 1, max: Number.MAX_SAFE_INTEGER });
}

/** The error for a bad `value`; `fix` completes the sentence. */
export function invalid(value: unknown, field: string, fix: string): InvalidArgumentError {
  return new InvalidArgumentError(`Invalid ${field} ${quote(value)}: ${fix}`, {
    field,
    value: shownValue(value),
  });
}

/**
 * Parsers of option values, for commander's `.option(flags, description, parser)`. Each throws
 * {@linkcode InvalidArgumentError} naming the option, the value and the fix.
 * @module
 */
import type { Option as TypedOption } from "@commander-js/extra-typings";
import { Option } from "commander";
import { checkChoice, checkInteger, invalid, MAX_DURATION_MS, MIN_LEASE_MS } from "../check.ts";
import { formatDuration, parseDuration, parseInstant } from "../duration.ts";

/** What a duration may be. */
interface Range {
  /** Default 0. */
  readonly minMs?: number;
  /** Default 30 days. */
  readonly maxMs?: number;
}

/** What a lease may be, and whatever else is the life of something. */
export const LEASE: Range = { minMs: MIN_LEASE_MS };

/** Parses `500ms 30s 5m 2h 1d`, or seconds, into milliseconds. */
export function duration(
  field: string,
  { minMs = 0, maxMs = MAX_DURATION_MS }: Range = {},
): (text: string) => number {
  return (text) => {
    const ms = parseDuration(text, field);
    if (ms >= minMs && ms <= maxMs) return ms;
    throw invalid(text, field, `use ${formatDuration(minMs)} to ${formatDuration(maxMs)}`);
  };
}

/**
 * Parses an instant in the past: `2h` ago (a bare number is seconds, as in every duration), an ISO 8601
 * time, or epoch milliseconds.
 */
export function instant(field: string): (text: string) => number {
  return (text) => instantAt(Date.now(), text, field);
}

function instantAt(nowMs: number, text: string, field: string): number {
  if (/^(?:[\d.]+(?:ms|s|m|h|d)|\d{1,7})$/.test(text)) {
    const ms = nowMs - parseDuration(text, field);
    if (ms >= 0) return ms;
    throw invalid(text, field, "that is before 1970");
  }
  if (/^\+|^-/.test(text)) throw invalid(text, field, "use 2h for two hours ago, or an ISO time");
  return parseInstant(text, field, nowMs);
}

/** Parses an instant in the past, as {@linkcode instant}, into how many milliseconds ago it is. */
export function olderThan(field: string): (text: string) => number {
  return (text) => {
    // One look at the clock: a length of time comes out as it was given.
    const nowMs = Date.now();
    const ms = nowMs - instantAt(nowMs, text, field);
    if (ms >= 0) return ms;
    throw invalid(text, field, "use a time in the past");
  };
}

/** Parses a whole number. */
export function integer(field: string): (text: string) => number {
  return (text) => {
    if (/^-?\d{1,16}$/.test(text)) return Number(text);
    throw invalid(text, field, "use a whole number");
  };
}

/** Parses a whole number from `min`, which is 1 unless given, to `max`. */
export function count(
  field: string,
  { min = 1, max }: { readonly min?: number; readonly max: number },
): (text: string) => number {
  return (text) => checkInteger(integer(field)(text), field, { min, max });
}

const UNIT_BYTES: Readonly<Record<string, number>> = { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** Parses `512k 10M 2G`, or bytes, into bytes. At least 4 KiB. */
export function size(field: string): (text: string) => number {
  return (text) => {
    const [, number, unit = ""] = /^(\d{1,12})([kmg]?)$/i.exec(text) ?? [];
    const bytes = Number(number) * UNIT_BYTES[unit.toLowerCase()]!;
    if (number !== undefined && bytes >= 4096 && Number.isSafeInteger(bytes)) return bytes;
    throw invalid(text, field, "use bytes, or a number with k, M or G such as 10M, from 4k on");
  };
}

/** Parses `a,b,c`; the option may be repeated. */
export function list(
  field: string,
): (text: string, before?: readonly string[]) => readonly string[] {
  return (text, before = []) => {
    const items = text.split(",").map((item) => item.trim());
    if (items.some((item) => item === "")) {
      throw invalid(text, field, "use names with commas between");
    }
    return [...before, ...items];
  };
}

/**
 * An option with fixed words as values, for commander's `.addOption`: completion offers the words, and
 * any other is refused.
 */
export function choice<const Flags extends string, const Words extends readonly string[]>(
  flags: Flags,
  description: string,
  words: Words,
): TypedOption<Flags, undefined, undefined, undefined, false, Words[number]> {
  const [field = flags] = flags.split(" ");
  const option = new Option(flags, description).choices(words)
    .argParser((text: string) => checkChoice(text, field, words));
  return option as unknown as TypedOption<
    Flags,
    undefined,
    undefined,
    undefined,
    false,
    Words[number]
  >;
}

/**
 * What names and texts may look like, how long they may be, and how an offending value is shown
 * without letting its control characters reach anybody's terminal.
 * @module
 */

import { InvalidArgumentError } from "./errors.ts";

/** The most of everything a caller may give. Over a limit is `invalid_argument`, nothing written. */
export interface Limits {
  /** Characters in the name of an agent, tag, namespace, role, action or decision type. */
  readonly nameChars: number;
  /** Characters (Unicode code points) in a title or another one-line text. */
  readonly titleChars: number;
  /** UTF-8 bytes in a description, message, context, reason or comment: 64 KiB. */
  readonly textBytes: number;
  /** UTF-8 bytes in a task's result: 256 KiB. */
  readonly resultBytes: number;
  /** Tags on one task, agent or thread. */
  readonly tags: number;
  /** UTF-8 bytes in a lock path. */
  readonly pathBytes: number;
  /** Paths that one task declares. */
  readonly taskPaths: number;
  /** Items in one batch. */
  readonly batch: number;
  /** UTF-8 bytes in the texts of one batch of tasks together, payloads as JSON: 8 MiB. */
  readonly batchBytes: number;
  /** Lowest task priority. */
  readonly priorityMin: number;
  /** Highest task priority; served first. */
  readonly priorityMax: number;
}

/** The limits in force. */
export const LIMITS: Limits = Object.freeze({
  nameChars: 64,
  titleChars: 512,
  textBytes: 64 * 1024,
  resultBytes: 256 * 1024,
  tags: 32,
  pathBytes: 4096,
  taskPaths: 64,
  batch: 1000,
  batchBytes: 8 * 1024 ** 2,
  priorityMin: 0,
  priorityMax: 9,
});

/** What {@linkcode checkText} allows. */
export interface TextRules {
  /** Most Unicode code points. */
  readonly maxChars?: number;
  /** Most UTF-8 bytes. */
  readonly maxBytes?: number;
  /** Whether `""` is fine. Default `false`. */
  readonly allowEmpty?: boolean;
  /** Whether line feeds and tabs are fine. Default `false`. */
  readonly multiline?: boolean;
}

// Tab and line feed; C0 without them, DEL and C1; under the `u` flag `Cs` is a surrogate without its other half.
// The rest are the embeddings, overrides and isolates that reorder text on screen (Unicode UAX #9, 2.1-2.5).
const LAYOUT = "\\t\\n";
const UNSAFE_ANYWHERE = "\\0-\\x08\\x0b-\\x1f\\x7f-\\x9f\\p{Cs}\\u202a-\\u202e\\u2066-\\u2069";
const UNSAFE = LAYOUT + UNSAFE_ANYWHERE;
const UNSAFE_IN_LINE = new RegExp(`[${UNSAFE}]`, "u");
const UNSAFE_IN_TEXT = new RegExp(`[${UNSAFE_ANYWHERE}]`, "u");
// Line separators are legal in a text, yet break a one-line message; what has no width hides in one. The joiner of
// emoji and the non-joiner of Persian (U+200D, U+200C) are shown as they are.
const UNPRINTABLE = new RegExp(
  `[${UNSAFE}\\u2028\\u2029\\u00ad\\u180e\\u200b\\u200e\\u200f\\u2060-\\u2064\\ufeff\\u{e0000}-\\u{e007f}]`,
  "gu",
);
const NAME = /^[A-Za-z0-9._-]{1,64}$/;
const ONLY_DOTS = /^\.+$/;

const CHARACTER_NAMES: Readonly<Record<number, string>> = {
  0x00: "NUL",
  0x07: "bell",
  0x08: "backspace",
  0x09: "tab",
  0x0a: "line feed",
  0x0d: "carriage return",
  0x1b: "escape",
  0x7f: "delete",
};

/**
 * `value` on one line with every control, bidirectional and broken character written as `\u001b`,
 * cut after `maxChars` with `…`. Nothing else changes.
 */
export function printable(value: string, maxChars: number = 200): string {
  return escapeUnprintable(shorten(value, maxChars));
}

/**
 * Any value, quoted like JSON for a message: one line, safe on a terminal, at most about 80
 * characters.
 *
 * @example
 * ```ts
 * import { quote } from "./name.ts";
 * quote('say "hi"\n'); // "say \"hi\"\n"
 * ```
 */
export function quote(value: unknown, maxChars: number = 80): string {
  if (typeof value === "string") {
    return `"${escapeUnprintable(shorten(value, maxChars).replace(/["\\]/g, "\\$&"))}"`;
  }
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value !== "object" || value === null) {
    return typeof value === "function" ? "a function" : printable(String(value), maxChars);
  }
  try {
    return printable(beginningOf(value, maxChars), maxChars);
  } catch {
    return "an object"; // It cannot be read, or contains itself: there must still be a message.
  }
}

/** The beginning of a value's JSON, a little more than `maxChars` of it: the rest may be very long. */
function beginningOf(value: unknown, maxChars: number): string {
  let text = "";
  const around: unknown[] = [];
  const write = (part: unknown): void => {
    if (typeof part === "string") text += JSON.stringify(shorten(part, maxChars));
    else if (typeof part !== "object" || part === null) text += quote(part);
    else if (around.includes(part)) throw new TypeError("a circle");
    else writeObject(part);
  };
  const writeObject = (part: object): void => {
    around.push(part);
    if (Array.isArray(part)) {
      writeAll("[]", part.keys(), (index) => write(part[index]));
    } else if (typeof (part as { toJSON?: unknown }).toJSON === "function") {
      write((part as { toJSON: () => unknown }).toJSON());
    } else {
      writeAll("{}", Object.keys(part), (name) => {
        text += `${JSON.stringify(shorten(name, maxChars))}:`;
        write((part as Record<string, unknown>)[name]);
      });
    }
    around.pop();
  };
  const writeAll = <T>(ends: string, places: Iterable<T>, one: (place: T) => void): void => {
    text += ends[0];
    let separator = "";
    for (const place of places) {
      if (text.length > maxChars) return;
      text += separator;
      one(place);
      separator = ",";
    }
    text += ends[1];
  };
  write(value);
  return text;
}

/**
 * Returns `value` when it is a name: 1–64 of `A-Z a-z 0-9 . _ -` and not only dots.
 *
 * @param field what the caller calls it, such as `--as` or `agent name`
 * @throws {InvalidArgumentError} otherwise
 */
export function checkName(value: unknown, field: string): string {
  if (typeof value === "string" && NAME.test(value) && !ONLY_DOTS.test(value)) return value;
  throw new InvalidArgumentError(
    `Invalid ${field} ${quote(value)}: use 1 to ${LIMITS.nameChars} of A-Z a-z 0-9 . _ -, ` +
      "and not only dots",
    { field, value: shownValue(value) },
  );
}

/**
 * Returns `value` when it is a text within the limits, without control characters (C0 but for line
 * feed and tab in `multiline`, DEL, C1), bidirectional overrides or lone surrogates.
 *
 * @param field what the caller calls it, such as `--description` or `title`
 * @throws {InvalidArgumentError} naming the limit, or the first bad character and its place
 */
export function checkText(
  value: unknown,
  field: string,
  { maxChars, maxBytes, allowEmpty = false, multiline = false }: TextRules,
): string {
  if (typeof value !== "string") {
    throw new InvalidArgumentError(`Invalid ${field} ${quote(value)}: use a text`, {
      field,
      value: shownValue(value),
    });
  }
  if (value === "" && !allowEmpty) {
    throw new InvalidArgumentError(`Invalid ${field} "": it must not be empty`, { field, value });
  }
  if (maxChars !== undefined && value.length > maxChars) {
    // Far over the limit there is no need to count the pairs: no text has more units than 2 per one.
    const chars = value.length > 2 * maxChars ? value.length : countChars(value);
    if (chars > maxChars) throw tooLong(value, field, maxChars, "characters");
  }
  if (maxBytes !== undefined && value.length * 3 > maxBytes) {
    const bytes = value.length > maxBytes ? value.length : utf8Length(value);
    if (bytes > maxBytes) throw tooLong(value, field, maxBytes, "bytes");
  }
  const bad = (multiline ? UNSAFE_IN_TEXT : UNSAFE_IN_LINE).exec(value);
  if (bad === null) return value;
  throw new InvalidArgumentError(
    `Invalid ${field} ${quote(value)}: character ${countChars(value.slice(0, bad.index)) + 1} is ` +
      `${characterName(bad[0])}; remove it`,
    { field, value: printable(value), index: bad.index },
  );
}

/** How many bytes `value` takes in UTF-8. */
export function utf8Length(value: string): number {
  return new TextEncoder().encode(value).length;
}

/** `U+001B (escape)` for a message. */
function characterName(character: string): string {
  const code = character.charCodeAt(0);
  const name = CHARACTER_NAMES[code] ??
    (code < 0xa0 ? "control character" : code < 0xd800 ? "bidirectional control" : "half a pair");
  return `U+${code.toString(16).toUpperCase().padStart(4, "0")} (${name})`;
}

function shorten(value: string, maxChars: number): string {
  if (value.length <= maxChars) return value;
  // Cutting between the halves of a pair would make a broken character of a good one.
  const last = value.charCodeAt(maxChars - 1);
  return value.slice(0, last >= 0xd800 && last <= 0xdbff ? maxChars - 1 : maxChars) + "…";
}

function escapeUnprintable(value: string): string {
  return value.replace(UNPRINTABLE, (character) => {
    if (character === "\n") return "\\n";
    if (character === "\t") return "\\t";
    const code = character.codePointAt(0)!;
    const digits = code.toString(16);
    return code > 0xffff ? `\\u{${digits}}` : `\\u${digits.padStart(4, "0")}`;
  });
}

function countChars(value: string): number {
  let count = 0;
  for (const _ of value) count++;
  return count;
}

function tooLong(
  value: string,
  field: string,
  limit: number,
  unit: "characters" | "bytes",
): InvalidArgumentError {
  const size = unit === "bytes" ? utf8Length(value) : countChars(value);
  return new InvalidArgumentError(
    `Invalid ${field} ${quote(value, 40)}: ${size} ${unit}, and the limit is ${limit}`,
    { field, value: printable(value), size, limit, unit },
  );
}

/** A value as `details.value` of a failure shows it: JSON-safe, and safe on a terminal. */
export function shownValue(value: unknown): string | number | boolean | null {
  if (typeof value === "string") return printable(value);
  if (typeof value === "boolean" || value === null) return value;
  return typeof value === "number" && Number.isFinite(value) ? value : quote(value);
}

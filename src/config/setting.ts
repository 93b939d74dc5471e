/**
 * One value of a setting on its way in: where it came from, and how a wrong one is refused.
 * @module
 */
import { InvalidArgumentError } from "../errors.ts";
import { printable, quote } from "../name.ts";
import { redactUrl } from "../engine/redis/url.ts";

/** A value, what messages call it, and where it came from. */
export interface Setting {
  readonly value: unknown;
  /** What messages call it: a flag, a variable, or the key with its file. */
  readonly field: string;
  /** The flag, the variable, or the path of the file. */
  readonly source: string;
}

/** Returns the switch; in the environment it may be spelt in every common way. */
export function parseBoolean({ value, field }: Setting): boolean {
  if (typeof value === "boolean") return value;
  if (typeof value === "string") {
    if (/^(?:1|true|yes|on)$/i.test(value)) return true;
    if (/^(?:0|false|no|off)$/i.test(value)) return false;
  }
  throw invalidSetting(field, value, "use 1 or 0");
}

/** Returns the value when it is one of the words. */
export function parseWord<Word extends string>(
  { value, field }: Setting,
  words: readonly Word[],
): Word {
  const word = words.find((candidate) => candidate === value);
  if (word !== undefined) return word;
  throw invalidSetting(field, value, `use ${words.join(", ").replace(/, ([^,]*)$/, " or $1")}`);
}

/** What messages call a key of a file. */
export function fileField(key: string, path: string): string {
  return `${printable(key, 40)} in ${path}`;
}

/** The refusal of a value, which is shown without what may be a secret in it. */
export function invalidSetting(field: string, value: unknown, fix: string): InvalidArgumentError {
  // What is neither text, number nor boolean may hold a secret anywhere inside.
  const shown = typeof value === "string"
    ? quote(hideSecrets(value))
    : typeof value === "object" && value !== null
    ? (Array.isArray(value) ? "an array" : "an object")
    : quote(value);
  return new InvalidArgumentError(`Invalid ${field} ${shown}: ${fix}`, {
    field,
    value: typeof value === "string" ? printable(hideSecrets(value)) : shown,
  });
}

/**
 * Any text given for a store, fit to be shown: what may be a user or a password becomes `***`, in a
 * broken URL too. A directory stays as it is.
 */
export function hideSecrets(value: string): string {
  if (/^\.{0,2}\/(?![/:])/.test(value)) return value;
  const shown = redactUrl(value);
  if (shown !== value) return shown;
  // Without an "@" a password may stand at the end: what is no host, port and path goes.
  const [, start = "", rest = ""] = /^(.*?(?::\/\/|:\/|\/\/|:))(.*)$/s.exec(value) ?? [];
  if (
    start === "" ||
    /^(?:[\p{L}\p{N}._,/[\]-]|:\d{1,5}(?!\d))*(?:[?][\w=&.-]*)?["'`\s]*$/u.test(rest)
  ) {
    return value;
  }
  return `${start}***`;
}

/**
 * JSON as people hand it over: taken only when nothing in it would change on the way in.
 * @module
 */
import { printable, quote } from "../name.ts";

/** A string, a number, or one of the marks between values; in valid JSON nothing else matters here. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*|[{}[\],]/g;
/** Every double differs from all others in this many digits (IEEE 754, Goldberg 1991). */
const DOUBLE_DIGITS = 17;

/** Why a text was not taken; the message completes "Invalid --payload …: ". */
export class JsonError extends Error {
  /** `kind` is whether the text is no JSON at all, or would not be kept as it is. */
  constructor(readonly kind: "syntax" | "change", message: string) {
    super(message);
  }
}

/**
 * The value that `text` stands for.
 *
 * @throws {JsonError} when it is no JSON, when a number in it would be rounded, or when an object in it has
 * a key twice.
 */
export function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new JsonError(
      "syntax",
      `it is not JSON (${error instanceof Error ? printable(error.message) : ""})`,
    );
  }
  checkKept(text);
  return value;
}

/** An object or array that has been entered: where in it we are. */
interface Level {
  /** The keys seen; `undefined` in an array. */
  readonly keys: Set<string> | undefined;
  place: string | number;
  /** Whether the next text is a key. */
  isKeyNext: boolean;
}

function checkKept(text: string): void {
  const levels: Level[] = [];
  for (const [token] of text.matchAll(TOKEN)) {
    const level = levels.at(-1);
    if (token === "{") levels.push({ keys: new Set(), place: "", isKeyNext: true });
    else if (token === "[") levels.push({ keys: undefined, place: 0, isKeyNext: false });
    else if (token === "}" || token === "]") levels.pop();
    else if (token === ",") {
      if (typeof level?.place === "number") level.place++;
      else if (level !== undefined) level.isKeyNext = true;
    } else if (!token.startsWith('"')) {
      if (isRounded(token)) throw new JsonError("change", rounded(token, levels));
    } else if (level?.isKeyNext) {
      const key = JSON.parse(token) as string;
      level.isKeyNext = false;
      if (level.keys?.has(key)) {
        throw new JsonError(
          "change",
          `it has the key ${quote(key)} twice${within(levels.slice(0, -1))}`,
        );
      }
      level.keys?.add(key);
      level.place = key;
    }
  }
}

function rounded(token: string, levels: readonly Level[]): string {
  const number = printable(token, 60);
  return `the number ${number}${within(levels)} would be rounded to ${Number(token)}; ` +
    `write it as a text, "${number}"`;
}

/** ` at .a[3].b`, or nothing at the top. */
function within(levels: readonly Level[]): string {
  const path = levels.map(({ place }) =>
    typeof place === "number"
      ? `[${place}]`
      : /^[A-Za-z_]\w*$/.test(place)
      ? `.${place}`
      : `[${quote(place, 40)}]`
  ).join("");
  return path === "" ? "" : ` at ${printable(path)}`;
}

/** Whether the double nearest to `token` differs from it in its digits. */
function isRounded(token: string): boolean {
  const kept = Number(token);
  if (!Number.isFinite(kept)) return true;
  const given = decimal(token);
  const isWhole = given.exponent >= 0;
  // A fraction with no more digits than a double has may come from one, as C's "%.17g" writes it.
  if (!isWhole && kept !== 0 && given.digits.length <= DOUBLE_DIGITS) return false;
  const written = decimal(String(kept));
  return given.digits !== written.digits || given.exponent !== written.exponent;
}

/** A number as digits without zeros at either end, times a power of ten. */
function decimal(token: string): { readonly digits: string; readonly exponent: number } {
  const [mantissa = "", power = "0"] = token.replace(/^-/, "").split(/e/i);
  const [whole = "", fraction = ""] = mantissa.split(".");
  const all = (whole + fraction).replace(/^0+/, "");
  const digits = all.replace(/0+$/, "");
  if (digits === "") return { digits, exponent: 0 };
  return { digits, exponent: Number(power) - fraction.length + all.length - digits.length };
}

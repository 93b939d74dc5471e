/**
 * JSON that callers give, such as a task's payload: copied part by part, and refused with its place where JSON has
 * no word for a part. `JSON.stringify` alone would turn a `Map`, an error or a `NaN` into something else without a
 * word.
 * @module
 */
import { unreadable } from "./arguments.ts";
import { invalid } from "./check.ts";
import { InvalidArgumentError } from "./errors.ts";
import { printable, quote, utf8Length } from "./name.ts";

/** Lists and objects within each other: about what `JSON.stringify` can do with little stack left. */
const MAX_DEPTH = 2000;
const PLAIN_NAME = /^[A-Za-z_$][\w$]*$/;

/** A list or an object under way. */
interface Level {
  readonly from: object;
  readonly to: unknown[] | Record<string, unknown>;
  /** The names of an object's fields; absent for a list. */
  readonly names?: readonly string[];
  readonly length: number;
  /** The next part; the one before it is being copied. */
  index: number;
}

/** One walk through a value, level by level rather than by recursion: values may be deep. */
interface Walk {
  readonly field: string;
  readonly levels: Level[];
}

/**
 * Returns a copy of `value` that nobody else can change. A field that is `undefined` is left out, as JSON does.
 *
 * @param field what the caller calls it, such as `payload`
 * @param maxBytes most bytes it may take as JSON in UTF-8
 * @throws {InvalidArgumentError} when it takes more, or naming the first part that JSON has no word for: a number
 * that is not finite, a bigint, symbol or function, `undefined` or nothing in a list, an object of a class (such as
 * a `Date`, `Map` or error), what contains itself, and what is nested more than 2000 deep.
 */
export function checkJson(value: unknown, field: string, maxBytes: number): unknown {
  const copied = copy(value, field, maxBytes);
  const text = JSON.stringify(copied);
  // No text takes over three bytes per unit.
  const bytes = text.length * 3 <= maxBytes ? 0 : utf8Length(text);
  if (bytes > maxBytes) {
    throw invalid(value, field, `it takes ${bytes} bytes as JSON, and the limit is ${maxBytes}`);
  }
  return copied;
}

function copy(value: unknown, field: string, maxBytes: number): unknown {
  const walk: Walk = { field, levels: [] };
  const copied = copyPart(value, walk);
  // Each part takes a byte at least.
  let left = maxBytes;
  for (let level = walk.levels.at(-1); level !== undefined; level = walk.levels.at(-1)) {
    if (level.index === level.length) {
      walk.levels.pop();
      continue;
    }
    if (left-- === 0) {
      throw new InvalidArgumentError(
        `Invalid ${field}: it takes more than the limit of ${maxBytes} bytes as JSON`,
        { field, limit: maxBytes },
      );
    }
    const { from, to, names } = level;
    const name = names === undefined ? level.index : names[level.index]!;
    level.index++;
    const part = reading(walk, () => (from as Record<string | number, unknown>)[name]);
    if (part === undefined && names !== undefined) continue;
    const own = copyPart(part, walk);
    // An assignment to this name would set the copy's prototype.
    if (name === "__proto__") Object.defineProperty(to, name, { value: own, enumerable: true });
    else (to as Record<string | number, unknown>)[name] = own;
  }
  return copied;
}

/** A copy of what is no list and no object; for these a level that is yet to be filled. */
function copyPart(value: unknown, walk: Walk): unknown {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      // JSON knows no negative zero.
      if (Number.isFinite(value)) return value === 0 ? 0 : value;
      throw refused(walk, `${value} is no number of JSON; use null or a text`, quote(value));
    case "bigint":
      throw refused(walk, "JSON has no bigints; use a text", quote(value));
    case "object":
      return value === null ? null : beginLevel(value, walk);
    default: {
      const shown = quote(value);
      throw refused(walk, `JSON has no word for ${shown}; use null or leave it out`, shown);
    }
  }
}

function beginLevel(from: object, walk: Walk): unknown {
  const { levels } = walk;
  if (levels.length === MAX_DEPTH) {
    const sources = levels.map((level) => level.from);
    const again = sources.findIndex((source, index) => sources.indexOf(source) < index);
    if (again < 0) throw refused(walk, `it is nested more than ${MAX_DEPTH} deep`);
    levels.length = again;
    throw refused(walk, "it contains itself");
  }
  if (reading(walk, () => Array.isArray(from))) {
    const to: unknown[] = [];
    const length = reading(walk, () => (from as readonly unknown[]).length);
    levels.push({ from, to, length, index: 0 });
    return to;
  }
  const to: Record<string, unknown> = {};
  const names = namesOf(from, walk);
  levels.push({ from, to, names, length: names.length, index: 0 });
  return to;
}

/** The names of a plain object's fields. One of another realm has a prototype of its own without another above. */
function namesOf(value: object, walk: Walk): readonly string[] {
  const type = reading(walk, () => Object.getPrototypeOf(value) as object | null);
  const isPlain = type === null || type === Object.prototype || reading(
    walk,
    () => Object.getPrototypeOf(type) === null && Object.hasOwn(type, "hasOwnProperty"),
  );
  if (isPlain) return reading(walk, () => Object.keys(value));
  throw refused(walk, `it is ${classOf(type)}; turn it into plain objects, lists and texts first`);
}

function classOf(type: object): string {
  try {
    const { name } = (type as { constructor: { name: unknown } }).constructor;
    if (typeof name === "string" && name !== "") {
      return `an object of the class ${printable(name, 60)}`;
    }
  } catch {
    // Whatever stands there is no name.
  }
  return "an object of a class";
}

/** What `read` gives; accessors and proxies may throw instead. */
function reading<T>(walk: Walk, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw unreadable(placeOf(walk), error);
  }
}

function refused(walk: Walk, why: string, shown: string | null = null): InvalidArgumentError {
  const place = placeOf(walk);
  return new InvalidArgumentError(`Invalid ${place}: ${why}`, {
    field: walk.field,
    place,
    value: shown,
  });
}

/** `payload.items[2]`, or its beginning when it is long. */
function placeOf({ field, levels }: Walk): string {
  const steps = levels.slice(0, 20).map(({ names, index }) => {
    const name = names === undefined ? index - 1 : names[index - 1]!;
    if (typeof name === "number") return `[${name}]`;
    return PLAIN_NAME.test(name) ? `.${printable(name, 40)}` : `[${quote(name, 40)}]`;
  });
  return `${field}${steps.join("")}${levels.length > steps.length ? "…" : ""}`;
}

/**
 * What callers hand to the library's methods, looked at before the method is: JavaScript programs pass anything.
 *
 * Each class says once which arguments its methods take and which fields those have. Every one of them is read
 * exactly once, here, and the method works with the copy: an accessor or a proxy that throws is an
 * {@linkcode InvalidArgumentError} naming the argument, never an error of the caller's from within an operation, and
 * what becomes of the caller's object later makes no difference. Whether a value itself is good is the method's to
 * check, apart from flags and signals, which nothing else looks at.
 * @module
 */
import { invalid } from "./check.ts";
import { InvalidArgumentError } from "./errors.ts";
import { printable } from "./name.ts";

/** Reads one argument or one of its fields, once; `field` is what messages call it. */
export type Reader = (given: unknown, field: string) => unknown;

/** How each field of an options object is read; one that is `undefined` is left out, whatever its reader. */
export type FieldTable<T> = { readonly [Field in keyof T]-?: Reader };

/** The public methods of a class, and how each of their arguments is read, by its name and in its place. */
export type ArgumentTable<T> = {
  readonly [
    Method in keyof T & string as T[Method] extends (...args: never[]) => unknown ? Method
      : never
  ]: Readonly<Record<string, Reader>>;
};

/** More items than any list may have; the limits of each are lower. */
const MAX_ITEMS = 100_000;

/**
 * Makes the methods of a class read their arguments by this table: an asynchronous one refuses by rejecting, all
 * others by throwing.
 */
export function checkArguments<T extends object>(
  target: { readonly prototype: T },
  table: ArgumentTable<T>,
): void {
  const methods = target.prototype as Record<string, (...args: unknown[]) => unknown>;
  for (const [name, readers] of Object.entries(table) as [string, Record<string, Reader>][]) {
    const method = methods[name]!;
    const isAsync = method.constructor.name === "AsyncFunction";
    const arguments_ = Object.entries(readers);
    // The same name and length, for those who look.
    const checked = {
      [name](this: T, ...given: unknown[]): unknown {
        try {
          for (const [index, [field, read]] of arguments_.entries()) {
            given[index] = read(given[index], field);
          }
        } catch (error) {
          if (isAsync) return Promise.reject(error);
          throw error;
        }
        return method.apply(this, given);
      },
    }[name]!;
    Object.defineProperty(target.prototype, name, {
      value: checked,
      writable: true,
      configurable: true,
    });
  }
}

/** Anything; the method checks it. */
export const anything: Reader = (given) => given;

/** A text, such as an identifier. */
export const text: Reader = (given, field) => {
  if (typeof given === "string") return given;
  throw invalid(given, field, "use a text");
};

/** `true`, `false`, or left out. */
export const flag: Reader = (given, field) => {
  if (given === undefined || typeof given === "boolean") return given;
  throw invalid(given, field, "use true or false");
};

/** A function, or left out. */
export const callback: Reader = (given, field) => {
  if (given === undefined || typeof given === "function") return given;
  throw invalid(given, field, "use a function");
};

/** An `AbortSignal`, also one of another realm or of a polyfill; or left out. */
export const signal: Reader = (given, field) => {
  if (given === undefined) return undefined;
  if (isObject(given) && typeof get(given, "aborted", field) === "boolean") {
    if (typeof get(given, "addEventListener", field) === "function") return given;
  }
  throw invalid(given, field, "use an AbortSignal");
};

/** A list, copied item by item. What is none is left to the method, which says what it wants. */
export function list(item: Reader = anything): Reader {
  return (given, field) => {
    if (!isObject(given) || !isList(given, field)) return given;
    const length = get(given, "length", field);
    if (!Number.isSafeInteger(length) || length as number < 0) throw unreadable(field);
    if (length as number > MAX_ITEMS) {
      throw invalid(length, `number of ${field}`, `use at most ${MAX_ITEMS}`);
    }
    return Array.from({ length: length as number }, (_, index) => {
      const place = `${field}[${index}]`;
      return item(get(given, index, place), place);
    });
  };
}

/** An object with these fields, which must be there; messages name a field alone. */
export function fields<T>(table: FieldTable<T>): Reader {
  return fieldsReader(table, (_, name) => name);
}

/** As {@linkcode fields}, or left out: then an empty one. */
export function options<T>(table: FieldTable<T>): Reader {
  const read = fields(table);
  return (given, field) => given === undefined ? {} : read(given, field);
}

/** An object within another argument, or left out; messages name a field by its place. */
export function record<T>(table: FieldTable<T>): Reader {
  const read = fieldsReader(table, (field, name) => `${field}.${name}`);
  return (given, field) => given === undefined ? undefined : read(given, field);
}

/**
 * What an options object of a function says, as {@linkcode options} reads it.
 *
 * @throws {InvalidArgumentError} when it is something else, or cannot be read.
 */
export function readOptions<T extends object>(table: FieldTable<T>, given: unknown): T {
  return options(table)(given, "options") as T;
}

/** An object that maps names to texts, copied; what is not a text is left out. */
export const texts: Reader = (given, field) => {
  if (given === undefined) return {};
  if (!isObject(given) || isList(given, field)) {
    throw invalid(given, field, "use an object with named fields");
  }
  const copy: Record<string, unknown> = {};
  let names: readonly string[];
  try {
    names = Object.keys(given);
  } catch (error) {
    throw unreadable(field, error);
  }
  for (const name of names) {
    const value = get(given, name, `${field}.${printable(name)}`);
    if (typeof value === "string") copy[name] = value;
  }
  return copy;
};

/** Reads one property, whatever stands behind it. */
export function get(from: object, name: string | number, field: string): unknown {
  try {
    return (from as Record<string | number, unknown>)[name];
  } catch (error) {
    throw unreadable(field, error);
  }
}

/** Whether it is a list; a proxy that was revoked is neither. */
export function isList(given: object, field: string): given is readonly unknown[] {
  try {
    return Array.isArray(given);
  } catch (error) {
    throw unreadable(field, error);
  }
}

/** The error for what cannot be read; what was thrown instead of a value may be anything. */
export function unreadable(field: string, why?: unknown): InvalidArgumentError {
  let said = "";
  try {
    if (why !== undefined) said = ` (${String((why as Error)?.message ?? why).split("\n", 1)[0]})`;
  } catch {
    // The reason cannot be read either.
  }
  return new InvalidArgumentError(
    `Invalid ${printable(field)}: it cannot be read${printable(said)}`,
    { field: printable(field), value: null },
  );
}

function isObject(given: unknown): given is object {
  return typeof given === "object" && given !== null;
}

function fieldsReader<T>(
  table: FieldTable<T>,
  placeOf: (field: string, name: string) => string,
): Reader {
  const readers = Object.entries(table) as [string, Reader][];
  return (given, field) => {
    if (!isObject(given) || isList(given, field)) {
      throw invalid(given, field, "use an object with named fields");
    }
    const copy: Record<string, unknown> = {};
    for (const [name, read] of readers) {
      // The place is put together only where it is needed: a batch has a thousand items with a dozen fields each.
      let value: unknown;
      try {
        value = (given as Record<string, unknown>)[name];
      } catch (error) {
        throw unreadable(placeOf(field, name), error);
      }
      if (value === undefined) continue;
      copy[name] = read === anything ? value : read(value, placeOf(field, name));
    }
    return copy;
  };
}

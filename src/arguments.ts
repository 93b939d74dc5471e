/**
 * What callers hand to the library's methods, looked at before the method is: JavaScript programs pass anything.
 *
 * A method takes its options apart in its parameter list, so `null` there, or a getter that throws, would be a
 * TypeError of ours before any check of a field runs. So each class says once what its methods take.
 * @module
 */
import { InvalidArgumentError } from "./errors.ts";
import { quote, shownValue } from "./name.ts";

/**
 * What an argument is: `id` a text; `options` an object, or nothing; `fields` an object that must be there;
 * `value` anything, checked by the method.
 */
export type ArgumentKind = "id" | "options" | "fields" | "value";

/** The public methods of a class and what they take. */
export type ArgumentTable<T> = {
  readonly [
    Method in keyof T as T[Method] extends (...args: never[]) => unknown ? Method : never
  ]: readonly ArgumentKind[];
};

/**
 * Makes the methods of a class refuse arguments of another kind with an {@linkcode InvalidArgumentError}: an
 * asynchronous one by rejecting, all others by throwing. Options are copied, so what the caller does to them later
 * makes no difference.
 */
export function checkArguments<T extends object>(
  target: { readonly prototype: T; readonly name: string },
  table: ArgumentTable<T>,
): void {
  const methods = target.prototype as Record<string, (...args: unknown[]) => unknown>;
  for (const [name, kinds] of Object.entries(table) as [string, readonly ArgumentKind[]][]) {
    const method = methods[name]!;
    const isAsync = method.constructor.name === "AsyncFunction";
    // The same name and length, for those who look.
    const checked = {
      [name](this: T, ...given: unknown[]): unknown {
        try {
          for (const [index, kind] of kinds.entries()) given[index] = check(kind, given[index]);
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

/**
 * Returns a copy of an options object; an empty one for `undefined`.
 *
 * @throws {InvalidArgumentError} when it is something else, or cannot be read.
 */
export function checkOptions<T extends object>(value: T | undefined, field = "options"): T {
  return check("options", value, field) as T ?? ({} as T);
}

function check(kind: ArgumentKind, value: unknown, field: string = kind): unknown {
  if (kind === "value") return value;
  if (kind === "id") {
    if (typeof value === "string") return value;
    throw refused(value, "id", "use a text");
  }
  if (value === undefined && kind === "options") return undefined;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw refused(value, field, "use an object with named fields");
  }
  try {
    // What is of a class has its fields in getters, which a copy would not have.
    const made = Object.getPrototypeOf(value);
    return made === Object.prototype || made === null ? { ...value } : value;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw refused(undefined, field, `its fields cannot be read (${quote(why)})`);
  }
}

function refused(value: unknown, field: string, fix: string): InvalidArgumentError {
  return new InvalidArgumentError(`Invalid ${field} ${quote(value)}: ${fix}`, {
    field,
    value: shownValue(value),
  });
}

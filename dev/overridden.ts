/**
 * An object with some of its methods replaced.
 * @module
 */

/** `target` with some of its methods replaced; the others run on `target` itself, which may have private fields. */
export function overridden<T extends object>(target: T, changed: Partial<T>): T {
  return new Proxy(target, {
    get: (_, name) => {
      if (name in changed) return changed[name as keyof T];
      const value = target[name as keyof T];
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/**
 * Finds whom a text mentions.
 * @module
 */
import { LIMITS } from "../name.ts";

/**
 * `@` and name characters. Nothing that could belong to an e-mail address, a URL's path or a longer word may
 * stand beside it: letters of scripts that have upper and lower case, digits, and underscores after those.
 * Scripts without case are either written without spaces (Han, Kana, Thai) or not used in addresses.
 */
const MENTION =
  /(?<![\p{Lu}\p{Ll}\p{Lt}\p{Nd}.%+@/-]_*)@([A-Za-z0-9._-]+)(?![\p{Lu}\p{Ll}\p{Lt}\p{M}\p{Nd}@])/gu;
/** A name may end like this, but in a sentence this is far more often punctuation or markup. */
const TRAILING = /[._-]+$/;

/**
 * The names mentioned as `@name` in `text`, without repeats, in order. Punctuation at the end is not part of
 * a name, and e-mail addresses are not mentions.
 *
 * @example
 * ```ts
 * import { mentionsIn } from "./mention.ts";
 * mentionsIn("@ada, ask @bob-2. Not me@example.org"); // ["ada", "bob-2"]
 * ```
 */
export function mentionsIn(text: string): string[] {
  const names = [...text.matchAll(MENTION)]
    .map(([, name = ""]) => name.replace(TRAILING, ""))
    .filter((name) => name !== "" && name.length <= LIMITS.nameChars);
  return [...new Set(names)];
}

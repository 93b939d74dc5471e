/**
 * The tables that the scripts for bash and zsh share: branches of `case "$1|$2"`, $1 being a place.
 * @module
 */
import type { Place, Value } from "./completion.ts";

/** How a shell assigns words to the variable that its script looks at. */
export type Assign = (words: string) => string;

/** What each option with a value takes; without a path $1 does not matter and is not matched. */
export function valueCases(
  { path, options }: Pick<Place, "options"> & { readonly path: string | undefined },
  assign: Assign,
): string {
  const before = path === undefined ? "" : `${path}|`;
  const margin = path === undefined ? "        " : "    ";
  return options.flatMap(({ names, value }) => {
    if (value === undefined) return [];
    const pattern = names.map((name) => `'${before}${name}'`).join(" | ");
    return [`${margin}${pattern}) ${assign(wordsOf(value))} ;;`];
  }).join("\n");
}

/** What each argument of a place may be, $2 being its number. */
export function argumentCases({ path, args, repeats }: Place, assign: Assign): string {
  return args.map((value, index) => {
    const isLast = index === args.length - 1;
    const pattern = isLast && repeats ? `'${path}|'*` : `'${path}|${index}'`;
    return `    ${pattern}) ${assign(wordsOf(value))} ;;`;
  }).join("\n");
}

/** A value as the scripts write it. */
export function wordsOf(value: Value): string {
  // The at sign keeps "any" and "file" apart from words of the same name.
  return typeof value === "string" ? `@${value}` : value.words.join(" ");
}

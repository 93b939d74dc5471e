/**
 * The tables that the scripts for bash and zsh share: branches of `case "$1|$2"`, $1 being a place.
 * @module
 */
import type { Place, Value } from "./completion.ts";

/** How a shell assigns words to the variable that its script looks at. */
export type Assign = (words: string) => string;

/** The functions that say what an option takes and what an argument may be, alike in both shells. */
export function valueFunctions(places: readonly Place[], assign: Assign): string {
  const [top, ...rest] = places as [Place, ...Place[]];
  const branches = (texts: readonly string[]) => texts.filter((text) => text !== "").join("\n");
  return `# Sets "reply" to what option $2 at place $1 takes; fails for an option without a value.
_agentcoord_value() {
  case "$1|$2" in
${branches(rest.map((place) => valueCases(place, assign)))}
    *)
      case $2 in
${valueCases({ ...top, path: undefined }, assign)}
        *) return 1 ;;
      esac ;;
  esac
}

# Sets "reply" to what argument number $2 at place $1 may be.
_agentcoord_argument() {
  case "$1|$2" in
${branches(places.map((place) => argumentCases(place, assign)))}
    *) ${assign("@any")} ;;
  esac
}`;
}

/** What each option with a value takes; without a path $1 does not matter and is not matched. */
function valueCases(
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
function argumentCases({ path, args, repeats }: Place, assign: Assign): string {
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

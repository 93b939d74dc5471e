/**
 * What a shell has to know to complete a command line: a tree of places, each with the words, options
 * and values that may follow. The scripts made from it are static, so pressing TAB never runs the program.
 * @module
 */
import type { Argument, Command, Option } from "commander";
import { buildFullProgram, type CommandList } from "./program.ts";

/** Shells a script can be made for. */
export const SHELLS = ["bash", "zsh", "fish"] as const;
/** One of {@linkcode SHELLS}. */
export type Shell = typeof SHELLS[number];

/** What a value may be: one of fixed words, a file, or something only its writer knows. */
export type Value = { readonly words: readonly string[] } | "file" | "any";

/** One option at a place. */
export interface OptionHint {
  /** How it may be written: `--json`, `-q`. */
  readonly names: readonly string[];
  readonly summary: string;
  /** Absent for an option without a value. */
  readonly value?: Value;
}

/** A word that leads to another place. */
export interface WordHint {
  readonly word: string;
  readonly summary: string;
}

/** A place in the tree. */
export interface Place {
  /** Words that lead here, with spaces between; empty at the top. */
  readonly path: string;
  /** Commands that may follow. */
  readonly words: readonly WordHint[];
  /** Options of this place; those of the top hold everywhere. */
  readonly options: readonly OptionHint[];
  /** What the command's arguments may be, in order. */
  readonly args: readonly Value[];
  /** Whether the last argument may be repeated. */
  readonly repeats: boolean;
}

/** Every place of the program, the top first. */
export async function completionPlaces(list: CommandList): Promise<readonly Place[]> {
  const program = await buildFullProgram(list);
  const hidden = new Set(list.commands.filter((entry) => entry.hidden).map(({ path }) => path));
  const defaults = new Set(
    list.commands.filter((entry) => entry.isDefault).map(({ path }) => path),
  );
  const places: Place[] = [];
  const visit = (command: Command, path: string) => {
    const under = (name: string) => path === "" ? name : `${path} ${name}`;
    const verbs = command.commands.filter((verb) => !hidden.has(under(verb.name())));
    // A group called without a verb takes the options of its default.
    const fallback = verbs.find((verb) => defaults.has(under(verb.name())));
    const args = command.registeredArguments;
    places.push({
      path,
      words: verbs.map((verb) => ({ word: verb.name(), summary: verb.summary() })),
      options: [...command.options, ...(fallback?.options ?? [])].filter(({ hidden }) => !hidden)
        .map(optionHint),
      args: args.map(argumentValue),
      repeats: args.at(-1)?.variadic ?? false,
    });
    for (const verb of verbs) visit(verb, under(verb.name()));
  };
  visit(program, "");
  const [top, ...rest] = places as [Place, ...Place[]];
  const help = { word: "help", summary: "explain a command" };
  const asking = { names: ["--help", "-h"], summary: "explain the command" };
  return [{ ...top, words: [...top.words, help], options: [...top.options, asking] }, ...rest];
}

function optionHint(option: Option): OptionHint {
  const names = [option.long, option.short].filter((name) => name !== undefined);
  const hint = { names, summary: option.description };
  if (!option.required && !option.optional) return hint;
  return { ...hint, value: valueOf(option.argChoices, option.flags) };
}

function argumentValue(argument: Argument): Value {
  return valueOf(argument.argChoices, argument.name());
}

/** `placeholder` is the value's name in help, such as `<url|dir>`. */
function valueOf(words: readonly string[] | undefined, placeholder: string): Value {
  if (words !== undefined) return { words };
  // "@file" is a file behind an at sign, which no shell completes by itself.
  return /(?<!@|-)\b(?:file|path|dir)\b/.test(placeholder) ? "file" : "any";
}

/**
 * Reads a shell command line well enough for the examples in help: quotes, pipes, lists, redirections,
 * variables and command substitutions. Nothing is run.
 * @module
 */

/** One simple command of a line. */
export interface ShellCommand {
  readonly program: string;
  /** Words before `--`. */
  readonly words: readonly string[];
  /** Words after `--`, when there is one. */
  readonly rest?: readonly string[];
}

/** Stands for what only a running shell knows. */
const UNKNOWN = "1";

/** Every simple command in `line`, those of command substitutions too. */
export function shellCommands(line: string): ShellCommand[] {
  const commands: ShellCommand[] = [];
  const substituted = line.replace(/\$\(([^()]*)\)/g, (_whole, inner: string) => {
    commands.push(...shellCommands(inner));
    return UNKNOWN;
  });
  for (const tokens of simpleCommands(substituted)) {
    const words = tokens.slice(tokens.findIndex((word) => !/^\w+=/.test(word)));
    const [program, ...args] = words;
    if (program === undefined) continue;
    const split = args.indexOf("--");
    commands.push(
      split < 0
        ? { program, words: args }
        : { program, words: args.slice(0, split), rest: args.slice(split + 1) },
    );
  }
  return commands;
}

function simpleCommands(line: string): string[][] {
  const commands: string[][] = [[]];
  const tokens = line.matchAll(
    /\s+|(?<operator>\|\||&&|[|;&])|(?<redirection>\d?(?:>>|>|<)\s*\S+)|(?<word>(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"\\|;&<>])+)/g,
  );
  for (const { groups = {} } of tokens) {
    if (groups.operator !== undefined) commands.push([]);
    if (groups.word !== undefined) commands.at(-1)?.push(unquote(groups.word));
  }
  return commands.filter((words) => words.length > 0);
}

function unquote(word: string): string {
  return word.replace(
    /'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)|\$\{?\w+\}?/g,
    (whole, single, double, escaped) => {
      if (single !== undefined) return single;
      if (double !== undefined) {
        return double.replace(/\\(.)|\$\{?\w+\}?/g, (_: string, kept?: string) => kept ?? UNKNOWN);
      }
      return whole.startsWith("$") ? UNKNOWN : escaped;
    },
  );
}

/**
 * How a command is written: one leaf file gives its arguments and options, what it does, and how its
 * result reads to people. `--json` serialises the same result.
 * @module
 */
import type { Command } from "@commander-js/extra-typings";
import type { Config } from "../config.ts";
import type { RoomContext } from "../context.ts";
import type { CoordError } from "../errors.ts";
import type { View } from "./output.ts";

/** What a running command works with. */
export interface Cli {
  /** How results read in text: colours, widths and the instant at which this was asked for. */
  readonly view: View;
  /** Words after `--`. */
  readonly rest: readonly string[];
  /** The working directory. */
  readonly cwd: string;
  /** The process environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Whether results are printed as JSON. */
  readonly json: boolean;
  /** Settings from flags, environment and file. */
  config(): Promise<Config>;
  /**
   * The store, with the acting agent if one was named; `agent` is who acts instead. The first operation opens
   * it, the first that writes makes it where there is none, the runner closes it. With `init` it was asked
   * for: then it may be made anywhere, and no warning says so.
   */
  context(options?: { readonly agent?: string; readonly init?: boolean }): Promise<RoomContext>;
  /** Everything on standard input. */
  stdin(): Promise<Uint8Array>;
  /** A secret: typed at the terminal without being shown, or else all of standard input. */
  secret(prompt: string): Promise<string>;
  /** Prints one result of a stream: a JSON object on one line, or its text. */
  line(data: unknown, text: string): Promise<void>;
  /** Takes a step once the result is written, and only then; it is not taken when the output could not be written. */
  delivered(step: () => Promise<void>): void;
  /** Adds a warning: on stderr at once, and in the document's `warnings`. */
  warn(message: string): void;
  /** Tells people about progress, on stderr. */
  note(message: string): void;
  /** Tells people what they must know in every mode of output, on stderr. */
  tell(message: string): void;
}

/** A commander command whose argument and option types matter only to its own leaf. */
// deno-lint-ignore no-explicit-any -- the widest bound; each leaf narrows it by inference
type Built = Command<any[], any, any>;

/** One leaf command. `B` carries its argument and option types, `Data` is what it answers with. */
export interface CommandSpec<B extends Built, Data> {
  /** Adds arguments and options to a bare command. */
  readonly build: (command: Command) => B;
  /** Full command lines that work as they stand, shown in help. */
  readonly examples: readonly string[];
  /** Does the work. */
  readonly run: (
    cli: Cli,
    options: ReturnType<B["opts"]>,
    ...args: B["processedArgs"]
  ) => Promise<Data>;
  /** The same data for people; may be empty. */
  readonly text: (
    data: Data extends Page<infer Row> ? readonly Row[] : Exclude<Data, Exit>,
    view: View,
  ) => string | Promise<string>;
  /** Takes the words after `--`; `run` finds them in {@linkcode Cli.rest}. */
  readonly takesRest?: boolean;
}

/** A leaf command with its types forgotten, as the list of commands keeps it. */
// deno-lint-ignore no-explicit-any -- each spec is checked where it is defined; the list only runs it
export type AnyCommandSpec = CommandSpec<any, any>;

/** Lets TypeScript infer the types of a command from its `build`. */
export function defineCommand<B extends Built, Data>(
  spec: CommandSpec<B, Data>,
): CommandSpec<B, Data> {
  return spec;
}

/** One page of a list: the rows are the document's `data`, the cursor stands beside it. */
export class Page<Row> {
  /**
   * Wraps rows and the cursor of the next page, if there is one. `leftOut` says what other pages have, where
   * that is known.
   */
  constructor(
    readonly rows: readonly Row[],
    readonly nextCursor?: string | undefined,
    readonly leftOut?: string | undefined,
  ) {}
}

/** A wrapper's or stream's answer: nothing more to print, leave with this status. */
export class Exit {
  /**
   * Wraps the process exit code; `failure` is reported as any other, but does not decide the code. With
   * `signal` the process dies of that, so that the shell around it stops too; the code is what `$?` shows.
   */
  constructor(
    readonly code: number,
    readonly failure?: CoordError,
    readonly signal?: EndingSignal,
  ) {}
}

/** A signal by which somebody asks a process to end. */
export type EndingSignal = "SIGHUP" | "SIGINT" | "SIGQUIT" | "SIGTERM";

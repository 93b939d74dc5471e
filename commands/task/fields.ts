/**
 * The options that describe a task, shared by `task add` and `task update`.
 * @module
 */
import { given } from "../../src/given.ts";
import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { choice, duration, integer, LEASE, list } from "../../src/cli/options.ts";
import type { Cli } from "../../src/cli/command.ts";
import { jsonFrom, textFrom } from "../../src/cli/input.ts";
import { parseInstant } from "../../src/duration.ts";
import { InvalidArgumentError } from "../../src/errors.ts";
import type { NewTask } from "../../src/task/draft.ts";
import type { TaskDetails } from "../../src/task/model.ts";
import type { WantedPath } from "../../src/task/paths.ts";

/** An option for one of the details of a task. */
interface DetailOption<Value> {
  /** `dueBy` is `--due-by`. */
  readonly option: string;
  /** What the help calls its value. */
  readonly value: string;
  readonly help: string;
  /** The detail that it means. */
  readonly read: (cli: Cli, text: string) => Value | Promise<Value>;
}

/** One for each detail. */
const DETAILS = {
  payload: {
    option: "payload",
    value: "<json|@file|->",
    help: "what its worker needs to know",
    read: (cli, text) => jsonFrom(cli, text, "--payload"),
  },
} as const satisfies {
  readonly [Name in keyof Omit<TaskDetails, "paths">]-?: DetailOption<
    Exclude<TaskDetails[Name], undefined>
  >;
};

/** The options that {@linkcode addFields} adds, and `--title`, without dashes: what an update can change. */
export const FIELD_OPTIONS: readonly string[] = [
  "title",
  "description",
  "priority",
  "tags",
  "not-before",
  "max-attempts",
  "lease",
  "backoff",
  ...Object.values(DETAILS).map(({ option }) => flagOf(option)),
  "paths",
  "shared-paths",
];

function flagOf(option: string): string {
  return option.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Adds the options to a command; {@linkcode fieldsOf} reads what they say. */
export function addFields(command: CommandUnknownOpts): void {
  command
    .option("--description <text|->", "what is to be done")
    .option(
      "--priority <n>",
      "0 to 9; higher ones are served first (default: 3)",
      integer("--priority"),
    )
    .option("--tags <names>", "what a claim can ask for", list("--tags"))
    .option("--not-before <time>", "ISO time, epoch milliseconds, or +5m", notBefore)
    .option("--max-attempts <n>", "then it is dead (default: 4)", integer("--max-attempts"))
    .option(
      "--lease <duration>",
      "length of a lease on it (default: 5m)",
      duration("--lease", LEASE),
    )
    .addOption(
      choice("--backoff <kind>", "how the wait after a failure grows (default: exponential)", [
        "exponential",
        "linear",
        "none",
      ]),
    )
    .option(
      "--backoff-base <duration>",
      "the first wait (default: 60s)",
      duration("--backoff-base", { maxMs: 60 * 60 * 1000 }),
    );
  for (const { option, value, help } of Object.values(DETAILS)) {
    command.option(`--${flagOf(option)} ${value}`, help);
  }
  command
    .option("--paths <paths>", "what its worker changes: locked with the claim", list("--paths"))
    .option(
      "--shared-paths <paths>",
      "what its worker only reads: others may share it",
      list("--shared-paths"),
    );
}

/** An instant as `--not-before` takes it, in epoch milliseconds. */
export function notBefore(text: string): number {
  return parseInstant(text, "--not-before", Date.now());
}

/** What the options of {@linkcode addFields} hold. */
export interface Fields extends Details {
  readonly description?: string;
  readonly priority?: number;
  readonly tags?: readonly string[];
  readonly notBefore?: number;
  readonly maxAttempts?: number;
  readonly lease?: number;
  readonly backoff?: "exponential" | "linear" | "none";
  readonly backoffBase?: number;
  readonly paths?: readonly string[];
  readonly sharedPaths?: readonly string[];
}

type Details = { readonly [Option in typeof DETAILS[keyof typeof DETAILS]["option"]]?: string };

/** The library's names for what the options said; what was left out stays out. */
export async function fieldsOf(cli: Cli, options: Fields): Promise<Omit<NewTask, "title">> {
  const { description, priority, tags, notBefore, maxAttempts, lease, payload } = options;
  const { backoff: kind = "exponential", backoffBase } = options;
  if (description === "-" && payload === "-") {
    throw new InvalidArgumentError(
      "Only one of --description and --payload can be on standard input; name a file with --payload @FILE",
      { field: "--payload", value: "-" },
    );
  }
  const backoff = options.backoff === undefined && backoffBase === undefined
    ? undefined
    : { kind, ...given({ baseMs: backoffBase }) };
  return {
    ...(description === undefined ? {} : { description: await textFrom(cli, description) }),
    ...given({ priority, tags, notBeforeMs: notBefore, maxAttempts, leaseMs: lease, backoff }),
    ...await detailsIn(cli, options),
    ...given({ paths: pathsIn(options) }),
  };
}

function pathsIn({ paths, sharedPaths }: Fields): readonly WantedPath[] | undefined {
  if (paths === undefined && sharedPaths === undefined) return undefined;
  return [
    ...(paths ?? []).map((path) => ({ path })),
    ...(sharedPaths ?? []).map((path) => ({ path, mode: "shared" }) as const),
  ];
}

async function detailsIn(cli: Cli, options: Details): Promise<Omit<TaskDetails, "paths">> {
  const details: Record<string, unknown> = {};
  for (const [name, { option, read }] of Object.entries(DETAILS)) {
    const text = options[option];
    if (text !== undefined) details[name] = await read(cli, text);
  }
  return details;
}

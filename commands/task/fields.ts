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
    )
    .option("--payload <json|@file|->", "what its worker needs to know");
}

function notBefore(text: string): number {
  return parseInstant(text, "--not-before", Date.now());
}

/** What the options of {@linkcode addFields} hold. */
export interface Fields {
  readonly description?: string;
  readonly priority?: number;
  readonly tags?: readonly string[];
  readonly notBefore?: number;
  readonly maxAttempts?: number;
  readonly lease?: number;
  readonly backoff?: "exponential" | "linear" | "none";
  readonly backoffBase?: number;
  readonly payload?: string;
}

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
    ...(payload === undefined ? {} : { payload: await jsonFrom(cli, payload, "--payload") }),
  };
}

/**
 * The options of a worker: `work` takes them, and `spawn` hands them to the worker that it starts.
 * @module
 */
import type { Command } from "@commander-js/extra-typings";
import { choice, count, duration, LEASE, list, size } from "../src/cli/options.ts";

/** Adds the options. */
// deno-lint-ignore explicit-function-return-type explicit-module-boundary-types -- commander infers it
export function workOptions(command: Command) {
  return command
    .option("--tags <names>", "only tasks with these tags", list("--tags"))
    .addOption(choice("--match <how>", "any of the tags, or all (default: any)", ["any", "all"]))
    .option(
      "--concurrency <n>",
      "tasks at the same time (default: 1)",
      count("--concurrency", { max: 100 }),
    )
    .option("--max-tasks <n>", "leave after this many attempts", count("--max-tasks", { max: 1e9 }))
    .option(
      "--idle-exit <duration>",
      "leave when there was nothing to do for this long",
      duration("--idle-exit"),
    )
    .option(
      "--lease <duration>",
      "length of each lease, renewed at a third (default: as the task says)",
      duration("--lease", LEASE),
    )
    .option(
      "--timeout <duration>",
      "end the command, and fail the attempt, after this long",
      duration("--timeout", { minMs: 1 }),
    )
    .option("--verify <command>", "a shell command that must succeed for a completion to count")
    .option("--log-dir <directory>", "where the output goes (default: .agentcoord/logs)")
    .option(
      "--log-size <size>",
      "most output to keep of an attempt (default: 10M)",
      size("--log-size"),
    )
    .option("--role <text>", "what the worker is for (default: worker)")
    .option(
      "--ttl <duration>",
      "how long the worker's heartbeat is good for (default: 60s)",
      duration("--ttl", LEASE),
    );
}

/** Their values. */
export type WorkOptions = ReturnType<ReturnType<typeof workOptions>["opts"]>;

/** The words by which another `agentcoord work` gets the same options. */
export function workWords(options: WorkOptions): readonly string[] {
  const ms = (value: number | undefined) => value === undefined ? undefined : `${value}ms`;
  const words: Readonly<Record<string, string | number | undefined>> = {
    "--tags": options.tags?.join(","),
    "--match": options.match,
    "--concurrency": options.concurrency,
    "--max-tasks": options.maxTasks,
    "--idle-exit": ms(options.idleExit),
    "--lease": ms(options.lease),
    "--timeout": ms(options.timeout),
    "--verify": options.verify,
    "--log-dir": options.logDir,
    "--log-size": options.logSize,
    "--role": options.role,
    "--ttl": ms(options.ttl),
  };
  return Object.entries(words).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${value}`]
  );
}

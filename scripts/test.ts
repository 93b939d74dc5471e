/**
 * Runs all tests and the examples in the documentation, shows deno's output live, and ends with one
 * line that sums up all runs: `12 passed, 0 failed, 1 skipped`.
 *
 *     deno run -A scripts/test.ts [ARGS]
 *
 * ARGS go to `deno test` as they are (`--filter lock`, `--fail-fast`). Paths among them replace the
 * default, which is everything under `tests/` and the examples.
 *
 * The tests of the Redis store share one server, which runs from here as long as they do. Without
 * redis-server on PATH they are reported as skipped.
 * @module
 */
// deno-lint-ignore-file no-console -- a script reports on stdout and stderr

import { existsSync } from "node:fs";
import { hasRedis, SHARED_VARIABLE, startRedis } from "../dev/redis_server.ts";

/** What one or more runs of `deno test` came to. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Files whose fenced examples are run as tests. */
const DOCUMENTED = ["README.md", "mod.ts"];

// deno-lint-ignore no-control-regex -- that is what an ANSI colour is
const ANSI = /\x1b\[[0-9;]*m/g;
const CLOSING_LINE =
  /^(?:ok|FAILED) \| (\d+) passed(?: \(.*?\))? \| (\d+) failed(?: \(.*?\))?(?: \| (\d+) ignored)?/gm;

/**
 * Reads the counts from `deno test`'s closing line (the last one that looks like it, since a test
 * may print anything); `undefined` when there is none, as after a type error.
 */
export function parseCounts(output: string): Counts | undefined {
  const closing = [...output.replace(ANSI, "").matchAll(CLOSING_LINE)].at(-1);
  if (closing === undefined) return undefined;
  const [, passed, failed, skipped = "0"] = closing;
  return { passed: Number(passed), failed: Number(failed), skipped: Number(skipped) };
}

/** The last line of a run: `2 passed, 0 failed`, and `, 1 skipped` when something was. */
export function formatCounts({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed` + (skipped > 0 ? `, ${skipped} skipped` : "");
}

/** Runs `deno test` once; a run that failed without naming a failed test counts as one failure. */
async function run(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Counts> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", ...args],
    env,
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const decoder = new TextDecoder();
  const terminal = Deno.stdout.writable.getWriter();
  let output = "";
  for await (const chunk of child.stdout) {
    output += decoder.decode(chunk, { stream: true });
    await terminal.write(chunk);
  }
  terminal.releaseLock();
  const { success } = await child.status;
  const { passed, failed, skipped } = parseCounts(output) ?? { passed: 0, failed: 0, skipped: 0 };
  return { passed, failed: success ? failed : Math.max(failed, 1), skipped };
}

/** The runs that make up "all tests", each as the arguments after `deno test -A`. */
function plan(args: readonly string[]): readonly (readonly string[])[] {
  const namesPaths = args.some((arg, i) =>
    !arg.startsWith("-") && args[i - 1] !== "--filter" && existsSync(arg)
  );
  if (namesPaths) return [args];
  const documented = DOCUMENTED.filter((path) => existsSync(path));
  return [
    [...args, "tests/"],
    ...(documented.length > 0 ? [[...args, "--doc", ...documented]] : []),
  ];
}

/** Runs everything that `args` ask for, with one Redis server for all of it where there is one. */
async function runAll(args: readonly string[]): Promise<Counts> {
  const offered = Deno.env.get(SHARED_VARIABLE);
  await using redis = !offered && hasRedis() ? await startRedis() : undefined;
  const env: Record<string, string> = redis === undefined ? {} : { [SHARED_VARIABLE]: redis.url };
  let total: Counts = { passed: 0, failed: 0, skipped: 0 };
  for (const one of plan(args)) {
    const counts = await run(one, env);
    total = {
      passed: total.passed + counts.passed,
      failed: total.failed + counts.failed,
      skipped: total.skipped + counts.skipped,
    };
  }
  return total;
}

if (import.meta.main) {
  let total = await runAll(Deno.args);
  if (total.passed + total.failed === 0) {
    console.error("No test ran, which counts as a failure.");
    total = { ...total, failed: 1 };
  }
  console.log(formatCounts(total));
  Deno.exit(total.failed > 0 ? 1 : 0);
}

/**
 * Runs all tests and the examples in the documentation, shows deno's output live, names the files that
 * took longest, and ends with one line that sums up all runs: `12 passed, 0 failed, 1 skipped`.
 *
 *     deno run -A scripts/test.ts [--quick] [ARGS]
 *
 * ARGS go to `deno test` as they are (`--filter lock`, `--fail-fast`). Paths among them replace the
 * default, which is everything under `tests/` and the examples. `--quick` leaves out what starts programs
 * or breaks things on purpose: unit, contract and property tests remain.
 *
 * The tests of the Redis store share one server, which runs from here as long as they do. Without
 * redis-server on PATH they are reported as skipped.
 * @module
 */
// deno-lint-ignore-file no-console -- a script reports on stdout and stderr

import { existsSync, globSync } from "node:fs";
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

/** Tests that start programs, servers of their own or whole fleets, or that wait for what is meant to go wrong. */
const SLOW =
  /^tests\/(?:cli|dev|field|redis|open\/failover)\/|^tests\/scripts\/(?:bench|bench_large|soak)_test|[/_](?:campaign|consumer|fault|lost_reply|waiting)_test\.ts$/;

/** Whether `scripts/dev test --quick` runs the test file at `path`, from the root of the checkout. */
export function isQuick(path: string): boolean {
  return !SLOW.test(path);
}

const FILE_LINE = /^running \d+ tests? from (?:\.\/)?(.+)$/;
/** A step of a test is indented, and its time is part of its test's. */
const TEST_LINE = /^\S.* \.\.\. .*\((?:(\d+)m(?!s))?(?:(\d+)s)?(?:(\d+)ms)?\)$/;

/** How long the tests of each file took by `deno test`'s output, in milliseconds. */
export function fileTimesMs(output: string): Map<string, number> {
  const times = new Map<string, number>();
  let file: string | undefined;
  for (const line of output.replace(ANSI, "").split("\n")) {
    const started = FILE_LINE.exec(line);
    if (started !== null) {
      file = started[1];
      continue;
    }
    const ended = TEST_LINE.exec(line);
    if (ended === null || file === undefined) continue;
    const [, minutes = "0", seconds = "0", ms = "0"] = ended;
    const tookMs = Number(minutes) * 60_000 + Number(seconds) * 1000 + Number(ms);
    times.set(file, (times.get(file) ?? 0) + tookMs);
  }
  return times;
}

/** The five files that took longest, one a line; empty when no file is known. */
export function formatSlowest(times: ReadonlyMap<string, number>): string {
  const slowest = [...times].sort(([, a], [, b]) => b - a).slice(0, 5);
  if (slowest.length === 0) return "";
  const lines = slowest.map(([file, ms]) => `${(ms / 1000).toFixed(1).padStart(7)} s  ${file}`);
  return ["Slowest files:", ...lines].join("\n");
}

/** What one run of `deno test` came to, and how long each file took. */
interface Run extends Counts {
  readonly times: ReadonlyMap<string, number>;
}

/** Where output goes: what runs beside another is shown once it has ended, as mixed lines could not be read. */
type Show = "live" | "at the end";

/** Runs `deno test` once; a run that failed without naming a failed test counts as one failure. */
async function run(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  show: Show,
): Promise<Run> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", ...args],
    env,
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const decoder = new TextDecoder();
  let output = "";
  for await (const chunk of child.stdout) {
    output += decoder.decode(chunk, { stream: true });
    if (show === "live") await print(chunk);
  }
  const { success } = await child.status;
  if (show === "at the end") await print(new TextEncoder().encode(output));
  const { passed, failed, skipped } = parseCounts(output) ?? { passed: 0, failed: 0, skipped: 0 };
  return {
    passed,
    failed: success ? failed : Math.max(failed, 1),
    skipped,
    times: fileTimesMs(output),
  };
}

/** One chunk after the other, whoever prints it. */
let printed: Promise<void> = Promise.resolve();

function print(chunk: Uint8Array): Promise<void> {
  printed = printed.then(async () => {
    const terminal = Deno.stdout.writable.getWriter();
    await terminal.write(chunk);
    terminal.releaseLock();
  });
  return printed;
}

/** Tests that mostly wait for other processes; about as long as all others together. */
const BESIDE = /^tests\/(?:open|chaos|worker)$/;

/** Whether a path says already which tests are meant. */
function namesPaths(args: readonly string[]): boolean {
  return args.some((arg, i) =>
    !arg.startsWith("-") && args[i - 1] !== "--filter" && existsSync(arg)
  );
}

/** Runs beside each other, each as the arguments after `deno test -A`. */
type Stage = readonly (readonly string[])[];

/** The stages that make up what is asked for, one after the other. */
function plan(args: readonly string[], quick: boolean): readonly Stage[] {
  if (namesPaths(args)) return [[args]];
  if (quick) return [[[...args, ...globSync("tests/**/*_test.ts").filter(isQuick).sort()]]];
  const documented = DOCUMENTED.filter((path) => existsSync(path));
  return [
    lanes().map((paths) => [...args, ...paths]),
    ...(documented.length > 0 ? [[[...args, "--doc", ...documented]]] : []),
  ];
}

/** Everything under `tests/`, in two parts that take about as long. */
function lanes(): readonly (readonly string[])[] {
  const beside = globSync("tests/*").filter((path) => BESIDE.test(path)).sort();
  if (beside.length === 0) return [["tests/"]];
  const others = globSync("tests/*").filter((path) =>
    !BESIDE.test(path) && (path.endsWith("_test.ts") || globSync(`${path}/**/*_test.ts`).length > 0)
  ).sort();
  return [others, beside];
}

/** Runs everything that is asked for, with one Redis server for all of it where there is one. */
async function runAll(stages: readonly Stage[]): Promise<Run> {
  const offered = Deno.env.get(SHARED_VARIABLE);
  await using redis = !offered && hasRedis() ? await startRedis() : undefined;
  const env: Record<string, string> = redis === undefined ? {} : { [SHARED_VARIABLE]: redis.url };
  let total: Run = { passed: 0, failed: 0, skipped: 0, times: new Map() };
  for (const stage of stages) {
    const runs = stage.map((args, index) => run(args, env, index === 0 ? "live" : "at the end"));
    for (const one of await Promise.all(runs)) {
      total = {
        passed: total.passed + one.passed,
        failed: total.failed + one.failed,
        skipped: total.skipped + one.skipped,
        times: new Map([...total.times, ...one.times]),
      };
    }
  }
  return total;
}

/** What to expect of a run on a quiet machine with two cores; nothing is said of chosen files. */
function announce(args: readonly string[], quick: boolean): void {
  if (namesPaths(args)) return;
  console.log(
    quick
      ? "Unit, contract and property tests: about a minute."
      : "All tests: about a quarter of an hour. Under one: scripts/dev test --quick",
  );
}

if (import.meta.main) {
  const quick = Deno.args.includes("--quick");
  const args = Deno.args.filter((arg) => arg !== "--quick");
  if (quick && namesPaths(args)) {
    console.error("--quick chooses the files itself: leave out the paths, or --quick.");
    Deno.exit(2);
  }
  announce(args, quick);
  let total = await runAll(plan(args, quick));
  if (total.passed + total.failed === 0) {
    console.error("No test ran, which counts as a failure.");
    total = { ...total, failed: 1 };
  }
  const slowest = formatSlowest(total.times);
  if (slowest !== "") console.log(slowest);
  console.log(formatCounts(total));
  Deno.exit(total.failed > 0 ? 1 : 0);
}

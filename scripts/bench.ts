/**
 * Runs the benchmarks and prints what they measured.
 *
 *     deno run -A scripts/bench.ts [--store URL] [--json] [--only NAME,...] [--rounds N] [--quick]
 *
 * Without `--store` it measures the directory store. `--store redis://host:port` measures the Redis store
 * on a server that is running, under names of its own, which it removes; `--store redis` starts a server
 * for the run. There, it stands beside other people's queues and locks from npm; `--no-peers` leaves them out.
 *
 *     deno run -A scripts/bench.ts --large [--store dir|redis|URL] [--scale 0.1] [--rounds N] [--json]
 *
 * fills a store with 300 000 tasks, and as much of everything else, and prints of every command how long its
 * longest operation kept everybody else from the store.
 *
 *     deno run -A scripts/bench.ts --failover [--only NAME,...] [--rounds N] [--quick] [--json]
 *
 * measures how long agents wait when a server is lost, until it decides again, and while 50 000 records are moved back.
 *
 * Absolute figures say as much about the machine and its other users as about the program: read the
 * ratios. A missed target does not fail the run, which proves nothing on a busy machine.
 * @module
 */
// deno-lint-ignore-file no-console -- a script reports on stdout and stderr

import { parseArgs } from "node:util";
import { table } from "../src/cli/output.ts";
import { InvalidArgumentError } from "../src/errors.ts";
import { backlog } from "./bench/backlog.ts";
import { claimComplete } from "./bench/claim_complete.ts";
import { claimComplete8 } from "./bench/claim_complete_8.ts";
import { cli } from "./bench/cli.ts";
import { create } from "./bench/create.ts";
import { type Benchmark, judge, type Target, type Verdict } from "./bench/figure.ts";
import type { Effort } from "./bench/harness.ts";
import { failbacks } from "./bench/failover/failback.ts";
import { loss } from "./bench/failover/loss.ts";
import { large, largeText } from "./bench/large/run.ts";
import { lock } from "./bench/lock.ts";
import { paths } from "./bench/paths.ts";
import { redisBenchmarks } from "./bench/redis/all.ts";
import { findPeers } from "./bench/redis/peers.ts";
import { openSite } from "./bench/redis/site.ts";

const DIRECTORY_BENCHMARKS: readonly Benchmark[] = [
  claimComplete,
  claimComplete8,
  backlog,
  paths,
  lock,
  cli,
  create,
];

/** One benchmark's part of the report. */
interface Section {
  readonly name: string;
  readonly about: string;
  readonly seconds: number;
  /** The host's load average over the last minute, when it began and when it ended. */
  readonly load: readonly [number, number];
  readonly figures: readonly Verdict[];
}

/** A command line that cannot be used. */
class UsageError extends Error {}

async function measure(benchmark: Benchmark, effort: Effort): Promise<Section> {
  const { name, about } = benchmark;
  const before = load();
  const startedAt = performance.now();
  const figures = (await benchmark.run(effort)).map(judge);
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  return { name, about, seconds, load: [before, load()], figures };
}

function load(): number {
  return Math.round(Deno.loadavg()[0]! * 100) / 100;
}

async function sectionText({ name, about, seconds, load, figures }: Section): Promise<string> {
  const rows = await table(
    figures,
    [
      { title: "FIGURE", value: (row) => row.name },
      { title: "MEDIAN", value: (row) => `${shown(row.median)} ${row.unit}`.trim() },
      { title: "LOW - HIGH", value: ({ low, high }) => `${shown(low)} - ${shown(high)}` },
      {
        title: "BESIDE",
        value: ({ beside }) => beside ? `${beside.name} ${shown(beside.median)}` : "",
      },
      { title: "RATIO", value: ({ ratio }) => ratio === undefined ? "" : ratio.toFixed(2) },
      { title: "TARGET", value: ({ target }) => target ? targetText(target) : "" },
      { title: "", value: ({ met }) => met === undefined ? "" : met ? "met" : "MISSED" },
    ],
    { terminal: false, color: false, columns: Infinity, nowMs: 0 },
    "Nothing was measured.",
  );
  const [before, after] = load;
  return `${name}: ${about}\n(${seconds} s, load average ${before} before, ${after} after)\n${rows}`;
}

function targetText({ of, atLeast, atMost }: Target): string {
  const bound = atLeast === undefined ? `<= ${atMost}` : `>= ${atLeast}`;
  return of === "ratio" ? `ratio ${bound}` : bound;
}

/** Three digits are more than the noise leaves standing. */
function shown(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  return Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}

function choose(
  benchmarks: readonly Benchmark[],
  names: string | undefined,
): readonly Benchmark[] {
  if (names === undefined) return benchmarks;
  return names.split(",").map((name) => {
    const found = benchmarks.find((benchmark) => benchmark.name === name);
    if (found !== undefined) return found;
    const known = benchmarks.map((benchmark) => benchmark.name).join(", ");
    throw new UsageError(`no benchmark "${name}"; there are ${known}`);
  });
}

function effortOf(rounds: string | undefined, quick: boolean): Effort {
  const count = rounds === undefined ? (quick ? 2 : 5) : Number(rounds);
  if (Number.isInteger(count) && count > 0) return { rounds: count, quick };
  throw new UsageError(`--rounds "${rounds}": use a whole number from 1`);
}

/** How a run is told about. */
interface Report {
  readonly effort: Effort;
  readonly json: boolean;
  /** What it is measured on and beside, in lines. */
  readonly about: readonly string[];
}

async function run(benchmarks: readonly Benchmark[], report: Report): Promise<void> {
  const { effort, json, about } = report;
  if (!json && about.length > 0) console.log(`${about.join("\n")}\n`);
  const sections: Section[] = [];
  for (const benchmark of benchmarks) {
    console.error(`${benchmark.name} ...`);
    const section = await measure(benchmark, effort);
    sections.push(section);
    if (!json) console.log(await sectionText(section));
  }
  if (!json) return;
  const host = { os: Deno.build.os, cpus: navigator.hardwareConcurrency, deno: Deno.version.deno };
  console.log(
    JSON.stringify({ schemaVersion: 1, atMs: Date.now(), host, about, effort, sections }),
  );
}

async function runLarge(
  { store = "dir", scale, rounds = "3", json }: {
    readonly store: string | undefined;
    readonly scale: string;
    readonly rounds: string | undefined;
    readonly json: boolean;
  },
): Promise<void> {
  const share = Number(scale);
  if (!(share > 0 && share <= 10)) {
    throw new UsageError(`--scale "${scale}": use a number up to 10`);
  }
  const report = await large({ store, scale: share, rounds: effortOf(rounds, false).rounds });
  console.log(json ? JSON.stringify({ schemaVersion: 1, ...report }) : await largeText(report));
}

async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      store: { type: "string" },
      json: { type: "boolean", default: false },
      only: { type: "string" },
      rounds: { type: "string" },
      quick: { type: "boolean", default: false },
      "no-peers": { type: "boolean", default: false },
      large: { type: "boolean", default: false },
      failover: { type: "boolean", default: false },
      scale: { type: "string", default: "1" },
    },
  });
  const { store, only, json } = values;
  if (values.large) {
    await runLarge({ store, scale: values.scale, rounds: values.rounds, json });
    return;
  }
  const effort = effortOf(values.rounds, values.quick);
  if (values.failover) {
    await run(choose([loss, ...failbacks], only), { effort, json, about: [] });
    return;
  }
  if (store === undefined) {
    await run(choose(DIRECTORY_BENCHMARKS, only), { effort, json, about: [] });
    return;
  }
  await using site = await openSite(store);
  const peers = values["no-peers"] ? { about: "no peers: --no-peers" } : await findPeers();
  const about = [site.about, peers.about];
  await run(choose(redisBenchmarks(site, peers), only), { effort, json, about });
}

try {
  await main(Deno.args);
} catch (error) {
  const usage = [UsageError, TypeError, InvalidArgumentError].some((kind) => error instanceof kind);
  if (!(error instanceof Error && usage)) throw error;
  console.error(`bench: ${error.message}`);
  Deno.exit(2);
}

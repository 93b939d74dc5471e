/**
 * `bench --large`: how long one command of the library keeps everybody else from a store that has a great deal in
 * it. What an operation does must not grow with what there is; what is left over belongs to the next operation.
 * @module
 */
// deno-lint-ignore-file no-console -- a script reports on stdout and stderr

import { Redis } from "ioredis";
import { table } from "../../../src/cli/output.ts";
import { systemClock } from "../../../src/clock.ts";
import type { RoomContext } from "../../../src/context.ts";
import { Primitives } from "../../../src/primitive_clients.ts";
import { DirectoryStore } from "../../../src/open/directory.ts";
import { RedisStore } from "../../../src/open/redis.ts";
import type { Store } from "../../../src/store.ts";
import { withDirectory } from "../harness.ts";
import { addressOf, openSite } from "../redis/site.ts";
import { BOUND_MS, type Command, commands } from "./commands.ts";
import { type Amounts, type As, fill } from "./fill.ts";
import { directoryMeter, type Longest, type Meter, serverMeter } from "./meter.ts";

/** How to measure. */
export interface LargeOptions {
  /** `dir`, `redis`, or the URL of a server that is running. */
  readonly store: string;
  /** How much there is: 1 is 300 000 tasks and as much of everything else. */
  readonly scale: number;
  /** How often each command is called. */
  readonly rounds: number;
}

/** What one command came to. */
export interface Row {
  readonly command: string;
  /** The longest operation of all rounds, in milliseconds. */
  readonly longestMs: number;
  /** What the processor did for it, in the round where that was least: a busy machine only ever adds. */
  readonly cpuMs: number;
  readonly boundMs: number;
  /** Whether that work alone is too long. */
  readonly over: boolean;
}

/** All of it. */
export interface LargeReport {
  readonly about: string;
  readonly measured: string;
  readonly amounts: Amounts;
  readonly fillSeconds: number;
  readonly rows: readonly Row[];
}

/** Fills a store, measures every command on it, and leaves nothing behind. */
export function large(options: LargeOptions): Promise<LargeReport> {
  return options.store === "dir" ? inDirectory(options) : onServer(options);
}

/** The report for people. */
export async function largeText(
  { about, measured, rows, fillSeconds }: LargeReport,
): Promise<string> {
  const shown = await table(
    rows,
    [
      { title: "COMMAND", value: (row) => row.command },
      { title: "LONGEST MS", value: (row) => row.longestMs.toFixed(1) },
      { title: "CPU MS", value: (row) => row.cpuMs.toFixed(1) },
      { title: "ASKED", value: (row) => `<= ${row.boundMs}` },
      { title: "", value: (row) => row.over ? "OVER" : "" },
    ],
    { terminal: false, color: false, columns: Infinity, nowMs: 0 },
    "Nothing was measured.",
  );
  const over = rows.filter((row) => row.over).length;
  const verdict = over === 0 ? "None is over its bound." : `${over} are over their bounds.`;
  return `${about}, filled in ${fillSeconds} s: ${measured}\n${shown}\n${verdict}`;
}

function inDirectory(options: LargeOptions): Promise<LargeReport> {
  return withDirectory(async (directory) => {
    const store = await DirectoryStore.open(directory, {
      namespace: "default",
      durability: "normal",
      clock: systemClock,
    });
    try {
      return await measure(store, () => Promise.resolve(directoryMeter()), {
        ...options,
        about: "a directory",
      });
    } finally {
      await store.close();
    }
  });
}

async function onServer(options: LargeOptions): Promise<LargeReport> {
  await using site = await openSite(options.store);
  return await site.withPlace(async ({ url, name }) => {
    const client = new Redis({ ...addressOf(url), lazyConnect: true, disconnectTimeout: 50 });
    await client.connect();
    const store = await RedisStore.open(url, { namespace: name });
    try {
      return await measure(store, () => serverMeter(client), { ...options, about: site.about });
    } finally {
      await store.close();
      client.disconnect();
    }
  });
}

async function measure(
  store: Store,
  openMeter: () => Promise<Meter>,
  { scale, rounds, about }: LargeOptions & { readonly about: string },
): Promise<LargeReport> {
  const as: As = (name) => new Primitives(contextOf(store, name));
  const startedAt = performance.now();
  const filled = await fill(as, { scale, rounds }, (what) => console.error(`making ${what} ...`));
  const fillSeconds = Math.round((performance.now() - startedAt) / 1000);
  const meter = await openMeter();
  try {
    const rows: Row[] = [];
    for (const command of commands(as, filled)) rows.push(await rowOf(command, meter, rounds));
    return { about, measured: meter.about, amounts: filled.amounts, fillSeconds, rows };
  } finally {
    await meter.stop();
  }
}

async function rowOf(
  { name, run, boundMs = BOUND_MS }: Command,
  meter: Meter,
  rounds: number,
): Promise<Row> {
  const times: Longest[] = [];
  for (let round = 0; round < rounds; round++) {
    try {
      times.push(await meter.longest(() => run(round)));
    } catch (error) {
      throw new Error(`${name} failed in round ${round}`, { cause: error });
    }
  }
  const cpuMs = Math.min(...times.map((time) => time.cpuMs));
  const longestMs = Math.max(...times.map((time) => time.wallMs));
  return { command: name, longestMs, cpuMs, boundMs, over: cpuMs > boundMs };
}

function contextOf(store: Store, name: string): RoomContext {
  return {
    store,
    clock: systemClock,
    lockPath: (path) => ({ path, aliases: [] }),
    actor: { name, host: "bench-host" },
  };
}

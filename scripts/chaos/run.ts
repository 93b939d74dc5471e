/**
 * One fault campaign: workers that do everything and write it down, a nemesis around them, and a checker in the end.
 * @module
 */
import type { PlantedFault } from "../../dev/faulty_store.ts";
import { Fleet, isThere } from "../../dev/fleet.ts";
import { monotonicMs as now } from "../../dev/monotonic.ts";
import { type Proxy, startProxy } from "../../dev/proxy.ts";
import { freshNamespace, type RedisServer, startRedis } from "../../dev/redis_server.ts";
import { check } from "./check.ts";
import { pause } from "./deeds.ts";
import { type Figures, figuresOf, timesOf } from "./figures.ts";
import { readBack } from "./final.ts";
import type { Effect, History, Line, Mark } from "./history.ts";
import { outagesOnly, plague } from "./nemesis.ts";
import { Outages } from "./outages.ts";
import { Strikes } from "./strikes.ts";

/** What kind of campaign. */
export interface CampaignOptions {
  /** How long work and faults go on. */
  readonly seconds: number;
  /**
   * Whether what was written down is enough: work and faults go on until it is, so that a slow machine does as much as
   * a fast one. Gets the changes of authority so far, too.
   */
  readonly enough?: (lines: readonly Line[], changes: number) => boolean;
  readonly processes: number;
  /**
   * What is done to everybody. Default: `all` there is; `outages` only takes the server of a failover store away and
   * gives it back. A store with a mistake shows it then, too.
   */
  readonly nemesis?: "all" | "outages" | "none";
  /** `failover`: a Redis server for which a directory stands in. */
  readonly store: "redis" | "directory" | "failover";
  readonly seed: number;
  /** A mistake that the workers' stores are to make, so that the checker has something to find. */
  readonly fault?: PlantedFault;
}

/** What came out. */
export interface CampaignReport {
  /** What was done and what came of it. */
  readonly figures: Figures;
  /** What may not be, as sentences; empty when all is well. */
  readonly violations: readonly string[];
  readonly history: History;
}

/** Faults end so much earlier than the work, so that those who wait are seen to be answered. */
const CALM_MS = 3000;
/** Work is over, and whoever is still there so much later hangs: more than the longest wait and its patience. */
const LEAVE_MS = 60_000;
/** How often it is asked whether there is enough, and when even a very slow machine had its time to do enough. */
const ASK_MS = 500;
const MOST_MS = 600_000;

/** What a server that is killed brings back. */
const PERSISTENT = { appendonly: "yes", appendfsync: "always" } as const;

/** Runs the whole campaign; `keep` names a directory for what was written down. */
export async function campaign(
  { store, ...options }: CampaignOptions,
  keep?: string,
): Promise<CampaignReport> {
  const directory = keep ?? await Deno.makeTempDir({ prefix: "agentcoord-chaos-" });
  const server = store !== "directory" ? await startRedis({ config: PERSISTENT }) : undefined;
  const proxies: Proxy[] = [];
  try {
    for (let slot = 0; server !== undefined && slot < options.processes; slot++) {
      proxies.push(await startProxy(server));
    }
    return await run({ ...options, store, directory, server, proxies });
  } finally {
    for (const proxy of proxies) await proxy.stop();
    await server?.stop();
    if (keep === undefined) await Deno.remove(directory, { recursive: true });
  }
}

async function run(
  { store, directory, server, proxies, seconds, enough, nemesis = "all", processes, seed, fault }:
    & CampaignOptions
    & {
      readonly directory: string;
      readonly server: RedisServer | undefined;
      readonly proxies: readonly Proxy[];
    },
): Promise<CampaignReport> {
  const namespace = freshNamespace();
  const home = `${directory}/store`;
  // A server that is only ever killed or there need not be waited for: whoever held a lock when it went still holds it.
  const timeout = nemesis === "outages" ? "300ms" : "1s";
  const at = (url: string) =>
    store === "failover"
      ? `${url}?command_timeout=${timeout}#${namespace}\t${home}`
      : `${url}?command_timeout=2#${namespace}`;
  const outages = store === "failover" ? await Outages.watch(at(server!.url), now) : undefined;
  const locations = server === undefined
    ? Array<string>(processes).fill(home)
    : proxies.map(({ url }) => at(url));
  const untilMs = now() + seconds * 1000;
  const fleet = new Fleet(
    "chaos_worker.ts",
    [locations.join("\n"), String(seed), directory, fault ?? ""],
    directory,
  );
  for (let slot = 0; slot < processes; slot++) fleet.start(slot);
  const faultsUntilMs = untilMs - CALM_MS;
  const isOver = () => {
    if (now() < faultsUntilMs) return false;
    return now() > untilMs + MOST_MS ||
      (enough?.(fleet.records<Line>(), outages?.changes.length ?? 0) ?? true);
  };
  const targets = { fleet, processes, proxies, server, outages, now };
  const duration = { seed, untilMs: faultsUntilMs, isOver };
  let strikes = new Strikes(now, outages);
  if (nemesis === "all") strikes = await plague(targets, duration);
  else if (nemesis === "outages" && server !== undefined && outages !== undefined) {
    strikes = await outagesOnly({ ...targets, server, outages }, duration);
  }
  while (!isOver()) await pause(ASK_MS);
  await pause(CALM_MS);
  Deno.writeTextFileSync(`${directory}/over`, "");
  const failed = await fleet.finished(LEAVE_MS);
  const faults = [...strikes.faults, ...await outages?.end() ?? []];
  const final = await readBack(server === undefined ? home : at(server.url));
  const history: History = {
    lines: fleet.records<Line>(),
    marks: readLines<Mark>(`${directory}/marks.jsonl`),
    effects: readLines<Effect>(`${directory}/effects.jsonl`),
    faults,
    final,
  };
  Deno.writeTextFileSync(`${directory}/faults.json`, JSON.stringify(faults));
  Deno.writeTextFileSync(`${directory}/final.json`, JSON.stringify(final));
  const violations = [...check(history)];
  if (failed > 0) violations.push(`${failed} workers failed or hung: see their output`);
  const figures: Figures = {
    seed,
    seconds,
    processes,
    ...(outages === undefined ? {} : {
      "changes of authority": outages.changes.length,
      ...timesOf(history.lines, strikes.turns, outages.changes),
    }),
    ...figuresOf(history),
  };
  return { figures, violations, history };
}

/** The whole lines of a file that several processes appended to; none when nobody did. */
function readLines<T>(path: string): readonly T[] {
  if (!isThere(path)) return [];
  return Deno.readTextFileSync(path).split("\n").filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

/**
 * One soak test: workers that do everything, chaos around them, a witness, and a judge in the end.
 * @module
 */
import { Primitives } from "../../src/primitive_clients.ts";
import { Fleet } from "../../dev/fleet.ts";
import { freshNamespace, type RedisServer, startRedis } from "../../dev/redis_server.ts";
import { openAs } from "../../dev/workers/context.ts";
import { chaos, SPARED } from "./chaos.ts";
import { drain, judge } from "./judge.ts";
import type { SoakRecord } from "./record.ts";
import { growth, residue, serverSizes, type WorkerSizes, workerSizes } from "./size.ts";
import { Witness } from "./witness.ts";

/** What kind of test. */
export interface SoakOptions {
  readonly seconds: number;
  /** At least 3: two are never killed. */
  readonly processes: number;
  /** `redis` for a private server, the URL of one that is left alone, or a directory. */
  readonly store: string;
  readonly seed: number;
}

/** What came out. */
export interface SoakReport {
  /** By name, in the order to print them. */
  readonly figures: Readonly<Record<string, string | number>>;
  /** What may not be, as sentences; empty when all is well. */
  readonly violations: readonly string[];
}

/** Growth is judged only where it can be told from the beginning. */
const LONG_SECONDS = 240;
/** What one task, message, entry or approval may take with its events and indexes. */
const BYTES_PER_ITEM = 6000;
/** What a worker may grow by, in bytes a minute: the heap is known exactly, the rest goes up and down a little. */
const PER_MINUTE = { heap: 500_000, native: 2_000_000 } as const;
/** What a worker of any age may take. */
const WORKER_BYTES = 400_000_000;
/** What one script may take on a machine with other things to do. */
const SCRIPT_MS = 500;
/** Members that may be left in a key of things that pass: waiters that died are dropped by those after them. */
const RESIDUE = 100;
const MB = 1_048_576;

/** Runs the whole test. */
export async function soak({ seconds, processes, store, seed }: SoakOptions): Promise<SoakReport> {
  const directory = await Deno.makeTempDir({ prefix: "agentcoord-soak-" });
  const config = { "slowlog-log-slower-than": "50000", "slowlog-max-len": "10000" };
  const server = store === "redis" ? await startRedis({ config }) : undefined;
  const namespace = freshNamespace();
  const url = server?.url ?? store;
  const location = /^(redis|unix)[^/]*:/.test(url) ? `${url}#${namespace}` : url;
  try {
    return await run(location, { seconds, processes, seed, server, directory, namespace });
  } finally {
    await server?.stop();
    await Deno.remove(directory, { recursive: true });
  }
}

async function run(
  location: string,
  { seconds, processes, seed, server, directory, namespace }: Omit<SoakOptions, "store"> & {
    readonly server: RedisServer | undefined;
    readonly directory: string;
    readonly namespace: string;
  },
): Promise<SoakReport> {
  const connectionsBefore = await server?.connections();
  const context = await openAs(location, "founder");
  const { id: thread } = await new Primitives(context).board.post({ title: "soak" });
  await context.store.close();

  const endMs = Date.now() + seconds * 1000;
  const over = new AbortController();
  const { witness, done: witnessed } = await Witness.watch(location, over.signal);
  const worker = new URL("./worker.ts", import.meta.url).href;
  const fleet = new Fleet(worker, [location, String(endMs), thread], directory, [
    "--v8-flags=--expose-gc",
  ]);
  for (let slot = 0; slot < processes; slot++) fleet.start(slot);
  const items = () => stored(witness);
  const sizing = server && serverSizes(server, items, over.signal);
  // Chaos ends early enough for the last ones it started to get to work.
  const deeds = await chaos({ fleet, processes, server }, { seed, endMs: endMs - 2000 });
  const failed = await fleet.finished();
  const drained = await drain(location);
  over.abort();
  await witnessed;
  const sizes = await sizing ?? [];

  const records = fleet.records<SoakRecord>();
  const { counts, violations } = await judge({ location, records, witness, thread });
  const all = [...violations];
  if (failed > 0) all.push(`${failed} workers failed: see their output`);
  const long = seconds >= LONG_SECONDS;
  const workers = [...workerSizes(records, SPARED)];
  all.push(...judgeWorkers(workers, long));
  const figures: Record<string, string | number> = {
    seed,
    seconds,
    processes,
    ...deeds,
    ...counts,
  };
  figures["left for the drainer"] = drained;
  for (const [reason, count] of refusals(records)) figures[`refused: ${reason}`] = count;
  for (const [slot, sizes] of workers) {
    for (const part of ["all", "heap", "native"] as const) {
      const [last, perMinute] = [sizes[part].at(-1)!.bytes, growth(sizes[part]).perMinute];
      figures[`${slot}, ${part}: MB, growth a minute`] = `${mb(last)}, ${mb(perMinute)}`;
    }
  }
  if (server !== undefined) {
    const { perItem } = growth(sizes);
    figures["server: MB"] = mb(sizes.at(-1)?.bytes ?? 0);
    figures["server: bytes an item"] = Math.round(perItem);
    if (long && perItem > BYTES_PER_ITEM) all.push(`the server grew by ${perItem} bytes an item`);
    for (const [key, size] of Object.entries(await residue(server, `{agentcoord:${namespace}}:`))) {
      if (size > RESIDUE) all.push(`${size} are left in ${key}`);
    }
    const slowest = await slowestScript(server);
    figures["slowest script: ms"] = slowest;
    if (slowest > SCRIPT_MS) all.push(`a script took ${slowest} ms, and nobody else was served`);
    const left = await connectionsLeft(server, connectionsBefore!);
    if (left > 0) all.push(`${left} connections are left`);
  }
  return { figures, violations: all };
}

/** Things that are there to stay, by the events told so far. */
function stored({ seen }: Witness): number {
  const kinds = ["task.created", "thread.replied", "audit.logged", "approval.requested"];
  return kinds.reduce((sum, type) => sum + (seen.get(type) ?? 0), 0);
}

/** What is wrong with the sizes of workers; growth only in a `long` test. */
export function judgeWorkers(
  workers: readonly (readonly [string, WorkerSizes])[],
  long: boolean,
): readonly string[] {
  return workers.flatMap(([slot, sizes]) => {
    const most = Math.max(...sizes.all.map(({ bytes }) => bytes));
    const wrong = most > WORKER_BYTES ? [`${slot} took ${mb(most)} MB`] : [];
    for (const part of ["heap", "native"] as const) {
      const { perMinute } = growth(sizes[part]);
      if (!long || perMinute <= PER_MINUTE[part]) continue;
      wrong.push(`${slot} grew by ${mb(perMinute)} MB a minute (${part})`);
    }
    return wrong;
  });
}

function refusals(records: readonly SoakRecord[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const record of records) {
    if (record.kind !== "refused") continue;
    const name = [record.code, record.reason].filter((word) => word !== "").join(" ");
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

/** Connections above `before`, once those that are about to end have. */
async function connectionsLeft(server: RedisServer, before: number): Promise<number> {
  for (let tries = 0;; tries++) {
    const left = await server.connections() - before;
    if (left <= 0 || tries > 40) return left;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** How long the slowest one took, in milliseconds; 0 when none was slow enough to be noted. */
async function slowestScript(server: RedisServer): Promise<number> {
  const entries = await server.command("SLOWLOG", "GET", 10_000);
  const scripts = (entries as unknown as [number, number, number, string[]][])
    .filter(([, , , [word]]) => /^eval/i.test(word!));
  return Math.round(Math.max(0, ...scripts.map(([, , micros]) => micros)) / 1000);
}

function mb(bytes: number): number {
  return Math.round(bytes / MB * 10) / 10;
}

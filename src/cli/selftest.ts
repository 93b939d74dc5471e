/**
 * Lets processes fight for locks and tasks in a throw-away namespace of the user's own store, and counts
 * whether anything was lost or had twice. What the tests of the program show on the machine they run on,
 * this shows on the disk that matters.
 * @module
 */
import { sleep } from "../clock.ts";
import type { Config } from "../config.ts";
import type { RoomContext } from "../context.ts";
import type { Check } from "../doctor/doctor.ts";
import { StoreUnavailableError } from "../errors.ts";
import { newId } from "../id.ts";
import { printable } from "../name.ts";
import { openContext } from "../open/open.ts";
import { Tasks } from "../task/task.ts";
import { selfCommand } from "./self.ts";
import { TASK_TAGS, type WorkerReport } from "./selftest_worker.ts";
import { engineOf, type TestGround } from "../open/engines.ts";

/** Processes that fight. */
const WORKERS = 4;
/** How long they fight for the lock, once they had this long to start. */
const FIGHT_MS = 1500;
const START_MS = 500;
/** Tasks to drain, and tasks that each wake a waiting process. */
const DRAINED = 200;
const WOKEN = 20;
/** A pause that lets every process go back to waiting. */
const WAKE_EVERY_MS = 25;
/** After this time a process that has not finished counts as stuck. */
const LIMIT_MS = 60_000;

/** What the self-test works with. */
export interface SelftestOptions {
  readonly config: Config;
  /** The environment the processes inherit. */
  readonly env: Readonly<Record<string, string>>;
  /** Name of this host. */
  readonly host: string;
  /** Ends the test early; everything is cleaned up all the same. */
  readonly signal: AbortSignal;
}

/** Where the test takes place. */
interface Ground extends TestGround {
  /** One that nobody uses. */
  readonly namespace: string;
}

/** Runs the self-test and reports what it found as checks. */
export async function selftest(options: SelftestOptions): Promise<readonly Check[]> {
  const ground = await chooseGround(options.config);
  try {
    const { store, namespace } = ground;
    const { config, host } = options;
    const actor = { name: "selftest", host, pid: Deno.pid };
    const context = await openContext({ ...config, store, namespace, actor });
    try {
      return await fight(context, ground, options);
    } finally {
      await context.store.close();
    }
  } finally {
    await ground.remove();
  }
}

/** A namespace of the store that nobody uses; where no directory store is, one beside its place. */
async function chooseGround({ store, standInDirectory }: Config): Promise<Ground> {
  const id = newId("wtr").slice(-12).toLowerCase();
  const namespace = `selftest-${id}`;
  return { namespace, ...await engineOf(store).testGround(namespace, standInDirectory) };
}

async function fight(
  context: RoomContext,
  ground: Ground,
  options: SelftestOptions,
): Promise<readonly Check[]> {
  const tasks = new Tasks(context);
  const ids = (await tasks.create(
    Array.from({ length: DRAINED }, (_, n) => ({ title: `task ${n}`, tags: [TASK_TAGS.drain] })),
  )).map(({ id }) => id);
  const { scratch } = ground;
  Deno.writeTextFileSync(scratch, "0");
  const untilMs = Date.now() + START_MS + FIGHT_MS;
  const workers = Array.from(
    { length: WORKERS },
    (_, n) => startWorker(ground, options, [scratch, "--until", String(untilMs)], `selftest-${n}`),
  );
  const stop = new AbortController();
  const limit = setTimeout(() => stop.abort(), LIMIT_MS);
  const ended = AbortSignal.any([stop.signal, options.signal]);
  const killAll = () => workers.forEach(({ child }) => kill(child));
  ended.addEventListener("abort", killAll);
  try {
    if (ended.aborted) killAll();
    const finished = Promise.all(workers.map(({ report }) => report));
    // A worker that fails early must end the test, not the wait for tasks that nobody takes.
    finished.catch(() => stop.abort());
    await sleep(untilMs - Date.now(), ended);
    await wakeWorkers(tasks, ended);
    const reports = await finished;
    const { words } = engineOf(ground.store);
    options.signal.throwIfAborted();
    return [
      ...lockChecks(reports, Number(Deno.readTextFileSync(scratch)), words.place),
      ...taskChecks(reports, ids, words.place),
      wakeCheck(reports, words.wokenLate),
    ];
  } finally {
    clearTimeout(limit);
    ended.removeEventListener("abort", killAll);
    killAll();
    await Promise.allSettled(workers.map(({ report }) => report));
  }
}

/** Once the queue is drained: tasks one by one, each for whoever wakes first, and one end for each. */
async function wakeWorkers(tasks: Tasks, signal: AbortSignal): Promise<void> {
  for (;;) {
    const { pending, claimed } = await tasks.counts();
    if (pending + claimed === 0 || signal.aborted) break;
    await sleep(WAKE_EVERY_MS, signal);
  }
  for (let n = 0; n < WOKEN && !signal.aborted; n++) {
    await sleep(WAKE_EVERY_MS, signal);
    await tasks.create([{ title: `wake ${n}`, tags: [TASK_TAGS.wake] }]);
  }
  await tasks.create(
    Array.from({ length: WORKERS }, (_, n) => ({ title: `stop ${n}`, tags: [TASK_TAGS.stop] })),
  );
}

interface Worker {
  readonly child: Deno.ChildProcess;
  readonly report: Promise<WorkerReport>;
}

function startWorker(
  { store, namespace }: Ground,
  { config, env }: SelftestOptions,
  args: readonly string[],
  name: string,
): Worker {
  const [program, ...words] = selfCommand();
  const child = new Deno.Command(program, {
    args: [...words, "doctor-worker", ...args],
    clearEnv: true,
    env: {
      ...env,
      AGENTCOORD_STORE: engineOf(store).value,
      AGENTCOORD_NAMESPACE: namespace,
      AGENTCOORD_AGENT: name,
      AGENTCOORD_DURABILITY: config.durability,
      AGENTCOORD_JSON: "1",
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  return { child, report: readReport(child) };
}

async function readReport(child: Deno.ChildProcess): Promise<WorkerReport> {
  const { success, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  const said = decoder.decode(stdout).trim();
  if (success) return JSON.parse(said);
  const why = failureMessage(said) ?? decoder.decode(stderr).trim();
  throw new StoreUnavailableError(`A process of the self-test failed: ${printable(why, 500)}`);
}

/** The sentence in a failure's document. */
function failureMessage(document: string): string | undefined {
  try {
    return JSON.parse(document).error.message;
  } catch {
    return undefined;
  }
}

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

function lockChecks(
  reports: readonly WorkerReport[],
  number: number,
  place: string,
): readonly Check[] {
  const increments = sum(reports.map((report) => report.increments));
  const overlaps = sum(reports.map((report) => report.overlaps));
  const ok = number === increments && overlaps === 0;
  return [
    {
      name: "lock_exclusion",
      ok,
      value: `${WORKERS} processes added ${increments} times, the sum is ${number}; ` +
        `${overlaps} found another inside`,
      ...(ok ? {} : { hint: `locks do not exclude here: do not use ${place} for the store` }),
    },
    { name: "locks_per_s", ok: true, value: Math.round(increments / (FIGHT_MS / 1000)) },
  ];
}

function taskChecks(
  reports: readonly WorkerReport[],
  ids: readonly string[],
  place: string,
): readonly Check[] {
  const completed = reports.flatMap((report) => report.completed);
  const distinct = new Set(completed);
  const ok = completed.length === distinct.size && ids.every((id) => distinct.has(id));
  const spans = reports.flatMap(({ drainedMs }) => drainedMs === undefined ? [] : [drainedMs]);
  const tookMs = Math.max(...spans.map(([, end]) => end)) -
    Math.min(...spans.map(([start]) => start));
  return [
    {
      name: "task_exclusion",
      ok,
      value: `${ids.length} tasks, ${distinct.size} completed, ` +
        `${completed.length - distinct.size} twice`,
      ...(ok ? {} : { hint: `tasks are lost or had twice: do not use ${place} for the store` }),
    },
    { name: "tasks_per_s", ok: true, value: Math.round(completed.length / (tookMs / 1000)) },
  ];
}

function wakeCheck(reports: readonly WorkerReport[], late: string): Check {
  const times = reports.flatMap(({ wakesMs }) => wakesMs).sort((a, b) => a - b);
  const median = times[Math.floor(times.length / 2)] ?? 0;
  return {
    name: "wake_ms",
    ok: times.length === WOKEN,
    value: median,
    ...(median < 100 ? {} : {
      hint: late,
    }),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/**
 * A store with a great deal in it, made with the program's own operations.
 * @module
 */
import type { Primitives } from "../../../src/primitive_clients.ts";
import type { Task } from "../../../src/task/task.ts";

/** How much of everything there is at `--scale 1`. */
const FULL = {
  agents: 5000,
  locks: 20_000,
  tasks: 300_000,
  completed: 60_000,
  /** Of those completed, with a result of about 250 KiB. */
  heavy: 400,
  dead: 10_000,
  cancelled: 10_000,
  claimed: 20_000,
  lapsed: 20_000,
  scheduled: 5000,
  due: 5000,
  dependents: 10_000,
  threads: 20_000,
  /** In one thread. */
  replies: 10_000,
  /** In threads of their own. */
  others: 20_000,
  approvals: 5000,
  entries: 50_000,
} as const;

/** Counts of everything. */
export type Amounts = Readonly<Record<keyof typeof FULL, number>>;

/** How long the leases last that are to have lapsed: longer than taking all of them. */
const LAPSE_MS = 20_000;
const SHORTEST_LAPSE_MS = 2000;
const DAY_MS = 86_400_000;
const BATCH = 1000;
/** Calls under way at once. */
const AT_ONCE = 100;
const LONG_TEXT = "All of it, word by word, as it was said. ".repeat(1500);
const HEAVY_RESULT = "x".repeat(250 * 1024);
const DESCRIPTION = "Look at this, then at that, and say what is to be done. ".repeat(8);

/** Acts as an agent. */
export type As = (name: string) => Primitives;

/** What the measured commands have to know of what is there. */
export interface Filled {
  readonly amounts: Amounts;
  /** Tasks that many others wait for, held by `ada`; one for each round. */
  readonly hubs: readonly Task[];
  /** Such a task that nobody holds. */
  readonly idleHubs: readonly Task[];
  /** The thread with the many replies. */
  readonly threadId: string;
  /** A completed task with a long result. */
  readonly heavyId: string;
  /** Approvals that nobody has decided. */
  readonly openApprovals: readonly string[];
}

/** What there is at a scale. */
export function amountsAt(scale: number): Amounts {
  const entries = Object.entries(FULL).map(([name, count]) => [name, Math.ceil(count * scale)]);
  return Object.fromEntries(entries) as Amounts;
}

/** Name of the agent of this number; there are {@linkcode Amounts.agents} of them. */
export function agentName(n: number): string {
  return `agent-${n}`;
}

/** Fills an empty store; `say` is told what is being made. */
export async function fill(
  as: As,
  { scale, rounds }: { readonly scale: number; readonly rounds: number },
  say: (what: string) => void,
): Promise<Filled> {
  const amounts = amountsAt(scale);
  say(`${amounts.agents} agents`);
  await each(amounts.agents, (n) => {
    return as(agentName(n)).agents.register({ role: "worker", tags: ["bench"], ttlMs: DAY_MS });
  });
  for (const name of ["ada", "bob"]) await as(name).agents.register({ ttlMs: DAY_MS });
  // Each begins to have an inbox by looking into it.
  await each(amounts.agents, (n) => as(agentName(n)).board.inbox());
  await as("bob").board.inbox();
  say(`${amounts.threads} threads, ${amounts.replies + amounts.others} replies`);
  const threadId = await fillBoard(as, amounts);
  say(`${amounts.approvals} approvals, ${amounts.entries} audit entries`);
  const openApprovals = await fillRecords(as, amounts);
  say(`${amounts.tasks} tasks`);
  const tasks = await fillTasks(as, amounts, rounds);
  say(`${amounts.locks} locks`);
  await fillLocks(as, amounts);
  say("leases that lapse");
  await lapse(as, amounts, Math.max(SHORTEST_LAPSE_MS, LAPSE_MS * scale));
  return { amounts, threadId, openApprovals, ...tasks };
}

async function fillBoard(as: As, { agents, threads, replies, others }: Amounts): Promise<string> {
  const by = (n: number) => as(agentName(n % agents)).board;
  const posted = await each(threads, (n) =>
    by(n).post({
      title: `thread ${n}`,
      message: n % 200 === 0 ? LONG_TEXT : `About part ${n}, @bob should look at it`,
      priority: n % 100 === 0 ? "high" : "normal",
      tags: ["bench", `team-${n % 10}`],
    }));
  const { id } = posted[0]!;
  await each(replies, (n) => by(n).reply(id, { message: `Reply ${n}`, to: ["bob"] }));
  await each(others, (n) => by(n).reply(posted[n % threads]!.id, { message: `And ${n}, @bob` }));
  await each(Math.ceil(threads / 10), (n) => by(n).resolve(posted[threads - 1 - n]!.id));
  return id;
}

async function fillRecords(
  as: As,
  { agents, approvals, entries }: Amounts,
): Promise<readonly string[]> {
  const asked = await each(approvals, (n) =>
    as(agentName(n % agents)).approvals.request({
      actionType: "deploy",
      description: n % 50 === 0 ? LONG_TEXT : `Release ${n}`,
      timeoutMs: n % 10 === 0 ? SHORTEST_LAPSE_MS : DAY_MS,
    }));
  const decided = asked.filter((_, n) => n % 10 !== 0 && n % 2 === 0);
  await each(decided.length, (n) => as("ada").approvals.approve(decided[n]!.id));
  await each(entries, (n) =>
    as(agentName(n % agents)).audit.log({
      decisionType: n % 100 === 0 ? "rare" : "merge",
      context: n % 100 === 0 ? LONG_TEXT : `Change ${n}`,
      reason: "All checks were green.",
      refs: [`change-${n}`],
    }));
  return asked.filter((_, n) => n % 10 !== 0 && n % 2 !== 0).map((approval) => approval.id);
}

async function fillTasks(
  as: As,
  amounts: Amounts,
  rounds: number,
): Promise<Pick<Filled, "hubs" | "idleHubs" | "heavyId">> {
  const { tasks } = as("ada");
  const { completed, heavy, dead, cancelled, claimed, scheduled, dependents } = amounts;
  let made = 0;
  const create = async (count: number, said: (n: number) => object) => {
    for (let from = 0; from < count; from += BATCH) {
      await tasks.create(Array.from({ length: Math.min(BATCH, count - from) }, (_, n) => ({
        title: `task ${made + from + n}`,
        description: DESCRIPTION,
        ...said(made + from + n),
      })));
    }
    made += count;
  };
  const claim = async (count: number, act: (task: Task, n: number) => Promise<unknown>) => {
    for (let from = 0; from < count; from += 100) {
      const size = Math.min(100, count - from);
      const held = await tasks.claim({ count: size, leaseMs: DAY_MS });
      await Promise.all(held.map((task, n) => act(task, from + n)));
    }
  };
  const hubs = await tasks.create(hubDrafts(rounds, "held", 9));
  await claim(rounds, () => Promise.resolve());
  const idleHubs = await tasks.create(hubDrafts(rounds, "idle", 0));
  let heavyId = "";
  await create(completed + dead, () => ({ priority: 9 }));
  await claim(completed, async (task, n) => {
    if (n < heavy) heavyId = task.id;
    await tasks.complete(task.id, { result: n < heavy ? HEAVY_RESULT : { n } });
  });
  await claim(dead, (task) => tasks.fail(task.id, { error: "It broke.", retry: false }));
  await create(cancelled, () => ({ priority: 9 }));
  await claim(cancelled, (task) => tasks.cancel(task.id));
  await create(claimed, () => ({ priority: 9 }));
  await claim(claimed, () => Promise.resolve());
  const later = Date.now() + DAY_MS;
  await create(scheduled, () => ({ notBeforeMs: later }));
  for (const { id } of [...hubs, ...idleHubs]) {
    await create(dependents, () => ({ dependsOn: [id], tags: ["after"] }));
  }
  const rest = Math.max(0, amounts.tasks - made - 1);
  // A third each carries x and y, none both; the very last one alone is rare.
  await create(rest, (n) => ({
    priority: n * 7 % 9,
    tags: [["x"], ["y"], ["z"]][n % 3]!,
  }));
  await create(1, () => ({ priority: 0, tags: ["rare"] }));
  return { hubs, idleHubs, heavyId };
}

function hubDrafts(rounds: number, name: string, priority: number) {
  return Array.from({ length: rounds }, (_, n) => ({ title: `${name} hub ${n}`, priority }));
}

async function fillLocks(as: As, { locks }: Amounts): Promise<void> {
  await each(Math.ceil(locks / 100), (n) => {
    const size = Math.min(100, locks - n * 100);
    const paths = Array.from({ length: size }, (_, file) => `src/part-${n}/file-${file}.ts`);
    return as(n % 2 === 0 ? "ada" : agentName(n)).locks.acquire(paths, { ttlMs: DAY_MS });
  });
}

/** Takes tasks and locks that nobody renews, and waits until they have lapsed, unnoticed. */
async function lapse(as: As, { due, lapsed, locks }: Amounts, afterMs: number): Promise<void> {
  const { tasks } = as("bob");
  await each(Math.ceil(locks / 1000), (n) => {
    const paths = Array.from({ length: 100 }, (_, file) => `old/part-${n}/file-${file}.ts`);
    return as("bob").locks.acquire(paths, { ttlMs: afterMs });
  });
  for (let from = 0; from < lapsed; from += 100) {
    await tasks.claim({ count: Math.min(100, lapsed - from), leaseMs: afterMs });
  }
  const notBeforeMs = Date.now() + afterMs;
  for (let from = 0; from < due; from += BATCH) {
    await tasks.create(Array.from({ length: Math.min(BATCH, due - from) }, (_, n) => (
      { title: `due ${from + n}`, notBeforeMs }
    )));
  }
  await new Promise((resolve) => setTimeout(resolve, afterMs + 100));
}

/** Calls `act` for each number below `count`, some at once. */
async function each<T>(count: number, act: (n: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let from = 0; from < count; from += AT_ONCE) {
    const size = Math.min(AT_ONCE, count - from);
    results.push(...await Promise.all(Array.from({ length: size }, (_, n) => act(from + n))));
  }
  return results;
}

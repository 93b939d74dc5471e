// worker.ts STORE END_MS THREAD NAME LOG: does everything that agents do, at random, until END_MS. Several agents
// work in the process at the same time, so that their operations share calls.
import type { RoomContext } from "../../src/context.ts";
import { CoordError } from "../../src/errors.ts";
import { Primitives } from "../../src/primitive_clients.ts";
import type { Task } from "../../src/task/task.ts";
import { openLog, seeded } from "../../dev/fleet.ts";
import { openAs } from "../../dev/workers/context.ts";
import { PATHS, type SoakRecord } from "./record.ts";

const [location, endMs, thread, name, log] = Deno.args as [string, string, string, string, string];
/** Leases are short, so that a dead holder costs little. */
const LEASE_MS = 1500;
const BACKLOG = 40;
const HANDS = 3;
const SIZE_EVERY_MS = 5000;

const random = seeded(Deno.pid);
const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)]!;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const write = openLog(log);
const record = (one: SoakRecord) => write(one);

/** Opening tries once, and chaos may be faster. */
async function join(): Promise<RoomContext> {
  for (;;) {
    try {
      return await openAs(location, name);
    } catch (error) {
      if (!(error instanceof CoordError) || !error.retryable) throw error;
      record({ kind: "refused", code: "opening", reason: String(error.details.reason ?? "") });
      await pause(50);
    }
  }
}

/** Everything that one agent does, the frequent more often. */
function actsOf(agent: string): readonly (() => Promise<unknown>)[] {
  const { locks, tasks, board, approvals, audit, agents } = new Primitives({
    ...context,
    actor: { ...context.actor!, name: agent },
  });

  /** Takes one lock or two, waiting; sometimes never gives them back. */
  async function lock(): Promise<void> {
    const paths = random() < 0.7 ? [pick(PATHS)] : PATHS.slice(0, 2);
    const leases = await locks.acquire(paths, { ttlMs: LEASE_MS, waitMs: 1000 });
    for (const { path, fence, acquiredAtMs, expiresAtMs } of leases) {
      record({ kind: "took", path, fence, acquiredAtMs, expiresAtMs });
    }
    await pause(random() * 10);
    if (random() < 0.02) return;
    const { fence } = leases[0]!;
    record({ kind: "releasing", fence, atMs: Date.now() });
    await locks.release(paths, { fence });
    record({ kind: "released", fence });
  }

  async function create(): Promise<void> {
    if ((await tasks.counts()).pending > BACKLOG) return;
    const made = await tasks.create(
      Array.from({ length: 8 }, (_, i) => ({
        title: `task ${i}`,
        tags: random() < 0.5 ? [pick(["x", "y", "z"])] : [],
        priority: Math.floor(random() * 10),
        leaseMs: LEASE_MS,
        maxAttempts: 5,
        backoff: { kind: "linear", baseMs: 100 } as const,
        ...(i > 0 && random() < 0.2 ? { dependsOn: [i - 1] } : {}),
      })),
    );
    record({ kind: "created", ids: made.map(({ id }) => id) });
  }

  /** Claims a task, waiting, and goes on as long as completing one brings another. */
  async function work(): Promise<void> {
    let [task] = await claim();
    while (task !== undefined && Date.now() < Number(endMs)) {
      const { id } = task;
      const { fence } = task.lease!;
      record({ kind: "claimed", id, fence });
      await pause(random() * 10);
      const fate = random();
      if (fate < 0.05) {
        await tasks.fail(id, { fence, error: "bad luck", retry: random() < 0.8 });
        return;
      }
      if (fate < 0.1) {
        await tasks.release(id, { fence, reason: "lunch" });
        return;
      }
      if (fate < 0.12) return;
      if (fate < 0.3) await tasks.renew(id, { fence, progress: "on the way" });
      if (fate < 0.6) {
        await tasks.complete(id, { fence, result: { by: agent } });
        record({ kind: "completed", id, fence });
        return;
      }
      const { next } = await tasks.completeAndClaim(id, { fence, result: { by: agent } });
      record({ kind: "completed", id, fence });
      task = next[0];
    }
  }

  function claim(): Promise<readonly Task[]> {
    const tags = random() < 0.5 ? [pick(["x", "y", "z"])] : [];
    return tasks.tryClaim({ tags, waitMs: random() < 0.5 ? 0 : 300 });
  }

  async function say(): Promise<void> {
    const { reply } = await board.reply(thread, { message: "news for @reader", to: ["reader"] });
    record({ kind: "replied", id: reply!.id });
  }

  async function note(): Promise<void> {
    const { id } = await audit.log({ decisionType: "soak", context: "c", reason: "r" });
    record({ kind: "logged", id });
  }

  async function ask(): Promise<void> {
    const request = { actionType: "deploy", description: "d", timeoutMs: pick([500, 300_000]) };
    const { id } = await approvals.request(request);
    record({ kind: "asked", id });
    if (random() < 0.3) await approvals.wait(id, { timeoutMs: 300 });
  }

  async function decide(): Promise<void> {
    const page = await approvals.list({ status: "pending", limit: 20 });
    const others = page.approvals.filter(({ requestedBy }) => requestedBy !== agent);
    if (others.length === 0) return;
    const { id } = pick(others);
    const { status, decidedBy } = await approvals[pick(["approve", "reject"] as const)](id);
    record({ kind: "decided", id, status, by: decidedBy! });
  }

  return [
    ...Array(8).fill(lock),
    ...Array(2).fill(create),
    ...Array(10).fill(work),
    say,
    note,
    ask,
    decide,
    () => agents.heartbeat({ status: "active" }),
  ];
}

/** What others, and chaos, may do to a call; anything else is a bug. */
const EXPECTED = ["conflict", "timeout", "lease_lost", "nothing_to_claim", "store_unavailable"];

/** One agent at work. */
async function hand(acts: ReturnType<typeof actsOf>): Promise<void> {
  while (Date.now() < Number(endMs)) {
    try {
      await pick(acts)();
    } catch (error) {
      const known = error instanceof CoordError && EXPECTED.includes(error.code) &&
        (error.code !== "store_unavailable" || error.retryable);
      if (!known) throw error;
      record({ kind: "refused", code: error.code, reason: String(error.details.reason ?? "") });
    }
  }
}

/** What it takes now, and what of that is in use: the engine of JavaScript takes and gives back more as it likes. */
function sizeNow(): SoakRecord {
  const atMs = Date.now();
  const { rss } = Deno.memoryUsage();
  (globalThis as { gc?: () => void }).gc!();
  const { rss: left, heapTotal, heapUsed } = Deno.memoryUsage();
  return { kind: "size", slot: name, rss, heap: heapUsed, native: left - heapTotal, atMs };
}

const context = await join();
const sizing = setInterval(() => record(sizeNow()), SIZE_EVERY_MS);
try {
  const names = Array.from({ length: HANDS }, (_, i) => `${name}-${Deno.pid}-${i}`);
  await Promise.all(names.map((agent) => hand(actsOf(agent))));
} finally {
  clearInterval(sizing);
}
await context.store.close();

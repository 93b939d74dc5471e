/**
 * Holds what the workers of a soak test were told against what the store says in the end.
 * @module
 */
import type { Approval } from "../../src/approval/model.ts";
import { CoordError } from "../../src/errors.ts";
import { Primitives } from "../../src/primitive_clients.ts";
import type { Task } from "../../src/task/task.ts";
import { openAs } from "../../dev/workers/context.ts";
import { PATHS, type SoakRecord } from "./record.ts";
import type { Witness } from "./witness.ts";

/** A kind of record. */
type Of<Kind extends SoakRecord["kind"]> = Extract<SoakRecord, { readonly kind: Kind }>;

/** What is held against each other. */
export interface Evidence {
  readonly location: string;
  readonly records: readonly SoakRecord[];
  readonly witness: Witness;
  /** The thread that workers replied to. */
  readonly thread: string;
}

/** What came out. */
export interface Verdict {
  /** How many there are in the store. */
  readonly counts: Readonly<Record<string, number>>;
  /** What may not be, as sentences; empty when all is well. */
  readonly violations: readonly string[];
}

/** Does what is left to do, so that every task has come to an end; answers with how many that were. */
export async function drain(location: string): Promise<number> {
  const context = await openAs(location, "drainer");
  const { tasks } = new Primitives(context);
  let done = 0;
  for (;;) {
    for (const { id, lease } of await tasks.tryClaim({ count: 100, waitMs: 300 })) {
      await tasks.complete(id, { fence: lease!.fence, result: { by: "drainer" } });
      done++;
    }
    const { pending, claimed, scheduled } = await tasks.counts();
    if (pending + claimed + scheduled === 0) break;
  }
  await context.store.close();
  return done;
}

/** Examines everything. */
export async function judge(evidence: Evidence): Promise<Verdict> {
  const { location, records, witness, thread } = evidence;
  const of = <Kind extends SoakRecord["kind"]>(kind: Kind) =>
    records.filter((record): record is Of<Kind> => record.kind === kind);
  const violations = [...witness.violations];
  const check = (holds: boolean, sentence: () => string) => {
    if (!holds && violations.length < 100) violations.push(sentence());
  };
  const context = await openAs(location, "judge");
  const { tasks, board, approvals, audit, locks } = new Primitives(context);

  overlaps(of("took"), of("releasing"), check);

  const all = await pages<Task>(async (cursor) => {
    const { tasks: listed, nextCursor } = await tasks.list({ limit: 1000, ...cursor });
    // A list leaves out the older attempts.
    const items: Task[] = [];
    for (const task of listed) {
      items.push(task.attemptsLeftOut === undefined ? task : await tasks.show(task.id));
    }
    return { items, nextCursor };
  });
  const byId = new Map(all.map((task) => [task.id, task]));
  examineTasks(all, witness, check);
  for (const id of of("created").flatMap(({ ids }) => ids)) {
    check(byId.has(id), () => `task ${id} was created and is not there`);
  }
  for (const { id, fence } of of("completed")) {
    const won = byId.get(id)?.attempts.find(({ outcome }) => outcome === "completed");
    check(won?.fence === fence, () => `task ${id} was completed under ${fence}, not ${won?.fence}`);
  }
  const claims = new Set<number>();
  for (const { id, fence } of of("claimed")) {
    check(!claims.has(fence), () => `fence ${fence} was given twice, also for task ${id}`);
    claims.add(fence);
  }
  const counts = await tasks.counts();
  for (const [status, count] of Object.entries(counts)) {
    const found = all.filter((task) => task.status === status).length;
    check(found === count, () => `${found} tasks are ${status}, the store counts ${count}`);
  }

  const replies = new Set<string>();
  const { replyCount } = (await board.get(thread))!;
  let oldest: string | undefined;
  do {
    const { replies: some } = await board.show(thread, oldest ? { cursor: oldest } : {});
    for (const { id } of some!) replies.add(id);
    oldest = some!.length === 1000 ? some![0]!.id : undefined;
  } while (oldest !== undefined);
  check(replies.size === replyCount, () => `${replies.size} replies, counted ${replyCount}`);
  for (const { id } of of("replied")) {
    check(replies.has(id), () => `reply ${id} was made and is not there`);
  }

  const entries = await pages<{ readonly id: string }>(async (cursor) => {
    const { entries: items, nextCursor } = await audit.list({ limit: 1000, ...cursor });
    return { items, nextCursor };
  });
  const logged = new Set(entries.map(({ id }) => id));
  for (const { id } of of("logged")) {
    check(logged.has(id), () => `entry ${id} was logged and is not there`);
  }
  const chain = await audit.verify();
  check(
    chain.ok && chain.entries === logged.size,
    () => `the audit chain: ${JSON.stringify(chain)}`,
  );

  const decided = await pages<Approval>(async (cursor) => {
    const { approvals: items, nextCursor } = await approvals.list({ limit: 1000, ...cursor });
    return { items, nextCursor };
  });
  const approvalById = new Map(decided.map((approval) => [approval.id, approval]));
  for (const { id } of of("asked")) {
    check(approvalById.has(id), () => `approval ${id} was asked for and is not there`);
  }
  for (const { id, status, by } of of("decided")) {
    const found = approvalById.get(id);
    check(
      found?.status === status && found.decidedBy === by,
      () => `approval ${id} was ${status} by ${by}, and is ${found?.status} by ${found?.decidedBy}`,
    );
  }
  // Whatever was held has lapsed by now, and what is free can be had.
  for (const path of PATHS) {
    try {
      await locks.acquire(path, { waitMs: 3000 });
      await locks.release(path);
    } catch (error) {
      if (!(error instanceof CoordError)) throw error;
      check(false, () => `lock ${path} cannot be had: ${error.message}`);
    }
  }
  check(await locks.count() === 0, () => "locks are held by nobody who lives");
  await context.store.close();
  return {
    counts: {
      "tasks completed": counts.completed,
      "tasks dead": counts.dead,
      "tasks blocked by the dead": counts.blocked,
      "tenures of locks": of("took").length,
      replies: replies.size,
      "audit entries": logged.size,
      approvals: decided.length,
      events: [...witness.seen.values()].reduce((sum, count) => sum + count, 0),
    },
    violations,
  };
}

type Check = (holds: boolean, sentence: () => string) => void;

/**
 * Two tenures of one lock do not overlap by what their holders were told: the next one begins when the one
 * before has begun to be released, or has lapsed.
 */
export function overlaps(
  took: readonly Of<"took">[],
  releasing: readonly Of<"releasing">[],
  check: Check,
): void {
  const releasedAt = new Map(releasing.map(({ fence, atMs }) => [fence, atMs]));
  for (const [path, tenures] of Map.groupBy(took, (one) => one.path)) {
    const inOrder = tenures.toSorted((a, b) => a.fence - b.fence);
    for (const [index, { fence, acquiredAtMs }] of inOrder.entries()) {
      const before = inOrder[index - 1];
      if (before === undefined) continue;
      check(fence > before.fence, () => `fence ${fence} of lock ${path} was given twice`);
      const endMs = Math.min(before.expiresAtMs, releasedAt.get(before.fence) ?? Infinity);
      check(
        acquiredAtMs >= endMs,
        () =>
          `lock ${path}: fence ${fence} began ${
            endMs - acquiredAtMs
          } ms before ${before.fence} ended`,
      );
    }
  }
}

function examineTasks(all: readonly Task[], witness: Witness, check: Check): void {
  const byId = new Map(all.map((task) => [task.id, task]));
  for (const { id, status, attempts, result, dependsOn, maxAttempts } of all) {
    const wins = attempts.filter(({ outcome }) => outcome === "completed");
    const stuck = status === "blocked" &&
      dependsOn.some((other) => ["dead", "blocked"].includes(byId.get(other)?.status ?? ""));
    check(
      status === "completed" || status === "dead" || stuck,
      () => `task ${id} is ${status} in the end`,
    );
    check(
      wins.length === (status === "completed" ? 1 : 0),
      () => `task ${id} is ${status} with ${wins.length} completed attempts`,
    );
    if (status === "completed") {
      const by = wins[0]?.holder;
      check(JSON.stringify(result) === JSON.stringify({ by }), () => `task ${id}: not by ${by}`);
    }
    const spent = attempts.filter(({ outcome }) => outcome !== "released").length;
    check(spent <= maxAttempts, () => `task ${id} had ${spent} attempts`);
    check(
      (status === "completed") === witness.completed.has(id),
      () => `event of ${id} is missing`,
    );
    for (const [index, attempt] of attempts.entries()) {
      const next = attempts[index + 1];
      check(
        next === undefined ||
          attempt.endedAtMs !== undefined && attempt.endedAtMs <= next.startedAtMs &&
            attempt.fence < next.fence,
        () => `attempts of task ${id} overlap`,
      );
    }
  }
}

/** Every item of a paged list. */
async function pages<T>(
  list: (cursor: { readonly cursor?: string }) => Promise<
    { readonly items: readonly T[]; readonly nextCursor?: string | undefined }
  >,
): Promise<readonly T[]> {
  const found: T[] = [];
  let cursor: string | undefined;
  do {
    const page = await list(cursor === undefined ? {} : { cursor });
    found.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return found;
}

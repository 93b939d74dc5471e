/**
 * The commands that are measured on a store with a great deal in it.
 * @module
 */
import { agentName, type As, type Filled } from "./fill.ts";

/** One call of the library. */
export interface Command {
  readonly name: string;
  /** Calls it in the round of this number, counted from 0. */
  readonly run: (round: number) => Promise<unknown>;
  /** What is asked for, in milliseconds. Default {@linkcode BOUND_MS}. */
  readonly boundMs?: number;
}

/** The longest time for which one operation may keep everybody else waiting, in milliseconds. */
export const BOUND_MS = 20;
/** The same for a batch, which happens as a whole or not at all. */
const BATCH_BOUND_MS = 100;

/** Every command, in an order in which those that change much come last. */
export function commands(as: As, filled: Filled): readonly Command[] {
  return [
    ...looks(as, filled),
    ...lockCommands(as, filled),
    ...agentCommands(as),
    ...boardCommands(as, filled),
    ...recordCommands(as, filled),
    ...taskCommands(as, filled),
    ...sweeping(as),
  ];
}

function looks(as: As, { threadId, heavyId, openApprovals }: Filled): readonly Command[] {
  const { tasks, locks, agents, board, approvals, audit, events } = as("ada");
  const statuses = [
    "scheduled",
    "blocked",
    "pending",
    "claimed",
    "completed",
    "dead",
    "cancelled",
  ] as const;
  const list = (name: string, options: Parameters<typeof tasks.list>[0]) => ({
    name: `tasks.list ${name}`,
    run: () => tasks.list(options),
  });
  return [
    { name: "tasks.counts", run: () => tasks.counts() },
    list("", {}),
    list("limit 1000", { limit: 1000 }),
    ...statuses.map((status) => list(status, { status, limit: 1000 })),
    list("tags rare", { tags: ["rare"] }),
    list("pending, tags x", { status: "pending", tags: ["x"], limit: 1000 }),
    list("tags x and y", { tags: ["x", "y"], match: "all" }),
    list("createdBy nobody", { createdBy: "nobody" }),
    list("holder ada", { holder: "ada", limit: 1000 }),
    list("holder bob, all lapsed", { holder: "bob", limit: 1000 }),
    { name: "tasks.get, long result", run: () => tasks.get(heavyId) },
    { name: "locks.list", run: () => locks.list() },
    { name: "locks.list holder", run: () => locks.list({ holder: "ada" }) },
    { name: "locks.count", run: () => locks.count() },
    { name: "agents.list", run: () => agents.list() },
    { name: "agents.summary", run: () => agents.summary() },
    { name: "agents.hung", run: () => agents.hung({ thresholdMs: 1000 }) },
    { name: "agents.get", run: () => agents.get("ada") },
    { name: "agents.explain, much held", run: () => agents.explain("ada") },
    { name: "board.counts", run: () => board.counts() },
    { name: "board.list limit 1000", run: () => board.list({ limit: 1000 }) },
    { name: "board.list tag", run: () => board.list({ tags: ["team-7"], limit: 1000 }) },
    { name: "board.search", run: () => board.search("part", { limit: 1000 }) },
    { name: "board.search two words", run: () => board.search("part 1234") },
    { name: "board.show limit 1000", run: () => board.show(threadId, { limit: 1000 }) },
    { name: "board.inbox limit 1000", run: () => as("bob").board.inbox({ limit: 1000 }) },
    { name: "approvals.counts", run: () => approvals.counts() },
    { name: "approvals.list", run: () => approvals.list({ limit: 1000 }) },
    {
      name: "approvals.list pending",
      run: () => approvals.list({ status: "pending", limit: 1000 }),
    },
    {
      name: "approvals.list expired",
      run: () => approvals.list({ status: "expired", limit: 1000 }),
    },
    { name: "approvals.get", run: () => approvals.get(openApprovals[0]!) },
    { name: "audit.count", run: () => audit.count() },
    { name: "audit.list limit 1000", run: () => audit.list({ limit: 1000 }) },
    { name: "audit.list of nobody", run: () => audit.list({ agent: "nobody" }) },
    { name: "audit.verify", run: () => audit.verify() },
    { name: "events.list limit 1000", run: () => events.list({ limit: 1000 }) },
    {
      name: "events.list rare type",
      run: () => events.list({ type: "task.cancelled", limit: 1000 }),
    },
  ];
}

function lockCommands(as: As, { amounts }: Filled): readonly Command[] {
  const { locks } = as("ada");
  return [
    {
      name: "locks.acquire, release",
      run: async () => {
        const [lease] = await locks.acquire("free/one.ts");
        await locks.renew("free/one.ts", { fence: lease!.fence });
        await locks.verify("free/one.ts", { fence: lease!.fence });
        await locks.release("free/one.ts");
      },
    },
    {
      name: "locks.acquire of 100 paths",
      run: async () => {
        const paths = Array.from({ length: 100 }, (_, n) => `free/many/${n}.ts`);
        await locks.acquire(paths);
        for (const path of paths) await locks.release(path);
      },
    },
    {
      name: "locks.tryAcquire src/, all held",
      run: () => as("bob").locks.tryAcquire("src/"),
    },
    {
      name: "locks.acquire that waits for src/",
      run: () => as("bob").locks.tryAcquire("src/", { waitMs: 100 }),
    },
    {
      name: "locks.break",
      run: (round) => locks.break(`src/part-0/file-${round}.ts`, { reason: "It is in the way." }),
    },
    {
      name: "locks.releaseAll",
      run: (round) => as(agentName(2 * round + 3)).locks.releaseAll(),
    },
    ...(amounts.locks >= 100
      ? [{ name: "locks.acquire old/, all lapsed", run: () => locks.tryAcquire("old/") }]
      : []),
  ];
}

function agentCommands(as: As): readonly Command[] {
  return [
    { name: "agents.heartbeat", run: () => as("ada").agents.heartbeat({ workingOn: "this" }) },
    {
      name: "agents.register, deregister",
      run: async () => {
        await as("cy").agents.register();
        await as("cy").agents.deregister();
      },
    },
  ];
}

function boardCommands(as: As, { threadId }: Filled): readonly Command[] {
  const { board } = as("ada");
  return [
    { name: "board.post", run: () => board.post({ title: "One more", message: "See @bob" }) },
    {
      name: "board.post, high",
      run: () => board.post({ title: "Stop", message: "All of you", priority: "high" }),
    },
    { name: "board.reply, long thread", run: () => board.reply(threadId, { message: "Yes" }) },
    { name: "board.resolve, long thread", run: () => board.resolve(threadId) },
    {
      name: "board.ack, much unread",
      run: async (round) => {
        const reader = round === 0 ? "bob" : agentName(round);
        await as(reader).board.inbox({ limit: 10 });
        await as(reader).board.ack();
      },
    },
    { name: "board.inbox ack", run: () => as(agentName(9)).board.inbox({ limit: 100, ack: true }) },
  ];
}

function recordCommands(as: As, { openApprovals }: Filled): readonly Command[] {
  const { approvals, audit } = as("ada");
  return [
    {
      name: "approvals.request, wait, use",
      run: async () => {
        const { id } = await approvals.request({ actionType: "deploy", description: "One more" });
        await as("bob").approvals.approve(id, { comment: "Go." });
        await approvals.wait(id);
        await approvals.use(id);
      },
    },
    { name: "approvals.reject", run: (round) => approvals.reject(openApprovals[round]!) },
    {
      name: "approvals.prune",
      run: () => approvals.prune({ olderThanMs: 0, dryRun: true }),
    },
    {
      name: "audit.log",
      run: () => audit.log({ decisionType: "merge", context: "More", reason: "Green." }),
    },
  ];
}

function taskCommands(as: As, { hubs, idleHubs }: Filled): readonly Command[] {
  const { tasks } = as("ada");
  const all = { tags: ["x", "y"], match: "all" } as const;
  return [
    { name: "tasks.claim, many lapsed", run: () => tasks.tryClaim() },
    { name: "tasks.claim of 100", run: () => tasks.tryClaim({ count: 100 }) },
    { name: "tasks.claim, tags x and y", run: () => tasks.tryClaim(all) },
    {
      name: "tasks.claim, tag rare",
      run: async () => {
        for (const { id } of await tasks.tryClaim({ tags: ["rare"] })) await tasks.release(id);
      },
    },
    {
      name: "tasks.claim that waits",
      run: () => as("bob").tasks.tryClaim({ ...all, waitMs: 1500 }),
    },
    {
      name: "tasks.create of 1000",
      boundMs: BATCH_BOUND_MS,
      run: () => tasks.create(Array.from({ length: 1000 }, (_, n) => ({ title: `new ${n}` }))),
    },
    {
      name: "tasks.create of 1000 with tags, needs",
      boundMs: BATCH_BOUND_MS,
      run: (round) =>
        tasks.create(Array.from({ length: 1000 }, (_, n) => (
          { title: `new ${n}`, tags: ["p", "q"], dependsOn: [idleHubs[round]!.id] }
        ))),
    },
    {
      name: "tasks.claim, renew, release, fail",
      run: async () => {
        const [task] = await tasks.claim({ tags: ["z"] });
        await tasks.renew(task!.id, { progress: "half" });
        await tasks.release(task!.id);
        const [again] = await tasks.claim({ tags: ["z"] });
        await tasks.fail(again!.id, { error: "It broke." });
      },
    },
    {
      name: "tasks.update",
      run: (round) => tasks.update(idleHubs[round]!.id, { tags: ["x", "y"], priority: 0 }),
    },
    {
      name: "tasks.cancel, many wait for it",
      run: (round) => tasks.cancel(idleHubs[round]!.id),
    },
    {
      name: "tasks.list blocked, stuck",
      run: () => tasks.list({ status: "blocked", limit: 1000 }),
    },
    { name: "tasks.retry, many wait for it", run: (round) => tasks.retry(idleHubs[round]!.id) },
    {
      name: "tasks.complete, many wait for it",
      run: (round) => tasks.complete(hubs[round]!.id),
    },
    {
      name: "tasks.completeAndClaim",
      run: async () => {
        const [task] = await tasks.claim({ tags: ["after"] });
        await tasks.completeAndClaim(task!.id, { next: { tags: ["after"] } });
      },
    },
  ];
}

/** What clears up: afterwards there is less to look at. */
function sweeping(as: As): readonly Command[] {
  const { tasks, agents } = as("ada");
  return [
    { name: "tasks.sweep", run: () => tasks.sweep() },
    { name: "tasks.prune, dry", run: () => tasks.prune({ olderThanMs: 0, dryRun: true }) },
    { name: "tasks.prune", run: () => tasks.prune({ olderThanMs: 0 }) },
    {
      name: "approvals.prune, in earnest",
      run: () => as("ada").approvals.prune({ olderThanMs: 0 }),
    },
    { name: "agents.prune", run: () => agents.prune() },
    { name: "agents.deregister, much held", run: () => agents.deregister() },
  ];
}

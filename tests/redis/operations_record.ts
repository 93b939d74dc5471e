/**
 * Operations on approvals, the audit log and events.
 * @module
 */
import type { Approval } from "../../src/approval/model.ts";
import type { Entry } from "../../src/audit/audit.ts";
import type { Operation, OperationBench } from "./operations.ts";
import { WAIT_MS } from "./operations_lock.ts";

const asked = ({ as }: OperationBench): Promise<Approval> =>
  as("ada").approvals.request({ actionType: "deploy", description: "v2", digest: "d" });

const approved = async (bench: OperationBench): Promise<Approval> => {
  const { id } = await asked(bench);
  return await bench.as("bob").approvals.approve(id, { comment: "go" });
};

const logged = async ({ as }: OperationBench): Promise<Entry> => {
  const first = await as("ada").audit.log({ decisionType: "one", context: "c", reason: "r" });
  await as("bob").audit.log({ decisionType: "two", context: "c", reason: "r", refs: ["x"] });
  return first;
};

/** Operations of Approvals, Audit and Events. */
export const RECORD_OPERATIONS: readonly Operation[] = [
  { name: "approvals.request", method: "approvals.request", call: asked },
  {
    name: "approvals.request with a key that is known",
    method: "approvals.request",
    setup: ({ as }) =>
      as("bob").approvals.request({ actionType: "deploy", description: "v1", key: "k" }),
    call: ({ as }) =>
      as("ada").approvals.request({ actionType: "deploy", description: "v2", key: "k" }),
  },
  {
    name: "approvals.wait for what is decided",
    method: "approvals.look",
    setup: approved,
    call: ({ as }, { id }: Approval) => as("ada").approvals.wait(id),
  },
  {
    name: "approvals.wait until it is decided",
    method: "approvals.look",
    commands: 3,
    setup: asked,
    call: async ({ as, answered }, { id }: Approval) => {
      const waiting = as("ada").approvals.wait(id, { timeoutMs: 5000 });
      await answered("approvals.look");
      return [await as("bob").approvals.reject(id), await waiting];
    },
  },
  {
    name: "approvals.approve for one who waits",
    method: "approvals.decide",
    commands: 3,
    setup: asked,
    call: async ({ as, answered }, { id }: Approval) => {
      const waiting = as().approvals.wait(id, { timeoutMs: 5000 });
      await answered("approvals.look");
      return [await as("bob").approvals.approve(id), await waiting];
    },
  },
  {
    name: "approvals.wait for what has expired",
    method: "approvals.look",
    setup: async (bench) => {
      const approval = await asked(bench);
      bench.advance(300_000);
      return approval;
    },
    call: ({ as }, { id }: Approval) => as("ada").approvals.wait(id),
  },
  {
    name: "approvals.wait in vain",
    method: "approvals.look",
    commands: [2, 3],
    setup: asked,
    call: ({ as }, { id }: Approval) => as("ada").approvals.wait(id, { timeoutMs: WAIT_MS }),
  },
  {
    name: "approvals.approve",
    method: "approvals.decide",
    setup: asked,
    call: ({ as }, { id }: Approval) => as("bob").approvals.approve(id, { comment: "go" }),
  },
  {
    name: "approvals.approve of one's own",
    method: "approvals.decide",
    setup: asked,
    call: ({ as }, { id }: Approval) => as("ada").approvals.approve(id),
  },
  {
    name: "approvals.reject",
    method: "approvals.decide",
    setup: asked,
    call: ({ as }, { id }: Approval) => as("bob").approvals.reject(id),
  },
  {
    name: "approvals.reject of what is decided",
    method: "approvals.decide",
    setup: approved,
    call: ({ as }, { id }: Approval) => as("bob").approvals.reject(id),
  },
  {
    name: "approvals.use",
    method: "approvals.use",
    setup: approved,
    call: ({ as }, { id }: Approval) => as("ada").approvals.use(id, { digest: "d" }),
  },
  {
    name: "approvals.use a second time",
    method: "approvals.use",
    setup: async (bench) => {
      const approval = await approved(bench);
      return await bench.as("ada").approvals.use(approval.id, { digest: "d" });
    },
    call: ({ as }, { id }: Approval) => as("ada").approvals.use(id, { digest: "d" }),
  },
  {
    name: "approvals.get",
    method: "approvals.get",
    setup: approved,
    call: ({ as }, { id }: Approval) => as().approvals.get(id),
  },
  {
    name: "approvals.show of one that is unknown",
    method: "approvals.get",
    call: ({ as }) => as().approvals.show("apr_no"),
  },
  {
    name: "approvals.list",
    method: "approvals.list",
    setup: async (bench) => {
      await asked(bench);
      await approved(bench);
    },
    call: ({ as }) => as().approvals.list({ limit: 1 }),
  },
  {
    name: "approvals.list by status and requester",
    method: "approvals.list",
    setup: async (bench) => {
      await asked(bench);
      await approved(bench);
    },
    call: ({ as }) => as().approvals.list({ status: "pending", requestedBy: "ada" }),
  },
  {
    name: "approvals.counts",
    method: "approvals.counts",
    setup: approved,
    call: ({ as }) => as().approvals.counts(),
  },
  {
    name: "audit.log",
    method: "audit.append",
    setup: logged,
    call: ({ as }) =>
      as("ada").audit.log({ decisionType: "three", context: "é", reason: '"r"', refs: ["a", "b"] }),
  },
  {
    name: "audit.log with a key that is known",
    method: "audit.append",
    setup: ({ as }) =>
      as("bob").audit.log({ decisionType: "one", context: "c", reason: "r", key: "k" }),
    call: ({ as }) =>
      as("ada").audit.log({ decisionType: "two", context: "c", reason: "r", key: "k" }),
  },
  {
    name: "audit.list",
    method: "audit.list",
    setup: logged,
    call: ({ as }) => as().audit.list({ limit: 1 }),
  },
  {
    name: "audit.list by agent and type",
    method: "audit.list",
    setup: logged,
    call: ({ as }) => as().audit.list({ agent: "ada", type: "one", sinceMs: 1 }),
  },
  {
    name: "audit.tail of what is there",
    method: "audit.follow",
    setup: logged,
    call: async ({ as }, { id }: Entry) => {
      for await (const entry of as().audit.tail({ after: id })) return entry;
      return undefined;
    },
  },
  {
    name: "audit.tail of what comes",
    method: "audit.follow",
    commands: 6,
    setup: logged,
    call: async ({ as, answered }) => {
      const next = as().audit.tail()[Symbol.asyncIterator]().next();
      await answered("audit.follow");
      // The second look is the one that asks to be woken.
      await as().audit.count();
      const log = { decisionType: "new", context: "c", reason: "r" };
      return [await as("ada").audit.log(log), await next];
    },
  },
  {
    name: "approvals.prune",
    method: "approvals.prune",
    setup: async ({ as, advance }) => {
      const { id } = await as("ada").approvals.request({ actionType: "deploy", description: "d" });
      await as("bob").approvals.reject(id);
      advance(1000);
    },
    call: ({ as }) => as("eve").approvals.prune({ olderThanMs: 0 }),
  },
  {
    name: "audit.verify",
    method: "audit.chain",
    setup: logged,
    call: ({ as }) => as().audit.verify(),
    // Reads the entries, the events that tell of them, the count and the clock.
    commands: [3, 6],
  },
  {
    name: "audit.count",
    method: "audit.chain",
    setup: logged,
    call: ({ as }) => as().audit.count(),
  },
  {
    name: "events.list",
    method: "events.read",
    setup: logged,
    call: ({ as }) => as().events.list(),
  },
  {
    name: "events.list of one type",
    method: "events.read",
    setup: logged,
    call: ({ as }) => as().events.list({ type: "agent.registered", since: 1, limit: 1 }),
  },
  {
    name: "events.follow from the end",
    method: "events.end",
    commands: 6,
    setup: logged,
    call: async ({ as, answered }) => {
      const next = as().events.follow()[Symbol.asyncIterator]().next();
      await answered("events.read");
      await as().events.list({ limit: 1 });
      return [await as("ada").locks.acquire("a.py"), await next];
    },
  },
  {
    name: "events.follow what is there",
    method: "events.read",
    setup: async (bench) => {
      await logged(bench);
      const [first] = (await bench.as().events.list({ limit: 1 })).events;
      return first!.id;
    },
    call: async ({ as }, since: string) => {
      for await (const event of as().events.follow({ since })) return event;
      return undefined;
    },
  },
];

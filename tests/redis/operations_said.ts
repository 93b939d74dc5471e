/**
 * Operations on what is said and recorded: the board, approvals, the audit log, events.
 * @module
 */
import type { Approval } from "../../src/approval/approval.ts";
import type { Entry } from "../../src/audit/audit.ts";
import type { Message, Thread } from "../../src/board/board.ts";
import type { Operation, OperationBench } from "./operations.ts";

const WAIT_MS = 40;

const posted = ({ as }: OperationBench): Promise<Thread> =>
  as("bob").board.post({ title: "plans", message: "for @ada and all", tags: ["x"] });

/** Operations of Board. */
export const BOARD_OPERATIONS: readonly Operation[] = [
  {
    name: "board.post",
    step: "board.post",
    setup: ({ as }) => as("eve").agents.register(),
    call: ({ as }) =>
      as("ada").board.post({
        title: "fire",
        message: "call @bob\nnow",
        priority: "high",
        to: ["zoe"],
        tags: ["x", "y"],
      }),
  },
  {
    name: "board.post with a key that is known",
    step: "board.post",
    setup: ({ as }) => as("bob").board.post({ title: "first", key: "k" }),
    call: ({ as }) => as("ada").board.post({ title: "second", key: "k" }),
  },
  {
    name: "board.reply",
    step: "board.reply",
    setup: posted,
    call: ({ as }, { id }: Thread) =>
      as("ada").board.reply(id, { message: "yes @eve", status: "waiting" }),
  },
  {
    name: "board.reply with a key, twice",
    step: "board.reply",
    setup: async (bench) => {
      const thread = await posted(bench);
      await bench.as("ada").board.reply(thread.id, { message: "one", key: "k" });
      return thread;
    },
    call: ({ as }, { id }: Thread) => as("ada").board.reply(id, { message: "two", key: "k" }),
  },
  {
    name: "board.reply to a thread that is unknown",
    step: "board.reply",
    call: ({ as }) => as("ada").board.reply("thr_no", { message: "hm" }),
  },
  {
    name: "board.resolve",
    step: "board.resolve",
    setup: posted,
    call: ({ as }, { id }: Thread) => as("ada").board.resolve(id),
  },
  {
    name: "board.resolve with a message",
    step: "board.reply",
    setup: posted,
    call: ({ as }, { id }: Thread) => as("ada").board.resolve(id, { message: "done" }),
  },
  {
    name: "board.get",
    step: "board.get",
    setup: posted,
    call: ({ as }, { id }: Thread) => as().board.get(id),
  },
  {
    name: "board.show",
    step: "board.show",
    setup: async (bench) => {
      const thread = await posted(bench);
      for (const message of ["a", "b", "c"]) {
        await bench.as("ada").board.reply(thread.id, { message });
      }
      return thread;
    },
    call: ({ as }, { id }: Thread) => as().board.show(id, { limit: 2 }),
  },
  {
    name: "board.list",
    step: "board.list",
    setup: async (bench) => {
      await posted(bench);
      await bench.as("ada").board.post({ title: "other" });
    },
    call: ({ as }) => as().board.list({ limit: 1 }),
  },
  {
    name: "board.list by status, tag and author",
    step: "board.list",
    setup: posted,
    call: ({ as }) => as().board.list({ status: "active", tags: ["x"], author: "bob" }),
  },
  {
    name: "board.search",
    step: "board.search",
    setup: posted,
    call: ({ as }) => as().board.search("all plans"),
  },
  {
    name: "board.counts",
    step: "board.counts",
    setup: posted,
    call: ({ as }) => as().board.counts(),
  },
  {
    name: "board.inbox",
    step: "board.inbox",
    setup: posted,
    call: ({ as }) => as("ada").board.inbox(),
  },
  {
    name: "board.inbox acknowledging",
    step: "board.inbox",
    setup: async (bench) => {
      const { id } = await posted(bench);
      for (const message of ["@ada 1", "@ada 2"]) {
        await bench.as("bob").board.reply(id, { message });
      }
    },
    call: ({ as }) => as("ada").board.inbox({ ack: true, limit: 2 }),
  },
  {
    name: "board.inboxWait until something comes",
    step: "board.inbox",
    commands: 3,
    call: async (bench) => {
      const waiting = bench.as("ada").board.inboxWait({ timeoutMs: 5000, ack: true });
      await bench.answered("board.inbox");
      return [await posted(bench), await waiting];
    },
  },
  {
    name: "board.post to one who waits",
    step: "board.post",
    commands: 3,
    call: async (bench) => {
      const waiting = bench.as("ada").board.inboxWait({ timeoutMs: 5000 });
      await bench.answered("board.inbox");
      return [await posted(bench), await waiting];
    },
  },
  {
    name: "board.inboxWait in vain",
    step: "board.inbox",
    commands: [2, 3],
    call: ({ as }) => as("ada").board.inboxWait({ timeoutMs: WAIT_MS }),
  },
  {
    name: "board.ack",
    step: "board.ack",
    setup: async (bench) => {
      await posted(bench);
      return (await bench.as("ada").board.inbox())[0];
    },
    call: ({ as }, { id }: Message) => as("ada").board.ack({ upTo: id }),
  },
  {
    name: "board.ack of everything",
    step: "board.ack",
    setup: posted,
    call: ({ as }) => as("ada").board.ack(),
  },
];

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
  { name: "approvals.request", step: "approvals.request", call: asked },
  {
    name: "approvals.request with a key that is known",
    step: "approvals.request",
    setup: ({ as }) =>
      as("bob").approvals.request({ actionType: "deploy", description: "v1", key: "k" }),
    call: ({ as }) =>
      as("ada").approvals.request({ actionType: "deploy", description: "v2", key: "k" }),
  },
  {
    name: "approvals.wait for what is decided",
    step: "approvals.look",
    setup: approved,
    call: ({ as }, { id }: Approval) => as("ada").approvals.wait(id),
  },
  {
    name: "approvals.wait until it is decided",
    step: "approvals.look",
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
    step: "approvals.decide",
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
    step: "approvals.look",
    setup: async (bench) => {
      const approval = await asked(bench);
      bench.advance(300_000);
      return approval;
    },
    call: ({ as }, { id }: Approval) => as("ada").approvals.wait(id),
  },
  {
    name: "approvals.wait in vain",
    step: "approvals.look",
    commands: [2, 3],
    setup: asked,
    call: ({ as }, { id }: Approval) => as("ada").approvals.wait(id, { timeoutMs: WAIT_MS }),
  },
  {
    name: "approvals.approve",
    step: "approvals.decide",
    setup: asked,
    call: ({ as }, { id }: Approval) => as("bob").approvals.approve(id, { comment: "go" }),
  },
  {
    name: "approvals.approve of one's own",
    step: "approvals.decide",
    setup: asked,
    call: ({ as }, { id }: Approval) => as("ada").approvals.approve(id),
  },
  {
    name: "approvals.reject",
    step: "approvals.decide",
    setup: asked,
    call: ({ as }, { id }: Approval) => as("bob").approvals.reject(id),
  },
  {
    name: "approvals.reject of what is decided",
    step: "approvals.decide",
    setup: approved,
    call: ({ as }, { id }: Approval) => as("bob").approvals.reject(id),
  },
  {
    name: "approvals.use",
    step: "approvals.use",
    setup: approved,
    call: ({ as }, { id }: Approval) => as("ada").approvals.use(id, { digest: "d" }),
  },
  {
    name: "approvals.use a second time",
    step: "approvals.use",
    setup: async (bench) => {
      const approval = await approved(bench);
      return await bench.as("ada").approvals.use(approval.id, { digest: "d" });
    },
    call: ({ as }, { id }: Approval) => as("ada").approvals.use(id, { digest: "d" }),
  },
  {
    name: "approvals.get",
    step: "approvals.get",
    setup: approved,
    call: ({ as }, { id }: Approval) => as().approvals.get(id),
  },
  {
    name: "approvals.show of one that is unknown",
    step: "approvals.get",
    call: ({ as }) => as().approvals.show("apr_no"),
  },
  {
    name: "approvals.list",
    step: "approvals.list",
    setup: async (bench) => {
      await asked(bench);
      await approved(bench);
    },
    call: ({ as }) => as().approvals.list({ limit: 1 }),
  },
  {
    name: "approvals.list by status and requester",
    step: "approvals.list",
    setup: async (bench) => {
      await asked(bench);
      await approved(bench);
    },
    call: ({ as }) => as().approvals.list({ status: "pending", requestedBy: "ada" }),
  },
  {
    name: "approvals.counts",
    step: "approvals.counts",
    setup: approved,
    call: ({ as }) => as().approvals.counts(),
  },
  {
    name: "audit.log",
    step: "audit.append",
    setup: logged,
    call: ({ as }) =>
      as("ada").audit.log({ decisionType: "three", context: "é", reason: '"r"', refs: ["a", "b"] }),
  },
  {
    name: "audit.log with a key that is known",
    step: "audit.append",
    setup: ({ as }) =>
      as("bob").audit.log({ decisionType: "one", context: "c", reason: "r", key: "k" }),
    call: ({ as }) =>
      as("ada").audit.log({ decisionType: "two", context: "c", reason: "r", key: "k" }),
  },
  {
    name: "audit.list",
    step: "audit.list",
    setup: logged,
    call: ({ as }) => as().audit.list({ limit: 1 }),
  },
  {
    name: "audit.list by agent and type",
    step: "audit.list",
    setup: logged,
    call: ({ as }) => as().audit.list({ agent: "ada", type: "one", sinceMs: 1 }),
  },
  {
    name: "audit.tail of what is there",
    step: "audit.follow",
    setup: logged,
    call: async ({ as }, { id }: Entry) => {
      for await (const entry of as().audit.tail({ after: id })) return entry;
      return undefined;
    },
  },
  {
    name: "audit.tail of what comes",
    step: "audit.follow",
    commands: 6,
    setup: logged,
    call: async ({ as, answered }) => {
      const next = as().audit.tail()[Symbol.asyncIterator]().next();
      await answered("audit.follow");
      // The second look is the one that hangs the bell.
      await as().audit.count();
      const log = { decisionType: "new", context: "c", reason: "r" };
      return [await as("ada").audit.log(log), await next];
    },
  },
  {
    name: "audit.verify",
    step: "audit.chain",
    setup: logged,
    call: ({ as }) => as().audit.verify(),
  },
  {
    name: "audit.count",
    step: "audit.chain",
    setup: logged,
    call: ({ as }) => as().audit.count(),
  },
  {
    name: "events.list",
    step: "events.read",
    setup: logged,
    call: ({ as }) => as().events.list(),
  },
  {
    name: "events.list of one type",
    step: "events.read",
    setup: logged,
    call: ({ as }) => as().events.list({ type: "agent.registered", since: 1, limit: 1 }),
  },
  {
    name: "events.follow from the end",
    step: "events.end",
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
    step: "events.read",
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

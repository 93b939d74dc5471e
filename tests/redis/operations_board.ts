/**
 * Operations on the board and on inboxes.
 * @module
 */
import type { Message, Thread } from "../../src/board/board.ts";
import type { Operation, OperationBench } from "./operations.ts";
import { WAIT_MS } from "./operations_lock.ts";

const posted = ({ as }: OperationBench): Promise<Thread> =>
  as("bob").board.post({ title: "plans", message: "for @ada and all", tags: ["x"] });

/** Operations of Board. */
export const BOARD_OPERATIONS: readonly Operation[] = [
  {
    name: "board.post",
    method: "board.post",
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
    method: "board.post",
    setup: ({ as }) => as("bob").board.post({ title: "first", key: "k" }),
    call: ({ as }) => as("ada").board.post({ title: "second", key: "k" }),
  },
  {
    name: "board.reply",
    method: "board.reply",
    setup: posted,
    call: ({ as }, { id }: Thread) =>
      as("ada").board.reply(id, { message: "yes @eve", status: "waiting" }),
  },
  {
    name: "board.reply with a key, twice",
    method: "board.reply",
    setup: async (bench) => {
      const thread = await posted(bench);
      await bench.as("ada").board.reply(thread.id, { message: "one", key: "k" });
      return thread;
    },
    call: ({ as }, { id }: Thread) => as("ada").board.reply(id, { message: "two", key: "k" }),
  },
  {
    name: "board.reply to a thread that is unknown",
    method: "board.reply",
    call: ({ as }) => as("ada").board.reply("thr_no", { message: "hm" }),
  },
  {
    name: "board.prune",
    method: "board.prune",
    commands: 2,
    looksFirst: true,
    setup: async (bench) => {
      const { id } = await posted(bench);
      await bench.as("ada").board.reply(id, { message: "yes @eve", key: "k" });
      await bench.as("bob").board.resolve(id);
      bench.advance(1000);
    },
    call: ({ as }) => as("eve").board.prune({ olderThanMs: 0 }),
  },
  {
    name: "board.resolve",
    method: "board.resolve",
    setup: posted,
    call: ({ as }, { id }: Thread) => as("ada").board.resolve(id),
  },
  {
    name: "board.resolve with a message",
    method: "board.reply",
    setup: posted,
    call: ({ as }, { id }: Thread) => as("ada").board.resolve(id, { message: "done" }),
  },
  {
    name: "board.get",
    method: "board.get",
    setup: posted,
    call: ({ as }, { id }: Thread) => as().board.get(id),
  },
  {
    name: "board.show",
    method: "board.show",
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
    method: "board.list",
    setup: async (bench) => {
      await posted(bench);
      await bench.as("ada").board.post({ title: "other" });
    },
    call: ({ as }) => as().board.list({ limit: 1 }),
  },
  {
    name: "board.list by status, tag and author",
    method: "board.list",
    setup: posted,
    call: ({ as }) => as().board.list({ status: "active", tags: ["x"], author: "bob" }),
  },
  {
    name: "board.search",
    method: "board.search",
    setup: posted,
    call: ({ as }) => as().board.search("all plans"),
  },
  {
    name: "board.counts",
    method: "board.counts",
    setup: posted,
    call: ({ as }) => as().board.counts(),
  },
  {
    name: "board.addressed",
    method: "board.addressed",
    setup: posted,
    call: ({ as }) => as("ada").board.addressed(),
  },
  {
    name: "board.largest",
    method: "board.largest",
    setup: posted,
    call: async ({ contextOf }) => (await contextOf().store.board()).largest(undefined),
  },
  {
    name: "board.inbox",
    method: "board.inbox",
    setup: posted,
    call: ({ as }) => as("ada").board.inbox(),
  },
  {
    name: "board.inbox acknowledging",
    method: "board.inbox",
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
    method: "board.inbox",
    commands: 3,
    call: async (bench) => {
      const waiting = bench.as("ada").board.inboxWait({ timeoutMs: 5000, ack: true });
      await bench.answered("board.inbox");
      return [await posted(bench), await waiting];
    },
  },
  {
    name: "board.post to one who waits",
    method: "board.post",
    commands: 3,
    call: async (bench) => {
      const waiting = bench.as("ada").board.inboxWait({ timeoutMs: 5000 });
      await bench.answered("board.inbox");
      return [await posted(bench), await waiting];
    },
  },
  {
    name: "board.inboxWait in vain",
    method: "board.inbox",
    commands: [2, 3],
    call: ({ as }) => as("ada").board.inboxWait({ timeoutMs: WAIT_MS }),
  },
  {
    name: "board.addressedWait in vain",
    method: "board.addressed",
    commands: [2, 3],
    call: ({ as }) => as("ada").board.addressedWait({ timeoutMs: WAIT_MS }),
  },
  {
    name: "board.ack",
    method: "board.ack",
    setup: async (bench) => {
      await posted(bench);
      return (await bench.as("ada").board.inbox())[0];
    },
    call: ({ as }, { id }: Message) => as("ada").board.ack({ upTo: id }),
  },
  {
    name: "board.ack of everything",
    method: "board.ack",
    setup: posted,
    call: ({ as }) => as("ada").board.ack(),
  },
];

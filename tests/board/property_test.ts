/**
 * Threads and inboxes against a model that keeps every message in one array and works out from the
 * definition who should see it.
 * @module
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { Board, type Message, type Thread } from "../../src/board/board.ts";
import { propertyRuns } from "../support/property.ts";
import { storeTest } from "../../dev/stores.ts";

const NAMES = ["ada", "bob", "cy", "di"];
const TAGS = ["x", "y", "z"];

const agent = fc.constantFrom(...NAMES);
const index = fc.nat({ max: 5 });
const to = fc.subarray(NAMES);
const mentions = fc.subarray(NAMES);
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const status = fc.constantFrom("active" as const, "waiting" as const, "resolved" as const);
const step = fc.oneof(
  fc.record({
    kind: fc.constant("post" as const),
    agent,
    to,
    mentions,
    priority: fc.constantFrom("low" as const, "normal" as const, "high" as const),
    tags: fc.subarray(TAGS),
    key: fc.constantFrom(undefined, undefined, "k1", "k2"),
  }),
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("reply" as const),
      agent,
      index,
      to,
      mentions,
      status: maybe(status),
      key: fc.constantFrom(undefined, undefined, "k1", "k2"),
    }),
  },
  fc.record({ kind: fc.constant("resolve" as const), agent, index }),
  fc.record({ kind: fc.constant("ack" as const), agent, back: maybe(fc.nat({ max: 8 })) }),
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("inbox" as const),
      agent,
      limit: fc.integer({ min: 1, max: 6 }),
      ack: fc.boolean(),
    }),
  },
  fc.record({
    kind: fc.constant("list" as const),
    agent: maybe(agent),
    tags: fc.subarray(TAGS),
    status: maybe(status),
    limit: fc.integer({ min: 1, max: 4 }),
  }),
  fc.record({ kind: fc.constant("advance" as const), ms: fc.constantFrom(1, 5000) }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

interface Said {
  /** Unknown for an opening message until it shows in an inbox. */
  id: string | undefined;
  readonly thread: number;
  readonly opening: boolean;
  readonly author: string;
  readonly to: readonly string[];
  readonly mentions: readonly string[];
  readonly atMs: number;
}

interface Topic {
  readonly id: string;
  readonly author: string;
  readonly priority: string;
  readonly tags: readonly string[];
  status: string;
  replies: number;
}

class Model {
  readonly said: Said[] = [];
  readonly threads: Topic[] = [];
  readonly keys = new Map<string, string>();
  readonly #registered = new Map<string, number>();
  readonly #cursor = new Map<string, number>();

  act(name: string, nowMs: number): void {
    if (!this.#registered.has(name)) this.#registered.set(name, nowMs);
  }

  unread(name: string): { readonly said: Said; readonly reason: string }[] {
    return this.said.flatMap((said, place) => {
      if (place < (this.#cursor.get(name) ?? 0) || said.author === name) return [];
      const reason = this.#reason(name, said, place);
      return reason === undefined ? [] : [{ said, reason }];
    });
  }

  #reason(name: string, said: Said, place: number): string | undefined {
    if (said.to.includes(name)) return "direct";
    if (said.mentions.includes(name)) return "mention";
    const before = this.said.slice(0, place);
    const took = before.some(({ thread, author }) => thread === said.thread && author === name);
    if (took) return "reply";
    const registered = this.#registered.get(name) ?? Infinity;
    const urgent = said.opening && this.threads[said.thread]!.priority === "high";
    return urgent && said.atMs >= registered ? "high_priority" : undefined;
  }

  ack(name: string, upTo: number): void {
    this.#cursor.set(name, Math.max(this.#cursor.get(name) ?? 0, upTo));
  }
}

const without = (options: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
const threadView = ({ id, status, replyCount }: Thread) => `${id} ${status} ${replyCount}`;

/** One run: the real board and the model under names that no other run uses. */
class Run {
  readonly model = new Model();
  readonly #nameOf: (name: string) => string;
  readonly #boardOf: (name: string) => Board;
  readonly #nowMs: () => number;

  constructor(
    nameOf: (name: string) => string,
    boardOf: (name: string) => Board,
    nowMs: () => number,
  ) {
    this.#nameOf = nameOf;
    this.#boardOf = boardOf;
    this.#nowMs = nowMs;
  }

  async play(action: Step): Promise<void> {
    if (action.kind === "advance") return;
    if (action.kind === "list") return await this.#list(action);
    const { model } = this;
    const name = this.#nameOf(action.agent);
    const board = this.#boardOf(name);
    const atMs = this.#nowMs();
    switch (action.kind) {
      case "post":
        return await this.#post(action, name, board);
      case "reply":
        return await this.#reply(action, name, board);
      case "resolve": {
        const topic = model.threads.at(-1 - action.index);
        if (topic === undefined) return;
        await board.resolve(topic.id);
        model.act(name, atMs);
        topic.status = "resolved";
        return;
      }
      case "ack": {
        const { back } = action;
        const place = back === undefined ? model.said.length : model.said.length - back;
        const upTo = model.said[place - 1]?.id;
        if (back !== undefined && upTo === undefined) return;
        await board.ack(back === undefined ? {} : without({ upTo }));
        model.act(name, atMs);
        return model.ack(name, place);
      }
      case "inbox": {
        const { limit, ack } = action;
        const got = await board.inbox({ limit, ack });
        model.act(name, atMs);
        const wanted = model.unread(name).slice(0, limit);
        this.#same(got, wanted);
        const last = wanted.at(-1);
        if (ack && last !== undefined) model.ack(name, model.said.indexOf(last.said) + 1);
      }
    }
  }

  async #post(action: Extract<Step, { kind: "post" }>, name: string, board: Board) {
    const { model } = this;
    const { priority, tags } = action;
    const to = action.to.map(this.#nameOf);
    const mentions = action.mentions.map(this.#nameOf);
    const message = mentions.map((other) => `@${other}.`).join(" ");
    const key = action.key && this.#nameOf(`post-${action.key}`);
    const options = { title: "t", message, to, priority, tags, ...without({ key }) };
    const thread = await board.post(options);
    model.act(name, this.#nowMs());
    const known = key && model.keys.get(key);
    if (known) return assert.equal(thread.id, known);
    if (key) model.keys.set(key, thread.id);
    const place = model.threads.length;
    model.threads.push({
      id: thread.id,
      author: name,
      priority,
      tags,
      status: "active",
      replies: 0,
    });
    const atMs = this.#nowMs();
    const said = { thread: place, opening: true, author: name, to, mentions, atMs };
    model.said.push({ id: undefined, ...said });
  }

  async #reply(action: Extract<Step, { kind: "reply" }>, name: string, board: Board) {
    const { model } = this;
    const place = model.threads.length - 1 - action.index;
    const topic = model.threads[place];
    if (topic === undefined) return;
    const to = action.status === "resolved" ? [] : action.to.map(this.#nameOf);
    const mentions = action.mentions.map(this.#nameOf);
    const message = ["m", ...mentions.map((other) => `@${other}`)].join(" ");
    const key = action.status === "resolved"
      ? undefined
      : action.key && this.#nameOf(`reply-${action.key}`);
    const { reply } = action.status === "resolved"
      ? await board.resolve(topic.id, { message })
      : await board.reply(topic.id, { message, to, ...without({ status: action.status, key }) });
    model.act(name, this.#nowMs());
    const known = key && model.keys.get(key);
    if (known) return assert.equal(reply?.id, known);
    if (key) model.keys.set(key, reply!.id);
    topic.replies++;
    topic.status = action.status ?? (topic.status === "resolved" ? "active" : topic.status);
    const atMs = this.#nowMs();
    const said = { id: reply!.id, thread: place, opening: false, author: name, to, mentions, atMs };
    model.said.push(said);
  }

  async #list({ agent, tags, status, limit }: Extract<Step, { kind: "list" }>) {
    const names = agent === undefined ? NAMES : [agent];
    for (const author of names.map(this.#nameOf)) {
      const wanted = this.model.threads.filter((topic) =>
        topic.author === author && (status ?? topic.status) === topic.status &&
        tags.every((tag) => topic.tags.includes(tag))
      ).reverse().map((topic) => `${topic.id} ${topic.status} ${topic.replies}`);
      const found: string[] = [];
      let cursor: string | undefined;
      do {
        const options = { author, tags, limit, ...without({ status, cursor }) };
        const page = await this.#boardOf(author).list(options);
        found.push(...page.threads.map(threadView));
        cursor = page.nextCursor;
      } while (cursor !== undefined);
      assert.deepEqual(found, wanted);
    }
  }

  async inboxesAgree(): Promise<void> {
    for (const name of NAMES.map(this.#nameOf)) {
      const got = await this.#boardOf(name).inbox({ limit: 1000 });
      this.model.act(name, this.#nowMs());
      this.#same(got, this.model.unread(name));
    }
  }

  #same(got: readonly Message[], wanted: ReturnType<Model["unread"]>): void {
    const { said: all, threads } = this.model;
    got.forEach(({ id }, place) => {
      const said = wanted[place]?.said;
      const known = all.some((other) => other.id === id);
      if (said?.opening && said.id === undefined && !known) said.id = id;
    });
    assert.deepEqual(
      got.map(({ id, threadId, author, reason }) => ({ id, threadId, author, reason })),
      wanted.map(({ said: { id, author, thread }, reason }) => ({
        id,
        threadId: threads[thread]!.id,
        author,
        reason,
      })),
    );
  }
}

storeTest("board and inboxes agree with the model after every step", async ({ as, clock }) => {
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 5, maxLength: 50, size: "max" }),
      async (steps) => {
        const prefix = `r${runs++}-`;
        const boards = new Map<string, Board>();
        const boardOf = (name: string) => {
          const board = boards.get(name) ?? new Board(as(name));
          boards.set(name, board);
          return board;
        };
        clock.advance(10_000);
        const run = new Run((name) => prefix + name, boardOf, () => clock.nowMs());
        for (const action of steps) {
          if (action.kind === "advance") clock.advance(action.ms);
          await run.play(action);
        }
        await run.inboxesAgree();
      },
    ),
    { numRuns: propertyRuns() },
  );
});

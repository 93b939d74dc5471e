/**
 * The board: threads that agents post, reply to and resolve, and an inbox for each of them.
 *
 * The protocol. Posting and replying are one atomic operation each, which also files the message for search
 * and puts it into the inboxes, so a message is either nowhere or everywhere it belongs. All messages of
 * a namespace are in one order. An agent's inbox holds, in that order, every message by somebody else that
 *
 * - names it, in `to` or as `@name` in the title or text (`direct`, `mention`),
 * - was added to a thread after the agent had written in it (`reply`), or
 * - opened a thread of high priority after the agent registered (`high_priority`; a newcomer does not
 *   inherit old alarms, while an agent that has looked into its inbox before goes on where it was),
 *
 * until the agent acknowledges it. A message that qualifies several times is there once, for the first of
 * these reasons. The cursor lives in the store: a restarted agent goes on where it was. Reading does not
 * acknowledge unless asked to, so an agent that dies between reading and acting gets its messages again.
 *
 * A reply keeps the thread's status unless it says otherwise, and makes a resolved thread active again.
 * @module
 */
import { given } from "../given.ts";
import { checkArguments } from "../arguments.ts";
import {
  checkBody,
  checkChoice,
  checkInteger,
  checkTitle,
  checkWaitMs,
  invalid,
} from "../check.ts";
import { requireActor, type RoomContext } from "../context.ts";
import { formatDuration } from "../duration.ts";
import { NotFoundError, TimeoutError } from "../errors.ts";
import { newId } from "../id.ts";
import { checkName, LIMITS, printable, quote } from "../name.ts";
import { pruneAll, type Pruned } from "../prune.ts";
import { waitFor } from "../wait.ts";
import { BOARD_ARGUMENTS } from "./arguments.ts";
import { checkKeyOption, draftMessage, draftTags } from "./draft.ts";
import {
  checkThreadStatuses,
  type InboxOptions,
  type InboxWaitOptions,
  type ListThreadsOptions,
  type PageOptions,
  type PostOptions,
  type PruneThreadsOptions,
  type ReplyOptions,
  type ShowOptions,
  STATUSES,
  type ThreadPage,
} from "./options.ts";
import type { BoardStore, ReplyDraft, ThreadList } from "./store.ts";
import type { Message, Thread, ThreadCounts, ThreadPriority } from "./thread.ts";
import { wordsIn } from "./words.ts";

export type {
  InboxOptions,
  InboxWaitOptions,
  ListThreadsOptions,
  PageOptions,
  PostOptions,
  PruneThreadsOptions,
  ReplyOptions,
  ShowOptions,
  ThreadPage,
} from "./options.ts";
export type {
  Message,
  MessageReason,
  Reply,
  Thread,
  ThreadCounts,
  ThreadPriority,
  ThreadStatus,
} from "./thread.ts";

/** How long an inbox is waited on when the call does not say: 5 minutes. */
export const DEFAULT_INBOX_WAIT_MS = 300_000;

const PRIORITIES: readonly ThreadPriority[] = ["low", "normal", "high"];
/** Words one search may look for. */
const MAX_WORDS = 32;

/** The board and the acting agent's inbox. */
export class Board {
  readonly #context: RoomContext;

  /** Used by the client; see {@linkcode CoordinationClient.board}. */
  constructor(context: RoomContext) {
    this.#context = context;
  }

  /**
   * Opens a thread.
   *
   * @throws {InvalidArgumentError} for a bad value; nothing was written.
   */
  async post(options: PostOptions): Promise<Thread> {
    const { name } = requireActor(this.#context);
    const title = checkTitle(options.title, "title");
    const opening = { message: checkBody(options.message ?? "", "message"), to: options.to };
    const draft = {
      id: newId("thr"),
      title,
      priority: checkChoice(options.priority ?? "normal", "priority", PRIORITIES),
      tags: draftTags(options.tags),
      opening: draftMessage(opening, { author: name, title }),
      ...checkKeyOption(options.key),
    };
    return await (await this.#store()).post(requireActor(this.#context), draft);
  }

  /**
   * Appends a reply.
   *
   * @returns the thread without its other replies.
   * @throws {NotFoundError} when there is no such thread.
   * @throws {InvalidArgumentError} for a bad value; nothing was written.
   */
  async reply(id: string, options: ReplyOptions): Promise<Thread> {
    const { message, status } = options;
    return await this.#append(id, { ...options, message: checkBody(message, "message", false) }, {
      ...(status === undefined
        ? {}
        : { status: checkChoice(status, "status", ["active", "waiting"] as const) }),
    });
  }

  /**
   * Closes a thread, with a last message if there is something left to say. Closing a closed one changes
   * nothing but appends the message.
   *
   * @throws {NotFoundError} when there is no such thread.
   */
  async resolve(id: string, { message }: { readonly message?: string } = {}): Promise<Thread> {
    if (message !== undefined && message !== "") {
      const checked = checkBody(message, "message");
      return await this.#append(id, { message: checked }, { status: "resolved" });
    }
    const actor = requireActor(this.#context);
    const thread = typeof id === "string"
      ? await (await this.#store()).resolve(actor, id)
      : undefined;
    if (thread === undefined) throw unknownThread(id);
    return thread;
  }

  /** The thread without its replies; `undefined` when there is none with this identifier. */
  async get(id: string): Promise<Thread | undefined> {
    return typeof id === "string" ? await (await this.#store()).get(id) : undefined;
  }

  /**
   * The thread with its replies, the newest 1000 unless `limit` says otherwise.
   *
   * @throws {NotFoundError} when there is no such thread.
   * @throws {InvalidArgumentError} for a cursor that no reply of it has.
   */
  async show(id: string, options: ShowOptions = {}): Promise<Thread> {
    const query = pageOf({ limit: LIMITS.batch, ...options });
    const thread = typeof id === "string" ? await (await this.#store()).show(id, query) : undefined;
    if (thread === undefined) throw unknownThread(id);
    if (thread !== "unknown_reply") return thread;
    throw invalid(options.cursor, "cursor", "no reply of this thread has this identifier");
  }

  /**
   * Threads, newest first, page by page.
   *
   * @throws {InvalidArgumentError} for a cursor that no thread has.
   */
  async list(options: ListThreadsOptions = {}): Promise<ThreadPage> {
    const { status, author, tags } = options;
    const query = {
      ...pageOf(options),
      tags: draftTags(tags),
      ...(status === undefined ? {} : { status: checkChoice(status, "status", STATUSES) }),
      ...(author === undefined ? {} : { author: checkName(author, "author") }),
    };
    return threadPage(await (await this.#store()).list(query), options.cursor);
  }

  /**
   * Threads in which all of these words occur, in the title, the message or the replies; newest first, page
   * by page. Case, accents and punctuation make no difference; parts of words do not match.
   *
   * @throws {InvalidArgumentError} when there is no word in `text`, or too many.
   */
  async search(text: string, options: PageOptions = {}): Promise<ThreadPage> {
    const words = wordsIn(checkBody(text, "words"));
    if (words.length === 0) throw invalid(text, "words", "give at least one word to look for");
    if (words.length > MAX_WORDS) throw invalid(text, "words", `use at most ${MAX_WORDS} words`);
    const query = { ...pageOf(options), words };
    return threadPage(await (await this.#store()).search(query), options.cursor);
  }

  /** How many threads have each status. */
  async counts(): Promise<ThreadCounts> {
    return await (await this.#store()).counts();
  }

  /** The acting agent's unread messages, oldest first. */
  async inbox(options: InboxOptions = {}): Promise<readonly Message[]> {
    const actor = requireActor(this.#context);
    const query = inboxQuery(options);
    return await (await this.#store()).inbox(actor, query);
  }

  /**
   * The unread messages that name the acting agent, oldest first: all there can be for one that nobody knows yet.
   * Registers nobody, and is no sign of life.
   */
  async addressed({ limit }: Pick<InboxOptions, "limit"> = {}): Promise<readonly Message[]> {
    const { name } = requireActor(this.#context);
    const query = inboxQuery(given({ limit }));
    return await (await this.#store()).addressed(name, query.limit);
  }

  /**
   * As {@linkcode Board.addressed}, but when nothing is unread looks again, about once a second, until something is.
   *
   * @throws {TimeoutError} when nothing came within `timeoutMs`, or `signal` fired.
   */
  async addressedWait(
    { limit, ...patience }: Omit<InboxWaitOptions, "ack"> = {},
  ): Promise<readonly Message[]> {
    const { name } = requireActor(this.#context);
    const query = inboxQuery(given({ limit }));
    return await this.#arrived(
      name,
      async () => await (await this.#store()).addressed(name, query.limit),
      patience,
    );
  }

  /**
   * As {@linkcode Board.inbox}, but when nothing is unread waits until something is.
   *
   * @throws {TimeoutError} when nothing came within `timeoutMs`, or `signal` fired.
   */
  async inboxWait(options: InboxWaitOptions = {}): Promise<readonly Message[]> {
    const actor = requireActor(this.#context);
    const query = inboxQuery(options);
    return await this.#arrived(
      actor.name,
      async (waits) => await (await this.#store()).inbox(actor, { ...query, waits }),
      options,
    );
  }

  /**
   * Counts every message up to this one, or every message there is, as read by the acting agent. Acknowledging
   * an earlier one again changes nothing.
   *
   * @param upTo identifier of a message.
   * @throws {NotFoundError} when there is no such message.
   */
  async ack({ upTo }: { readonly upTo?: string } = {}): Promise<void> {
    const actor = requireActor(this.#context);
    const known = upTo === undefined || typeof upTo === "string";
    if (known && await (await this.#store()).ack(actor, upTo)) return;
    throw new NotFoundError(`No message ${quote(upTo)}; take its id from the inbox`, {
      id: shown(upTo),
    });
  }

  /**
   * Removes threads that last changed long ago: their messages, wherever they are unread, and their idempotency
   * keys. Done in portions, each of them one operation. A thread of many hundred messages takes several: it is gone
   * with the first, and its messages leave the inboxes with those that remove them.
   *
   * @throws {InvalidArgumentError} for a bad value; nothing was removed.
   */
  async prune(options: PruneThreadsOptions = {}): Promise<Pruned> {
    const actor = requireActor(this.#context);
    const statuses = checkThreadStatuses(options);
    return await pruneAll(
      options,
      async (portion) => (await this.#store()).prune(actor, { ...portion, statuses }),
    );
  }

  /** What `look` finds once that is something. */
  async #arrived(
    name: string,
    look: (waits: boolean) => Promise<readonly Message[]>,
    { timeoutMs, signal }: Pick<InboxWaitOptions, "timeoutMs" | "signal">,
  ): Promise<readonly Message[]> {
    const waitMs = checkWaitMs(timeoutMs ?? DEFAULT_INBOX_WAIT_MS, "timeoutMs");
    const { messages } = await waitFor<{ readonly messages: readonly Message[] }>(this.#context, {
      look: async (waits) => ({ messages: await look(waits) }),
      until: ({ messages }) => messages.length > 0,
    }, { waitMs, signal });
    if (messages.length > 0) return messages;
    throw new TimeoutError(
      `No message for ${quote(name)} came within ${formatDuration(waitMs)}`,
      { agent: name, timeoutMs: waitMs },
    );
  }

  #store(): Promise<BoardStore> {
    return this.#context.store.board();
  }

  async #append(
    threadId: string,
    { key, ...said }: Pick<ReplyOptions, "message" | "to" | "key">,
    status: Pick<ReplyDraft, "status">,
  ): Promise<Thread> {
    const actor = requireActor(this.#context);
    const message = draftMessage(said, { author: actor.name });
    const draft = { ...message, threadId, ...status, ...checkKeyOption(key) };
    const thread = typeof threadId === "string"
      ? await (await this.#store()).reply(actor, draft)
      : undefined;
    if (thread === undefined) throw unknownThread(threadId);
    return thread;
  }
}

checkArguments(Board, BOARD_ARGUMENTS);

function pageOf({ limit = 100, cursor }: PageOptions) {
  if (cursor !== undefined && typeof cursor !== "string") {
    throw invalid(cursor, "cursor", "use the cursor of an earlier answer");
  }
  return {
    limit: checkInteger(limit, "limit", { min: 1, max: LIMITS.batch }),
    ...given({ before: cursor }),
  };
}

function inboxQuery({ limit, ack = false }: InboxOptions) {
  return { limit: pageOf(given({ limit })).limit, ack: ack === true };
}

function threadPage(found: ThreadList | undefined, cursor: string | undefined): ThreadPage {
  if (found === undefined) throw invalid(cursor, "cursor", "no thread has this identifier");
  const { threads, more } = found;
  const oldest = threads.at(-1);
  return { threads, ...(more && oldest !== undefined ? { nextCursor: oldest.id } : {}) };
}

function unknownThread(id: unknown): NotFoundError {
  return new NotFoundError(`No thread ${quote(id)}; see the threads there are with list`, {
    id: shown(id),
  });
}

function shown(id: unknown): string {
  return typeof id === "string" ? printable(id) : quote(id);
}

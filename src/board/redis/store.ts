/**
 * The operations on the board and the inboxes, on Redis.
 * @module
 */
import { type Script, script } from "../../engine/redis/script.ts";
import type { ScriptRunner } from "../../engine/redis/script_runner.ts";
import type { Actor } from "../../engine/actor.ts";
import type { LargestPortion } from "../../largest.ts";
import type { PrunedPortion } from "../../prune.ts";
import { pruneThreads } from "./prune.ts";
import type {
  BoardStore,
  InboxQuery,
  MessageDraft,
  PruneRequest,
  RepliesQuery,
  ReplyDraft,
  SearchQuery,
  ThreadDraft,
  ThreadList,
  ThreadQuery,
} from "../store.ts";
import type { Message, Reply, Thread, ThreadCounts } from "../thread.ts";

const POST = script("board/post");
const REPLY = script("board/reply");
const RESOLVE = script("board/resolve");
const GET = script("board/get");
const SHOW = script("board/show");
const LIST = script("board/list");
const SEARCH = script("board/search");
const COUNT = script("board/count");
const LARGEST = script("board/largest");
const INBOX = script("board/inbox");
const ADDRESSED = script("board/addressed");
const INBOX_REST = script("board/inbox_rest");
const ACK = script("board/ack");

/** One page of threads as far as one operation looked. */
interface Stretch extends ThreadList {
  /** Where to go on when the operation did not look everywhere. */
  readonly next?: number;
}

/** Unread messages, and the numbers and reasons of those that the answer had no room for. */
interface InboxPart {
  readonly messages: readonly Message[];
  readonly rest: readonly (readonly [string, string])[];
  /** Nothing was shown yet: there was too much that had been read and had to be removed first. */
  readonly untidy?: true;
}

/** {@linkcode BoardStore} on Redis. */
export class RedisBoard implements BoardStore {
  readonly #runner: ScriptRunner;

  /** Runs its scripts there. */
  constructor(runner: ScriptRunner) {
    this.#runner = runner;
  }

  async post(
    actor: Actor,
    { id, title, priority, tags, opening, key = "" }: ThreadDraft,
  ): Promise<Thread> {
    return answer<Thread>(
      await this.#runner.write(
        POST,
        actor,
        ...messageArguments(opening),
        id,
        key,
        JSON.stringify(title),
        priority,
        JSON.stringify(tags),
      ),
    )!;
  }

  async reply(actor: Actor, draft: ReplyDraft): Promise<Thread | undefined> {
    const { threadId, key, status } = draft;
    return answer(
      await this.#runner.write(
        REPLY,
        actor,
        ...messageArguments(draft),
        threadId,
        key ?? "",
        status ?? "",
      ),
    );
  }

  async resolve(actor: Actor, threadId: string): Promise<Thread | undefined> {
    return answer(await this.#runner.write(RESOLVE, actor, threadId));
  }

  async get(threadId: string): Promise<Thread | undefined> {
    return answer(await this.#runner.read(GET, threadId));
  }

  async show(
    threadId: string,
    { before, limit }: RepliesQuery,
  ): Promise<Thread | "unknown_reply" | undefined> {
    let replies: readonly Reply[] = [];
    let shown: Thread | undefined;
    for (let from = before;;) {
      const left = limit - replies.length;
      const part: (Thread & { readonly next?: string }) | "unknown_reply" | undefined = answer(
        await this.#runner.read(SHOW, threadId, known("m", from), left),
      );
      // What the first operation has shown may be removed before the next one.
      if (part === undefined || part === "unknown_reply") {
        return shown === undefined ? part : { ...shown, replies };
      }
      const { next, ...thread } = part;
      replies = [...thread.replies ?? [], ...replies];
      if (next === undefined) return { ...thread, replies };
      shown = thread;
      from = next;
    }
  }

  list({ status, author, tags, ...page }: ThreadQuery): Promise<ThreadList | undefined> {
    const facets = tags.map((tag) => `t${tag}`);
    if (author !== undefined) facets.push(`a${author}`);
    return this.#page(LIST, page, [status ?? "", ...facets]);
  }

  search({ words, ...page }: SearchQuery): Promise<ThreadList | undefined> {
    return this.#page(SEARCH, page, words);
  }

  async counts(): Promise<ThreadCounts> {
    return answer<ThreadCounts>(await this.#runner.read(COUNT))!;
  }

  async largest(before: number | undefined): Promise<LargestPortion> {
    return answer<LargestPortion>(await this.#runner.read(LARGEST, before ?? ""))!;
  }

  async inbox(actor: Actor, { limit, ack, waits }: InboxQuery): Promise<readonly Message[]> {
    const waker = waits ? (await this.#runner.waker()).id : "";
    let found: InboxPart;
    do {
      found = answer<InboxPart>(
        await this.#runner.write(INBOX, actor, limit, ack ? 1 : 0, waker),
      )!;
    } while (found.untidy);
    // What is counted as read has been handed over: the next call begins with the rest.
    return ack ? found.messages : await this.#whole(found);
  }

  async addressed(name: string, limit: number): Promise<readonly Message[]> {
    return await this.#whole(answer<InboxPart>(await this.#runner.read(ADDRESSED, name, limit))!);
  }

  /** With the messages that the answer had no room for. */
  async #whole(found: InboxPart): Promise<readonly Message[]> {
    const messages = [...found.messages];
    for (let { rest } = found; rest.length > 0;) {
      const part = answer<{ readonly messages: readonly Message[]; readonly looked: number }>(
        await this.#runner.read(INBOX_REST, ...rest.flat()),
      )!;
      messages.push(...part.messages);
      rest = rest.slice(part.looked);
    }
    return messages;
  }

  async ack(actor: Actor, upTo: string | undefined): Promise<boolean> {
    return answer<boolean>(await this.#runner.write(ACK, actor, known("m", upTo)))!;
  }

  prune(actor: Actor, request: PruneRequest): Promise<PrunedPortion> {
    return pruneThreads(this.#runner, actor, request);
  }

  /** One page, put together from as many operations as it takes. */
  async #page(
    script: Script,
    { before, limit }: { readonly before?: string; readonly limit: number },
    sought: readonly string[],
  ): Promise<ThreadList | undefined> {
    const threads: Thread[] = [];
    for (let below: number | "" = "";;) {
      const left = limit - threads.length;
      const stretch: Stretch | undefined = answer(
        await this.#runner.read(script, known("t", before), below, left, ...sought),
      );
      if (stretch === undefined) return undefined;
      threads.push(...stretch.threads);
      if (stretch.next === undefined) return { threads, more: stretch.more };
      below = stretch.next;
    }
  }
}

/** A message as ARGV 5 to 9, see delivery.lua. */
function messageArguments({ id, message, to, recipients, words }: MessageDraft): string[] {
  return [
    id,
    JSON.stringify(message),
    JSON.stringify(to),
    recipients.map(({ name, reason }) => `${name}:${reason.charAt(0)}`).join(" "),
    words.join(" "),
  ];
}

/** An identifier as the scripts look it up; none is not the same as an empty one. */
function known(kind: "t" | "m", id: string | undefined): string {
  return id === undefined ? "" : kind + id;
}

function answer<T>(text: unknown): T | undefined {
  return JSON.parse(String(text)) ?? undefined;
}

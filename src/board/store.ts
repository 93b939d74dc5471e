/**
 * The atomic operations on the board and the inboxes that every store offers.
 * @module
 */
import type { Actor } from "../engine/actor.ts";
import type { LargestPortion } from "../largest.ts";
import type { PrunedPortion, PrunePortion } from "../prune.ts";
import type {
  Message,
  MessageReason,
  Thread,
  ThreadCounts,
  ThreadPriority,
  ThreadStatus,
} from "./thread.ts";

/** One message to append, with all that follows from its text. */
export interface MessageDraft {
  /** `msg_` and a ULID, made by the client so that a retry is recognised. */
  readonly id: string;
  readonly message: string;
  /** Named by the author. */
  readonly to: readonly string[];
  /** Whose inbox it goes to, without the author and without repeats. */
  readonly recipients: readonly Recipient[];
  /** What a search finds it by, a title included; see {@linkcode wordsIn}. */
  readonly words: readonly string[];
}

/** An agent that a message names, and how. */
export interface Recipient {
  readonly name: string;
  readonly reason: Extract<MessageReason, "direct" | "mention">;
}

/** A thread to open. */
export interface ThreadDraft {
  /** `thr_` and a ULID, made by the client so that a retry is recognised. */
  readonly id: string;
  readonly title: string;
  readonly priority: ThreadPriority;
  readonly tags: readonly string[];
  readonly opening: MessageDraft;
  readonly key?: string;
}

/** A reply to append. */
export interface ReplyDraft extends MessageDraft {
  readonly threadId: string;
  /** The thread's status afterwards. Without it: as before, but a resolved thread is active again. */
  readonly status?: ThreadStatus;
  readonly key?: string;
}

/** One page of threads, newest first; every condition given must hold. */
export interface ThreadQuery {
  readonly status?: ThreadStatus;
  readonly author?: string;
  /** All of these. */
  readonly tags: readonly string[];
  /** Only threads older than the one with this identifier. */
  readonly before?: string;
  readonly limit: number;
}

/** One page of the threads in which every one of these words occurs, newest first. */
export interface SearchQuery {
  /** As {@linkcode wordsIn} gives them; at least one. */
  readonly words: readonly string[];
  /** Only threads older than the one with this identifier. */
  readonly before?: string;
  readonly limit: number;
}

/** Threads without their replies, newest first. */
export interface ThreadList {
  readonly threads: readonly Thread[];
  /** Whether older ones match as well. */
  readonly more: boolean;
}

/** Which replies to show. */
export interface RepliesQuery {
  /** Only replies older than the one with this identifier. */
  readonly before?: string;
  readonly limit: number;
}

/** Reads the acting agent's inbox. */
export interface InboxQuery {
  readonly limit: number;
  /** Count what is returned as read. */
  readonly ack: boolean;
  /** When this operation finds none, the next message for the agent wakes this process. */
  readonly waits?: boolean;
}

/** Which threads one operation is asked to remove. */
export interface PruneRequest extends PrunePortion {
  readonly statuses: readonly ThreadStatus[];
}

/** Atomic operations only; waiting and throwing belong to {@linkcode Board}. */
export interface BoardStore {
  /** Opens the thread, unless its identifier or key is there already; answers with it. */
  post(actor: Actor, draft: ThreadDraft): Promise<Thread>;
  /**
   * Appends the reply, unless its identifier or key is there already; answers with that reply and its thread
   * as it is now. `undefined` when there is no such thread.
   */
  reply(actor: Actor, draft: ReplyDraft): Promise<Thread | undefined>;
  /** Closes the thread; changes nothing when it is resolved. `undefined` when there is none. */
  resolve(actor: Actor, threadId: string): Promise<Thread | undefined>;
  /** The thread without its replies. */
  get(threadId: string): Promise<Thread | undefined>;
  /** The thread with its newest replies, oldest first; `"unknown_reply"` when there is none `before`. */
  show(threadId: string, query: RepliesQuery): Promise<Thread | "unknown_reply" | undefined>;
  /** The newest that match; `undefined` when there is none `before`. */
  list(query: ThreadQuery): Promise<ThreadList | undefined>;
  /** The newest that match; `undefined` when there is none `before`. */
  search(query: SearchQuery): Promise<ThreadList | undefined>;
  /** How many threads there are in each status. */
  counts(): Promise<ThreadCounts>;
  /** The largest of some threads, the newest or those before a place that an earlier operation answered. */
  largest(before: number | undefined): Promise<LargestPortion>;
  /** The actor's oldest unread messages, in order. */
  inbox(actor: Actor, query: InboxQuery): Promise<readonly Message[]>;
  /** The oldest unread messages that name this agent, in order. */
  addressed(name: string, limit: number): Promise<readonly Message[]>;
  /**
   * Counts every message up to this one, or every message there is, as read by the actor. Never turns back;
   * `false` when there is no such message.
   */
  ack(actor: Actor, upTo: string | undefined): Promise<boolean>;
  /**
   * Removes some of the threads that last changed long ago, in the order they were opened, with all that belongs
   * to them. One with more messages than an operation may remove is out of sight from its first operation on.
   */
  prune(actor: Actor, request: PruneRequest): Promise<PrunedPortion>;
}

/**
 * What the board holds, as everybody sees it: threads, replies, and the messages of an inbox.
 * @module
 */

/** How urgent a thread is; `high` reaches everybody's inbox. */
export type ThreadPriority = "low" | "normal" | "high";

/** `waiting` means that somebody has to answer before it goes on. */
export type ThreadStatus = "active" | "waiting" | "resolved";

/** How many of a thread's replies, the newest, stand for all when its size is looked at. */
export const SAMPLED = 64;

/** How many threads one operation looks at for the largest. */
export const THREADS_SIZED = 100;

/** How many threads one operation of pruning looks at, whatever becomes of them. */
export const THREADS_PRUNED_AT_ONCE = 500;

/** One thread of the board. */
export interface Thread {
  /** `thr_…`; sorts by creation. */
  readonly id: string;
  /** One line. */
  readonly title: string;
  /** The text it was opened with; may be empty. */
  readonly message: string;
  /** Who opened it. */
  readonly author: string;
  /** How urgent it is. */
  readonly priority: ThreadPriority;
  /** What it is about. */
  readonly tags: readonly string[];
  /** Whom its author addressed. */
  readonly to: readonly string[];
  /** Where it stands. */
  readonly status: ThreadStatus;
  /** How many replies it has. */
  readonly replyCount: number;
  /** When it was opened, in epoch milliseconds. */
  readonly createdAtMs: number;
  /** When it last changed, in epoch milliseconds. */
  readonly updatedAtMs: number;
  /** The replies, oldest first; only in the answer of `show`. */
  readonly replies?: readonly Reply[];
  /** What this call appended; only in the answer of a reply, and of resolving with a message. */
  readonly reply?: Reply;
}

/** One reply. */
export interface Reply {
  /** `msg_…`. */
  readonly id: string;
  /** Who wrote it. */
  readonly author: string;
  /** Its text. */
  readonly message: string;
  /** Whom its author addressed; absent when nobody. */
  readonly to?: readonly string[];
  /** When, in epoch milliseconds. */
  readonly atMs: number;
}

/** Why a message is in an inbox. */
export type MessageReason = "direct" | "mention" | "reply" | "high_priority";

/** One unread message. */
export interface Message {
  /** `msg_…`; pass it to `ack`. */
  readonly id: string;
  /** The thread it belongs to. */
  readonly threadId: string;
  /** That thread's title. */
  readonly title: string;
  /** Who wrote it; never the reader. */
  readonly author: string;
  /** Its text; may be empty when it opened the thread. */
  readonly message: string;
  /** Why it is here. */
  readonly reason: MessageReason;
  /** The thread's priority. */
  readonly priority: ThreadPriority;
  /** When it was written, in epoch milliseconds. */
  readonly atMs: number;
}

/** How many threads have each status. */
export type ThreadCounts = Readonly<Record<ThreadStatus, number>>;

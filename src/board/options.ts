/**
 * What the operations on the board take, and what of it is checked before anything is sent.
 * @module
 */
import { checkChoice, invalid } from "../check.ts";
import type { PruneOptions } from "../prune.ts";
import type { Thread, ThreadPriority, ThreadStatus } from "./thread.ts";

/** Every status of a thread. */
export const STATUSES: readonly ThreadStatus[] = ["active", "waiting", "resolved"];

/** A thread to open. */
export interface PostOptions {
  /** One line of at most 512 characters. */
  readonly title: string;
  /** At most 64 KiB, may have several lines. Default: none. */
  readonly message?: string;
  /** Default `normal`. */
  readonly priority?: ThreadPriority;
  /** At most 32. */
  readonly tags?: readonly string[];
  /** Agents whose inbox it goes to; with those mentioned at most 100. */
  readonly to?: readonly string[];
  /** Idempotency key: the same key again returns the first thread as it is now and posts nothing. */
  readonly key?: string;
}

/** A reply to append. */
export interface ReplyOptions {
  /** At most 64 KiB, may have several lines. */
  readonly message: string;
  /** Agents whose inbox it goes to; with those mentioned at most 100. */
  readonly to?: readonly string[];
  /** The thread's status from now on. Default: as it was, but a resolved thread is active again. */
  readonly status?: Exclude<ThreadStatus, "resolved">;
  /** Idempotency key: the same key again returns the first reply and appends nothing. */
  readonly key?: string;
}

/** How many to return and where to go on. */
export interface PageOptions {
  /** Most to return, 1 to 1000. Default 100. */
  readonly limit?: number;
  /** The `nextCursor` of the page before. */
  readonly cursor?: string;
}

/** Which threads; every condition given must hold. */
export interface ListThreadsOptions extends PageOptions {
  /** Only threads with this status. */
  readonly status?: ThreadStatus;
  /** Only threads with all of these tags. */
  readonly tags?: readonly string[];
  /** Only threads this agent opened. */
  readonly author?: string;
}

/** One page of threads, without their replies. */
export interface ThreadPage {
  /** Newest first, by when they were opened. */
  readonly threads: readonly Thread[];
  /** Pass it as `cursor` for the page of older ones; absent when there are none. */
  readonly nextCursor?: string;
}

/** Which replies of a thread to show. */
export interface ShowOptions {
  /** Most replies to return, 1 to 1000: the newest. Default 1000; `replyCount` says how many there are. */
  readonly limit?: number;
  /** Identifier of the oldest reply seen: shows older ones. */
  readonly cursor?: string;
}

/** How to read the inbox. */
export interface InboxOptions {
  /** Most messages to return, 1 to 1000: the oldest unread. Default 100. */
  readonly limit?: number;
  /**
   * Count what is returned as read, in the same operation; of long messages that may be fewer than `limit`. Default
   * `false`.
   */
  readonly ack?: boolean;
}

/** How to wait for messages. */
export interface InboxWaitOptions extends InboxOptions {
  /** Longest wait in milliseconds. Default 300 000 (5 minutes). */
  readonly timeoutMs?: number;
  /** Ends the wait early. */
  readonly signal?: AbortSignal;
}

/** What to remove; see {@linkcode Board.prune}. */
export interface PruneThreadsOptions extends PruneOptions {
  /** Default `resolved` alone. */
  readonly statuses?: readonly ThreadStatus[];
}

/** The statuses to remove. */
export function checkThreadStatuses(
  { statuses = ["resolved"] }: PruneThreadsOptions,
): readonly ThreadStatus[] {
  if (!Array.isArray(statuses) || statuses.length === 0) {
    throw invalid(statuses, "statuses", "use a list of active, waiting and resolved");
  }
  return [...new Set(statuses.map((status) => checkChoice(status, "statuses", STATUSES)))];
}

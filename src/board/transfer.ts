/**
 * Threads, messages and what was read on their way from one store into another; see src/transfer.ts.
 *
 * Messages come in the order in which they were written, whatever threads they belong to; who wrote in a thread, and has
 * read it, comes after all its messages. Words and the places in lists are worked out again.
 * @module
 */
import type { Recipient } from "./store.ts";
import type { ThreadPriority, ThreadStatus } from "./thread.ts";

/** A thread with some of its messages, that one was removed, or how far an agent has read. */
export type ThreadRecord = MovedThread | { readonly removed: string } | MovedReader;

/** A thread as it is now, with some of its messages, or with all its members. */
export interface MovedThread {
  /** Its identifier. */
  readonly id: string;
  /** Its idempotency key. */
  readonly key?: string;
  readonly title: string;
  readonly author: string;
  readonly priority: ThreadPriority;
  readonly tags: readonly string[];
  readonly status: ThreadStatus;
  /** How many replies it has, whether they are among `messages` or not. */
  readonly replyCount: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  /** Messages that follow each other, oldest first. */
  readonly messages: readonly MovedMessage[];
  /** Who has written in it; absent while messages may be left to tell. */
  readonly members?: readonly MovedMember[];
}

/** One message. */
export interface MovedMessage {
  /** Its identifier. */
  readonly id: string;
  /** Whether it opens the thread. */
  readonly opens: boolean;
  /** The idempotency key of a reply. */
  readonly key?: string;
  readonly author: string;
  readonly message: string;
  readonly to: readonly string[];
  readonly atMs: number;
  /** Whose inbox it went to. */
  readonly recipients: readonly MovedRecipient[];
}

/** An agent that a message names. */
export interface MovedRecipient extends Recipient {
  /** Whether it has not read the message yet. */
  readonly unread: boolean;
}

/** An agent that wrote in a thread. */
export interface MovedMember {
  readonly name: string;
  /** Identifier of the first reply of somebody else's that it has not read; absent when it has read all. */
  readonly unreadFrom?: string;
}

/** Which threads of high priority an agent has read. */
export interface MovedReader {
  /** The agent's name. */
  readonly reader: string;
  /** It has read all of them that were opened before this instant. */
  readonly beforeMs: number;
  /** Their identifiers. */
  readonly threads: readonly string[];
}

/**
 * The contract between the rooms and the place where state lives.
 *
 * A store offers each primitive's atomic steps. Steps return expected refusals as tagged values and
 * throw only {@linkcode StoreUnavailableError}; waiting, renewing and the public errors belong to the
 * rooms. Opening a room loads its code, so a process pays only for what it uses.
 * @module
 */
import type { AgentStore } from "./agent/store.ts";
import type { ApprovalStore } from "./approval/store.ts";
import type { AuditStore } from "./audit/store.ts";
import type { BoardStore } from "./board/store.ts";
import type { EventStore } from "./event/store.ts";
import type { LockStore } from "./lock/store.ts";
import type { TaskStore } from "./task/store.ts";
import type { Waker } from "./engine/waker.ts";

/** Where the state of one namespace lives. */
export interface Store {
  /** Which engine keeps it. */
  readonly kind: "directory" | "redis";
  /** Where that is, without secrets. */
  readonly location: string;
  /** Steps on locks. */
  locks(): Promise<LockStore>;
  /** Steps on agents. */
  agents(): Promise<AgentStore>;
  /** Steps on tasks. */
  tasks(): Promise<TaskStore>;
  /** Steps on the board and the inboxes. */
  board(): Promise<BoardStore>;
  /** Steps on approvals. */
  approvals(): Promise<ApprovalStore>;
  /** Steps on the audit log. */
  audit(): Promise<AuditStore>;
  /** Steps on the event stream. */
  events(): Promise<EventStore>;
  /**
   * How far the store's clock was from this host's at the last step, in milliseconds: positive when it is ahead.
   * Absent before the first step.
   */
  readonly clockAheadMs?: number | undefined;
  /** This process's waker, made at the first call. Settled once a wake-up can arrive. */
  waker(): Promise<Waker>;
  /**
   * Waits for steps under way, then lets go of every file and connection. With `exiting` the process ends
   * right after: what the kernel closes by itself is left to it.
   */
  close(options?: { readonly exiting?: boolean }): Promise<void>;
}

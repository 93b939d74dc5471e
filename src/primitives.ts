/**
 * The one table of primitives. A store, lazy opening, the engines' wings, clients, sessions and what tests go through
 * are derived from it, so that the compiler names every place where a new one is missing.
 * @module
 */
import type { AgentStore } from "./agent/store.ts";
import type { ApprovalStore } from "./approval/store.ts";
import type { AuditStore } from "./audit/store.ts";
import type { BoardStore } from "./board/store.ts";
import type { EventStore } from "./event/store.ts";
import type { LockStore } from "./lock/store.ts";
import type { TaskStore } from "./task/store.ts";

/** The primitives, each with the atomic operations that a store offers on it. */
export interface Operations {
  readonly locks: LockStore;
  readonly agents: AgentStore;
  readonly tasks: TaskStore;
  /** The board and the inboxes. */
  readonly board: BoardStore;
  readonly approvals: ApprovalStore;
  /** The audit log. */
  readonly audit: AuditStore;
  /** The event stream. */
  readonly events: EventStore;
}

/** The name of a primitive. */
export type Primitive = keyof Operations;

/** Gives the operations on each primitive; the first call for one loads its code. */
export type Openers = { readonly [Name in Primitive]: () => Promise<Operations[Name]> };

const NAMES: Readonly<Record<Primitive, true>> = {
  locks: true,
  agents: true,
  tasks: true,
  board: true,
  approvals: true,
  audit: true,
  events: true,
};

/** All of them. */
export const PRIMITIVES: readonly Primitive[] = Object.keys(NAMES) as Primitive[];

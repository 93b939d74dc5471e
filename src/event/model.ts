/**
 * Events as everybody sees them.
 * @module
 */
import { sequencedId } from "../id.ts";

/** What can happen. The first word is the primitive. */
export type EventType =
  | "lock.acquired"
  | "lock.released"
  | "lock.expired"
  | "lock.broken"
  | "agent.registered"
  | "agent.deregistered"
  | "agent.pruned"
  | "task.created"
  | "task.claimed"
  | "task.completed"
  | "task.failed"
  | "task.expired"
  | "task.released"
  | "task.dead"
  | "task.cancelled"
  | "task.retried"
  | "task.updated"
  | "task.pruned"
  | "thread.posted"
  | "thread.replied"
  | "thread.resolved"
  | "thread.pruned"
  | "approval.requested"
  | "approval.approved"
  | "approval.rejected"
  | "approval.expired"
  | "approval.used"
  | "approval.pruned"
  | "audit.logged"
  | "store.restored"
  | "store.failed_over"
  | "store.failed_back"
  | "store.conflict";

/** Every {@linkcode EventType}. */
export const EVENT_TYPES: readonly EventType[] = Object.freeze([
  "lock.acquired",
  "lock.released",
  "lock.expired",
  "lock.broken",
  "agent.registered",
  "agent.deregistered",
  "agent.pruned",
  "task.created",
  "task.claimed",
  "task.completed",
  "task.failed",
  "task.expired",
  "task.released",
  "task.dead",
  "task.cancelled",
  "task.retried",
  "task.updated",
  "task.pruned",
  "thread.posted",
  "thread.replied",
  "thread.resolved",
  "thread.pruned",
  "approval.requested",
  "approval.approved",
  "approval.rejected",
  "approval.expired",
  "approval.used",
  "approval.pruned",
  "audit.logged",
  "store.restored",
  "store.failed_over",
  "store.failed_back",
  "store.conflict",
]);

/** One thing that happened. */
export interface CoordEvent {
  /** `evt_…`; sorts by order of happening, and is the cursor for what comes after. */
  readonly id: string;
  /** What happened. */
  readonly type: EventType;
  /** To what: a lock's path, an agent's name, or the identifier of a task, thread or approval. */
  readonly subject: string;
  /** Who did it; absent when nobody did, as when a lease lapses without a holder. */
  readonly agent?: string;
  /** When, in epoch milliseconds of the store's clock. */
  readonly atMs: number;
  /** A few facts that depend on the type, such as a lease's fence. */
  readonly data?: Readonly<Record<string, unknown>>;
}

/** The identifier of the event with this number. */
export function eventId(seq: number, atMs: number): string {
  return sequencedId("evt", atMs, seq);
}

/** How many events a store keeps at least; older ones are dropped as new ones arrive. */
export const EVENTS_KEPT = 100_000;

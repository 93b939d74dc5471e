/**
 * The event stream: what happened to locks, tasks, approvals, agents and threads, in one order.
 * @module
 */

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
  | "thread.posted"
  | "thread.replied"
  | "thread.resolved"
  | "approval.requested"
  | "approval.approved"
  | "approval.rejected"
  | "approval.expired"
  | "audit.logged";

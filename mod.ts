/**
 * AgentCoord: lets several AI agents, scripts, CI jobs and people work on one codebase without stepping on
 * each other. File locks, an agent registry, a priority task queue, a threaded board, blocking
 * approvals and an audit log, in one directory that every process shares or on a Redis server.
 *
 * @example Lock a file, do a task, tell the others, and put the decision on the record
 * ```ts
 * import { CoordinationClient } from "@agentcoord/agentcoord";
 *
 * const directory = await Deno.makeTempDir();
 * await using client = await CoordinationClient.open({ store: directory });
 * await using session = await client.session("ada", { role: "engineer", tags: ["backend"] });
 * await session.tasks.create([{ title: "Deploy the API", tags: ["backend"], priority: 7 }]);
 *
 * await using lock = await session.lockFile("deploy/", { intent: "deploy", waitMs: 30_000 });
 * const task = await session.claimTask({ tags: ["backend"] });
 * if (task !== undefined) {
 *   // … deploy, passing `lock.signal` on and `lock.fence` along …
 *   await session.completeTask(task, { version: "1.4.2" });
 *   await session.postThread({
 *     title: "Deployment Complete",
 *     message: `Version 1.4.2 is live (fence ${lock.fence}).`,
 *     priority: "high",
 *   });
 *   await session.logDecision({
 *     decisionType: "deployment",
 *     context: "All checks were green on commit 4f2a91c.",
 *     reason: "The fix for the login outage could not wait.",
 *   });
 * }
 * ```
 * @module
 */
export { type ClientOptions, CoordinationClient, type SessionOptions } from "./src/client.ts";
export { Primitives } from "./src/primitive_clients.ts";
export { Session } from "./src/session.ts";
export type {
  Agent,
  AgentCounts,
  AgentReport,
  AgentStatus,
  ClaimedTask,
  ReportedStatus,
  SpawnedWorker,
  SpawnModeName,
} from "./src/agent/model.ts";
export { Agents, type HeartbeatOptions, type RegisterOptions } from "./src/agent/agent.ts";
export type { Approval, ApprovalCounts, ApprovalStatus } from "./src/approval/model.ts";
export {
  type ApprovalPage,
  Approvals,
  type DecideOptions,
  type ListApprovalsOptions,
  type RequestOptions,
  type WaitForDecisionOptions,
} from "./src/approval/approval.ts";
export {
  Audit,
  type BrokenPlace,
  type Entry,
  type EntryOptions,
  type EntryPage,
  type ListEntriesOptions,
  type LogOptions,
  type TailOptions,
  type Verification,
} from "./src/audit/audit.ts";
export type { AuditDraft } from "./src/audit/entry.ts";
export {
  Board,
  type InboxOptions,
  type InboxWaitOptions,
  type ListThreadsOptions,
  type Message,
  type MessageReason,
  type PageOptions,
  type PostOptions,
  type PruneThreadsOptions,
  type Reply,
  type ReplyOptions,
  type ShowOptions,
  type Thread,
  type ThreadCounts,
  type ThreadPage,
  type ThreadPriority,
  type ThreadStatus,
} from "./src/board/board.ts";
export type { ReleasedCounts } from "./src/agent/store.ts";
export type { Clock } from "./src/clock.ts";
export type { Durability, Fallback } from "./src/config.ts";
export type {
  AuthorityWarning,
  LapsingLease,
  LapsingWarning,
  LossWarning,
  NoFallbackWarning,
  StoreWarning,
} from "./src/engine/warning.ts";
export {
  ConflictError,
  CoordError,
  DeniedError,
  type ErrorCode,
  type ErrorDetails,
  EXIT_CODES,
  InvalidArgumentError,
  LeaseLostError,
  NotFoundError,
  NothingToClaimError,
  StoreUnavailableError,
  TimeoutError,
} from "./src/errors.ts";
export type { CoordEvent, EventType } from "./src/event/model.ts";
export {
  type EventPage,
  Events,
  type EventsSince,
  type FollowOptions,
  type ListEventsOptions,
} from "./src/event/event.ts";
export {
  type Authority,
  type Failback,
  Failover,
  type JournalOptions,
  type SitesOptions,
} from "./src/failover.ts";
export { HeldLock } from "./src/lock/held.ts";
export type { Lease, LockCheck, LockMode } from "./src/lock/model.ts";
export {
  type AcquireOptions,
  type BreakOptions,
  type CheckOptions,
  type HoldOptions,
  Locks,
  type LockTarget,
  type RenewLockOptions,
  type TenureOptions,
} from "./src/lock/lock.ts";
export type { AcquireOutcome, Blocker } from "./src/lock/store.ts";
export { HeldTask, type TaskVerdict } from "./src/task/held.ts";
export {
  type Attempt,
  type AttemptOutcome,
  type Backoff,
  type ClaimOptions,
  type CompleteOptions,
  type EndedStatus,
  type FailOptions,
  type JsonValue,
  type ListTasksOptions,
  type NewTask,
  type NextOptions,
  type PruneTasksOptions,
  type ReleaseTaskOptions,
  type RenewOptions,
  type Task,
  type TaskChanges,
  type TaskCounts,
  type TaskDetails,
  type TaskExplanation,
  type TaskLease,
  type TaskPage,
  type TaskPath,
  Tasks,
  type TaskStatus,
  type TaskTenure,
  type WantedPath,
  type WhyReason,
} from "./src/task/task.ts";
export type {
  EndedAttempt,
  TaskHandler,
  WorkerOptions,
  WorkerOutcome,
  WorkerReport,
} from "./src/worker/model.ts";
export { runWorker } from "./src/worker/worker.ts";
export type { Journal, JournalEntry, Site, UnreachableTasks } from "./src/store.ts";
export type { TransferConflict } from "./src/transfer.ts";
export { VERSION } from "./src/version.ts";
export { type Pruned, type PruneOptions } from "./src/prune.ts";

/**
 * The list of commands. A leaf's code is loaded only when it is called.
 * @module
 */
import type { CommandEntry, CommandGroup } from "../src/cli/program.ts";

/** Groups of commands, in the order help shows them. */
export const GROUPS: readonly CommandGroup[] = [
  { name: "lock", summary: "lock files and directories" },
  { name: "agent", summary: "who takes part" },
  { name: "task", summary: "the queue of work" },
  { name: "board", summary: "threads that everybody reads" },
  { name: "inbox", summary: "messages for the acting agent" },
  { name: "approval", summary: "ask somebody before acting" },
  { name: "audit", summary: "the record of decisions" },
  { name: "workers", summary: "the workers that were spawned" },
  { name: "store", summary: "where the state lives" },
];

/** Every command, in the order help shows them. */
export const COMMANDS: readonly CommandEntry[] = [
  { path: "status", summary: "show where everything stands", load: () => import("./status.ts") },
  { path: "agents", summary: "show who takes part", load: () => import("./agent/list.ts") },
  { path: "locks", summary: "show who holds what", load: () => import("./lock/list.ts") },
  {
    path: "tasks",
    summary: "show tasks, the open ones first",
    load: () => import("./task/list.ts"),
  },
  {
    path: "approvals",
    summary: "show approvals, newest first",
    load: () => import("./approval/list.ts"),
  },
  { path: "hung", summary: "show who has gone silent", load: () => import("./hung.ts") },
  {
    path: "approve",
    summary: "approve what somebody asked for",
    load: () => import("./approval/approve.ts"),
  },
  {
    path: "reject",
    summary: "reject what somebody asked for",
    load: () => import("./approval/reject.ts"),
  },
  {
    path: "work",
    summary: "run a command for every task",
    load: () => import("./work.ts"),
  },
  {
    path: "spawn",
    summary: "start a worker that goes on by itself",
    load: () => import("./spawn.ts"),
  },
  { path: "events", summary: "show what happened, in order", load: () => import("./events.ts") },
  {
    path: "init",
    summary: "make the store, and keep settings for the project",
    load: () => import("./init.ts"),
  },
  {
    path: "demo",
    summary: "watch several real processes share one repository",
    load: () => import("./demo/run.ts"),
  },
  {
    path: "doctor",
    summary: "find out whether the store works here, and why not",
    load: () => import("./doctor.ts"),
  },
  {
    path: "config",
    summary: "show every setting and where it comes from",
    load: () => import("./config.ts"),
  },
  {
    path: "trust",
    summary: "let the project's file name a server",
    load: () => import("./trust.ts"),
  },
  {
    path: "login",
    summary: "keep the password of a server, for you alone",
    load: () => import("./login.ts"),
  },
  {
    path: "logout",
    summary: "forget the password of a server",
    load: () => import("./logout.ts"),
  },
  {
    path: "completions",
    summary: "print a script that completes commands in your shell",
    load: () => import("./completions.ts"),
  },
  {
    path: "version",
    summary: "print the version and what it runs on",
    load: () => import("./version.ts"),
  },
  {
    path: "lock acquire",
    summary: "take locks on paths, all or none",
    load: () => import("./lock/acquire.ts"),
  },
  { path: "lock release", summary: "give locks back", load: () => import("./lock/release.ts") },
  { path: "lock renew", summary: "extend locks", load: () => import("./lock/renew.ts") },
  {
    path: "lock verify",
    summary: "check that a fence is still current",
    load: () => import("./lock/verify.ts"),
  },
  {
    path: "lock check",
    summary: "ask whether paths are free, and who holds them",
    load: () => import("./lock/check.ts"),
  },
  {
    path: "lock break",
    summary: "end somebody's lock; audited",
    load: () => import("./lock/break.ts"),
  },
  {
    path: "lock run",
    summary: "run a command while holding locks",
    load: () => import("./lock/run.ts"),
  },
  { path: "lock list", summary: "show who holds what", load: () => import("./lock/list.ts") },
  {
    path: "agent run",
    summary: "run a command as a registered agent",
    load: () => import("./agent/run.ts"),
  },
  {
    path: "agent register",
    summary: "give an agent its name, role and tags",
    load: () => import("./agent/register.ts"),
  },
  {
    path: "agent heartbeat",
    summary: "say that the acting agent lives, and renew all it holds",
    load: () => import("./agent/heartbeat.ts"),
  },
  {
    path: "agent deregister",
    summary: "leave, and give everything back",
    load: () => import("./agent/deregister.ts"),
  },
  { path: "agent show", summary: "show one agent", load: () => import("./agent/show.ts") },
  { path: "agent list", summary: "show who takes part", load: () => import("./agent/list.ts") },
  {
    path: "agent prune",
    summary: "remove the agents that are gone",
    load: () => import("./agent/prune.ts"),
  },
  { path: "task add", summary: "put tasks into the queue", load: () => import("./task/add.ts") },
  {
    path: "task claim",
    summary: "take the best pending tasks",
    load: () => import("./task/claim.ts"),
  },
  {
    path: "task complete",
    summary: "hand in a claimed task",
    load: () => import("./task/complete.ts"),
  },
  {
    path: "task fail",
    summary: "end an attempt without success",
    load: () => import("./task/fail.ts"),
  },
  {
    path: "task renew",
    summary: "extend a claim, and note the progress",
    load: () => import("./task/renew.ts"),
  },
  {
    path: "task release",
    summary: "give a claimed task back to the queue",
    load: () => import("./task/release.ts"),
  },
  { path: "task cancel", summary: "end a task for good", load: () => import("./task/cancel.ts") },
  {
    path: "task retry",
    summary: "bring a dead or cancelled task back",
    load: () => import("./task/retry.ts"),
  },
  {
    path: "task update",
    summary: "change a task nobody works on yet",
    load: () => import("./task/update.ts"),
  },
  { path: "task show", summary: "show one task", load: () => import("./task/show.ts") },
  {
    path: "task why",
    summary: "say why a task is not being worked on",
    load: () => import("./task/why.ts"),
  },
  {
    path: "task list",
    summary: "show tasks, the open ones first",
    load: () => import("./task/list.ts"),
  },
  {
    path: "task prune",
    summary: "remove tasks that ended long ago",
    load: () => import("./task/prune.ts"),
  },
  { path: "task counts", summary: "count tasks by status", load: () => import("./task/counts.ts") },
  {
    path: "board list",
    summary: "show threads, newest first",
    load: () => import("./board/list.ts"),
    isDefault: true,
  },
  { path: "board post", summary: "open a thread", load: () => import("./board/post.ts") },
  { path: "board reply", summary: "answer in a thread", load: () => import("./board/reply.ts") },
  {
    path: "board show",
    summary: "show a thread with its replies",
    load: () => import("./board/show.ts"),
  },
  { path: "board resolve", summary: "close a thread", load: () => import("./board/resolve.ts") },
  {
    path: "board prune",
    summary: "remove threads that were resolved long ago",
    load: () => import("./board/prune.ts"),
  },
  {
    path: "board search",
    summary: "find threads by their words",
    load: () => import("./board/search.ts"),
  },
  {
    path: "inbox list",
    summary: "show what is unread",
    load: () => import("./inbox/list.ts"),
    isDefault: true,
  },
  {
    path: "inbox wait",
    summary: "block until something is unread",
    load: () => import("./inbox/wait.ts"),
  },
  { path: "inbox ack", summary: "count messages as read", load: () => import("./inbox/ack.ts") },
  {
    path: "approval run",
    summary: "run a command once it is approved",
    load: () => import("./approval/run.ts"),
  },
  {
    path: "approval request",
    summary: "ask for an approval",
    load: () => import("./approval/request.ts"),
  },
  {
    path: "approval wait",
    summary: "block until somebody decides",
    load: () => import("./approval/wait.ts"),
  },
  {
    path: "approval prune",
    summary: "remove approvals that ended long ago",
    load: () => import("./approval/prune.ts"),
  },
  { path: "approval show", summary: "show one approval", load: () => import("./approval/show.ts") },
  {
    path: "approval list",
    summary: "show approvals, newest first",
    load: () => import("./approval/list.ts"),
  },
  {
    path: "workers list",
    summary: "show the workers that were spawned",
    load: () => import("./workers/list.ts"),
    isDefault: true,
  },
  {
    path: "workers logs",
    summary: "show what a worker wrote",
    load: () => import("./workers/logs.ts"),
  },
  {
    path: "workers stop",
    summary: "end workers once their tasks are done, or at once",
    load: () => import("./workers/stop.ts"),
  },
  {
    path: "audit log",
    summary: "put a decision on the record",
    load: () => import("./audit/log.ts"),
  },
  {
    path: "audit list",
    summary: "show decisions, newest last",
    load: () => import("./audit/list.ts"),
  },
  {
    path: "audit tail",
    summary: "show the newest decisions, and follow",
    load: () => import("./audit/tail.ts"),
  },
  {
    path: "audit verify",
    summary: "check that nobody changed the record",
    load: () => import("./audit/verify.ts"),
  },
  {
    path: "store sites",
    summary: "show who else uses the server",
    load: () => import("./store/sites.ts"),
  },
  {
    path: "store journal",
    summary: "show what waits to be moved back to the server",
    load: () => import("./store/journal.ts"),
  },
  {
    path: "store failback",
    summary: "move what stood in for a server back to it",
    load: () => import("./store/failback.ts"),
  },
  {
    path: "doctor-worker",
    summary: "one process of doctor --selftest",
    load: () => import("./doctor_worker.ts"),
    hidden: true,
  },
  {
    path: "demo-worker",
    summary: "one worker of the demo",
    load: () => import("./demo/worker.ts"),
    hidden: true,
  },
  {
    path: "demo-coordinator",
    summary: "the coordinator of the demo",
    load: () => import("./demo/coordinator.ts"),
    hidden: true,
  },
];

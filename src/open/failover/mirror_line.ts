/**
 * What a mirror says, line by line.
 * @module
 */
import type { Agent } from "../../agent/model.ts";
import type { LockMode } from "../../lock/model.ts";
import type { LeaseRecord } from "../../lock/transfer.ts";
import type { Task } from "../../task/model.ts";

/** A lease on a lock. */
export interface MirrorLease extends Omit<LeaseRecord, "kind" | "leftMs"> {
  /** When it lapses at the latest: the host's clock at the reply plus its length. */
  readonly untilMs: number;
}

/** One who waits for locks. */
export interface MirrorWaiter {
  readonly id: string;
  readonly agent: string;
  readonly mode: LockMode;
  /** Every name of what it waits for. */
  readonly paths: readonly string[];
  /** Only known from the mirror before this one: it has not looked at the store since, and may be dead. */
  readonly carried?: boolean;
}

/** One line of a mirror: what Redis has confirmed. Instants are of the host's clock. */
export type MirrorLine =
  /** Leases were granted, or granted again under the same fence. */
  | { readonly op: "lease"; readonly leases: readonly MirrorLease[] }
  /** Leases were renewed; `ttlMs` where that changed their length. */
  | {
    readonly op: "renew";
    readonly leases: readonly {
      readonly path: string;
      readonly fence: number;
      readonly untilMs: number;
      readonly ttlMs?: number;
    }[];
  }
  /** Leases have ended. */
  | {
    readonly op: "end";
    readonly leases: readonly { readonly path: string; readonly fence: number }[];
  }
  /** Everything that this agent held under fences up to this one has ended, tasks as well. */
  | { readonly op: "end_all"; readonly holder: string; readonly fence: number }
  /** A heartbeat renewed each live lease of this agent, on tasks as well, by its own length. */
  | { readonly op: "beat"; readonly holder: string; readonly atMs: number }
  /** Tasks were claimed; `untilMs` in their order, `leaseMs` where the claim said it. */
  | {
    readonly op: "claim";
    readonly tasks: readonly Task[];
    readonly leaseMs?: number;
    readonly untilMs: readonly number[];
  }
  /** A task's lease was renewed; `leaseMs` where that changed its length. */
  | {
    readonly op: "renew_task";
    readonly id: string;
    readonly fence: number;
    readonly untilMs: number;
    readonly leaseMs?: number;
    readonly progress?: string;
  }
  /** The tenures of a task up to this fence have ended; `forGood`: the task is not open any more. */
  | {
    readonly op: "end_task";
    readonly id: string;
    readonly fence: number;
    readonly forGood?: boolean;
  }
  /** Redis has so many open tasks. Notes before this one count no more for that. */
  | { readonly op: "open_tasks"; readonly count: number; readonly atMs: number }
  /** Tasks are open: new ones, or some that had ended. */
  | { readonly op: "opened"; readonly ids: readonly string[]; readonly again?: boolean }
  /** An agent as it is now. */
  | { readonly op: "agent"; readonly agent: Agent }
  /** An agent has left at this instant of Redis; one seen since is another of that name. */
  | { readonly op: "agent_gone"; readonly name: string; readonly atMs: number }
  /** Somebody waits for locks; said again each time it looks. */
  | { readonly op: "wait"; readonly waiter: MirrorWaiter }
  /** It waits no more. */
  | { readonly op: "wait_end"; readonly id: string };

/** A task that is claimed. */
export interface MirrorTask {
  /** As its claim showed it, with the newest progress. */
  readonly task: Task;
  /** Length of its lease, in milliseconds. */
  readonly leaseMs: number;
  /** When the lease lapses at the latest, by the host's clock. */
  readonly untilMs: number;
}

/** How many tasks Redis has that have not ended. */
export interface OpenTasks {
  readonly count: number;
  /** When Redis was asked last, by the host's clock; what this site has done since is counted in. */
  readonly atMs: number;
}

/** What a mirror amounts to. */
export interface MirrorState {
  /** Live leases on locks. */
  readonly leases: readonly MirrorLease[];
  /** Claimed tasks whose lease is live. */
  readonly tasks: readonly MirrorTask[];
  /** Registered agents. */
  readonly agents: readonly Agent[];
  /** Who waits for locks, in the order in which they came. */
  readonly waiters: readonly MirrorWaiter[];
  /** Absent when Redis was never asked. */
  readonly openTasks?: OpenTasks;
}

/**
 * What a fault campaign writes down: every call with its answer, what the critical sections witnessed, and what was
 * done to whom. Instants are milliseconds of one clock that all processes of the host share and nobody sets.
 * @module
 */

/** Names a kind of call. */
export type Operation =
  | "lock.acquire"
  | "lock.renew"
  | "lock.release"
  | "task.create"
  | "task.claim"
  | "task.complete"
  | "board.post"
  | "board.reply"
  | "approval.request"
  | "approval.decide"
  | "approval.wait"
  | "inbox.wait"
  | "audit.log";

/** What matters of a call's arguments or of its answer; which are there depends on the operation. */
export interface Essence {
  /** Of a lock. */
  readonly path?: string;
  /** Of a lock or a task's attempt. */
  readonly fence?: number;
  /** How long the lease was asked for. */
  readonly leaseMs?: number;
  /** When the lease ends as the store has answered, by the clock that all processes share. */
  readonly untilMs?: number;
  /** The longest wait asked for. */
  readonly limitMs?: number;
  /** A text that no other call uses: it comes back in the record that the call made. */
  readonly nonce?: string;
  /** Of the record. */
  readonly id?: string;
  /** Of an approval. */
  readonly status?: string;
  /** Whom a message addresses. */
  readonly to?: string;
}

/** One line of a worker's own history. */
export type Line =
  /** A process began, or left of its own accord. */
  | { readonly kind: "start" | "leave"; readonly pid: number; readonly slot: number }
  /** A call is about to be made; `call` names it. */
  | {
    readonly kind: "begin";
    readonly call: string;
    readonly pid: number;
    readonly slot: number;
    readonly agent: string;
    readonly operation: Operation;
    readonly atMs: number;
    readonly given: Essence;
  }
  /** It was answered: `outcome` is `ok`, an error's code, or `unexpected`. */
  | {
    readonly kind: "end";
    readonly call: string;
    readonly atMs: number;
    readonly outcome: string;
    readonly answer: Essence;
    /** Of an error that may not be. */
    readonly message?: string;
  }
  /** A follower of the stream was handed an event, or one of the audit log an entry. */
  | {
    readonly kind: "event" | "entry";
    readonly follower: string;
    readonly id: string;
    readonly atMs: number;
  };

/** A critical section began or ended, as its holder wrote into the file that all holders append to. */
export interface Mark {
  readonly path: string;
  readonly fence: number;
  readonly edge: "begin" | "end";
  readonly atMs: number;
}

/** A task's effect, as the worker that had it wrote into the file that all append to. */
export interface Effect {
  readonly id: string;
  readonly fence: number;
  readonly atMs: number;
}

/** What is going on in a site whose directory stands in for a server. */
export type Phase = "at ease" | "failing over" | "outage" | "failing back";

/** Something that was done to a process, a connection or the server. */
export interface Fault {
  readonly what: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** Whose worker it hit; absent when it hit everybody. */
  readonly slot?: number;
  /** The process that was ended by it. */
  readonly killed?: number;
  /** The server lost what was acknowledged by calls that began before this. */
  readonly losesBeforeMs?: number;
  /** What was going on when it began. */
  readonly phase?: Phase;
  /** The process was inside an operation. */
  readonly inside?: boolean;
  /** Another store stood in, and what the server had was out of reach meanwhile. */
  readonly outOfReach?: true;
}

/** An entry of the audit log as the store keeps it. */
export interface FinalEntry {
  readonly id: string;
  readonly agent: string;
  readonly decisionType: string;
  readonly context: string;
  readonly reason: string;
  readonly refs: readonly string[];
  readonly contentHash: string;
  readonly link: string;
}

/** What the store says when everything has healed. */
export interface Final {
  readonly tasks: readonly {
    readonly id: string;
    readonly nonce: string;
    readonly status: string;
    readonly attempts: readonly { readonly fence: number; readonly outcome?: string }[];
  }[];
  readonly threads: readonly { readonly id: string; readonly nonce: string }[];
  readonly replies: readonly { readonly id: string; readonly nonce: string }[];
  readonly approvals: readonly {
    readonly id: string;
    readonly nonce: string;
    readonly status: string;
    readonly decidedBy?: string;
  }[];
  /** Oldest first. */
  readonly entries: readonly FinalEntry[];
  /** In order, as far as they are kept. */
  readonly events: readonly { readonly id: string; readonly type: string }[];
}

/** Everything there is to judge. */
export interface History {
  readonly lines: readonly Line[];
  readonly marks: readonly Mark[];
  readonly effects: readonly Effect[];
  readonly faults: readonly Fault[];
  readonly final: Final;
}

/**
 * The atomic operations on agents that every store offers.
 * @module
 */
import type { Lease } from "../lock/model.ts";
import type { Actor } from "../engine/actor.ts";
import type { Agent, AgentCounts, ClaimedTask, ReportedStatus } from "./model.ts";

/** What a registration sets. What is left out stays as it was under this name, or is empty. */
export interface Registration {
  /** `agt_…`, made by the client: a repeated operation is known by it. Becomes the agent's own if it is new. */
  readonly id: string;
  readonly name: string;
  readonly host: string;
  readonly pid?: number;
  readonly role?: string;
  readonly workingOn?: string;
  readonly tags?: readonly string[];
  readonly ttlMs: number;
  /** Where it can be found, as JSON. Is forgotten by a registration of an agent that had deregistered. */
  readonly worker?: string;
  /** Take the name even when a live agent has it. */
  readonly takeover: boolean;
}

/** What became of a {@linkcode Registration}. */
export type RegisterOutcome =
  | { readonly kind: "registered"; readonly agent: Agent }
  /** A live agent has the name. */
  | { readonly kind: "taken"; readonly agent: Agent; readonly nowMs: number };

/** What an agent held and released by leaving. */
export interface ReleasedCounts {
  /** Leases on locks that it released. */
  readonly locks: number;
  /** Tasks that it returned to the queue. */
  readonly tasks: number;
}

/** An agent that has left. */
export interface Departure extends ReleasedCounts {
  /** Of the leases that it held, none has a greater fence: one that it holds under such a fence came later. */
  readonly fence: number;
  /** When it left, by the store's clock. */
  readonly atMs: number;
}

/** Some of the agents that a call is about. */
export interface AgentPortion {
  readonly agents: readonly Agent[];
  /** Where the next portion begins; absent after the last one. */
  readonly next?: string;
}

/** Atomic operations only; validation and throwing belong to {@linkcode Agents}. */
export interface AgentStore {
  /** Registers a name that is new, lapsed, gone, or on this host known by its acts alone. */
  register(registration: Registration): Promise<RegisterOutcome>;
  /**
   * A sign of life that also renews every live lease the agent holds, `LEASES_PER_OPERATION` an operation;
   * registers it when it is unknown or gone.
   */
  heartbeat(
    actor: Actor,
    news: { readonly status?: ReportedStatus; readonly workingOn?: string },
  ): Promise<Agent>;
  /** A sign of life, as every act is one: renews no lease; registers the agent when it is unknown or gone. */
  touch(actor: Actor): Promise<void>;
  /**
   * Ends every lease of the agent, `LEASES_PER_OPERATION` an operation, and with the last of them the agent;
   * `undefined` when nobody has that name. Cut short, it has released some and still is an agent, which
   * holds the others until they lapse or it is called again.
   */
  deregister(name: string): Promise<Departure | undefined>;
  /**
   * Removes at most `limit` agents that are gone and hold no live lease, in a portion that begins where the one
   * before says.
   */
  prune(actor: Actor, limit: number, from?: string): Promise<AgentPortion>;
  /**
   * Notes where an agent can be found, as JSON, if what is noted still is `expected`. Answers the agent as it is then;
   * `undefined` when nobody has that name.
   */
  assign(
    name: string,
    expected: string | undefined,
    worker: string,
  ): Promise<Agent | undefined>;
  /** One agent. */
  get(name: string): Promise<Agent | undefined>;
  /** One agent with what it holds. */
  explain(name: string): Promise<
    | {
      readonly agent: Agent;
      readonly locks: readonly Lease[];
      readonly tasks: readonly ClaimedTask[];
    }
    | undefined
  >;
  /** Every agent, by name. Of very many, a portion per operation, here and in what follows. */
  list(): Promise<readonly Agent[]>;
  /** Every agent silent for longer than this and not gone, the longest silent first. */
  hung(thresholdMs: number): Promise<readonly Agent[]>;
  /** How many agents there are of each status. */
  summary(): Promise<AgentCounts>;
}

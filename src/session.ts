/**
 * One agent at work: every room bound to its name, heartbeats in the background, and the few calls
 * that most programs need under one roof.
 * @module
 */
import { type Agent, Agents } from "./agent/agent.ts";
import { type Approval, Approvals, type RequestOptions } from "./approval/approval.ts";
import { Audit, type Entry, type LogOptions } from "./audit/audit.ts";
import { Board, type PostOptions, type Thread } from "./board/board.ts";
import type { RoomContext } from "./context.ts";
import { Events } from "./event/event.ts";
import type { HeldLock } from "./lock/held.ts";
import { type HoldOptions, Locks } from "./lock/lock.ts";
import type { HeldTask } from "./task/held.ts";
import { type ClaimOptions, type JsonValue, type Task, Tasks } from "./task/task.ts";

/** How a session behaves; see {@linkcode SessionOptions}. */
export interface SessionBehaviour {
  /** Send heartbeats in the background. */
  readonly heartbeat: boolean;
  /** What closing does to the agent. */
  readonly onClose: "deregister" | "leave";
  /** Tells the client. */
  readonly onClosed: () => void;
}

/** A client acting as one agent. Open it with {@linkcode CoordinationClient.session}. */
export class Session implements AsyncDisposable {
  /** The agent as it was registered. */
  readonly agent: Agent;
  /** Locks of this agent. */
  readonly locks: Locks;
  /** This agent and the others. */
  readonly agents: Agents;
  /** The task queue. */
  readonly tasks: Tasks;
  /** The board and this agent's inbox. */
  readonly board: Board;
  /** Approvals. */
  readonly approvals: Approvals;
  /** The audit log. */
  readonly audit: Audit;
  /** The event stream. */
  readonly events: Events;
  readonly #behaviour: SessionBehaviour;
  #timer: number | undefined;
  #beating: Promise<unknown> | undefined;
  #closed = false;

  /** Used by {@linkcode CoordinationClient.session}. */
  constructor(context: RoomContext, agent: Agent, behaviour: SessionBehaviour) {
    this.agent = agent;
    this.locks = new Locks(context);
    this.agents = new Agents(context);
    this.tasks = new Tasks(context);
    this.board = new Board(context);
    this.approvals = new Approvals(context);
    this.audit = new Audit(context);
    this.events = new Events(context);
    this.#behaviour = behaviour;
    if (behaviour.heartbeat) this.#beat(agent.expiresAtMs - agent.lastHeartbeatAtMs);
  }

  /** The agent's name. */
  get name(): string {
    return this.agent.name;
  }

  /**
   * Locks a file (or several, all or none), keeps the lease alive, and releases it when the returned
   * handle goes out of scope.
   *
   * @throws {ConflictError} naming the holder; with `waitMs`, {@linkcode TimeoutError} once it has passed.
   */
  lockFile(path: string | readonly string[], options: HoldOptions = {}): Promise<HeldLock> {
    return this.locks.hold(path, options);
  }

  /**
   * Claims the best pending task and keeps its lease alive until it is completed, failed or released, or
   * the handle goes out of scope; `undefined` when none qualifies (within `waitMs`).
   */
  claimTask(options: Omit<ClaimOptions, "count"> = {}): Promise<HeldTask | undefined> {
    return this.tasks.hold(options);
  }

  /**
   * Completes a claimed task, with a result if there is one.
   *
   * @throws {LeaseLostError} when somebody else has claimed it since.
   */
  completeTask(task: HeldTask, result?: JsonValue): Promise<Task> {
    return task.complete(result);
  }

  /** Opens a thread on the board. */
  postThread(options: PostOptions): Promise<Thread> {
    return this.board.post(options);
  }

  /**
   * Asks for an approval and waits for the decision.
   *
   * @returns the approval with status `approved`, `rejected` or `expired`.
   */
  async requestApproval(options: RequestOptions): Promise<Approval> {
    const { id } = await this.approvals.request(options);
    return await this.approvals.wait(id);
  }

  /** Puts a decision on the record. */
  logDecision(options: LogOptions): Promise<Entry> {
    return this.audit.log(options);
  }

  /** Stops the heartbeats and, unless told to leave, deregisters: that releases everything it holds. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#beating;
    this.#behaviour.onClosed();
    if (this.#behaviour.onClose === "deregister") await this.agents.deregister();
  }

  /** As {@linkcode Session.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Beats every third of the agent's time to live; a beat that fails is tried again at the next. */
  #beat(ttlMs: number): void {
    this.#timer = setTimeout(() => {
      this.#beating = this.agents.heartbeat().catch(() => undefined);
      this.#beat(ttlMs);
    }, ttlMs / 3);
    Deno.unrefTimer(this.#timer);
  }
}

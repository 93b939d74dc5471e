/**
 * One agent at work: every room bound to its name, signs of life in the background, and the few calls
 * that most programs need under one roof.
 * @module
 */
import { invalid } from "./check.ts";
import type { Agent } from "./agent/model.ts";
import type { Approval } from "./approval/model.ts";
import type { RequestOptions } from "./approval/approval.ts";
import type { Entry, LogOptions } from "./audit/audit.ts";
import type { PostOptions, Thread } from "./board/board.ts";
import type { Timer } from "./clock.ts";
import type { RoomContext } from "./context.ts";
import type { HeldLock } from "./lock/held.ts";
import type { HoldOptions } from "./lock/lock.ts";
import { Primitives } from "./primitive_clients.ts";
import { HeldTask } from "./task/held.ts";
import type { ClaimOptions, JsonValue, Task } from "./task/task.ts";

/** How a session behaves; see {@linkcode SessionOptions}. */
export interface SessionBehaviour {
  /** Give signs of life in the background. */
  readonly heartbeat: boolean;
  /** What closing does to the agent. */
  readonly onClose: "deregister" | "leave";
  /** Called with every one that failed. */
  readonly onHeartbeatError: (error: unknown) => void;
  /** Tells the client. */
  readonly onClosed: () => void;
}

/** A client acting as one agent. Open it with {@linkcode CoordinationClient.session}. */
export class Session extends Primitives implements AsyncDisposable {
  /** The agent as it was registered. */
  readonly agent: Agent;
  readonly #behaviour: SessionBehaviour;
  readonly #context: RoomContext;
  #timer: Timer | undefined;
  #beating: Promise<void> | undefined;
  #closed = false;

  /** Used by {@linkcode CoordinationClient.session}. */
  constructor(context: RoomContext, agent: Agent, behaviour: SessionBehaviour) {
    super(context);
    this.agent = agent;
    this.#behaviour = behaviour;
    this.#context = context;
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
  async completeTask(task: HeldTask, result?: JsonValue): Promise<Task> {
    if (!HeldTask.is(task)) throw invalid(task, "task", "use what claimTask returned");
    return await task.complete(result);
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

  /** Stops the heartbeats and, unless the session is to stay, deregisters: that releases everything it holds. */
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

  /**
   * A sign of life every third of the agent's time to live; one that fails is reported, and tried again. It
   * renews no lease: one whose holder has lost track of it has to lapse, and the handles renew their own.
   */
  #beat(ttlMs: number): void {
    const timer = setTimeout(() => {
      this.#beating = this.#touch().catch(this.#behaviour.onHeartbeatError);
      this.#beat(ttlMs);
    }, ttlMs / 3);
    Deno.unrefTimer(timer);
    this.#timer = timer;
  }

  async #touch(): Promise<void> {
    const { store, actor } = this.#context;
    await (await store.agents()).touch(actor!);
  }
}

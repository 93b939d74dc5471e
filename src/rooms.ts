/**
 * Every primitive under one roof, bound to the same store and agent.
 * @module
 */
import { Agents } from "./agent/agent.ts";
import { Approvals } from "./approval/approval.ts";
import { Audit } from "./audit/audit.ts";
import { Board } from "./board/board.ts";
import type { RoomContext } from "./context.ts";
import { Events } from "./event/event.ts";
import { Locks } from "./lock/lock.ts";
import { Tasks } from "./task/task.ts";

/** The primitives as one client or session sees them. */
export class Rooms {
  /** Locks on paths. */
  readonly locks: Locks;
  /** The registry of agents. */
  readonly agents: Agents;
  /** The task queue. */
  readonly tasks: Tasks;
  /** The board and the inboxes. */
  readonly board: Board;
  /** Approvals. */
  readonly approvals: Approvals;
  /** The audit log. */
  readonly audit: Audit;
  /** The event stream. */
  readonly events: Events;

  /** Used by {@linkcode CoordinationClient} and {@linkcode Session}. */
  constructor(context: RoomContext) {
    this.locks = new Locks(context);
    this.agents = new Agents(context);
    this.tasks = new Tasks(context);
    this.board = new Board(context);
    this.approvals = new Approvals(context);
    this.audit = new Audit(context);
    this.events = new Events(context);
  }
}

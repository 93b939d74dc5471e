/**
 * Every primitive, bound to the same store and agent.
 * @module
 */
import { Agents } from "./agent/agent.ts";
import { Approvals } from "./approval/approval.ts";
import { Audit } from "./audit/audit.ts";
import { Board } from "./board/board.ts";
import type { RoomContext } from "./context.ts";
import { Events } from "./event/event.ts";
import { Locks } from "./lock/lock.ts";
import { type Primitive, PRIMITIVES } from "./primitives.ts";
import { Tasks } from "./task/task.ts";

/** The primitives as one client or session sees them. */
export class Primitives {
  /** Locks on paths. */
  declare readonly locks: Locks;
  /** The registry of agents. */
  declare readonly agents: Agents;
  /** The task queue. */
  declare readonly tasks: Tasks;
  /** The board and the inboxes. */
  declare readonly board: Board;
  /** Approvals. */
  declare readonly approvals: Approvals;
  /** The audit log. */
  declare readonly audit: Audit;
  /** The event stream. */
  declare readonly events: Events;

  /** Used by {@linkcode CoordinationClient} and {@linkcode Session}. */
  constructor(context: RoomContext) {
    for (const name of PRIMITIVES) Object.assign(this, { [name]: new CLIENTS[name](context) });
  }
}

const CLIENTS: {
  readonly [Name in Primitive]: new (context: RoomContext) => Primitives[Name];
} = {
  locks: Locks,
  agents: Agents,
  tasks: Tasks,
  board: Board,
  approvals: Approvals,
  audit: Audit,
  events: Events,
};

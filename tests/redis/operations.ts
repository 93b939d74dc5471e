/**
 * Every public operation of every room, once in each way that takes another path through its operation. What
 * the tests of this directory ask of all of them, they ask in a loop over {@linkcode OPERATIONS}.
 * @module
 */
import { Agents } from "../../src/agent/agent.ts";
import { Approvals } from "../../src/approval/approval.ts";
import { Audit } from "../../src/audit/audit.ts";
import { Board } from "../../src/board/board.ts";
import type { RoomContext } from "../../src/context.ts";
import { CoordError } from "../../src/errors.ts";
import { Events } from "../../src/event/event.ts";
import { Locks } from "../../src/lock/lock.ts";
import { Primitives } from "../../src/primitive_clients.ts";
import type { RedisStore } from "../../src/open/redis.ts";
import { Tasks } from "../../src/task/task.ts";
import { eventually } from "../support/wrapped.ts";
import { systemClock } from "../../src/clock.ts";
import { AGENT_OPERATIONS } from "./operations_agent.ts";
import { BOARD_OPERATIONS } from "./operations_board.ts";
import { LOCK_OPERATIONS } from "./operations_lock.ts";
import { RECORD_OPERATIONS } from "./operations_record.ts";
import { TASK_OPERATIONS } from "./operations_task.ts";
import { contextOn } from "../../dev/room_context.ts";

/** Primitives of a store. */
export const ROOMS = [
  "locks",
  "agents",
  "tasks",
  "board",
  "approvals",
  "audit",
  "events",
] as const;

/** Name of a room. */
export type Room = typeof ROOMS[number];

/** One operation, in one situation. */
export interface Operation {
  /** `locks.acquire`, as the public class of the room names it, then what is special about it. */
  readonly name: string;
  /** An operation of the store that it takes, `locks.acquire`: the one that faults hit. */
  readonly method: string;
  /** Commands it sends; of one that waits, at least and at most. Default 1. */
  readonly commands?: number | readonly [number, number];
  /** Its first command changes nothing, and finds out what the second has to be. */
  readonly looksFirst?: true;
  /** Brings the situation about. */
  readonly setup?: (bench: OperationBench) => Promise<unknown>;
  /** The operation; `given` is what the setup returned. */
  // deno-lint-ignore no-explicit-any -- each setup has an answer of its own
  readonly call: (bench: OperationBench, given: any) => Promise<unknown>;
}

/** What an operation works with. */
export interface OperationBench {
  /** The rooms as `name` sees them; without a name, as somebody who only reads. */
  readonly as: (name?: string) => Primitives;
  /** What those rooms are given, for an operation that no room takes. */
  readonly contextOf: (name?: string) => RoomContext;
  /** Moves the store's clock on. */
  readonly advance: (ms: number) => void;
  /** Takes what runs after the operation has been looked at, to end what it has left open. */
  readonly later: (end: () => Promise<unknown>) => void;
  /** Waits until this operation has been answered once since the setup. */
  readonly answered: (method: string) => Promise<unknown>;
}

/** Which calls of scripts a fault hits: all, but for one that only looks. */
export function changing({ looksFirst }: Operation): (command: readonly string[]) => boolean {
  let looks = looksFirst ? 1 : 0;
  return ([word]) => /^eval(?:sha)?$/i.test(word!) && looks-- <= 0;
}

/** All of them. */
export const OPERATIONS: readonly Operation[] = [
  ...LOCK_OPERATIONS,
  ...AGENT_OPERATIONS,
  ...TASK_OPERATIONS,
  ...BOARD_OPERATIONS,
  ...RECORD_OPERATIONS,
];

/** The public class of each room. */
export const CLASSES: Readonly<Record<Room, { readonly prototype: object }>> = {
  locks: Locks,
  agents: Agents,
  tasks: Tasks,
  board: Board,
  approvals: Approvals,
  audit: Audit,
  events: Events,
};

/** Called with the name of an operation and what runs it. */
export type OperationWatch = (method: string, run: () => Promise<unknown>) => Promise<unknown>;

/** A store whose clock the test moves, and whose operations it watches. */
export class Bench implements OperationBench {
  readonly store: RedisStore;
  readonly #watched: RedisStore;
  readonly #clock: { nowMs: number };
  readonly #answered = new Map<string, number>();
  readonly #endings: (() => Promise<unknown>)[] = [];
  /** Set by a test for the time in which it does something to operations. */
  watch: OperationWatch = (_, run) => run();

  /** `clock` is what `store` was opened with. */
  constructor(store: RedisStore, clock: { nowMs: number }) {
    this.store = store;
    this.#clock = clock;
    this.#watched = watched(store, async (method, run) => {
      try {
        return await this.watch(method, run);
      } finally {
        this.#answered.set(method, (this.#answered.get(method) ?? 0) + 1);
      }
    });
  }

  readonly contextOf = (name?: string): RoomContext => contextOn(this.#watched, systemClock, name);

  readonly as = (name?: string): Primitives => new Primitives(this.contextOf(name));

  readonly advance = (ms: number): void => {
    this.#clock.nowMs += ms;
  };

  readonly later = (end: () => Promise<unknown>): void => {
    this.#endings.push(end);
  };

  readonly answered = (method: string): Promise<unknown> =>
    eventually(`an answer of ${method}`, () => this.#answered.get(method));

  /** Brings the situation of `operation` about, and forgets what operations that took. */
  async prepare({ setup }: Operation): Promise<unknown> {
    const given = await setup?.(this);
    this.#answered.clear();
    return given;
  }

  /** Runs it; what it throws is an answer too. */
  async run({ call }: Operation, given: unknown): Promise<unknown> {
    try {
      return await call(this, given);
    } catch (error) {
      if (!(error instanceof CoordError)) throw error;
      const { code, message, details } = error;
      return { code, message, details };
    }
  }

  /** Operations answered since the setup. */
  methods(): readonly string[] {
    return [...this.#answered.keys()];
  }

  /** Ends what the operation has left open. */
  async end(): Promise<void> {
    for (const ending of this.#endings.splice(0)) await ending();
  }
}

/** The store, with every operation of every room going through `watch`. */
function watched(store: RedisStore, watch: OperationWatch): RedisStore {
  return new Proxy(store, {
    get(target, key) {
      const value = Reflect.get(target, key, target);
      if (typeof value !== "function") return value;
      if (!(ROOMS as readonly (string | symbol)[]).includes(key)) return value.bind(target);
      return async () => {
        const room = await value.call(target);
        return new Proxy(room, {
          get: (_, method) =>
            typeof room[method] !== "function"
              ? room[method]
              : (...args: unknown[]) =>
                watch(`${String(key)}.${String(method)}`, () => room[method](...args)),
        });
      };
    },
  });
}

/** Methods of a class, without its constructor. */
export function methodsOf({ prototype }: { readonly prototype: object }): readonly string[] {
  return Object.getOwnPropertyNames(prototype).filter((name) => name !== "constructor");
}

/** The same value with the fields of all objects in one order, of those too that are kept as text. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([name, one]) => [name, sorted(one)] as const)
        .sort(([a], [b]) => a < b ? -1 : 1),
    );
  }
  if (typeof value !== "string" || !/^[[{].*[\]}]$/s.test(value)) return value;
  try {
    return JSON.stringify(sorted(JSON.parse(value)));
  } catch {
    return value;
  }
}

/**
 * A text that is the same for two runs that did the same: identifiers, hashes and names of calls are
 * numbered in the order they are first met.
 */
export function normalised(value: unknown): string {
  const numbers = new Map<string, string>();
  const number = (kind: string) => (text: string) => {
    const known = numbers.get(text) ?? `${kind}#${numbers.size}`;
    numbers.set(text, known);
    return known;
  };
  return JSON.stringify(sorted(value), null, 1)
    // Its escape would look like the beginning of the word behind it.
    .replace(/\\+u0000/g, "␀")
    .replace(/[a-z]{3}_[0-9A-HJKMNP-TV-Z]{26}/g, (id) => number(id.slice(0, 3))(id))
    .replace(/\b(?:[0-9a-f]{64}|[0-9a-f]{40})\b/g, number("hash"))
    .replace(/\b[0-9a-f]{8}-[0-9a-z]+\b/g, number("op"));
}

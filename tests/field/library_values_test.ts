/**
 * The library handed anything: whatever JavaScript can pass is refused with an error of ours, or taken, and never
 * ends in an error of the language.
 * @module
 */
import assert from "node:assert/strict";
import { CoordError } from "../../src/errors.ts";
import { Agents } from "../../src/agent/agent.ts";
import { Approvals } from "../../src/approval/approval.ts";
import { Audit } from "../../src/audit/audit.ts";
import { Board } from "../../src/board/board.ts";
import { Events } from "../../src/event/event.ts";
import { Locks } from "../../src/lock/lock.ts";
import { Tasks } from "../../src/task/task.ts";
import { CoordinationClient } from "../../mod.ts";
import { placeTest } from "../support/places.ts";

const ROOMS = {
  locks: Locks,
  agents: Agents,
  tasks: Tasks,
  board: Board,
  approvals: Approvals,
  audit: Audit,
  events: Events,
} as const;

let deep: unknown = [];
for (let depth = 0; depth < 20_000; depth++) deep = [deep];
const circle: Record<string, unknown> = {};
circle.circle = circle;

/** What a program may pass by mistake. */
const VALUES: readonly (readonly [name: string, value: unknown])[] = [
  ["null", null],
  ["a number", 5],
  ["NaN", NaN],
  ["a bigint", 10n],
  ["a symbol", Symbol("s")],
  ["a function", () => 1],
  ["a list", []],
  ["a list with null", [null]],
  ["a deep list", deep],
  ["a circle", circle],
  ["an object without anything", Object.create(null)],
  [
    "a getter that throws",
    Object.defineProperty({}, "title", {
      enumerable: true,
      get: () => {
        throw new TypeError("no");
      },
    }),
  ],
  [
    "traps that throw",
    new Proxy({}, {
      get: () => {
        throw new RangeError("no");
      },
      ownKeys: () => {
        throw new RangeError("no");
      },
    }),
  ],
  ["half a pair", "\ud800"],
];

/** Field names that options have; each is tried with every value. */
const FIELDS = [
  ...["title", "message", "tags", "priority", "dependsOn", "payload", "result", "error", "reason"],
  ...[
    "mode",
    "ttlMs",
    "waitMs",
    "fence",
    "leaseMs",
    "count",
    "limit",
    "cursor",
    "status",
    "holder",
  ],
  ...[
    "actionType",
    "description",
    "approvers",
    "digest",
    "comment",
    "decisionType",
    "context",
    "refs",
  ],
  ...[
    "role",
    "workingOn",
    "to",
    "key",
    "since",
    "type",
    "before",
    "thresholdMs",
    "intent",
    "signal",
  ],
];

type Anything = Record<string, (...args: unknown[]) => unknown>;

/** Calls a method; gives what it was refused with, or `undefined`. */
async function attempt(room: Anything, method: string, args: readonly unknown[]): Promise<unknown> {
  try {
    const answer = room[method]!(...args);
    // Streams are asked for their first item, and only for a moment: nothing may be there.
    if (typeof (answer as AsyncIterable<unknown>)?.[Symbol.asyncIterator] === "function") {
      const items = (answer as AsyncIterable<unknown>)[Symbol.asyncIterator]();
      await Promise.race([items.next(), new Promise((resolve) => setTimeout(resolve, 20))]);
      return undefined;
    }
    const held = await answer as AsyncDisposable | undefined;
    if (method === "hold") await held?.[Symbol.asyncDispose]();
    return undefined;
  } catch (error) {
    return error;
  }
}

placeTest(
  "library takes or refuses any value, and never ends in an error of the language",
  async ({ location }) => {
    const [store, namespace] = location.split("#") as [string, string?];
    await using client = await CoordinationClient.open({
      store,
      ...(namespace === undefined ? {} : { namespace }),
    });
    await using session = await client.session("ada", { heartbeat: false });
    const wrong = new Map<string, string>();
    const call = async (
      room: keyof typeof ROOMS,
      method: string,
      what: string,
      args: unknown[],
    ) => {
      const error = await attempt(session[room] as unknown as Anything, method, args);
      if (error === undefined || error instanceof CoordError) return;
      wrong.set(`${room}.${method} with ${what}`, String(error).slice(0, 100));
    };
    for (
      const [room, type] of Object.entries(ROOMS) as [keyof typeof ROOMS, { prototype: object }][]
    ) {
      for (const method of Object.getOwnPropertyNames(type.prototype)) {
        // These would wait for what never comes, or take away what the others need.
        if (
          ["constructor", "tail", "follow", "wait", "inboxWait", "deregister"].includes(method)
        ) continue;
        for (const [name, value] of VALUES) {
          await call(room, method, `${name} first`, [value]);
          await call(room, method, `${name} second`, ["x", value]);
        }
        for (const field of FIELDS) {
          for (const [name, value] of VALUES.slice(0, 9)) {
            await call(room, method, `${field}: ${name}`, [{ [field]: value }]);
            await call(room, method, `second ${field}: ${name}`, ["x", { [field]: value }]);
          }
        }
      }
    }
    assert.deepEqual([...wrong], []);
  },
);

Deno.test("library front doors refuse what is not an option", async () => {
  const directory = await Deno.makeTempDir();
  try {
    for (const value of [null, 5, [], "x"]) {
      await assert.rejects(CoordinationClient.open(value as never), { code: "invalid_argument" });
    }
    await using client = await CoordinationClient.open({ store: directory });
    for (const value of [null, 5, [], "x"]) {
      await assert.rejects(client.session("ada", value as never), { code: "invalid_argument" });
    }
    for (const value of [null, 5, [], {}]) {
      await assert.rejects(CoordinationClient.open({ store: directory, cwd: value as never }), {
        code: "invalid_argument",
      });
    }
    await using session = await client.session("ada");
    for (const value of [null, 5, {}, "x"]) {
      await assert.rejects(session.completeTask(value as never), { code: "invalid_argument" });
      await assert.rejects(session.lockFile("a.py", value === "x" ? null as never : [] as never), {
        code: "invalid_argument",
      });
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("handle that is passed as the tenure means its own fence, also when it has ended", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await using client = await CoordinationClient.open({ store: directory });
    await using session = await client.session("ada");
    const stale = await session.lockFile("a.py");
    await stale.release();
    await using _current = await session.lockFile("a.py");
    await assert.rejects(session.locks.renew("a.py", stale), { code: "lease_lost" });
    await assert.rejects(session.locks.release("a.py", stale), { code: "lease_lost" });
    assert.equal((await session.locks.list()).length, 1);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

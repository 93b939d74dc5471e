/**
 * The library handed anything: whatever JavaScript can pass is refused with an error of ours, or taken, and never
 * ends in an error of the language.
 * @module
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { CoordError } from "../../src/errors.ts";
import { Agents } from "../../src/agent/agent.ts";
import { Approvals } from "../../src/approval/approval.ts";
import { Audit } from "../../src/audit/audit.ts";
import { Board } from "../../src/board/board.ts";
import { Events } from "../../src/event/event.ts";
import { Locks } from "../../src/lock/lock.ts";
import { Tasks } from "../../src/task/task.ts";
import { CoordinationClient, type Session } from "../../mod.ts";
import { placeTest } from "../../dev/places.ts";
import { propertyRuns } from "../support/property.ts";

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

/** Throws when it is read in any way, and so does what it throws. */
const hostile: object = new Proxy({}, {
  get: () => {
    throw hostile;
  },
  ownKeys: () => {
    throw hostile;
  },
  getPrototypeOf: () => {
    throw hostile;
  },
});
const revoked = Proxy.revocable([], {});
revoked.revoke();
class Fields {
  get title(): string {
    throw new TypeError("the caller's own");
  }
  get ttlMs(): number {
    throw new TypeError("the caller's own");
  }
  get path(): string {
    throw new TypeError("the caller's own");
  }
  toString(): string {
    throw new TypeError("the caller's own");
  }
}
const endless: object = new Proxy({}, {
  get: () => endless,
  ownKeys: () => ["a"],
  getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true, value: 1 }),
});

/** Beyond plain mistakes: what answers with an error of its own when it is read, or never ends. */
const ODD: readonly unknown[] = [
  ...VALUES.map(([, value]) => value),
  ...[hostile, [hostile], revoked.proxy, [revoked.proxy], new Fields(), [new Fields()], endless],
  ...[new Array(1e8), [, 1], new Map([[1, 2]]), new Set([1]), new Date(NaN), new Error("e")],
  ...[{ toJSON: () => hostile }, AbortSignal.abort(), { aborted: false }, new String("x")],
  ...["x", "", "a\0b", "\u202e", "x".repeat(300_000), true, 0, -1, 1.5, Infinity, 2 ** 53, {}],
];

placeTest(
  "library takes or refuses any value, and never ends in an error of the language",
  async ({ location }) => {
    const [store, namespace] = location.split("#") as [string, string?];
    await using client = await CoordinationClient.open({
      store,
      ...(namespace === undefined ? {} : { namespace }),
    });
    await using session = await client.session("ada", { heartbeat: false });
    // These would wait for what never comes, or take away what the others need.
    const left = [
      "constructor",
      "tail",
      "follow",
      "wait",
      "inboxWait",
      "addressedWait",
      "deregister",
    ];
    const methods = Object.entries(ROOMS).flatMap(([room, type]) =>
      Object.getOwnPropertyNames(type.prototype)
        .filter((name) => !left.includes(name))
        .map((name) => [room as keyof typeof ROOMS, name] as const)
    );
    const good = { title: "t", message: "m", error: "e", reason: "r", fence: 1, context: "c" };
    // Only numbers are drawn: these values must not be looked at on the way.
    const argument = fc.record({
      shape: fc.constantFrom("value", "value", "field", "item"),
      value: fc.nat(ODD.length - 1),
      field: fc.constantFrom(...FIELDS),
    });
    const made = ({ shape, value, field }: { shape: string; value: number; field: string }) => {
      if (shape === "value") return ODD[value];
      const options = {
        ...good,
        ...{ actionType: "a", description: "d", decisionType: "d" },
        [field]: ODD[value],
      };
      return shape === "field" ? options : [options];
    };
    const args = fc.record({ first: argument, second: fc.option(argument), named: fc.boolean() });
    let before = await newest(session);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...methods),
        args,
        async ([room, method], { first, second, named }) => {
          const given = second === null ? [made(first)] : [named ? "x" : made(first), made(second)];
          const error = await attempt(session[room] as unknown as Anything, method, given);
          const after = await newest(session);
          const unchanged = after === before;
          before = after;
          if (error === undefined) return;
          assert.ok(error instanceof CoordError, `${room}.${method}`);
          JSON.stringify(error.details);
          assert.ok(error.code !== "invalid_argument" || unchanged, `${room}.${method} wrote`);
        },
      ),
      { numRuns: 20 * propertyRuns(), seed: 4711, endOnFailure: true },
    );
  },
);

/** How far the event stream has come: every change is an event. */
async function newest(session: Session): Promise<string> {
  let since: string | undefined;
  for (;;) {
    const { cursor, events } = await session.events.list({ ...(since && { since }), limit: 1000 });
    if (events.length === 0) return cursor;
    since = cursor;
  }
}

placeTest("library names the argument whose accessor throws", async ({ location }) => {
  const [store, namespace] = location.split("#") as [string, string?];
  await using client = await CoordinationClient.open({ store, ...(namespace && { namespace }) });
  await using session = await client.session("ada", { heartbeat: false });
  const { locks, tasks } = session;
  const fields = new Fields() as never;
  const cases: readonly (readonly [field: string, call: () => Promise<unknown>])[] = [
    ["paths[0]", () => locks.acquire([fields])],
    ["paths[1].path", () => locks.release(["a.py", fields])],
    ["paths", () => locks.acquire(revoked.proxy as never)],
    ["ttlMs", () => locks.acquire("a.py", fields)],
    ["tasks[0].title", () => tasks.create([fields])],
    ["title", () => session.postThread(fields)],
    ["next", () => tasks.completeAndClaim("tsk_x", { next: 5 as never })],
    ["signal", () => locks.acquire("a.py", { signal: 3 as never })],
    ["signal", () => tasks.claim({ signal: {} as never })],
    ["reentrant", () => locks.acquire("a.py", { reentrant: "no" as never })],
    ["retry", () => tasks.fail("tsk_x", { error: "e", retry: 0 as never })],
    ["marginMs", () => locks.hold("a.py", { ttlMs: 1000, marginMs: 1000 })],
    ["dryRun", () => tasks.prune({ dryRun: "yes" as never })],
  ];
  for (const [field, call] of cases) {
    await assert.rejects(call(), (error) => {
      assert.ok(error instanceof CoordError);
      assert.deepEqual([error.code, error.details.field], ["invalid_argument", field]);
      return true;
    });
  }
  assert.deepEqual([await locks.count(), (await tasks.list()).tasks], [0, []]);
});

placeTest("library refuses what JSON has no word for, with its place", async ({ location }) => {
  const [store, namespace] = location.split("#") as [string, string?];
  await using client = await CoordinationClient.open({ store, ...(namespace && { namespace }) });
  await using session = await client.session("ada", { heartbeat: false });
  const bad: readonly (readonly [value: unknown, place: string, why: RegExp])[] = [
    [{ a: [1, new Map()] }, ".a[1]", /class Map/],
    [[new Date(0)], "[0]", /class Date/],
    [{ "a b": new Error("e") }, '["a b"]', /class Error/],
    [{ n: NaN }, ".n", /NaN is no number/],
    [{ n: 10n }, ".n", /bigint/],
    [[undefined], "[0]", /undefined/],
    [[, 1], "[0]", /undefined/],
    [{ f: () => 1 }, ".f", /a function/],
    [circle, ".circle", /contains itself/],
    [deep, "[0]", /2000 deep/],
    [{ x: hostile }, ".x", /cannot be read/],
  ];
  const [task] = await session.tasks.create([{ title: "held" }]);
  await session.tasks.claim();
  for (const [value, place, why] of bad) {
    const expected = (field: string) => (error: unknown) => {
      assert.ok(error instanceof CoordError && error.code === "invalid_argument");
      assert.ok(error.message.startsWith(`Invalid ${field}${place}`), error.message);
      assert.match(error.message, why);
      return true;
    };
    const payload = value as never;
    await assert.rejects(
      session.tasks.create([{ title: "t", payload }]),
      expected("payload"),
    );
    await assert.rejects(
      session.tasks.complete(task!.id, { result: payload }),
      expected("result"),
    );
  }
  assert.equal((await session.tasks.list()).tasks.length, 1);
  // What a field leaves open is left out, and a name that is special to JavaScript is a name.
  const odd = JSON.parse(`{"__proto__":{"a":1},"half":"\\ud800","nul":"\\u0000"}`);
  const given = {
    ...odd,
    gone: undefined,
    zero: -0,
    bare: Object.assign(Object.create(null), { b: 1 }),
  };
  const done = await session.tasks.complete(task!.id, { result: given as never });
  assert.equal(
    JSON.stringify(done.result),
    `{"__proto__":{"a":1},"half":"\\ud800","nul":"\\u0000","zero":0,"bare":{"b":1}}`,
  );
  assert.deepEqual((await session.tasks.show(task!.id)).result, done.result);
});

Deno.test("task that was given a verdict that cannot be stored stays claimed", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await using client = await CoordinationClient.open({ store: directory });
    await using session = await client.session("ada");
    await session.tasks.create([{ title: "t", leaseMs: 1000 }]);
    const held = (await session.claimTask())!;
    await assert.rejects(held.complete(new Map() as never), { code: "invalid_argument" });
    await assert.rejects(held.fail("e", null as never), { code: "invalid_argument" });
    const before = (await session.tasks.show(held.task.id)).lease!;
    for (let turn = 0; turn < 200; turn++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      const { lease } = await session.tasks.show(held.task.id);
      assert.equal(lease?.fence, before.fence);
      if (lease.expiresAtMs > before.expiresAtMs + 1000) break;
    }
    assert.equal(held.signal.aborted, false);
    assert.equal((await held.complete({ ok: true })).status, "completed");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

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
    for (
      const options of [{ onClose: "x" }, { heartbeat: 1 }, { onHeartbeatError: 1 }, new Fields()]
    ) {
      await assert.rejects(client.session("ada", options as never), { code: "invalid_argument" });
    }
    for (const options of [{ store: 5 }, { namespace: {} }, { durability: "x" }, { clock: {} }]) {
      const given = { store: directory, ...options } as never;
      await assert.rejects(CoordinationClient.open(given), { code: "invalid_argument" });
    }
    await using session = await client.session("ada");
    for (const value of [null, 5, {}, "x", hostile]) {
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

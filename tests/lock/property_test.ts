/**
 * Locks against a model that knows nothing of tables: a list of leases and a clock.
 * @module
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { CoordError } from "../../src/errors.ts";
import type { Lease, LockMode } from "../../src/lock/model.ts";
import { Locks } from "../../src/lock/lock.ts";
import { propertyRuns } from "../support/property.ts";
import { storeTest } from "../../dev/stores.ts";

const AGENTS = ["ada", "bob", "cy"];
/** Prefixes of each other as names, as paths or as neither; with and without a slash; inside and outside. */
const PATHS = [
  "a",
  "a/",
  "a/b",
  "a/b/",
  "a/b/c",
  "ab",
  "a.b",
  "a b",
  "./",
  "z/y",
  "/a",
  "/a/b/",
  "/ab",
];

/** Paths that also go by other names, as if they were given through links. */
const ALIASES: Record<string, readonly string[]> = { "l": ["a/l"], "z/l": ["l"], "m": ["a"] };
PATHS.push(...Object.keys(ALIASES));

const agent = fc.constantFrom(...AGENTS);
const path = fc.constantFrom(...PATHS);
const ttlMs = fc.constantFrom(500, 2000, 60_000);
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("acquire" as const),
      agent,
      paths: fc.uniqueArray(path, { minLength: 1, maxLength: 3 }),
      mode: fc.constantFrom<LockMode>("exclusive", "shared"),
      ttlMs,
      reentrant: fc.boolean(),
    }),
  },
  fc.record({
    kind: fc.constant("release" as const),
    agent,
    path,
    fenceOff: fc.constantFrom(0, 1),
  }),
  fc.record({ kind: fc.constant("renew" as const), agent, path, ttlMs }),
  fc.record({ kind: fc.constant("releaseAll" as const), agent }),
  fc.record({ kind: fc.constant("break" as const), agent, path }),
  fc.record({ kind: fc.constant("advance" as const), ms: fc.constantFrom(1, 499, 500, 1500) }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** The segments of a path from the top of the file system, where the project is `/project`. */
function segments(path: string): string[] {
  const full = path.startsWith("/") ? path : `/project/${path}`;
  return full.split("/").filter((part) => part !== "" && part !== ".");
}

function namesOf(path: string): readonly string[] {
  return [path, ...ALIASES[path] ?? []];
}

/** Whether two paths have a name in common, and so are one lock to a request. */
function meet(a: string, b: string): boolean {
  return namesOf(a).some((x) => namesOf(b).some((y) => same(x, y)));
}

/** Whether locks on two paths exclude each other. */
function exclude(a: string, b: string): boolean {
  return namesOf(a).some((x) => namesOf(b).some((y) => clash(x, y)));
}

/** Whether two spellings mean one path. */
function same(a: string, b: string): boolean {
  return segments(a).join("/") === segments(b).join("/");
}

/** Whether one path is the other or above it: the segments of one begin with those of the other. */
function clash(a: string, b: string): boolean {
  const [x, y] = [segments(a), segments(b)];
  const common = Math.min(x.length, y.length);
  return x.slice(0, common).join("/") === y.slice(0, common).join("/");
}

/** How a lease on this path is listed. */
function listed(path: string): string {
  return path.startsWith("/")
    ? `/${segments(path).join("/")}`
    : segments(path).slice(1).join("/") || ".";
}

interface Held {
  readonly path: string;
  readonly mode: LockMode;
  readonly holder: string;
  readonly fence: number;
  ttlMs: number;
  expiresAtMs: number;
}

/** What the locks should be. Every method answers `ok` or the code of the refusal. */
class Model {
  leases: Held[] = [];
  fence = 0;

  /** Time has come to `nowMs`. */
  at(nowMs: number): void {
    this.leases = this.leases.filter((lease) => lease.expiresAtMs > nowMs);
  }

  of(name: string): Held[] {
    return this.leases.filter(({ holder }) => holder === name);
  }

  acquire(step: Extract<Step, { kind: "acquire" }>, nowMs: number): string {
    const { paths, mode, ttlMs, reentrant, agent: holder } = step;
    const distinct: string[] = [];
    for (const path of paths) {
      if (!distinct.some((other) => meet(other, path))) distinct.push(path);
    }
    if (distinct.some((a, i) => distinct.some((b, j) => i < j && clash(a, b)))) {
      return "invalid_argument";
    }
    this.at(nowMs);
    const blocked = distinct.some((path) =>
      this.leases.some((lease) => {
        if (!exclude(lease.path, path)) return false;
        if (lease.holder !== holder) return lease.mode === "exclusive" || mode === "exclusive";
        return !reentrant || (lease.mode === "shared" && mode === "exclusive");
      })
    );
    if (blocked) return "conflict";
    let fence: number | undefined;
    for (const path of distinct) {
      const [own] = this.meant(path, (lease) => lease.holder === holder);
      if (own !== undefined) extend(own, ttlMs, nowMs);
      else {
        fence ??= ++this.fence;
        this.leases.push({ path, mode, holder, fence, ttlMs, expiresAtMs: nowMs + ttlMs });
      }
    }
    return "ok";
  }

  renew(holder: string, path: string, ttlMs: number, nowMs: number): string {
    this.at(nowMs);
    const own = this.meant(path, (lease) => lease.holder === holder);
    for (const lease of own) extend(lease, ttlMs, nowMs);
    return own.length > 0 ? "ok" : "lease_lost";
  }

  /** The leases that a path means: those with its name, else with the first of its other names that has any. */
  meant(path: string, condition: (lease: Held) => boolean): Held[] {
    for (const name of namesOf(path)) {
      const found = this.leases.filter((lease) =>
        condition(lease) && namesOf(lease.path).some((other) => same(other, name))
      );
      if (found.length > 0) return found;
    }
    return [];
  }

  end(condition: (lease: Held) => boolean): string {
    const before = this.leases.length;
    this.leases = this.leases.filter((lease) => !condition(lease));
    return this.leases.length < before ? "ok" : "lease_lost";
  }
}

function extend(lease: Held, ttlMs: number, nowMs: number): void {
  lease.ttlMs = ttlMs;
  lease.expiresAtMs = Math.max(lease.expiresAtMs, nowMs + ttlMs);
}

async function verdict(action: Promise<unknown>): Promise<string> {
  try {
    await action;
    return "ok";
  } catch (error) {
    if (error instanceof CoordError) return error.code;
    throw error;
  }
}

/** Does the step to both; answers with both verdicts. */
async function play(step: Step, locks: Locks, model: Model, nowMs: number) {
  switch (step.kind) {
    case "acquire":
      return [
        await verdict(locks.acquire(step.paths, { ...step, absolute: true })),
        model.acquire(step, nowMs),
      ];
    case "renew":
      return [
        await verdict(locks.renew(step.path, { ttlMs: step.ttlMs, absolute: true })),
        model.renew(step.agent, step.path, step.ttlMs, nowMs),
      ];
    case "release": {
      model.at(nowMs);
      const own = model.meant(step.path, ({ holder }) => holder === step.agent);
      const fence = (own[0]?.fence ?? 1) + step.fenceOff;
      const ended = model.meant(
        step.path,
        (lease) => lease.holder === step.agent && lease.fence === fence,
      );
      return [
        await verdict(locks.release(step.path, { fence, absolute: true })),
        model.end((lease) => ended.includes(lease)),
      ];
    }
    case "break": {
      model.at(nowMs);
      const meant = model.meant(step.path, () => true);
      const broken = model.end((lease) => meant.includes(lease));
      const got = await verdict(locks.break(step.path, { reason: "test", absolute: true }));
      return [got, broken === "ok" ? "ok" : "not_found"];
    }
    case "releaseAll":
      model.at(nowMs);
      model.end((lease) => lease.holder === step.agent);
      return [await verdict(locks.releaseAll()), "ok"];
    default:
      return ["ok", "ok"];
  }
}

const view = ({ path, mode, holder, fence, expiresAtMs }: Lease | Held) =>
  `${listed(path)} ${mode} ${holder} ${fence} ${expiresAtMs}`;

storeTest("locks agree with the model after every step", async ({ as, clock, aliases }) => {
  Object.assign(aliases, ALIASES);
  const rooms = new Map(AGENTS.map((name) => [name, new Locks(as(name))]));
  const model = new Model();
  // Where a store's fences begin is its own business; from there on they count by one.
  const [first] = await rooms.get("ada")!.acquire("a");
  model.fence = first!.fence;
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 5, maxLength: 60, size: "max" }),
      async (steps) => {
        // Runs share one store; a long silence leaves nothing of the run before.
        clock.advance(10_000_000);
        model.leases = [];
        for (const action of steps) {
          if (action.kind === "advance") clock.advance(action.ms);
          else {
            const [got, wanted] = await play(
              action,
              rooms.get(action.agent)!,
              model,
              clock.nowMs(),
            );
            assert.equal(got, wanted, JSON.stringify(action));
          }
          const live = model.leases.filter((lease) => lease.expiresAtMs > clock.nowMs());
          const shown = await rooms.get("ada")!.list();
          assert.deepEqual(shown.map(view).sort(), live.map(view).sort(), JSON.stringify(action));
        }
      },
    ),
    { numRuns: propertyRuns() },
  );
});

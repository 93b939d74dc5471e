/**
 * The queue against a model that knows nothing of tables: a list of tasks, a clock, and what everybody was
 * promised. Long, because the model is a queue of its own.
 * @module
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { CoordError } from "../../src/errors.ts";
import { Locks } from "../../src/lock/lock.ts";
import {
  type Attempt,
  type Backoff,
  type NewTask,
  type Task,
  Tasks,
  type TaskStatus,
} from "../../src/task/task.ts";
import { propertyRuns } from "../support/property.ts";
import { storeTest } from "../../dev/stores.ts";

const AGENTS = ["ada", "bob"];
const TAGS = ["x", "y", "z"];

interface Thing {
  readonly id: string;
  readonly needs: readonly Thing[];
  title: string;
  priority: number;
  tags: readonly string[];
  maxAttempts: number;
  leaseMs: number;
  backoff: Backoff;
  startAtMs: number | undefined;
  status: TaskStatus;
  attempts: Attempt[];
  spent: number;
  /** When the lease ends or the wait is over. */
  dueMs: number;
  lengthMs: number;
  updatedAtMs: number;
  result: unknown;
}

type Filter = { readonly tags: readonly string[]; readonly match: "any" | "all"; count: number };

/** What the queue should be. Every method answers `ok` or the code of the refusal. */
class Model {
  things: Thing[] = [];
  fence = 0;
  nowMs = 0;

  /** Time has come to `nowMs`. */
  at(nowMs: number): this {
    this.nowMs = nowMs;
    for (const thing of this.things) {
      if (thing.dueMs > nowMs) continue;
      if (thing.status === "scheduled") thing.status = "pending";
      if (thing.status !== "claimed") continue;
      this.#end(thing, "expired", thing.dueMs);
      thing.status = thing.spent < thing.maxAttempts ? "pending" : "dead";
    }
    return this;
  }

  create(batch: readonly NewTask[], tasks: readonly Task[]): void {
    const made: Thing[] = [];
    const ofId = (id: string) => this.things.find((thing) => thing.id === id)!;
    for (const [index, task] of batch.entries()) {
      const item = task as Required<NewTask>;
      const needs = item.dependsOn.map((on) => typeof on === "number" ? made[on]! : ofId(on));
      made.push({
        ...item,
        id: tasks[index]!.id,
        needs,
        backoff: item.backoff as Backoff,
        startAtMs: task.notBeforeMs,
        status: "pending",
        attempts: [],
        spent: 0,
        dueMs: Infinity,
        lengthMs: 0,
        updatedAtMs: this.nowMs,
        result: undefined,
      });
      this.#wait(made[index]!, task.notBeforeMs);
    }
    this.things.push(...made);
  }

  /** What the claimer should see. */
  claim(name: string, { tags, match, count }: Filter, leaseMs?: number): string[] {
    const fits = (thing: Thing) =>
      thing.status === "pending" &&
      (tags.length === 0 ||
        tags[match === "any" ? "some" : "every"]((tag) => thing.tags.includes(tag)));
    const best = this.things.filter(fits)
      .map((thing, place) => ({ thing, place }))
      .sort((a, b) => b.thing.priority - a.thing.priority || a.place - b.place)
      .slice(0, count).map(({ thing }) => thing);
    for (const thing of best) {
      thing.status = "claimed";
      thing.spent++;
      thing.lengthMs = leaseMs ?? thing.leaseMs;
      thing.dueMs = this.nowMs + thing.lengthMs;
      thing.updatedAtMs = this.nowMs;
      thing.attempts.push({ holder: name, fence: ++this.fence, startedAtMs: this.nowMs });
    }
    return best.map((thing) => this.view(thing, CLAIM_SHOWS));
  }

  renew(name: string, thing: Thing, fence: number | undefined, leaseMs?: number): string {
    if (!this.#holds(name, thing, fence)) return "lease_lost";
    thing.lengthMs = leaseMs ?? thing.lengthMs;
    thing.dueMs = Math.max(thing.dueMs, this.nowMs + thing.lengthMs);
    thing.updatedAtMs = this.nowMs;
    this.#revise(thing, { progress: `at ${this.nowMs}` });
    return "ok";
  }

  complete(name: string, thing: Thing, fence: number | undefined, result: unknown): string {
    const last = newest(thing);
    const mine = last?.holder === name && (fence === undefined || fence === last.fence);
    const late = last?.outcome === "expired" && !["dead", "cancelled"].includes(thing.status);
    if (mine && fence !== undefined && last.outcome === "completed") return "ok";
    if (!mine || !(thing.status === "claimed" || late)) return "lease_lost";
    this.#end(thing, "completed", this.nowMs);
    thing.status = "completed";
    thing.result = result;
    for (const other of this.things) {
      if (other.status === "blocked" && !blocked(other)) this.#wait(other, other.startAtMs);
    }
    return "ok";
  }

  fail(
    name: string,
    thing: Thing,
    fence: number | undefined,
    error: string,
    retry: boolean,
  ): string {
    if (this.#repeats(name, thing, fence, "failed")) return "ok";
    if (!this.#holds(name, thing, fence)) return "lease_lost";
    this.#end(thing, "failed", this.nowMs, error);
    const { kind, baseMs } = thing.backoff;
    const factor = kind === "none" ? 0 : kind === "linear" ? thing.spent : 2 ** (thing.spent - 1);
    if (!retry || thing.spent >= thing.maxAttempts) thing.status = "dead";
    else this.#wait(thing, this.nowMs + Math.min(baseMs * factor, 3_600_000));
    return "ok";
  }

  release(name: string, thing: Thing, fence: number | undefined): string {
    if (this.#repeats(name, thing, fence, "released")) return "ok";
    if (!this.#holds(name, thing, fence)) return "lease_lost";
    this.#end(thing, "released", this.nowMs);
    thing.spent--;
    thing.status = "pending";
    return "ok";
  }

  cancel(thing: Thing): string {
    if (thing.status === "cancelled") return "ok";
    if (thing.status === "completed" || thing.status === "dead") return "conflict";
    if (thing.status === "claimed") this.#end(thing, "cancelled", this.nowMs);
    thing.status = "cancelled";
    thing.updatedAtMs = this.nowMs;
    return "ok";
  }

  retry(thing: Thing): string {
    if (thing.status !== "dead" && thing.status !== "cancelled") return "conflict";
    thing.spent = 0;
    thing.updatedAtMs = this.nowMs;
    this.#wait(thing, thing.startAtMs);
    return "ok";
  }

  update(thing: Thing, changes: Partial<Thing>, startAtMs: number | null | undefined): string {
    if (!["scheduled", "blocked", "pending"].includes(thing.status)) return "conflict";
    Object.assign(thing, changes);
    thing.updatedAtMs = this.nowMs;
    if (startAtMs === undefined) return "ok";
    thing.startAtMs = startAtMs ?? undefined;
    this.#wait(thing, thing.startAtMs);
    return "ok";
  }

  /** What a reader should see who is shown so many of the newest attempts, as text. */
  view(thing: Thing, attempts: number): string {
    const stuck = thing.status === "blocked"
      ? thing.needs.filter(({ status }) => status === "dead" || status === "cancelled")
        .sort((a, b) => this.things.indexOf(a) - this.things.indexOf(b))[0]
      : undefined;
    return JSON.stringify([
      thing.id,
      thing.title,
      thing.priority,
      thing.tags,
      thing.status,
      thing.maxAttempts,
      thing.attempts.slice(-attempts).map(attemptView),
      Math.max(thing.attempts.length - attempts, 0),
      thing.spent,
      thing.updatedAtMs,
      thing.status === "claimed" ? thing.dueMs : null,
      (thing.status === "scheduled" ? thing.dueMs : thing.startAtMs) ?? null,
      thing.result ?? null,
      stuck === undefined ? null : `depends on ${stuck.id}, which is ${stuck.status}`,
    ]);
  }

  #holds(name: string, thing: Thing, fence: number | undefined): boolean {
    const last = newest(thing);
    return thing.status === "claimed" && last!.holder === name &&
      (fence === undefined || fence === last!.fence);
  }

  #repeats(name: string, thing: Thing, fence: number | undefined, outcome: string): boolean {
    const last = newest(thing);
    return fence !== undefined && last?.fence === fence && last.holder === name &&
      last.outcome === outcome;
  }

  #end(thing: Thing, outcome: NonNullable<Attempt["outcome"]>, endedAtMs: number, error?: string) {
    this.#revise(thing, { outcome, endedAtMs, ...(error === undefined ? {} : { error }) });
    thing.updatedAtMs = endedAtMs;
    thing.dueMs = Infinity;
  }

  #revise(thing: Thing, change: Partial<Attempt>): void {
    thing.attempts.push({ ...thing.attempts.pop()!, ...change });
  }

  #wait(thing: Thing, startAtMs: number | undefined): void {
    thing.dueMs = Infinity;
    if (blocked(thing)) thing.status = "blocked";
    else if (startAtMs !== undefined && startAtMs > this.nowMs) {
      thing.status = "scheduled";
      thing.dueMs = startAtMs;
    } else thing.status = "pending";
  }
}

/** Attempts that a claim answers: the new one, and ten before it. */
const CLAIM_SHOWS = 11;
const newest = (thing: Thing) => thing.attempts.at(-1);
const blocked = (thing: Thing) => thing.needs.some(({ status }) => status !== "completed");
const attemptView = (
  { holder, fence, startedAtMs, endedAtMs, outcome, error, progress }: Attempt,
) => [
  holder,
  fence,
  startedAtMs,
  endedAtMs ?? null,
  outcome ?? null,
  error ?? null,
  progress ?? null,
];

function seen(task: Task): string {
  const { lease, attempts } = task;
  if (lease !== undefined) {
    assert.equal(lease.fence, attempts.at(-1)!.fence);
    assert.equal(lease.holder, attempts.at(-1)!.holder);
  }
  return JSON.stringify([
    task.id,
    task.title,
    task.priority,
    task.tags,
    task.status,
    task.maxAttempts,
    attempts.map(attemptView),
    task.attemptsLeftOut ?? 0,
    task.attemptsUsed,
    task.updatedAtMs,
    lease?.expiresAtMs ?? null,
    task.notBeforeMs ?? null,
    task.result ?? null,
    task.blockedReason ?? null,
  ]);
}

const agent = fc.constantFrom(...AGENTS);
const tags = fc.subarray(TAGS);
const leaseMs = fc.constantFrom(500, 1500, 60_000);
const waitMs = fc.constantFrom(0, 400, 3000);
/** Which of the tasks there are, counted from the newest. */
const back = fc.nat({ max: 12 });
const filter = fc.record({
  tags: fc.oneof(fc.constant([] as string[]), tags),
  match: fc.constantFrom<"any" | "all">("any", "all"),
  count: fc.constantFrom(1, 1, 1, 3),
});
const draft = fc.record({
  title: fc.constantFrom("a", "b", "c"),
  priority: fc.constantFrom(0, 3, 9),
  tags,
  needs: fc.array(back, { maxLength: 2 }),
  delayMs: fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, {
    weight: 1,
    arbitrary: waitMs,
  }),
  maxAttempts: fc.constantFrom(1, 2, 4),
  leaseMs,
  backoff: fc.record({
    kind: fc.constantFrom<Backoff["kind"]>("exponential", "linear", "none"),
    baseMs: fc.constantFrom(0, 300, 2_000_000),
  }),
});
const tenure = fc.record({
  agent,
  back,
  among: fc.constantFrom("held", "held", "held", "all"),
  fence: fc.constantFrom<"none" | "newest" | "stale">("none", "newest", "newest", "stale"),
});
const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("create" as const),
      batch: fc.array(draft, { minLength: 1, maxLength: 4 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("claim" as const),
      agent,
      filter,
      leaseMs: fc.option(leaseMs, { nil: undefined }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("complete" as const),
      tenure,
      result: fc.nat(9),
      next: fc.option(filter, { nil: undefined }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("fail" as const),
      tenure,
      retry: fc.constantFrom(true, true, false),
    }),
  },
  fc.record({ kind: fc.constant("release" as const), tenure }),
  fc.record({
    kind: fc.constant("renew" as const),
    tenure,
    leaseMs: fc.option(leaseMs, { nil: undefined }),
  }),
  fc.record({ kind: fc.constant("cancel" as const), agent, back }),
  fc.record({ kind: fc.constant("retry" as const), agent, back }),
  fc.record({
    kind: fc.constant("update" as const),
    agent,
    back,
    changes: fc.record({
      title: fc.constant("new"),
      priority: fc.constantFrom(1, 9),
      tags,
      maxAttempts: fc.constantFrom(1, 3),
    }, { requiredKeys: ["title"] }),
    delayMs: fc.constantFrom<number | null | undefined>(undefined, null, 0, 400, 3000),
  }),
  fc.record({ kind: fc.constant("sweep" as const), agent }),
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("advance" as const),
      ms: fc.constantFrom(1, 300, 499, 500, 1500, 4000),
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

async function verdict(action: () => Promise<unknown>): Promise<string> {
  try {
    await action();
    return "ok";
  } catch (error) {
    if (error instanceof CoordError) return error.code;
    throw error;
  }
}

/** Does the step to both; answers with both verdicts. */
async function play(
  action: Exclude<Step, { kind: "advance" }>,
  rooms: ReadonlyMap<string, Tasks>,
  model: Model,
): Promise<readonly [unknown, unknown]> {
  const { nowMs } = model;
  if (action.kind === "create") {
    const before = model.things;
    const batch = action.batch.map(({ needs, delayMs, ...rest }, index) => ({
      ...rest,
      // Backwards into the batch first, then into what was there before it.
      dependsOn: needs.flatMap((place) => place < index ? place : before.at(-(place + 1))?.id ?? [])
        .filter((on, place, all) => all.indexOf(on) === place),
      ...(delayMs === undefined ? {} : { notBeforeMs: nowMs + delayMs }),
    }));
    model.create(batch, await rooms.get(AGENTS[0]!)!.create(batch));
    return ["ok", "ok"];
  }
  const { agent: name, ...which } = "tenure" in action ? action.tenure : action;
  const room = rooms.get(name)!;
  if (action.kind === "sweep") return [await verdict(() => room.sweep()), "ok"];
  if (action.kind === "claim") {
    const lease = action.leaseMs === undefined ? {} : { leaseMs: action.leaseMs };
    const got = await room.tryClaim({ ...action.filter, ...lease });
    return [got.map(seen), model.claim(name, action.filter, action.leaseMs)];
  }
  const held = model.things.filter(({ status }) => status === "claimed");
  const things = "among" in which && which.among === "held" && held.length > 0
    ? held
    : model.things;
  const thing = things.at(-(("back" in which ? which.back : 0) % things.length) - 1)!;
  const { id } = thing;
  const last = newest(thing)?.fence ?? 1;
  const fence = !("fence" in which) || which.fence === "none"
    ? undefined
    : which.fence === "newest"
    ? last
    : Math.max(last - 1, 1);
  const given = fence === undefined ? {} : { fence };
  switch (action.kind) {
    case "complete": {
      const { result, next } = action;
      let claimed: readonly string[] = [];
      const got = await verdict(async () => {
        if (next === undefined) {
          await room.complete(id, { ...given, result });
        } else {
          const outcome = await room.completeAndClaim(id, { ...given, result, next });
          claimed = outcome.next.map(seen);
        }
      });
      const wanted = model.complete(name, thing, fence, result);
      const taken = wanted === "ok" && next !== undefined ? model.claim(name, next) : [];
      return [[got, ...claimed], [wanted, ...taken]];
    }
    case "fail": {
      const { retry } = action;
      return [
        await verdict(() => room.fail(id, { ...given, error: "broken", retry })),
        model.fail(name, thing, fence, "broken", retry),
      ];
    }
    case "release":
      return [await verdict(() => room.release(id, given)), model.release(name, thing, fence)];
    case "renew": {
      const lease = action.leaseMs === undefined ? {} : { leaseMs: action.leaseMs };
      return [
        await verdict(() => room.renew(id, { ...given, ...lease, progress: `at ${nowMs}` })),
        model.renew(name, thing, fence, action.leaseMs),
      ];
    }
    case "cancel":
      return [await verdict(() => room.cancel(id)), model.cancel(thing)];
    case "retry":
      return [await verdict(() => room.retry(id)), model.retry(thing)];
    case "update": {
      const { changes, delayMs } = action;
      const start = typeof delayMs === "number" ? nowMs + delayMs : delayMs;
      return [
        await verdict(() =>
          room.update(id, { ...changes, ...(start === undefined ? {} : { notBeforeMs: start }) })
        ),
        model.update(thing, changes, start),
      ];
    }
  }
}

storeTest("tasks agree with the model after every step", async ({ as, clock, store }) => {
  const rooms = new Map(AGENTS.map((name) => [name, new Tasks(as(name))]));
  const reader = new Tasks(as());
  const steps = await store.tasks();
  const model = new Model();
  // Where a store's fences begin is its own business; from there on they count by one.
  const [first] = await new Locks(as("ada")).acquire("a.py");
  model.fence = first!.fence;
  const all = { tags: [], match: "any", limit: 1000, order: "created" } as const;
  let made = 0;
  let before = await reader.counts();
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 5, maxLength: 50, size: "max" }),
      async (actions) => {
        // Runs share one store; what an earlier one left is cancelled, so that it does not take part.
        clock.advance(10_000_000);
        for (const thing of model.at(clock.nowMs()).things) {
          if (thing.status === "cancelled" || model.cancel(thing) !== "ok") continue;
          await rooms.get("ada")!.cancel(thing.id);
        }
        made += model.things.length;
        model.things = [];
        before = await reader.counts();
        for (const action of actions) {
          const said = JSON.stringify(action);
          if (action.kind === "advance") clock.advance(action.ms);
          model.at(clock.nowMs());
          if (action.kind !== "advance") {
            if (model.things.length === 0 && action.kind !== "create") continue;
            const [got, wanted] = await play(action, rooms, model);
            assert.deepEqual(got, wanted, said);
          }
          const { tasks } = await steps.list({ ...all, after: made });
          assert.deepEqual(
            tasks.map(seen),
            model.things.map((thing) => model.view(thing, 1)),
            said,
          );
          const counts = await reader.counts();
          for (const status of Object.keys(counts) as TaskStatus[]) {
            const these = model.things.filter((thing) => thing.status === status);
            assert.equal(counts[status] - before[status], these.length, `${status} after ${said}`);
            const listed = await steps.list({ ...all, after: made, status });
            assert.deepEqual(listed.tasks.map(({ id }) => id), these.map(({ id }) => id), said);
          }
        }
        for (const thing of model.things) {
          assert.equal(seen((await steps.get(thing.id))!), model.view(thing, Infinity));
        }
      },
    ),
    { numRuns: propertyRuns() },
  );
});

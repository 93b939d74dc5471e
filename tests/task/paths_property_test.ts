/**
 * Tasks with paths, beside locks that are taken by themselves, against a model that knows nothing of tables, of tasks that
 * are moved aside or of what lets them in: a claim looks at every pending task, and at every lease.
 * @module
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { CoordError } from "../../src/errors.ts";
import { Locks } from "../../src/lock/lock.ts";
import type { LockMode } from "../../src/lock/model.ts";
import { covers } from "../../src/path.ts";
import { type TaskPath, Tasks, type TaskStatus } from "../../src/task/task.ts";
import { propertyRuns } from "../support/property.ts";
import { storeTest } from "../../dev/stores.ts";

const AGENTS = ["ada", "bob"];

interface Lease {
  readonly path: string;
  readonly mode: LockMode;
  readonly holder: string;
  readonly task: string | undefined;
  untilMs: number;
}

interface Thing {
  readonly id: string;
  priority: number;
  tags: readonly string[];
  paths: readonly TaskPath[];
  leaseMs: number;
  status: TaskStatus;
  holder: string;
  dueMs: number;
}

interface Filter {
  readonly tags: readonly string[];
  readonly match: "any" | "all";
  readonly count: number;
}

/** What should be there. */
class Model {
  things: Thing[] = [];
  leases: Lease[] = [];
  nowMs = 0;

  at(nowMs: number): void {
    this.nowMs = nowMs;
    this.leases = this.leases.filter(({ untilMs }) => untilMs > nowMs);
    for (const thing of this.things) {
      if (thing.status === "claimed" && thing.dueMs <= nowMs) thing.status = "pending";
    }
  }

  acquire(holder: string, path: string, mode: LockMode, ttlMs: number): boolean {
    // One's own keeps one out, too, whatever the modes.
    const own = this.leases.some((lease) =>
      lease.holder === holder && (covers(lease.path, path) || covers(path, lease.path))
    );
    if (own || !this.#isFree({ path, mode })) return false;
    this.leases.push({ path, mode, holder, task: undefined, untilMs: this.nowMs + ttlMs });
    return true;
  }

  release(holder: string, path: string): boolean {
    const before = this.leases.length;
    this.leases = this.leases.filter((lease) =>
      lease.path !== path || lease.holder !== holder || lease.task !== undefined
    );
    return this.leases.length < before;
  }

  claim(holder: string, { tags, match, count }: Filter): string[] {
    const claimed: string[] = [];
    const inOrder = this.things.map((thing, place) => ({ thing, place }))
      .sort((a, b) => b.thing.priority - a.thing.priority || a.place - b.place);
    for (const { thing } of inOrder) {
      if (claimed.length === count) break;
      const fits = tags.length === 0 ||
        tags[match === "any" ? "some" : "every"]((tag) => thing.tags.includes(tag));
      if (thing.status !== "pending" || !fits) continue;
      if (!thing.paths.every((path) => this.#isFree(path))) continue;
      thing.status = "claimed";
      thing.holder = holder;
      thing.dueMs = this.nowMs + thing.leaseMs;
      for (const { path, mode } of thing.paths) {
        this.leases.push({ path, mode, holder, task: thing.id, untilMs: thing.dueMs });
      }
      claimed.push(thing.id);
    }
    return claimed;
  }

  end(thing: Thing, status: TaskStatus): void {
    thing.status = status;
    this.leases = this.leases.filter(({ task }) => task !== thing.id);
  }

  renew(thing: Thing): void {
    thing.dueMs = Math.max(thing.dueMs, this.nowMs + thing.leaseMs);
    for (const lease of this.leases) if (lease.task === thing.id) lease.untilMs = thing.dueMs;
  }

  #isFree({ path, mode }: Pick<TaskPath, "path" | "mode">): boolean {
    return this.leases.every((lease) =>
      lease.mode === "shared" && mode === "shared" ||
      !covers(lease.path, path) && !covers(path, lease.path)
    );
  }
}

const agent = fc.constantFrom(...AGENTS);
const path = fc.constantFrom("a", "a/b", "a/b/c", "a/d", "e", "e/f", ".");
const mode = fc.constantFrom<LockMode>("exclusive", "exclusive", "shared");
const back = fc.nat({ max: 10 });
const ms = fc.constantFrom(500, 1500, 60_000);
const paths = fc.array(fc.record({ path, mode }), { maxLength: 3 }).map((all) =>
  all.filter((one, place) =>
    all.every((other, at) =>
      at >= place || !covers(one.path, other.path) && !covers(other.path, one.path)
    )
  )
);
const tags = fc.subarray(["x", "y"]);
const filter = fc.record({
  tags: fc.oneof(fc.constant([] as string[]), tags),
  match: fc.constantFrom<"any" | "all">("any", "all"),
  count: fc.constantFrom(1, 1, 1, 4),
});
const draft = fc.record({ priority: fc.constantFrom(1, 3, 9), tags, paths, leaseMs: ms });
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("create" as const),
      batch: fc.array(draft, { minLength: 1, maxLength: 5 }),
    }),
  },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("claim" as const), agent, filter }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("end" as const),
      back,
      how: fc.constantFrom("complete", "complete", "release", "fail", "cancel", "renew"),
      next: fc.option(filter, { nil: undefined }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("change" as const), back, draft }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("retry" as const), back }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("acquire" as const), agent, path, mode, ttlMs: ms }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("release" as const), agent, path }) },
  fc.record({ kind: fc.constant("sweep" as const) }),
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("advance" as const),
      ms: fc.constantFrom(1, 499, 500, 1500),
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

async function done(action: () => Promise<unknown>): Promise<boolean> {
  try {
    await action();
    return true;
  } catch (error) {
    if (error instanceof CoordError) return false;
    throw error;
  }
}

interface Rooms {
  readonly tasks: (name: string) => Tasks;
  readonly locks: (name: string) => Locks;
}

/** Does the step to both; answers with what both say. */
async function play(
  action: Exclude<Step, { kind: "advance" }>,
  { tasks, locks }: Rooms,
  model: Model,
): Promise<readonly [unknown, unknown]> {
  const ids = (claimed: readonly { readonly id: string }[]) => claimed.map(({ id }) => id);
  switch (action.kind) {
    case "create": {
      const made = await tasks("ada").create(
        action.batch.map((one) => ({ title: "t", maxAttempts: 100, ...one })),
      );
      model.things.push(...made.map(({ id }, at): Thing => ({
        id,
        ...action.batch[at]!,
        status: "pending",
        holder: "",
        dueMs: Infinity,
      })));
      return [true, true];
    }
    case "claim":
      return [
        ids(await tasks(action.agent).tryClaim(action.filter)),
        model.claim(action.agent, action.filter),
      ];
    case "acquire": {
      const { agent, path, mode, ttlMs } = action;
      return [
        await done(() => locks(agent).acquire(path, { mode, ttlMs })),
        model.acquire(agent, path, mode, ttlMs),
      ];
    }
    case "release":
      return [
        await done(() => locks(action.agent).release(action.path)),
        model.release(action.agent, action.path),
      ];
    case "sweep":
      await tasks("ada").sweep();
      return [true, true];
    case "retry": {
      const ended = model.things.filter(({ status }) => ["dead", "cancelled"].includes(status));
      const thing = ended.at(-1 - action.back % Math.max(1, ended.length));
      if (thing === undefined) return [true, true];
      await tasks("ada").retry(thing.id);
      thing.status = "pending";
      return [true, true];
    }
    case "change": {
      const waiting = model.things.filter(({ status }) => status === "pending");
      const thing = waiting.at(-1 - action.back % Math.max(1, waiting.length));
      if (thing === undefined) return [true, true];
      await tasks("ada").update(thing.id, action.draft);
      Object.assign(thing, action.draft);
      return [true, true];
    }
    case "end": {
      const held = model.things.filter(({ status }) => status === "claimed");
      const thing = held.at(-1 - action.back % Math.max(1, held.length));
      if (thing === undefined) return [true, true];
      const { id, holder } = thing;
      const room = tasks(holder);
      if (action.how === "renew") {
        await room.renew(id);
        model.renew(thing);
      } else if (action.how === "complete" && action.next !== undefined) {
        const { next } = await room.completeAndClaim(id, { next: action.next });
        model.end(thing, "completed");
        return [ids(next), model.claim(holder, action.next)];
      } else if (action.how === "complete") {
        await room.complete(id);
        model.end(thing, "completed");
      } else if (action.how === "release") {
        await room.release(id);
        model.end(thing, "pending");
      } else if (action.how === "fail") {
        await room.fail(id, { error: "no", retry: false });
        model.end(thing, "dead");
      } else {
        await tasks("cy").cancel(id);
        model.end(thing, "cancelled");
      }
      return [true, true];
    }
  }
}

storeTest(
  "tasks with paths agree with the model after every step",
  async ({ as, clock, store }) => {
    const rooms: Rooms = {
      tasks: (name) => new Tasks(as(name)),
      locks: (name) => new Locks(as(name)),
    };
    const steps = await store.tasks();
    const all = { tags: [], match: "any", limit: 1000, order: "created" } as const;
    const model = new Model();
    let made = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 5, maxLength: 60, size: "max" }),
        async (actions) => {
          // Runs share one store: nothing of an earlier one takes part.
          clock.advance(10_000_000);
          model.at(clock.nowMs());
          for (const { id, status } of model.things) {
            if (status === "pending") await rooms.tasks("ada").cancel(id);
          }
          made += model.things.length;
          model.things = [];
          for (const action of actions) {
            const said = JSON.stringify(action);
            if (action.kind === "advance") clock.advance(action.ms);
            model.at(clock.nowMs());
            if (action.kind !== "advance") {
              const [got, wanted] = await play(action, rooms, model);
              assert.deepEqual(got, wanted, said);
            }
            const { tasks } = await steps.list({ ...all, after: made });
            assert.deepEqual(
              tasks.map(({ id, status, priority }) => [id, status, priority]),
              model.things.map(({ id, status, priority }) => [id, status, priority]),
              said,
            );
            const pending = await steps.list({
              ...all,
              status: "pending",
              order: "created",
              after: made,
            });
            assert.deepEqual(
              pending.tasks.map(({ id }) => id),
              model.things.filter(({ status }) => status === "pending").map(({ id }) => id),
              said,
            );
            const view = ({ path, mode, holder, untilMs, task }: Lease) =>
              `${path} ${mode} ${holder} ${untilMs} ${task}`;
            assert.deepEqual(
              (await rooms.locks("ada").list())
                .map((lease) => view({ ...lease, untilMs: lease.expiresAtMs, task: lease.taskId }))
                .sort(),
              model.leases.map(view).sort(),
              said,
            );
          }
        },
      ),
      { numRuns: propertyRuns() },
    );
  },
);

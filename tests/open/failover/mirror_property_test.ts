/**
 * What a mirror amounts to, against the stores themselves: each answer of a store is noted, and what the notes amount to
 * is what the store holds.
 * @module
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Actor } from "../../../src/engine/actor.ts";
import type { Lease, LockMode } from "../../../src/lock/model.ts";
import type { MirrorLine, MirrorState } from "../../../src/open/failover/mirror_line.ts";
import { MirrorFold } from "../../../src/open/failover/mirror_state.ts";
import type { Store } from "../../../src/store.ts";
import type { Task } from "../../../src/task/model.ts";
import { newId } from "../../../src/id.ts";
import { propertyRuns } from "../../support/property.ts";
import { storeTest } from "../../../dev/stores.ts";

const AGENTS = ["ada", "bob", "cy"];
const PATHS = [".", "a", "a/b", "a/b/c", "ab", "z", "/a", "/a/b", "l"];
/** Reached through a link: `l` is a name of something below `a`. */
const ALIASES: Readonly<Record<string, readonly string[]>> = { l: ["a/l"] };
const PROCESSES = 3;

const who = {
  agent: fc.constantFrom(...AGENTS),
  /** Whose note it is. */
  process: fc.nat(PROCESSES - 1),
};
const path = fc.constantFrom(...PATHS);
const ttlMs = fc.constantFrom(500, 2000, 60_000);
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("acquire" as const),
      ...who,
      path,
      mode: fc.constantFrom<LockMode>("exclusive", "shared"),
      ttlMs,
      reentrant: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("claim" as const), ...who, ttlMs }) },
  fc.record({ kind: fc.constant("renew" as const), ...who, path, ttlMs: fc.option(ttlMs) }),
  fc.record({ kind: fc.constant("release" as const), ...who, path }),
  fc.record({ kind: fc.constant("release all" as const), ...who }),
  fc.record({ kind: fc.constant("beat" as const), ...who }),
  fc.record({ kind: fc.constant("renew task" as const), ...who, ttlMs: fc.option(ttlMs) }),
  fc.record({ kind: fc.constant("release task" as const), ...who }),
  fc.record({ kind: fc.constant("advance" as const), ...who, ms: fc.constantFrom(1, 499, 1500) }),
  /** What one process has to note reaches the mirror. */
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("note" as const), ...who }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Works on the store as an agent, and says what there is to note. */
async function work(store: Store, step: Step, nowMs: number): Promise<readonly MirrorLine[]> {
  const actor: Actor = { name: step.agent, host: "h" };
  switch (step.kind) {
    case "acquire": {
      const { path, mode, ttlMs, reentrant } = step;
      const aliases = ALIASES[path];
      const outcome = await (await store.locks()).acquire(actor, {
        ...{ paths: [path], aliases: ALIASES, mode, ttlMs, intent: "i", reentrant },
      });
      if (outcome.kind === "held") return [];
      return [{
        op: "lease",
        leases: outcome.leases.map((lease) => ({
          ...lease,
          ...(aliases === undefined ? {} : { aliases }),
          ttlMs,
          untilMs: nowMs + ttlMs,
        })),
      }];
    }
    case "renew": {
      const { path, ttlMs } = step;
      const selector = { paths: [path], aliases: ALIASES };
      const outcome = await (await store.locks()).renew(actor, selector, ttlMs ?? undefined);
      if (!("renewed" in outcome)) return [];
      return [{
        op: "renew",
        leases: outcome.renewed.map(({ path, fence, expiresAtMs }) => ({
          ...{ path, fence, untilMs: expiresAtMs },
          ...(ttlMs === null ? {} : { ttlMs }),
        })),
      }];
    }
    case "release": {
      const selector = { paths: [step.path], aliases: ALIASES };
      return ended((await (await store.locks()).release(actor, selector)).released);
    }
    case "release all":
      return ended(await (await store.locks()).releaseAll(actor));
    case "beat":
      await (await store.agents()).heartbeat(actor, {});
      return [{ op: "beat", holder: step.agent, atMs: nowMs }];
    case "claim": {
      const request = { tags: [], match: "any", leaseMs: step.ttlMs, count: 1 } as const;
      const { tasks } = await (await store.tasks()).claim(actor, request);
      const untilMs = tasks.map(() => nowMs + step.ttlMs);
      return [{ op: "claim", tasks, leaseMs: step.ttlMs, untilMs }];
    }
    case "renew task": {
      const [held] = await heldTasks(store, step.agent);
      if (held === undefined) return [];
      const { fence } = held.lease!;
      const length = step.ttlMs === null ? {} : { leaseMs: step.ttlMs };
      const outcome = await (await store.tasks()).renew(actor, { id: held.id, fence }, length);
      if (outcome.kind !== "done") return [];
      const untilMs = outcome.task.lease!.expiresAtMs;
      return [{ op: "renew_task", id: held.id, fence, untilMs, ...length }];
    }
    case "release task": {
      const [held] = await heldTasks(store, step.agent);
      if (held === undefined) return [];
      const { fence } = held.lease!;
      const outcome = await (await store.tasks()).release(actor, { id: held.id, fence }, {});
      return outcome.kind === "done" ? [{ op: "end_task", id: held.id, fence }] : [];
    }
    default:
      return [];
  }
}

function ended(leases: readonly Lease[]): readonly MirrorLine[] {
  return [{ op: "end", leases: leases.map(({ path, fence }) => ({ path, fence })) }];
}

async function heldTasks(store: Store, holder?: string): Promise<readonly Task[]> {
  const { tasks } = await (await store.tasks()).list({
    ...{ status: "claimed", tags: [], match: "any", limit: 100, order: "created", after: 0 },
    ...(holder === undefined ? {} : { holder }),
  });
  return tasks;
}

type Live = ReadonlyMap<string, number>;

/** What a store holds: until when, by path and fence. */
async function heldIn(store: Store): Promise<Live> {
  const held = new Map<string, number>();
  for (const { path, fence, holder, mode, expiresAtMs } of await (await store.locks()).list()) {
    held.set(`${path} ${fence} ${holder} ${mode}`, expiresAtMs);
  }
  for (const { id, lease } of await heldTasks(store)) {
    held.set(`${id} ${lease!.fence} ${lease!.holder}`, lease!.expiresAtMs);
  }
  return held;
}

function mirrored({ leases, tasks }: MirrorState): Live {
  const held = new Map<string, number>();
  for (const { path, fence, holder, mode, untilMs } of leases) {
    held.set(`${path} ${fence} ${holder} ${mode}`, untilMs);
  }
  for (const { task: { id, lease }, untilMs } of tasks) {
    held.set(`${id} ${lease!.fence} ${lease!.holder}`, untilMs);
  }
  return held;
}

storeTest(
  "a mirror amounts to what the store holds, however its notes are delayed",
  async ({ store, clock }) => {
    await (await store.tasks()).create(
      { name: "ada", host: "h" },
      Array.from({ length: 4 }, () => ({
        ...{ id: newId("tsk"), title: "t", description: "", priority: 5, tags: [], dependsOn: [] },
        ...{ maxAttempts: 1_000_000, leaseMs: 1000, backoff: { kind: "none", baseMs: 0 } } as const,
      })),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 5, maxLength: 50, size: "max" }),
        // One length for all leases, and each note at once; or any lengths, and notes as they come.
        fc.option(ttlMs, { freq: 1 }),
        async (steps, inOrder) => {
          // Runs share one store; a long silence leaves nothing of the run before.
          clock.advance(10_000_000);
          const fold = new MirrorFold();
          const notes: MirrorLine[][] = Array.from({ length: PROCESSES }, () => []);
          const note = (process: number) => {
            for (const line of notes[process]!.splice(0)) fold.add(line);
          };
          for (const step of steps) {
            // Which length was in force at a heartbeat is known only where all are the same.
            const action = inOrder !== null && "ttlMs" in step ? { ...step, ttlMs: inOrder } : step;
            if (action.kind === "advance") clock.advance(action.ms);
            else if (action.kind === "note") note(action.process);
            else notes[action.process]!.push(...await work(store, action, clock.nowMs()));
            if (inOrder === null) continue;
            note(action.process);
            await (await store.tasks()).sweep({ name: "ada", host: "h" });
            const known = mirrored(fold.state(clock.nowMs()));
            assert.deepEqual(
              [...known].sort(),
              [...await heldIn(store)].sort(),
              JSON.stringify(action),
            );
          }
          for (let process = PROCESSES - 1; process >= 0; process--) note(process);
          await (await store.tasks()).sweep({ name: "ada", host: "h" });
          const known = mirrored(fold.state(clock.nowMs()));
          for (const [lease, untilMs] of await heldIn(store)) {
            assert.ok((known.get(lease) ?? 0) >= untilMs, `${lease} is known for too short a time`);
          }
        },
      ),
      { numRuns: propertyRuns() },
    );
  },
);

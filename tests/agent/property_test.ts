/**
 * Agents against a model that knows nothing of tables: names, the last time each was heard of, and leases.
 * @module
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { AgentStatus, ReportedStatus } from "../../src/agent/model.ts";
import { Agents } from "../../src/agent/agent.ts";
import { ConflictError, NotFoundError } from "../../src/errors.ts";
import { Locks } from "../../src/lock/lock.ts";
import type { Store } from "../../src/store.ts";
import { propertyRuns } from "../support/property.ts";
import { type Bench, storeTest } from "../../dev/stores.ts";

const NAMES = ["ada", "bob", "cy"];
const HOSTS = ["mill", "barn"];
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

const name = fc.constantFrom(...NAMES);
const host = fc.constantFrom(...HOSTS);
const step = fc.oneof(
  fc.record({
    kind: fc.constant("register" as const),
    name,
    host,
    ttlMs: fc.constantFrom(1000, MINUTE, 2 * DAY),
    role: fc.option(fc.constantFrom("engineer", "tester"), { nil: undefined }),
    takeover: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant("heartbeat" as const),
    name,
    host,
    status: fc.option(fc.constantFrom<ReportedStatus>("active", "idle", "blocked"), {
      nil: undefined,
    }),
  }),
  fc.record({
    kind: fc.constant("acquire" as const),
    name,
    host,
    path: fc.constantFrom("1", "2"),
    ttlMs: fc.constantFrom(900, 2 * MINUTE, 2 * DAY),
  }),
  fc.record({ kind: fc.constant("deregister" as const), name }),
  fc.record({ kind: fc.constant("prune" as const), name, host }),
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("advance" as const),
      ms: fc.constantFrom(1, 999, 1000, MINUTE, 5 * MINUTE, 5 * MINUTE + 1, DAY - 1, DAY),
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
type Outcome = "ok" | "conflict" | "not_found" | readonly string[] | { locks: number };

interface Known {
  explicit: boolean;
  role: string;
  word: ReportedStatus;
  host: string;
  ttlMs: number;
  heardMs: number;
  left: boolean;
}

interface Held {
  readonly holder: string;
  readonly path: string;
  ttlMs: number;
  untilMs: number;
}

/** What agents should be like. */
class Model {
  nowMs: number;
  readonly agents = new Map<string, Known>();
  held: Held[] = [];
  /** The instants of the implied signs of life, which come at most once a second from one process. */
  readonly #beats = new Map<string, number>();
  /** Whether somebody's leaving makes everybody's sign of life due; else only that of the one who left. */
  readonly #forgetful: boolean;

  constructor(nowMs: number, kind: Store["kind"]) {
    this.nowMs = nowMs;
    this.#forgetful = kind === "directory";
  }

  status(name: string): AgentStatus {
    const { left, heardMs, word } = this.agents.get(name)!;
    const silentMs = this.nowMs - heardMs;
    if (left || silentMs >= DAY) return "gone";
    return silentMs > 5 * MINUTE ? "hung" : word;
  }

  locksOf(name: string): number {
    return this.held.filter(({ holder }) => holder === name).length;
  }

  do(step: Step): Outcome {
    this.held = this.held.filter(({ untilMs }) => untilMs > this.nowMs);
    switch (step.kind) {
      case "advance":
        this.nowMs += step.ms;
        return "ok";
      case "register":
        return this.#register(step);
      case "heartbeat":
        this.#touch(step.name, step.host);
        this.#renew(step.name);
        if (step.status !== undefined) this.agents.get(step.name)!.word = step.status;
        return "ok";
      case "acquire":
        this.#act(step.name, step.host);
        return this.#acquire(step);
      case "deregister":
        return this.#deregister(step.name);
      case "prune":
        this.#act(step.name, step.host);
        return this.#prune();
    }
  }

  #register({ name, host, ttlMs, role, takeover }: Extract<Step, { kind: "register" }>): Outcome {
    const known = this.agents.get(name);
    if (known !== undefined && !takeover) {
      const live = !known.left && this.nowMs < known.heardMs + known.ttlMs &&
        this.status(name) !== "gone";
      if (live && (known.explicit || known.host !== host)) return "conflict";
    }
    this.agents.set(name, {
      explicit: true,
      role: role ?? known?.role ?? "",
      word: "active",
      host,
      ttlMs,
      heardMs: this.nowMs,
      left: false,
    });
    return "ok";
  }

  #acquire({ name, path, ttlMs }: Extract<Step, { kind: "acquire" }>): Outcome {
    const own = this.held.find((lease) => lease.holder === name && lease.path === path);
    const untilMs = this.nowMs + ttlMs;
    if (own === undefined) this.held.push({ holder: name, path, ttlMs, untilMs });
    else Object.assign(own, { ttlMs, untilMs: Math.max(own.untilMs, untilMs) });
    return "ok";
  }

  #deregister(name: string): Outcome {
    const known = this.agents.get(name);
    if (known === undefined) return "not_found";
    const locks = this.locksOf(name);
    this.held = this.held.filter(({ holder }) => holder !== name);
    if (!known.left && this.#forgetful) this.#beats.clear();
    known.left = true;
    return { locks };
  }

  #prune(): Outcome {
    const removed = [...this.agents.keys()].filter((name) =>
      this.status(name) === "gone" && this.locksOf(name) === 0
    );
    for (const name of removed) this.agents.delete(name);
    return removed.sort();
  }

  #act(name: string, host: string): void {
    const isDue = this.nowMs - (this.#beats.get(name) ?? -Infinity) >= 1000;
    if (isDue) this.#beats.set(name, this.nowMs);
    const hasLeft = this.agents.get(name)?.left ?? true;
    if (isDue || (hasLeft && !this.#forgetful)) this.#touch(name, host);
  }

  /** A sign of life: no lease gets longer. */
  #touch(name: string, host: string): void {
    const known = this.agents.get(name);
    if (known === undefined || known.left) {
      this.agents.set(name, {
        explicit: false,
        role: known?.role ?? "",
        word: "active",
        host,
        ttlMs: known?.ttlMs ?? MINUTE,
        heardMs: this.nowMs,
        left: false,
      });
    } else {
      known.heardMs = this.nowMs;
    }
  }

  #renew(name: string): void {
    for (const lease of this.held) {
      if (lease.holder !== name) continue;
      lease.untilMs = Math.max(lease.untilMs, this.nowMs + lease.ttlMs);
    }
  }
}

async function perform(bench: Bench, step: Step): Promise<Outcome> {
  if (step.kind === "advance") {
    bench.clock.advance(step.ms);
    return "ok";
  }
  const actor = { name: step.name, host: "host" in step ? step.host : "mill" };
  const context = { ...bench.as(step.name), actor };
  const agents = new Agents(context);
  try {
    switch (step.kind) {
      case "register": {
        const { ttlMs, takeover, role } = step;
        await agents.register({ ttlMs, takeover, ...(role === undefined ? {} : { role }) });
        return "ok";
      }
      case "heartbeat":
        await agents.heartbeat(step.status === undefined ? {} : { status: step.status });
        return "ok";
      case "acquire":
        await new Locks(context).acquire(`${step.name}/${step.path}`, {
          ttlMs: step.ttlMs,
          reentrant: true,
        });
        return "ok";
      case "deregister":
        return { locks: (await agents.deregister()).released.locks };
      case "prune":
        return (await agents.prune()).map((agent) => agent.name).sort();
    }
  } catch (error) {
    if (error instanceof ConflictError) return "conflict";
    if (error instanceof NotFoundError) return "not_found";
    throw error;
  }
}

async function compare({ as }: Bench, model: Model): Promise<void> {
  const reader = new Agents(as());
  const known = [...model.agents].sort(([a], [b]) => a < b ? -1 : 1);
  model.held = model.held.filter(({ untilMs }) => untilMs > model.nowMs);
  assert.deepEqual(
    (await reader.list()).map((agent) => ({
      name: agent.name,
      role: agent.role,
      status: agent.status,
      host: agent.host,
      heardMs: agent.lastHeartbeatAtMs,
      untilMs: agent.expiresAtMs,
      locks: agent.locks,
    })),
    known.map(([name, { role, host, heardMs, ttlMs }]) => ({
      name,
      role,
      status: model.status(name),
      host,
      heardMs,
      untilMs: heardMs + ttlMs,
      locks: model.locksOf(name),
    })),
  );
  const counts = { active: 0, idle: 0, blocked: 0, hung: 0, gone: 0 };
  for (const [name] of known) counts[model.status(name)]++;
  assert.deepEqual(await reader.summary(), counts);
  const silent = (thresholdMs: number) =>
    known.filter(([name, { heardMs, left }]) => {
      const gone = thresholdMs < DAY ? model.status(name) === "gone" : left;
      return !gone && model.nowMs - heardMs > thresholdMs;
    }).map(([name]) => name);
  for (const thresholdMs of [1000, 5 * MINUTE, 2 * DAY]) {
    const hung = (await reader.hung({ thresholdMs })).map((agent) => agent.name).sort();
    assert.deepEqual(hung, silent(thresholdMs));
  }
}

storeTest("agents behave as their model does under any order of calls", async (bench) => {
  const model = new Model(bench.clock.nowMs(), bench.store.kind);
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 30 }), async (steps) => {
      // One store and one model serve all runs, each of which goes on where the last one ended.
      for (const step of steps) {
        assert.deepEqual(await perform(bench, step), model.do(step), JSON.stringify(step));
        await compare(bench, model);
      }
    }),
    { numRuns: propertyRuns(), endOnFailure: true },
  );
});

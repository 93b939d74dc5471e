/**
 * The operations on agents, on Redis.
 *
 * A status is worked out when it is read, so nothing sweeps the agents; only `prune` removes some.
 * Registering, beating and leaving are not themselves given the actor: they mark by hand, and always, the sign
 * of life that other operations imply at most once a second.
 * @module
 */
import { given } from "../../given.ts";
import { LEASES_PER_OPERATION } from "../../engine/held.ts";
import { script } from "../../engine/redis/script.ts";
import type { ScriptRunner } from "../../engine/redis/script_runner.ts";
import type { Actor } from "../../engine/actor.ts";
import {
  type Agent,
  type AgentCounts,
  AGENTS_SHOWN_AT_ONCE,
  type AgentStatus,
  type ReportedStatus,
} from "../model.ts";
import type { HeldAnswer } from "./held.ts";
import { statusOf } from "../model.ts";
import { GONE_AFTER_MS, HUNG_AFTER_MS } from "../model.ts";
import type {
  AgentPortion,
  AgentStore,
  Departure,
  RegisterOutcome,
  Registration,
} from "../store.ts";

const REGISTER = script("agent/register");
const HEARTBEAT = script("agent/heartbeat");
const ASSIGN = script("agent/assign");
const MARK_SEEN = script("agent/mark_seen");
const PRUNE = script("agent/prune");
const LIST = script("agent/list");
const SUMMARY = script("agent/summary");

/** An agent as scripts show it; see rows.lua and touch.lua. */
interface ShownAgent {
  readonly name: string;
  readonly record: {
    readonly id: string;
    readonly role: string;
    readonly workingOn: string;
    readonly tags: string;
    readonly host: string;
    readonly pid?: number;
    readonly ttlMs: number;
    readonly registeredAtMs: number;
    readonly goneAtMs?: number;
    readonly seenAtMs?: number;
    /** JSON as text. */
    readonly worker?: string;
  };
  readonly seenAtMs?: number;
  readonly status: ReportedStatus;
  readonly locks: number;
  readonly tasks: number;
}

/** What scripts answer about agents. */
export interface AgentsAnswer {
  readonly nowMs: number;
  readonly agents: readonly ShownAgent[];
  /** Where the next portion begins; absent after the last one. */
  readonly next?: string;
}

/** {@linkcode AgentStore} on Redis. */
export class RedisAgents implements AgentStore {
  readonly #runner: ScriptRunner;

  /** Uses the runner's connection and namespace. */
  constructor(runner: ScriptRunner) {
    this.#runner = runner;
  }

  async register(registration: Registration): Promise<RegisterOutcome> {
    const { id, name, host, pid, role, workingOn, tags, ttlMs, worker, takeover } = registration;
    const news = { role, workingOn, tags: tags && JSON.stringify(tags), worker };
    const text = await this.#runner.write(
      REGISTER,
      undefined,
      name,
      host,
      pid ?? "",
      id,
      ttlMs,
      takeover ? 1 : "",
      GONE_AFTER_MS,
      ...Object.entries(news).flatMap(([field, value]) =>
        value === undefined ? [] : [field, value]
      ),
    );
    const answer: AgentsAnswer & { readonly taken?: true } = JSON.parse(String(text));
    const agent = one(answer);
    return answer.taken
      ? { kind: "taken", agent, nowMs: answer.nowMs }
      : { kind: "registered", agent };
  }

  async heartbeat(
    { name, host, pid }: Actor,
    { status, workingOn }: Parameters<AgentStore["heartbeat"]>[1],
  ): Promise<Agent> {
    let news = [status ?? "", ...(workingOn === undefined ? [] : [workingOn])];
    for (let from = "";;) {
      const args = [name, host, pid ?? "", LEASES_PER_OPERATION, from, ...news];
      const text = await this.#runner.write(HEARTBEAT, undefined, ...args);
      const answer: AgentsAnswer | { readonly next: string } = JSON.parse(String(text));
      if ("agents" in answer) return one(answer);
      from = answer.next;
      news = [""];
    }
  }

  async touch({ name, host, pid }: Actor): Promise<void> {
    await this.#runner.write(MARK_SEEN, undefined, name, host, pid ?? "");
  }

  async deregister(name: string): ReturnType<AgentStore["deregister"]> {
    // Loaded when somebody leaves: most calls that act on agents are heartbeats.
    const { DEREGISTER } = await import("./held.ts");
    let given = { locks: 0, tasks: 0 };
    let left: Departure | undefined;
    for (let from = "";;) {
      const { locks, tasks } = given;
      const args = [name, LEASES_PER_OPERATION, from, locks, tasks];
      const text = await this.#runner.write(DEREGISTER, undefined, ...args);
      // Removed by somebody else after a portion of its leases had been released.
      if (text === "") return left;
      const { next, ...now }: Departure & { readonly next: string } = JSON.parse(String(text));
      // What it was granted since its first portion ended may still be there.
      left = { ...now, fence: left?.fence ?? now.fence };
      if (next === "") return left;
      [given, from] = [now, next];
    }
  }

  async prune(actor: Actor, limit: number, from = ""): ReturnType<AgentStore["prune"]> {
    return portion(await this.#runner.write(PRUNE, actor, limit, GONE_AFTER_MS, from));
  }

  async assign(...[name, expected, worker]: Parameters<AgentStore["assign"]>) {
    const text = await this.#runner.write(ASSIGN, undefined, name, expected ?? "", worker);
    return text === "" ? undefined : one(JSON.parse(String(text)));
  }

  async get(name: string): Promise<Agent | undefined> {
    return portion(await this.#runner.read(LIST, "get", name)).agents[0];
  }

  async explain(name: string): ReturnType<AgentStore["explain"]> {
    const { EXPLAIN, readHeld } = await import("./held.ts");
    let agent: Agent | undefined;
    const portions: HeldAnswer[] = [];
    for (let from = "";;) {
      const text = await this.#runner.read(EXPLAIN, name, LEASES_PER_OPERATION, from);
      if (text === "") break;
      const answer: AgentsAnswer & HeldAnswer & { readonly next: string } = JSON.parse(
        String(text),
      );
      agent ??= one(answer);
      portions.push(answer);
      if (answer.next === "") break;
      from = answer.next;
    }
    return agent && { agent, ...readHeld(portions) };
  }

  async list(): Promise<readonly Agent[]> {
    // A walk through a hash while it grows may pass some twice.
    const all = new Map<string, Agent>();
    for (let from: string | undefined = "0"; from !== undefined;) {
      const { agents, next } = portion(
        await this.#runner.read(LIST, "all", from, AGENTS_SHOWN_AT_ONCE),
      );
      for (const agent of agents) all.set(agent.name, agent);
      from = next;
    }
    return [...all.values()].sort((a, b) => a.name < b.name ? -1 : 1);
  }

  async hung(thresholdMs: number): Promise<readonly Agent[]> {
    const longest = thresholdMs < GONE_AFTER_MS ? GONE_AFTER_MS : "";
    const all: Agent[] = [];
    for (let from: string | undefined = ""; from !== undefined;) {
      const args = ["hung", from, AGENTS_SHOWN_AT_ONCE, thresholdMs, longest];
      const { agents, next } = portion(await this.#runner.read(LIST, ...args), "hung");
      all.push(...agents);
      from = next;
    }
    return all;
  }

  async summary(): Promise<AgentCounts> {
    return JSON.parse(String(await this.#runner.read(SUMMARY, GONE_AFTER_MS, HUNG_AFTER_MS)));
  }
}

function portion(text: unknown, status?: AgentStatus): AgentPortion {
  const { agents, nowMs, next }: AgentsAnswer = JSON.parse(String(text));
  return {
    agents: agents.map((agent) => toAgent(agent, nowMs, status)),
    ...given({ next }),
  };
}

function one({ agents, nowMs }: AgentsAnswer): Agent {
  return toAgent(agents[0]!, nowMs);
}

/** The public form, with the status that the clock makes of it. */
function toAgent({ record, ...shown }: ShownAgent, nowMs: number, status?: AgentStatus): Agent {
  const { pid, ttlMs, goneAtMs, worker } = record;
  const lastHeartbeatAtMs = shown.seenAtMs ?? record.seenAtMs ?? 0;
  const said = {
    status: shown.status,
    last_heartbeat_at_ms: lastHeartbeatAtMs,
    gone_at_ms: goneAtMs ?? null,
  };
  return {
    id: record.id,
    name: shown.name,
    role: record.role,
    workingOn: record.workingOn,
    status: status ?? statusOf(said, nowMs),
    tags: JSON.parse(record.tags),
    registeredAtMs: record.registeredAtMs,
    lastHeartbeatAtMs,
    expiresAtMs: lastHeartbeatAtMs + ttlMs,
    host: record.host,
    ...(pid === undefined ? {} : { pid }),
    ...(worker === undefined ? {} : { worker: JSON.parse(worker) }),
    locks: shown.locks,
    tasks: shown.tasks,
  };
}

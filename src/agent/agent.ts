/**
 * Agents: who takes part, what they are working on, and whether they still live.
 *
 * The protocol. A name belongs to whoever registered it for as long as signs of life come: each one, a
 * heartbeat or any operation that the agent takes, is good for its `ttlMs`. Signs of life and leases are two things:
 * an act renews no lease, because a program that lost track of one must not keep it alive by going on. Only
 * an explicit heartbeat renews what the agent holds, all of it. A live name is refused to others; a lapsed one may be
 * registered again by anybody and goes on as the same agent, with the leases that are still live. An agent known by its
 * acts alone has promised nothing yet, so a registration from the same host makes it explicit instead of being refused.
 *
 * Silence alone takes nothing away: every lease stands on its own expiry. What others see of a silent agent is
 * worked out when they look: its own word, then `hung`, then `gone`. Deregistering releases everything:
 * in one operation, or, of very many leases, in portions, the last of which ends the agent. A portion is atomic, so
 * one that dies in between leaves an agent that holds the rest, which lapses by itself.
 * @module
 */
import { given } from "../given.ts";
import type {
  Agent,
  AgentCounts,
  AgentReport,
  AgentStatus,
  ReportedStatus,
  SpawnedWorker,
} from "./model.ts";
import {
  anything,
  callback,
  checkArguments,
  fields,
  type FieldTable,
  flag,
  list,
  options,
} from "../arguments.ts";
import { checkChoice, checkLeaseMs, checkTags, checkTitle, invalid } from "../check.ts";
import { requireActor, type RoomContext } from "../context.ts";
import { formatDuration } from "../duration.ts";
import { ConflictError, NotFoundError } from "../errors.ts";
import { newId } from "../id.ts";
import { checkJson } from "../json_value.ts";
import { likeName } from "./likeness.ts";
import { checkName, checkText, LIMITS, quote } from "../name.ts";
import { DEFAULT_AGENT_TTL_MS, HUNG_AFTER_MS } from "./model.ts";
import type { AgentPortion, RegisterOutcome, ReleasedCounts } from "./store.ts";

const WORDS: readonly ReportedStatus[] = ["active", "idle", "blocked"];
const STATUSES: readonly AgentStatus[] = [...WORDS, "hung", "gone"];

/** How to register. What is left out stays as it was when the name was known before. */
export interface RegisterOptions {
  /** Default: the acting agent's name. */
  readonly name?: string;
  /** What it is for, one line of at most 64 characters. */
  readonly role?: string;
  /** What it is doing, one line of at most 512 characters. */
  readonly workingOn?: string;
  /** What it can do: at most 32 names. */
  readonly tags?: readonly string[];
  /** How long each sign of life is good for, 100 ms to 30 days. Default 60 000. */
  readonly ttlMs?: number;
  /** How it was spawned; set by whoever spawns it. Default: as it was, unless the agent had deregistered. */
  readonly worker?: SpawnedWorker;
  /** Take the name even when a live agent has it; leases held under it stay. Default `false`. */
  readonly takeover?: boolean;
}

/** What a heartbeat may tell. */
export interface HeartbeatOptions {
  /** Default: as it was. */
  readonly status?: ReportedStatus;
  /** Default: as it was. */
  readonly workingOn?: string;
}

/** Agents removed by one operation of {@linkcode Agents.prune}. */
const PRUNE_BATCH = 128;
/** The most that is noted of where an agent can be found, as JSON. */
const WORKER_BYTES = 16_384;
const MIN_THRESHOLD_MS = 1000;
const MAX_THRESHOLD_MS = 30 * 24 * 60 * 60 * 1000;

/** Agents as one client sees them. */
export class Agents {
  readonly #context: RoomContext;

  /** Used by the client; see {@linkcode CoordinationClient.agents}. */
  constructor(context: RoomContext) {
    this.#context = context;
  }

  /**
   * Registers a name, or resumes it: then the agent keeps its id and the leases that are still live.
   *
   * @throws {ConflictError} when a live agent has the name and `takeover` is not set; says where it runs.
   */
  async register(options: RegisterOptions = {}): Promise<Agent> {
    const { host, pid, name } = requireActor(this.#context);
    const { role, workingOn, tags, worker } = options;
    const registration = {
      id: newId("agt"),
      name: checkName(options.name ?? name, "agent name"),
      host,
      ...given({ pid }),
      ...(role === undefined ? {} : { role: checkRole(role) }),
      ...(workingOn === undefined ? {} : { workingOn: checkTitle(workingOn, "workingOn", true) }),
      ...(tags === undefined ? {} : { tags: checkTags(tags, "tags") }),
      ttlMs: checkLeaseMs(options.ttlMs ?? DEFAULT_AGENT_TTL_MS, "ttlMs"),
      ...(worker === undefined ? {} : { worker: checkWorker(worker) }),
      takeover: options.takeover ?? false,
    };
    const outcome = await (await this.#context.store.agents()).register(registration);
    if (outcome.kind === "registered") return outcome.agent;
    throw taken(outcome);
  }

  /**
   * A sign of life of the acting agent that also renews every live lease it holds, each by its own length
   * from now. All of them in one operation, unless it holds more than 256: then so many per operation.
   */
  async heartbeat({ status, workingOn }: HeartbeatOptions = {}): Promise<Agent> {
    const actor = requireActor(this.#context);
    const news = {
      ...(status === undefined ? {} : { status: checkChoice(status, "status", WORDS) }),
      ...(workingOn === undefined ? {} : { workingOn: checkTitle(workingOn, "workingOn", true) }),
    };
    return await (await this.#context.store.agents()).heartbeat(actor, news);
  }

  /**
   * Ends the acting agent: releases its locks and returns its tasks to the queue, in one operation, unless it holds
   * more than 256 leases: then so many per operation, and the agent ends with the last. Acting under this name later
   * registers it again.
   *
   * @throws {NotFoundError} when it was never registered.
   */
  async deregister(): Promise<{ readonly released: ReleasedCounts }> {
    const { name } = requireActor(this.#context);
    const left = await (await this.#context.store.agents()).deregister(name);
    if (left === undefined) throw await this.#unknown(name);
    return { released: { locks: left.locks, tasks: left.tasks } };
  }

  /**
   * Removes the agents that are gone; one that still holds a live lease stays until it has lapsed.
   *
   * @returns the removed.
   */
  async prune(): Promise<readonly Agent[]> {
    const actor = requireActor(this.#context);
    const agents = await this.#context.store.agents();
    const removed: Agent[] = [];
    let from: string | undefined;
    for (;;) {
      const portion: AgentPortion = await agents.prune(actor, PRUNE_BATCH, from);
      removed.push(...portion.agents);
      if (portion.next === undefined) return removed;
      from = portion.next;
    }
  }

  /**
   * Changes what is noted of how an agent was spawned and where it can be found: `change` makes the new note of the
   * one that is there, and is called again when somebody else was faster. It is no sign of life.
   *
   * @param agent as it was last seen
   * @returns the agent as it is then.
   * @throws {NotFoundError} when nobody has that name.
   */
  async assign(
    { name, worker }: Pick<Agent, "name" | "worker">,
    change: (noted: SpawnedWorker | undefined) => SpawnedWorker,
  ): Promise<Agent> {
    checkName(name, "agent name");
    if (typeof change !== "function") throw invalid(change, "change", "use a function");
    let agent: Pick<Agent, "name" | "worker"> = { name, ...given({ worker }) };
    for (;;) {
      const expected = agent.worker && JSON.stringify(agent.worker);
      const noted = checkWorker(change(agent.worker));
      const found = await (await this.#context.store.agents()).assign(name, expected, noted);
      if (found === undefined) throw await this.#unknown(name);
      if (JSON.stringify(found.worker) === noted) return found;
      agent = found;
    }
  }

  /** One agent; `undefined` when nobody has that name. */
  async get(name: string): Promise<Agent | undefined> {
    checkName(name, "agent name");
    return await (await this.#context.store.agents()).get(name);
  }

  /**
   * One agent.
   *
   * @throws {NotFoundError} when nobody has that name.
   */
  async show(name: string): Promise<Agent> {
    const agent = await this.get(name);
    if (agent === undefined) throw await this.#unknown(name);
    return agent;
  }

  /**
   * One agent with what it holds, and since when.
   *
   * @throws {NotFoundError} when nobody has that name.
   */
  async explain(name: string): Promise<AgentReport> {
    checkName(name, "agent name");
    const report = await (await this.#context.store.agents()).explain(name);
    if (report === undefined) throw await this.#unknown(name);
    return report;
  }

  /** Every agent by name, the gone included; with `status` only those. */
  async list({ status }: { readonly status?: AgentStatus } = {}): Promise<readonly Agent[]> {
    const wanted = status === undefined ? undefined : checkChoice(status, "status", STATUSES);
    const agents = await (await this.#context.store.agents()).list();
    return wanted === undefined ? agents : agents.filter((agent) => agent.status === wanted);
  }

  /**
   * Agents without a heartbeat for longer than `thresholdMs`, the longest silent first; each one's
   * `status` is `hung`. The gone are not among them, unless the threshold is itself 24 hours or more:
   * then everyone silent for longer who has not deregistered.
   *
   * @param options.thresholdMs 1 second to 30 days. Default 300 000 (5 minutes).
   */
  async hung(
    { thresholdMs = HUNG_AFTER_MS }: { readonly thresholdMs?: number } = {},
  ): Promise<readonly Agent[]> {
    const fits = Number.isInteger(thresholdMs) && thresholdMs >= MIN_THRESHOLD_MS &&
      thresholdMs <= MAX_THRESHOLD_MS;
    if (!fits) throw invalid(thresholdMs, "thresholdMs", "use 1000 ms to 30 days");
    return await (await this.#context.store.agents()).hung(thresholdMs);
  }

  /** How many agents there are of each status. */
  async summary(): Promise<AgentCounts> {
    return await (await this.#context.store.agents()).summary();
  }

  /** What to say of a name that nobody has; most often somebody else's is meant. */
  async #unknown(name: string): Promise<NotFoundError> {
    const agents = await (await this.#context.store.agents()).list();
    const suggestion = likeName(name, agents.map((agent) => agent.name));
    const hint = suggestion === undefined
      ? "see the list of agents"
      : `did you mean ${quote(suggestion)}?`;
    return new NotFoundError(`No agent is named ${quote(name)}; ${hint}`, {
      name,
      ...given({ suggestion }),
    });
  }
}

/** How the options of {@linkcode Agents.register} are read. */
export const REGISTER_FIELDS: FieldTable<RegisterOptions> = {
  name: anything,
  role: anything,
  workingOn: anything,
  tags: list(),
  ttlMs: anything,
  worker: anything,
  takeover: flag,
};

checkArguments(Agents, {
  register: { options: options(REGISTER_FIELDS) },
  heartbeat: {
    options: options<HeartbeatOptions>({ status: anything, workingOn: anything }),
  },
  deregister: {},
  prune: {},
  assign: {
    agent: fields<Pick<Agent, "name" | "worker">>({ name: anything, worker: anything }),
    change: callback,
  },
  get: { name: anything },
  show: { name: anything },
  explain: { name: anything },
  list: { options: options<{ status?: AgentStatus }>({ status: anything }) },
  hung: { options: options<{ thresholdMs?: number }>({ thresholdMs: anything }) },
  summary: {},
});

function checkRole(value: string): string {
  return checkText(value, "role", { maxChars: LIMITS.nameChars, allowEmpty: true });
}

/** The note as JSON. */
function checkWorker(worker: SpawnedWorker): string {
  return JSON.stringify(checkJson(worker, "worker", WORKER_BYTES));
}

function taken({ agent, nowMs }: Extract<RegisterOutcome, { kind: "taken" }>): ConflictError {
  const { name, host, pid, lastHeartbeatAtMs, expiresAtMs } = agent;
  const remainingMs = expiresAtMs - nowMs;
  const ageMs = nowMs - lastHeartbeatAtMs;
  const where = `${quote(host)}${pid === undefined ? "" : `, process ${pid}`}`;
  return new ConflictError(
    `Cannot register agent ${quote(name)}: it is in use on ${where}, last heartbeat ` +
      `${formatDuration(ageMs)} ago; choose another name, take it over (--takeover), or wait ` +
      `${formatDuration(remainingMs)}`,
    { name, host, pid: pid ?? null, lastHeartbeatAtMs, expiresAtMs, ageMs, remainingMs },
  );
}

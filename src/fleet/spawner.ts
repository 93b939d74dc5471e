/**
 * Workers that somebody spawned, as all who share the store see them.
 *
 * The protocol. A worker is an agent with a note of how it was spawned and where it can be found. Whoever spawns it
 * registers its name first, so that nobody else has it, then starts it, then notes the place. The worker takes the name
 * over when it comes up, and notes that it has. One that does not come up lets the name lapse.
 *
 * Whether it lives is answered by its mode, and where that cannot tell by its signs of life; a probe that fails is
 * never a death. Stopping is noted first, which a worker out of reach reads at its next sign of life, and then done by
 * the mode. What a worker that was killed still held is released by whoever ended it.
 * @module
 */
import type { Agent, SpawnedWorker, SpawnModeName } from "../agent/model.ts";
import { Agents } from "../agent/agent.ts";
import { requireActor, type RoomContext } from "../context.ts";
import { ConflictError } from "../errors.ts";
import { given } from "../given.ts";
import { quote } from "../name.ts";
import type { Liveness, LogOptions, Place, SpawnMode, TerminateOptions } from "./mode.ts";

/** How long a name is kept for a worker that is starting, in milliseconds: an image may have to be fetched. */
const STARTING_MS = 120_000;

/** A worker to be spawned. */
export interface NewWorker {
  /** The agent's name. */
  readonly name: string;
  /** How to run it. */
  readonly mode: SpawnModeName;
  /** What it can do. Default: none. */
  readonly tags?: readonly string[];
  /** What it is for. Default `worker`. */
  readonly role?: string;
  /** The words behind the program's name. */
  readonly words: readonly string[];
  /** The command it runs for each task, as a shell would read it; shown to everybody. */
  readonly command: string;
  /** Settings, and whatever else it finds in its environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** Where a worker stands. `unknown`: nobody could tell. */
export type WorkerState = "starting" | "running" | "stopping" | "ended" | "unknown";

/** A worker as everybody sees it. */
export interface WorkerView {
  readonly name: string;
  readonly mode: SpawnModeName;
  readonly state: WorkerState;
  /** Why, where that is not plain: an exit code, another host. */
  readonly why?: string;
  readonly tags: readonly string[];
  /** How many tasks it has now. */
  readonly tasks: number;
  /** How many locks it has now. */
  readonly locks: number;
  readonly command: string;
  readonly spawnedAtMs: number;
  readonly spawnedBy: string;
  readonly lastHeartbeatAtMs: number;
  readonly place?: Place;
}

/** Spawns workers, finds them, and ends them. */
export class WorkerSpawner {
  readonly #context: RoomContext;
  readonly #agents: Agents;
  readonly #namespace: string;
  readonly #modeOf: (name: SpawnModeName) => Promise<SpawnMode>;

  /** `modeOf` gives the ways to run workers, each loaded when it is first needed. */
  constructor(
    context: RoomContext,
    { namespace, modeOf }: {
      readonly namespace: string;
      readonly modeOf: (name: SpawnModeName) => Promise<SpawnMode>;
    },
  ) {
    this.#context = context;
    this.#agents = new Agents(context);
    this.#namespace = namespace;
    this.#modeOf = modeOf;
  }

  /**
   * Spawns a worker.
   *
   * @returns the agent that it is going to be.
   * @throws {ConflictError} when a live agent has the name.
   */
  async spawn(
    { name, mode, tags, role = "worker", words, command, env }: NewWorker,
  ): Promise<Agent> {
    const { name: spawnedBy } = requireActor(this.#context);
    const found = await this.#modeOf(mode);
    const noted: SpawnedWorker = { mode, spawnedAtMs: Date.now(), spawnedBy, command };
    const agent = await this.#agents.register({
      name,
      role,
      workingOn: "",
      tags: tags ?? [],
      ttlMs: STARTING_MS,
      worker: noted,
    }).catch((error) => {
      throw error instanceof ConflictError ? nameTaken(name, error) : error;
    });
    let place: Place;
    try {
      place = await found.spawn({ name: agent.name, namespace: this.#namespace, words, env });
    } catch (error) {
      await this.#as(name).deregister();
      throw error;
    }
    return await this.#agents.assign(agent, (worker = noted) => ({ ...worker, place }));
  }

  /** Every worker that is known, by name; with `all` also those that have ended. */
  async list({ all = false }: { readonly all?: boolean } = {}): Promise<readonly WorkerView[]> {
    const agents = await this.#agents.list();
    const views = await Promise.all(
      agents.flatMap((agent) =>
        agent.worker === undefined ? [] : [this.#view(agent, agent.worker)]
      ),
    );
    return views.filter(({ state }) => all || state !== "ended");
  }

  /** One worker. */
  async show(name: string): Promise<WorkerView> {
    const { agent, worker } = await this.#find(name);
    return await this.#view(agent, worker);
  }

  /** Whether a worker lives; `unknown` when nobody could tell. */
  async isAlive(name: string): Promise<Liveness> {
    const { agent, worker } = await this.#find(name);
    return await this.#probe(agent, worker);
  }

  /**
   * Ends a worker, and releases what it still holds once it has ended.
   *
   * @throws {ConflictError} when it was not spawned.
   * @throws {StoreUnavailableError} when its mode cannot reach it from here; it leaves at its next sign of life then.
   */
  async terminate(name: string, options: TerminateOptions): Promise<WorkerView> {
    requireActor(this.#context);
    const { agent, worker } = await this.#find(name);
    const stop = options.drainMs > 0 ? "drain" : "now";
    const noted = await this.#agents.assign(agent, (now = worker) => ({ ...now, stop }));
    const { place } = noted.worker!;
    if (place !== undefined) {
      const mode = await this.#modeOf(worker.mode);
      await mode.terminate(place, options);
    }
    const after = await this.#agents.show(name);
    if (after.status !== "gone") await this.#as(name).deregister();
    return await this.show(name);
  }

  /** What a worker wrote. */
  async *logs(name: string, options: LogOptions = {}): AsyncIterable<string> {
    const { worker } = await this.#find(name);
    if (worker.place === undefined) return;
    yield* (await this.#modeOf(worker.mode)).logs(worker.place, options);
  }

  async #find(name: string) {
    const agent = await this.#agents.show(name);
    if (agent.worker !== undefined) return { agent, worker: agent.worker };
    throw new ConflictError(
      `Agent ${quote(name)} was not spawned: it can be ended where it was started`,
      { name, host: agent.host, pid: agent.pid ?? null },
      false,
    );
  }

  async #probe(agent: Agent, { mode, place }: SpawnedWorker): Promise<Liveness> {
    if (agent.status === "gone" && place === undefined) return { state: "dead" };
    const probed: Liveness = place === undefined
      ? { state: "unknown", why: "it is being started" }
      : await (await this.#modeOf(mode)).isAlive(place);
    if (probed.state !== "unknown") return probed;
    if (agent.status === "gone") return { state: "dead", why: "it has left" };
    const nowMs = Date.now() + (this.#context.store.clockAheadMs ?? 0);
    return nowMs < agent.expiresAtMs ? { state: "alive" } : probed;
  }

  async #view(agent: Agent, worker: SpawnedWorker): Promise<WorkerView> {
    const { mode, command, spawnedAtMs, spawnedBy, place } = worker;
    const { state, why } = await this.#probe(agent, worker);
    return {
      name: agent.name,
      mode,
      state: stateOf(worker, state),
      ...given({ why }),
      tags: agent.tags,
      tasks: agent.tasks,
      locks: agent.locks,
      command,
      spawnedAtMs,
      spawnedBy,
      lastHeartbeatAtMs: agent.lastHeartbeatAtMs,
      ...given({ place }),
    };
  }

  #as(name: string): Agents {
    const { host, pid } = requireActor(this.#context);
    return new Agents({ ...this.#context, actor: { name, host, ...given({ pid }) } });
  }
}

/** A worker's name is not taken over: whoever has it would be left without it, and go on. */
function nameTaken(name: string, { details, retryable }: ConflictError): ConflictError {
  return new ConflictError(
    `Cannot spawn ${quote(name)}: a live agent on ${quote(details.host)} has the name; choose ` +
      `another one, or end that agent first (a worker: agentcoord workers stop ${name})`,
    details,
    retryable,
  );
}

function stateOf({ stop, startedAtMs }: SpawnedWorker, state: Liveness["state"]): WorkerState {
  if (state === "dead") return "ended";
  if (state === "unknown") return "unknown";
  if (stop !== undefined) return "stopping";
  return startedAtMs === undefined ? "starting" : "running";
}

import { given } from "../../src/given.ts";
import type { Agent } from "../../src/agent/model.ts";
import { Agents, type RegisterOptions } from "../../src/agent/agent.ts";
import { DEFAULT_AGENT_TTL_MS } from "../../src/agent/model.ts";
import { sleep } from "../../src/clock.ts";
import { type Cli, defineCommand } from "../../src/cli/command.ts";
import { duration, LEASE, list } from "../../src/cli/options.ts";
import { exitCodesHelp, type Tenure, wrap, WRAPPER_EXIT } from "../../src/cli/wrapper.ts";
import { InvalidArgumentError, LeaseLostError, StoreUnavailableError } from "../../src/errors.ts";
import { quote } from "../../src/name.ts";

/** Whether the registration is still there is looked at this often, long before the next heartbeat. */
const LOOK_MS = 1000;

/** `agentcoord agent run` */
export const command = defineCommand({
  build: (command) =>
    command
      .usage("[options] -- <command> [args...]")
      .addHelpText("after", exitCodesHelp("75 the name is in use"))
      .option("--name <name>", "who it is (default: the acting agent)")
      .option("--role <text>", "what it is for")
      .option("--working-on <text>", "what it is doing now")
      .option("--tags <names>", "what it can do", list("--tags"))
      .option(
        "--ttl <duration>",
        "how long a heartbeat is good for (default: 60s)",
        duration("--ttl", LEASE),
      )
      .option("--takeover", "take the name even when a live agent has it"),
  takesRest: true,
  examples: [
    "agentcoord agent run --name ada --role engineer --tags backend -- ./agent.sh",
    "agentcoord agent run --name ci-7 --working-on 'nightly build' --ttl 2m -- make nightly",
  ],
  run: async (cli, { name, role, workingOn, tags, ttl, takeover }) =>
    await wrap(cli, {
      exitCodes: { conflict: WRAPPER_EXIT.refused },
      begin: () =>
        begin(cli, name, {
          ttlMs: ttl ?? DEFAULT_AGENT_TTL_MS,
          ...given({ role, workingOn, tags }),
          takeover: takeover ?? false,
        }),
    }),
  text: () => "",
});

async function begin(
  cli: Cli,
  given: string | undefined,
  options: RegisterOptions & { readonly ttlMs: number },
): Promise<Tenure> {
  const name = given ?? (await cli.config()).agent;
  if (name === undefined) {
    throw new InvalidArgumentError("No agent to run as: name it with --name NAME", {
      field: "name",
    });
  }
  const actor = { name, host: Deno.hostname(), pid: Deno.pid };
  const agents = new Agents({ ...await cli.context(), actor });
  const heart = new Heart(cli, agents, await agents.register(options), options.ttlMs);
  return {
    env: { AGENTCOORD_AGENT: name },
    signal: heart.signal,
    end: async () => {
      // A name that is somebody else's now is not ours to deregister.
      if (!await heart.stop()) return;
      const { released } = await agents.deregister();
      if (released.locks + released.tasks > 0) {
        cli.note(`Gave back what ${quote(name)} still held: ${countsOf(released)}`);
      }
    },
  };
}

/**
 * Beats for one registration until it is stopped or the name is somebody else's.
 *
 * A store that cannot be reached does not end the command: the agent loses nothing before the expiry of each of its
 * leases. A store that was removed or emptied does end it: its agent and all leases are gone, and another process
 * that opens the new store at this place can be granted what this agent believes to hold.
 */
class Heart {
  readonly #cli: Cli;
  readonly #agents: Agents;
  readonly #registered: Agent;
  readonly #stopped = new AbortController();
  readonly #lost = new AbortController();
  readonly #beating: Promise<void>;
  #isOurs = true;
  /** Whether it was last seen deregistered: then it may be pruned, and the next heartbeat registers it again. */
  #hasLeft = false;

  constructor(cli: Cli, agents: Agents, registered: Agent, ttlMs: number) {
    this.#cli = cli;
    this.#agents = agents;
    this.#registered = registered;
    this.#beating = this.#beat(ttlMs);
  }

  /** Fires when there is no registration any more that could be kept alive. */
  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  /** Stops; whether the registration was still ours. */
  async stop(): Promise<boolean> {
    this.#stopped.abort();
    await this.#beating;
    return this.#isOurs;
  }

  async #beat(ttlMs: number): Promise<void> {
    let failed = false;
    let dueMs = performance.now() + ttlMs / 3;
    for (;;) {
      const pauseMs = failed ? ttlMs / 10 : Math.max(dueMs - performance.now(), 0);
      await sleep(Math.min(pauseMs, LOOK_MS), this.#stopped.signal);
      if (this.#stopped.signal.aborted) return;
      try {
        this.#isOurs = await this.#isStillOurs();
        if (!this.#isOurs) {
          this.#cli.warn(
            `Agent ${quote(this.#registered.name)} was taken over; no more heartbeats for it`,
          );
          return;
        }
        if (failed || performance.now() >= dueMs) {
          dueMs = performance.now() + ttlMs / 3;
          this.#compare(await this.#agents.heartbeat());
          this.#hasLeft = false;
        }
        failed = false;
      } catch (error) {
        const isRemoved = error instanceof StoreUnavailableError && error.details.removed === true;
        if (isRemoved || error instanceof LeaseLostError) {
          this.#isOurs = false;
          this.#lost.abort(error);
          return;
        }
        const reason = error instanceof Error ? error.message : String(error);
        if (!failed) this.#cli.warn(`Heartbeat failed, trying again: ${reason}`);
        failed = true;
      }
    }
  }

  /** A heartbeat would keep a successor's registration alive, so look first. */
  async #isStillOurs(): Promise<boolean> {
    const { name, host, pid } = this.#registered;
    const seen = await this.#agents.get(name);
    this.#compare(seen);
    if (seen === undefined) return true;
    this.#hasLeft = seen.status === "gone";
    return seen.host === host && seen.pid === pid;
  }

  /**
   * A store that was emptied has lost the registration, though somebody may have made another under the name.
   *
   * @throws {LeaseLostError} when what was seen is not the agent that was registered here.
   */
  #compare(seen: Agent | undefined): void {
    const { name, id } = this.#registered;
    if (seen?.id === id || this.#hasLeft) return;
    throw new LeaseLostError(
      `Agent ${quote(name)} is not registered any more: the store was emptied, or the agent was ` +
        `deregistered and removed by "agent prune"; what it held there is lost`,
      { name, id },
    );
  }
}

function countsOf({ locks, tasks }: { readonly locks: number; readonly tasks: number }): string {
  const some = (count: number, word: string) => `${count} ${word}${count === 1 ? "" : "s"}`;
  return `${some(locks, "lock")}, ${some(tasks, "task")}`;
}

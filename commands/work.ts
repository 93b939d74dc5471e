import { given } from "../src/given.ts";
import { Agents, type RegisterOptions } from "../src/agent/agent.ts";
import { type Agent, DEFAULT_AGENT_TTL_MS } from "../src/agent/model.ts";
import { checkBody } from "../src/check.ts";
import { type Cli, defineCommand, Exit } from "../src/cli/command.ts";
import { childEnvironment, GRACE_MS } from "../src/cli/wrapper.ts";
import { Signals } from "../src/cli/wrapper_signals.ts";
import { sleep } from "../src/clock.ts";
import { CoordError } from "../src/errors.ts";
import { formatDuration } from "../src/duration.ts";
import { printable, quote } from "../src/name.ts";
import { executable, NotExecutedError } from "../src/process/program.ts";
import { Session } from "../src/session.ts";
import { CommandRunner } from "../src/worker/command.ts";
import { logDirectory, makeLogDirectory } from "../src/worker/log_directory.ts";
import type { EndedAttempt, WorkerReport } from "../src/worker/model.ts";
import { runWorker } from "../src/worker/worker.ts";
import { workOptions } from "./work_options.ts";

/** As much of the output of one attempt is kept on disk unless said otherwise. */
const LOG_BYTES = 10 * 1024 * 1024;

/** `agentcoord work` */
export const command = defineCommand({
  build: (command) =>
    workOptions(command.usage("[options] -- <command> [args...]"))
      .option("--takeover", "take the worker's name even when a live agent has it")
      .addHelpText("after", HELP),
  takesRest: true,
  examples: [
    "agentcoord work --tags backend --agent ada -- ./do-task.sh",
    "agentcoord work --concurrency 4 --idle-exit 60s --timeout 30m --verify 'make test' -- ./do-task.sh",
  ],
  run: async (cli, options) => {
    if (options.verify !== undefined) checkBody(options.verify, "--verify", false);
    const unusable = refusal(cli);
    if (unusable !== undefined) return unusable;
    const { cwd } = cli;
    const place = { cwd, project: (await cli.config()).project };
    const directory = logDirectory(place, options.logDir);
    const leave = new AbortController();
    const giveUp = new AbortController();
    using signals = new Signals();
    signals.passTo((name) => {
      if (name === "SIGUSR1" || name === "SIGUSR2") return;
      if (leave.signal.aborted) return giveUp.abort();
      leave.abort();
      cli.tell("Leaving once the tasks under way are done; a second signal gives them back");
    });
    await using session = await openSession(cli, options);
    makeLogDirectory(place, directory);
    const settings = await childEnvironment(cli);
    await using runner = new CommandRunner({
      words: cli.rest,
      cwd,
      env: { ...cli.env, ...settings, AGENTCOORD_AGENT: session.name },
      directory,
      outputBytes: options.logSize ?? LOG_BYTES,
      graceMs: GRACE_MS,
      ...given({ timeoutMs: options.timeout, verify: options.verify }),
    });
    const { tags, match, concurrency, maxTasks, idleExit, lease } = options;
    const ended = new AbortController();
    const watching = watchStop(cli, session, { leave, giveUp, ended: ended.signal });
    const pending: Promise<void>[] = [];
    const report = await runWorker(session, {
      ...given({ tags, match, concurrency, maxTasks, idleExitMs: idleExit, leaseMs: lease }),
      signal: leave.signal,
      giveUp: giveUp.signal,
      onAttempt: (ended) => {
        pending.push(cli.line(lineOf(ended), attemptText(ended)));
      },
      onOutage: (error) => cli.warn(`${messageOf(error)}; trying again`),
    }, runner.handle);
    ended.abort();
    await Promise.all([...pending, watching]);
    cli.note(`Left after ${reportText(report)}`);
    return new Exit(0);
  },
  text: () => "",
});

const HELP = `
The command finds the task as JSON on its standard input and, in its environment, AGENTCOORD_TASK_ID,
AGENTCOORD_TASK_FENCE, AGENTCOORD_TASK_ATTEMPT, AGENTCOORD_TASK_FILE (the same JSON) and AGENTCOORD_AGENT.
It writes a result, JSON or text, into the file that AGENTCOORD_RESULT names.
Exit code 0 completes the task; 75 gives it back without counting an attempt, until the time in the file that
AGENTCOORD_NOT_BEFORE names (such as +30m or 2030-01-31T09:00:00Z); any other fails the attempt.
SIGTERM lets the worker leave once its tasks are done; a second one ends the commands and gives the tasks back.
With --json each ended attempt is an object on a line of its own.`;

/** The answer when there is no such command, before anything is claimed. */
function refusal(cli: Cli): Exit | undefined {
  try {
    executable(cli.rest, cli.env);
    return undefined;
  } catch (error) {
    if (error instanceof NotExecutedError) return new Exit(error.exitCode, error);
    throw error;
  }
}

async function openSession(
  cli: Cli,
  { tags, role = "worker", ttl, takeover }: {
    readonly tags?: readonly string[];
    readonly role?: string;
    readonly ttl?: number;
    readonly takeover?: true;
  },
): Promise<Session> {
  const name = (await cli.config()).agent ?? workerName();
  const actor = { name, host: Deno.hostname(), pid: Deno.pid };
  const context = { ...await cli.context({ agent: name }), actor };
  const options: RegisterOptions = {
    role,
    ttlMs: ttl ?? DEFAULT_AGENT_TTL_MS,
    takeover: takeover ?? false,
    ...given({ tags }),
  };
  const agents = new Agents(context);
  const agent = await agents.register(options);
  if (agent.worker !== undefined) {
    await agents.assign(agent, (noted = agent.worker!) => ({ ...noted, startedAtMs: Date.now() }));
  }
  return new Session(context, agent, {
    heartbeat: true,
    onClose: "deregister",
    onHeartbeatError: () => undefined,
    onClosed: () => undefined,
  });
}

/** A worker that nobody named is told apart by host and process. */
function workerName(): string {
  const host = Deno.hostname().replace(/[^A-Za-z0-9._-]/g, "-").slice(0, 40);
  return `worker-${host}-${Deno.pid}`;
}

/**
 * Reads now and then what is noted of this worker. Somebody on another host cannot signal it, and notes there that it
 * shall stop. When another process has taken the name over, this one leaves as well.
 */
async function watchStop(
  cli: Cli,
  { name, agent, agents }: Session,
  { leave, giveUp, ended }: {
    readonly leave: AbortController;
    readonly giveUp: AbortController;
    readonly ended: AbortSignal;
  },
): Promise<void> {
  const everyMs = (agent.expiresAtMs - agent.lastHeartbeatAtMs) / 3;
  while (!ended.aborted) {
    await sleep(everyMs, ended);
    if (ended.aborted) return;
    let now: Agent | undefined;
    try {
      now = await agents.get(name);
    } catch (error) {
      if (error instanceof CoordError) continue; // What cannot be read says nothing.
      throw error;
    }
    const isTaken = now !== undefined && (now.host !== agent.host || now.pid !== agent.pid);
    if (isTaken) cli.warn(`Somebody else works as ${quote(name)} now: leaving`);
    if (isTaken || now?.worker?.stop !== undefined) leave.abort();
    if (now?.worker?.stop === "now") giveUp.abort();
  }
}

function lineOf({ task, outcome, durationMs, error }: EndedAttempt) {
  const { id, title, lease } = task;
  return { id, title, fence: lease!.fence, outcome, durationMs, ...given({ error }) };
}

function attemptText({ task, outcome, durationMs, error }: EndedAttempt): string {
  const why = error === undefined ? "" : `: ${printable(error.split("\n")[0]!, 200)}`;
  return `${outcome.padEnd(9)}  ${task.id}  ${quote(task.title)} in ${
    formatDuration(durationMs)
  }${why}\n`;
}

function reportText({ completed, failed, released, lost }: WorkerReport): string {
  return `${completed} completed, ${failed} failed, ${released} given back, ${lost} lost`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

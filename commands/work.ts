import { given } from "../src/given.ts";
import { Agents, type RegisterOptions } from "../src/agent/agent.ts";
import { DEFAULT_AGENT_TTL_MS } from "../src/agent/model.ts";
import { checkBody, checkInteger } from "../src/check.ts";
import { type Cli, defineCommand, Exit } from "../src/cli/command.ts";
import { choice, duration, integer, LEASE, list, size } from "../src/cli/options.ts";
import { childEnvironment, GRACE_MS } from "../src/cli/wrapper.ts";
import { Signals } from "../src/cli/wrapper_signals.ts";
import { formatDuration } from "../src/duration.ts";
import { printable, quote } from "../src/name.ts";
import { executable, NotExecutedError } from "../src/process/program.ts";
import { Session } from "../src/session.ts";
import { CommandRunner } from "../src/worker/command.ts";
import { logDirectory, makeLogDirectory } from "../src/worker/log_directory.ts";
import type { EndedAttempt, WorkerReport } from "../src/worker/model.ts";
import { runWorker } from "../src/worker/worker.ts";

/** As much of the output of one attempt is kept on disk unless said otherwise. */
const LOG_BYTES = 10 * 1024 * 1024;

/** `agentcoord work` */
export const command = defineCommand({
  build: (command) =>
    command
      .usage("[options] -- <command> [args...]")
      .option("--tags <names>", "only tasks with these tags", list("--tags"))
      .addOption(choice("--match <how>", "any of the tags, or all (default: any)", ["any", "all"]))
      .option(
        "--concurrency <n>",
        "tasks at the same time (default: 1)",
        count("--concurrency", 100),
      )
      .option(
        "--max-tasks <n>",
        "leave after this many attempts",
        count("--max-tasks", 1_000_000_000),
      )
      .option(
        "--idle-exit <duration>",
        "leave when there was nothing to do for this long",
        duration("--idle-exit"),
      )
      .option(
        "--lease <duration>",
        "length of each lease, renewed at a third (default: as the task says)",
        duration("--lease", LEASE),
      )
      .option(
        "--timeout <duration>",
        "end the command, and fail the attempt, after this long",
        duration("--timeout", { minMs: 1 }),
      )
      .option("--verify <command>", "a shell command that must succeed for a completion to count")
      .option("--log-dir <directory>", "where the output goes (default: .agentcoord/logs)")
      .option(
        "--log-size <size>",
        "most output to keep of an attempt (default: 10M)",
        size("--log-size"),
      )
      .option("--role <text>", "what the worker is for (default: worker)")
      .option(
        "--ttl <duration>",
        "how long the worker's heartbeat is good for (default: 60s)",
        duration("--ttl", LEASE),
      )
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
    await Promise.all(pending);
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

function count(field: string, max: number): (text: string) => number {
  return (text) => checkInteger(integer(field)(text), field, { min: 1, max });
}

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
  const context = await cli.context({ agent: name });
  const options: RegisterOptions = {
    role,
    ttlMs: ttl ?? DEFAULT_AGENT_TTL_MS,
    takeover: takeover ?? false,
    ...given({ tags }),
  };
  const agent = await new Agents(context).register(options);
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

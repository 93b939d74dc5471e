import { defineCommand, Exit } from "../../src/cli/command.ts";
import { CoordinationClient } from "../../src/client.ts";
import { sleep } from "../../src/clock.ts";
import { list } from "../../src/cli/options.ts";
import type { Session } from "../../src/session.ts";
import type { HeldTask } from "../../src/task/held.ts";
import type { Job } from "./project.ts";

/** `agentcoord demo-worker NAME`: one of the demo's processes; works until its demo stops it. */
export const command = defineCommand({
  build: (command) =>
    command
      .argument("<name>", "name of the agent")
      .requiredOption("--tags <names>", "tags of the tasks it takes", list("--tags")),
  examples: ["agentcoord demo-worker ada --tags backend"],
  run: async (cli, { tags }, name) => {
    const stop = new AbortController();
    Deno.addSignalListener("SIGTERM", () => stop.abort());
    await using client = await CoordinationClient.open({ cwd: cli.cwd });
    await using session = await client.session(name, { role: "worker", tags, ttlMs: 3000 });
    while (!stop.signal.aborted) {
      const task = await session.claimTask({ tags, waitMs: 60_000, signal: stop.signal });
      if (task !== undefined) await work(session, task, cli.cwd);
    }
    return new Exit(0);
  },
  text: () => "",
});

/** Does one task: edits its file and the change log under locks, then tells the others. */
async function work(session: Session, held: HeldTask, directory: string): Promise<void> {
  await using task = held;
  const job = task.task.payload as unknown as Job;
  const { title } = task.task;
  await session.agents.heartbeat({ workingOn: title });
  await using lock = await session.lockFile(job.file, {
    intent: title,
    ttlMs: 2000,
    waitMs: 30_000,
    signal: task.signal,
  });
  await task.progress(`editing ${job.file}`);
  if (job.approval && !(await approved(session, title))) {
    await task.fail("The release was not approved", { retry: false });
    return;
  }
  await append(`${directory}/${job.file}`, job.line, job.workMs, lock.signal);
  {
    await using log = await session.lockFile("CHANGELOG.md", { intent: title, waitMs: 30_000 });
    await append(`${directory}/CHANGELOG.md`, `- ${title}`, 50, log.signal);
  }
  await session.completeTask(task, { file: job.file, fence: lock.fence });
  await session.postThread({
    title: job.approval ? "Deployment Complete" : `Done: ${title}`,
    message: `${job.file} has changed. @maria`,
    priority: job.approval ? "high" : "normal",
  });
}

async function approved(session: Session, title: string): Promise<boolean> {
  const approval = await session.requestApproval({
    actionType: "release",
    description: title,
    timeoutMs: 20_000,
  });
  await session.logDecision({
    decisionType: "deployment",
    context: `${title}: ${approval.status} by ${approval.decidedBy ?? "nobody"}`,
    reason: approval.comment ?? "no comment",
    refs: [approval.id],
  });
  return approval.status === "approved";
}

/** Reads, thinks, and writes back: only a lock keeps two of these from losing each other's line. */
async function append(
  path: string,
  line: string,
  workMs: number,
  signal: AbortSignal,
): Promise<void> {
  const before = await Deno.readTextFile(path);
  await sleep(workMs, signal);
  signal.throwIfAborted();
  await Deno.writeTextFile(path, `${before}${line}\n`);
}

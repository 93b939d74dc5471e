import { type Cli, defineCommand } from "../../src/cli/command.ts";
import { selfCommand } from "../../src/cli/self.ts";
import { CoordinationClient } from "../../src/client.ts";
import { sleep } from "../../src/clock.ts";
import { CoordError } from "../../src/errors.ts";
import type { CoordEvent } from "../../src/event/model.ts";
import type { Task } from "../../src/task/task.ts";
import { line, narrate } from "./narration.ts";
import { type Job, makeProject, TASKS, wrongFiles } from "./project.ts";

const WORKERS = [
  { name: "ada", tags: "backend" },
  { name: "bob", tags: "backend,frontend" },
  { name: "cy", tags: "frontend,docs" },
] as const;
const COORDINATOR = "maria";
/** The story takes about 8 seconds; past this something is wrong. */
const LIMIT_MS = 18_000;

/** What the demo found at its end. */
interface Verdict {
  /** Where it took place; gone again unless `--keep` was given. */
  readonly directory: string;
  readonly tasks: number;
  /** Tasks completed exactly once. */
  readonly completedOnce: number;
  /** The worker that was killed. */
  readonly killed: string;
  /** Who finished what it had begun. */
  readonly finishedBy: string;
  readonly auditEntries: number;
  readonly durationMs: number;
}

/** `agentcoord demo` */
export const command = defineCommand({
  build: (command) => command.option("--keep", "leave the project for looking around"),
  examples: ["agentcoord demo", "agentcoord demo --keep"],
  run: async (cli, { keep }): Promise<Verdict> => {
    const directory = await Deno.realPath(await Deno.makeTempDir({ prefix: "agentcoord-demo-" }));
    const stage = new Stage(cli, directory);
    try {
      return await stage.play();
    } finally {
      await stage.close();
      if (!keep) await Deno.remove(directory, { recursive: true });
      else cli.note(`\nLook around: cd ${directory} && agentcoord status`);
    }
  },
  text: (verdict) =>
    `\nVerified: ${verdict.completedOnce} of ${verdict.tasks} tasks completed exactly once; ` +
    `${verdict.killed} was killed at work and ${verdict.finishedBy} finished its task;\n` +
    `every file as it should be; ${verdict.auditEntries} audit entries, chain intact; ` +
    `${(verdict.durationMs / 1000).toFixed(1)} s.\n`,
});

/** One performance: the processes it started, and the clock it tells time by. */
class Stage {
  readonly #cli: Cli;
  readonly #directory: string;
  readonly #startMs = Date.now();
  readonly #children = new Map<string, Deno.ChildProcess>();
  readonly #over = new AbortController();
  readonly #titles = new Map<string, string>();

  constructor(cli: Cli, directory: string) {
    this.#cli = cli;
    this.#directory = directory;
  }

  async play(): Promise<Verdict> {
    await this.#say("demo", `a git repository with a shop in ${this.#directory}`);
    await makeProject(this.#directory, this.#cli.env.PATH);
    await using client = await CoordinationClient.open({ cwd: this.#directory });
    const tasks = await this.#addTasks();
    await this.#say(COORDINATOR, `adds ${tasks.length} tasks; one needs four others first`);
    const killed = this.#follow(client, tasks);
    this.#start(COORDINATOR, "demo-coordinator", COORDINATOR);
    for (const { name, tags } of WORKERS) this.#start(name, "demo-worker", name, "--tags", tags);
    const done = await this.#untilDone(client);
    await this.#stop();
    const verdict = await this.#verify(client, done, await killed);
    await this.#showStatus();
    return verdict;
  }

  /** Ends whatever still runs. */
  async close(): Promise<void> {
    this.#over.abort();
    for (const child of this.#children.values()) child.kill("SIGKILL");
    await Promise.all([...this.#children.values()].map((child) => child.status));
  }

  /** As a person would, from a file: one atomic batch. */
  async #addTasks(): Promise<readonly Task[]> {
    const file = `${this.#directory}/.git/demo-tasks.jsonl`;
    await Deno.writeTextFile(file, TASKS.map((task) => JSON.stringify(task)).join("\n"));
    const output = await this.#call(
      "task",
      "add",
      "--from",
      file,
      "--agent",
      COORDINATOR,
      "--json",
    );
    const tasks: readonly Task[] = JSON.parse(output).data;
    for (const { id, title } of tasks) this.#titles.set(id, title);
    return tasks;
  }

  /** Tells the story, and kills the worker that holds the doomed task and its lock. */
  async #follow(client: CoordinationClient, tasks: readonly Task[]): Promise<string> {
    const doomed = tasks.find(({ payload }) => (payload as unknown as Job).doomed);
    const file = (doomed?.payload as unknown as Job).file;
    let victim: string | undefined;
    let killed = "";
    for await (const event of client.events.follow({ signal: this.#over.signal })) {
      const cast = { titles: this.#titles, startMs: this.#startMs };
      await this.#print(narrate(event, cast, this.#cli.view));
      if (isClaim(event, doomed?.id)) victim ??= event.agent;
      const armed = event.type === "lock.acquired" && event.subject === file;
      if (killed === "" && armed && event.agent === victim) {
        killed = victim ?? "";
        await this.#kill(killed, `kill -9 ${killed}, while it holds the task and ${file}`);
      }
    }
    return killed;
  }

  async #kill(name: string, story: string): Promise<void> {
    await sleep(500);
    const child = this.#children.get(name);
    child?.kill("SIGKILL");
    await child?.status;
    this.#children.delete(name);
    await this.#say("demo", story, "red");
  }

  async #untilDone(client: CoordinationClient): Promise<readonly Task[]> {
    while (Date.now() - this.#startMs < LIMIT_MS) {
      const { tasks } = await client.tasks.list({ limit: 100 });
      const final = ["completed", "dead", "cancelled"];
      if (tasks.length > 0 && tasks.every(({ status }) => final.includes(status))) return tasks;
      await sleep(100);
    }
    throw new CoordError("internal", `The demo's tasks were not done after ${LIMIT_MS} ms`);
  }

  /** Asks every process to leave, and waits until it has. */
  async #stop(): Promise<void> {
    for (const child of this.#children.values()) child.kill("SIGTERM");
    await Promise.all([...this.#children.values()].map((child) => child.status));
    this.#children.clear();
    // The last events are on their way to the narrator.
    await sleep(100);
    this.#over.abort();
  }

  async #verify(
    client: CoordinationClient,
    tasks: readonly Task[],
    killed: string,
  ): Promise<Verdict> {
    const completions = (task: Task) =>
      task.attempts.filter(({ outcome }) => outcome === "completed").length;
    const once = tasks.filter((task) => task.status === "completed" && completions(task) === 1);
    const retried = tasks.filter(({ attemptsLeftOut }) => attemptsLeftOut !== undefined);
    const whole = await Promise.all(retried.map(({ id }) => client.tasks.show(id)));
    const rescued = whole.find(({ attempts }) => attempts[0]?.holder === killed);
    const audit = await client.audit.verify();
    const wrong = [
      ...tasks.filter((task) => !once.includes(task)).map(({ title }) =>
        `"${title}" is not done once`
      ),
      ...await wrongFiles(this.#directory),
      ...(audit.ok ? [] : ["the audit chain is broken"]),
      ...(rescued === undefined ? ["no task survived the death of its worker"] : []),
    ];
    if (wrong.length > 0) {
      throw new CoordError("internal", `The demo went wrong: ${wrong.join("; ")}`, {
        details: { wrong },
      });
    }
    return {
      directory: this.#directory,
      tasks: tasks.length,
      completedOnce: once.length,
      killed,
      finishedBy: rescued?.attempts.at(-1)?.holder ?? "",
      auditEntries: audit.entries,
      durationMs: Date.now() - this.#startMs,
    };
  }

  /** What anybody would look at now; the killed worker is the one that is silent. */
  async #showStatus(): Promise<void> {
    for (const words of [["status"], ["hung", "--threshold", "3"]]) {
      const shown = await this.#call(...words);
      await this.#print(`\n$ agentcoord ${words.join(" ")}\n${shown}`);
    }
  }

  #start(name: string, ...words: string[]): void {
    const child = this.#command(words, { stdout: "null", stderr: "inherit" }).spawn();
    this.#children.set(name, child);
  }

  async #call(...words: string[]): Promise<string> {
    const { success, stdout, stderr } = await this.#command(words, {}).output();
    const decoder = new TextDecoder();
    if (success) return decoder.decode(stdout);
    throw new CoordError("internal", `${words.join(" ")} failed: ${decoder.decode(stderr).trim()}`);
  }

  /** This very program in the demo's project, whatever settings surround the demo itself. */
  #command(words: readonly string[], streams: Deno.CommandOptions): Deno.Command {
    const [program = "", ...args] = selfCommand();
    const settings = Object.entries(this.#cli.env).filter(([name]) =>
      !name.startsWith("AGENTCOORD_") && name !== "REDIS_URL"
    );
    return new Deno.Command(program, {
      args: [...args, ...words],
      cwd: this.#directory,
      clearEnv: true,
      env: Object.fromEntries(settings),
      stdin: "null",
      ...streams,
    });
  }

  async #say(who: string, what: string, style: "cyan" | "red" = "cyan"): Promise<void> {
    const ms = Date.now() - this.#startMs;
    await this.#print(line(ms, who, what, style, this.#cli.view));
  }

  /** The story is for people; with --json only the verdict is printed. */
  async #print(text: string): Promise<void> {
    if (!this.#cli.json && text !== "") await this.#cli.line(undefined, text);
  }
}

function isClaim(event: CoordEvent, task: string | undefined): boolean {
  return event.type === "task.claimed" && event.subject === task;
}

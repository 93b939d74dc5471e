/**
 * A shell that executes one program again and again, each time for another task.
 *
 * Why a shell. The runtime can give a child neither a file as its output nor a session of its own without copying this
 * process, which takes twice as long as the child itself (measured with true(1): 2.0 ms against 0.8; by the shell 1.0).
 * The shell is started once, in a session of its own: what is typed at our terminal does not reach the program, which
 * ends when the worker decides so.
 *
 * What the shell reads is data: directories, paths and variables, one a line. None of it is ever evaluated.
 * @module
 */
import { withCallersLimits } from "../process/limits.ts";

/**
 * "$@" is the program. Each request has the directory, the file to read, the file to write to, and variables as
 * NAME=VALUE up to an empty line. The answer is the program's pid, where the system tells a process its own, else 0;
 * and then its exit code. The program does not get the pipe of the answers, so nothing that it leaves behind holds it.
 */
const SCRIPT = `
exec 3>&1
trap : TERM
while IFS= read -r dir && IFS= read -r in && IFS= read -r out; do
  while IFS= read -r line && [ "$line" ]; do export "$line"; done
  (
    pid=0
    { read -r pid rest </proc/self/stat; } 2>/dev/null
    echo "$pid" >&3
    cd -- "$dir" || exit 125
    exec "$@" 3>&-
  ) <"$in" >>"$out" 2>&1
  echo "$?" >&3
done
`;

/** One execution. */
export interface ShellRequest {
  /** Where the program works. */
  readonly directory: string;
  /** What it reads as its standard input. */
  readonly input: string;
  /** The file that its output is added to. */
  readonly output: string;
  /** Variables, on top of those that the shell was started with. */
  readonly env: Readonly<Record<string, string>>;
}

/** A program under way. */
export interface Execution {
  /** Its pid; 0 where the system does not tell. */
  readonly pid: number;
  /** Its exit code; 128 + n when signal n killed it, or the shell. */
  readonly code: Promise<number>;
}

/** One shell. It executes one request at a time. */
export class Shell {
  readonly #child: Deno.ChildProcess;
  readonly #requests: WritableStreamDefaultWriter<Uint8Array>;
  readonly #answers: AsyncIterator<string>;
  #dead = false;

  /** Starts it with `env` as its whole environment. */
  constructor(words: readonly string[], env: Readonly<Record<string, string>>) {
    this.#child = withCallersLimits(() =>
      new Deno.Command("/bin/sh", {
        args: ["-c", SCRIPT, "agentcoord", ...words],
        clearEnv: true,
        env: { ...env },
        detached: true,
        stdin: "piped",
        stdout: "piped",
        stderr: "null",
      }).spawn()
    );
    this.#requests = this.#child.stdin.getWriter();
    this.#answers = linesOf(this.#child.stdout);
  }

  /** Leads the session and the process group of all that it executes. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Whether it was killed, together with what it executed. */
  get isDead(): boolean {
    return this.#dead;
  }

  /** Executes the program once. No text of the request may have a line feed. */
  async execute({ directory, input, output, env }: ShellRequest): Promise<Execution> {
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const lines = [directory, input, output, ...variables, ""];
    await this.#requests.write(new TextEncoder().encode(lines.map((line) => `${line}\n`).join("")));
    const pid = Number(await this.#answer() ?? 0);
    return { pid, code: this.#codeOf() };
  }

  /** Lets it end, which it does once what it executes has ended. */
  async close(): Promise<void> {
    await this.#requests.close().catch(() => undefined); // It was killed, so the pipe is closed already.
    await this.#child.status;
    await this.#answers.return?.();
  }

  async #codeOf(): Promise<number> {
    const code = await this.#answer();
    if (code !== undefined) return Number(code);
    return (await this.#child.status).code;
  }

  async #answer(): Promise<string | undefined> {
    const { value, done } = await this.#answers.next();
    if (done) this.#dead = true;
    return done ? undefined : value;
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
}

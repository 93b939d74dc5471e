/**
 * An agent in a process of its own. A test sends it calls, and can freeze or kill the process while it makes one.
 * @module
 */

/** What an operation answered, or the error that it threw. */
export interface RemoteAnswer {
  readonly value?: unknown;
  readonly error?: { readonly code?: string; readonly message: string };
}

/** A process under way. */
export interface RemoteAgent extends AsyncDisposable {
  readonly pid: number;
  /** Calls a room's or the store's method, such as `"locks", "acquire", "a.py"`; one call at a time. */
  call(room: string, method: string, ...args: readonly unknown[]): Promise<RemoteAnswer>;
  /** Stops it (SIGSTOP). */
  freeze(): void;
  /** Lets it go on. */
  resume(): void;
  /** Ends it at once (SIGKILL). */
  kill(): Promise<void>;
}

/** Starts one on the store at `location`, see dev/workers/context.ts, acting as `name`; it has opened the store then. */
export async function startRemoteAgent(location: string, name: string): Promise<RemoteAgent> {
  const script = new URL("./workers/remote_agent.ts", import.meta.url).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--quiet", script, location, name],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const input = child.stdin.getWriter();
  const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const answer = async (): Promise<RemoteAnswer> => {
    while (!text.includes("\n")) {
      const { value, done } = await output.read();
      if (done) throw new Error(`Process ${child.pid} of ${name} has ended`);
      text += value;
    }
    const end = text.indexOf("\n");
    const line = text.slice(0, end);
    text = text.slice(end + 1);
    return JSON.parse(line);
  };
  let isEnded = false;
  const end = async (signal?: Deno.Signal): Promise<void> => {
    if (isEnded) return;
    isEnded = true;
    if (signal !== undefined) child.kill(signal);
    await input.close().catch(() => undefined);
    await child.status;
    await output.cancel();
  };
  await answer();
  return {
    pid: child.pid,
    call: async (...words) => {
      await input.write(new TextEncoder().encode(`${JSON.stringify(words)}\n`));
      return await answer();
    },
    freeze: () => child.kill("SIGSTOP"),
    resume: () => child.kill("SIGCONT"),
    kill: () => end("SIGKILL"),
    [Symbol.asyncDispose]: () => end(),
  };
}

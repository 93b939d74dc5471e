/**
 * The command line: the only place that touches arguments, the environment, standard streams and the exit
 * code.
 * @module
 */
import { COMMANDS, GROUPS } from "./commands/mod.ts";
import { ReaderGone, run } from "./src/cli/run.ts";
import { VERSION } from "./src/version.ts";

const encoder = new TextEncoder();

/** Writes all of `text` before it returns. */
function write(stream: { writeSync(data: Uint8Array): number }, text: string): void {
  const bytes = encoder.encode(text);
  for (let done = 0; done < bytes.length;) done += stream.writeSync(bytes.subarray(done));
}

// deno-lint-ignore require-await -- a failure is the caller's to await, the writing is not
async function writeResult(text: string): Promise<void> {
  try {
    write(Deno.stdout, text);
  } catch (error) {
    throw error instanceof Deno.errors.BrokenPipe ? new ReaderGone() : error;
  }
}

/** What cannot be told on stderr cannot be told at all, and is no reason to stop. */
function writeRemark(text: string): Promise<void> {
  try {
    write(Deno.stderr, text);
  } catch {
    // Closed, or on a full disk.
  }
  return Promise.resolve();
}

/** Loaded only when it is needed: every call pays for what is imported at the start. */
async function askSecret(prompt: string): Promise<string> {
  return await (await import("./src/cli/secret.ts")).askSecret(prompt);
}

if (import.meta.main) {
  const code = await run(Deno.args, {
    version: VERSION,
    commands: COMMANDS,
    groups: GROUPS,
    env: Deno.env.toObject(),
    get cwd() {
      return Deno.cwd();
    },
    host: Deno.hostname,
    isTerminal: Deno.stdout.isTerminal(),
    columns: () => Deno.consoleSize().columns || 80,
    stdin: () => new Response(Deno.stdin.readable).text(),
    secret: (prompt) => Deno.stdin.isTerminal() ? askSecret(prompt) : undefined,
    stdout: writeResult,
    stderr: writeRemark,
  });
  Deno.exit(code);
}

/**
 * The command line: the only place that touches arguments, the environment, standard streams and the exit
 * code.
 * @module
 */
import { COMMANDS, GROUPS } from "./commands/mod.ts";
import { readWhole } from "./src/cli/bounded_input.ts";
import type { EndingSignal } from "./src/cli/command.ts";
import { run } from "./src/cli/run.ts";
import { isUnseen, Output } from "./src/cli/streams.ts";
import { VERSION } from "./src/version.ts";

const stdout = new Output(Deno.stdout);
const stderr = new Output(Deno.stderr);

/** What cannot be told on stderr cannot be told at all, and is no reason to stop. */
async function writeRemark(text: string): Promise<void> {
  try {
    await stderr.write(text);
  } catch {
    // Closed, or on a full disk.
  }
}

/** Ends this process by a signal. Returns when it is ignored here, as SIGHUP is under nohup(1). */
async function dieOf(signal: EndingSignal): Promise<void> {
  Deno.kill(Deno.pid, signal);
  // It may be delivered to another thread of the runtime, which takes a moment.
  await new Promise((resolve) => setTimeout(resolve, 1000));
}

/** Loaded only when it is needed: every call pays for what is imported at the start. */
async function askSecret(prompt: string): Promise<string> {
  return await (await import("./src/cli/secret.ts")).askSecret(prompt);
}

if (import.meta.main) {
  let signal: EndingSignal | undefined;
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
    stdin: () => readWhole(Deno.stdin.readable),
    secret: (prompt) => Deno.stdin.isTerminal() ? askSecret(prompt) : undefined,
    stdout: (text) => stdout.write(text),
    isUnseen,
    stderr: writeRemark,
    dieOf: (name) => signal = name,
  });
  await stderr.flush();
  if (signal !== undefined) await dieOf(signal);
  Deno.exit(code);
}

/**
 * The command line: the only place that touches arguments, the environment, standard streams and the exit
 * code.
 * @module
 */
import { COMMANDS, GROUPS } from "./commands/mod.ts";
import { run } from "./src/cli/run.ts";
import { VERSION } from "./src/version.ts";

const encoder = new TextEncoder();

/** Writes all of `text`; a reader that went away (`| head`) is not our failure. */
function writer(stream: { writeSync(data: Uint8Array): number }) {
  return (text: string): Promise<void> => {
    const bytes = encoder.encode(text);
    try {
      for (let done = 0; done < bytes.length;) done += stream.writeSync(bytes.subarray(done));
    } catch (error) {
      if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
    }
    return Promise.resolve();
  };
}

if (import.meta.main) {
  const code = await run(Deno.args, {
    version: VERSION,
    commands: COMMANDS,
    groups: GROUPS,
    env: Deno.env.toObject(),
    cwd: Deno.cwd(),
    host: Deno.hostname,
    isTerminal: Deno.stdout.isTerminal(),
    columns: () => Deno.consoleSize().columns || 80,
    stdin: () => new Response(Deno.stdin.readable).text(),
    stdout: writer(Deno.stdout),
    stderr: writer(Deno.stderr),
  });
  Deno.exit(code);
}

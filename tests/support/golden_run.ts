/**
 * The program inside the test's own process: for many calls that need no process of their own.
 * @module
 */
import assert from "node:assert/strict";
import { COMMANDS, GROUPS } from "../../commands/mod.ts";
import { run } from "../../src/cli/run.ts";
import { type CliOptions, type CliResult, ownConfigHome } from "./cli.ts";

/**
 * Runs one command line in `dir` to its end, with no environment but `env`; with `terminal`, its output
 * goes to one of so many columns.
 */
export async function inProcess(
  dir: string,
  argv: readonly string[],
  { env = {}, stdin = "", terminal }: Omit<CliOptions, "stdin"> & {
    readonly stdin?: string | Uint8Array;
    readonly terminal?: number;
  } = {},
): Promise<CliResult> {
  let stdout = "";
  let stderr = "";
  const code = await run(argv, {
    version: "0.0.0",
    commands: COMMANDS,
    groups: GROUPS,
    env: { XDG_CONFIG_HOME: ownConfigHome(), ...env },
    cwd: dir,
    host: () => "test-host",
    isTerminal: terminal !== undefined,
    columns: () => terminal ?? 80,
    stdin: () =>
      Promise.resolve(typeof stdin === "string" ? new TextEncoder().encode(stdin) : stdin),
    secret: () => undefined,
    stdout: (text) => Promise.resolve(void (stdout += text)),
    stderr: (text) => Promise.resolve(void (stderr += text)),
  });
  return { code, stdout, stderr };
}

/** The envelope of a call with `--json`, after checking everything about it that is the same for all. */
export async function envelope(
  dir: string,
  argv: readonly string[],
  options: CliOptions = {},
  // deno-lint-ignore no-explicit-any -- a test looks into the document as its reader would
): Promise<{ readonly code: number; readonly document: any; readonly stderr: string }> {
  const { code, stdout, stderr } = await inProcess(dir, ["--json", ...argv], options);
  const document = JSON.parse(stdout);
  assert.equal(stdout, `${JSON.stringify(document)}\n`, "one document on one line");
  const { schemaVersion, ok, warnings } = document;
  assert.deepEqual([schemaVersion, ok], [1, code === 0]);
  assert.ok(Array.isArray(warnings));
  const known = ok
    ? ["schemaVersion", "ok", "data", "nextCursor", "warnings"]
    : ["schemaVersion", "ok", "error", "warnings"];
  assert.deepEqual(Object.keys(document).filter((key) => !known.includes(key)), []);
  if (!ok) {
    assert.deepEqual(Object.keys(document.error), ["code", "message", "retryable", "details"]);
  }
  return { code, document, stderr };
}

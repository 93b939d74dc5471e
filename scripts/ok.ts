/**
 * Everything a change has to pass, cheapest first: format, lint, types, documentation, structure,
 * then the tests. Stops at the first step that fails. The last line is always the tests' own
 * `N passed, N failed`; a failed step counts as one failure.
 * @module
 */
// deno-lint-ignore-file no-console -- a script reports on stdout and stderr

import { findViolations, formatViolation, readTree } from "./checks/layers.ts";

/** What a step found: nothing when all is well, otherwise the text that explains the failure. */
type Complaint = string | undefined;

interface Step {
  readonly name: string;
  readonly run: () => Promise<Complaint>;
}

const STEPS: readonly Step[] = [
  { name: "format", run: () => deno("fmt", "--check") },
  { name: "lint", run: () => deno("lint") },
  { name: "scripts", run: () => deno("run", "-A", "scripts/lua.ts", "--check") },
  { name: "types", run: () => deno("check") },
  { name: "documentation", run: () => deno("doc", "--lint", "mod.ts") },
  { name: "structure", run: structure },
  { name: "publishing", run: () => deno("publish", "--dry-run", "--allow-dirty", "--quiet") },
];

async function deno(...args: string[]): Promise<Complaint> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  const decoder = new TextDecoder();
  return success ? undefined : decoder.decode(stdout) + decoder.decode(stderr);
}

async function structure(): Promise<Complaint> {
  const violations = findViolations(await readTree("."));
  return violations.length === 0 ? undefined : violations.map(formatViolation).join("\n");
}

/** Runs the tests as anybody would, with their output on ours; the closing line is theirs. */
async function tests(): Promise<number> {
  const command = new Deno.Command("scripts/dev", { args: ["test"], stdin: "null" });
  return (await command.spawn().status).code;
}

for (const { name, run } of STEPS) {
  const startedAtMs = performance.now();
  const complaint = await run();
  const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1);
  console.log(`${name.padEnd(14)} ${complaint === undefined ? "ok" : "FAILED"} (${seconds} s)`);
  if (complaint !== undefined) {
    console.error(
      `${complaint.trimEnd()}\n\nStep "${name}" failed; the steps after it did not run.`,
    );
    console.log("0 passed, 1 failed");
    Deno.exit(1);
  }
}
Deno.exit(await tests());

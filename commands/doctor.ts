import { type Cli, defineCommand, Exit } from "../src/cli/command.ts";
import { paint, type View } from "../src/cli/output.ts";
import { type Check, diagnosis, examine } from "../src/doctor/doctor.ts";
import { systemClock } from "../src/clock.ts";
import { formatDuration } from "../src/duration.ts";
import { printable } from "../src/name.ts";

/** Signals that end the self-test; it cleans up before it leaves. */
const SIGNALS = ["SIGINT", "SIGTERM"] as const;
/** 128 and the number of SIGINT, as shells do it. */
const INTERRUPTED = 130;

/** `agentcoord doctor` */
export const command = defineCommand({
  build: (command) =>
    command.option("--selftest", "then let processes fight for locks and tasks, for a few seconds"),
  examples: [
    "agentcoord doctor",
    "agentcoord doctor --json",
    "agentcoord doctor --selftest --store /mnt/shared/state",
  ],
  run: async (cli, { selftest }) => {
    const config = await cli.config();
    const checks = await examine({ config, clock: systemClock, open: () => cli.context() });
    if (!selftest || diagnosis(checks) !== undefined) return await verdict(cli, checks);
    cli.note("Four processes fight for a lock and some tasks…");
    const interrupted = new AbortController();
    const interrupt = () => interrupted.abort();
    for (const signal of SIGNALS) Deno.addSignalListener(signal, interrupt);
    try {
      const { selftest } = await import("../src/cli/selftest.ts");
      const { signal } = interrupted;
      const found = await selftest({ config, env: cli.env, host: Deno.hostname(), signal });
      return await verdict(cli, [...checks, ...found]);
    } catch (error) {
      if (interrupted.signal.aborted) return new Exit(INTERRUPTED);
      throw error;
    } finally {
      for (const signal of SIGNALS) Deno.removeSignalListener(signal, interrupt);
    }
  },
  text: ({ checks }, view) => checkLines(checks, view),
});

/** A failure's document has no data, so people get the checks and programs find them in `details`. */
async function verdict(
  cli: Cli,
  checks: readonly Check[],
): Promise<{ readonly checks: readonly Check[] }> {
  const failure = diagnosis(checks);
  if (failure === undefined) return { checks };
  if (!cli.json) await cli.line(checks, checkLines(checks, cli.view));
  throw failure;
}

function checkLines(checks: readonly Check[], view: View): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  return checks.map(({ name, ok, value, subject, hint }) => {
    const state = !ok
      ? paint(view, "red", "FAIL")
      : hint === undefined
      ? paint(view, "green", "ok  ")
      : paint(view, "yellow", "note");
    const line = `${state}  ${name.padEnd(width)}  ${shown(name, value)}${
      subject === undefined ? "" : ` (${printable(subject, Infinity)})`
    }\n`;
    return hint === undefined ? line : `${line}      ${printable(hint, Infinity)}\n`;
  }).join("");
}

function shown(name: string, value: string | number): string {
  if (typeof value === "string") return printable(value, Infinity);
  if (name.endsWith("_bytes")) return sizeText(value);
  if (!name.endsWith("_ms")) return String(value);
  return value < 1000 ? `${value} ms` : formatDuration(value);
}

function sizeText(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

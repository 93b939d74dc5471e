import { type Cli, defineCommand } from "../src/cli/command.ts";
import { paint, type View } from "../src/cli/output.ts";
import { type Check, diagnosis, examine } from "../src/doctor.ts";
import { systemClock } from "../src/clock.ts";
import { formatDuration } from "../src/duration.ts";
import { printable } from "../src/name.ts";

/** `agentcoord doctor` */
export const command = defineCommand({
  build: (command) => command,
  examples: ["agentcoord doctor", "agentcoord doctor --json"],
  run: async (cli) => {
    const config = await cli.config();
    const checks = await examine({ config, clock: systemClock, open: () => cli.context() });
    await report(cli, checks);
    return { ok: true, checks };
  },
  text: ({ checks }, view) => checkLines(checks, view),
});

/** A failure's document has no data, so people get the checks and programs find them in `details`. */
async function report(cli: Cli, checks: readonly Check[]): Promise<void> {
  const failure = diagnosis(checks);
  if (failure === undefined) return;
  if (!cli.json) await cli.line(checks, checkLines(checks, cli.view));
  throw failure;
}

function checkLines(checks: readonly Check[], view: View): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  return checks.map(({ name, ok, value, hint }) => {
    const state = !ok
      ? paint(view, "red", "FAIL")
      : hint === undefined
      ? paint(view, "green", "ok  ")
      : paint(view, "yellow", "note");
    const line = `${state}  ${name.padEnd(width)}  ${shown(name, value)}\n`;
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

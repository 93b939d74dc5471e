/**
 * Lets processes do for a long time everything that agents do, while they are killed and frozen and the
 * server forgets, stalls and drops them; then checks that nothing was lost, doubled or left behind.
 *
 *     deno run -A scripts/soak.ts [--minutes 10] [--processes 8] [--store redis|URL|DIR] [--seed N]
 *         [--restarts]
 *
 * `redis` (the default) starts a private server. A server given by its URL is left alone: there only
 * processes are killed and frozen. With `--restarts` a private server without persistence is killed and started
 * again all the time, so that it forgets everything: then fences alone are judged, and who was excluded. Ends with 1 when something is wrong.
 * @module
 */
// deno-lint-ignore-file no-console -- a script reports on stdout and stderr

import { parseArgs } from "node:util";
import { soakRestarts } from "./soak/restarts.ts";
import { soak } from "./soak/run.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    processes: { type: "string", default: "8" },
    store: { type: "string", default: "redis" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
    restarts: { type: "boolean", default: false },
  },
});
const [minutes, processes, seed] = [values.minutes, values.processes, values.seed].map(Number);
if (
  !(minutes! > 0) || !(processes! >= 3) || !Number.isInteger(processes) || !Number.isInteger(seed)
) {
  console.error("Use --minutes above 0, --processes of at least 3, and a whole number as --seed.");
  Deno.exit(2);
}
console.log(`seed ${seed}, ${minutes} min, ${processes} processes, ${values.store}`);
if (values.restarts && values.store !== "redis") {
  console.error("--restarts needs a server of its own: leave --store out.");
  Deno.exit(2);
}
const { figures, violations } = await (values.restarts ? soakRestarts : soak)({
  seconds: minutes! * 60,
  processes: processes!,
  store: values.store,
  seed: seed!,
});
for (const [name, value] of Object.entries(figures)) console.log(`${name.padEnd(32)} ${value}`);
if (violations.length === 0) {
  console.log("Nothing was lost, doubled or left behind.");
} else {
  for (const violation of violations) console.error(`WRONG: ${violation}`);
  Deno.exit(1);
}

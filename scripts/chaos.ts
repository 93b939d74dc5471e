/**
 * Runs a fault campaign: processes do what agents do while the server, their connections and they themselves are
 * killed, frozen and cut off; then checks by what they wrote down that nothing was held twice, lost or doubled.
 *
 *     deno run -A scripts/chaos.ts [--minutes 3] [--processes 8] [--store failover|redis|directory] [--seed N] [--keep DIR]
 *
 * CHAOS_FAULT in the environment plants a mistake of dev/faulty_store.ts in every worker's failover store: then it
 * must end with 1. With `--keep`, what was written down stays in a new directory of that name. Ends with 1 when something is wrong.
 * @module
 */
// deno-lint-ignore-file no-console -- a script reports on stdout and stderr

import { parseArgs } from "node:util";
import { PLANTED_FAULTS } from "../dev/faulty_store.ts";
import { campaign } from "./chaos/run.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "3" },
    processes: { type: "string", default: "8" },
    store: { type: "string", default: "failover" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
    keep: { type: "string" },
  },
});
const { store, keep } = values;
const [minutes, processes, seed] = [values.minutes, values.processes, values.seed].map(Number);
if (
  !(minutes! > 0) || !(processes! >= 2) || !Number.isInteger(processes) || !Number.isInteger(seed)
) {
  console.error("Use --minutes above 0, --processes of at least 2, and a whole number as --seed.");
  Deno.exit(2);
}
if (store !== "failover" && store !== "redis" && store !== "directory") {
  console.error("Use failover, redis or directory as --store.");
  Deno.exit(2);
}
const wanted = Deno.env.get("CHAOS_FAULT") || undefined;
const fault = PLANTED_FAULTS.find((one) => one === wanted);
if (fault !== wanted) {
  console.error(`Use one of these as CHAOS_FAULT: ${PLANTED_FAULTS.join(", ")}.`);
  Deno.exit(2);
}
if (fault !== undefined && store !== "failover") {
  console.error("Use CHAOS_FAULT with --store failover only.");
  Deno.exit(2);
}
if (keep !== undefined) Deno.mkdirSync(keep);
console.log(`seed ${seed}, ${minutes} min, ${processes} processes, ${store}`);
const { figures, violations } = await campaign(
  {
    seconds: minutes! * 60,
    processes: processes!,
    store,
    seed: seed!,
    ...(fault === undefined ? {} : { fault }),
  },
  keep,
);
for (const [name, value] of Object.entries(figures)) console.log(`${name.padEnd(52)} ${value}`);
if (violations.length === 0) {
  console.log("Nothing was held twice, lost, doubled or forgotten.");
} else {
  for (const violation of violations) console.error(`WRONG: ${violation}`);
  Deno.exit(1);
}

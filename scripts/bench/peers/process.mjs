// Speaks with the benchmark as scripts/bench/worker.ts does: one JSON value a line.
import { createRequire } from "node:module";
import process from "node:process";
import { createInterface } from "node:readline";

/** Loads a package from the directory that the benchmark names. */
export const load = createRequire(`${process.env.AGENTCOORD_BENCH_PEERS}/`);

/** Does the work of one process: `body` gets its arguments, and a function that waits for the common start. */
export async function serve(body) {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
  const next = async () => {
    const { done, value } = await lines.next();
    if (done) process.exit(1); // The benchmark is gone.
    return JSON.parse(value);
  };
  const result = await body(await next(), async () => {
    say("ready");
    const startAtMs = await next();
    await new Promise((resolve) => setTimeout(resolve, startAtMs - Date.now()));
  });
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
}

/** Processor time that the server has used, in microseconds. */
export async function serverCpuUs(client) {
  const info = await client.info("cpu");
  const seconds = (mode) => Number(new RegExp(`used_cpu_${mode}:([\\d.]+)`).exec(info)[1]);
  return (seconds("user") + seconds("sys")) * 1e6;
}

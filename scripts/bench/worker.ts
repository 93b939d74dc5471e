// worker.ts MODULE: one process of a benchmark; see defineWorker in harness.ts.
import { linesOf, type Worker } from "./harness.ts";

const [module = ""] = Deno.args;
const { worker } = await import(module) as { readonly worker: Worker<unknown, unknown> };
const input = linesOf(Deno.stdin.readable);
const say = (value: unknown) =>
  Deno.stdout.writeSync(new TextEncoder().encode(`${JSON.stringify(value)}\n`));

async function next(): Promise<unknown> {
  const { done, value } = await input.next();
  if (done) Deno.exit(1); // The benchmark is gone.
  return JSON.parse(value);
}

const result = await worker.body(await next(), async () => {
  say("ready");
  const startAtMs = await next() as number;
  await new Promise((resolve) => setTimeout(resolve, startAtMs - Date.now()));
});
say(result);
Deno.exit(0);

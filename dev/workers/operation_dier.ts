// operation_dier.ts HOME SIGNAL: begins an operation on the engine at HOME, writes, and sends itself SIGNAL inside it.
// A process that is resumed finishes the operation and says so.
import { systemClock } from "../../src/clock.ts";
import { DirectoryEngine } from "../../src/engine/directory/engine.ts";
import { PREAMBLE } from "../../src/open/preamble.ts";
import { SCHEMA } from "../../src/open/schema.ts";

const [home, signal] = Deno.args as [string, Deno.Signal];
const engine = await DirectoryEngine.open(home, {
  schema: SCHEMA,
  preamble: PREAMBLE,
  durability: "normal",
  clock: systemClock,
});
const say = (word: string) => Deno.stdout.writeSync(new TextEncoder().encode(`${word}\n`));
await engine.write(undefined, (tx) => {
  tx.run("INSERT INTO listeners VALUES ('dier', 'wtr_1', 0)");
  tx.count("dier", 1);
  tx.nextFence();
  say("inside");
  Deno.kill(Deno.pid, signal);
});
say("done");
await engine.close();

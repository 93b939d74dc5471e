// committer.ts HOME COMMITS NAME LOG: makes commits, one after the other.
import { systemClock } from "../../src/clock.ts";
import { DirectoryEngine } from "../../src/engine/directory/engine.ts";
import { openLog } from "../fleet.ts";
import { PREAMBLE } from "../../src/open/preamble.ts";
import { SCHEMA } from "../../src/open/schema.ts";

const [home, commits, , log] = Deno.args as [string, string, string, string];
const engine = await DirectoryEngine.open(home, {
  schema: SCHEMA,
  preamble: PREAMBLE,
  durability: "normal",
  clock: systemClock,
});
for (let commit = 0; commit < Number(commits); commit++) {
  await engine.write(undefined, (tx) => tx.run("UPDATE state SET fence = fence"));
}
openLog(log)({ bytes: Deno.statSync(`${home}/store.db-wal`).size });
await engine.close();

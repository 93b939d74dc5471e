// lock_holder.ts STORE START_MS ROUNDS HOLD_MS NAME LOG: holds one lock ROUNDS times, waiting for it.
import { Locks } from "../../../src/lock/lock.ts";
import { openLog } from "../fleet.ts";
import { openAs } from "./context.ts";

const [location, startMs, rounds, holdMs, name, log] = Deno.args as [
  string,
  string,
  string,
  string,
  string,
  string,
];
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const record = openLog(log);
const context = await openAs(location, name);
const locks = new Locks(context);
await wait(Number(startMs) - Date.now());
for (let round = 0; round < Number(rounds); round++) {
  await locks.acquire("the.lock", { waitMs: 60_000 });
  await wait(Number(holdMs));
  await locks.release("the.lock");
}
record({ endedMs: Date.now() });
await context.store.close();

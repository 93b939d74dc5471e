// lock_holder.ts STORE ROUNDS HOLD_MS NAME LOG: holds one lock ROUNDS times, waiting for it.
import { Locks } from "../../src/lock/lock.ts";
import { openLog } from "../fleet.ts";
import { openAs } from "./context.ts";

const [location, rounds, holdMs, name, log] = Deno.args as [
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
for (let round = 0; round < Number(rounds); round++) {
  await locks.acquire("the.lock", { waitMs: 60_000 });
  const tookAtMs = Date.now();
  await wait(Number(holdMs));
  const releasedAtMs = Date.now();
  await locks.release("the.lock");
  record({ tookAtMs, releasedAtMs });
}
await context.store.close();

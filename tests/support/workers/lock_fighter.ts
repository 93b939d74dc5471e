// lock_fighter.ts STORE END_MS TTL_MS HOLD_MS NAME LOG: takes and gives back one lock until END_MS.
import { LeaseLostError, TimeoutError } from "../../../src/errors.ts";
import { Locks } from "../../../src/lock/lock.ts";
import { openLog } from "../fleet.ts";
import { openAs } from "./context.ts";

const [location, endMs, ttlMs, holdMs, name, log] = Deno.args as [
  string,
  string,
  string,
  string,
  string,
  string,
];
const record = openLog(log);
const context = await openAs(location, `${name}-${Deno.pid}`);
const locks = new Locks(context);
while (Date.now() < Number(endMs)) {
  try {
    const [lease] = await locks.acquire("the.lock", { ttlMs: Number(ttlMs), waitMs: 2000 });
    record({ slot: name, took: lease });
    if (Number(holdMs) > 0) await new Promise((resolve) => setTimeout(resolve, Number(holdMs)));
    const { fence } = lease!;
    try {
      await locks.release("the.lock", { fence });
      record({ slot: name, released: fence, atMs: Date.now() });
    } catch (error) {
      if (!(error instanceof LeaseLostError)) throw error;
      record({ slot: name, refused: fence });
    }
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
  }
}
await context.store.close();

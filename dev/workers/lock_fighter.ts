// lock_fighter.ts STORE STOP TTL_MS HOLD_MS NAME LOG: takes and releases one lock until the file STOP exists.
import { LeaseLostError, TimeoutError } from "../../src/errors.ts";
import { Locks } from "../../src/lock/lock.ts";
import { isThere, openLog } from "../fleet.ts";
import { openAs } from "./context.ts";

const [location, stop, ttlMs, holdMs, name, log] = Deno.args as [
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
while (!isThere(stop)) {
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

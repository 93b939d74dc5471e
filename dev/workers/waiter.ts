// waiter.ts STORE lock|task|inbox NAME LOG: waits for one thing, says so, and says when it came.
import { Board } from "../../src/board/board.ts";
import { Locks } from "../../src/lock/lock.ts";
import { Tasks } from "../../src/task/task.ts";
import { openLog } from "../fleet.ts";
import { openAs } from "./context.ts";

const [location, what, name, log] = Deno.args as [string, string, string, string];
const record = openLog(log);
const context = await openAs(location, name);
const patience = { waitMs: 60_000 };
const waiting = what === "lock"
  ? new Locks(context).acquire("the.lock", patience)
  : what === "task"
  ? new Tasks(context).claim(patience)
  : new Board(context).inboxWait();
// It is in the wait queue once a call that came after its first look has been answered.
await context.store.waker();
await (await context.store.locks()).count();
await (await context.store.locks()).count();
record({ waits: name });
await waiting;
record({ came: name, atMs: Date.now() });
await context.store.close();

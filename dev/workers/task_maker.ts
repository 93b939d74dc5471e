// task_maker.ts STORE: holds the lock "a.py" and adds tasks until it is refused, closes the store, and prints
// the tasks it was answered, why it was refused, and whether the lock was lost.
import { CoordinationClient } from "../../mod.ts";

const say = (line: string) => Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
const [store] = Deno.args as [string];
const client = await CoordinationClient.open({ store });
const session = await client.session("ada", { heartbeat: false });
const lock = await session.locks.hold("a.py", { ttlMs: 600_000 });
const ids: string[] = [];
let refusal = "";
while (refusal === "") {
  try {
    const [task] = await session.tasks.create([{ title: "made" }]);
    ids.push(task!.id);
    if (ids.length === 3) say("at work");
    await new Promise((resolve) => setTimeout(resolve, 20));
  } catch (error) {
    refusal = (error as Error).message;
  }
}
if (!lock.signal.aborted) {
  await new Promise((resolve) => lock.signal.addEventListener("abort", resolve));
}
// Meanwhile others work on the store: closing this one must not touch what they did.
await Deno.stdin.read(new Uint8Array(1));
await client.close().catch((error) => refusal = error.message);
say(JSON.stringify({ ids, refusal, lost: String(lock.signal.reason) }));
// As commands end: at a natural end the runtime closes what is open, and the engine would copy the old log.
Deno.exit();

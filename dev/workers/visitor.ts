// visitor.ts STORE TIMES: opens the store, adds a task and closes it again and again; ends with 1 when it is refused.
import { CoordinationClient } from "../../mod.ts";

const [store, times] = Deno.args as [string, string];
for (let visit = 0; visit < Number(times); visit++) {
  const client = await CoordinationClient.open({ store });
  const session = await client.session(`visitor-${Deno.pid}`, { heartbeat: false });
  await session.tasks.create([{ title: "visit" }]);
  await client.close();
}

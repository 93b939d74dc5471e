// task_drainer.ts STORE DURABILITY WORK_MS NAME LOG: claims and completes tasks until none is left.
import { LeaseLostError, NothingToClaimError } from "../../src/errors.ts";
import { type Task, Tasks } from "../../src/task/task.ts";
import { openLog } from "../fleet.ts";
import { openAs } from "./context.ts";

const [location, durability, workMs, name, log] = Deno.args as [
  string,
  "full" | "normal",
  string,
  string,
  string,
];
const record = openLog(log);
const context = await openAs(location, `${name}-${Deno.pid}`, durability);
const tasks = new Tasks(context);
for (;;) {
  const [task] = await claim();
  if (task === undefined) {
    const left = await tasks.counts();
    if (left.pending + left.claimed + left.scheduled + left.blocked === 0) break;
    continue;
  }
  const fence = task.lease!.fence;
  record({ claimed: task.id, fence, by: context.actor!.name });
  if (workMs !== "0") await new Promise((resolve) => setTimeout(resolve, Number(workMs)));
  try {
    await tasks.complete(task.id, { fence, result: { by: context.actor!.name } });
    record({ completed: task.id, fence });
  } catch (error) {
    if (!(error instanceof LeaseLostError)) throw error;
    record({ late: task.id, fence });
  }
}
await context.store.close();

async function claim(): Promise<readonly Task[]> {
  try {
    return await tasks.claim({ waitMs: 300 });
  } catch (error) {
    if (error instanceof NothingToClaimError) return [];
    throw error;
  }
}

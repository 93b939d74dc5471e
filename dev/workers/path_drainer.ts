// path_drainer.ts STORE WITNESSES LEASE_MS WORK_MS NAME LOG: claims tasks with paths until none is left, and while it has one
// keeps kernel locks on the files of WITNESSES that its paths cover: no two workers may have those of overlapping paths at once.
import { LeaseLostError, NothingToClaimError } from "../../src/errors.ts";
import { covers } from "../../src/path.ts";
import { type Task, Tasks } from "../../src/task/task.ts";
import { openLog } from "../fleet.ts";
import { openAs } from "./context.ts";

const [location, witnesses, leaseMs, workMs, name, log] = Deno.args as [
  string,
  string,
  string,
  string,
  string,
  string,
];
const record = openLog(log);
const context = await openAs(location, `${name}-${Deno.pid}`, "normal");
const tasks = new Tasks(context);
// A file of the witnesses stands for a path that has nothing below it.
const leaves = [...Deno.readDirSync(witnesses)].map((entry) => entry.name.replaceAll("+", "/"));
for (;;) {
  const claimedAt = performance.now();
  const [task] = await claim();
  if (task === undefined) {
    const left = await tasks.counts();
    if (left.pending + left.claimed + left.scheduled + left.blocked === 0) break;
    continue;
  }
  const fence = task.lease!.fence;
  const { files, taken } = witness(task);
  await new Promise((resolve) => setTimeout(resolve, Number(workMs)));
  // Whoever was so slow that its lease may have lapsed proves nothing.
  const isLate = performance.now() - claimedAt - 300 > Number(leaseMs) * 0.8;
  for (const file of files) file.close();
  if (taken.length > 0 || isLate) record({ task: task.id, fence, taken, isLate });
  try {
    await tasks.complete(task.id, { fence });
  } catch (error) {
    if (!(error instanceof LeaseLostError)) throw error;
  }
}
await context.store.close();

/** Locks what the task's paths cover; `taken` is what another process has. */
function witness({ paths = [] }: Task): { files: Deno.FsFile[]; taken: string[] } {
  const files: Deno.FsFile[] = [];
  const taken: string[] = [];
  for (const { path, mode } of paths) {
    for (const leaf of leaves) {
      if (!covers(path, leaf)) continue;
      const file = Deno.openSync(`${witnesses}/${leaf.replaceAll("/", "+")}`, {
        read: true,
        write: true,
      });
      files.push(file);
      if (!file.tryLockSync(mode === "exclusive")) taken.push(leaf);
    }
  }
  return { files, taken };
}

async function claim(): Promise<readonly Task[]> {
  try {
    return await tasks.claim({ waitMs: 300 });
  } catch (error) {
    if (error instanceof NothingToClaimError) return [];
    throw error;
  }
}

/**
 * A project in the middle of its work, for calls that must not touch it.
 * @module
 */
import assert from "node:assert/strict";
import { inProcess } from "./golden_run.ts";

/** Identifiers of what {@linkcode seed} made. */
export interface Seeded {
  /** A task that nobody has claimed. */
  readonly pending: string;
  /** A task that `ada` holds. */
  readonly claimed: string;
  /** The fence of that lease. */
  readonly taskFence: number;
  /** A completed task. */
  readonly completed: string;
  /** A request of `ada`'s that `bob` or `lead` may decide. */
  readonly approval: string;
  /** A decided one. */
  readonly approved: string;
  /** A thread of `ada`'s with a reply of `bob`'s, which is unread. */
  readonly thread: string;
  /** An event. */
  readonly event: string;
  /** The fence of `ada`'s locks on `held.py` and `src/`. */
  readonly lockFence: number;
}

/** Lets `ada` and `bob` work in `dir` for a while. */
export async function seed(dir: string): Promise<Seeded> {
  await Deno.mkdir(`${dir}/src`, { recursive: true });
  const does = async (agent: string, line: string) => {
    const env = { AGENTCOORD_AGENT: agent, AGENTCOORD_DURABILITY: "normal" };
    const { code, stdout, stderr } = await inProcess(dir, ["--json", ...line.split(" ")], { env });
    assert.deepEqual([code, stderr], [0, ""], `${line}: ${stdout}`);
    return JSON.parse(stdout.split("\n")[0]!).data;
  };
  await does("ada", "agent register --role engineer --tags backend");
  await does("bob", "agent register --role reviewer");
  await does("cat", "agent register");
  await does("lead", "agent register");
  const [lock] = await does("ada", "lock acquire held.py src --intent fixing");
  const { id: claimed } = await does("ada", "task add first --priority 9");
  const [task] = await does("ada", "task claim");
  assert.equal(task.id, claimed);
  const { id: completed } = await does("bob", "task add second");
  await does("bob", "task claim");
  await does("bob", `task complete ${completed}`);
  const { id: pending } = await does("bob", "task add third");
  const { id: approval } = await does(
    "ada",
    "approval request deploy --description now --approvers bob,lead --timeout 1d",
  );
  const { id: approved } = await does("ada", "approval request deploy --description then");
  await does("bob", `approve ${approved}`);
  const { id: thread } = await does("ada", "board post news --message hello");
  await does("bob", `board reply ${thread} --message seen`);
  await does("ada", "audit log deployment --context green --reason needed");
  // So that somebody has waited before: bells have their directory.
  await does("lead", `approval wait ${approved}`);
  const env = { AGENTCOORD_JSON: "1" };
  const { stdout } = await inProcess(dir, ["events", "--limit", "1"], { env });
  return {
    pending,
    claimed,
    taskFence: task.lease.fence,
    completed,
    approval,
    approved,
    thread,
    event: JSON.parse(stdout).id,
    lockFence: lock.fence,
  };
}

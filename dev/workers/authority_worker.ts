// authority_worker.ts HOME STOP ROLE SLOT LOG: takes part in the authority of HOME in one way until the file STOP exists.
import { systemClock } from "../../src/clock.ts";
import { Authority } from "../../src/open/failover/authority.ts";
import { isThere, openLog } from "../fleet.ts";

const [home, stop, role, slot, log] = Deno.args as [string, string, string, string, string];
const record = openLog(log);
const authority = Authority.open(home, { clock: systemClock, lockTimeoutMs: 30_000 });
const changing = `${home}/changing`;
const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

/** An operation of a few turns; says when the record changed under it, or a change was under way. */
async function operate(): Promise<void> {
  const hold = await authority.enter();
  const before = hold.record.memory;
  if (isThere(changing)) record({ slot, broken: "a change was under way" });
  await turn();
  if (authority.peek().memory !== before) record({ slot, broken: "the record changed" });
  hold.leave();
}

/** Operations that overlap, so that this process never leaves by itself. */
async function operateOn(): Promise<void> {
  let done = 0;
  for (; !isThere(stop); done++) await operate();
  record({ slot, operations: done });
}

async function change(): Promise<void> {
  await authority.change(async ({ memory }, write) => {
    if (isThere(changing)) record({ slot, broken: "two changes at a time" });
    Deno.writeTextFileSync(changing, "");
    await turn();
    write({ memory: memory + 1 });
    write({ aheadMs: memory + 1 });
    Deno.removeSync(changing);
  });
}

if (role === "operate") {
  await operate();
  record({ slot, pid: Deno.pid });
  await Promise.all([operateOn(), operateOn(), operateOn()]);
} else if (role === "change") {
  let done = 0;
  for (; done < 20; done++) await change();
  record({ slot, changes: done });
} else if (role === "stay inside") {
  const hold = await authority.enter();
  record({ slot, pid: Deno.pid });
  while (!isThere(stop)) await turn();
  hold.leave();
} else {
  // Changes until it is killed.
  await authority.change(async (_, write) => {
    if (role === "die after a write") write({ memory: 7, reason: "half" });
    record({ slot, pid: Deno.pid });
    while (!isThere(stop)) await turn();
    write({ memory: 8, reason: "whole" });
  });
}
authority.close();

import assert from "node:assert/strict";
import { Agents } from "../../../src/agent/agent.ts";
import type { RoomContext } from "../../../src/context.ts";
import { Locks } from "../../../src/lock/lock.ts";
import { DirectoryStore } from "../../../src/open/directory.ts";
import { TestClock } from "../../../dev/stores.ts";

Deno.test("agent deregistered by another process is registered again by its next act", async () => {
  const directory = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
  const clock = new TestClock();
  const options = { namespace: "default", durability: "normal", clock } as const;
  // Two stores on one directory share nothing in memory, as two processes do not.
  const stores = [
    await DirectoryStore.open(directory, options),
    await DirectoryStore.open(directory, options),
  ];
  const [here, there] = stores.map((store): RoomContext => ({
    store,
    clock,
    lockPath: (path) => ({ path, aliases: [] }),
    actor: { name: "ada", host: "mill" },
  })) as [RoomContext, RoomContext];
  try {
    await new Locks(here).acquire("a.py");
    await new Agents(there).deregister();
    // Its heartbeat is not due for most of a second yet.
    clock.advance(10);
    await new Locks(here).acquire("b.py");
    const agent = await new Agents(there).show("ada");
    assert.deepEqual([agent.status, agent.locks], ["active", 1]);
  } finally {
    for (const store of stores) await store.close();
    await Deno.remove(directory, { recursive: true });
  }
});

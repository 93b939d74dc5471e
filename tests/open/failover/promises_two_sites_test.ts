/**
 * Two sites that are both cut off from their server take over, each for itself, and come back one after the other.
 * @module
 */
import assert from "node:assert/strict";
import { Audit } from "../../../src/audit/audit.ts";
import { systemClock } from "../../../src/clock.ts";
import { Events } from "../../../src/event/event.ts";
import { Locks } from "../../../src/lock/lock.ts";
import { Tasks } from "../../../src/task/task.ts";
import { actBefore, actDuring } from "../../../dev/outage_scene.ts";
import { startProxy } from "../../../dev/proxy.ts";
import { contextOn } from "../../../dev/room_context.ts";
import { failedBack, promise } from "../../support/promise.ts";

promise(
  "Two sites that were cut off both move everything back, and each record that collides is told once",
  async ({ server, site }) => {
    await using closing = new AsyncDisposableStack();
    const host = async () => {
      const proxy = await startProxy(server);
      closing.defer(() => proxy.stop());
      const url = `${proxy.url}?command_timeout=1s`;
      return { proxy, store: await (await site()).open({ url, mode: "directory" }) };
    };
    const [here, there] = [await host(), await host()];
    const zed = contextOn(there.store, systemClock, "zed");
    const before = await actBefore(here.store, systemClock);
    await new Tasks(zed).create([{ title: "of zed" }]);
    for (const { proxy, store } of [here, there]) {
      await store.announce();
      await proxy.refuse(true);
      proxy.cut();
      await (await store.tasks()).counts();
    }
    await actDuring(here.store, systemClock, before);
    // The same paths, keys and kinds of records.
    const leases = await new Locks(zed).acquire(["new", "dir/**"]);
    const [keyed] = await new Tasks(zed).create([{ title: "k", key: "k1" }]);
    const decision = { decisionType: "t", context: "c", reason: "r" };
    const once = await new Audit(zed).log({ ...decision, key: "once" });
    await new Audit(zed).log(decision);
    // Who was away last is back first.
    for (const { proxy, store } of [there, here]) {
      await proxy.refuse(false);
      await failedBack(store);
    }
    const ada = contextOn(here.store, systemClock, "ada");
    const { events } = await new Events(ada).list({ type: "store.conflict" });
    assert.deepEqual(events.map(({ data }) => data?.kind), ["lock", "lock", "task", "audit"]);
    assert.deepEqual(events.slice(0, 2).map(({ subject }) => subject).sort(), ["dir/**", "new"]);
    const outcomes = events.map(({ data }) => String(data?.outcome));
    assert.ok(outcomes[2]!.includes(keyed!.id), outcomes[2]);
    const held = await new Locks(ada).list();
    assert.deepEqual(
      held.filter(({ path }) => ["new", "dir/**"].includes(path)).map(({ holder }) => holder),
      ["zed", "zed"],
    );
    for (const { path, fence } of leases) await new Locks(zed).verify(path, { fence });
    const verified = await new Audit(ada).verify();
    assert.deepEqual([verified.ok, verified.entries], [true, 5], JSON.stringify(verified));
    assert.equal((await new Audit(zed).log({ ...decision, key: "once" })).id, once.id);
    assert.equal((await new Tasks(ada).get(before.done))?.status, "completed");
    assert.equal((await new Tasks(zed).get(keyed!.id))?.status, "pending");
  },
);

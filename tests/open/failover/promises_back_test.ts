/**
 * What an outage does to what agents hold and make, and how it comes to the server afterwards.
 * @module
 */
import assert from "node:assert/strict";
import { startProxy } from "../../../dev/proxy.ts";
import { pause } from "../../../dev/redis_server.ts";
import { COMMAND_TIMEOUT_MS, type Sites, until } from "../../../dev/site.ts";
import {
  agentOn,
  assertTakenOver,
  assertUnavailable,
  failedBack,
  promise,
  takeOver,
} from "../../support/promise.ts";

/** Ada, with a store on which an outage is of no doubt. */
async function adaOn({ site }: Sites) {
  const { open } = await site();
  const store = await open();
  await store.announce();
  return { open, store, ada: agentOn(store, "ada") };
}

promise(
  "A lock that is released while the server is away is free when it is back",
  async (sites) => {
    const { open, store, ada } = await adaOn(sites);
    const [lease] = await ada.locks.acquire("a.py", { ttlMs: 60_000 });
    await sites.server.kill();
    await takeOver(store);
    await ada.locks.release("a.py", { fence: lease!.fence });
    await sites.server.restart();
    await failedBack(store);
    assert.deepEqual(await ada.locks.list(), []);
    assert.equal((await agentOn(await open(), "bob").locks.acquire("a.py")).length, 1);
  },
);

promise(
  "A claimed task whose holder has died is given to another while the server is away",
  async (sites) => {
    const { open, store, ada } = await adaOn(sites);
    const [task] = await ada.tasks.create([{ title: "claimed" }]);
    await ada.tasks.claim({ leaseMs: 5000 });
    await sites.server.kill();
    await takeOver(store);
    const bob = agentOn(await open(), "bob").tasks;
    const [again] = await bob.claim({ waitMs: 60_000 });
    assert.equal(again!.id, task!.id);
    await bob.complete(again!.id);
    await sites.server.restart();
    await failedBack(store);
    const { status, attempts } = await ada.tasks.show(task!.id);
    assert.deepEqual([status, attempts.map(({ holder }) => holder)], ["completed", ["ada", "bob"]]);
  },
);

promise(
  "Threads, decisions and audit entries that only the server has cannot be read while it is away",
  async (sites) => {
    const { open, store, ada } = await adaOn(sites);
    const bob = agentOn(await open(), "bob");
    const thread = await ada.board.post({ title: "hello", message: "there" });
    const asked = await ada.approvals.request({ actionType: "deploy", description: "now" });
    await bob.approvals.approve(asked.id);
    await ada.audit.log({ decisionType: "t", context: "c", reason: "r" });
    await sites.server.kill();
    await takeOver(store);
    await assertUnavailable(ada.board.show(thread.id), /may be on redis:/);
    await assertUnavailable(ada.approvals.use(asked.id), /may be on redis:/);
    assert.deepEqual((await ada.board.list()).threads, []);
    assert.deepEqual((await ada.approvals.list()).approvals, []);
    assert.deepEqual((await ada.audit.list()).entries, []);
  },
);

promise(
  "A key that only the server knows keeps nobody from making the task again while it is away, which is reported",
  async (sites) => {
    const { store, ada } = await adaOn(sites);
    const draft = { title: "with a key", key: "nightly" };
    const [first] = await ada.tasks.create([draft]);
    await sites.server.kill();
    await takeOver(store);
    const [second] = await ada.tasks.create([draft]);
    assert.notEqual(second!.id, first!.id);
    await sites.server.restart();
    const moved = await failedBack(store);
    assert.ok(moved.kind === "done");
    assert.deepEqual(moved.conflicts.map(({ subject }) => subject), [second!.id]);
    assert.equal((await ada.tasks.counts()).pending, 2);
    assert.deepEqual((await ada.tasks.create([draft])).map(({ id }) => id), [first!.id]);
  },
);

promise("While much is moved back, agents go on working", async (sites) => {
  await using proxy = await startProxy(sites.server);
  const here = await sites.site();
  const url = `${proxy.url}?command_timeout=${COMMAND_TIMEOUT_MS}ms`;
  const mover = await here.open({ url });
  await mover.announce();
  await proxy.refuse(true);
  proxy.cut();
  await takeOver(mover);
  const ada = agentOn(mover, "ada");
  for (let batch = 0; batch < 2; batch++) {
    await ada.tasks.create(Array.from({ length: 1000 }, (_, n) => ({ title: `${batch}.${n}` })));
  }
  await proxy.refuse(false);
  proxy.delay(15);
  const { locks } = agentOn(await here.open({ url }), "bob");
  const moving = failedBack(mover);
  let isMoved = false;
  moving.then(() => isMoved = true, () => isMoved = true);
  let done = 0;
  for (let n = 0; !isMoved; n++) {
    await locks.acquire(`${n}.py`);
    await pause(20);
    const { store, moving } = await mover.authority();
    if (store === "directory" && moving !== undefined) done++;
  }
  await moving;
  assert.ok(done > 0, "nobody has worked while everything was moved");
  assert.equal((await ada.tasks.counts()).pending, 2000);
});

promise(
  "A server that is full when it is back leaves the directory deciding, and takes everything once there is room",
  async (sites) => {
    const { store, ada } = await adaOn(sites);
    await sites.server.kill();
    await takeOver(store);
    const [made] = await ada.tasks.create([{ title: "made meanwhile" }]);
    await sites.server.restart();
    await sites.server.command("CONFIG", "SET", "maxmemory", "1");
    await until("it is tried", async () => {
      try {
        return (await store.failback()).kind !== "unreachable";
      } catch (error) {
        assert.match(String(error), /memory/);
        return true;
      }
    });
    await assertTakenOver(store);
    await ada.locks.acquire("a.py");
    await sites.server.command("CONFIG", "SET", "maxmemory", "0");
    await failedBack(store);
    assert.deepEqual((await ada.tasks.claim()).map(({ id }) => id), [made!.id]);
    assert.equal((await ada.locks.list()).length, 1);
  },
);

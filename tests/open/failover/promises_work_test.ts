/**
 * What failover promises to agents at work: who waits, who follows, who acts at the wrong moment, and what they are told.
 * @module
 */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/clock.ts";
import type { Warn } from "../../../src/engine/warning.ts";
import type { FailoverStore } from "../../../src/open/failover/store.ts";
import { startProxy } from "../../../dev/proxy.ts";
import type { RedisServer } from "../../../dev/redis_server.ts";
import { Sleepers } from "../../../dev/sleepers.ts";
import { COMMAND_TIMEOUT_MS, type Sites, until } from "../../../dev/site.ts";
import {
  agentOn,
  assertTakenOver,
  assertUnavailable,
  failedBack,
  promise,
  takeOver,
} from "../../support/promise.ts";

/** Ada, and Bob, who waits in a process of his own. */
async function adaAndBob({ site }: Sites) {
  const { open } = await site();
  const store = await open();
  const ada = agentOn(store, "ada");
  await ada.locks.acquire("before.py");
  await store.announce();
  const sleepers = new Sleepers(await open());
  return { store, ada, bob: agentOn(sleepers.store, "bob"), sleepers };
}

/** The server goes, and the directory decides. */
async function away(server: RedisServer, store: FailoverStore): Promise<void> {
  await server.kill();
  await takeOver(store);
}

/** The server is back, and decides. */
async function back(server: RedisServer, store: FailoverStore): Promise<void> {
  await server.restart();
  await failedBack(store);
}

promise("Who waits for a task gets one that is created while the server is away", async (sites) => {
  const { store, ada, bob, sleepers } = await adaAndBob(sites);
  const waiting = bob.tasks.claim({ waitMs: 60_000 });
  await sleepers.asleep();
  await away(sites.server, store);
  const [made] = await ada.tasks.create([{ title: "made meanwhile" }]);
  assert.deepEqual((await waiting).map(({ id }) => id), [made!.id]);
});

promise("Who waits for a task goes on waiting when the server is back", async (sites) => {
  const { store, ada, bob, sleepers } = await adaAndBob(sites);
  await away(sites.server, store);
  const waiting = bob.tasks.claim({ waitMs: 60_000 });
  await sleepers.asleep();
  await back(sites.server, store);
  const [made] = await ada.tasks.create([{ title: "made afterwards" }]);
  assert.deepEqual((await waiting).map(({ id }) => id), [made!.id]);
});

promise("Who waits for a decision goes on waiting across both changes", async (sites) => {
  const { store, ada, bob, sleepers } = await adaAndBob(sites);
  const { id } = await bob.approvals.request({ actionType: "deploy", description: "now" });
  const waiting = bob.approvals.wait(id, { timeoutMs: 60_000 });
  await sleepers.asleep();
  await away(sites.server, store);
  await assertUnavailable(ada.approvals.approve(id), /may be on redis:/);
  await back(sites.server, store);
  await ada.approvals.approve(id);
  assert.equal((await waiting).status, "approved");
});

promise(
  "Who waits for a message gets one that is written while the server is away",
  async (sites) => {
    const { store, ada, bob, sleepers } = await adaAndBob(sites);
    const waiting = bob.board.inboxWait({ timeoutMs: 60_000 });
    await sleepers.asleep();
    await away(sites.server, store);
    const { id } = await ada.board.post({ title: "hello", message: "there", to: ["bob"] });
    assert.deepEqual((await waiting).map(({ threadId }) => threadId), [id]);
  },
);

promise("Who follows events misses none and sees none twice across both changes", async (sites) => {
  const { store, ada, bob, sleepers } = await adaAndBob(sites);
  const ending = new AbortController();
  const seen: string[] = [];
  const following = (async () => {
    for await (const { type, subject } of bob.events.follow({ signal: ending.signal })) {
      if (type === "lock.acquired") seen.push(subject);
    }
  })();
  const sees = (count: number) => until(`${count} are seen`, () => seen.length >= count);
  await sleepers.asleep();
  await ada.locks.acquire("1");
  await sees(1);
  await away(sites.server, store);
  await ada.locks.acquire("2");
  await sees(2);
  await ada.locks.acquire("3");
  await back(sites.server, store);
  await ada.locks.acquire("4");
  await sees(4);
  ending.abort();
  await following;
  assert.deepEqual(seen, ["1", "2", "3", "4"]);
});

promise(
  "The events say when the directory took over and when the server was back",
  async (sites) => {
    const { store, ada } = await adaAndBob(sites);
    await away(sites.server, store);
    await back(sites.server, store);
    const { events } = await ada.events.list();
    const types = events.map(({ type }) => type).filter((type) => type.startsWith("store.failed_"));
    assert.deepEqual(types, [
      "store.failed_over",
      "store.failed_back",
    ]);
  },
);

promise("The audit log is one chain across both changes", async (sites) => {
  const { store, ada } = await adaAndBob(sites);
  const log = (reason: string) => ada.audit.log({ decisionType: "t", context: "c", reason });
  await log("before");
  await away(sites.server, store);
  await log("meanwhile");
  await back(sites.server, store);
  await log("after");
  const { entries } = await ada.audit.list();
  assert.deepEqual(entries.map(({ reason }) => reason), ["before", "meanwhile", "after"]);
  const { ok, entries: verified } = await ada.audit.verify();
  assert.deepEqual([ok, verified], [true, 3]);
});

promise(
  "A task or an approval that the server may have made is not made again in the directory, and its caller is told",
  async (sites) => {
    const makings = [
      (agent: ReturnType<typeof agentOn>) => agent.tasks.create([{ title: "only once" }]),
      (agent: ReturnType<typeof agentOn>) =>
        agent.approvals.request({ actionType: "deploy", description: "only once" }),
    ];
    for (const make of makings) {
      await using proxy = await startProxy(sites.server);
      const url = `${proxy.url}?command_timeout=${COMMAND_TIMEOUT_MS}ms`;
      const store = await (await sites.site()).open({ url, mode: "directory" });
      const ada = agentOn(store, "ada");
      await ada.locks.list();
      proxy.loseReplyOf((words) => words.some((word) => word.includes("only once")));
      await proxy.refuse(true);
      await assertUnavailable(make(ada), /answer|lost/);
      await assertTakenOver(store);
      const counts = [(await ada.tasks.counts()).pending, (await ada.approvals.counts()).pending];
      assert.deepEqual(counts, [0, 0]);
    }
  },
);

promise("Whoever acts while the directory stands in is told so", async ({ server, site }) => {
  const { open } = await site();
  const told: string[] = [];
  const warn: Warn = ({ kind }) => void told.push(kind);
  const store = await open({ warn });
  await agentOn(store, "ada").locks.acquire("a.py");
  await store.announce();
  await server.kill();
  assert.equal(told.length, 0);
  await agentOn(store, "ada").locks.acquire("b.py");
  assert.deepEqual(told, ["authority"]);
  const late = await open({ warn });
  await agentOn(late, "bob").locks.list();
  assert.deepEqual(told, ["authority", "authority"]);
});

promise(
  "A command that ends at once moves everything back, too, when it finds the server there",
  async ({ server, site }) => {
    const { open } = await site();
    const first = await open();
    await first.announce();
    await away(server, first);
    const [made] = await agentOn(first, "ada").tasks.create([{ title: "made meanwhile" }]);
    await first.close();
    await server.restart();
    // A directory that took over soon after the server had come to decide stays for a while.
    const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + 60_000 };
    const command = await open({ clock });
    await agentOn(command, "bob").locks.list();
    await command.close({ exiting: true });
    const next = await open();
    assert.equal((await next.authority()).store, "redis");
    assert.deepEqual((await agentOn(next, "bob").tasks.claim()).map(({ id }) => id), [made!.id]);
  },
);

promise(
  "A completion whose task another site has taken over meanwhile is reported, and undoes nothing there",
  async ({ server, url, site }) => {
    await using proxy = await startProxy(server);
    const mine = `${proxy.url}?command_timeout=${COMMAND_TIMEOUT_MS}ms`;
    const here = await (await site()).open({ url: mine, mode: "directory" });
    const there = await (await site()).open({ url });
    const [ada, bob] = [agentOn(here, "ada").tasks, agentOn(there, "bob").tasks];
    await ada.create([{ title: "wanted" }]);
    const [claimed] = await ada.claim({ leaseMs: 2000 });
    await proxy.refuse(true);
    proxy.cut();
    // Here the lease is renewed, and there it lapses.
    await ada.renew(claimed!.id, { leaseMs: 60_000 });
    await assertTakenOver(here);
    const [again] = await bob.claim({ waitMs: 30_000, leaseMs: 60_000 });
    assert.equal(again!.id, claimed!.id);
    await ada.complete(claimed!.id, { result: "from here" });
    await proxy.refuse(false);
    const moved = await failedBack(here);
    assert.ok(moved.kind === "done");
    assert.deepEqual(moved.conflicts.map(({ kind, subject }) => [kind, subject]), [
      ["task", claimed!.id],
    ]);
    assert.equal((await bob.show(claimed!.id)).lease?.holder, "bob");
    assert.equal((await bob.complete(claimed!.id, { result: "from there" })).result, "from there");
  },
);

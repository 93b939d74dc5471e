/**
 * What failover promises to processes that share a directory, on one host or on several, and what becomes of it when
 * one of them is frozen or killed.
 * @module
 */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/clock.ts";
import { startProxy } from "../../../dev/proxy.ts";
import { type RemoteAgent, startRemoteAgent } from "../../../dev/remote_agent.ts";
import { ends } from "../../../dev/sleepers.ts";
import { COMMAND_TIMEOUT_MS, type Site, type Sites, until } from "../../../dev/site.ts";
import {
  agentOn,
  assertTakenOver,
  assertUnavailable,
  failedBack,
  promise,
  takeOver,
} from "../../support/promise.ts";

/** Another process of the site. */
function processOf({ directory }: Site, url: string, name: string): Promise<RemoteAgent> {
  return startRemoteAgent(`${url}#default\t${directory}/fallback`, name);
}

const throughProxy = (proxy: { readonly url: string }) =>
  `${proxy.url}?command_timeout=${COMMAND_TIMEOUT_MS}ms`;

promise(
  "Processes that share the directory are one site",
  async ({ server, url, site }) => {
    const here = await site();
    const store = await here.open();
    await using other = await processOf(here, url, "bob");
    await other.call("locks", "acquire", "b.py");
    assert.deepEqual(await store.announce(), []);
    await server.kill();
    await takeOver(store);
    const { error } = await other.call("locks", "acquire", "b.py");
    assert.equal(error?.code, "conflict");
  },
);

promise(
  "A process that still reaches the server does not use it while the directory decides",
  async ({ server, url, site }) => {
    await using proxy = await startProxy(server);
    const here = await site();
    const cut = await here.open({ url: throughProxy(proxy) });
    await using other = await processOf(here, url, "bob");
    await other.call("locks", "list");
    await agentOn(cut, "ada").locks.acquire("a.py", { ttlMs: 60_000 });
    await cut.announce();
    await proxy.refuse(true);
    proxy.cut();
    await agentOn(cut, "ada").locks.acquire("meanwhile.py", { ttlMs: 60_000 });
    for (const path of ["a.py", "meanwhile.py"]) {
      assert.equal((await other.call("locks", "acquire", path)).error?.code, "conflict");
    }
  },
);

promise(
  "One process that reaches the server again moves everything back for all",
  async ({ server, url, site }) => {
    await using proxy = await startProxy(server);
    const here = await site();
    const cut = await here.open({ url: throughProxy(proxy) });
    await cut.announce();
    await proxy.refuse(true);
    proxy.cut();
    await takeOver(cut);
    const [made] = await agentOn(cut, "ada").tasks.create([{ title: "made meanwhile" }]);
    await using other = await processOf(here, url, "bob");
    await other.call("tasks", "counts");
    await until(
      "the server decides",
      async () => (await cut.authority()).store === "redis",
    );
    const { value } = await other.call("tasks", "claim");
    assert.deepEqual((value as readonly { id: string }[]).map(({ id }) => id), [made!.id]);
  },
);

promise(
  "A process that starts during the outage finds the directory deciding",
  async ({ server, url, site }) => {
    const here = await site();
    const store = await here.open();
    await agentOn(store, "ada").locks.acquire("a.py", { ttlMs: 60_000 });
    await store.announce();
    await server.kill();
    await takeOver(store);
    await using late = await processOf(here, url, "bob");
    assert.equal((await late.call("locks", "acquire", "a.py")).error?.code, "conflict");
    assert.equal((await late.call("locks", "acquire", "b.py")).error, undefined);
  },
);

/** A process that is frozen while its operation waits for the server's answer. */
async function frozenInside({ server, url, site }: Sites) {
  const proxy = await startProxy(server);
  const here = await site();
  const frozen = await processOf(here, throughProxy(proxy), "bob");
  await frozen.call("locks", "acquire", "before.py", { ttlMs: 60_000 });
  let laterMs = 0;
  const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + laterMs };
  const store = await here.open({ url, clock });
  await store.announce();
  proxy.blackhole(true);
  proxy.clear();
  // There is none once it was killed.
  const answer = frozen.call("locks", "acquire", "b.py").catch(() => undefined);
  await until(
    "the operation is on its way",
    () => proxy.commands().some((words) => words.some((word) => word.includes("b.py"))),
  );
  frozen.freeze();
  proxy.blackhole(false);
  return {
    store,
    ...agentOn(store, "ada"),
    frozen,
    answer,
    /** Sets the clock of the others forward. */
    advance: (ms: number) => void (laterMs += ms),
    async [Symbol.asyncDispose]() {
      await frozen.kill();
      await proxy.stop();
    },
  };
}

promise(
  "A process that is frozen within an operation keeps nobody from the server",
  async (sites) => {
    await using site = await frozenInside(sites);
    await ends(
      "ten locks are taken",
      (async () => {
        for (let n = 0; n < 10; n++) {
          // Now and then a process asks which other sites there are, for which everybody has to leave.
          site.advance(61_000);
          assert.equal((await site.locks.acquire(`${n}.py`)).length, 1);
        }
      })(),
    );
  },
);

promise(
  "A process that is frozen within an operation keeps the directory from taking over, and the others are told its number",
  async (sites) => {
    await using site = await frozenInside(sites);
    await sites.server.kill();
    await assertUnavailable(site.locks.acquire("a.py"), new RegExp(`\\b${site.frozen.pid}\\b`));
    assert.equal((await site.store.authority()).store, "redis");
  },
);

promise(
  "The directory takes over as soon as the frozen process goes on",
  async (sites) => {
    await using site = await frozenInside(sites);
    await sites.server.kill();
    const acquiring = site.locks.acquire("a.py");
    site.frozen.resume();
    assert.equal((await acquiring).length, 1);
    await assertTakenOver(site.store);
    await site.answer;
  },
);

promise(
  "The directory takes over as soon as the frozen process is ended",
  async (sites) => {
    await using site = await frozenInside(sites);
    await sites.server.kill();
    const acquiring = site.locks.acquire("a.py");
    await site.frozen.kill();
    assert.equal((await acquiring).length, 1);
    await assertTakenOver(site.store);
  },
);

promise(
  "A process that is frozen between two operations keeps nobody waiting",
  async ({ server, url, site }) => {
    const here = await site();
    await using frozen = await processOf(here, url, "bob");
    await frozen.call("locks", "acquire", "b.py", { ttlMs: 60_000 });
    const store = await here.open();
    await store.announce();
    frozen.freeze();
    await server.kill();
    await takeOver(store);
    frozen.resume();
    assert.equal((await frozen.call("locks", "renew", "b.py")).error, undefined);
  },
);

promise(
  "A process that was frozen for longer than its lock was given for is told that it lost it",
  async ({ server, url, site }) => {
    const here = await site();
    await using frozen = await processOf(here, url, "bob");
    const { value } = await frozen.call("locks", "acquire", "b.py", { ttlMs: 1000 });
    const [{ fence }] = value as [{ readonly fence: number }];
    const store = await here.open();
    await store.announce();
    frozen.freeze();
    await server.kill();
    await takeOver(store);
    const { locks } = agentOn(store, "ada");
    assert.equal((await locks.acquire("b.py", { ttlMs: 60_000, waitMs: 30_000 })).length, 1);
    frozen.resume();
    const { error } = await frozen.call("locks", "renew", "b.py", { fence });
    assert.equal(error?.code, "lease_lost");
  },
);

promise(
  "A process that is killed while everything is moved back leaves the rest to another, and nothing is there twice",
  async ({ server, url, site }) => {
    await using proxy = await startProxy(server);
    const here = await site();
    const mine = throughProxy(proxy);
    const store = await here.open({ url: mine });
    await store.announce();
    await proxy.refuse(true);
    proxy.cut();
    await takeOver(store);
    const titles = Array.from({ length: 600 }, (_, n) => `task ${n}.`);
    await agentOn(store, "ada").tasks.create(titles.map((title) => ({ title })));
    await using mover = await processOf(here, mine, "bob");
    // The server has executed the portion then, and the process that sent it does not know.
    let killed: Promise<void> | undefined;
    proxy.loseReplyOf((words) => {
      if (!words.some((word) => word.includes("task 300."))) return false;
      killed = mover.kill();
      return true;
    });
    await proxy.refuse(false);
    await mover.call("store", "failback").catch(() => undefined);
    await until("it was killed", () => killed !== undefined);
    await killed;
    await failedBack(await here.open({ url }));
    const { pending } = await agentOn(store, "ada").tasks.counts();
    assert.equal(pending, 600);
    const claimed: string[] = [];
    for (let most = 100; most === 100;) {
      const tasks = await agentOn(store, "ada").tasks.tryClaim({ count: 100 });
      claimed.push(...tasks.map(({ title }) => title));
      most = tasks.length;
    }
    assert.deepEqual(claimed.sort(), titles.sort());
  },
);

promise(
  "Whoever finds the directory half made by a process that was killed takes over with every live lock",
  async ({ server, url, site }) => {
    const here = await site();
    await using dying = await processOf(here, url, "bob");
    await dying.call("locks", "acquire", "b.py", { ttlMs: 60_000 });
    const store = await here.open();
    await store.announce();
    await server.kill();
    const answer = dying.call("locks", "list").catch(() => undefined);
    const outages = `${here.directory}/fallback/namespaces/default`;
    await until(
      "it takes over",
      () => [...Deno.readDirSync(outages)].some(({ name }) => name.startsWith("outage.")),
    );
    await dying.kill();
    await answer;
    await takeOver(store);
    const held = await agentOn(store, "ada").locks.list();
    assert.deepEqual(held.map(({ path, holder }) => [path, holder]), [["b.py", "bob"]]);
  },
);

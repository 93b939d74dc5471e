/**
 * What failover promises, and does not, where several sites use one server: hosts without a shared directory, and
 * containers.
 * @module
 */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/clock.ts";
import { ConflictError, LeaseLostError } from "../../../src/errors.ts";
import { SITE_MEMORY_MS, siteWithoutDirectory } from "../../../src/engine/redis/sites.ts";
import type { FailoverMode } from "../../../src/open/failover/change.ts";
import { RedisStore } from "../../../src/open/redis.ts";
import { startProxy } from "../../../dev/proxy.ts";
import { COMMAND_TIMEOUT_MS, type Sites, until } from "../../../dev/site.ts";
import {
  agentOn,
  assertTakenOver,
  assertUnavailable,
  failedBack,
  promise,
} from "../../support/promise.ts";

/** Two sites, each with a way of its own to the server, that have heard of each other. */
async function twoHosts({ server, site }: Sites, mode: FailoverMode) {
  const host = async (name: string) => {
    const proxy = await startProxy(server);
    const url = `${proxy.url}?command_timeout=${COMMAND_TIMEOUT_MS}ms`;
    const store = await (await site()).open({ url, mode });
    const cutOff = async (on: boolean) => {
      await proxy.refuse(on);
      if (on) proxy.cut();
    };
    return { store, ...agentOn(store, name), cutOff, stop: () => proxy.stop() };
  };
  const [here, there] = [await host("ada"), await host("bob")];
  await here.locks.acquire("here.py");
  await there.locks.acquire("there.py");
  const [[ofThere], [ofHere]] = [await here.store.announce(), await there.store.announce()];
  return {
    here: { ...here, site: ofHere!.site },
    there: { ...there, site: ofThere!.site },
    async [Symbol.asyncDispose]() {
      await here.stop();
      await there.stop();
    },
  };
}

promise(
  "auto does not take over while another site was heard of within 24 hours, on either side, and names that site",
  async (sites) => {
    await using hosts = await twoHosts(sites, "auto");
    const { here, there } = hosts;
    for (const [one, other] of [[here, there], [there, here]] as const) {
      await one.cutOff(true);
      const pattern = new RegExp(`The directory does not take over: site ${other.site}`);
      await assertUnavailable(one.locks.acquire("a.py"), pattern);
      assert.equal((await one.store.authority()).store, "redis");
    }
  },
);

promise(
  "A site that was not heard of for 24 hours no longer keeps auto from taking over",
  async ({ server, site }) => {
    let nowMs = Date.now();
    const clock = { nowMs: () => nowMs, monotonicMs: systemClock.monotonicMs };
    const options = { clock, redisNowMs: clock.nowMs };
    const [here, there] = [await (await site()).open(options), await (await site()).open(options)];
    await there.announce();
    nowMs += SITE_MEMORY_MS - 1;
    assert.equal((await here.announce()).length, 1);
    nowMs += 1;
    assert.deepEqual(await here.announce(), []);
    await server.kill();
    assert.equal((await agentOn(here, "ada").locks.acquire("a.py")).length, 1);
    await assertTakenOver(here);
  },
);

promise(
  "A site that somebody has said is gone no longer keeps auto from taking over, also while the server is away",
  async (sites) => {
    await using hosts = await twoHosts(sites, "auto");
    const { here, there } = hosts;
    await sites.server.kill();
    await assertUnavailable(here.locks.acquire("a.py"), /store sites --forget ID/);
    await here.store.sites(there.site);
    assert.equal((await here.locks.acquire("a.py")).length, 1);
    await assertTakenOver(here.store);
  },
);

promise(
  "auto does not take over when it is 24 hours since the server last said who else there is",
  async ({ server, site }) => {
    let nowMs = Date.now();
    const clock = { nowMs: () => nowMs, monotonicMs: systemClock.monotonicMs };
    const { open } = await site();
    const store = await open({ clock, redisNowMs: clock.nowMs });
    assert.deepEqual(await store.announce(), []);
    await server.kill();
    nowMs += SITE_MEMORY_MS;
    const { locks } = agentOn(store, "ada");
    await assertUnavailable(locks.acquire("a.py"), /last written to from here 1d ago/);
    nowMs -= 1;
    assert.equal((await locks.acquire("a.py")).length, 1);
    await assertTakenOver(store);
  },
);

promise(
  "A site that has never reached the server does not take over in auto",
  async ({ server, site }) => {
    const { open } = await site();
    await server.kill();
    await assertUnavailable(open(), /nothing listens at/);
  },
);

promise(
  "A server that has lost its memory is told again which sites there are",
  async (sites) => {
    await using hosts = await twoHosts(sites, "auto");
    const { here, there } = hosts;
    await sites.server.command("FLUSHALL");
    await here.locks.acquire("a.py");
    assert.deepEqual((await here.store.announce()).map(({ site }) => site), [there.site]);
    await here.cutOff(true);
    await assertUnavailable(here.locks.acquire("b.py"), /does not take over: site /);
  },
);

promise(
  "directory takes over whoever else there is",
  async (sites) => {
    await using hosts = await twoHosts(sites, "directory");
    await hosts.here.cutOff(true);
    assert.equal((await hosts.here.locks.acquire("a.py")).length, 1);
    await assertTakenOver(hosts.here.store);
  },
);

promise(
  "With directory a site that has never reached the server takes over, too",
  async ({ server, site }) => {
    const { open } = await site();
    await server.kill();
    const store = await open({ mode: "directory" });
    const [task] = await agentOn(store, "ada").tasks.create([{ title: "made meanwhile" }]);
    await assertTakenOver(store);
    await server.restart();
    await failedBack(store);
    assert.deepEqual((await agentOn(store, "ada").tasks.claim()).map(({ id }) => id), [task!.id]);
  },
);

promise(
  "With directory two sites that are cut off from each other may both be granted one path",
  async (sites) => {
    await using hosts = await twoHosts(sites, "directory");
    const { here, there } = hosts;
    for (const host of [here, there]) await host.cutOff(true);
    for (const host of [here, there]) {
      assert.equal((await host.locks.acquire("a.py", { ttlMs: 60_000 })).length, 1);
      await assertTakenOver(host.store);
    }
  },
);

promise(
  "Of two grants of one path the one with the higher fence stays when both sites are back, and the other is lost",
  async (sites) => {
    await using hosts = await twoHosts(sites, "directory");
    const { here, there } = hosts;
    for (const host of [here, there]) await host.cutOff(true);
    const [first] = await here.locks.acquire("a.py", { ttlMs: 60_000 });
    await there.locks.acquire("more.py");
    const [second] = await there.locks.acquire("a.py", { ttlMs: 60_000 });
    assert.ok(second!.fence > first!.fence);
    for (const host of [there, here]) {
      await host.cutOff(false);
      await failedBack(host.store);
    }
    assert.equal((await there.locks.verify("a.py", { fence: second!.fence })).holder, "bob");
    await assert.rejects(here.locks.renew("a.py", { fence: first!.fence }), LeaseLostError);
  },
);

promise(
  "A site that joins while this one cannot hear of it does not keep it from taking over, so both may hold one path",
  async ({ server, url, site }) => {
    await using proxy = await startProxy(server);
    const mine = `${proxy.url}?command_timeout=${COMMAND_TIMEOUT_MS}ms`;
    const here = await (await site()).open({ url: mine });
    await here.announce();
    await proxy.refuse(true);
    proxy.cut();
    const there = await (await site()).open({ url });
    await agentOn(there, "bob").locks.acquire("a.py", { ttlMs: 60_000 });
    assert.equal((await agentOn(here, "ada").locks.acquire("a.py")).length, 1);
    await assertTakenOver(here);
  },
);

promise(
  "What a site that has joined meanwhile holds on the server is not ended by the one that comes back",
  async ({ server, url, site }) => {
    await using proxy = await startProxy(server);
    const mine = `${proxy.url}?command_timeout=${COMMAND_TIMEOUT_MS}ms`;
    const here = await (await site()).open({ url: mine });
    await here.announce();
    await proxy.refuse(true);
    proxy.cut();
    await agentOn(here, "ada").locks.acquire("mine.py");
    await assertTakenOver(here);
    const there = await (await site()).open({ url });
    const bob = agentOn(there, "bob").locks;
    const [lease] = await bob.acquire("a.py", { ttlMs: 60_000 });
    await there.announce();
    await proxy.refuse(false);
    await failedBack(here);
    await assert.rejects(agentOn(here, "ada").locks.acquire("a.py"), ConflictError);
    assert.equal((await bob.verify("a.py", { fence: lease!.fence })).holder, "bob");
  },
);

/** A client without a directory, as in a container that has no other place than the server. */
async function container(url: string, host: string) {
  const store = await RedisStore.open(url, {
    namespace: "default",
    site: siteWithoutDirectory(host),
  });
  return { ...agentOn(store, host), [Symbol.asyncDispose]: () => store.close() };
}

promise(
  "A container without the project's directory is a site none:HOST, which keeps auto from taking over",
  async ({ server, url, site }) => {
    const here = await (await site()).open();
    await using one = await container(url, "c0ffee");
    await one.locks.acquire("b.py");
    await here.announce();
    await server.kill();
    await assertUnavailable(agentOn(here, "ada").locks.acquire("a.py"), /site none:c0ffee used it/);
  },
);

promise(
  "A container that is started again under another name is another site",
  async ({ url, site }) => {
    const here = await (await site()).open();
    for (const host of ["c0ffee", "decaf"]) {
      await using one = await container(url, host);
      await one.locks.acquire(`${host}.py`);
    }
    const names = (await here.announce()).map((other) => other.site).sort();
    assert.deepEqual(names, ["none:c0ffee", "none:decaf"]);
  },
);

promise(
  "Where no directory can be made, auto works on the server alone, says so, and keeps other sites from taking over",
  async ({ server, site }) => {
    const told: string[] = [];
    const without = await site();
    await Deno.writeTextFile(`${without.directory}/fallback`, "something else");
    const alone = await without.open({ warn: ({ kind }) => void told.push(kind) });
    const here = await (await site()).open();
    assert.equal((await agentOn(alone, "bob").locks.acquire("b.py")).length, 1);
    assert.deepEqual(told, ["no_fallback"]);
    // It tells its site behind the operation.
    await until("the server has heard of it", async () => (await here.announce()).length === 1);
    await server.kill();
    await assertUnavailable(agentOn(alone, "bob").locks.acquire("c.py"), /./);
    await assertUnavailable(agentOn(here, "ada").locks.acquire("a.py"), /site none:.* used it/);
  },
);

promise(
  "A copy of the directory is another site",
  async ({ url, site }) => {
    const here = await site();
    const store = await here.open();
    await agentOn(store, "ada").locks.acquire("a.py");
    assert.deepEqual(await store.announce(), []);
    const there = await site();
    const { success } = await new Deno.Command("cp", {
      args: ["-a", `${here.directory}/fallback`, `${there.directory}/fallback`],
    }).output();
    assert.ok(success);
    const copy = await there.open({ url });
    await agentOn(copy, "bob").locks.acquire("b.py");
    await copy.announce();
    assert.equal((await store.announce()).length, 1);
  },
);

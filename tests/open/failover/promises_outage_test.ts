/**
 * What failover takes for an outage of the server, and what not.
 * @module
 */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/clock.ts";
import { CoordError } from "../../../src/errors.ts";
import { openContext } from "../../../src/open/open.ts";
import type { FailoverStore } from "../../../src/open/failover/store.ts";
import { startProxy } from "../../../dev/proxy.ts";
import { freePort } from "../../../dev/redis_server.ts";
import { respStub } from "../../../dev/resp_stub.ts";
import { COMMAND_TIMEOUT_MS, type Site, type Sites, until } from "../../../dev/site.ts";
import {
  agentOn,
  assertTakenOver,
  assertUnavailable,
  failedBack,
  promise,
} from "../../support/promise.ts";

/** A site that has used the server and knows that it is alone: any outage makes its directory take over. */
async function usedSite({ site }: Pick<Sites, "site">) {
  const used = await site();
  const store = await used.open();
  await agentOn(store, "ada").locks.acquire("before.py");
  assert.deepEqual(await store.announce(), []);
  return { ...used, store };
}

/** Fails unless `work` is refused for this reason, for good, and the server still decides. */
async function assertNoOutage(
  { store }: { readonly store: FailoverStore },
  work: () => Promise<unknown>,
  reason: string | undefined,
): Promise<void> {
  await assert.rejects(work(), (error) => {
    assert.ok(error instanceof CoordError, String(error));
    assert.equal(error.details.reason, reason);
    return true;
  });
  assert.equal((await store.authority()).store, "redis");
}

/** Opens the site with this URL and takes a lock. */
const actWith = ({ open }: Site, url: string) => async () =>
  await agentOn(await open({ url }), "ada").locks.acquire("a.py");

/** How the program opens its store in a project. */
function settings(directory: string, url: string) {
  return {
    store: { kind: "redis", url },
    namespace: "default",
    durability: "normal",
    project: {
      root: directory,
      worktree: directory,
      cwd: directory,
      storeDirectory: `${directory}/.agentcoord`,
      isGit: false,
    },
    actor: { name: "ada", host: "test-host" },
    clock: systemClock,
    standInDirectory: `${directory}/.agentcoord/fallback`,
  } as const;
}

promise("A server that is not there is away", async (sites) => {
  const { open } = await usedSite(sites);
  const store = await open();
  await sites.server.kill();
  assert.equal((await agentOn(store, "ada").locks.acquire("a.py")).length, 1);
  await assertTakenOver(store);
});

promise("A server that does not answer in time is away", async (sites) => {
  const { open } = await usedSite(sites);
  const store = await open();
  sites.server.freeze();
  assert.equal((await agentOn(store, "ada").locks.acquire("a.py")).length, 1);
  await assertTakenOver(store);
  sites.server.resume();
});

promise(
  "A lock that a server grants late, after it was given up, is taken back when it is there again",
  async (sites) => {
    const { open } = await usedSite(sites);
    const [first, second] = [await open(), await open()];
    await agentOn(second, "bob").locks.list();
    await using keeper = await sites.server.connect();
    sites.server.freeze();
    const [lease] = await agentOn(first, "ada").locks.acquire("a.py", { ttlMs: 60_000 });
    await assertTakenOver(first);
    await agentOn(first, "ada").locks.release("a.py");
    sites.server.resume();
    const late = await keeper.command("ZRANGE", "{agentcoord:default}:lock_due", 0, -1);
    assert.ok((late as readonly string[]).some((member) => member.startsWith("a.py\0")));
    await failedBack(first);
    const [next] = await agentOn(second, "bob").locks.acquire("a.py");
    assert.ok(next!.fence > lease!.fence);
    const held = await agentOn(second, "bob").locks.list();
    assert.deepEqual(held.map(({ path }) => path), ["a.py", "before.py"]);
  },
);

promise("A server whose every connection ends is away", async (sites) => {
  await using proxy = await startProxy(sites.server);
  const { open } = await usedSite(sites);
  const store = await open({ url: `${proxy.url}?command_timeout=${COMMAND_TIMEOUT_MS}ms` });
  await agentOn(store, "ada").locks.list();
  await proxy.refuse(true);
  proxy.cut();
  assert.equal((await agentOn(store, "ada").locks.acquire("a.py")).length, 1);
  await assertTakenOver(store);
});

promise(
  "Another address is another server: where nobody listens there, nothing takes over",
  async (sites) => {
    const { directory } = await sites.site();
    const acts = async (url: string) => {
      const { store } = await openContext({ ...settings(directory, url), fallback: "auto" });
      try {
        await agentOn(store, "ada").locks.acquire("a.py", { reentrant: true });
        return await store.sites!();
      } finally {
        await store.close();
      }
    };
    assert.equal((await acts(sites.url))?.length, 1);
    const misspelt = `redis://127.0.0.1:${freePort()}?command_timeout=500ms`;
    await assertUnavailable(acts(misspelt), /it was never reached from here|nothing listens at/);
    // Those who use the right one notice nothing.
    assert.equal((await acts(sites.url))?.length, 1);
    await sites.server.kill();
    assert.equal((await acts(sites.url))?.length, 0);
  },
);

promise("A server that is still loading its data is away", async (sites) => {
  const { open } = await usedSite(sites);
  await using loading = respStub(([name, ...rest]) => {
    if (name === "INFO") return "redis_version:7.0.15\r\nredis_mode:standalone\r\nloading:1\r\n";
    return name === "HELLO" || rest[0] === "SETINFO" ? new Error("ERR unknown command") : "OK";
  });
  await assertTakenOver(await open({ url: `${loading.url}?command_timeout=500ms` }));
});

promise("A wrong password never makes the directory take over", async (sites) => {
  const used = await usedSite(sites);
  const { server } = sites;
  await using keeper = await server.connect();
  await keeper.command("CONFIG", "SET", "requirepass", "secret");
  const at = `127.0.0.1:${server.port}?command_timeout=1s`;
  await assertNoOutage(used, actWith(used, `redis://:wrong@${at}`), "auth");
  await assertNoOutage(used, actWith(used, `redis://${at}`), "auth");
  await keeper.command("CONFIG", "SET", "requirepass", "");
});

promise(
  "A password that is changed while agents work never makes the directory take over",
  async (sites) => {
    const used = await usedSite(sites);
    const { locks } = agentOn(await used.open(), "ada");
    await locks.list();
    await using keeper = await sites.server.connect();
    await keeper.command("CONFIG", "SET", "requirepass", "secret");
    await keeper.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    await assert.rejects(locks.acquire("a.py"), { code: "store_unavailable" });
    await keeper.command("CONFIG", "SET", "requirepass", "");
    assert.equal((await (await used.open()).authority()).store, "redis");
  },
);

promise(
  "A database that the server does not have never makes the directory take over",
  async (sites) => {
    const used = await usedSite(sites);
    const url = `redis://127.0.0.1:${sites.server.port}/99?command_timeout=1s`;
    await assertNoOutage(used, actWith(used, url), "database");
  },
);

promise("A server that is too old never makes the directory take over", async (sites) => {
  const used = await usedSite(sites);
  await using old = respStub(([name, ...rest]) => {
    if (name === "INFO") return "redis_version:5.0.14\r\nredis_mode:standalone\r\nloading:0\r\n";
    return name === "HELLO" || rest[0] === "SETINFO" ? new Error("ERR unknown command") : "OK";
  });
  await assertNoOutage(used, actWith(used, `${old.url}?command_timeout=1s`), "too_old");
});

promise("What is no Redis server never makes the directory take over", async (sites) => {
  const used = await usedSite(sites);
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    for await (const conn of listener) {
      await conn.write(new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n"));
      conn.close();
    }
  })();
  try {
    const { port } = listener.addr;
    const url = `redis://127.0.0.1:${port}?command_timeout=1s`;
    await assertNoOutage(used, actWith(used, url), "not_redis");
  } finally {
    listener.close();
    await serving;
  }
});

promise("A URL that cannot be read never makes the directory take over", async (sites) => {
  const used = await usedSite(sites);
  const url = `redis://127.0.0.1:${sites.server.port}?command_timout=1s`;
  await assertNoOutage(used, actWith(used, url), undefined);
});

promise(
  "A user who may not do what is needed never makes the directory take over",
  async (sites) => {
    const used = await usedSite(sites);
    await sites.server.command(
      "ACL",
      "SETUSER",
      "bob",
      "on",
      ">pw",
      "~*",
      "&*",
      "+@all",
      "-evalsha",
      "-eval",
    );
    const url = `redis://bob:pw@127.0.0.1:${sites.server.port}?command_timeout=1s`;
    await assertNoOutage(used, actWith(used, url), "no_permission");
  },
);

promise("A server whose memory is full never makes the directory take over", async (sites) => {
  const used = await usedSite(sites);
  await sites.server.command("CONFIG", "SET", "maxmemory", "1");
  const url = `redis://127.0.0.1:${sites.server.port}?command_timeout=1s`;
  await assertNoOutage(used, actWith(used, url), "out_of_memory");
});

promise("With never the directory does not take over", async (sites) => {
  const { directory, store } = await usedSite(sites);
  await sites.server.kill();
  const opened = openContext({ ...settings(directory, sites.url), fallback: "never" });
  await assertUnavailable(opened, /nothing listens at/);
  assert.equal((await store.authority()).store, "redis");
});

promise(
  "A server that is back and refuses the password leaves the directory deciding, and who moves back by hand is told",
  async (sites) => {
    const used = await usedSite(sites);
    await used.store.close();
    const { server } = sites;
    await server.kill();
    let laterMs = 0;
    const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + laterMs };
    const store = await used.open({ clock });
    await assertTakenOver(store);
    await server.restart();
    await using keeper = await server.connect();
    await keeper.command("CONFIG", "SET", "requirepass", "secret");
    const { locks } = agentOn(store, "ada");
    // A directory that took over soon after the server had come to decide stays for a while.
    laterMs = 60_000;
    const refusals = async () =>
      Number(
        /errorstat_NOAUTH:count=(\d+)/.exec(String(await keeper.command("INFO", "errorstats")))
          ?.[1] ?? 0,
      );
    await until("the server was looked for and has refused", async () => {
      await locks.list();
      return await refusals() > 0;
    });
    assert.equal((await locks.acquire("a.py")).length, 1);
    await assertUnavailable(store.failback(), /wants a password/);
    await assertTakenOver(store);
    await keeper.command("CONFIG", "SET", "requirepass", "");
    await failedBack(store);
  },
);

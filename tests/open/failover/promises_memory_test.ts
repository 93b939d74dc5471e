/**
 * What failover promises, and does not, where the server forgets: it keeps nothing on disk, comes back with an older
 * snapshot, or is emptied.
 * @module
 */
import assert from "node:assert/strict";
import { ConflictError, InvalidArgumentError, NotFoundError } from "../../../src/errors.ts";
import { startProxy } from "../../../dev/proxy.ts";
import type { RedisServer } from "../../../dev/redis_server.ts";
import { Sleepers } from "../../../dev/sleepers.ts";
import { COMMAND_TIMEOUT_MS, type Site, until } from "../../../dev/site.ts";
import {
  agentOn,
  assertUnavailable,
  failedBack,
  promise,
  takeOver,
} from "../../support/promise.ts";

const KEEPS_NOTHING = { isPersistent: false };

/** Ada and Bob, each with a process's view of the site. */
async function adaAndBob({ open }: Site) {
  return { ada: agentOn(await open(), "ada"), bob: agentOn(await open(), "bob") };
}

/** Dies and comes back with nothing, between two operations, so that nobody notices. */
async function comesBackEmpty(server: RedisServer): Promise<void> {
  await server.kill();
  await server.restart();
  assert.equal(await server.command("DBSIZE"), 0);
}

promise(
  "A server that comes back empty gives no held lock away",
  async ({ server, site }) => {
    const { ada, bob } = await adaAndBob(await site());
    const [lease] = await ada.locks.acquire("a.py", { ttlMs: 60_000 });
    await comesBackEmpty(server);
    await assert.rejects(bob.locks.acquire("a.py"), ConflictError);
    assert.equal((await ada.locks.renew("a.py", { fence: lease!.fence }))[0]!.fence, lease!.fence);
  },
  KEEPS_NOTHING,
);

/** Loses what was done since the last SAVE. */
async function comesBackOlder(server: RedisServer): Promise<void> {
  await server.kill();
  await server.restart();
}

promise(
  "A server that comes back with an older snapshot gives no held lock away",
  async ({ server, site }) => {
    const { ada, bob } = await adaAndBob(await site());
    await ada.tasks.create([{ title: "in the snapshot" }]);
    await server.command("SAVE");
    const [lease] = await ada.locks.acquire("a.py", { ttlMs: 60_000 });
    await comesBackOlder(server);
    await assert.rejects(bob.locks.acquire("a.py"), ConflictError);
    assert.equal((await ada.locks.verify("a.py", { fence: lease!.fence })).holder, "ada");
    assert.equal((await bob.tasks.claim()).length, 1);
  },
  KEEPS_NOTHING,
);

promise(
  "A lock that was released after the snapshot is held again for the rest of its time",
  async ({ server, site }) => {
    const { ada, bob } = await adaAndBob(await site());
    await ada.locks.acquire("a.py", { ttlMs: 60_000 });
    await server.command("SAVE");
    await ada.locks.release("a.py");
    await comesBackOlder(server);
    await assert.rejects(bob.locks.acquire("a.py"), ConflictError);
    await bob.locks.break("a.py", { reason: "released, and then restored" });
    assert.equal((await bob.locks.acquire("a.py")).length, 1);
  },
  KEEPS_NOTHING,
);

promise(
  "A server that is emptied while it runs gives no held lock away",
  async ({ server, site }) => {
    const { ada, bob } = await adaAndBob(await site());
    const [lease] = await ada.locks.acquire("a.py", { ttlMs: 60_000 });
    await server.command("FLUSHALL");
    await assert.rejects(bob.locks.acquire("a.py"), ConflictError);
    assert.equal((await ada.locks.verify("a.py", { fence: lease!.fence })).holder, "ada");
  },
);

promise(
  "A fence that a server gives out after it has forgotten is greater than every one before it",
  async ({ server, site }) => {
    const { ada, bob } = await adaAndBob(await site());
    const [before] = await ada.locks.acquire("a.py");
    await ada.locks.release("a.py");
    await server.command("FLUSHALL");
    const [after] = await bob.locks.acquire("a.py");
    assert.ok(after!.fence > before!.fence);
  },
);

promise(
  "A server that forgets gives no claimed task away, and its holder can complete it",
  async ({ server, site }) => {
    const { ada, bob } = await adaAndBob(await site());
    await ada.tasks.create([{ title: "claimed" }]);
    const [claimed] = await ada.tasks.claim();
    await comesBackEmpty(server);
    assert.deepEqual(await bob.tasks.tryClaim(), []);
    assert.equal((await ada.tasks.complete(claimed!.id)).status, "completed");
  },
  KEEPS_NOTHING,
);

promise(
  "Who waits for a lock goes on waiting when the server forgets",
  async ({ server, site }) => {
    const { ada, bob } = await adaAndBob(await site());
    await ada.locks.acquire("a.py", { ttlMs: 60_000 });
    const waiting = bob.locks.acquire("a.py", { waitMs: 60_000 });
    await until(
      "bob is in the queue",
      async () => await server.command("HLEN", "{agentcoord:default}:lock_waiters") === 1,
    );
    await comesBackEmpty(server);
    await ada.locks.release("a.py");
    assert.equal((await waiting)[0]!.holder, "bob");
  },
  KEEPS_NOTHING,
);

promise(
  "Tasks that nobody has claimed, threads, approvals, audit entries and events that a server has forgotten are lost",
  async ({ server, site }) => {
    const { ada, bob } = await adaAndBob(await site());
    await ada.tasks.create([{ title: "pending" }]);
    await ada.board.post({ title: "hello", message: "there" });
    await ada.approvals.request({ actionType: "deploy", description: "may I" });
    await ada.audit.log({ decisionType: "t", context: "c", reason: "r" });
    await comesBackEmpty(server);
    assert.deepEqual(await bob.tasks.tryClaim(), []);
    assert.deepEqual((await bob.board.list()).threads, []);
    assert.deepEqual((await bob.audit.list()).entries, []);
    assert.deepEqual((await bob.approvals.list()).approvals, []);
  },
  KEEPS_NOTHING,
);

promise(
  "What was created while the server was away is not lost when it comes back empty",
  async ({ server, site }) => {
    const store = await (await site()).open();
    const { tasks, locks } = agentOn(store, "ada");
    await locks.acquire("a.py", { ttlMs: 60_000 });
    await server.kill();
    await takeOver(store);
    const [made] = await tasks.create([{ title: "made meanwhile" }]);
    await server.restart();
    await failedBack(store);
    assert.deepEqual((await tasks.list()).tasks.map(({ id }) => id), [made!.id]);
    assert.deepEqual((await locks.list()).map(({ path }) => path), ["a.py"]);
  },
  KEEPS_NOTHING,
);

promise(
  "Who follows events or the audit log goes on across an outage that empties the server",
  async ({ server, site }) => {
    const { open } = await site();
    const store = await open();
    const ada = agentOn(store, "ada");
    const log = async (reason: string) =>
      (await ada.audit.log({ decisionType: "t", context: "c", reason })).id;
    const ids = [await log("before")];
    const sleepers = [new Sleepers(await open()), new Sleepers(await open())] as const;
    const ending = new AbortController();
    const { signal } = ending;
    const told: string[] = [];
    const read: string[] = [];
    const following = [
      (async () => {
        const { events } = agentOn(sleepers[0].store, "bob");
        for await (const { subject } of events.follow({ type: "audit.logged", signal })) {
          told.push(subject);
        }
      })(),
      (async () => {
        const { audit } = agentOn(sleepers[1].store, "cy");
        for await (const { id } of audit.tail({ signal })) read.push(id);
      })(),
    ];
    const reads = (count: number) =>
      Promise.race([
        until(`${count} are read`, () => told.length >= count && read.length >= count),
        ...following,
      ]);
    await Promise.all(sleepers.map((sleeper) => sleeper.asleep()));
    ids.push(await log("seen"));
    await reads(1);
    await server.kill();
    await takeOver(store);
    ids.push(await log("meanwhile"));
    await reads(2);
    await server.restart();
    await failedBack(store);
    ids.push(await log("after"));
    await reads(3);
    ending.abort();
    await Promise.all(following);
    assert.deepEqual([told, read], [ids.slice(1), ids.slice(1)]);
  },
  KEEPS_NOTHING,
);

promise(
  "A server that forgets while everything is moved to it gets all of it again",
  async ({ server, site }) => {
    await using proxy = await startProxy(server);
    const url = `${proxy.url}?command_timeout=${COMMAND_TIMEOUT_MS}ms`;
    const store = await (await site()).open({ url });
    const { tasks } = agentOn(store, "ada");
    await store.announce();
    await proxy.refuse(true);
    proxy.cut();
    await takeOver(store);
    const titles = Array.from({ length: 600 }, (_, n) => `task ${n}.`);
    await tasks.create(titles.map((title) => ({ title })));
    await proxy.refuse(false);
    // The server has the first tasks then, and whoever moved them does not know.
    let flushed: Promise<unknown> | undefined;
    proxy.loseReplyOf((words) => {
      if (!words.some((word) => word.includes("task 300."))) return false;
      flushed = server.command("FLUSHALL");
      return true;
    });
    await failedBack(store);
    await flushed;
    assert.equal(proxy.lost().length, 1);
    const found: string[] = [];
    for (let cursor: string | undefined;;) {
      const page = await tasks.list({ limit: 500, ...(cursor === undefined ? {} : { cursor }) });
      found.push(...page.tasks.map(({ title }) => title));
      if ((cursor = page.nextCursor) === undefined) break;
    }
    assert.deepEqual(found.sort(), titles.sort());
  },
);

promise(
  "Who follows events or the audit log is refused where the server has forgotten their place without an outage",
  async ({ server, site }) => {
    const { open } = await site();
    const ada = agentOn(await open(), "ada");
    const log = () => ada.audit.log({ decisionType: "t", context: "c", reason: "r" });
    await log();
    const sleepers = [new Sleepers(await open()), new Sleepers(await open())] as const;
    const next = [
      agentOn(sleepers[0].store, "bob").events.follow({ type: "audit.logged" }).next(),
      agentOn(sleepers[1].store, "cy").audit.tail().next(),
    ];
    const refused = Promise.all([
      assert.rejects(next[0]!, NotFoundError),
      assert.rejects(next[1]!, InvalidArgumentError),
    ]);
    await Promise.all(sleepers.map((sleeper) => sleeper.asleep()));
    await server.command("FLUSHALL");
    await log();
    await refused;
  },
);

promise(
  "An operation whose answer was lost with the server's memory fails, and may or may not have been done",
  async ({ server, site }) => {
    await using proxy = await startProxy(server);
    const url = `${proxy.url}?command_timeout=${COMMAND_TIMEOUT_MS}ms`;
    const { locks } = agentOn(await (await site()).open({ url }), "ada");
    await locks.acquire("before.py");
    let flushed: Promise<unknown> | undefined;
    proxy.loseReplyOf((words) => {
      if (!words.some((word) => word.includes("a.py"))) return false;
      flushed = server.command("FLUSHALL");
      return true;
    });
    await assertUnavailable(locks.acquire("a.py"), /may or may not have been done/);
    await flushed;
  },
);

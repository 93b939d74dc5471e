/**
 * A server that is full, frozen, a replica, or does not let us: what is refused says why, and nothing is
 * half done.
 * @module
 */
import assert from "node:assert/strict";
import { type CoordError, StoreUnavailableError } from "../../src/errors.ts";
import type { Task } from "../../src/task/task.ts";
import { freshNamespace, hasRedis, type RedisServer, startRedis } from "../../dev/redis_server.ts";
import { ends, GENEROUS_MS } from "../../dev/sleepers.ts";
import { Member } from "./member.ts";

/** Registers a test that needs Redis. */
function redisTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: !hasRedis(), fn });
}

/** How `work` is refused. */
async function refused(work: Promise<unknown>): Promise<StoreUnavailableError> {
  const error = await work.then(() => assert.fail("it was not refused"), (error) => error);
  assert.ok(error instanceof StoreUnavailableError, Deno.inspect(error));
  return error;
}

redisTest(
  "a full server refuses what needs room, in its own words, and keeps nothing half",
  async () => {
    await using server = await startRedis({
      config: { maxmemory: "6mb", "maxmemory-policy": "noeviction" },
    });
    await using ada = await Member.join(`${server.url}#${freshNamespace()}`, "ada");
    const leases = await ada.locks.acquire(["a.py", "b.py"]);
    const [held] = await ada.tasks.create([{ title: "held" }]);
    await ada.tasks.claim();
    const confirmed = [held!.id];
    let refusal: CoordError | undefined;
    while (refusal === undefined) {
      try {
        const big = { title: "big", description: "x".repeat(60_000) };
        confirmed.push(...(await ada.tasks.create([big, big, big])).map(({ id }) => id));
      } catch (error) {
        refusal = error as CoordError;
      }
    }
    // What the refused one had taken for itself would leave room for small things.
    await server.command("CONFIG", "SET", "maxmemory", "2mb");
    const refusals = [refusal];
    refusals.push(await refused(ada.tasks.create([{ title: "x".repeat(500) }])));
    refusals.push(await refused(ada.board.post({ title: "t" })));
    refusals.push(await refused(ada.approvals.request({ actionType: "a", description: "b" })));
    refusals.push(await refused(ada.audit.log({ decisionType: "a", context: "c", reason: "r" })));
    refusals.push(await refused(ada.locks.acquire("c.py")));
    for (const error of refusals) {
      assert.ok(error instanceof StoreUnavailableError, Deno.inspect(error));
      assert.match(error.message, /has used up its memory \(maxmemory\); raise the limit/);
      assert.deepEqual([error.details.reason, error.retryable], ["out_of_memory", true]);
    }
    const stored: Task[] = [];
    for (let cursor: string | undefined, first = true; first || cursor; first = false) {
      const page = await ada.tasks.list({ limit: 20, ...(cursor ? { cursor } : {}) });
      stored.push(...page.tasks);
      cursor = page.nextCursor;
    }
    assert.deepEqual(stored.map(({ id }) => id), confirmed);
    assert.equal((await ada.tasks.counts()).pending, confirmed.length - 1);
    assert.equal((await ada.board.counts()).active, 0);
    assert.equal((await ada.approvals.counts()).pending, 0);
    assert.equal(await ada.audit.count(), 0);
    assert.deepEqual(await ada.locks.list(), leases);
    // Once there is room again, everything goes on.
    await server.command("CONFIG", "SET", "maxmemory", "100mb");
    await ada.locks.release(["a.py", "b.py"]);
    await ada.tasks.complete(held!.id);
    assert.equal((await ada.tasks.create([{ title: "more" }])).length, 1);
  },
);

redisTest(
  "a full server lets a holder give back or complete, or refuses without a trace",
  async () => {
    await using server = await startRedis({ config: { "maxmemory-policy": "noeviction" } });
    await using ada = await Member.join(`${server.url}#${freshNamespace()}`, "ada");
    const leases = await ada.locks.acquire("a.py");
    await ada.tasks.create([{ title: "held" }]);
    const [task] = await ada.tasks.claim();
    await server.command("CONFIG", "SET", "maxmemory", "1mb");
    const done = async (work: Promise<unknown>) => {
      try {
        await work;
        return true;
      } catch (error) {
        assert.equal((error as CoordError).details.reason, "out_of_memory", Deno.inspect(error));
        return false;
      }
    };
    const released = await done(ada.locks.release("a.py"));
    assert.deepEqual(await ada.locks.list(), released ? [] : leases);
    const completed = await done(ada.tasks.complete(task!.id));
    const { completed: count, claimed } = await ada.tasks.counts();
    assert.deepEqual([count, claimed], completed ? [1, 0] : [0, 1]);
    const { status } = await ada.tasks.show(task!.id);
    assert.equal(status, completed ? "completed" : "claimed");
  },
);

redisTest("a replica answers what is asked, and refuses what would change something", async () => {
  await using primary = await startRedis({ config: { "repl-diskless-sync-delay": "0" } });
  await using replica = await startRedis({
    config: { replicaof: `127.0.0.1 ${primary.port}` },
  });
  const namespace = freshNamespace();
  await using ada = await Member.join(`${primary.url}#${namespace}`, "ada");
  const leases = await ada.locks.acquire("a.py");
  const deadlineMs = performance.now() + GENEROUS_MS;
  for (;;) {
    const info = String(await replica.command("INFO", "replication"));
    const keys = Number(await replica.command("DBSIZE"));
    if (info.includes("master_link_status:up") && keys > 0) break;
    assert.ok(performance.now() < deadlineMs, info);
  }
  await using bob = await Member.join(`${replica.url}#${namespace}`, "bob");
  assert.deepEqual(await bob.locks.list(), leases);
  const error = await refused(bob.locks.acquire("b.py"));
  assert.match(
    error.message,
    /is a replica, which takes no writes; use the address of its primary/,
  );
  assert.deepEqual([error.details.reason, error.retryable], ["readonly", false]);
});

redisTest("a user who may not do what is needed learns what, without secrets", async () => {
  await using server = await startRedis();
  const cases: readonly [string, RegExp][] = [
    ["~* &* +@all -evalsha -eval", /may not run the command "eval(?:sha)?"/],
    ["~other:* &* +@all", /may not use the keys of the store/],
    ["~{agentcoord:*}:* &* +@all -zadd -hset -set -xadd -hdel", /may not run/],
  ];
  for (const [rules, message] of cases) {
    await server.command(
      "ACL",
      "SETUSER",
      "limited",
      "reset",
      "on",
      ">hunter2",
      ...rules.split(" "),
    );
    const url = `redis://limited:hunter2@127.0.0.1:${server.port}`;
    await using ada = await Member.join(`${url}#${freshNamespace()}`, "ada");
    const error = await refused(ada.locks.acquire("a.py"));
    assert.match(error.message, message, rules);
    assert.deepEqual([error.details.reason, error.retryable], ["no_permission", false]);
    assert.ok(!Deno.inspect(error).includes("hunter2"));
  }
  await server.command(
    ..."ACL SETUSER limited reset on >hunter2 ~{agentcoord:*}:* +@all resetchannels".split(" "),
  );
  const url = `redis://limited:hunter2@127.0.0.1:${server.port}`;
  await using ada = await Member.join(`${url}#${freshNamespace()}`, "ada");
  const error = await refused(ada.tasks.claim({ waitMs: 5000 }));
  assert.match(error.message, /may not use the channels of the store/);
});

redisTest(
  "a frozen server is an error in time, also for those who wait, and is used again after it",
  async () => {
    await using server: RedisServer = await startRedis();
    const location = `${server.url}?command_timeout=600ms#${freshNamespace()}`;
    await using ada = await Member.join(location, "ada");
    await using bob = await Member.join(location, "bob");
    await ada.locks.acquire("a.py");
    const waiting = [
      bob.locks.acquire("a.py", { waitMs: 60_000 }),
      bob.tasks.claim({ waitMs: 60_000 }),
      bob.board.inboxWait({ timeoutMs: 60_000 }),
    ].map((work) => ends("failing", refused(work)));
    await bob.asleep(waiting.length);
    server.freeze();
    const asked = [
      ada.locks.acquire("b.py"),
      ada.tasks.create([{ title: "t" }]),
      ada.audit.log({ decisionType: "a", context: "c", reason: "r" }),
      ada.events.list(),
    ].map((work) => ends("failing", refused(work)));
    // Who waits notices at its next look, at most a second later; then it takes its leave, which fails too.
    for (const one of [...asked, ...waiting]) {
      const error = await one;
      assert.ok(error.retryable, error.message);
      assert.match(
        error.message,
        /has not answered for 600ms|no connection|accepted no connection/,
      );
    }
    server.resume();
    await bob.locks.acquire("c.py", { waitMs: 20_000 });
    // What ada asked for may have been done late; the error says so, and she can ask again.
    await ada.locks.acquire("b.py", { reentrant: true });
  },
);

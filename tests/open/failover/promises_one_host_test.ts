/**
 * What failover promises to agents of one host.
 * @module
 */
import assert from "node:assert/strict";
import { until } from "../../../dev/site.ts";
import { ConflictError } from "../../../src/errors.ts";
import {
  agentOn,
  assertTakenOver,
  assertUnavailable,
  failedBack,
  promise,
  takeOver,
} from "../../support/promise.ts";

promise(
  "A held lock keeps its holder, its fence and its time when the directory takes over, and when the server is back",
  async ({ server, site }) => {
    const store = await (await site()).open();
    const ada = agentOn(store, "ada").locks;
    const [granted] = await ada.acquire("a.py", { ttlMs: 60_000 });
    const stays = async () => {
      const { holder, fence, expiresAtMs } = await ada.verify("a.py", { fence: granted!.fence });
      assert.deepEqual([holder, fence], ["ada", granted!.fence]);
      // The mirror counts from the reply on, so it may be later, by less than a call may take.
      const laterMs = expiresAtMs - granted!.expiresAtMs;
      assert.ok(laterMs >= 0 && laterMs < 1000, `${laterMs} ms later`);
    };
    await server.kill();
    await stays();
    await assertTakenOver(store);
    await server.restart();
    await failedBack(store);
    await stays();
  },
);

promise(
  "A lock that is held on the server is refused to others while the directory stands in",
  async ({ server, site }) => {
    const { open } = await site();
    const [first, second] = [await open(), await open()];
    await agentOn(first, "ada").locks.acquire("a.py", { ttlMs: 60_000, intent: "fix auth" });
    await server.kill();
    await assert.rejects(agentOn(second, "bob").locks.acquire("a.py"), (error) => {
      assert.ok(error instanceof ConflictError);
      assert.match(error.message, /held by "ada" \(fix auth\)/);
      return true;
    });
    await assertTakenOver(second);
  },
);

promise(
  "A lock that the directory granted is refused to others when the server is back",
  async ({ server, site }) => {
    const { open } = await site();
    const [first, second] = [await open(), await open()];
    const [ada, bob] = [agentOn(first, "ada").locks, agentOn(second, "bob").locks];
    await ada.acquire("before.py");
    await server.kill();
    const [granted] = await ada.acquire("a.py", { ttlMs: 60_000 });
    await server.restart();
    await failedBack(first);
    await assert.rejects(bob.acquire("a.py"), ConflictError);
    assert.equal((await ada.verify("a.py", { fence: granted!.fence })).holder, "ada");
  },
);

promise(
  "A fence that is given out after a change is greater than every one before it",
  async ({ server, site }) => {
    const store = await (await site()).open();
    const ada = agentOn(store, "ada").locks;
    const fences: number[] = [];
    const take = async (path: string) => fences.push((await ada.acquire(path))[0]!.fence);
    await take("1");
    await server.kill();
    await take("2");
    await take("3");
    await assertTakenOver(store);
    await server.restart();
    await failedBack(store);
    await take("4");
    assert.deepEqual(fences, [...new Set(fences)].sort((a, b) => a - b));
  },
);

promise(
  "What is created while the server is away is on it once, under the same identifier, when it is back",
  async ({ server, site }) => {
    const store = await (await site()).open();
    const ada = agentOn(store, "ada");
    await ada.locks.acquire("a.py");
    await server.kill();
    await takeOver(store);
    const [task] = await ada.tasks.create([{ title: "made meanwhile" }]);
    const thread = await ada.board.post({ title: "hello", message: "there" });
    const asked = await ada.approvals.request({ actionType: "deploy", description: "now" });
    const entry = await ada.audit.log({ decisionType: "t", context: "c", reason: "r" });
    await server.restart();
    await failedBack(store);
    assert.deepEqual((await ada.tasks.list()).tasks.map(({ id }) => id), [task!.id]);
    assert.deepEqual((await ada.board.list()).threads.map(({ id }) => id), [thread.id]);
    assert.deepEqual((await ada.approvals.list()).approvals.map(({ id }) => id), [asked.id]);
    assert.deepEqual((await ada.audit.list()).entries.map(({ id }) => id), [entry.id]);
  },
);

promise(
  "A task that only the server has is out of reach while it is away, and is not lost",
  async ({ server, site }) => {
    const store = await (await site()).open();
    const { tasks } = agentOn(store, "ada");
    const [task] = await tasks.create([{ title: "on the server" }]);
    await server.kill();
    assert.deepEqual(await tasks.tryClaim(), []);
    await assertTakenOver(store);
    await assertUnavailable(tasks.show(task!.id), /may be on redis:.*cannot be reached since/);
    await server.restart();
    await failedBack(store);
    assert.deepEqual((await tasks.claim()).map(({ id }) => id), [task!.id]);
  },
);

promise(
  "A task that was claimed on the server can be completed while it is away",
  async ({ server, site }) => {
    const store = await (await site()).open();
    const { tasks } = agentOn(store, "ada");
    await tasks.create([{ title: "claimed" }]);
    const [claimed] = await tasks.claim();
    await server.kill();
    await tasks.complete(claimed!.id, { result: { done: 1 } });
    await assertTakenOver(store);
    await server.restart();
    await failedBack(store);
    const { status, result } = await tasks.show(claimed!.id);
    assert.deepEqual([status, result], ["completed", { done: 1 }]);
  },
);
promise(
  "Who waits for a lock keeps its place in the queue across both changes",
  async ({ server, site }) => {
    const { open } = await site();
    const holder = await open();
    const ada = agentOn(holder, "ada").locks;
    await ada.acquire("a.py", { ttlMs: 60_000 });
    const got: string[] = [];
    const waits: Promise<unknown>[] = [];
    for (const name of ["bob", "cyd"]) {
      const { locks } = agentOn(await open(), name);
      waits.push(
        locks.acquire("a.py", { waitMs: 60_000 }).then(async () => {
          got.push(name);
          await locks.release("a.py");
        }),
      );
      await until(`${name} is in the queue`, async () => {
        const queue = await server.command("HLEN", "{agentcoord:default}:lock_waiters");
        return Number(queue) === waits.length;
      });
    }
    await server.kill();
    await ada.renew("a.py");
    await assertTakenOver(holder);
    await server.restart();
    await failedBack(holder);
    await ada.release("a.py");
    await Promise.all(waits);
    assert.deepEqual(got, ["bob", "cyd"]);
  },
);

import assert from "node:assert/strict";
import { Agents } from "../../src/agent/agent.ts";
import { sleep } from "../../src/clock.ts";
import type { RoomContext } from "../../src/context.ts";
import { StoreUnavailableError } from "../../src/errors.ts";
import { Session } from "../../src/session.ts";
import type { HeldTask } from "../../src/task/held.ts";
import { Tasks } from "../../src/task/task.ts";
import type { EndedAttempt, TaskHandler, WorkerOptions } from "../../src/worker/model.ts";
import { runWorker } from "../../src/worker/worker.ts";
import { type Bench, storeTest } from "../../dev/stores.ts";

async function sessionOf({ as }: Bench, name: string): Promise<Session> {
  return await openSession(as(name, { pollMs: 20 }));
}

async function openSession(context: RoomContext): Promise<Session> {
  const agent = await new Agents(context).register({});
  return new Session(context, agent, {
    heartbeat: false,
    onClose: "deregister",
    onHeartbeatError: () => undefined,
    onClosed: () => undefined,
  });
}

/** An object with some of its methods replaced. */
function replacing<T extends object>(target: T, methods: Partial<T>): T {
  return new Proxy(target, {
    get: (_, name) => {
      const found = Reflect.get(methods, name) ?? Reflect.get(target, name);
      return typeof found === "function" ? found.bind(target) : found;
    },
  });
}

/** Works off what is there and leaves. */
async function drain(
  bench: Bench,
  handler: TaskHandler,
  options: WorkerOptions = {},
): Promise<readonly EndedAttempt[]> {
  const ended: EndedAttempt[] = [];
  const session = await sessionOf(bench, "worker");
  await runWorker(session, {
    idleExitMs: 0,
    ...options,
    onAttempt: (attempt) => ended.push(attempt),
  }, handler);
  return ended;
}

async function create({ as }: Bench, count: number): Promise<readonly string[]> {
  const titles = Array.from({ length: count }, (_, index) => ({ title: `job ${index}` }));
  return (await new Tasks(as("ada")).create(titles)).map(({ id }) => id);
}

storeTest("worker does every task once, in order, and leaves when idle", async (bench) => {
  const ids = await create(bench, 20);
  const seen: string[] = [];
  const ended = await drain(bench, ({ task }) => {
    seen.push(task.id);
    return { title: task.title };
  });
  assert.deepEqual(seen, ids);
  assert.deepEqual(ended.map(({ outcome }) => outcome), ids.map(() => "completed"));
  const task = await new Tasks(bench.as()).show(ids[3]!);
  assert.deepEqual([task.status, task.result], ["completed", { title: "job 3" }]);
});

storeTest("worker has as many tasks at once as it was told to", async (bench) => {
  const ids = await create(bench, 9);
  let busy = 0;
  let most = 0;
  const gate = Promise.withResolvers<void>();
  const ended = await drain(bench, async () => {
    most = Math.max(most, ++busy);
    if (busy === 3) gate.resolve();
    await gate.promise;
    await new Promise((resolve) => setTimeout(resolve, 1));
    busy--;
  }, { concurrency: 3 });
  assert.equal(most, 3);
  assert.equal(ended.length, ids.length);
});

storeTest(
  "worker leaves after the attempts it was told to make, in all slots together",
  async (bench) => {
    await create(bench, 10);
    const ended = await drain(bench, () => undefined, { maxTasks: 4, concurrency: 3 });
    assert.equal(ended.length, 4);
    const { pending, claimed } = await new Tasks(bench.as()).counts();
    assert.deepEqual([pending, claimed], [6, 0]);
  },
);

storeTest(
  "worker fails an attempt with what its handler threw, fit for the store",
  async (bench) => {
    const [id] = await create(bench, 1);
    const [ended] = await drain(bench, () => {
      throw new Error("\x1b[31mred\x1b[0m\r\nand \x07 more");
    });
    assert.deepEqual([ended!.outcome, ended!.error], ["failed", "red\nand \ufffd more"]);
    const { status, attempts } = await new Tasks(bench.as()).show(id!);
    assert.deepEqual([status, attempts.at(-1)!.error], ["scheduled", "red\nand \ufffd more"]);
  },
);

storeTest("worker fails an attempt whose result the store cannot take", async (bench) => {
  const [id] = await create(bench, 1);
  const [ended] = await drain(bench, () => "x".repeat(300_000));
  assert.equal(ended!.outcome, "failed");
  assert.match(ended!.error!, /result/);
  assert.equal((await new Tasks(bench.as()).show(id!)).status, "scheduled");
});

storeTest("worker leaves alone what its handler has ended itself", async (bench) => {
  const [id] = await create(bench, 1);
  const [ended] = await drain(bench, async (held) => {
    await held.fail("pointless", { retry: false });
    return "ignored";
  });
  assert.equal(ended!.outcome, "failed");
  const { status, result } = await new Tasks(bench.as()).show(id!);
  assert.deepEqual([status, result], ["dead", undefined]);
});

storeTest(
  "worker that is told to leave ends the task under way and claims no other",
  async (bench) => {
    const [first, second] = await create(bench, 2);
    const stop = new AbortController();
    const ended = await drain(bench, () => stop.abort(), { signal: stop.signal });
    assert.deepEqual(ended.map(({ task }) => task.id), [first]);
    assert.equal((await new Tasks(bench.as()).show(second!)).status, "pending");
  },
);

storeTest(
  "worker that is told to give up gives back what it holds, at no attempt's cost",
  async (bench) => {
    const [id] = await create(bench, 1);
    const giveUp = new AbortController();
    const ended = await drain(bench, (_, signal) => {
      giveUp.abort();
      signal.throwIfAborted();
    }, { giveUp: giveUp.signal });
    assert.deepEqual(ended.map(({ outcome }) => outcome), ["released"]);
    const { status, attemptsUsed } = await new Tasks(bench.as()).show(id!);
    assert.deepEqual([status, attemptsUsed], ["pending", 0]);
  },
);

storeTest("worker waits for tasks, and is woken by whoever adds one", async (bench) => {
  const session = await openSession(bench.as("worker"));
  const done = Promise.withResolvers<HeldTask>();
  const stop = new AbortController();
  const running = runWorker(session, { signal: stop.signal }, (held) => done.resolve(held));
  await bench.asleep();
  await create(bench, 1);
  assert.equal((await done.promise).task.title, "job 0");
  stop.abort();
  assert.deepEqual(await running, { completed: 1, failed: 0, released: 0, lost: 0 });
});

storeTest("worker learns that its task was cancelled, and goes on with the next", async (bench) => {
  const [first] = await create(bench, 1);
  const session = await sessionOf(bench, "worker");
  const ended: EndedAttempt[] = [];
  await runWorker(
    session,
    { idleExitMs: 0, leaseMs: 300, onAttempt: (one) => ended.push(one) },
    async ({ task }, signal) => {
      if (task.id !== first) return;
      await new Tasks(bench.as("ada")).cancel(first);
      await create(bench, 1);
      // The lease's own timers do not keep a process alive.
      while (!signal.aborted) await sleep(10);
      signal.throwIfAborted();
    },
  );
  assert.deepEqual(ended.map(({ outcome }) => outcome), ["lost", "completed"]);
});

storeTest("worker delivers a verdict that the store could not take at first", async (bench) => {
  const [id] = await create(bench, 1);
  const context = bench.as("worker", { pollMs: 20 });
  let refusals = 0;
  const tasks = await context.store.tasks();
  const complete: typeof tasks.complete = (...args) =>
    refusals++ > 0
      ? tasks.complete(...args)
      : Promise.reject(new StoreUnavailableError("away", {}, true));
  const store = replacing(context.store, {
    tasks: () => Promise.resolve(replacing(tasks, { complete })),
  });
  const session = await openSession({ ...context, store });
  const outages: unknown[] = [];
  const report = await runWorker(
    session,
    { idleExitMs: 0, onOutage: (error) => outages.push(error) },
    () => "done",
  );
  assert.deepEqual([report.completed, outages.length], [1, 1]);
  assert.equal((await new Tasks(bench.as()).show(id!)).result, "done");
});

storeTest("worker refuses bad options before it claims anything", async (bench) => {
  await create(bench, 1);
  const session = await sessionOf(bench, "worker");
  for (
    const [options, field] of [
      [{ concurrency: 0 }, "concurrency"],
      [{ maxTasks: 0.5 }, "maxTasks"],
      [{ idleExitMs: -1 }, "idleExitMs"],
      [{ leaseMs: 5 }, "leaseMs"],
      [{ tags: ["a b"] }, "tags"],
      [{ match: "some" as "any" }, "match"],
    ] as const
  ) {
    await assert.rejects(
      runWorker(session, options, () => assert.fail("claimed")),
      (error: { code: string; details: { field: string } }) =>
        error.code === "invalid_argument" && error.details.field === field,
    );
  }
});

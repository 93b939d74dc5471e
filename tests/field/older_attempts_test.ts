/**
 * The attempts that a task has had before: shown to who asks for them and to who takes over, and no burden otherwise.
 * @module
 */
import assert from "node:assert/strict";
import { DirectoryStore } from "../../src/open/directory.ts";
import { RedisStore } from "../../src/open/redis.ts";
import type { Store } from "../../src/store.ts";
import { type Task, Tasks } from "../../src/task/task.ts";
import { DatabaseSync } from "node:sqlite";
import { taskText } from "../../commands/task/text.ts";
import { freshNamespace, hasRedis, resp, sharedRedis } from "../../dev/redis_server.ts";
import { type Bench, storeTest, TestClock } from "../../dev/stores.ts";
import { contextOn } from "../../dev/room_context.ts";

const LONG = "x/".repeat(30_000);

const bytesOf = (value: unknown) => JSON.stringify(value).length;
const errorsOf = ({ attempts }: Task) => attempts.map(({ error }) => error);

/** A task that has been released so many times, each with a reason of this text and its number. */
async function released(ada: Tasks, times: number, text = LONG): Promise<string> {
  const [{ id }] = await ada.create([{ title: "x", backoff: { kind: "none" } }]) as [Task];
  for (let n = 1; n <= times; n++) {
    await ada.claim();
    await ada.release(id, { reason: `${text}${n}` });
  }
  return id;
}

storeTest("task answers carry the newest attempt, and how many were before it", async ({ as }) => {
  const ada = new Tasks(as("ada"));
  const id = await released(ada, 8);
  const [claimed] = await ada.claim() as [Task];
  const answers = {
    renew: await ada.renew(id),
    listed: (await ada.list()).tasks[0]!,
    failed: await ada.fail(id, { error: "no" }),
    updated: await ada.update(id, { title: "y" }),
    cancelled: await ada.cancel(id),
    retried: await ada.retry(id),
  };
  for (const [name, task] of Object.entries(answers)) {
    assert.equal(task.attempts.length, 1, name);
    assert.equal(task.attempts[0]!.fence, claimed.lease!.fence, name);
    assert.equal(task.attemptsLeftOut, 8, name);
    assert.ok(bytesOf(task) < 1000, name);
  }
  assert.equal(answers.failed.attemptsUsed, 1, "released ones do not count");
  assert.equal(answers.retried.attemptsUsed, 0);
  await ada.claim();
  const done = await ada.complete(id);
  assert.deepEqual([done.attempts.length, done.attemptsLeftOut], [1, 9]);
  const whole = await ada.show(id);
  assert.equal(whole.attemptsLeftOut, undefined);
  assert.deepEqual(errorsOf(whole), [
    ...Array.from({ length: 8 }, (_, n) => `${LONG}${n + 1}`),
    "no",
    undefined,
  ]);
});

storeTest(
  "task claim hands over the attempt before, and others as far as they fit",
  async ({ as }) => {
    const ada = new Tasks(as("ada"));
    await released(ada, 12, "short ");
    const [many] = await ada.claim() as [Task];
    assert.deepEqual(errorsOf(many), [
      ...Array.from({ length: 10 }, (_, n) => `short ${n + 3}`),
      undefined,
    ]);
    assert.equal(many.attemptsLeftOut, 2);
    const done = await ada.completeAndClaim(many.id, { next: {} });
    assert.deepEqual([done.task.attempts.length, done.task.attemptsLeftOut], [1, 12]);

    const id = await released(ada, 3);
    const { next: [long] } = await ada.completeAndClaim(
      (await ada.create([{ title: "before", priority: 9 }]), (await ada.claim())[0]!.id),
      { next: {} },
    );
    assert.equal(long!.id, id);
    assert.deepEqual(
      errorsOf(long!),
      [`${LONG}3`, undefined],
      "the last one alone is as long as that",
    );
    assert.equal(long!.attemptsLeftOut, 2);
  },
);

storeTest("task claim hands over 64 KiB of attempts, to the byte", async ({ as }) => {
  const ada = new Tasks(as("ada"));
  const reason = '/\n"é'.repeat(2000);
  for (const over of [0, 1]) {
    const [{ id }] = await ada.create([{ title: "x", tags: [`over${over}`] }]) as [Task];
    const claim = async () => (await ada.claim({ tags: [`over${over}`] }))[0]!;
    await claim();
    await ada.release(id, { reason });
    await claim();
    await ada.release(id, { reason: "" });
    const sizes = (await ada.show(id)).attempts.map((attempt) =>
      new TextEncoder().encode(JSON.stringify(attempt)).length
    );
    await claim();
    const rest = 65_536 - sizes[0]! - sizes[1]! * 2;
    await ada.release(id, { reason: "x".repeat(rest + over) });
    const { attempts, attemptsLeftOut } = await claim();
    assert.deepEqual([attempts.length, attemptsLeftOut], over === 0 ? [4, undefined] : [3, 1]);
  }
});

storeTest("task attempts keep fences of more than 14 digits", async ({ as, clock }) => {
  clock.advance(Date.UTC(4000, 0, 1) - clock.nowMs());
  const ada = new Tasks(as("ada"));
  await ada.create([{ title: "x" }]);
  const fences: number[] = [];
  for (let n = 0; n < 3; n++) {
    const [task] = await ada.claim() as [Task];
    fences.push(task.lease!.fence);
    await ada.release(task.id);
  }
  assert.ok(fences[0]! > 1e15 && Number.isSafeInteger(fences[2]));
  const [task] = await ada.claim() as [Task];
  fences.push(task.lease!.fence);
  assert.deepEqual(task.attempts.map(({ fence }) => fence), fences);
  assert.deepEqual((await ada.show(task.id)).attempts.map(({ fence }) => fence), fences);
});

storeTest(
  "task in words says how many attempts it leaves out, and numbers the others",
  async ({ as, clock }) => {
    const ada = new Tasks(as("ada"));
    await released(ada, 12, "try ");
    const [task] = await ada.claim() as [Task];
    const view = { terminal: false, color: false, columns: Infinity, nowMs: clock.nowMs() };
    const lines = taskText(task, view).split("\n").filter((line) => /attempt \d|before/.test(line));
    assert.equal(lines[0], "  attempts before: 2");
    assert.match(lines[1]!, /^ {2}attempt 3: ada, released, began /);
    assert.match(lines.at(-1)!, /^ {2}attempt 13: ada, under way, began /);
    assert.ok(!taskText(await ada.show(task.id), view).includes("attempts before"));
  },
);

/** Tasks that died of 100 attempts. */
async function worn({ as, clock }: Pick<Bench, "as" | "clock">, count: number): Promise<void> {
  const ada = new Tasks(as("ada"));
  const task = { title: "worn", maxAttempts: 100, leaseMs: 100 };
  await ada.create(Array.from({ length: count }, () => task));
  for (let n = 0; n < 100; n++) {
    assert.equal((await ada.claim({ count })).length, count);
    clock.advance(100);
  }
  await ada.sweep();
}

storeTest("task prune takes more than one operation for very many attempts", async (bench) => {
  await worn(bench, 30);
  const ada = new Tasks(bench.as("ada"));
  bench.clock.advance(1000);
  const request = { statuses: ["dead"], olderThanMs: 500, after: 0, dryRun: false } as const;
  const actor = { name: "ada", host: "test-host" };
  const { pruned, next } = await (await bench.store.tasks()).prune(actor, request);
  assert.equal(pruned, 21, "each has 99 attempts besides the newest");
  assert.ok(next !== undefined);
  assert.equal((await ada.counts()).dead, 9);
  assert.equal((await ada.prune({ statuses: ["dead"], olderThanMs: 500 })).pruned, 9);
});

storeTest(
  "task prune finds old cancelled tasks behind many that have just been completed",
  async (bench) => {
    const ada = new Tasks(bench.as("ada"));
    const [old] = await ada.create([{ title: "old" }]) as [Task];
    await ada.cancel(old.id);
    bench.clock.advance(10_000);
    await ada.create(Array.from({ length: 500 }, () => ({ title: "young" })));
    for (let n = 0; n < 5; n++) {
      for (const { id } of await ada.claim({ count: 100 })) await ada.complete(id);
    }
    assert.equal((await ada.prune({ olderThanMs: 5000 })).pruned, 1);
    assert.equal(await ada.get(old.id), undefined);
  },
);

/** Runs `body` on a store whose inside the test looks at. */
async function opened(
  open: (clock: TestClock) => Promise<Store>,
  body: (bench: Pick<Bench, "as" | "clock">) => Promise<void>,
): Promise<void> {
  const clock = new TestClock();
  const store = await open(clock);
  const as = (name = "ada") => contextOn(store, clock, name);
  try {
    await body({ as, clock });
  } finally {
    await store.close();
  }
}

Deno.test("task row of a directory store grows with no attempt, and prune leaves none", async () => {
  const directory = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
  const sum = (sql: string) => {
    const db = new DatabaseSync(`${directory}/namespaces/default/store.db`, { readOnly: true });
    try {
      return (db.prepare(`SELECT ${sql} AS n`).get() as { n: number }).n;
    } finally {
      db.close();
    }
  };
  const options = { namespace: "default", durability: "normal" } as const;
  try {
    await opened(
      (clock) => DirectoryStore.open(directory, { ...options, clock }),
      async (bench) => {
        const ada = new Tasks(bench.as("ada"));
        const id = await released(ada, 20);
        const rows = "SELECT seq FROM task_attempts";
        assert.equal(sum(`(SELECT COUNT(*) FROM (${rows}))`), 19);
        await ada.claim();
        const log = `${directory}/namespaces/default/store.db-wal`;
        const before = (await Deno.stat(log)).size;
        await ada.renew(id);
        const grown = (await Deno.stat(log)).size - before;
        assert.ok(grown < 50_000, `a renewal wrote ${grown} bytes`);
        await ada.cancel(id);
        bench.clock.advance(1000);
        assert.equal((await ada.prune({ olderThanMs: 500 })).pruned, 1);
        assert.equal(sum(`(SELECT COUNT(*) FROM (${rows}))`), 0);
      },
    );
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test({
  name: "task record of a Redis store grows with no attempt, and prune leaves none",
  ignore: !hasRedis(),
}, async () => {
  const { url, port } = await sharedRedis();
  const namespace = freshNamespace();
  const key = `{agentcoord:${namespace}}:tasks`;
  const client = await resp(port);
  try {
    await opened(
      (clock) => RedisStore.open(url, { namespace, nowMs: clock.nowMs }),
      async (bench) => {
        const ada = new Tasks(bench.as("ada"));
        const id = await released(ada, 20);
        await ada.claim();
        assert.ok(await client.command("HSTRLEN", key, `${id}w`) as number < 300);
        assert.equal(
          await client.command("HLEN", key),
          22,
          "the spec, the work, and the attempts before",
        );
        await ada.cancel(id);
        bench.clock.advance(1000);
        assert.equal((await ada.prune({ olderThanMs: 500 })).pruned, 1);
        assert.equal(await client.command("HLEN", key), 0);
      },
    );
  } finally {
    client.close();
  }
});

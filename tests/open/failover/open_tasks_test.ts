/**
 * How many open tasks a site believes Redis to have.
 * @module
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { systemClock } from "../../../src/clock.ts";
import { MemoryChangedError } from "../../../src/engine/redis/memory.ts";
import { StoreUnavailableError } from "../../../src/errors.ts";
import type { MirrorLine } from "../../../src/open/failover/mirror_line.ts";
import { loadMirror, writeMirror } from "../../../src/open/failover/mirror_snapshot.ts";
import { openTasksOn } from "../../../src/open/failover/open_tasks.ts";
import { MirrorFold } from "../../../src/open/failover/mirror_state.ts";
import type { TaskStore } from "../../../src/task/store.ts";
import { Tasks } from "../../../src/task/task.ts";
import { contextOn } from "../../../dev/room_context.ts";
import { hasRedis } from "../../../dev/redis_server.ts";
import { until, withSites } from "../../../dev/site.ts";
import { propertyRuns } from "../../support/property.ts";

function counted(lines: readonly MirrorLine[]) {
  const fold = new MirrorFold();
  for (const line of lines) fold.add(line);
  return fold.state(0).openTasks;
}

Deno.test("open tasks are unknown until Redis was asked, and counted on from there", () => {
  const ended = (id: string): MirrorLine => ({ op: "end_task", id, fence: 1, forGood: true });
  const made: MirrorLine = { op: "opened", ids: ["a", "b"] };
  assert.equal(counted([made]), undefined);
  const asked: MirrorLine = { op: "open_tasks", count: 5, atMs: 9 };
  assert.deepEqual(counted([made, asked]), { count: 5, atMs: 9 });
  assert.deepEqual(counted([asked, made, ended("a"), ended("old"), ended("old")]), {
    count: 5,
    atMs: 9,
  });
  const again: MirrorLine = { op: "opened", ids: ["old"], again: true };
  assert.equal(counted([asked, ended("old"), again])?.count, 5);
  assert.equal(counted([asked, again])?.count, 6);
  assert.equal(counted([asked, { op: "end_task", id: "old", fence: 1 }])?.count, 5);
});

Deno.test("open tasks are the same in whatever order processes have noted them", () =>
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.nat(20), { maxLength: 10 }),
      fc.uniqueArray(fc.nat(20), { maxLength: 10 }),
      fc.func(fc.nat()),
      (opened, ended, place) => {
        const lines: MirrorLine[] = [
          ...opened.map((id): MirrorLine => ({ op: "opened", ids: [`${id}`] })),
          ...ended.map((id): MirrorLine => ({
            op: "end_task",
            id: `${id}`,
            fence: 1,
            forGood: true,
          })),
        ];
        const asked: MirrorLine = { op: "open_tasks", count: 50, atMs: 0 };
        const shuffled = lines.toSorted((a, b) => place(a) - place(b));
        const before = ended.filter((id) => !opened.includes(id)).length;
        const left = opened.filter((id) => !ended.includes(id)).length;
        assert.equal(counted([asked, ...shuffled])?.count, 50 + left - before);
      },
    ),
    { numRuns: propertyRuns() },
  ));

Deno.test("open tasks are kept by a mirror that was made smaller", async () => {
  const home = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
  try {
    const openTasks = { count: 3, atMs: 7 };
    const nothing = { leases: [], tasks: [], agents: [], waiters: [] };
    writeMirror(home, 2, { ...nothing, openTasks });
    assert.deepEqual(loadMirror(home, 2, 0), { ...nothing, openTasks });
    writeMirror(home, 3, nothing);
    assert.deepEqual(loadMirror(home, 3, 0), nothing);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});

Deno.test("open tasks that cannot be counted keep nobody from a change of authority", async () => {
  const failing = (error: Error) => ({
    tasks: () => Promise.resolve({ counts: () => Promise.reject(error) } as unknown as TaskStore),
  });
  assert.equal(await openTasksOn(failing(new Error("a task is damaged")), 1), undefined);
  const away = new StoreUnavailableError("away", { reason: "unreachable" }, true);
  await assert.rejects(openTasksOn(failing(away), 1), away);
  const forgot = new MemoryChangedError(7, false);
  await assert.rejects(openTasksOn(failing(forgot), 1), forgot);
});

Deno.test({
  name: "tasks that only Redis has are counted when the directory takes over, and once it is back",
  ignore: !hasRedis(),
  fn: () =>
    withSites(async ({ server, site }) => {
      const store = await (await site()).open();
      const tasks = new Tasks(contextOn(store, systemClock, "ada"));
      const made = await tasks.create(
        ["one", "two", "three", "four", "five"].map((title, at) => ({ title, key: `key-${at}` })),
      );
      // Known by its key: it is no other task.
      await tasks.create([{ title: "one", key: "key-0" }]);
      await store.announce();
      await tasks.create([{ title: "six" }]);
      await tasks.create([{ title: "one", key: "key-0" }]);
      await tasks.cancel(made[4]!.id);
      await tasks.cancel(made[4]!.id);
      const [done] = await tasks.claim();
      await tasks.complete(done!.id);
      await tasks.claim();
      assert.equal((await store.authority()).unreachable, undefined);
      await server.kill();
      await tasks.counts();
      const { unreachable, sinceMs } = await store.authority();
      // Of six one was cancelled and one is done; the one that is claimed has come along.
      assert.equal(unreachable?.tasks, 3);
      assert.ok(unreachable!.countedAtMs <= sinceMs);
      await tasks.create([{ title: "meanwhile" }]);
      await server.restart();
      await until("Redis is back", async () => (await store.failback()).kind !== "unreachable");
      assert.equal((await store.authority()).unreachable, undefined);
      await server.kill();
      await tasks.counts();
      assert.equal((await store.authority()).unreachable?.tasks, 4);
    }),
});

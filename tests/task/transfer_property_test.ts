/**
 * Whatever is done to tasks in a store that stands in, and in whatever portions they are moved meanwhile: the target
 * shows the same, and goes on with it in the same way.
 * @module
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { CoordError } from "../../src/errors.ts";
import { hasRedis } from "../../dev/redis_server.ts";
import { propertyRuns } from "../support/property.ts";
import { openTransfer, PORTION, type Side, type TransferBench } from "../support/task_transfer.ts";

const AGENTS = ["bob", "eve"];
const TAGS = ["x", "y"];

/** One operation, chosen by the first number; the others choose of what. */
type Step = readonly [kind: number, which: number, how: number];

const steps = fc.array(
  fc.tuple(fc.nat({ max: 12 }), fc.nat({ max: 1000 }), fc.nat({ max: 7 })),
  { minLength: 5, maxLength: 60 },
);

/** Does a step on one side; what is refused is refused. */
async function act(side: Side, [kind, which, how]: Step, ids: string[], nowMs: number) {
  const id = ids[which % Math.max(ids.length, 1)] ?? "tsk_00000000000000000000000000";
  const agent = side.as(AGENTS[how % 2]!);
  const tags = TAGS.filter((_, n) => how & (1 << n));
  const operations: readonly (() => Promise<unknown>)[] = [
    async () => {
      const dependsOn = ids.filter((_, n) => n % 5 === which % 5).slice(0, how % 3);
      const created = await side.as("ada").create([
        { title: `t${ids.length}`, tags, priority: how, dependsOn, maxAttempts: 1 + how % 3 },
        {
          title: `t${ids.length + 1}`,
          ...(how > 4 ? { key: `k${which % 4}` } : {}),
          ...(how === 3 ? { notBeforeMs: nowMs + 5000 } : {}),
          dependsOn: how % 2 === 0 ? [0] : [],
          description: "d".repeat(which),
        },
      ]);
      for (const task of created) if (!ids.includes(task.id)) ids.push(task.id);
    },
    () => agent.claim({ tags, leaseMs: 1000 * (1 + how) }),
    () => agent.claim({ count: 2 }),
    () => agent.complete(id, { result: how }),
    () => agent.complete(id),
    () => agent.fail(id, { error: `e${how}`, retry: how > 1 }),
    () => agent.release(id, { reason: "r" }),
    () => agent.renew(id, { progress: `p${how}` }),
    () => agent.cancel(id),
    () => agent.retry(id),
    () => agent.update(id, { tags, priority: how, title: `u${which}` }),
    () => side.as("ada").prune({ olderThanMs: 3000 }),
  ];
  try {
    await operations[kind]?.();
  } catch (error) {
    if (!(error instanceof CoordError)) throw error;
  }
}

/** The claims of an agent, as its own room finds them. */
async function holdings({ agents }: Side, name: string) {
  await agents.touch({ name, host: "test-host" });
  return [(await agents.get(name))!.tasks, (await agents.explain(name))!.tasks];
}

async function same({ source, target }: TransferBench, ids: readonly string[]): Promise<void> {
  const [here, there] = [source.as("ada"), target.as("ada")];
  for (const id of ids) assert.deepEqual(await there.get(id), await here.get(id));
  assert.deepEqual(await there.counts(), await here.counts());
  for (const name of AGENTS) {
    assert.deepEqual(await holdings(target, name), await holdings(source, name));
  }
  const all = { limit: 200, order: "claim" } as const;
  assert.deepEqual((await there.list(all)).tasks, (await here.list(all)).tasks);
}

for (const kind of ["directory", "redis"] as const) {
  Deno.test({
    name: `task moves whatever was done to it (${kind})`,
    ignore: kind === "redis" && !hasRedis(),
    fn: () =>
      fc.assert(
        fc.asyncProperty(steps, fc.nat({ max: 6 }), async (done, portion) => {
          await using bench = await openTransfer(kind);
          await run(bench, done, { ...PORTION, records: 1 + portion });
        }),
        { numRuns: propertyRuns() },
      ),
  });
}

async function run(bench: TransferBench, done: readonly Step[], limit: typeof PORTION) {
  const { source, target, clock, move } = bench;
  const ids: string[] = [];
  for (const step of done) {
    await act(source, step, ids, clock.nowMs());
    clock.advance(step[2] * 100);
    if (step[0] !== 12) continue;
    assert.deepEqual(await move(limit), []);
    await same(bench, ids);
    if (step[2] === 0) await source.transfer.markAll();
  }
  assert.deepEqual(await move(limit), []);
  await same(bench, ids);
  // From here on both go the same way.
  for (const title of ["x", "", "y", "", ""]) {
    clock.advance(2000);
    const tags = title === "" ? [] : [title];
    const claims = await Promise.all(
      [source, target].map(({ room }) =>
        room.claim({ name: "dan", host: "h" }, { tags, match: "any", count: 3 })
      ),
    );
    const [here, there] = claims.map(({ tasks }) => tasks.map(({ id }) => id));
    assert.deepEqual(there, here);
    for (const id of here!.slice(1)) {
      await source.as("dan").complete(id);
      await target.as("dan").complete(id);
    }
    assert.deepEqual(await target.as("ada").counts(), await source.as("ada").counts());
  }
}

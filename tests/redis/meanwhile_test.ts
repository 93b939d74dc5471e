/**
 * A call whose answer was lost is made again after others have gone on: it must neither do its part a second
 * time nor undo theirs, and answers what it did.
 * @module
 */
import assert from "node:assert/strict";
import type { Primitives } from "../../src/primitive_clients.ts";
import { RedisStore } from "../../src/open/redis.ts";
import { freshNamespace, hasRedis } from "../../dev/redis_server.ts";
import { eventually } from "../support/wrapped.ts";
import { contentsOf } from "./contents.ts";
import { type Surroundings, testSideBySide } from "./lanes.ts";
import { Bench, changing, normalised, type Operation, OPERATIONS } from "./operations.ts";

/** What others do in every room between the two tries. */
async function others({ locks, tasks, board, approvals, audit }: Primitives): Promise<void> {
  await locks.acquire("eve.py");
  await tasks.create([{ title: "eve's", tags: ["eve"], priority: 9 }]);
  await tasks.claim({ tags: ["eve"] });
  await tasks.tryClaim();
  await board.post({ title: "for @ada, @bob and @zoe", priority: "high" });
  await approvals.request({ actionType: "eve", description: "d" });
  await audit.log({ decisionType: "eve", context: "c", reason: "r" });
  for (const { path, taskId } of await locks.list({ holder: "ada" })) {
    // A claim's lock ends with the claim only.
    if (taskId !== undefined) continue;
    await locks.break(path, { reason: "in the way" });
    await locks.acquire(path);
  }
}

/** Those whose answer is how things stand when it is given; what they did is done once all the same. */
const AS_IT_STANDS =
  /^(?:locks\.(?:acquire|hold|renew)|agents\.heartbeat|tasks\.(?:create|release|retry|update)|board\.(?:post|reply|resolve|inbox$))/;
/** Others take part in them anyway, or they open a connection while there is no way to the server. */
const APART = /wait|tail|follow/i;

Deno.test({
  name:
    "every operation is done once when its answer is lost and others go on before it is repeated",
  ignore: !hasRedis(),
  fn: (t) => testSideBySide(t, OPERATIONS.filter(({ name }) => !APART.test(name)), tested),
});

async function tested(
  { server, proxy, client }: Surroundings,
  operation: Operation,
): Promise<void> {
  const outcomes: string[] = [];
  for (const lost of [false, true]) {
    const clock = { nowMs: 1_700_000_000_000 };
    const options = { namespace: freshNamespace(), nowMs: () => clock.nowMs };
    const store = await RedisStore.open(proxy.url, options);
    const other = await RedisStore.open(server.url, options);
    const bench = new Bench(store, clock);
    const eve = new Bench(other, clock).as("eve");
    const given = await bench.prepare(operation);
    proxy.clear();
    let answer: unknown;
    if (lost) {
      await proxy.refuse(true);
      const before = proxy.lost().length;
      proxy.loseReplies(1, changing(operation));
      const call = bench.run(operation, given);
      try {
        await eventually("a lost answer", () => proxy.lost().length > before);
        await others(eve);
      } finally {
        await proxy.refuse(false);
      }
      answer = await call;
    } else {
      answer = await bench.run(operation, given);
      await others(eve);
    }
    const calls = proxy.commands().filter(([word]) => /^evalsha$/i.test(word!));
    const reads = calls.every(([, , keys, ...rest]) => rest[Number(keys)] === "");
    const compared = reads || AS_IT_STANDS.test(operation.name) ? "" : answer;
    const contents = await contentsOf(client, options.namespace);
    outcomes.push(normalised({ contents, answer: compared }));
    await bench.end().catch(() => undefined);
    await store.close();
    await other.close();
  }
  assert.equal(outcomes[1], outcomes[0]);
}

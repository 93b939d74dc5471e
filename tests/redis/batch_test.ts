/**
 * Operations of one kind that are asked for at the same moment go to the server in one call, and do there what they
 * would have done one after another. Every operation is made twice in several namespaces: in turn, at once, and
 * at once with the answer lost; then all that the server holds for them must be the same.
 * @module
 */
import assert from "node:assert/strict";
import { RedisStore } from "../../src/open/redis.ts";
import { freshNamespace, hasRedis } from "../../dev/redis_server.ts";
import { contentsOf } from "./contents.ts";
import { type Surroundings, testSideBySide } from "./lanes.ts";
import { Bench, changing, normalised, type Operation, OPERATIONS } from "./operations.ts";

/** What an operation answered: its value, or why not. */
type Settled = PromiseSettledResult<unknown>;

/** Makes an operation twice. */
type Way = (
  run: () => Promise<unknown>,
  surroundings: Surroundings,
  operation: Operation,
) => Promise<Settled[]>;

const inTurn: Way = async (run) => {
  const [first] = await Promise.allSettled([run()]);
  const [second] = await Promise.allSettled([run()]);
  return [first!, second!];
};
const atOnce: Way = (run) => Promise.allSettled([run(), run()]);
const atOnceLost: Way = async (run, { proxy }, operation) => {
  const before = proxy.lost().length;
  proxy.loseReplies(1, changing(operation));
  const settled = await Promise.allSettled([run(), run()]);
  assert.equal(proxy.lost().length, before + 1);
  return settled;
};

/** An entry may hold the events of several operations; here each event says whose it is. */
function eachEvent(entries: readonly (readonly [string, readonly string[]])[]): unknown[] {
  return entries.flatMap(([id, fields]) => {
    const [atMs, last] = id.split("-").map(Number) as [number, number];
    const pairs = fields.flatMap((field, i) =>
      i % 2 === 0 ? [[field, fields[i + 1]!] as const] : []
    );
    const events = pairs.filter(([field]) => field !== "o" && field !== "r");
    const owners = pairs.filter(([field]) => field === "o").flatMap(([, text]) =>
      text.split(" ").flatMap((one) => {
        const [op, count] = one.split("=");
        return Array(Number(count)).fill(op);
      })
    );
    const answer = pairs.find(([field]) => field === "r")?.[1];
    return events.map((event, i) => [atMs, last - events.length + 1 + i, event, owners[i], answer]);
  });
}

/** Whether the two of an operation went as one call, and all that came of them. */
async function outcome(
  surroundings: Surroundings,
  operation: Operation,
  way: Way,
): Promise<{ calls: number; text: string }> {
  const { proxy, client } = surroundings;
  const namespace = freshNamespace();
  const clock = { nowMs: 1_700_000_000_000 };
  const store = await RedisStore.open(proxy.url, { namespace, nowMs: () => clock.nowMs });
  try {
    const bench = new Bench(store, clock);
    const given = await bench.prepare(operation);
    let settled: Settled[] | undefined;
    let calls = 0;
    bench.watch = async (method, run) => {
      if (method !== operation.method || settled !== undefined) return await run();
      settled = [];
      proxy.clear();
      settled = await way(run, surroundings, operation);
      calls = proxy.commands().filter(([word]) => word!.toUpperCase() === "EVALSHA").length;
      const first = settled[0]!;
      if (first.status === "rejected") throw first.reason;
      return first.value;
    };
    const answer = await bench.run(operation, given);
    await bench.end();
    const contents = await contentsOf(client, namespace);
    contents.events = eachEvent((contents.events ?? []) as [string, string[]][]);
    return { calls, text: normalised({ answer, settled, contents }) };
  } finally {
    await store.close();
  }
}

/** Operations that only read: each is a call of its own. */
const READING = [
  "agents.explain",
  "agents.get",
  "agents.hung",
  "agents.list",
  "agents.summary",
  "approvals.counts",
  "approvals.get",
  "approvals.list",
  "audit.chain",
  "audit.follow",
  "audit.list",
  "board.addressed",
  "board.counts",
  "board.get",
  "board.largest",
  "board.list",
  "board.search",
  "board.show",
  "events.end",
  "events.read",
  "locks.check",
  "locks.count",
  "locks.covering",
  "locks.list",
  "tasks.counts",
  "tasks.get",
  "tasks.largest",
  "tasks.list",
];

Deno.test({
  name: "operations that are made together do as they do in turn, also when their answer is lost",
  ignore: !hasRedis(),
  async fn(t) {
    // In turn, who waits would come in between.
    const operations = OPERATIONS.filter(({ name }) => !name.endsWith("one who waits"));
    await testSideBySide(t, operations, async (surroundings, operation) => {
      const expected = await outcome(surroundings, operation, inTurn);
      const together = await outcome(surroundings, operation, atOnce);
      assert.equal(together.text, expected.text, "at once");
      const reads = READING.includes(operation.method);
      assert.equal(together.calls, reads || operation.looksFirst ? 2 : 1);
      if (reads) return;
      const lost = await outcome(surroundings, operation, atOnceLost);
      assert.equal(lost.text, expected.text, "the answer is lost");
    });
  },
});

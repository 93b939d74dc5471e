/**
 * A call whose answer, or whose request, was lost on the way answers as it would have, and its effect is
 * there once. Every operation is done in two namespaces, in one of them with a fault; then all that the
 * server holds for the two must be the same but for identifiers.
 * @module
 */
import assert from "node:assert/strict";
import { RedisStore } from "../../src/open/redis.ts";
import { freshNamespace, hasRedis } from "../../dev/redis_server.ts";
import { eventually } from "../support/wrapped.ts";
import { contentsOf } from "./contents.ts";
import { type Surroundings, testSideBySide } from "./lanes.ts";
import {
  Bench,
  CLASSES,
  methodsOf,
  normalised,
  type Operation,
  OPERATIONS,
  type Room,
  ROOMS,
} from "./operations.ts";

/** Does something to the one command that `run` sends. */
type Fault = (surroundings: Surroundings, run: () => Promise<unknown>) => Promise<unknown>;

const isScript = ([word]: readonly string[]) => /^eval(?:sha)?$/i.test(word!);

const FAULTS: Readonly<Record<string, Fault>> = {
  "the answer is lost": (surroundings, run) => losing(1, surroundings, run),
  "the answer is lost, and that of the second try": (surroundings, run) =>
    losing(2, surroundings, run),
  "the request is lost": async ({ proxy }, run) => {
    proxy.clear();
    proxy.blackhole(true);
    const answer = run();
    answer.catch(() => undefined);
    try {
      await eventually("a request", () => proxy.commands().some(isScript));
    } finally {
      proxy.cut();
      proxy.blackhole(false);
    }
    return await answer;
  },
  "the server drops the client while the command waits": async ({ client }, run) => {
    await client.command("CLIENT", "PAUSE", 10_000, "WRITE");
    const answer = run();
    answer.catch(() => undefined);
    const clients = async () => String(await client.command("CLIENT", "LIST", "TYPE", "normal"));
    const waits = /flags=\w*b|cmd=eval/;
    await eventually("a waiting command", async () => waits.test(await clients()));
    await client.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    await client.command("CLIENT", "UNPAUSE");
    return await answer;
  },
};

async function losing(
  replies: number,
  { proxy }: Surroundings,
  run: () => Promise<unknown>,
): Promise<unknown> {
  const before = proxy.lost().length;
  proxy.loseReplies(replies, isScript);
  const answer = await run();
  assert.equal(proxy.lost().length, before + replies);
  return answer;
}

/** Does `operation` in a namespace of its own; with a fault, to the first command of its operation. */
async function outcome(
  surroundings: Surroundings,
  operation: Operation,
  fault?: Fault,
): Promise<string> {
  const { proxy, client } = surroundings;
  const namespace = freshNamespace();
  const clock = { nowMs: 1_700_000_000_000 };
  const store = await RedisStore.open(proxy.url, { namespace, nowMs: () => clock.nowMs });
  try {
    const bench = new Bench(store, clock);
    const given = await bench.prepare(operation);
    let faults = 0;
    bench.watch = (method, run) =>
      fault === undefined || method !== operation.method || faults++ > 0
        ? run()
        : fault(surroundings, run);
    const answer = await bench.run(operation, given);
    assert.ok(bench.methods().includes(operation.method), `${operation.method} was not taken`);
    await bench.end();
    return normalised({ answer, contents: await contentsOf(client, namespace) });
  } finally {
    await store.close();
  }
}

Deno.test({
  name: "every operation is done once and answers as ever when its request or its answer is lost",
  ignore: !hasRedis(),
  fn: (t) => testSideBySide(t, OPERATIONS, tested),
});

async function tested(surroundings: Surroundings, operation: Operation): Promise<void> {
  const expected = await outcome(surroundings, operation);
  for (const [what, fault] of Object.entries(FAULTS)) {
    assert.equal(await outcome(surroundings, operation, fault), expected, what);
  }
}

Deno.test({
  name: "the operations tested are all there are, and take every operation of every room",
  async fn() {
    for (const room of ROOMS) {
      const named = OPERATIONS.filter(({ name }) => name.startsWith(`${room}.`));
      assert.deepEqual(
        methodsOf(CLASSES[room]).filter((method) =>
          !named.some(({ name }) => name.split(" ")[0] === `${room}.${method}`)
        ),
        [],
        `operations of ${room} without a test`,
      );
      const taken = new Set(OPERATIONS.map(({ method }) => method));
      assert.deepEqual(
        methodsOf(await operationsOf(room)).filter((method) => !taken.has(`${room}.${method}`)),
        [],
        `operations of ${room} without a test`,
      );
    }
  },
});

/** The class that takes the operations of a room on Redis. */
async function operationsOf(room: Room): Promise<{ readonly prototype: object }> {
  const file = { locks: "lock", agents: "agent", tasks: "task", approvals: "approval" };
  const directory = room === "events" ? "event" : file[room as keyof typeof file] ?? room;
  const classes = await import(`../../src/${directory}/redis/store.ts`);
  return classes[`Redis${room.charAt(0).toUpperCase()}${room.slice(1)}`];
}

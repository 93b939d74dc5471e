/**
 * A call was made again because its connection was lost, and then its first try arrives after all: whoever
 * carries bytes may keep them for a while. It must do nothing, because its answer was given long ago.
 * @module
 */
import assert from "node:assert/strict";
import { script, textOf } from "../../src/engine/redis/script.ts";
import { type ScriptName, SCRIPTS } from "../../src/engine/redis/scripts.ts";
import { RedisStore } from "../../src/open/redis.ts";
import { contentsOf } from "../redis/contents.ts";
import { type Surroundings, testSideBySide } from "../redis/lanes.ts";
import { Member } from "../redis/member.ts";
import { Bench, type Operation, OPERATIONS } from "../redis/operations.ts";
import { type Proxy, startProxy } from "../../dev/proxy.ts";
import { freshNamespace, hasRedis, type RespClient, startRedis } from "../../dev/redis_server.ts";
import { eventually } from "../support/wrapped.ts";

/** Scripts that may write have a name, their first argument. */
function mayWrite([word, , keys, ...rest]: readonly string[]): boolean {
  return /^eval(sha)?$/i.test(word!) && rest[Number(keys)] !== "";
}

/** Runs `call` such that its first try is kept back and only a later one arrives; gives what was kept. */
async function keptBack<T>(
  proxy: Proxy,
  call: () => Promise<T>,
): Promise<{ readonly answer: T; readonly first: readonly string[] | undefined }> {
  proxy.clear();
  proxy.blackhole(true);
  const under = call();
  under.catch(() => undefined);
  try {
    await eventually("a request", () => proxy.commands().length > 0);
  } finally {
    proxy.cut();
    proxy.blackhole(false);
  }
  const first = proxy.commands().find(mayWrite);
  return { answer: await under, first };
}

/** The texts that a first try may name, by their digests. */
const TEXTS = new Map(
  (Object.keys(SCRIPTS) as ScriptName[]).flatMap((name) =>
    [true, false].map((batched) => textOf(script(name), { batched, full: false, clustered: false }))
  ).map(({ sha1, text }) => [sha1, text]),
);

/** A server that has been in use knows the text, also where only another one was sent in the later tries. */
async function deliver(client: RespClient, words: readonly string[]): Promise<void> {
  const text = TEXTS.get(words[1]!);
  if (text !== undefined) await client.command("SCRIPT", "LOAD", text);
  await assert.rejects(client.command(...words), /LATE/);
}

/** Others take part in them anyway, or they open a connection while there is no way to the server. */
const APART = /wait|tail|follow/i;

Deno.test({
  name: "every operation is done once when its first try arrives after the second",
  ignore: !hasRedis(),
  fn: (t) => testSideBySide(t, OPERATIONS.filter(({ name }) => !APART.test(name)), tested),
});

async function tested({ proxy, client }: Surroundings, operation: Operation): Promise<void> {
  const namespace = freshNamespace();
  const clock = { nowMs: 1_700_000_000_000 };
  const store = await RedisStore.open(proxy.url, { namespace, nowMs: () => clock.nowMs });
  try {
    const bench = new Bench(store, clock);
    const given = await bench.prepare(operation);
    let first: readonly string[] | undefined;
    let faults = 0;
    bench.watch = async (method, run) => {
      if (method !== operation.method || faults++ > 0) return await run();
      const kept = await keptBack(proxy, run);
      first = kept.first;
      return kept.answer;
    };
    await bench.run(operation, given);
    await bench.end();
    if (first === undefined) return;
    const before = await contentsOf(client, namespace);
    await deliver(client, first);
    assert.deepEqual(await contentsOf(client, namespace), before);
  } finally {
    await store.close();
  }
}

Deno.test({
  name: "operations made together are done once when their first try arrives after the second",
  ignore: !hasRedis(),
  async fn() {
    await using server = await startRedis();
    await using proxy = await startProxy(server);
    await using client = await server.connect();
    await using ada = await Member.join(`${proxy.url}#late`, "ada");
    await ada.tasks.create(["a", "b", "c", "d"].map((title) => ({ title })));
    const claims = () => Promise.all([ada.tasks.claim(), ada.tasks.claim()]);
    const { answer, first } = await keptBack(proxy, claims);
    assert.deepEqual(answer.flat().map(({ title }) => title), ["a", "b"]);
    await deliver(client, first!);
    assert.equal((await ada.tasks.counts()).claimed, 2);
  },
});

Deno.test({
  name:
    "a second try that arrives after the third does nothing, and a third after a second does its part",
  ignore: !hasRedis(),
  async fn() {
    await using server = await startRedis();
    await using proxy = await startProxy(server);
    await using client = await server.connect();
    await using ada = await Member.join(`${proxy.url}#late`, "ada");
    await ada.locks.acquire("a.py");
    proxy.clear();
    proxy.loseReplies(2, mayWrite);
    await ada.locks.release("a.py");
    const [first, second, third] = proxy.commands().filter(mayWrite);
    assert.ok(third !== undefined, "three tries were made");
    const [lease] = await ada.locks.acquire("a.py");
    for (const words of [second!, first!]) await deliver(client, words);
    assert.equal((await ada.locks.verify("a.py", { fence: lease!.fence })).holder, "ada");
  },
});

Deno.test({
  name: "what is remembered of calls that were made again stays bounded",
  ignore: !hasRedis(),
  async fn() {
    await using server = await startRedis();
    await using proxy = await startProxy(server);
    await using client = await server.connect();
    await using ada = await Member.join(`${proxy.url}#late`, "ada");
    await ada.locks.acquire("a.py");
    proxy.clear();
    proxy.loseReplies(1, mayWrite);
    await ada.locks.renew("a.py");
    const [first, again] = proxy.commands().filter(mayWrite) as [string[], string[]];
    const named = (words: string[], n: number) =>
      words.with(3 + Number(words[2]), `another-${String(n).padStart(8, "0")}`);
    for (let n = 0; n < 6000; n++) await client.command(...named(again, n));
    const bytes = await client.command("HSTRLEN", "{agentcoord:late}:listeners", " retried");
    assert.ok(Number(bytes) > 30_000 && Number(bytes) < 66_000, `${bytes} bytes`);
    // What came last is still known.
    await deliver(client, named(first, 5999));
  },
});

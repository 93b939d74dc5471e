/**
 * The arithmetic of the benchmarks, and that those of the Redis store run. What they measure is not a
 * test's business.
 * @module
 */
import assert from "node:assert/strict";
import { changesOfOwner, spread, wakeUps } from "../../scripts/bench/contention.ts";
import { judge } from "../../scripts/bench/figure.ts";
import { alternate, linesOf, median, quantile } from "../../scripts/bench/harness.ts";
import { addressOf } from "../../scripts/bench/redis/site.ts";
import { hasRedis, startRedis } from "../../dev/redis_server.ts";

Deno.test("median of an odd and an even number of values", () => {
  assert.equal(median([30, 1, 2]), 2);
  assert.equal(median([4, 1, 30, 2]), 3);
});

Deno.test("quantile is a value there is, up to the greatest", () => {
  const values = Array.from({ length: 100 }, (_, index) => 100 - index);
  assert.equal(quantile(values, 0.5), 51);
  assert.equal(quantile(values, 0.99), 100);
  assert.equal(quantile(values, 1), 100);
  assert.equal(quantile([7], 0.5), 7);
});

Deno.test("alternate lets the sides take turns and keeps their values by round", async () => {
  const turns: string[] = [];
  let next = 0;
  const side = (name: string) => () => {
    turns.push(name);
    return Promise.resolve({ value: next++ });
  };
  const series = await alternate(3, { a: side("a"), b: side("b") });
  assert.deepEqual(turns, ["a", "b", "a", "b", "a", "b"]);
  assert.deepEqual(series, { a: { value: [0, 2, 4] }, b: { value: [1, 3, 5] } });
});

Deno.test("judge compares round by round when the machine drifts", () => {
  const verdict = judge({
    name: "pairs",
    unit: "/s",
    values: [600, 60, 6],
    beside: { name: "bare", values: [1000, 100, 10] },
    target: { of: "ratio", atLeast: 0.6 },
  });
  assert.equal(verdict.ratio, 0.6);
  assert.equal(verdict.median, 60);
  assert.deepEqual(verdict.beside, { name: "bare", median: 100 });
  assert.deepEqual([verdict.low, verdict.high, verdict.met], [6, 600, true]);
});

Deno.test("judge of a ratio below its lower bound", () => {
  const target = { of: "ratio", atLeast: 0.6 } as const;
  const beside = { name: "bare", values: [100] };
  assert.equal(judge({ name: "pairs", unit: "/s", values: [59], beside, target }).met, false);
  assert.equal(judge({ name: "pairs", unit: "/s", values: [60], beside, target }).met, true);
});

Deno.test("judge of a missed median, and of no target at all", () => {
  const figure = { name: "wait", unit: "ms", values: [61, 10, 90] };
  assert.equal(judge({ ...figure, target: { of: "median", atMost: 60 } }).met, false);
  assert.equal(judge(figure).met, undefined);
});

Deno.test("contention counts and times only what goes from one owner to another", () => {
  const tenure = (owner: number, fence: number, fromMs: number, toMs: number) => (
    { owner, fence, fromMs, toMs }
  );
  // As two processes report them: each its own, in its own order.
  const tenures = [
    tenure(1, 10, 0, 5),
    tenure(1, 11, 6, 8),
    tenure(1, 14, 20, 21),
    tenure(2, 12, 11, 18),
  ];
  assert.equal(changesOfOwner(tenures), 2);
  assert.deepEqual(wakeUps(tenures), [3, 2]);
});

Deno.test("linesOf joins what arrives in pieces", async () => {
  const pieces = ['"read', 'y"\n{"a":"', "\u00e9", '"}\n'];
  const stream = ReadableStream.from(pieces.map((piece) => new TextEncoder().encode(piece)));
  assert.deepEqual(await Array.fromAsync(linesOf(stream)), ['"ready"', '{"a":"\u00e9"}']);
});

Deno.test("spread of processes that had one turn or none", () => {
  const tenures = [1, 1, 1, 2].map((owner, fence) => ({ owner, fence, fromMs: 0, toMs: 0 }));
  assert.equal(spread(tenures, 2), 3);
  assert.equal(spread(tenures, 3), Infinity);
});

Deno.test("addressOf takes single servers without TLS", () => {
  assert.deepEqual(addressOf("redis://:p%40ss@db.example:7000/3"), {
    host: "db.example",
    port: 7000,
    db: 3,
    username: "default",
    password: "p@ss",
  });
  assert.deepEqual(addressOf("unix:/run/redis.sock?db=2"), { path: "/run/redis.sock", db: 2 });
  assert.throws(() => addressOf("rediss://db.example"), TypeError);
  assert.throws(() => addressOf("redis+cluster://a,b"), TypeError);
});

/** The script as a process of its own; without peers, which would come from the network. */
async function bench(...args: string[]) {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "scripts/bench.ts", "--no-peers", ...args],
  });
  const { code, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

Deno.test({
  name: "bench measures every thing on a server that is running, and leaves nothing there",
  ignore: !hasRedis(),
  fn: async () => {
    await using server = await startRedis();
    await server.command("SET", "mine", "kept");
    const { code, out, err } = await bench(
      ...["--store", server.url, "--quick", "--rounds", "1", "--json"],
    );
    assert.equal(code, 0, err);
    const { about, sections } = JSON.parse(out);
    assert.match(about.join(), /the server given,no peers/);
    assert.deepEqual(
      sections.map(({ name }: { name: string }) => name),
      [
        "claim-complete",
        "claim-complete-50",
        "backlog",
        "paths",
        "lock",
        "memory",
        "create",
        "failover",
      ],
    );
    for (const { name, figures } of sections) {
      assert.ok(figures.length > 0, name);
      for (const { name, median } of figures) assert.ok(median > 0, `${name}: ${median}`);
    }
    assert.deepEqual(await server.command("KEYS", "*"), ["mine"]);
  },
});

Deno.test({
  name: "bench ends the server that it has started",
  ignore: !hasRedis(),
  fn: async () => {
    const { code, out, err } = await bench(
      ...["--store", "redis", "--quick", "--rounds", "1", "--only", "memory"],
    );
    assert.equal(code, 0, err);
    assert.match(
      out,
      /a server of its own \(process \d+\), no persistence\nno peers: --no-peers\n\nmemory: /,
    );
    const pid = Number(/\(process (\d+)\)/.exec(out)![1]);
    assert.throws(() => Deno.kill(pid, "SIGCONT"), Deno.errors.NotFound);
  },
});

Deno.test("bench refuses a store that is no single server of Redis", async () => {
  const { code, err } = await bench("--store", "http://db.example");
  assert.equal(code, 2);
  assert.match(err, /^bench: Invalid --store "http:\/\/db\.example"/);
});

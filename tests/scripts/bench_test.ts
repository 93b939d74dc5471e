/**
 * The arithmetic of the benchmarks. What they measure is not a test's business.
 * @module
 */
import assert from "node:assert/strict";
import { changesOfOwner, wakeUps } from "../../scripts/bench/contention.ts";
import { judge } from "../../scripts/bench/figure.ts";
import { alternate, linesOf, median, quantile } from "../../scripts/bench/harness.ts";

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

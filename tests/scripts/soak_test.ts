/**
 * A short run of the soak test; `scripts/dev soak` is the long one.
 * @module
 */
import assert from "node:assert/strict";
import { judgeRestarts, soakRestarts } from "../../scripts/soak/restarts.ts";
import { judgeWorkers, soak, type SoakReport } from "../../scripts/soak/run.ts";
import { overlaps } from "../../scripts/soak/judge.ts";
import { slope, workerSizes } from "../../scripts/soak/size.ts";
import { hasRedis } from "../../dev/redis_server.ts";

/** Runs a soak test, and a longer one where the machine was too slow for enough to happen. */
async function untilEnough(
  run: (seconds: number) => Promise<SoakReport>,
  isEnough: (figures: SoakReport["figures"]) => boolean,
): Promise<void> {
  for (const seconds of [10, 30, 90]) {
    const { figures, violations } = await run(seconds);
    const shown = JSON.stringify(figures, null, 1);
    assert.deepEqual(violations, [], shown);
    if (isEnough(figures)) return;
    assert.ok(seconds < 90, `too little happened: ${shown}`);
  }
}

Deno.test({
  name: "processes at work under chaos lose nothing, double nothing and leave nothing behind",
  ignore: !hasRedis(),
  async fn() {
    const wanted = ["kill -9", "tasks completed", "tenures of locks", "replies", "approvals"];
    await untilEnough(
      (seconds) => soak({ seconds, processes: 5, store: "redis", seed: 20_240_607 }),
      (figures) => wanted.every((what) => Number(figures[what]) > 3),
    );
  },
});

Deno.test({
  name: "fences stay in order, and locks exclude, on a server that forgets everything now and then",
  ignore: !hasRedis(),
  async fn() {
    const wanted = ["kill -9 of the server", "tenures of locks", "tenures of tasks"];
    await untilEnough(
      (seconds) => soakRestarts({ seconds, processes: 3, seed: 20_250_101 }),
      (figures) => wanted.every((what) => Number(figures[what]) > 1),
    );
  },
});

Deno.test("the judge of fences on a server that forgets finds what may not be", () => {
  const took = (fence: number, acquiredAtMs: number) =>
    ({ kind: "took", path: "a", fence, acquiredAtMs, expiresAtMs: acquiredAtMs + 50 }) as const;
  const judged = (...records: Parameters<typeof judgeRestarts>[0]) =>
    judgeRestarts(records, [{ fromMs: 1000, toMs: 1010 }]);
  assert.deepEqual(judged(took(1, 100), took(2, 150)), []);
  assert.match(judged(took(1, 100), took(2, 149))[0]!, /fence 2 began before 1 ended/);
  assert.deepEqual(judged(took(1, 990), took(2, 1011)), []);
  assert.match(judged(took(2, 990), took(1, 1011))[0]!, /fence 2 was given before the smaller one/);
  assert.match(judged(took(1, 100), took(1, 1011))[0]!, /fence 1 was given twice/);
  const verified = { kind: "verified", path: "a", fence: 1, atMs: 200 } as const;
  assert.deepEqual(judged(took(1, 100), verified), []);
  assert.match(judged(took(1, 100), took(2, 160), verified)[0]!, /fence 1 was found current/);
});

Deno.test("the judge of a soak test finds tenures that overlap", () => {
  const wrong = (releasing: Parameters<typeof overlaps>[1], nextMs: number) => {
    const found: string[] = [];
    const took = [[1, 100], [2, nextMs]].map(([fence, at]) => ({
      kind: "took" as const,
      path: "a",
      fence: fence!,
      acquiredAtMs: at!,
      expiresAtMs: at! + 50,
    }));
    overlaps(took, releasing, (holds, sentence) => holds || found.push(sentence()));
    return found;
  };
  assert.deepEqual(wrong([], 150), []);
  assert.deepEqual(wrong([], 149), ["lock a: fence 2 began 1 ms before 1 ended"]);
  assert.deepEqual(wrong([{ kind: "releasing", fence: 1, atMs: 120 }], 120), []);
  assert.equal(wrong([{ kind: "releasing", fence: 1, atMs: 120 }], 119).length, 1);
});

Deno.test("slope is that of the straight line closest to the points", () => {
  assert.equal(slope([0, 1, 2], [5, 7, 9]), 2);
  assert.equal(slope([3, 3], [1, 2]), 0);
});

Deno.test("the judge of a soak test finds workers that grow, and not those whose heap is collected late", () => {
  const MB = 1_048_576;
  const judged = (sizeAt: (minute: number) => { rss: number; heap: number; native: number }) => {
    const records = Array.from({ length: 120 }, (_, index) => ({
      kind: "size" as const,
      slot: "slot0",
      atMs: index * 5000,
      ...sizeAt(index / 12),
    }));
    return judgeWorkers([...workerSizes(records, 1)], true);
  };
  const steady = { rss: 120 * MB, heap: 14 * MB, native: 84 * MB };
  assert.deepEqual(judged(() => steady), []);
  assert.deepEqual(judged((minute) => ({ ...steady, rss: (100 + 5 * minute) * MB })), []);
  const grown = judged((minute) => ({ ...steady, heap: (14 + minute) * MB }));
  assert.deepEqual(grown, ["slot0 grew by 1 MB a minute (heap)"]);
  const native = judged((minute) => ({ ...steady, native: (84 + 3 * minute) * MB }));
  assert.deepEqual(native, ["slot0 grew by 3 MB a minute (native)"]);
  assert.deepEqual(judged(() => ({ ...steady, rss: 400 * MB })), ["slot0 took 400 MB"]);
});

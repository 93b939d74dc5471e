/**
 * A short run of the soak test; `scripts/dev soak` is the long one.
 * @module
 */
import assert from "node:assert/strict";
import { soak } from "../../scripts/soak/run.ts";
import { overlaps } from "../../scripts/soak/judge.ts";
import { slope } from "../../scripts/soak/size.ts";
import { hasRedis } from "../support/redis_server.ts";

Deno.test({
  name: "processes at work under chaos lose nothing, double nothing and leave nothing behind",
  ignore: !hasRedis(),
  async fn() {
    const { figures, violations } = await soak({
      seconds: 10,
      processes: 5,
      store: "redis",
      seed: 20_240_607,
    });
    assert.deepEqual(violations, [], JSON.stringify(figures, null, 1));
    for (const what of ["kill -9", "tasks completed", "tenures of locks", "replies", "approvals"]) {
      assert.ok(Number(figures[what]) > 3, `${what}: ${figures[what]}`);
    }
  },
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

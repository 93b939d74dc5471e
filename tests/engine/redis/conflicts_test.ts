import assert from "node:assert/strict";
import { keptConflicts } from "../../../src/engine/redis/conflicts.ts";
import { raiseNumbers } from "../../../src/engine/redis/raise.ts";
import { RedisLockTransfer } from "../../../src/lock/redis/transfer.ts";
import { outageTest } from "../../support/outage.ts";
import { Locks } from "../../../src/lock/lock.ts";

outageTest(
  "conflict of records that are told again is known once, until records are moved anew",
  async ({ redis: { runner }, onRedis, clock }) => {
    const [theirs] = await new Locks(onRedis("zoe")).acquire("a");
    const target = new RedisLockTransfer(runner);
    const ours = {
      kind: "lease",
      path: "a",
      holder: "ada",
      fence: theirs!.fence + 1,
      mode: "exclusive",
      intent: "",
      ttlMs: 60_000,
      acquiredAtMs: clock.nowMs(),
      leftMs: 60_000,
    } as const;
    await target.take([ours]);
    // As after an answer that was lost: this one tells of no conflict.
    assert.deepEqual(await target.take([ours]), []);
    const [kept, ...others] = await keptConflicts(runner);
    assert.deepEqual(others, []);
    assert.equal(kept!.room, "lock");
    assert.deepEqual(kept!.told, [
      { path: "a", holder: "ada", fence: ours.fence },
      { path: "a", holder: "zoe", fence: theirs!.fence },
    ]);
    const numbers = { nowMs: clock.nowMs(), fence: 0, event: 0 };
    await raiseNumbers(runner, numbers, { isFirst: false });
    assert.equal((await keptConflicts(runner)).length, 1);
    await raiseNumbers(runner, numbers);
    assert.deepEqual(await keptConflicts(runner), []);
  },
);

/**
 * The rooms behind Sentinels, when the primary dies and its replica takes over.
 * @module
 */
import assert from "node:assert/strict";
import { StoreUnavailableError } from "../../src/errors.ts";
import { startSentinel } from "../../dev/redis_sentinel.ts";
import { freshNamespace, hasRedis, pause } from "../../dev/redis_server.ts";
import { ends, GENEROUS_MS } from "../../dev/sleepers.ts";
import { Member } from "./member.ts";

Deno.test({
  name:
    "the rooms outlive a primary: nothing replicated is lost, fences grow, waiters are woken again",
  ignore: !hasRedis(),
  async fn() {
    await using setup = await startSentinel();
    const location = `${setup.url}#${freshNamespace()}`;
    await using ada = await Member.join(location, "ada");
    await using bob = await Member.join(location, "bob");

    const tasks = await ada.tasks.create(Array.from({ length: 20 }, (_, i) => ({ title: `${i}` })));
    const [claimed] = await bob.tasks.claim({ leaseMs: 120_000 });
    const [lease] = await ada.locks.acquire("a.py", { ttlMs: 120_000 });
    const { id: thread } = await ada.board.post({ title: "before" });
    const { id: approval } = await ada.approvals.request({ actionType: "x", description: "y" });
    await ada.audit.log({ decisionType: "before", context: "c", reason: "r" });
    const { cursor } = await ada.events.list({ limit: 1000 });
    await replicated(setup.primary);

    // One who waits, as long as it takes.
    const waiting = (async () => {
      for (;;) {
        try {
          const [mine] = await bob.locks.acquire("a.py", { waitMs: 60_000 });
          return mine!;
        } catch (error) {
          assertRetryable(error);
          await pause(50);
        }
      }
    })();
    await bob.asleep();

    await setup.killPrimary();
    // Whatever is asked for meanwhile is done, or fails in words that say to try again.
    let answered: { readonly id: string } | undefined;
    const failures: StoreUnavailableError[] = [];
    const startedMs = performance.now();
    while (answered === undefined) {
      assert.ok(performance.now() - startedMs < GENEROUS_MS, "the store did not come back");
      try {
        [answered] = await ada.tasks.create([{ title: "meanwhile", key: "meanwhile" }]);
      } catch (error) {
        failures.push(assertRetryable(error));
        await pause(50);
      }
    }
    await setup.waitForPromotion();
    assert.ok(failures.every(({ message }) => !/undefined|\[object/.test(message)));

    // All that was confirmed before is there.
    const held = await ada.locks.verify("a.py", { fence: lease!.fence });
    assert.deepEqual(held, lease);
    assert.equal((await ada.tasks.show(claimed!.id)).lease!.fence, claimed!.lease!.fence);
    assert.equal((await ada.tasks.counts()).pending, tasks.length - 1 + 1);
    assert.equal((await ada.board.show(thread)).title, "before");
    assert.equal((await ada.approvals.show(approval)).status, "pending");
    assert.ok((await ada.audit.verify()).ok);
    await bob.tasks.complete(claimed!.id, { fence: claimed!.lease!.fence });

    // The stream goes on from where a reader was.
    const { events } = await ada.events.list({ since: cursor });
    assert.ok(events.some(({ subject }) => subject === answered.id));

    // The one who waits gets it, with a fence beyond any that the dead server gave.
    await ada.locks.release("a.py");
    const mine = await ends("the wait", waiting);
    assert.ok(mine.fence > lease!.fence + 1, `${lease!.fence} then ${mine.fence}`);

    // Who waits now is woken, not polled.
    const next = ada.unpolled.locks.acquire("a.py", { waitMs: 3_600_000 });
    await ada.asleep();
    await bob.locks.release("a.py");
    await ends("the next wait", next);
  },
});

function assertRetryable(error: unknown): StoreUnavailableError {
  assert.ok(error instanceof StoreUnavailableError, Deno.inspect(error));
  assert.ok(error.retryable, Deno.inspect(error));
  return error;
}

/** Waits until the replica has everything. */
async function replicated(primary: { command(...args: string[]): Promise<unknown> }) {
  for (;;) {
    const info = String(await primary.command("INFO", "replication"));
    const own = /^master_repl_offset:(\d+)/m.exec(info)?.[1];
    const other = /^slave0:.*offset=(\d+)/m.exec(info)?.[1];
    if (own !== undefined && own === other) return;
    await pause(20);
  }
}

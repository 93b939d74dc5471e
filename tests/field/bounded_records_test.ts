/**
 * One operation on approvals and events does a bounded piece of work, however many do not match.
 * @module
 */
import assert from "node:assert/strict";
import { Approvals } from "../../src/approval/approval.ts";
import { Events } from "../../src/event/event.ts";
import { Locks } from "../../src/lock/lock.ts";
import { workTest } from "../support/operation_work.ts";

workTest(
  "approval list finds the few that lapsed, or did not, among thousands",
  async ({ as, store, clock, work }) => {
    const rows = await store.approvals();
    let made = 0;
    const ask = async (count: number, timeoutMs: number) => {
      const ids = Array.from({ length: count }, () => `apr_${100_000 + made++}`);
      for (let from = 0; from < count; from += 250) {
        await Promise.all(
          ids.slice(from, from + 250).map((id) =>
            rows.request(
              { name: "ada", host: "test-host" },
              { id, timeoutMs, actionType: "deploy", description: "d" },
            )
          ),
        );
      }
      return ids;
    };
    const short = await ask(2, 1000);
    const long = await ask(5000, 60_000);
    clock.advance(1000);
    const bob = new Approvals(as("bob"));
    const list = async (status: "pending" | "expired", limit: number) => {
      let found: readonly string[] = [];
      const { items } = await work(async () => {
        const page = await bob.list({ status, limit, requestedBy: "ada" });
        found = page.approvals.map(({ id }) => id);
        assert.equal(page.nextCursor === undefined, status === "expired" || found.length < limit);
      });
      assert.ok(items < 6000, `did ${items}`);
      return found;
    };
    assert.deepEqual(await list("expired", 10), [...short].reverse());
    assert.deepEqual(await list("pending", 10), long.slice(-10).reverse());
    const longest = await ask(1, 300_000);
    const later = await ask(5000, 30_000);
    clock.advance(59_000);
    assert.deepEqual(await list("pending", 10), longest);
    const page = await bob.list({ status: "expired", limit: 3 });
    assert.deepEqual(page.approvals.map(({ id }) => id), later.slice(-3).reverse());
  },
);

workTest(
  "events of a rare type are looked for in portions of the stream",
  async ({ as, work }) => {
    const ada = new Locks(as("ada"));
    const paths = Array.from({ length: 1000 }, (_, n) => `${n}`);
    for (let round = 0; round < 12; round++) {
      await ada.acquire(paths, { intent: "i".repeat(500) });
      await ada.release(paths);
    }
    await ada.acquire("x");
    await ada.break("x", { reason: "r" });
    let subjects: readonly string[] = [];
    const { items } = await work(async () => {
      const { events } = await new Events(as("bob")).list({ type: "lock.broken" });
      subjects = events.map(({ subject }) => subject);
    });
    assert.deepEqual(subjects, ["x"]);
    assert.ok(items < 1500, `did ${items}`);
  },
);

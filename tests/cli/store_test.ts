/**
 * Commands about the store itself; those about a server are in `redis_test.ts`.
 * @module
 */
import assert from "node:assert/strict";
import { command } from "../../commands/store/failback.ts";
import { command as journal } from "../../commands/store/journal.ts";
import { viewOf } from "../../src/cli/output.ts";
import { StoreUnavailableError } from "../../src/errors.ts";
import { Failover } from "../../src/failover.ts";
import { systemClock } from "../../src/clock.ts";
import { contextOn } from "../../dev/room_context.ts";
import { LazyStore } from "../../src/open/lazy.ts";
import type { FailbackResult, Store } from "../../src/store.ts";
import { cli, withProject } from "../support/cli.ts";

Deno.test("store sites of a directory is refused, since sites share a server", () =>
  withProject(async (dir) => {
    const { code, stdout, stderr } = await cli(dir, ["store", "sites"]);
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(
      stderr,
      /The store at .*\.agentcoord is a directory: sites are what shares a server\n$/,
    );
  }));

Deno.test("store failback is refused where no directory ever stands in", () =>
  withProject(async (dir) => {
    const { code, stdout, stderr } = await cli(dir, ["store", "failback", "--now"]);
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, /Nothing is to be moved: no directory stands in for the store at /);
  }));

Deno.test("store journal is refused where no directory ever stands in", () =>
  withProject(async (dir) => {
    const { code, stdout, stderr } = await cli(dir, ["store", "journal"]);
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(
      stderr,
      /Nothing ever waits to be moved: no directory stands in for the store at /,
    );
  }));

Deno.test("store journal says what was changed and when, what it left out, and what is held", async () => {
  const view = viewOf(false, {}, () => 80, 100_000);
  const nothing = { records: [], total: 0, counts: {}, carried: 0 };
  assert.equal(await journal.text(nothing, view), "Nothing waits to be moved.\n");
  const record = { kind: "task", id: "tsk_1", change: "changed", sinceMs: 40_000 } as const;
  assert.equal(
    await journal.text({ records: [record], total: 3, counts: { task: 3 }, carried: 2 }, view),
    "KIND  RECORD  CHANGE   SINCE\n" +
      "task  tsk_1   changed  1m ago\n" +
      "2 more; --limit shows them.\n" +
      "Besides, 2 leases are held since before.\n",
  );
});

const failBack = (store: Store) => new Failover(contextOn(store, systemClock)).failback();

/** A server with a directory beside it, when asked to fail back. */
function siteThatAnswers(result: FailbackResult): Store {
  const lazy = { kind: "redis", location: "redis://db" } as const;
  return Object.assign(new LazyStore(lazy, () => Promise.reject(new Error("not asked for"))), {
    failback: () => Promise.resolve(result),
  });
}

Deno.test("store failback says what became of it, record by record", async () => {
  const view = viewOf(false, {}, () => 80, 0);
  const conflicts = [{
    kind: "task",
    subject: "tsk_1",
    outcome: "completed elsewhere: kept as late",
  }];
  const counts = { task: 2, lock: 1 };
  const moved = await failBack(siteThatAnswers({ kind: "done", counts, conflicts }));
  assert.deepEqual(moved, { moved: true, counts, conflicts });
  assert.equal(
    await command.text(moved, view),
    "3 records moved; the server decides again.\n  task tsk_1: completed elsewhere: kept as late\n",
  );
  for (
    const [some, says] of [
      [{}, "Nothing was changed; the server decides again.\n"],
      [{ audit: 1 }, "1 record moved; the server decides again.\n"],
    ] as const
  ) {
    const done = await failBack(siteThatAnswers({ kind: "done", counts: some, conflicts: [] }));
    assert.equal(await command.text(done, view), says);
  }
  const idle = await failBack(siteThatAnswers({ kind: "not_needed" }));
  assert.deepEqual(idle, { moved: false, counts: {}, conflicts: [] });
  assert.equal(await command.text(idle, view), "Nothing to move: the server decides already.\n");
  const error = new Error("connection refused");
  await assert.rejects(
    failBack(siteThatAnswers({ kind: "unreachable", error })),
    (error: unknown) =>
      error instanceof StoreUnavailableError && error.retryable &&
      /the server at redis:\/\/db cannot be used: connection refused$/.test(error.message),
  );
});

/**
 * Commands about the store itself; those about a server are in `redis_test.ts`.
 * @module
 */
import assert from "node:assert/strict";
import { command } from "../../commands/store/failback.ts";
import { viewOf } from "../../src/cli/output.ts";
import { StoreUnavailableError } from "../../src/errors.ts";
import { failBack } from "../../src/failback.ts";
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
  const moved = await failBack(siteThatAnswers({ kind: "done", conflicts }));
  assert.deepEqual(moved, { moved: true, conflicts });
  assert.equal(
    await command.text(moved, view),
    "Moved; the server decides again.\n  task tsk_1: completed elsewhere: kept as late\n",
  );
  const idle = await failBack(siteThatAnswers({ kind: "not_needed" }));
  assert.deepEqual(idle, { moved: false, conflicts: [] });
  assert.equal(await command.text(idle, view), "Nothing to move: the server decides already.\n");
  const error = new Error("connection refused");
  await assert.rejects(
    failBack(siteThatAnswers({ kind: "unreachable", error })),
    (error: unknown) =>
      error instanceof StoreUnavailableError && error.retryable &&
      /the server at redis:\/\/db cannot be used: connection refused$/.test(error.message),
  );
});

/**
 * A promise of docs/FAILOVER.md: the sentence is the name of the test that proves it, on a real server and real sites.
 * tests/checks/promises_test.ts finds a sentence without a test and a test without a sentence.
 * @module
 */
import assert from "node:assert/strict";
import { Approvals } from "../../src/approval/approval.ts";
import { Audit } from "../../src/audit/audit.ts";
import { Board } from "../../src/board/board.ts";
import { systemClock } from "../../src/clock.ts";
import { StoreUnavailableError } from "../../src/errors.ts";
import { Events } from "../../src/event/event.ts";
import { Locks } from "../../src/lock/lock.ts";
import type { FailoverStore } from "../../src/open/failover/store.ts";
import type { FailbackResult, Store } from "../../src/store.ts";
import { Tasks } from "../../src/task/task.ts";
import { hasRedis } from "../../dev/redis_server.ts";
import { contextOn } from "../../dev/room_context.ts";
import { type Sites, until, withSites } from "../../dev/site.ts";

/** Registers the test of one sentence, which is given as in the document, without marks of code and the full stop. */
export function promise(
  sentence: string,
  body: (sites: Sites) => Promise<void>,
  options: { readonly isPersistent?: boolean } = {},
): void {
  Deno.test({ name: sentence, ignore: !hasRedis(), fn: () => withSites(body, options) });
}

/** All that one agent can do on a store. */
export function agentOn(store: Store, name: string) {
  const context = contextOn(store, systemClock, name);
  return {
    locks: new Locks(context),
    tasks: new Tasks(context),
    board: new Board(context),
    approvals: new Approvals(context),
    audit: new Audit(context),
    events: new Events(context),
  };
}

/** Moves everything back as soon as the server can be reached; it decides after that. */
export async function failedBack(store: FailoverStore): Promise<FailbackResult> {
  let result: FailbackResult = { kind: "unreachable" };
  await until("everything is moved to the server", async () => {
    result = await store.failback();
    return result.kind !== "unreachable";
  });
  assert.equal((await store.authority()).store, "redis");
  return result;
}

/** Lets the directory take over: a look finds out that the server is away, and changes nothing there. */
export async function takeOver(store: FailoverStore): Promise<void> {
  await agentOn(store, "ada").locks.list();
  await assertTakenOver(store);
}

/** Fails unless the directory decides. */
export async function assertTakenOver(store: FailoverStore): Promise<void> {
  assert.equal((await store.authority()).store, "directory");
}

/** Fails unless `work` is refused since the server is away, by a sentence that matches `pattern`. */
export async function assertUnavailable(work: Promise<unknown>, pattern: RegExp): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof StoreUnavailableError, String(error));
    assert.match(error.message, pattern);
    return true;
  });
}

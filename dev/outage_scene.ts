/**
 * An outage with records of every kind, for tests that interrupt a change of authority: what is on Redis when it goes
 * away, what is done in the directory meanwhile, and what somebody at another site does on Redis before it is back here.
 * Only the scene moves its clock, so that every process that makes the change ends in the same state.
 * @module
 */
import { Agents } from "../src/agent/agent.ts";
import { Approvals } from "../src/approval/approval.ts";
import { Audit } from "../src/audit/audit.ts";
import { Board } from "../src/board/board.ts";
import type { Clock } from "../src/clock.ts";
import { Locks } from "../src/lock/lock.ts";
import { FailoverStore } from "../src/open/failover/store.ts";
import type { Store } from "../src/store.ts";
import { Tasks } from "../src/task/task.ts";
import { contextOn } from "./room_context.ts";

/** The changes of authority that can be interrupted. */
export type AuthorityChangeName = "failover" | "failback" | "restore";

/** A clock that stands still. */
export function frozenClock(nowMs: number): Clock {
  return { nowMs: () => nowMs, monotonicMs: () => performance.now(), uptimeMs: () => 1_000_000 };
}

/** Where a store is. */
export interface ScenePlace {
  readonly url: string;
  readonly namespace: string;
  readonly directory: string;
  readonly clock: Clock;
}

/** Opens the store there. */
export function openScene(place: ScenePlace): Promise<FailoverStore> {
  return FailoverStore.open({
    ...place,
    mode: "directory",
    durability: "normal",
    redisNowMs: place.clock.nowMs,
  });
}

/** Makes a change, all of it, as a process of its own or after one that died on the way. */
export async function changeAuthority(
  change: AuthorityChangeName,
  place: ScenePlace,
): Promise<void> {
  const store = await openScene(place);
  if (change === "failback") {
    const { kind } = await store.failback();
    if (kind === "unreachable") throw new Error("Redis cannot be reached");
  }
  await touch(store);
  await store.close();
}

/** An operation that changes nothing; it finds that Redis is away, or has lost its memory. */
async function touch(store: Store): Promise<void> {
  await (await store.locks()).abandon("nobody");
}

/** What somebody does a minute later, who finds what was left by one that died at the very end. */
export async function actLater(place: ScenePlace): Promise<void> {
  const store = await openScene({ ...place, clock: frozenClock(place.clock.nowMs() + MINUTE_MS) });
  await touch(store);
  await store.close();
}

/** Everything that one agent does. */
function rooms(store: Store, clock: Clock, agent: string) {
  const context = contextOn(store, clock, agent);
  return {
    agents: new Agents(context),
    approvals: new Approvals(context),
    audit: new Audit(context),
    board: new Board(context),
    locks: new Locks(context),
    tasks: new Tasks(context),
  };
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DEFAULTS = { decisionType: "choice", context: "somewhere", reason: "because" };

/** What was made on Redis before it went away, as far as it is gone on with. */
export interface Before {
  readonly done: string;
  readonly failed: string;
  readonly kept: string;
  readonly taken: string;
  readonly thread: string;
}

/** What is there before the outage. */
export async function actBefore(store: Store, clock: Clock): Promise<Before> {
  const ada = rooms(store, clock, "ada");
  const bob = rooms(store, clock, "bob");
  await ada.agents.register({ role: "builder", tags: ["deno"] });
  await ada.locks.acquire(["held", "freed"], { ttlMs: HOUR_MS, intent: "fix" });
  await bob.locks.acquire("shared", { mode: "shared", ttlMs: HOUR_MS });
  const tasks = await ada.tasks.create(
    ["done", "failed", "kept", "taken", "left"].map((title) => ({ title, leaseMs: HOUR_MS })),
  );
  await bob.tasks.claim({ count: 3 });
  await ada.tasks.claim({ count: 1, leaseMs: 10_000 });
  const thread = await ada.board.post({ title: "older", message: "hello @bob", to: ["bob"] });
  await ada.approvals.request({ actionType: "deploy", description: "before" });
  await ada.audit.log(DEFAULTS);
  const [done, failed, kept, taken] = tasks.map(({ id }) => id) as [string, string, string, string];
  return { done, failed, kept, taken, thread: thread.id };
}

/** What is done in the directory meanwhile. */
export async function actDuring(store: Store, clock: Clock, before: Before): Promise<void> {
  const ada = rooms(store, clock, "ada");
  const bob = rooms(store, clock, "bob");
  const eve = rooms(store, clock, "eve");
  await eve.agents.register({ workingOn: "tests" });
  await bob.agents.heartbeat({ status: "blocked" });
  await ada.locks.release("freed");
  await ada.locks.renew("held", { ttlMs: 2 * HOUR_MS });
  await eve.locks.acquire(["new", "dir/**"], { ttlMs: HOUR_MS });
  const locks = await store.locks();
  await locks.acquire({ name: "eve", host: "test-host" }, {
    paths: ["held"],
    mode: "exclusive",
    ttlMs: HOUR_MS,
    intent: "next",
    reentrant: false,
    waiter: "wtr_01JABCDEFGHJKMNPQRSTVWXYZ0",
  });
  await bob.tasks.complete(before.done, { result: { passed: 3 } });
  await bob.tasks.fail(before.failed, { error: "no disk" });
  await bob.tasks.renew(before.kept, { progress: "half" });
  await ada.tasks.complete(before.taken, { result: "mine" });
  const made = await eve.tasks.create([
    { title: "first", key: "k1", payload: { a: 1 }, leaseMs: HOUR_MS, priority: 9 },
    { title: "second", dependsOn: [0] },
    { title: "third", notBeforeMs: clock.nowMs() + HOUR_MS },
    { title: "dropped" },
    ...Array.from({ length: 4 }, (_, index) => ({ title: `task ${index}` })),
  ]);
  await eve.tasks.claim({ count: 2 });
  await eve.tasks.complete(made[0]!.id, { result: 1 });
  await eve.tasks.cancel(made[3]!.id);
  const thread = await eve.board.post({ title: "newer", message: "@ada look", to: ["ada"] });
  await ada.board.reply(thread.id, { message: "seen" });
  await ada.board.inbox({ ack: true });
  await eve.board.resolve(thread.id, { message: "fine" });
  const asked = await eve.approvals.request({ actionType: "merge", description: "meanwhile" });
  await bob.approvals.approve(asked.id, { comment: "yes" });
  await eve.approvals.request({ actionType: "merge", description: "open" });
  await eve.audit.log({ ...DEFAULTS, key: "once" });
  await ada.audit.log({ ...DEFAULTS, reason: "again" });
}

/** What somebody at another site does on Redis meanwhile: goes on with what has lapsed, and takes a path. */
export async function actElsewhere(store: Store, clock: Clock, before: Before): Promise<void> {
  const zoe = rooms(store, clock, "zoe");
  await zoe.locks.acquire("new", { ttlMs: HOUR_MS });
  const [taken] = await zoe.tasks.claim({ count: 1 });
  if (taken?.id !== before.taken) throw new Error("The task has not lapsed");
  await zoe.tasks.complete(taken.id, { result: "theirs" });
}

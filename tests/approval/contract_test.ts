import assert from "node:assert/strict";
import type { Approval } from "../../src/approval/model.ts";
import { Approvals } from "../../src/approval/approval.ts";
import {
  ConflictError,
  CoordError,
  DeniedError,
  InvalidArgumentError,
  NotFoundError,
  TimeoutError,
} from "../../src/errors.ts";
import { Events } from "../../src/event/event.ts";
import { ends } from "../../dev/sleepers.ts";
import { type Bench, storeTest } from "../../dev/stores.ts";

const deploy = { actionType: "deploy", description: "deploy v2 to production" };
const UNKNOWN = ["apr_00000000000000000000000000", "nonsense", ""];

function rooms({ as }: Bench) {
  return {
    ada: new Approvals(as("ada")),
    bob: new Approvals(as("bob")),
    cy: new Approvals(as("cy")),
    watcher: new Approvals(as()),
  };
}

const idsOf = (approvals: readonly Approval[]) => approvals.map(({ id }) => id);

async function eventTypes({ as }: Bench) {
  const { events } = await new Events(as()).list();
  return events.filter(({ type }) => type.startsWith("approval.")).map(({ type }) => type);
}

storeTest("approval request is pending until somebody decides", async (bench) => {
  const { ada, bob, watcher } = rooms(bench);
  const { clock } = bench;
  const request = await ada.request(deploy);
  assert.match(request.id, /^apr_[0-9A-Z]{26}$/);
  assert.deepEqual(request, {
    id: request.id,
    ...deploy,
    requestedBy: "ada",
    status: "pending",
    createdAtMs: clock.nowMs(),
    expiresAtMs: clock.nowMs() + 300_000,
  });
  clock.advance(1000);
  const approved = await bob.approve(request.id, { comment: "go on" });
  assert.deepEqual(approved, {
    ...request,
    status: "approved",
    decidedBy: "bob",
    decidedAtMs: clock.nowMs(),
    comment: "go on",
  });
  clock.advance(1_000_000);
  assert.deepEqual(await watcher.show(request.id), approved);
  assert.deepEqual((await watcher.list()).approvals, [approved]);
});

storeTest("approval decision is final and the second one learns of the first", async (bench) => {
  const { ada, bob, cy } = rooms(bench);
  const { id } = await ada.request(deploy);
  await bob.reject(id, { comment: "not on a\nFriday" });
  bench.clock.advance(12_000);
  const late = [cy.approve(id), cy.reject(id), bob.approve(id), bob.reject(id)];
  await Promise.all(late.map((call) =>
    assert.rejects(call, (error: CoordError) => {
      assert.ok(error instanceof ConflictError);
      assert.equal(error.retryable, false);
      assert.match(error.message, /"bob" rejected it 12s ago \(not on a\\nFriday\)/);
      assert.equal(error.details.decidedBy, "bob");
      return true;
    })
  ));
  assert.equal((await ada.show(id)).status, "rejected");
});

storeTest("approval past its timeout reads expired and cannot be decided", async (bench) => {
  const { ada, bob, watcher } = rooms(bench);
  const { id, expiresAtMs } = await ada.request({ ...deploy, timeoutMs: 1000 });
  bench.clock.advance(999);
  assert.equal((await watcher.show(id)).status, "pending");
  bench.clock.advance(1);
  assert.equal((await watcher.show(id)).status, "expired");
  assert.deepEqual(idsOf((await watcher.list({ status: "expired" })).approvals), [id]);
  assert.deepEqual((await watcher.list({ status: "pending" })).approvals, []);
  await assert.rejects(bob.approve(id), (error: CoordError) => {
    assert.ok(error instanceof ConflictError);
    assert.ok(error.message.includes(`it expired at ${new Date(expiresAtMs).toISOString()}`));
    return true;
  });
  const after = await watcher.show(id);
  assert.equal(after.status, "expired");
  assert.equal(after.decidedBy, undefined);
});

storeTest("approval is never decided by its requester", async (bench) => {
  const { ada, bob } = rooms(bench);
  const { id } = await ada.request(deploy);
  await assert.rejects(ada.approve(id), DeniedError);
  await assert.rejects(ada.reject(id), /"ada" asked for it; somebody else has to decide/);
  assert.equal((await ada.show(id)).status, "pending");
  await bob.approve(id);
});

storeTest("approval with approvers is decided by them only", async (bench) => {
  const { ada, bob, cy } = rooms(bench);
  const { id, approvers } = await ada.request({ ...deploy, approvers: ["cy", "ada", "cy"] });
  assert.deepEqual(approvers, ["cy", "ada"]);
  await assert.rejects(bob.approve(id), /"bob" is not one of its approvers \(cy, ada\)/);
  await assert.rejects(ada.approve(id), DeniedError);
  assert.equal((await cy.approve(id)).decidedBy, "cy");
});

storeTest("approval request under a key used before asks once", async (bench) => {
  const { ada, bob } = rooms(bench);
  const first = await ada.request({ ...deploy, key: "deploy-2" });
  assert.deepEqual(await ada.request({ ...deploy, description: "other", key: "deploy-2" }), first);
  const approved = await bob.approve(first.id);
  assert.deepEqual(await ada.request({ ...deploy, key: "deploy-2" }), approved);
  assert.equal((await ada.list()).approvals.length, 1);
  assert.deepEqual(await eventTypes(bench), ["approval.requested", "approval.approved"]);
});

storeTest("approval request operation repeated with its identifier asks once", async (bench) => {
  const actor = bench.as("ada").actor!;
  const store = await bench.store.approvals();
  const draft = { id: "apr_00000000000000000000000001", ...deploy, timeoutMs: 1000 };
  const first = await store.request(actor, draft);
  assert.deepEqual(await store.request(actor, draft), first);
  assert.equal((await store.counts()).pending, 1);
});

storeTest("approval calls on what does not exist are not found", async (bench) => {
  const { ada } = rooms(bench);
  for (const id of UNKNOWN) {
    const calls = [ada.approve(id), ada.reject(id), ada.wait(id), ada.use(id), ada.show(id)];
    await Promise.all(calls.map((call) => assert.rejects(call, NotFoundError)));
    assert.equal(await ada.get(id), undefined);
  }
});

storeTest("approval request refuses bad input and writes nothing", async (bench) => {
  const { ada, watcher } = rooms(bench);
  const bad = [
    { ...deploy, actionType: "two words" },
    { ...deploy, description: "" },
    { ...deploy, description: "x".repeat(64 * 1024 + 1) },
    { ...deploy, description: "\u001b[2J" },
    { ...deploy, timeoutMs: 0 },
    { ...deploy, timeoutMs: 1.5 },
    { ...deploy, approvers: [] },
    { ...deploy, approvers: ["ada"] },
    { ...deploy, approvers: ["b ob"] },
    { ...deploy, approvers: Array.from({ length: 33 }, (_, i) => `a${i}`) },
    { ...deploy, digest: "" },
    { ...deploy, key: "" },
  ];
  for (const options of bad) {
    await assert.rejects(ada.request(options), InvalidArgumentError, JSON.stringify(options));
  }
  await assert.rejects(watcher.request(deploy), /No acting agent/);
  await assert.rejects(watcher.approve("apr_1"), /No acting agent/);
  assert.deepEqual((await ada.list()).approvals, []);
  assert.deepEqual(await eventTypes(bench), []);
});

storeTest("approval wait is woken by the decision", async (bench) => {
  const { ada, bob, watcher } = rooms(bench);
  const { id } = await ada.request(deploy);
  const waits = [ada.wait(id), watcher.wait(id)];
  await bench.asleep(2);
  const decided = await bob.approve(id);
  assert.deepEqual(await ends("waiting", Promise.all(waits)), [decided, decided]);
  assert.deepEqual(await ada.wait(id), decided);
});

storeTest("approval wait returns rejected and expired ones too", async (bench) => {
  const { ada, bob } = rooms(bench);
  const first = await ada.request(deploy);
  await bob.reject(first.id);
  assert.equal((await ada.wait(first.id)).status, "rejected");
  const second = await ada.request({ ...deploy, timeoutMs: 1000 });
  bench.clock.advance(1000);
  assert.equal((await ada.wait(second.id)).status, "expired");
  assert.equal((await eventTypes(bench)).at(-1), "approval.expired");
});

storeTest("approval wait comes back at the expiry without being woken", async (bench) => {
  const { ada } = rooms(bench);
  const { id } = await ada.request({ ...deploy, timeoutMs: 300 });
  const wait = ada.wait(id);
  await bench.asleep();
  bench.clock.advance(300);
  assert.equal((await ends("waiting", wait)).status, "expired");
});

storeTest("approval wait gives up after its own timeout or on its signal", async (bench) => {
  const { ada } = rooms(bench);
  const { id } = await ada.request(deploy);
  await assert.rejects(ada.wait(id, { timeoutMs: 0 }), (error: CoordError) => {
    assert.ok(error instanceof TimeoutError);
    assert.match(error.message, /still pending, for 5m more/);
    return true;
  });
  const stop = new AbortController();
  const wait = ada.wait(id, { signal: stop.signal });
  await bench.asleep();
  stop.abort();
  await assert.rejects(wait, TimeoutError);
  await assert.rejects(ada.wait(id, { timeoutMs: -1 }), InvalidArgumentError);
});

storeTest("approval is used once, for its digest, by its requester", async (bench) => {
  const { ada, bob } = rooms(bench);
  const { clock } = bench;
  const { id } = await ada.request({ ...deploy, digest: "abc" });
  await assert.rejects(ada.use(id, { digest: "abc" }), /nobody has decided it yet/);
  await bob.approve(id);
  clock.advance(400_000);
  await assert.rejects(ada.use(id, { digest: "abd" }), /given for something else \(digest "abc"\)/);
  await assert.rejects(ada.use(id), DeniedError);
  await assert.rejects(bob.use(id, { digest: "abc" }), /given to "ada", not to "bob"/);
  const used = await ada.use(id, { digest: "abc" });
  assert.equal(used.usedAtMs, clock.nowMs());
  assert.deepEqual(await ada.show(id), used);
  clock.advance(5000);
  await assert.rejects(ada.use(id, { digest: "abc" }), (error: CoordError) => {
    assert.ok(error instanceof ConflictError);
    assert.match(error.message, /it was used 5s ago/);
    return true;
  });
});

storeTest("approval that is rejected or expired is not used", async (bench) => {
  const { ada, bob } = rooms(bench);
  const rejected = await ada.request(deploy);
  await bob.reject(rejected.id);
  await assert.rejects(ada.use(rejected.id), DeniedError);
  const expired = await ada.request({ ...deploy, timeoutMs: 1000 });
  bench.clock.advance(1000);
  await assert.rejects(ada.use(expired.id), /it expired at/);
  const plain = await ada.request(deploy);
  await bob.approve(plain.id);
  await assert.rejects(ada.use(plain.id, { digest: "abc" }), /\(no digest\)/);
  await ada.use(plain.id);
});

storeTest("approval used by many at once is used by one", async (bench) => {
  const { ada, bob } = rooms(bench);
  const { id } = await ada.request(deploy);
  const decisions = await Promise.allSettled(
    Array.from({ length: 10 }, (_, i) => i % 2 ? bob.approve(id) : bob.reject(id)),
  );
  assert.equal(decisions.filter(({ status }) => status === "fulfilled").length, 1);
  const again = await ada.request(deploy);
  await bob.approve(again.id);
  const uses = await Promise.allSettled(Array.from({ length: 10 }, () => ada.use(again.id)));
  assert.equal(uses.filter(({ status }) => status === "fulfilled").length, 1);
});

storeTest("approval list filters and pages, newest first", async (bench) => {
  const { ada, bob, watcher } = rooms(bench);
  const ids: string[] = [];
  for (let i = 0; i < 6; i++) {
    const { id } = await (i % 2 ? bob : ada).request({ ...deploy, timeoutMs: 1000 + i });
    ids.unshift(id);
  }
  const first = await watcher.list({ limit: 4 });
  assert.deepEqual(idsOf(first.approvals), ids.slice(0, 4));
  const rest = await watcher.list({ limit: 4, cursor: first.nextCursor! });
  assert.deepEqual(idsOf(rest.approvals), ids.slice(4));
  assert.equal(rest.nextCursor, undefined);
  assert.deepEqual(
    idsOf((await watcher.list({ requestedBy: "ada" })).approvals),
    [ids[1], ids[3], ids[5]],
  );
  await bob.approve(ids[1]!);
  bench.clock.advance(1002);
  const expired = await watcher.list({ status: "expired", limit: 2 });
  assert.deepEqual(idsOf(expired.approvals), [ids[3], ids[4]]);
  const next = await watcher.list({ status: "expired", cursor: expired.nextCursor! });
  assert.deepEqual(idsOf(next.approvals), [ids[5]]);
  const both = await watcher.list({ status: "pending", requestedBy: "bob" });
  assert.deepEqual(idsOf(both.approvals), [ids[0], ids[2]]);
  await assert.rejects(watcher.list({ cursor: "apr_nothing" }), InvalidArgumentError);
  await assert.rejects(watcher.list({ status: "open" as "pending" }), InvalidArgumentError);
});

storeTest("approval counts are exact before and after lapsed ones are swept", async (bench) => {
  const { ada, bob, watcher } = rooms(bench);
  for (let i = 0; i < 40; i++) await ada.request({ ...deploy, timeoutMs: 1000 });
  const [kept, given, refused] = [
    await ada.request(deploy),
    await ada.request(deploy),
    await ada.request(deploy),
  ];
  await bob.approve(given.id);
  await bob.reject(refused.id);
  bench.clock.advance(1000);
  const wanted = { pending: 1, approved: 1, rejected: 1, expired: 40 };
  assert.deepEqual(await watcher.counts(), wanted);
  await assert.rejects(ada.approve(kept.id), DeniedError);
  for (let i = 0; i < 2; i++) {
    await bob.approve(kept.id).catch(() => undefined);
    const { pending, approved, expired } = await watcher.counts();
    assert.deepEqual([pending, approved, expired], [0, 2, 40]);
  }
  const types = await eventTypes(bench);
  assert.equal(types.filter((type) => type === "approval.expired").length, 40);
});

import assert from "node:assert/strict";
import { Audit, type Entry } from "../../src/audit/audit.ts";
import { draftEntry } from "../../src/audit/entry.ts";
import { InvalidArgumentError } from "../../src/errors.ts";
import { Locks } from "../../src/lock/lock.ts";
import { ends } from "../../dev/sleepers.ts";
import { storeTest } from "../../dev/stores.ts";

const decision = { decisionType: "deployment", context: "all tests pass", reason: "release day" };

const idsOf = (entries: readonly Entry[]) => entries.map(({ id }) => id);

storeTest("audit log gives a sealed entry that list shows", async ({ as, clock }) => {
  const ada = new Audit(as("ada"));
  const entry = await ada.log({ ...decision, refs: ["tsk_1", "src/a.ts"] });
  assert.match(entry.id, /^aud_[0-9A-Z]{26}$/);
  assert.match(entry.contentHash, /^[0-9a-f]{64}$/);
  assert.match(entry.link, /^[0-9a-f]{40}$/);
  assert.deepEqual({ ...entry, id: 0, contentHash: 0, link: 0 }, {
    ...decision,
    id: 0,
    agent: "ada",
    refs: ["tsk_1", "src/a.ts"],
    createdAtMs: clock.nowMs(),
    contentHash: 0,
    link: 0,
  });
  assert.deepEqual(await new Audit(as()).list(), { entries: [entry] });
});

storeTest("audit log keeps several lines as they were written", async ({ as }) => {
  const ada = new Audit(as("ada"));
  const context = "line one\n\tline two — ü 日本\n";
  await ada.log({ ...decision, context });
  assert.equal((await ada.list()).entries[0]?.context, context);
  assert.equal((await ada.verify()).ok, true);
});

storeTest("audit log under a key used before answers with the first entry", async ({ as }) => {
  const ada = new Audit(as("ada"));
  const first = await ada.log({ ...decision, key: "build-7" });
  const again = await new Audit(as("bob")).log({ ...decision, reason: "other", key: "build-7" });
  assert.deepEqual(again, first);
  assert.deepEqual(await ada.verify(), { ok: true, entries: 1, head: first.link });
});

storeTest(
  "audit operation repeated with the same identifier appends once",
  async ({ as, store }) => {
    const actor = as("ada").actor!;
    const room = await store.audit();
    const draft = await draftEntry({ ...decision, agent: "ada", refs: [] });
    const first = await room.append(actor, draft, undefined);
    assert.deepEqual(await room.append(actor, draft, undefined), first);
    assert.equal((await new Audit(as()).verify()).entries, 1);
  },
);

storeTest("audit log refuses bad input and writes nothing", async ({ as }) => {
  const ada = new Audit(as("ada"));
  const bad = [
    { ...decision, decisionType: "two words" },
    { ...decision, decisionType: "" },
    { ...decision, context: "" },
    { ...decision, reason: "" },
    { ...decision, reason: "bell \u0007" },
    { ...decision, context: "x".repeat(64 * 1024 + 1) },
    { ...decision, refs: ["two\nlines"] },
    { ...decision, refs: Array(101).fill("a") },
    { ...decision, refs: "a" as unknown as string[] },
    { ...decision, key: "" },
  ];
  for (const options of bad) {
    await assert.rejects(ada.log(options), InvalidArgumentError, JSON.stringify(options));
  }
  await assert.rejects(new Audit(as()).log(decision), /No acting agent/);
  assert.deepEqual(await ada.verify(), { ok: true, entries: 0, head: "" });
});

storeTest("audit list pages back from the newest, newest last", async ({ as, clock }) => {
  const ada = new Audit(as("ada"));
  const all: Entry[] = [];
  for (let i = 0; i < 5; i++) {
    all.push(await ada.log({ ...decision, reason: `reason ${i}` }));
    clock.advance(1000);
  }
  const first = await ada.list({ limit: 2 });
  assert.deepEqual(first.entries, all.slice(3));
  const second = await ada.list({ limit: 2, cursor: first.nextCursor! });
  assert.deepEqual(second.entries, all.slice(1, 3));
  const third = await ada.list({ limit: 2, cursor: second.nextCursor! });
  assert.deepEqual(third, { entries: all.slice(0, 1) });
  assert.deepEqual((await ada.list({ sinceMs: all[3]!.createdAtMs })).entries, all.slice(3));
  assert.deepEqual((await ada.list({ sinceMs: clock.nowMs() })).entries, []);
  await assert.rejects(ada.list({ cursor: "aud_nothing" }), InvalidArgumentError);
  await assert.rejects(ada.list({ limit: 0 }), InvalidArgumentError);
});

storeTest("audit list filters by agent and by type", async ({ as }) => {
  const [ada, bob] = [new Audit(as("ada")), new Audit(as("bob"))];
  const one = await ada.log(decision);
  const two = await bob.log(decision);
  const three = await bob.log({ ...decision, decisionType: "rollback" });
  assert.deepEqual(idsOf((await ada.list({ agent: "bob" })).entries), idsOf([two, three]));
  assert.deepEqual(idsOf((await ada.list({ type: "deployment" })).entries), idsOf([one, two]));
  const both = await ada.list({ type: "rollback", agent: "bob" });
  assert.deepEqual(idsOf(both.entries), [three.id]);
  assert.deepEqual((await ada.list({ type: "rollback", agent: "ada" })).entries, []);
});

storeTest("audit tail yields what is logged from then on, woken by it", async ({ as, asleep }) => {
  const ada = new Audit(as("ada"));
  await ada.log({ ...decision, reason: "before" });
  const stop = new AbortController();
  const seen: string[] = [];
  const tail = new Audit(as()).tail({ signal: stop.signal });
  const next = tail.next();
  await asleep();
  await ada.log({ ...decision, reason: "one" });
  seen.push((await ends("the first look", next)).value!.reason);
  await ada.log({ ...decision, reason: "two" });
  await ada.log({ ...decision, reason: "three" });
  seen.push((await tail.next()).value!.reason, (await tail.next()).value!.reason);
  assert.deepEqual(seen, ["one", "two", "three"]);
  const last = tail.next();
  stop.abort();
  assert.deepEqual(await last, { done: true, value: undefined });
});

storeTest("audit tail starts after a given entry and keeps to its filter", async ({ as }) => {
  const [ada, bob] = [new Audit(as("ada")), new Audit(as("bob"))];
  const first = await ada.log(decision);
  await bob.log(decision);
  const wanted = await ada.log(decision);
  const tail = bob.tail({ after: first.id, agent: "ada" });
  assert.deepEqual((await tail.next()).value, wanted);
  await tail.return();
  await assert.rejects(bob.tail({ after: "aud_nothing" }).next(), InvalidArgumentError);
});

storeTest("audit verify walks more entries than one page holds", async ({ as }) => {
  const audit = new Audit(as("ada"));
  const entries = await Promise.all(
    Array.from({ length: 1001 }, (_, i) => audit.log({ ...decision, reason: `reason ${i}` })),
  );
  const found = await audit.verify();
  assert.deepEqual([found.ok || found.broken, found.entries], [true, 1001]);
  assert.ok(found.ok && entries.some(({ link }) => link === found.head));
});

storeTest("audit chain holds across entries of other rooms", async ({ as }) => {
  const ada = new Locks(as("ada"));
  await ada.acquire("a.py");
  await new Locks(as("bob")).break("a.py", { reason: "on holiday" });
  const audit = new Audit(as("ada"));
  await audit.log(decision);
  const { entries } = await audit.list();
  assert.deepEqual(entries.map(({ decisionType }) => decisionType), ["lock.break", "deployment"]);
  assert.equal((await audit.verify()).ok, true);
});

storeTest(
  "audit pages by agent and type reach back as pages of all do",
  async ({ as, store, clock }) => {
    const all: Entry[] = [];
    for (const [index, name] of ["ada", "bob", "ada", "ada", "bob", "ada", "a"].entries()) {
      const decisionType = index % 2 === 0 ? "deployment" : "rollback";
      all.push(await new Audit(as(name)).log({ ...decision, decisionType }));
      clock.advance(1000);
    }
    const room = await store.audit();
    const filters = [
      {},
      { agent: "ada" },
      { decisionType: "deployment" },
      { agent: "ada", decisionType: "deployment" },
      { agent: "bob", decisionType: "rollback" },
      { agent: "a" },
    ];
    for (const filter of filters) {
      for (const sinceMs of [undefined, all[1]!.createdAtMs, all[1]!.createdAtMs + 1]) {
        for (const before of [undefined, ...all]) {
          const matching = all.filter((entry) =>
            (filter.agent ?? entry.agent) === entry.agent &&
            (filter.decisionType ?? entry.decisionType) === entry.decisionType &&
            entry.createdAtMs >= (sinceMs ?? 0) && entry.id < (before?.id ?? "b")
          );
          for (const limit of [1, 2, 9]) {
            const query = {
              ...filter,
              limit,
              ...(sinceMs === undefined ? {} : { sinceMs }),
              ...(before === undefined ? {} : { before: before.id }),
            };
            const page = { entries: matching.slice(-limit), more: matching.length > limit };
            assert.deepEqual(await room.list(query), page, JSON.stringify(query));
          }
        }
      }
    }
  },
);

storeTest(
  "audit follow stands behind everything that it looked at",
  async ({ as, store, clock }) => {
    const room = await store.audit();
    assert.deepEqual(await room.follow({ limit: 5 }), { entries: [] });
    const logged = [];
    for (const name of ["ada", "bob", "ada", "bob"]) {
      logged.push(await new Audit(as(name)).log(decision));
    }
    const [one, two, three, four] = logged as [Entry, Entry, Entry, Entry];
    assert.deepEqual(await room.follow({ limit: 2 }), { entries: [one, two], after: two.id });
    assert.deepEqual(await room.follow({ agent: "ada", limit: 1 }), {
      entries: [one],
      after: one.id,
    });
    const rest = { entries: [three], after: four.id };
    assert.deepEqual(await room.follow({ agent: "ada", after: one.id, limit: 2 }), rest);
    const both = { agent: "ada", decisionType: decision.decisionType };
    assert.deepEqual(await room.follow({ ...both, after: two.id, limit: 2 }), rest);
    const nothing = { entries: [], after: four.id };
    assert.deepEqual(await room.follow({ decisionType: "party", limit: 2 }), nothing);
    assert.deepEqual(await room.follow({ after: four.id, limit: 2 }), nothing);
    assert.equal(await room.follow({ after: "aud_nothing", limit: 2 }), undefined);
    const nowMs = clock.nowMs();
    const { epoch: _, ...inner } = await room.chain(1, 2);
    assert.deepEqual(inner, {
      places: [{ seq: 2, entry: two }, { seq: 3, entry: three }],
      more: true,
      total: 4,
      nowMs,
    });
    const { epoch: __, ...none } = await room.chain(4, 2);
    assert.deepEqual(none, { places: [], more: false, total: 4, nowMs });
  },
);

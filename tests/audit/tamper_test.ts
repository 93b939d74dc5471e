/**
 * The audit log against somebody with an SQLite shell.
 * @module
 */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { Audit, type Entry } from "../../src/audit/audit.ts";
import { contentHash, nextLink } from "../../src/audit/entry.ts";
import { propertyRuns } from "../support/property.ts";
import { type Bench, storeTest } from "../../dev/stores.ts";

/** A log of `count` entries, and the file under it opened from outside. */
async function tamperable({ as, clock, store }: Bench, count: number) {
  const audit = new Audit(as("ada"));
  const entries: Entry[] = [];
  for (let i = 0; i < count; i++) {
    clock.advance(10);
    const text = { context: `context ${i}`, reason: `reason ${i}`, refs: [`ref ${i}`] };
    entries.push(await audit.log({ decisionType: i % 2 ? "deployment" : "rollback", ...text }));
  }
  const db = new DatabaseSync(`${store.location}/namespaces/default/store.db`);
  return { audit, entries, db };
}

type Tampering = (db: DatabaseSync, entries: readonly Entry[]) => void | Promise<void>;

function tamperTest(
  what: string,
  tamper: Tampering,
  expected: { readonly seq: number; readonly id: boolean; readonly why: RegExp },
): void {
  storeTest(`audit verify names the place when ${what}`, async (bench) => {
    if (bench.store.kind !== "directory") return;
    const { audit, entries, db } = await tamperable(bench, 6);
    try {
      await tamper(db, entries);
    } finally {
      db.close();
    }
    const found = await audit.verify();
    assert.ok(!found.ok);
    assert.equal(found.broken.seq, expected.seq);
    assert.equal(found.entries, Math.max(expected.seq - 1, 0));
    assert.match(found.broken.why, expected.why);
    if (expected.id) assert.ok(found.broken.id?.startsWith("aud_"));
    else assert.equal(found.broken.id, null);
  });
}

const changes: readonly (readonly [string, string])[] = [
  ["agent", "UPDATE audit SET agent = 'eve' WHERE seq = 3"],
  ["type", "UPDATE audit SET decision_type = 'party' WHERE seq = 3"],
  ["context", "UPDATE audit SET context = context || '.' WHERE seq = 3"],
  ["reason", "UPDATE audit SET reason = 'because' WHERE seq = 3"],
  ["list of references", `UPDATE audit SET refs = '["other"]' WHERE seq = 3`],
  ["list of references, to no JSON at all,", "UPDATE audit SET refs = '[' WHERE seq = 3"],
  ["identifier", "UPDATE audit SET id = 'aud_00000000000000000000000000' WHERE seq = 3"],
  ["content hash", "UPDATE audit SET content_hash = hex(randomblob(32)) WHERE seq = 3"],
];
for (const [what, sql] of changes) {
  tamperTest(`an entry's ${what} is changed`, (db) => db.exec(sql), {
    seq: 3,
    id: true,
    why: /content/,
  });
}
tamperTest(
  "an entry's link is changed",
  (db) => db.exec("UPDATE audit SET link = '' WHERE seq = 3"),
  {
    seq: 3,
    id: true,
    why: /link does not follow/,
  },
);
tamperTest(
  "an entry is dated back",
  (db) => db.exec("UPDATE audit SET created_at_ms = created_at_ms - 1000000 WHERE seq = 3"),
  { seq: 3, id: true, why: /instant lies before/ },
);

tamperTest(
  "an entry's content and content hash are changed together",
  async (db, entries) => {
    const hash = await contentHash({ ...entries[2]!, reason: "because" });
    db.prepare("UPDATE audit SET reason = 'because', content_hash = ? WHERE seq = 3").run(hash);
  },
  { seq: 3, id: true, why: /link does not follow/ },
);
tamperTest(
  "an entry is replaced together with its link",
  async (db, entries) => {
    const hash = await contentHash({ ...entries[2]!, reason: "because" });
    const link = nextLink(entries[1]!.link, hash);
    db.prepare("UPDATE audit SET reason = 'because', content_hash = ?, link = ? WHERE seq = 3")
      .run(hash, link);
  },
  { seq: 4, id: true, why: /changed, moved or replaced/ },
);
tamperTest(
  "an entry is dated within its neighbours",
  (db) => db.exec("UPDATE audit SET created_at_ms = created_at_ms - 1 WHERE seq = 3"),
  { seq: 3, id: true, why: /not that of the event/ },
);
tamperTest(
  "the last entry is dated ten years ahead",
  (db) => db.exec("UPDATE audit SET created_at_ms = created_at_ms + 315360000000 WHERE seq = 6"),
  { seq: 6, id: true, why: /after the store's clock/ },
);
tamperTest(
  "the whole log is dated back by a year",
  (db) => db.exec("UPDATE audit SET created_at_ms = created_at_ms - 31536000000"),
  { seq: 1, id: true, why: /not that of the event/ },
);
tamperTest(
  "the log is emptied together with its count",
  (db) => db.exec(`DELETE FROM audit; UPDATE state SET counts = json_set(counts, '$.audit', 0)`),
  { seq: 1, id: false, why: /6 entries are missing that events tell of, such as aud_/ },
);
tamperTest(
  "the log is cut off at the end together with its count",
  (db) =>
    db.exec(`DELETE FROM audit WHERE seq > 4;
      UPDATE state SET counts = json_set(counts, '$.audit', 4)`),
  { seq: 5, id: false, why: /2 entries are missing that events tell of/ },
);
tamperTest(
  "an entry's event is taken away",
  (db) =>
    db.exec(`DELETE FROM events WHERE type = 'audit.logged'
      AND subject = (SELECT id FROM audit WHERE seq = 3)`),
  { seq: 3, id: true, why: /no event tells of it/ },
);
tamperTest("an entry is taken out", (db) => db.exec("DELETE FROM audit WHERE seq = 3"), {
  seq: 3,
  id: false,
  why: /1 entry is missing before aud_/,
});
tamperTest(
  "an entry is taken out and the gap is closed",
  (db) =>
    db.exec(
      "DELETE FROM audit WHERE seq = 3; UPDATE audit SET seq = seq - 1 WHERE seq > 3",
    ),
  { seq: 3, id: true, why: /link does not follow/ },
);
tamperTest(
  "the first entry is taken out",
  (db) => db.exec("DELETE FROM audit WHERE seq = 1"),
  { seq: 1, id: false, why: /missing/ },
);
tamperTest(
  "the log is cut off at the end",
  (db) => db.exec("DELETE FROM audit WHERE seq > 4"),
  { seq: 5, id: false, why: /2 entries are missing at the end/ },
);
tamperTest("the log is emptied", (db) => db.exec("DELETE FROM audit"), {
  seq: 1,
  id: false,
  why: /6 entries are missing at the end/,
});
tamperTest(
  "two entries change places",
  (db) =>
    db.exec(`UPDATE audit SET seq = 100 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 5;
      UPDATE audit SET seq = 5 WHERE seq = 100`),
  { seq: 3, id: true, why: /link does not follow/ },
);
tamperTest(
  "an entry is added at the end, with the right link",
  async (db, entries) => {
    const last = entries.at(-1)!;
    const forged = { ...last, id: "aud_0000000000000000000000FAKE", reason: "forged" };
    const hash = await contentHash(forged);
    const link = nextLink(last.link, hash);
    db.prepare(`INSERT INTO audit
      SELECT 7, ?, NULL, agent, decision_type, context, 'forged', refs, created_at_ms, ?, ?
      FROM audit WHERE seq = 6`).run(forged.id, hash, link);
  },
  { seq: 7, id: true, why: /added from outside/ },
);
tamperTest(
  "an entry is added in front of the first",
  (db) =>
    db.exec(`INSERT INTO audit SELECT 0, 'aud_x', NULL, agent, decision_type, context, reason, refs,
      created_at_ms, content_hash, link FROM audit WHERE seq = 1`),
  { seq: 0, id: true, why: /added from outside/ },
);

storeTest("audit verify finds any single change of any sealed column", async (bench) => {
  if (bench.store.kind !== "directory") return;
  const { audit, db } = await tamperable(bench, 8);
  const rows = db.prepare("SELECT * FROM audit ORDER BY seq").all();
  const unsealed = ["seq", "key", "created_at_ms"];
  const columns = Object.keys(rows[0]!).filter((column) => !unsealed.includes(column));
  const change = fc.record({
    seq: fc.integer({ min: 1, max: 8 }),
    column: fc.constantFrom(...columns),
    text: fc.string({ unit: "grapheme" }),
  });
  try {
    await fc.assert(
      fc.asyncProperty(change, async ({ seq, column, text: after }) => {
        const before = rows[seq - 1]![column];
        fc.pre(before !== after);
        const update = db.prepare(`UPDATE audit SET ${column} = ? WHERE seq = ?`);
        update.run(after, seq);
        const found = await audit.verify();
        update.run(before!, seq);
        assert.ok(!found.ok);
        assert.equal(found.broken.seq, seq);
      }),
      { numRuns: propertyRuns() },
    );
    assert.equal((await audit.verify()).ok, true);
  } finally {
    db.close();
  }
});

/**
 * The audit log against somebody with redis-cli.
 * @module
 */
import assert from "node:assert/strict";
import { Audit, type Entry } from "../../../src/audit/audit.ts";
import { contentHash, nextLink } from "../../../src/audit/entry.ts";
import { RedisAudit } from "../../../src/audit/redis/store.ts";
import { RedisEvents } from "../../../src/event/redis/store.ts";
import type { RoomContext } from "../../../src/context.ts";
import type { Store } from "../../../src/store.ts";
import { type OperationBench, operationTest } from "../../support/redis_operations.ts";

/** An entry as the stream has it. */
interface Stored {
  id: string;
  readonly fields: Record<string, string>;
}

function auditOf({ runner, clock }: OperationBench): Audit {
  const room = new RedisAudit(runner);
  const events = new RedisEvents(runner);
  const store = {
    audit: () => Promise.resolve(room),
    events: () => Promise.resolve(events),
  } as unknown as Store;
  const actor = { name: "ada", host: "mill" };
  return new Audit({ store, clock, actor } as unknown as RoomContext);
}

async function logged(bench: OperationBench, count: number): Promise<Entry[]> {
  const audit = auditOf(bench);
  const entries: Entry[] = [];
  for (let i = 0; i < count; i++) {
    bench.clock.advance(10);
    const text = { context: `context ${i}`, reason: `reason ${i}`, refs: [`ref ${i}`] };
    entries.push(await audit.log({ decisionType: i % 2 ? "deployment" : "rollback", ...text }));
  }
  return entries;
}

async function stored({ raw }: OperationBench): Promise<Stored[]> {
  const found = await raw("XRANGE", ":audit", "-", "+") as [string, string[]][];
  return found.map(([id, values]) => {
    const fields: Record<string, string> = {};
    for (let i = 0; i < values.length; i += 2) fields[values[i]!] = values[i + 1]!;
    return { id, fields };
  });
}

async function add({ raw }: OperationBench, { id, fields }: Stored): Promise<void> {
  await raw("XADD", ":audit", id, ...Object.entries(fields).flat());
}

/** Writes the stream anew, as somebody must who changes an entry: streams themselves allow no change. */
async function rewrite(
  bench: OperationBench,
  change: (stored: Stored[], entries: readonly Entry[]) => void | Promise<void>,
  entries: readonly Entry[],
): Promise<void> {
  const all = await stored(bench);
  await change(all, entries);
  await bench.raw("DEL", ":audit");
  for (const entry of all) await add(bench, entry);
}

type Tampering = (bench: OperationBench, entries: readonly Entry[]) => Promise<unknown>;

function tamperTest(
  what: string,
  tamper: Tampering,
  expected: {
    readonly seq: number;
    readonly id: boolean;
    readonly why: RegExp;
    readonly entries?: number;
  },
): void {
  operationTest(`audit verify on Redis names the place when ${what}`, async (bench) => {
    const entries = await logged(bench, 6);
    assert.equal((await auditOf(bench).verify()).ok, true);
    await tamper(bench, entries);
    const check = async () => {
      const found = await auditOf(bench).verify();
      assert.ok(!found.ok);
      assert.equal(found.broken.seq, expected.seq);
      assert.equal(found.entries, expected.entries ?? expected.seq - 1);
      assert.match(found.broken.why, expected.why);
      assert.equal(found.broken.id !== null, expected.id);
    };
    await check();
    if (expected.seq > 4) return;
    // The log goes on, and the place stays where it was.
    await logged(bench, 1);
    await check();
  });
}

/** Changes the third entry. */
const third = (change: (fields: Record<string, string>) => void): Tampering => (bench, entries) =>
  rewrite(bench, (all) => change(all[2]!.fields), entries);

const fields: readonly (readonly [string, string])[] = [
  ["agent", "eve"],
  ["decision_type", "party"],
  ["context", "other"],
  ["reason", "because"],
  ["refs", '["other"]'],
  ["refs", "["],
  ["id", "aud_00000000000000000000000000"],
  ["content_hash", "0".repeat(64)],
];
for (const [field, value] of fields) {
  tamperTest(
    `an entry's field ${field} becomes ${value}`,
    third((fields) => {
      fields[field] = value;
    }),
    { seq: 3, id: true, why: /content/ },
  );
  tamperTest(
    `an entry's field ${field} goes with ${value}`,
    (bench, entries) =>
      rewrite(bench, (all) => {
        delete all[2]!.fields[field];
        all[2]!.fields.other = value;
      }, entries),
    { seq: 3, id: true, why: /content/ },
  );
}
const followsNot = { seq: 3, id: true, why: /link does not follow/ };
tamperTest(
  "an entry's link is changed",
  third((fields) => {
    fields.link = "x";
  }),
  followsNot,
);
for (const instant of ["1", "never", ""]) {
  tamperTest(
    `an entry is dated "${instant}"`,
    third((fields) => {
      fields.created_at_ms = instant;
    }),
    { seq: 3, id: true, why: /instant lies before/ },
  );
}
tamperTest(
  "an entry's content and content hash are changed together",
  (bench, entries) =>
    rewrite(bench, async ([, , entry]) => {
      entry!.fields.reason = "because";
      entry!.fields.content_hash = await contentHash({ ...entries[2]!, reason: "because" });
    }, entries),
  followsNot,
);
tamperTest(
  "an entry is replaced together with its link",
  (bench, entries) =>
    rewrite(bench, async ([, , entry]) => {
      const hash = await contentHash({ ...entries[2]!, reason: "because" });
      const link = nextLink(entries[1]!.link, hash);
      Object.assign(entry!.fields, { reason: "because", content_hash: hash, link });
    }, entries),
  { seq: 4, id: true, why: /changed, moved or replaced/ },
);
tamperTest("an entry is taken out", ({ raw }) => raw("XDEL", ":audit", "3-0"), {
  seq: 3,
  id: false,
  why: /1 entry is missing before aud_/,
});
tamperTest(
  "an entry is taken out and the gap is closed",
  (bench, entries) =>
    rewrite(bench, (all) => {
      all.splice(2, 1);
      all.forEach((entry, index) => entry.id = `${index + 1}-0`);
    }, entries),
  followsNot,
);
tamperTest("the first entries are trimmed away", ({ raw }) => raw("XTRIM", ":audit", "MAXLEN", 4), {
  seq: 1,
  id: false,
  why: /2 entries are missing before aud_/,
});
tamperTest(
  "the log is cut off at the end",
  ({ raw }) => raw("XDEL", ":audit", "5-0", "6-0"),
  { seq: 5, id: false, why: /2 entries are missing at the end/ },
);
tamperTest("the log is emptied", ({ raw }) => raw("XTRIM", ":audit", "MAXLEN", 0), {
  seq: 1,
  id: false,
  why: /entries are missing/,
});
tamperTest("the log is deleted", ({ raw }) => raw("DEL", ":audit"), {
  seq: 1,
  id: false,
  why: /entries are missing/,
});
tamperTest("two entries change places", (bench, entries) =>
  rewrite(bench, (all) => {
    [all[2], all[4]] = [{ ...all[4]!, id: "3-0" }, { ...all[2]!, id: "5-0" }];
  }, entries), followsNot);
tamperTest("an entry is added at the end, with the right link", async (bench, entries) => {
  const last = entries.at(-1)!;
  const hash = await contentHash({ ...last, id: "aud_0000000000000000000000FAKE" });
  const forged = { id: "aud_0000000000000000000000FAKE", content_hash: hash };
  const { fields } = (await stored(bench)).at(-1)!;
  const link = nextLink(last.link, hash);
  await add(bench, { id: "7-0", fields: { ...fields, ...forged, link } });
}, { seq: 7, id: true, why: /added from outside/ });
for (const [id, seq] of [["0-1", 0], ["3-1", 3]] as const) {
  const expected = { seq, id: true, why: /added from outside/, entries: seq };
  tamperTest(`an entry is squeezed in as ${id}`, (bench, entries) =>
    rewrite(bench, (all) => {
      all.splice(seq, 0, { ...all[1]!, id });
    }, entries), expected);
}

operationTest("audit chain on Redis shows what is squeezed in between two pages", async (bench) => {
  const entries = await logged(bench, 4);
  await rewrite(bench, (all) => {
    all.splice(2, 0, { ...all[1]!, id: "2-1" });
  }, entries);
  const room = new RedisAudit(bench.runner);
  const numbers = async (after: number) =>
    (await room.chain(after, 2)).places.map(({ seq }) => seq);
  assert.deepEqual(await numbers(-1), [1, 2]);
  assert.deepEqual(await numbers(2), [2, 3]);
});

operationTest(
  "audit log on Redis goes on behind what was added and deleted from outside",
  async (bench) => {
    await logged(bench, 2);
    await add(bench, { id: "9-0", fields: { id: "aud_x" } });
    await bench.raw("XDEL", ":audit", "9-0");
    const [next] = await logged(bench, 1);
    const { entries } = await auditOf(bench).list();
    assert.deepEqual(entries.at(-1), next);
    const found = await auditOf(bench).verify();
    assert.match(found.ok ? "" : found.broken.why, /7 entries are missing before aud_/);
  },
);

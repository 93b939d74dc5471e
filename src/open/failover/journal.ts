/**
 * What waits to be moved to Redis, for people who want to look before it is.
 * @module
 */
import { AGENT_KINDS } from "../../agent/directory/journal.ts";
import { APPROVAL_KINDS } from "../../approval/directory/journal.ts";
import { AUDIT_KINDS } from "../../audit/directory/journal.ts";
import { BOARD_KINDS } from "../../board/directory/journal.ts";
import { CARRIED, type JournaledKind } from "../../engine/directory/journal.ts";
import type { Reader } from "../../engine/directory/transaction.ts";
import { LOCK_KINDS } from "../../lock/directory/journal.ts";
import type { Journal, JournalEntry, Store } from "../../store.ts";
import { TASK_KINDS } from "../../task/directory/journal.ts";
import { DirectoryStore } from "../directory.ts";

/** Events are left out: they tell of the others, and come along with them. */
const KINDS: readonly JournaledKind[] = [
  ...LOCK_KINDS,
  ...AGENT_KINDS,
  ...TASK_KINDS,
  ...BOARD_KINDS,
  ...APPROVAL_KINDS,
  ...AUDIT_KINDS,
];

/** Every entry of the journal, as a row. */
const ENTRIES = KINDS.map(({ kind, record, subject, isRemoved }) =>
  `SELECT '${record}' AS kind, ${subject} AS subject, ${isRemoved} AS removed, since_ms
   FROM journal WHERE kind = '${kind}' AND ${subject} IS NOT NULL`
).join(" UNION ALL ");

interface EntryRow {
  readonly kind: string;
  readonly subject: string;
  readonly removed: number;
  readonly since_ms: number;
}

/** Nothing waits. */
export const EMPTY: Journal = { records: [], total: 0, counts: {}, carried: 0 };

/** The records that were changed first, up to `limit`, and how many there are of each kind; none in Redis itself. */
export async function journalOf(store: Store, limit: number): Promise<Journal> {
  if (!(store instanceof DirectoryStore)) return EMPTY;
  return await store.engine.read((reader) => journalIn(reader, limit));
}

/** The same of a database that is open for reading. */
export function journalIn(reader: Pick<Reader, "all">, limit: number): Journal {
  const kinds = reader.all<{ kind: string; changed: number; carried: number }>(
    `SELECT kind, SUM(since_ms <> ${CARRIED}) AS changed, SUM(since_ms = ${CARRIED}) AS carried
       FROM (${ENTRIES}) GROUP BY kind ORDER BY kind`,
  );
  const changed = kinds.filter(({ changed }) => changed > 0);
  const rows = limit === 0 ? [] : reader.all<EntryRow>(
    `SELECT kind, subject, removed, since_ms FROM (${ENTRIES}) WHERE since_ms <> ${CARRIED}
       ORDER BY since_ms, kind, subject LIMIT ? + 0`,
    limit,
  );
  return {
    records: rows.map(toEntry),
    total: changed.reduce((sum, { changed }) => sum + changed, 0),
    counts: Object.fromEntries(changed.map(({ kind, changed }) => [kind, changed])),
    carried: kinds.reduce((sum, { carried }) => sum + carried, 0),
  };
}

function toEntry({ kind, subject, removed, since_ms: sinceMs }: EntryRow): JournalEntry {
  return { kind, id: subject, change: removed === 1 ? "removed" : "changed", sinceMs };
}

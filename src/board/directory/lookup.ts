/**
 * How threads are found, on the directory engine: by status, author and tags, and by words. Every answer is
 * a list of thread numbers, greatest (newest) first.
 *
 * Most threads of an old board are resolved, so `thread_facets` keeps each status apart: a list of the
 * active ones never walks over the others.
 * @module
 */
import type { Reader, Transaction } from "../../engine/directory/transaction.ts";
import type { ThreadStatus } from "../thread.ts";
import type { ThreadQuery } from "../store.ts";
import { REMOVING, WORDS_SHIFT } from "./tables.ts";

const STATUSES: readonly ThreadStatus[] = ["active", "waiting", "resolved"];
/** Replies of one thread whose words have a row; no thread ever has as many. */
const PLACES = 2 ** WORDS_SHIFT;
/** Threads and messages in the first stretch that a search looks through, and how each next one grows. */
const STRETCH = 1024;
const GROWTH = 8;

/** What a thread is filed under, most telling first. */
export function facetsOf(
  { author, tags }: { readonly author?: string; readonly tags: readonly string[] },
): string[] {
  const facets = tags.map((tag) => `tag:${tag}`);
  return author === undefined ? facets : [...facets, `author:${author}`];
}

/** Files a new thread. */
export function fileThread(
  tx: Transaction,
  thread: number,
  status: ThreadStatus,
  facets: readonly string[],
): void {
  for (const facet of facets) {
    tx.run("INSERT INTO thread_facets VALUES (?, ?, ?)", facet, status, thread);
  }
}

/** Takes a thread out of the lists of its status. */
export function unfileThread(
  tx: Transaction,
  thread: number,
  status: string,
  facets: readonly string[],
): void {
  for (const facet of facets) {
    tx.run(
      "DELETE FROM thread_facets WHERE facet = ? AND status = ? AND thread = ?",
      facet,
      status,
      thread,
    );
  }
}

/** Moves a thread to another status. */
export function refile(
  tx: Transaction,
  thread: number,
  { from, to, facets }: {
    readonly from: ThreadStatus;
    readonly to: ThreadStatus;
    readonly facets: readonly string[];
  },
): void {
  tx.run(
    `UPDATE thread_facets SET status = ? WHERE facet IN (SELECT value FROM json_each(?))
     AND status = ? AND thread = ?`,
    to,
    JSON.stringify(facets),
    from,
    thread,
  );
}

/** The newest threads below number `end` that match. */
export function findThreads(
  reader: Reader,
  query: Pick<ThreadQuery, "status" | "author" | "tags">,
  end: number,
  limit: number,
): number[] {
  const [facet, ...others] = facetsOf(query);
  const ranges = facet === undefined ? [rangeOf(query.status)] : facetRanges(query.status);
  const rows = reader.all<{ thread: number }>(
    `${ranges.join(" UNION ALL ")} ORDER BY thread DESC LIMIT ?2 + 0`,
    end,
    limit,
    ...(facet === undefined ? [] : [facet, JSON.stringify(others)]),
  );
  return rows.map(({ thread }) => thread);
}

function rangeOf(status: ThreadStatus | undefined): string {
  const only = status === undefined ? `AND status <> '${REMOVING}'` : `AND status = '${status}'`;
  return `SELECT seq AS thread FROM threads WHERE seq < ?1 ${only}`;
}

/** One range of the first facet for each status; the other facets are looked up thread by thread. */
function facetRanges(status: ThreadStatus | undefined): string[] {
  return (status === undefined ? STATUSES : [status]).map((one) =>
    `SELECT thread FROM thread_facets AS f
     WHERE facet = ?3 AND status = '${one}' AND thread < ?1 AND NOT EXISTS (
       SELECT 1 FROM json_each(?4) AS other WHERE NOT EXISTS (
         SELECT 1 FROM thread_facets AS g
         WHERE g.facet = other.value AND g.status = '${one}' AND g.thread = f.thread))`
  );
}

/** Makes a message findable by its words; `place` counts the messages of its thread from 0. */
export function indexWords(
  tx: Transaction,
  thread: number,
  place: number,
  words: readonly string[],
): void {
  if (words.length === 0 || place >= PLACES) return;
  const row = thread * PLACES + place;
  tx.run("INSERT INTO board_words (rowid, words) VALUES (?, ?)", row, words.join(" "));
}

/** Takes back what {@linkcode indexWords} did: the index keeps no text, so it has to be given the same words. */
export function removeWords(
  tx: Transaction,
  thread: number,
  place: number,
  words: readonly string[],
): void {
  if (words.length === 0 || place >= PLACES) return;
  // Numbers are bound as REAL, and the index passes over a deletion whose row is no INTEGER.
  tx.run(
    `INSERT INTO board_words (board_words, rowid, words)
     VALUES ('delete', CAST(? AS INTEGER), ?)`,
    thread * PLACES + place,
    words.join(" "),
  );
}

/**
 * The newest threads below number `end` in which every word occurs, in whichever of their messages.
 *
 * The index gives each word's places in order, so a thread has all words when its number is among the
 * places of each. Looking through stretches, from the newest on, finds a page of frequent words
 * without going through all their places; a rare word has few in any case, and decides where to begin.
 */
export function searchThreads(
  reader: Reader,
  words: readonly string[],
  end: number,
  limit: number,
): number[] {
  const quoted = words.map((word) => `"${word}"`);
  const places = words.map((_, index) => placesOf(index + 4));
  // Words of a thread that was removed may be left when another version of Unicode cut them.
  const sql = `SELECT DISTINCT thread FROM (${places.join(" INTERSECT ")})
    WHERE EXISTS (SELECT 1 FROM threads WHERE seq = thread AND status <> '${REMOVING}')
    ORDER BY thread DESC LIMIT ?3 + 0`;
  const found: number[] = [];
  let high = Math.min(...quoted.map((word) => newestWith(reader, word, end))) + 1;
  for (let stretch = STRETCH; high > 1 && found.length < limit; stretch *= GROWTH) {
    const low = Math.max(high - stretch, 1);
    const rows = reader.all<{ thread: number }>(
      sql,
      low * PLACES,
      high * PLACES,
      limit - found.length,
      ...quoted,
    );
    found.push(...rows.map(({ thread }) => thread));
    high = low;
  }
  return found;
}

/** The newest thread below number `end` with this word; 0 when there is none. */
function newestWith(reader: Reader, quoted: string, end: number): number {
  const sql = `${placesOf(3)} ORDER BY rowid DESC LIMIT 1`;
  return reader.get<{ thread: number }>(sql, 0, end * PLACES, quoted)?.thread ?? 0;
}

/**
 * Threads from row `?1` up to, and without, row `?2` that have the word in parameter `word`. Numbers are
 * bound as REAL, and only for an INTEGER does the index start at that row instead of at its end.
 */
function placesOf(word: number): string {
  return `SELECT rowid >> ${WORDS_SHIFT} AS thread FROM board_words
    WHERE board_words MATCH ?${word}
      AND rowid >= CAST(?1 AS INTEGER) AND rowid < CAST(?2 AS INTEGER)`;
}

/**
 * The size of all messages of each thread, on the directory engine.
 * @module
 */
import type { Reader } from "../../engine/directory/transaction.ts";
import { largestOf, type LargestPortion } from "../../largest.ts";
import { SAMPLED, THREADS_SIZED } from "../thread.ts";

/** The newest replies stand for all of a thread. The length of a text is in the head of its row. */
const SIZES = `
SELECT seq, id,
  coalesce((SELECT octet_length(message) FROM messages WHERE messages.seq = threads.seq), 0)
    + iif(reply_count = 0, 0, (
        SELECT coalesce(cast(sum(bytes) * max(1.0, 1.0 * reply_count / count(*)) AS INTEGER), 0) FROM (
          SELECT octet_length(message) AS bytes FROM messages
          WHERE messages.thread = threads.seq AND messages.seq <> threads.seq
          ORDER BY messages.seq DESC LIMIT ${SAMPLED}
        )
      )) AS bytes
FROM threads WHERE seq < ? ORDER BY seq DESC LIMIT ? + 0`;

/** The largest of the newest threads, or of those before the one with this number. */
export function largestThread(reader: Reader, before: number | undefined): LargestPortion {
  const rows = reader.all<{ seq: number; id: string; bytes: number }>(
    SIZES,
    before ?? Number.MAX_SAFE_INTEGER,
    THREADS_SIZED,
  );
  return largestOf(rows, THREADS_SIZED);
}

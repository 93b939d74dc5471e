/**
 * How much one operation shows of records that may be long, so that no answer grows with what there is, and nobody
 * else waits for long.
 * @module
 */

/** Bytes of texts, characters on a directory, that one operation reads, about; the last record may go beyond. */
export const SHOWN_BYTES = 524_288;

/** Records that one operation of a server shows. */
export const SHOWN_AT_ONCE = 250;

/** The same for approvals and for entries of the audit log: half of both. */
export const LONG_SHOWN_BYTES = 262_144;
export const LONG_SHOWN_AT_ONCE = 125;

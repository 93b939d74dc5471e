/**
 * How much one operation shows of records that may be long, so that no answer grows with what there is, and nobody
 * else waits for long.
 * @module
 */

/** Bytes of texts, characters on a directory, that one operation reads, about; the last record may go beyond. */
export const SHOWN_BYTES = 524_288;

/** Records that one operation of a server shows. */
export const SHOWN_AT_ONCE = 250;

/** Records that a server reads at a time, before it counts their bytes. */
export const SHOWN_AT_A_TIME = 4;

/** The same for approvals and for entries of the audit log, which are shorter: half as much of both, twice as many a time. */
export const LONG_SHOWN_BYTES = 262_144;
export const LONG_SHOWN_AT_ONCE = 125;
export const LONG_SHOWN_AT_A_TIME = 8;

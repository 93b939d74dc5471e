/**
 * How much of what one agent holds is dealt with in one operation.
 * @module
 */

/**
 * Leases that one operation renews, ends or tells of, of all that an agent holds; whoever holds more needs several
 * operations. A store serves nobody else during an operation, and this many take a few milliseconds.
 */
export const LEASES_PER_OPERATION = 256;

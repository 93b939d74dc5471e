/**
 * How much of what one agent holds is dealt with in one step.
 * @module
 */

/**
 * Leases that one step renews, ends or tells of, of all that an agent holds; whoever holds more needs several
 * steps. A store serves nobody else during a step, and this many take a few milliseconds.
 */
export const LEASES_A_STEP = 256;

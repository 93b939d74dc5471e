/**
 * What the writes of a directory store survive.
 * @module
 */

/** Whether a directory store waits for the disk (`full`: power loss) or for the kernel (`normal`: any process death). */
export type Durability = "full" | "normal";

/** Each of them. */
export const DURABILITIES: readonly Durability[] = ["full", "normal"];

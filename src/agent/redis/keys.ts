/**
 * The keys of agents on Redis.
 * @module
 */

/** Keys of this room besides the common ones. */
export const AGENT_KEYS: readonly string[] = ["agent_words", "agents_left"];

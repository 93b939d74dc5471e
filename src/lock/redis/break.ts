/**
 * The operation that breaks a lock, on Redis. Apart from the others because it brings the audit log's script
 * along, which acquiring and releasing do without.
 * @module
 */
import { script } from "../../engine/redis/script.ts";

/** See break.lua. */
export const BREAK = script("lock/break");

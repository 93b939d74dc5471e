/**
 * What the scripts of several rooms need of the locks: their keys, and how leases end.
 * @module
 */
import giveBack from "./give_back.lua" with { type: "text" };
import line from "./line.lua" with { type: "text" };
import names from "./names.lua" with { type: "text" };
import rows from "./rows.lua" with { type: "text" };

/** Keys of this room besides the common ones. */
export const LOCK_KEYS: readonly string[] = ["lock_paths", "lock_waiters", "lock_line"];

/** Leases as they are kept. */
export const LEASE_PARTS: readonly string[] = [names, rows];

/** What the usual cases need; in their scripts it comes before them, and is there for the parts that follow. */
export const USUAL_PARTS: readonly string[] = [names];

/** The line of those who wait for leases, and giving them back; see give_back.lua. For a script with a usual case. */
export const AFTER_USUAL_PARTS: readonly string[] = [rows, line, giveBack];

/** The same for a script without one. */
export const GIVE_BACK_PARTS: readonly string[] = [...LEASE_PARTS, line, giveBack];

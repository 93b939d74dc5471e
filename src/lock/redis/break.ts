/**
 * The step that breaks a lock, on Redis. Apart from the others because it brings the audit log's script
 * along, which acquiring and releasing do without.
 * @module
 */
import { AUDIT_APPEND_KEYS } from "../../audit/redis/draft.ts";
import appendAudit from "../../audit/redis/append.lua" with { type: "text" };
import { Script } from "../../engine/redis/script.ts";
import breaking from "./break.lua" with { type: "text" };
import { GIVE_BACK_PARTS, LOCK_KEYS } from "./parts.ts";

/** See break.lua. */
export const BREAK = new Script(
  "lock/break",
  [...LOCK_KEYS, ...AUDIT_APPEND_KEYS],
  ...GIVE_BACK_PARTS,
  appendAudit,
  breaking,
).freeing();

/**
 * Records that are on Redis while it cannot be reached: what the directory does not have, and an identifier says was
 * made before the directory took over, is not missing but out of reach.
 * @module
 */
import { StoreUnavailableError } from "../../errors.ts";
import { SINCE_MS } from "../../engine/numbers.ts";
import { type IdPrefix, sequencedAtMs } from "../../id.ts";
import { quote } from "../../name.ts";
import type { Tenure } from "../../task/store.ts";
import type { Call } from "./call.ts";

/** A client's clock may have been ahead of the directory's by so much when it made an identifier. */
const CLOCK_DOUBT_MS = 60_000;

const ID = /^([a-z]{3})_[0-9A-HJKMNP-TV-Z]{26}$/;

/** What the identifiers of each primitive's records begin with. */
const PREFIXES: Readonly<Record<string, readonly IdPrefix[]>> = {
  tasks: ["tsk"],
  board: ["thr", "msg"],
  approvals: ["apr"],
  audit: ["aud"],
  events: ["evt"],
};

/** The identifier that a call is about, and what its answer is when the store does not have it. */
interface Lookup {
  readonly idOf: (args: readonly unknown[]) => unknown;
  readonly isMissing: (result: unknown) => boolean;
}

const isAbsent = (result: unknown) => result === undefined;
const isUnknown = (result: unknown) => (result as { kind?: string }).kind === "unknown";
const isNotFound = (result: unknown) => (result as { kind?: string }).kind === "not_found";
const first = (args: readonly unknown[]) => args[0];
const second = (args: readonly unknown[]) => args[1];
const tenureId = (args: readonly unknown[]) => (args[1] as Tenure).id;
const after = (args: readonly unknown[]) => (args[0] as { after?: unknown }).after;
const before = (args: readonly unknown[]) => (args[0] as { before?: string }).before;

const LOOKUPS: Readonly<Record<string, Lookup>> = {
  "tasks.create": {
    idOf: () => undefined,
    isMissing: isUnknown,
  },
  "tasks.renew": { idOf: tenureId, isMissing: isUnknown },
  "tasks.complete": { idOf: tenureId, isMissing: isUnknown },
  "tasks.fail": { idOf: tenureId, isMissing: isUnknown },
  "tasks.release": { idOf: tenureId, isMissing: isUnknown },
  "tasks.cancel": { idOf: second, isMissing: isUnknown },
  "tasks.retry": { idOf: second, isMissing: isUnknown },
  "tasks.update": { idOf: second, isMissing: isUnknown },
  "tasks.get": { idOf: first, isMissing: isAbsent },
  "board.reply": {
    idOf: (args) => (args[1] as { threadId: string }).threadId,
    isMissing: isAbsent,
  },
  "board.resolve": { idOf: second, isMissing: isAbsent },
  "board.get": { idOf: first, isMissing: isAbsent },
  "board.show": { idOf: first, isMissing: isAbsent },
  "board.list": { idOf: before, isMissing: isAbsent },
  "board.search": { idOf: before, isMissing: isAbsent },
  "board.ack": { idOf: second, isMissing: (result) => result === false },
  "approvals.look": { idOf: second, isMissing: isAbsent },
  "approvals.decide": {
    idOf: (args) => (args[1] as { id: string }).id,
    isMissing: isNotFound,
  },
  "approvals.use": { idOf: second, isMissing: isNotFound },
  "approvals.get": { idOf: first, isMissing: isAbsent },
  "approvals.list": { idOf: before, isMissing: isAbsent },
  "audit.list": { idOf: before, isMissing: isAbsent },
  "audit.follow": { idOf: after, isMissing: isAbsent },
  // Who follows reads on in the directory; who asks once would take what comes next for all there is.
  "events.read": {
    idOf: (args) => (after(args) as { id?: string } | undefined)?.id,
    isMissing: isUnknown,
  },
};

/** The identifier of the record that the call wanted, when the directory's answer says that it has none. */
export function missingIn({ primitive, method, args }: Call, result: unknown): string | undefined {
  const lookup = LOOKUPS[`${primitive}.${method}`];
  if (lookup === undefined || !lookup.isMissing(result)) return undefined;
  // A dependency is named by the answer itself.
  const id = method === "create"
    ? (result as { dependency?: unknown }).dependency
    : lookup.idOf(args);
  if (typeof id !== "string") return undefined;
  const prefix = ID.exec(id)?.[1];
  return PREFIXES[primitive]?.some((known) => known === prefix) ? id : undefined;
}

/**
 * Whether a record with this identifier may have been made before the directory took over at `sinceMs`. Before the first
 * release none was.
 */
export function isOlderThan(id: string, sinceMs: number): boolean {
  const atMs = sequencedAtMs(id);
  return atMs >= SINCE_MS && atMs < sinceMs + CLOCK_DOUBT_MS;
}

/** Says that a record cannot be reached. */
export function outOfReach(id: string, location: string, sinceMs: number): StoreUnavailableError {
  return new StoreUnavailableError(
    `Cannot use ${quote(id)} now: it may be on ${location}, which cannot be reached since ` +
      `${
        new Date(sinceMs).toISOString()
      }; the directory stands in for it meanwhile, and has no such record. ` +
      "Try again once the server is back",
    { reason: "out_of_reach", id, location, sinceMs },
    true,
  );
}

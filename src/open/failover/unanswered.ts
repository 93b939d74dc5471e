/**
 * Calls whose answer never came, so that nobody knows whether they were executed.
 * @module
 */
import { StoreUnavailableError } from "../../errors.ts";
import type { Call } from "./call.ts";

/** Redis has not answered in time. */
export function unanswered(location: string): StoreUnavailableError {
  return new StoreUnavailableError(
    `Cannot use the store: ${location} has not answered in time`,
    { location, reason: "timeout", sent: true },
    true,
  );
}

/** Redis was started anew, without its memory, after the call was sent. */
export function answerLost(location: string): StoreUnavailableError {
  return new StoreUnavailableError(
    `Cannot use the store: ${location} was started anew before the answer came, so the operation may or may ` +
      "not have been done",
    { location, reason: "lost", sent: true },
    true,
  );
}

/** Whether others act on what the call makes: made a second time elsewhere, it would be worked off or decided twice. */
export function asksOthersToAct(call: Call | undefined): boolean {
  return call !== undefined &&
    ["tasks.create", "approvals.request"].includes(`${call.primitive}.${call.method}`);
}

/**
 * Which failures mean that Redis cannot be reached, so that the directory may take over. Whatever is a matter of
 * configuration (a wrong password, a wrong database, a server that is too old) never does.
 * @module
 */
import { CoordError, StoreUnavailableError } from "../../errors.ts";

const REASONS: readonly unknown[] = [
  "unreachable",
  "timeout",
  "lost",
  "loading",
  "primary_down",
  "cluster_down",
];

/** Whether the failure is an outage of the server or of the way to it. */
export function isOutage(error: unknown): error is CoordError {
  return error instanceof StoreUnavailableError && error.retryable &&
    REASONS.includes(error.details.reason);
}

/** Whether the server may have executed the call that failed so. */
export function mayHaveHappened(error: CoordError): boolean {
  return error.details.sent === true;
}

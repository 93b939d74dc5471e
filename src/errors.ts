/**
 * Every failure the public API reports, with one stable code each, and the one table that turns a
 * code into a process exit code.
 *
 * Library code throws these and nothing else on purpose; anything else that escapes is a bug and is
 * reported as `internal`.
 * @module
 */

/** The stable word of a failure. Scripts match on it; it never changes its meaning. */
export type ErrorCode =
  | "internal"
  | "invalid_argument"
  | "conflict"
  | "not_found"
  | "lease_lost"
  | "timeout"
  | "store_unavailable"
  | "denied"
  | "nothing_to_claim";

/** Process exit code of each {@linkcode ErrorCode}; success is 0. */
export const EXIT_CODES: Readonly<Record<ErrorCode, number>> = {
  internal: 1,
  invalid_argument: 2,
  conflict: 3,
  not_found: 4,
  lease_lost: 5,
  timeout: 6,
  store_unavailable: 7,
  denied: 8,
  nothing_to_claim: 9,
};

/** JSON-safe facts about a failure: the offending value, the holder in the way, and so on. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/** Base of every failure of the public API. */
export class CoordError extends Error {
  /** Stable word for programs. */
  readonly code: ErrorCode;
  /** JSON-safe facts. Never holds a secret. */
  readonly details: ErrorDetails;
  /** Whether the same call may succeed later without any change by the caller. */
  readonly retryable: boolean;

  /** Builds a failure from its code, one sentence for people, and facts for programs. */
  constructor(
    code: ErrorCode,
    message: string,
    { details = {}, retryable = false, cause }: {
      readonly details?: ErrorDetails;
      readonly retryable?: boolean;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.details = details;
    this.retryable = retryable;
  }
}

/** A value the caller gave is not acceptable. Nothing was written. */
export class InvalidArgumentError extends CoordError {
  /** `details` should hold `field` and the offending `value`. */
  constructor(message: string, details: ErrorDetails = {}) {
    super("invalid_argument", message, { details });
  }
}

/** Somebody else holds, decided or named what was asked for. */
export class ConflictError extends CoordError {
  /** `retryable` is true when the conflict goes away by itself, as a lease does. */
  constructor(message: string, details: ErrorDetails = {}, retryable = true) {
    super("conflict", message, { details, retryable });
  }
}

/** No such task, thread, approval, agent or lock. */
export class NotFoundError extends CoordError {
  /** `details` should hold the `id` or `name` asked for. */
  constructor(message: string, details: ErrorDetails = {}) {
    super("not_found", message, { details });
  }
}

/** The lease ended: it lapsed, was released, was broken or is held under a newer fence. */
export class LeaseLostError extends CoordError {
  /** `details` should hold the subject and the stale `fence`. */
  constructor(message: string, details: ErrorDetails = {}) {
    super("lease_lost", message, { details });
  }
}

/** The time the caller allowed ran out. */
export class TimeoutError extends CoordError {
  /** `details` should hold `waitMs` or `timeoutMs`. */
  constructor(message: string, details: ErrorDetails = {}) {
    super("timeout", message, { details, retryable: true });
  }
}

/** The store cannot be used: unreachable, damaged, read-only, full, or held by a frozen process. */
export class StoreUnavailableError extends CoordError {
  /** `retryable` is true when waiting may help. */
  constructor(message: string, details: ErrorDetails = {}, retryable = false, cause?: unknown) {
    super("store_unavailable", message, { details, retryable, cause });
  }
}

/** The rules forbid this to this agent. */
export class DeniedError extends CoordError {
  /** `details` should say who asked for what. */
  constructor(message: string, details: ErrorDetails = {}) {
    super("denied", message, { details });
  }
}

/** No task qualifies for this claim right now. */
export class NothingToClaimError extends CoordError {
  /** `details` should hold the filter that matched nothing. */
  constructor(message: string, details: ErrorDetails = {}) {
    super("nothing_to_claim", message, { details, retryable: true });
  }
}

/** Any failure in our words: what is none of ours is unforeseen. */
export function asCoordError(error: unknown): CoordError {
  if (error instanceof CoordError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new CoordError("internal", `Unexpected failure: ${message}`, { cause: error });
}

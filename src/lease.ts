/**
 * Keeping a lease alive while work goes on under it.
 *
 * Who may decide what: the store alone decides when a lease has lapsed, by its own clock. The keeper only
 * ever decides to stop *sooner*: it counts from the moment a renewal was *sent*, which is never later
 * than the moment the store granted it, and takes the faster of the monotonic and the wall clock, because
 * the former stands still while a machine sleeps. So `signal` fires before anybody else can be granted
 * the lease, unless the process itself was frozen; then the fence protects the work.
 *
 * A renewal is tried every third of the lease. One that fails for want of the store is tried again sooner;
 * one that answers "lost" ends the lease at once, and so does the news that the store itself was removed or
 * replaced: nobody in the one that is there now knows of the lease. The keeper looks for that every second.
 * @module
 */
import type { Clock, Timer } from "./clock.ts";
import { LeaseLostError, StoreUnavailableError } from "./errors.ts";

/** What {@linkcode LeaseKeeper} needs to know about a lease. */
export interface KeeperOptions {
  /** Length of the lease in milliseconds. */
  readonly ttlMs: number;
  /** How long before the lease can lapse the signal fires, in milliseconds. Default: a tenth of it. */
  readonly marginMs?: number | undefined;
  /** Extends the lease; throws {@linkcode LeaseLostError} when it has ended. */
  readonly renew: () => Promise<unknown>;
  /** Whether the store that granted it is still there; throws what the store does. Default: only renewals tell. */
  readonly verifyPresence?: (() => void) | undefined;
  /** The host's clocks. */
  readonly clock: Clock;
}

/** A look at least this often: for a removed store, and for a long sleep of the machine. */
const LOOK_MS = 1000;

/** One moment on both clocks, in milliseconds. */
export interface Instant {
  readonly monotonicMs: number;
  readonly nowMs: number;
}

/** Renews one lease until it is stopped or lost. */
export class LeaseKeeper {
  readonly #options: KeeperOptions;
  readonly #controller = new AbortController();
  #renewTimer: Timer | undefined;
  #deadlineTimer: Timer | undefined;
  #sentAt: Instant;
  #renewing: Promise<void> | undefined;
  #stopped = false;

  /** Starts renewing; `sentAt` is when the request that was granted had been sent. */
  constructor(options: KeeperOptions, sentAt: Instant) {
    this.#options = options;
    this.#sentAt = sentAt;
    this.#schedule(options.ttlMs / 3);
    this.#watchDeadline();
  }

  /** Fires, with the reason, before the lease can lapse unconfirmed, or once it is known to be lost. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Stops renewing and waits for a renewal under way. The lease itself stays as it is. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#renewTimer);
    clearTimeout(this.#deadlineTimer);
    await this.#renewing;
  }

  /** Goes on after {@linkcode LeaseKeeper.stop}: what was to end the lease did not. */
  resume(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.#schedule(0);
    this.#watchDeadline();
  }

  #schedule(delayMs: number): void {
    if (this.#stopped || this.signal.aborted) return;
    const timer = setTimeout(() => {
      this.#renewing = this.#renew();
    }, delayMs);
    Deno.unrefTimer(timer);
    this.#renewTimer = timer;
  }

  async #renew(): Promise<void> {
    const { renew, clock, ttlMs } = this.#options;
    const sentAt = instantOf(clock);
    try {
      await renew();
      this.#sentAt = sentAt;
      this.#schedule(ttlMs / 3);
      this.#watchDeadline();
    } catch (error) {
      const loss = error instanceof LeaseLostError ? error : lossByRemoval(error);
      if (loss !== undefined) this.#lose(loss);
      else this.#schedule(Math.max(ttlMs / 20, 20));
    }
  }

  #watchDeadline(): void {
    clearTimeout(this.#deadlineTimer);
    if (this.#stopped || this.signal.aborted) return;
    const { clock, ttlMs, marginMs = ttlMs / 10 } = this.#options;
    const elapsedMs = Math.max(
      clock.monotonicMs() - this.#sentAt.monotonicMs,
      clock.nowMs() - this.#sentAt.nowMs,
    );
    const leftMs = ttlMs - marginMs - elapsedMs;
    if (leftMs <= 0) {
      this.#lose(
        new LeaseLostError("The lease could not be renewed in time", { ttlMs, elapsedMs }),
      );
      return;
    }
    // A long sleep of the machine shows only on the wall clock.
    const timer = setTimeout(() => this.#look(), Math.min(leftMs, LOOK_MS));
    Deno.unrefTimer(timer);
    this.#deadlineTimer = timer;
  }

  #look(): void {
    try {
      this.#options.verifyPresence?.();
    } catch (error) {
      const loss = lossByRemoval(error);
      if (loss !== undefined) return this.#lose(loss);
      // Any other failure proves nothing: the deadline decides.
    }
    this.#watchDeadline();
  }

  #lose(error: LeaseLostError): void {
    clearTimeout(this.#renewTimer);
    clearTimeout(this.#deadlineTimer);
    this.#controller.abort(error);
  }
}

/** What the lease is lost by, when this failure says that the store was removed or replaced. */
function lossByRemoval(error: unknown): LeaseLostError | undefined {
  const removed = error instanceof StoreUnavailableError && error.details.removed === true;
  return removed ? new LeaseLostError(error.message, error.details) : undefined;
}

/** Both clocks at once; take it before sending the request that a {@linkcode LeaseKeeper} builds on. */
export function instantOf(clock: Clock): Instant {
  return { monotonicMs: clock.monotonicMs(), nowMs: clock.nowMs() };
}

/**
 * A lock that keeps itself alive until its scope ends.
 * @module
 */
import type { RoomContext } from "../context.ts";
import { LeaseLostError } from "../errors.ts";
import { type Instant, LeaseKeeper } from "../lease.ts";
import type { Lease } from "./model.ts";
import type { RenewLockOptions, TenureOptions } from "./options.ts";

/** What keeps and ends leases: {@linkcode Locks}. */
export interface LeaseHolder {
  renew(target: readonly Lease[], options: RenewLockOptions): Promise<unknown>;
  release(target: readonly Lease[], tenure: TenureOptions): Promise<unknown>;
}

/**
 * Leases held by this process: renewed at a third of their length, released on disposal.
 *
 * @example
 * ```ts ignore
 * await using lock = await session.lockFile("src/auth.ts", { intent: "fix login", waitMs: 30_000 });
 * await rewrite("src/auth.ts", { signal: lock.signal });
 * ```
 */
export class HeldLock implements AsyncDisposable {
  /** The leases as granted. Renewals move their expiry on in the store, not here. */
  readonly leases: readonly Lease[];
  readonly #locks: LeaseHolder;
  readonly #keeper: LeaseKeeper;
  #released = false;

  /** Used by {@linkcode Locks.hold}. */
  constructor(
    locks: LeaseHolder,
    leases: readonly Lease[],
    { clock, store }: Pick<RoomContext, "clock" | "store">,
    { ttlMs, sentAt, marginMs }: {
      readonly ttlMs: number;
      readonly sentAt: Instant;
      readonly marginMs: number | undefined;
    },
  ) {
    this.#locks = locks;
    this.leases = leases;
    const renew = () => this.#eachFence((tenure, fence) => locks.renew(tenure, { fence, ttlMs }));
    const verifyPresence = () => store.verifyPresence?.();
    this.#keeper = new LeaseKeeper({ ttlMs, marginMs, clock, renew, verifyPresence }, sentAt);
  }

  /** The fence of the newest lease: pass it to whatever the lock protects. */
  get fence(): number {
    return Math.max(...this.leases.map((lease) => lease.fence));
  }

  /**
   * Fires before the lease can lapse when renewal is not confirmed in time, or as soon as it is known to
   * be lost; its reason is a {@linkcode LeaseLostError}. Work under the lock must stop then.
   */
  get signal(): AbortSignal {
    return this.#keeper.signal;
  }

  /**
   * Releases the leases; a second call does nothing.
   *
   * @throws {LeaseLostError} when they had ended before.
   */
  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    await this.#keeper.stop();
    await this.#eachFence((tenure, fence) => this.#locks.release(tenure, { fence }));
  }

  /** Releases on scope exit; a lease that had already ended is not an error then: `signal` has fired. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.release();
    } catch (error) {
      if (!(error instanceof LeaseLostError)) throw error;
    }
  }

  async #eachFence(
    operation: (tenure: readonly Lease[], fence: number) => Promise<unknown>,
  ): Promise<void> {
    for (const [fence, tenure] of Map.groupBy(this.leases, (lease) => lease.fence)) {
      await operation(tenure, fence);
    }
  }
}

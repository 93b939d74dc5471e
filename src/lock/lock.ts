/**
 * Locks on paths: leases that one agent holds exclusively, or several share, until they are released or
 * lapse.
 *
 * The protocol. The store decides who holds what, by its own clock, in one atomic operation per call. A lease
 * is a promise for `ttlMs` from the moment the store granted it; the holder renews it and stops
 * working when a renewal is not confirmed in time. Every acquisition gets a fence greater than
 * all before: whoever writes to a place that outlives the lease (a deploy target, a shared file) passes
 * the fence along, and {@linkcode Locks.verify} tells whether it is still the current one. A crashed holder
 * costs the others its remaining lease time and nothing else. A waiter is called in the order of arrival; a
 * called one that is dead or frozen is passed over.
 *
 * One path has one lock: paths are normalised first, and `src`, `src/` and `./src` are one. A lock conflicts
 * with every lock below and above it, whether the path is a directory, a file or nothing yet.
 * @module
 */
import { given } from "../given.ts";
import type { Lease, LockCheck } from "./model.ts";
import { checkArguments } from "../arguments.ts";
import { draftEntry } from "../audit/entry.ts";
import {
  checkBody,
  checkChoice,
  checkFence,
  checkLeaseMs,
  checkTitle,
  checkWaitMs,
  invalid,
} from "../check.ts";
import { requireActor, type RoomContext } from "../context.ts";
import { LeaseLostError, NotFoundError } from "../errors.ts";
import { type Instant, instantOf } from "../lease.ts";
import { checkName, LIMITS, quote } from "../name.ts";
import { checkLockPath, type LockPath, refuseNested } from "../path.ts";
import { waitInQueue } from "../wait.ts";
import { LOCK_ARGUMENTS } from "./arguments.ts";
import { HeldLock } from "./held.ts";
import type {
  AcquireOptions,
  BreakOptions,
  CheckOptions,
  HoldOptions,
  LockTarget,
  RenewLockOptions,
  TenureOptions,
} from "./options.ts";
import { heldBy, lost, partOfClaim, refusal } from "./refusal.ts";
import type { AcquireOutcome, Aliases } from "./store.ts";

export type {
  AcquireOptions,
  BreakOptions,
  CheckOptions,
  HoldOptions,
  LockTarget,
  Refusal,
  RenewLockOptions,
  TenureOptions,
} from "./options.ts";

/** Lease length when none is given: 5 minutes. */
export const DEFAULT_LOCK_TTL_MS = 300_000;

/** Locks as one client sees them. */
export class Locks {
  readonly #context: RoomContext;

  /** Used by the client; see {@linkcode CoordinationClient.locks}. */
  constructor(context: RoomContext) {
    this.#context = context;
  }

  /**
   * Takes every path, or none, in one operation. The leases lapse unless the caller renews them;
   * {@linkcode Locks.hold} does that by itself.
   *
   * @returns one lease per distinct path, in the order given.
   * @throws {ConflictError} when somebody holds one of them and `waitMs` is 0; names the holder.
   * @throws {TimeoutError} when `waitMs` ran out.
   * @throws {InvalidArgumentError} for a bad path or option; nothing was written.
   */
  async acquire(
    paths: string | readonly string[],
    options: AcquireOptions = {},
  ): Promise<readonly Lease[]> {
    const { outcome } = await this.#request(paths, options);
    if (outcome.kind === "acquired") return outcome.leases;
    throw refusal(outcome, requireActor(this.#context).name, options);
  }

  /** As {@linkcode Locks.acquire}, but returns the refusal instead of throwing it. */
  async tryAcquire(
    paths: string | readonly string[],
    options: AcquireOptions = {},
  ): Promise<AcquireOutcome> {
    return (await this.#request(paths, options)).outcome;
  }

  /**
   * Acquires, then keeps the leases alive until the returned handle is disposed of.
   *
   * @throws as {@linkcode Locks.acquire}
   */
  async hold(paths: string | readonly string[], options: HoldOptions = {}): Promise<HeldLock> {
    const { ttlMs = DEFAULT_LOCK_TTL_MS, marginMs } = options;
    if (marginMs !== undefined) checkMargin(marginMs, ttlMs);
    const { outcome, sentAt } = await this.#request(paths, options);
    if (outcome.kind !== "acquired") {
      throw refusal(outcome, requireActor(this.#context).name, options);
    }
    return new HeldLock(this, outcome.leases, this.#context, { ttlMs, sentAt, marginMs });
  }

  /**
   * Extends leases of the acting agent: all of these paths, or none.
   *
   * @throws {LeaseLostError} when one of them has ended or the fence is stale; nothing changed.
   * @throws {ConflictError} when it is part of the claim of a task, which is to be renewed instead.
   */
  async renew(
    paths: LockTarget,
    options: RenewLockOptions = {},
  ): Promise<readonly Lease[]> {
    const actor = requireActor(this.#context);
    const { ttlMs } = options;
    const selector = await this.#selector(paths, options);
    const length = ttlMs === undefined ? undefined : checkLeaseMs(ttlMs, "ttlMs");
    const outcome = await (await this.#context.store.locks()).renew(actor, selector, length);
    if ("renewed" in outcome) return outcome.renewed;
    throw lost("renew", actor.name, outcome.lost, options.fence);
  }

  /**
   * Ends leases of the acting agent and lets the next waiters in.
   *
   * @throws {LeaseLostError} when one of them had ended or the fence is stale. The others are released
   * all the same, and listed in `details.released`.
   * @throws {ConflictError} likewise when it is part of the claim of a task, with which it ends.
   */
  async release(
    paths: LockTarget,
    tenure: TenureOptions = {},
  ): Promise<readonly Lease[]> {
    const actor = requireActor(this.#context);
    const selector = await this.#selector(paths, tenure);
    const outcome = await (await this.#context.store.locks()).release(actor, selector);
    if (outcome.lost.length === 0) return outcome.released;
    throw lost("release", actor.name, outcome.lost, tenure.fence, outcome.released);
  }

  /**
   * Ends every lease of the acting agent, 256 per operation, but for those of its tasks, which end with the claims; returns
   * those that were live.
   */
  async releaseAll(): Promise<readonly Lease[]> {
    const actor = requireActor(this.#context);
    return await (await this.#context.store.locks()).releaseAll(actor);
  }

  /**
   * The live lease with this `fence` that covers the path: its own, or one on a directory above it, which
   * keeps everybody else from the path just the same.
   *
   * @throws {LeaseLostError} when there is none: whoever relies on that fence must stop.
   */
  async verify(
    path: string,
    { fence, absolute = false }: { readonly fence: number; readonly absolute?: boolean },
  ): Promise<Lease> {
    const asked = await this.#context.lockPath(path, { absolute });
    const name = asked.path;
    checkFence(fence, "fence");
    const live = await (await this.#context.store.locks()).covering(asked);
    const lease = live.find((candidate) => candidate.fence === fence);
    if (lease !== undefined) return lease;
    const now = live.length === 0 ? "nobody holds it now" : `${heldBy(live[0]!, name)} now`;
    throw new LeaseLostError(`Fence ${fence} of lock ${quote(name)} is not current: ${now}`, {
      path: name,
      fence,
      current: live,
    });
  }

  /**
   * How each path stands for the acting agent: free, its own, or held by whom and until when. It only asks and writes
   * nothing, so the answer may be out of date at once; it is for hooks and people, and never a substitute for
   * acquiring. Without an acting agent nothing is `mine`.
   *
   * @returns one answer per distinct path, in the order given.
   * @throws {InvalidArgumentError} for a bad path or option.
   */
  async check(
    paths: string | readonly string[],
    options: CheckOptions = {},
  ): Promise<readonly LockCheck[]> {
    const { mode = "exclusive", absolute } = options;
    const request = {
      ...await this.#paths(paths, absolute, { nested: true }),
      mode: checkChoice(mode, "mode", ["exclusive", "shared"]),
    };
    const holder = this.#context.actor?.name;
    const leases = await (await this.#context.store.locks()).check(holder, request);
    return request.paths.map((path, index): LockCheck => {
      const lease = leases[index] ?? undefined;
      if (lease === undefined) return { path, state: "free" };
      return { path, state: lease.holder === holder ? "mine" : "held", lease };
    });
  }

  /**
   * A person's override: ends every lease on exactly this path, whoever holds it, and writes that into
   * the audit log. What is locked above or below it stays.
   *
   * @throws {ConflictError} when it is part of a task's claim, which has to be ended instead, as by cancelling the task.
   * @throws {NotFoundError} when nobody holds exactly this path; names the lease that covers it, if any.
   */
  async break(
    path: string,
    { reason, absolute = false }: BreakOptions,
  ): Promise<readonly Lease[]> {
    const actor = requireActor(this.#context);
    const asked = await this.#context.lockPath(path, { absolute });
    const name = asked.path;
    const record = await draftEntry({
      agent: actor.name,
      decisionType: "lock.break",
      context: `lock ${name}`,
      reason: checkBody(reason, "reason", false),
      refs: [name],
    });
    const locks = await this.#context.store.locks();
    const { broken, covering, claimed } = await locks.break(actor, asked, record);
    if (broken.length > 0) return broken;
    if (claimed !== undefined) throw partOfClaim("break", name, claimed);
    const why = covering === undefined
      ? "there is nothing to break"
      : `${heldBy(covering, name)} and covers it: break that`;
    throw new NotFoundError(`Nobody holds lock ${quote(name)}; ${why}`, {
      path: name,
      ...given({ covering }),
    });
  }

  /**
   * Every live lease, by path; with `holder` only that agent's. Of very many, some hundreds per operation: then a lease
   * that changes hands meanwhile is seen as its portion found it.
   */
  async list({ holder }: { readonly holder?: string } = {}): Promise<readonly Lease[]> {
    const name = holder === undefined ? undefined : checkName(holder, "holder");
    return await (await this.#context.store.locks()).list(name);
  }

  /** How many leases are live. */
  async count(): Promise<number> {
    return await (await this.#context.store.locks()).count();
  }

  async #request(
    paths: string | readonly string[],
    options: AcquireOptions,
  ): Promise<{ outcome: AcquireOutcome; sentAt: Instant }> {
    const { clock, store } = this.#context;
    const actor = requireActor(this.#context);
    const waitMs = checkWaitMs(options.waitMs ?? 0, "waitMs");
    const request = {
      ...await this.#paths(paths, options.absolute),
      mode: checkChoice(options.mode ?? "exclusive", "mode", ["exclusive", "shared"]),
      ttlMs: checkLeaseMs(options.ttlMs ?? DEFAULT_LOCK_TTL_MS, "ttlMs"),
      intent: checkTitle(options.intent ?? "", "intent", true),
      reentrant: options.reentrant ?? false,
    };
    await this.#tellDoubts(typeof paths === "string" ? [paths] : paths);
    let sentAt = instantOf(clock);
    const outcome = await waitInQueue<AcquireOutcome>(this.#context, {
      look: async (waiter) => {
        const locks = await store.locks();
        sentAt = instantOf(clock);
        return await locks.acquire(actor, {
          ...request,
          ...(waiter === undefined ? {} : { waiter }),
        });
      },
      until: ({ kind }) => kind === "acquired",
      abandon: async (waiter) => await (await store.locks()).abandon(waiter),
    }, { waitMs, signal: options.signal });
    return { outcome, sentAt };
  }

  async #tellDoubts(paths: readonly string[]): Promise<void> {
    const { doubtsAbout, warn } = this.#context;
    if (doubtsAbout === undefined || warn === undefined) return;
    for (const path of new Set(paths)) (await doubtsAbout(path)).forEach(warn);
  }

  async #paths(
    paths: LockTarget,
    absolute = false,
    { nested = false }: { readonly nested?: boolean } = {},
  ): Promise<{ readonly paths: readonly string[]; readonly aliases?: Aliases }> {
    const list: readonly (string | Lease)[] = typeof paths === "string" ? [paths] : paths;
    if (!Array.isArray(list) || list.length === 0) {
      throw invalid(paths, "paths", "name at least one path");
    }
    if (list.length > LIMITS.batch) {
      throw invalid(list.length, "paths", `use at most ${LIMITS.batch}`);
    }
    const seen = new Set<string>();
    const names: string[] = [];
    const aliases: Record<string, readonly string[]> = {};
    for (const item of list) {
      const name: LockPath = typeof item === "object" && item !== null
        ? nameOfLease(item)
        : await this.#context.lockPath(item, { absolute });
      const all = [name.path, ...name.aliases];
      // One lock under another of its names.
      if (all.some((known) => seen.has(known))) continue;
      all.forEach((known) => seen.add(known));
      names.push(name.path);
      if (name.aliases.length > 0) aliases[name.path] = name.aliases;
    }
    if (!nested) refuseNested(names);
    return Object.keys(aliases).length === 0 ? { paths: names } : { paths: names, aliases };
  }

  async #selector(paths: LockTarget, { fence, absolute }: TenureOptions) {
    return {
      ...await this.#paths(paths, absolute),
      ...(fence === undefined ? {} : { fence: checkFence(fence, "fence") }),
    };
  }
}

checkArguments(Locks, LOCK_ARGUMENTS);

function checkMargin(value: unknown, ttlMs: number): void {
  if (typeof value === "number" && value >= 0 && value < ttlMs) return;
  throw invalid(value, "marginMs", `use 0 ms or more, and less than the ${ttlMs} ms of the lease`);
}

/** A lease names its lock as the store does, whatever the path means to this project now. */
function nameOfLease(lease: Lease): LockPath {
  const { path, fence } = lease;
  if (typeof path === "string" && Number.isSafeInteger(fence)) {
    return { path: checkLockPath(path), aliases: [] };
  }
  throw invalid(lease, "paths", "use paths, or the leases that acquiring them gave");
}

/**
 * Stores with a mistake, on purpose: whoever checks others must find these.
 * @module
 */
import { type AuditDraft, draftEntry } from "../src/audit/entry.ts";
import type { Seen } from "../src/approval/store.ts";
import type { Lease } from "../src/lock/model.ts";
import type { Operations } from "../src/primitives.ts";
import { FailoverStore } from "../src/open/failover/store.ts";
import type { Store } from "../src/store.ts";
import { faultyFailover } from "./faulty_failover.ts";
import { overridden } from "./overridden.ts";

/** One call in so many goes wrong. */
const EVERY = 10;

/** The mistakes there are. Each gives the operations that it changes, over those that are right. */
const FAULTS = {
  /** A lease that was granted is not there when it counts, as when its mirror was not written. */
  mirror_skipped: ({ locks }: Operations) => {
    const isDue = everySo();
    return {
      locks: overridden(locks, {
        acquire: async (actor, request) => {
          const outcome = await locks.acquire(actor, request);
          if (outcome.kind === "acquired" && isDue()) {
            const { fence } = outcome.leases[0]!;
            await locks.release(actor, { paths: request.paths, fence });
          }
          return outcome;
        },
      }),
    };
  },
  /** A fence is given that was given before. */
  fence_reused: ({ locks }: Operations) => {
    const isDue = everySo();
    let last: Lease | undefined;
    return {
      locks: overridden(locks, {
        acquire: async (actor, request) => {
          const outcome = await locks.acquire(actor, request);
          if (outcome.kind !== "acquired") return outcome;
          const fence = last?.fence ?? 0;
          last = outcome.leases[0]!;
          if (fence === 0 || !isDue()) return outcome;
          return { ...outcome, leases: outcome.leases.map((lease) => ({ ...lease, fence })) };
        },
      }),
    };
  },
  /** A write is acknowledged and never arrives. */
  journal_dropped: ({ audit }: Operations) => {
    const isDue = everySo();
    return {
      audit: overridden(audit, {
        append: (actor, draft, key) =>
          isDue()
            ? Promise.resolve({ ...draft, createdAtMs: Date.now(), link: "" })
            : audit.append(actor, draft, key),
      }),
    };
  },
  /** A write is made twice. */
  replay_doubled: ({ audit }: Operations) => {
    const isDue = everySo();
    return {
      audit: overridden(audit, {
        append: async (actor, draft, key) => {
          if (isDue()) await audit.append(actor, await again(draft), undefined);
          return await audit.append(actor, draft, key);
        },
      }),
    };
  },
  /** Whoever waits for a decision goes on seeing what was there when the wait began. */
  waiter_forgotten: ({ approvals }: Operations) => {
    const seen = new Map<string, Seen>();
    return {
      approvals: overridden(approvals, {
        look: async (actor, id, waits) => {
          const first = seen.get(id) ?? await approvals.look(actor, id, waits);
          if (first?.approval.status === "pending") seen.set(id, first);
          return first;
        },
      }),
    };
  },
} satisfies Record<string, (operations: Operations) => Partial<Operations>>;

/** A mistake that a store can be given. */
export type PlantedFault = keyof typeof FAULTS;

/** All of them. */
export const PLANTED_FAULTS = Object.keys(FAULTS) as readonly PlantedFault[];

/** `store` with this mistake in it: where a directory stands in for it, in how it changes between the two. */
export async function faulty(store: Store, fault: PlantedFault): Promise<Store> {
  if (store instanceof FailoverStore) return faultyFailover(store, fault);
  const operations = {
    locks: await store.locks(),
    approvals: await store.approvals(),
    audit: await store.audit(),
  } as Operations;
  const changed: Partial<Operations> = FAULTS[fault](operations);
  const openers = Object.entries(changed).map(([name, one]) => [name, () => Promise.resolve(one)]);
  return overridden(store, Object.fromEntries(openers));
}

/** Says at every tenth call that it is time. */
function everySo(): () => boolean {
  let calls = 0;
  return () => ++calls % EVERY === 0;
}

/** The same content under another identifier. */
function again({ agent, decisionType, context, reason, refs }: AuditDraft): Promise<AuditDraft> {
  return draftEntry({ agent, decisionType, context, reason, refs });
}

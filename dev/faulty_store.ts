/**
 * Mistakes that tests put into the failover store on purpose, to see that the judge of a fault campaign finds them. Each
 * replaces a method of the class in this test's process, so the program has no switch that could turn one on.
 * @module
 */
import { draftEntry } from "../src/audit/entry.ts";
import { DirectoryAuditTransfer } from "../src/audit/directory/transfer.ts";
import { RedisAuditTransfer } from "../src/audit/redis/transfer.ts";
import { sleep } from "../src/clock.ts";
import { OpenTransaction } from "../src/engine/directory/operation.ts";
import type { Waker } from "../src/engine/waker.ts";
import { Mirror } from "../src/open/failover/mirror.ts";
import { FailoverStore } from "../src/open/failover/store.ts";
import type { Store } from "../src/store.ts";

/** How long a waiter is forgotten: longer than anybody may be. */
const FORGOTTEN_MS = 20_000;

/** What each does to the classes, or gives of the store instead of what it has. */
const FAULTS = {
  /** The leases that Redis grants are not noted. */
  mirror_skipped: () => {
    const { append } = Mirror.prototype;
    Mirror.prototype.append = function (...lines) {
      append.apply(this, lines.filter(({ op }) => op !== "lease"));
    };
    return {};
  },
  /** The directory that takes over goes on giving the greatest fence that Redis has given. */
  fence_reused: () => {
    const { startAbove, nextFence } = OpenTransaction.prototype;
    let [last, calls] = [0, 0];
    OpenTransaction.prototype.startAbove = function (known) {
      last = Math.max(last, known.fence);
      startAbove.call(this, known);
    };
    OpenTransaction.prototype.nextFence = function () {
      return last > 0 && calls++ % 3 === 0 ? last : nextFence.call(this);
    };
    return {};
  },
  /** The first entry of each portion that fails back is taken out of the journal without being moved. */
  journal_dropped: () => {
    const { changed } = DirectoryAuditTransfer.prototype;
    DirectoryAuditTransfer.prototype.changed = async function (limit) {
      const portion = await changed.call(this, limit);
      return { ...portion, records: portion.records.slice(1) };
    };
    return {};
  },
  /** The first entry of each portion is moved twice, the second time under another identifier. */
  replay_doubled: () => {
    const { take } = RedisAuditTransfer.prototype;
    RedisAuditTransfer.prototype.take = async function (records) {
      const conflicts = await take.call(this, records);
      if (records.length === 0) return conflicts;
      const { entry } = records[0]!;
      const { agent, decisionType, context, reason, refs } = entry;
      const again = await draftEntry({ agent, decisionType, context, reason, refs });
      await take.call(this, [{ entry: { ...entry, ...again } }]);
      return conflicts;
    };
    return {};
  },
  /** Nobody tells those who wait that another store has the authority. */
  waiter_forgotten: (store: FailoverStore) => ({
    waker: async (): Promise<Waker> => {
      const waker = await store.waker();
      const { epoch } = await store.authority();
      return {
        id: waker.id,
        get wakes() {
          return waker.wakes;
        },
        wait: async (seen, ms, signal) => {
          await waker.wait(seen, ms, signal);
          if ((await store.authority()).epoch !== epoch) await sleep(FORGOTTEN_MS, signal);
        },
      };
    },
  }),
} satisfies Record<string, (store: FailoverStore) => Partial<FailoverStore>>;

/** A mistake that a store can be given. */
export type PlantedFault = keyof typeof FAULTS;

/** All of them. */
export const PLANTED_FAULTS = Object.keys(FAULTS) as readonly PlantedFault[];

/**
 * `store` with this mistake in it; where it is one of a class, all others of this process have it, too. Throws unless a
 * directory stands in for it.
 */
export function faulty(store: Store, fault: PlantedFault): Store {
  if (!(store instanceof FailoverStore)) {
    throw new TypeError(
      `A mistake can be planted only where a directory stands in for a server, not in ${store.location}`,
    );
  }
  const changed: Partial<FailoverStore> = FAULTS[fault](store);
  return new Proxy(store, {
    get: (target, name) => {
      if (name in changed) return changed[name as keyof FailoverStore];
      // What has private fields runs on the store itself.
      const value = target[name as keyof FailoverStore];
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/**
 * The mistakes of {@linkcode PLANTED_FAULTS} in the very parts of a store for which a directory stands in. They are put
 * into the classes of this process from outside, so the program has no switch that could turn one on.
 * @module
 */
import { draftEntry } from "../src/audit/entry.ts";
import { DirectoryAuditTransfer } from "../src/audit/directory/transfer.ts";
import { RedisAuditTransfer } from "../src/audit/redis/transfer.ts";
import { sleep } from "../src/clock.ts";
import { OpenTransaction } from "../src/engine/directory/operation.ts";
import type { Waker } from "../src/engine/waker.ts";
import { Mirror } from "../src/open/failover/mirror.ts";
import type { FailoverStore } from "../src/open/failover/store.ts";
import type { PlantedFault } from "./faulty_store.ts";
import { overridden } from "./overridden.ts";

/** How long a waiter is forgotten: longer than anybody may be. */
const FORGOTTEN_MS = 20_000;

/** What each does to the classes, or gives of the store instead of what it has. */
const FAULTS: Record<PlantedFault, (store: FailoverStore) => Partial<FailoverStore>> = {
  /** Every other lease that Redis grants is not noted. */
  mirror_skipped: () => {
    const { append } = Mirror.prototype;
    let leases = 0;
    Mirror.prototype.append = function (line) {
      if (line.op !== "lease" || ++leases % 2 === 0) append.call(this, line);
    };
    return {};
  },
  /** The directory that takes over begins with the greatest fence that Redis has given. */
  fence_reused: () => {
    const { startAbove, nextFence } = OpenTransaction.prototype;
    let last = 0;
    OpenTransaction.prototype.startAbove = function (known) {
      last = Math.max(last, known.fence);
      startAbove.call(this, known);
    };
    OpenTransaction.prototype.nextFence = function () {
      const fence = last || nextFence.call(this);
      last = 0;
      return fence;
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
  waiter_forgotten: (store) => ({
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
};

/** `store` with this mistake in it; where it is one of a class, all others of this process have it, too. */
export function faultyFailover(store: FailoverStore, fault: PlantedFault): FailoverStore {
  return overridden(store, FAULTS[fault](store));
}

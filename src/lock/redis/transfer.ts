/**
 * Locks on their way into Redis; see take.lua.
 * @module
 */
import { writeInPortions } from "../../engine/redis/portions.ts";
import { script } from "../../engine/redis/script.ts";
import type { ScriptRunner } from "../../engine/redis/script_runner.ts";
import type { Target, TransferConflict } from "../../transfer.ts";
import {
  type ConflictingLease,
  leaseConflict,
  type LeaseRecord,
  type LockRecord,
  type TakeLocksOptions,
} from "../transfer.ts";

const TAKE = script("lock/take");
const LIVE = script("lock/live");

/** How many records one operation takes over: some milliseconds of the server. */
const TAKEN_AT_ONCE = 100;

/** The locks of a namespace. */
export class RedisLockTransfer implements Target<LockRecord> {
  readonly #runner: ScriptRunner;
  readonly #keepOthers: boolean;

  /** Uses the runner's connection and namespace. */
  constructor(runner: ScriptRunner, { keepOthers = false }: TakeLocksOptions = {}) {
    this.#runner = runner;
    this.#keepOthers = keepOthers;
  }

  /** Some of the leases that are live, in the order in which they lapse. */
  async live(from: number, count: number): Promise<readonly Pick<LeaseRecord, "path" | "fence">[]> {
    const members = await this.#runner.read(LIVE, from, count) as readonly string[];
    return members.map((member) => {
      const [path, fence] = member.split("\0") as [string, string];
      return { path, fence: Number(fence) };
    });
  }

  async take(records: readonly LockRecord[]): Promise<readonly TransferConflict[]> {
    const refusals = await writeInPortions<LockRecord, LeaseRefusal>(this.#runner, TAKE, records, {
      atOnce: TAKEN_AT_ONCE,
      head: [this.#keepOthers ? 1 : 0],
      argumentsOf: (record) => [JSON.stringify(record)],
    });
    return refusals.map(lockConflict);
  }
}

/** What take.lua answers of two leases that kept each other out. */
export type LeaseRefusal = readonly [kept: ConflictingLease, ended: ConflictingLease];

/** The conflict that this tells of. */
export function lockConflict([kept, ended]: LeaseRefusal): TransferConflict {
  return leaseConflict(kept, ended);
}

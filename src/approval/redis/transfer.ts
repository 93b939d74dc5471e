/**
 * Approvals on their way into Redis; see take.lua.
 * @module
 */
import { writeInPortions } from "../../engine/redis/portions.ts";
import { script } from "../../engine/redis/script.ts";
import type { ScriptRunner } from "../../engine/redis/script_runner.ts";
import type { Target, TransferConflict } from "../../transfer.ts";
import type { ApprovalRecord } from "../transfer.ts";
import { headOf } from "./head.ts";

const TAKE = script("approval/take");

/** How many approvals one operation takes over: a few milliseconds of the server. */
const TAKEN_AT_ONCE = 100;

/** The approvals of a namespace. */
export class RedisApprovalTransfer implements Target<ApprovalRecord> {
  readonly #runner: ScriptRunner;

  /** Uses the runner's connection and namespace. */
  constructor(runner: ScriptRunner) {
    this.#runner = runner;
  }

  async take(records: readonly ApprovalRecord[]): Promise<readonly TransferConflict[]> {
    const refusals = await writeInPortions<ApprovalRecord, ApprovalRefusal>(
      this.#runner,
      TAKE,
      records,
      { atOnce: TAKEN_AT_ONCE, argumentsOf },
    );
    return refusals.map(approvalConflict);
  }
}

/** What take.lua answers of an approval that was not taken over as told. */
export type ApprovalRefusal = readonly [id: string, kind: "key" | "decided" | "used", more: string];

/** The conflict that this tells of. */
export function approvalConflict([id, kind, more]: ApprovalRefusal): TransferConflict {
  const outcomes = {
    key: `taken over without its idempotency key, which ${more} has`,
    decided: `it stays ${more}: that was decided in Redis meanwhile`,
    used: `it was used in Redis meanwhile, too`,
  };
  return { kind: "approval", subject: id, outcome: outcomes[kind] };
}

function argumentsOf(record: ApprovalRecord): (string | number)[] {
  if ("removed" in record) return ["removed", record.removed];
  const { approvers, decidedBy, decidedAtMs, comment } = record;
  const decision = JSON.stringify({ decidedBy, decidedAtMs, comment }).slice(1, -1);
  return [
    "moved",
    record.id,
    record.key ?? "",
    record.status,
    record.requestedBy,
    record.createdAtMs,
    record.expiresAtMs,
    record.usedAtMs ?? "",
    record.digest ?? "",
    approvers === undefined ? "" : JSON.stringify(approvers),
    headOf(record),
    decision === "" ? "" : `,${decision}`,
  ];
}

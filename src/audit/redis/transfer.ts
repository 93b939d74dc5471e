/**
 * Entries of the audit log on their way into Redis; see take.lua.
 * @module
 */
import { writeInPortions } from "../../engine/redis/portions.ts";
import { script } from "../../engine/redis/script.ts";
import type { ScriptRunner } from "../../engine/redis/script_runner.ts";
import type { Target, TransferConflict } from "../../transfer.ts";
import { type AuditRecord, keyConflict } from "../transfer.ts";
import { auditArguments } from "./draft.ts";

const TAKE = script("audit/take");

/** How many entries one operation takes over: a few milliseconds of the server. */
const TAKEN_AT_ONCE = 100;

/** The audit log of a namespace. */
export class RedisAuditTransfer implements Target<AuditRecord> {
  readonly #runner: ScriptRunner;

  /** Uses the runner's connection and namespace. */
  constructor(runner: ScriptRunner) {
    this.#runner = runner;
  }

  async take(records: readonly AuditRecord[]): Promise<readonly TransferConflict[]> {
    const ids = await writeInPortions<AuditRecord, string>(this.#runner, TAKE, records, {
      atOnce: TAKEN_AT_ONCE,
      argumentsOf: ({ entry, key }) => [entry.createdAtMs, ...auditArguments(entry, key)],
    });
    return ids.map(keyConflict);
  }
}

/**
 * The operations on approvals, on the directory engine.
 * @module
 */
import { printable } from "../../name.ts";
import { emit, listen, notify } from "../../event/directory/append.ts";
import type { PrunedPortion, PrunePortion } from "../../prune.ts";
import type { Actor } from "../../engine/actor.ts";
import { boundedRows } from "../../engine/directory/bounded_rows.ts";
import type { Engine, Reader, Transaction } from "../../engine/directory/transaction.ts";
import {
  type Approval,
  type ApprovalCounts,
  APPROVALS_EXPIRED_AT_ONCE,
  APPROVALS_PRUNED_AT_ONCE,
  type ApprovalStatus,
} from "../model.ts";
import type {
  ApprovalDraft,
  ApprovalList,
  ApprovalQuery,
  ApprovalStore,
  DecideOutcome,
  Decision,
  Seen,
  UseOutcome,
} from "../store.ts";
import { DamagedRowError, parseRowTexts } from "../../engine/directory/row_json.ts";

/** A row of the table; its key is nobody's to see. */
export interface ApprovalRow {
  seq: number;
  id: string;
  action_type: string;
  description: string;
  digest: string | null;
  approvers: string | null;
  requested_by: string;
  status: ApprovalStatus;
  decided_by: string | null;
  decided_at_ms: number | null;
  comment: string | null;
  created_at_ms: number;
  expires_at_ms: number;
  used_at_ms: number | null;
}

/** {@linkcode ApprovalStore} on a directory. */
export class DirectoryApprovals implements ApprovalStore {
  readonly #engine: Engine;

  /** Uses the engine's transactions. */
  constructor(engine: Engine) {
    this.#engine = engine;
  }

  request(actor: Actor, draft: ApprovalDraft): Promise<Approval> {
    return this.#engine.write(actor, (tx) => {
      const known = tx.get<ApprovalRow>(
        "SELECT * FROM approvals WHERE id = ? UNION ALL SELECT * FROM approvals WHERE key = ?",
        draft.id,
        draft.key ?? null,
      );
      if (known !== undefined) return toApproval(known, tx.nowMs);
      sweepExpired(tx);
      tx.run(
        `INSERT INTO approvals (id, key, action_type, description, digest, approvers, requested_by,
           status, created_at_ms, expires_at_ms)
         VALUES (?, ?, ?, ?, ?, ?, ?, 'pending', ?, ?)`,
        draft.id,
        draft.key ?? null,
        draft.actionType,
        draft.description,
        draft.digest ?? null,
        draft.approvers === undefined ? null : JSON.stringify(draft.approvers),
        actor.name,
        tx.nowMs,
        tx.nowMs + draft.timeoutMs,
      );
      tx.count("approvals:pending", 1);
      emit(tx, "approval.requested", draft.id, actor.name, { actionType: draft.actionType });
      return toApproval(find(tx, draft.id)!, tx.nowMs);
    });
  }

  async look(actor: Actor | undefined, id: string, waits: boolean): Promise<Seen | undefined> {
    const waker = waits ? await this.#engine.waker() : undefined;
    return await this.#engine.write(actor, (tx) => {
      const row = find(tx, id);
      if (row === undefined) return undefined;
      const approval = toApproval(row, tx.nowMs);
      if (approval.status === "pending" && waker !== undefined) listen(tx, topicOf(id), waker.id);
      if (row.status !== approval.status) expire(tx, row);
      return { approval, nowMs: tx.nowMs };
    });
  }

  decide(actor: Actor, { id, status, comment }: Decision): Promise<DecideOutcome> {
    return this.#engine.writeFreeing(actor, (tx) => {
      const row = find(tx, id);
      if (row === undefined) return { kind: "not_found" };
      const seen = { approval: toApproval(row, tx.nowMs), nowMs: tx.nowMs };
      const { requestedBy, approvers } = seen.approval;
      if (requestedBy === actor.name) return { kind: "own", ...seen };
      if (approvers?.includes(actor.name) === false) return { kind: "not_approver", ...seen };
      sweepExpired(tx);
      if (seen.approval.status !== "pending") return { kind: "closed", ...seen };
      tx.run(
        `UPDATE approvals SET status = ?, decided_by = ?, decided_at_ms = ?, comment = ?
         WHERE seq = ?`,
        status,
        actor.name,
        tx.nowMs,
        comment ?? null,
        row.seq,
      );
      move(tx, id, status, actor.name, { requestedBy });
      return { kind: "decided", approval: toApproval(find(tx, id)!, tx.nowMs) };
    });
  }

  use(actor: Actor, id: string, digest: string | undefined): Promise<UseOutcome> {
    return this.#engine.writeFreeing(actor, (tx) => {
      const row = find(tx, id);
      if (row === undefined) return { kind: "not_found" };
      const seen = { approval: toApproval(row, tx.nowMs), nowMs: tx.nowMs };
      const { requestedBy, status, usedAtMs } = seen.approval;
      if (requestedBy !== actor.name) return { kind: "not_requester", ...seen };
      if (status !== "approved") return { kind: "not_approved", ...seen };
      if (seen.approval.digest !== digest) return { kind: "other_digest", ...seen };
      if (usedAtMs !== undefined) return { kind: "used_before", ...seen };
      tx.run("UPDATE approvals SET used_at_ms = ? WHERE seq = ?", tx.nowMs, row.seq);
      emit(tx, "approval.used", id, actor.name);
      return { kind: "used", approval: { ...seen.approval, usedAtMs: tx.nowMs } };
    });
  }

  prune(actor: Actor, { olderThanMs, after, dryRun }: PrunePortion): Promise<PrunedPortion> {
    return this.#engine.writeFreeing(actor, (tx) => {
      sweepExpired(tx);
      const beforeMs = tx.nowMs - olderThanMs;
      const rows = tx.all<ApprovalRow>(
        "SELECT * FROM approvals WHERE seq > ? ORDER BY seq LIMIT ? + 0",
        after,
        APPROVALS_PRUNED_AT_ONCE,
      );
      // Later ones were asked for later, and so came to an end later, too.
      const older = rows.filter((row) => row.created_at_ms < beforeMs);
      const ended = older.filter((row) => row.status !== "pending" && endedAtMs(row) < beforeMs);
      for (const [status, group] of Map.groupBy(dryRun ? [] : ended, (row) => row.status)) {
        for (const { seq } of group) tx.run("DELETE FROM approvals WHERE seq = ?", seq);
        tx.count(`approvals:${status}`, -group.length);
        emit(tx, "approval.pruned", status, actor.name, { count: group.length, olderThanMs });
      }
      const goesOn = rows.length === APPROVALS_PRUNED_AT_ONCE && older.length === rows.length;
      return { pruned: ended.length, ...(goesOn ? { next: rows.at(-1)!.seq } : {}) };
    });
  }

  get(id: string): Promise<Approval | undefined> {
    return this.#engine.read((reader) => {
      const row = find(reader, id);
      return row && toApproval(row, reader.nowMs);
    });
  }

  async list(
    { status, requestedBy, before, limit }: ApprovalQuery,
  ): Promise<ApprovalList | undefined> {
    const approvals: Approval[] = [];
    let below: number | undefined;
    for (;;) {
      const part = await this.#engine.read((reader) => {
        const { nowMs } = reader;
        const end = below ??
          (before === undefined ? Number.MAX_SAFE_INTEGER : find(reader, before)?.seq);
        if (end === undefined) return undefined;
        const sql = `${rangesOf(status, requestedBy)} ORDER BY seq DESC LIMIT ?4 + 0`;
        const { rows, cut } = boundedRows<ApprovalRow>(
          limit + 1 - approvals.length,
          (behind, most) => reader.all(sql, behind?.seq ?? end, nowMs, requestedBy ?? null, most),
          charsOf,
        );
        approvals.push(...rows.map((row) => toApproval(row, nowMs)));
        below = rows.at(-1)?.seq;
        return { cut };
      });
      if (part === undefined) return undefined;
      if (part.cut) continue;
      return { approvals: approvals.slice(0, limit), more: approvals.length > limit };
    }
  }

  counts(): Promise<ApprovalCounts> {
    return this.#engine.read((reader) => {
      const count = (status: ApprovalStatus) => reader.counts[`approvals:${status}`] ?? 0;
      const lapsed = reader.get<{ n: number }>(
        `SELECT COUNT(*) AS n ${LAPSED}`,
        reader.nowMs,
      )!.n;
      return {
        pending: count("pending") - lapsed,
        approved: count("approved"),
        rejected: count("rejected"),
        expired: count("expired") + lapsed,
      };
    });
  }
}

/** When an approval came to an end that lasts: decided, used, or past its time. */
function endedAtMs(row: ApprovalRow): number {
  return Math.max(row.decided_at_ms ?? row.expires_at_ms, row.used_at_ms ?? 0);
}

/** Pending by what is written, expired by the clock. The planner would rather look at all pending ones. */
const LAPSED =
  "FROM approvals INDEXED BY approvals_pending WHERE status = 'pending' AND expires_at_ms <= ?";

/** Which rows have a status now; `?2` is the clock. Each condition is one range of an index. */
const CONDITIONS: Readonly<Record<ApprovalStatus, readonly string[]>> = {
  pending: ["status = 'pending' AND expires_at_ms > ?2"],
  approved: ["status = 'approved'"],
  rejected: ["status = 'rejected'"],
  expired: ["status = 'expired'", "status = 'pending' AND expires_at_ms <= ?2"],
};
const ALL_STATUSES = Object.keys(CONDITIONS) as ApprovalStatus[];

/** The rows of a list as ranges of an index, which the engine merges as it goes. */
function rangesOf(status: ApprovalStatus | undefined, requestedBy: string | undefined): string {
  const all = "SELECT * FROM approvals WHERE seq < ?1";
  if (status === undefined && requestedBy === undefined) return all;
  const statuses = status === undefined ? ALL_STATUSES : [status];
  const by = requestedBy === undefined ? "" : " AND requested_by = ?3";
  return statuses.flatMap((one) => CONDITIONS[one]).map((range) => `${all}${by} AND ${range}`)
    .join(" UNION ALL ");
}

/** How long its texts are. */
export function charsOf({ description, approvers, comment }: ApprovalRow): number {
  return description.length + (approvers?.length ?? 0) + (comment?.length ?? 0);
}

function topicOf(id: string): string {
  return `approval:${id}`;
}

function find(reader: Reader, id: string): ApprovalRow | undefined {
  return reader.get<ApprovalRow>("SELECT * FROM approvals WHERE id = ?", id);
}

/** Writes off the requests that lapsed longest ago. */
function sweepExpired(tx: Transaction): void {
  const rows = tx.all<ApprovalRow>(
    `SELECT * ${LAPSED} ORDER BY expires_at_ms LIMIT ${APPROVALS_EXPIRED_AT_ONCE}`,
    tx.nowMs,
  );
  for (const row of rows) expire(tx, row);
}

function expire(tx: Transaction, { seq, id, requested_by: requestedBy }: ApprovalRow): void {
  tx.run("UPDATE approvals SET status = 'expired' WHERE seq = ?", seq);
  move(tx, id, "expired", undefined, { requestedBy });
}

/** What goes with every way out of `pending`. */
function move(
  tx: Transaction,
  id: string,
  to: Exclude<ApprovalStatus, "pending">,
  by: string | undefined,
  data: Readonly<Record<string, unknown>>,
): void {
  tx.count("approvals:pending", -1);
  tx.count(`approvals:${to}`, 1);
  emit(tx, `approval.${to}`, id, by, data);
  notify(tx, topicOf(id));
}

/** The approval as it is at this instant. */
export function toApproval(row: ApprovalRow, nowMs: number): Approval {
  if (!ALL_STATUSES.includes(row.status)) {
    throw new DamagedRowError(`approval ${row.id} has the status ${printable(row.status, 40)}`);
  }
  const lapsed = row.status === "pending" && row.expires_at_ms <= nowMs;
  const optional = {
    digest: row.digest,
    approvers: row.approvers === null ? null : parseRowTexts(row.approvers, `approval ${row.id}`),
    decidedBy: row.decided_by,
    decidedAtMs: row.decided_at_ms,
    comment: row.comment,
    usedAtMs: row.used_at_ms,
  };
  return {
    id: row.id,
    actionType: row.action_type,
    description: row.description,
    requestedBy: row.requested_by,
    status: lapsed ? "expired" : row.status,
    createdAtMs: row.created_at_ms,
    expiresAtMs: row.expires_at_ms,
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== null)),
  };
}

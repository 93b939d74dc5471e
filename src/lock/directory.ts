/**
 * The steps on locks, on the directory engine.
 *
 * A lease is live while `expires_at_ms` is ahead of the step's clock; rows behind it count for nothing and
 * are swept by later steps.
 *
 * The queue: a request is granted when no live lease and no earlier live waiter conflicts with it. Whoever
 * ends a lease calls the first waiters that it may free, by their bells. A called waiter that does
 * not come within {@linkcode CALL_MS}, or any waiter not seen for {@linkcode SILENCE_MS}, no longer stands
 * in anybody's way.
 * @module
 */
import type { AuditDraft } from "../audit/entry.ts";
import { isDirectoryPath, lockPathAncestors, pathsConflict } from "../path.ts";
import { emit } from "../event/append.ts";
import type { Actor, Engine, Reader, Transaction } from "../store/transaction.ts";
import type { Lease, LockMode } from "./lock.ts";
import type { AcquireOutcome, AcquireRequest, Blocker, LeaseSelector, LockStore } from "./store.ts";

/** How long a called waiter has the right to be first. */
const CALL_MS = 250;
/** A waiter looks at the store every second; unseen for this long it is dead or frozen. */
const SILENCE_MS = 5000;
/** Expired leases swept by one step. */
const SWEEP = 32;
/** Waiters looked at when a lease ends. */
const CALLS = 64;

interface LockRow {
  path: string;
  fence: number;
  holder: string;
  mode: LockMode;
  intent: string;
  ttl_ms: number;
  acquired_at_ms: number;
  expires_at_ms: number;
}

interface WaiterRow {
  seq: number;
  id: string;
  agent: string;
  mode: LockMode;
  paths: string;
  bell: string;
  seen_at_ms: number;
  called_at_ms: number | null;
}

/** {@linkcode LockStore} on a directory. */
export class DirectoryLocks implements LockStore {
  readonly #engine: Engine;

  /** Uses the engine's transactions. */
  constructor(engine: Engine) {
    this.#engine = engine;
  }

  acquire(actor: Actor, request: AcquireRequest): Promise<AcquireOutcome> {
    return this.#engine.write(actor, (tx) => {
      sweepExpired(tx);
      const place = request.waiter && findWaiter(tx, request.waiter.id);
      const blocker = findBlocker(tx, actor.name, request, place?.seq ?? Infinity);
      if (blocker === undefined) {
        if (place !== undefined) removeWaiter(tx, place.seq);
        return { kind: "acquired", leases: grant(tx, actor, request) };
      }
      if (request.waiter !== undefined) queue(tx, actor, request, request.waiter, place);
      return { kind: "held", blocker, nowMs: tx.nowMs, retryInMs: retryIn(tx, blocker) };
    });
  }

  abandon(waiterId: string): Promise<void> {
    return this.#engine.write(undefined, (tx) => {
      const place = findWaiter(tx, waiterId);
      if (place === undefined) return;
      removeWaiter(tx, place.seq);
      callWaiters(tx, JSON.parse(place.paths));
    });
  }

  renew(
    actor: Actor,
    selector: LeaseSelector,
    ttlMs: number | undefined,
  ): ReturnType<LockStore["renew"]> {
    return this.#engine.write(actor, (tx) => {
      const { held, lost } = select(tx, actor, selector);
      if (lost.length > 0) return { lost };
      const renewed = held.map((row) => extend(tx, row, ttlMs ?? row.ttl_ms));
      return { renewed };
    });
  }

  release(actor: Actor, selector: LeaseSelector): ReturnType<LockStore["release"]> {
    return this.#engine.write(actor, (tx) => {
      const { held, lost } = select(tx, actor, selector);
      return { released: end(tx, held, "lock.released", actor.name), lost };
    });
  }

  releaseAll(actor: Actor): Promise<readonly Lease[]> {
    return this.#engine.write(actor, (tx) => releaseEverything(tx, actor.name));
  }

  current(path: string): Promise<readonly Lease[]> {
    return this.#engine.read((reader) => liveOn(reader, [path]).map(toLease));
  }

  async break(actor: Actor, path: string, record: AuditDraft): Promise<readonly Lease[]> {
    const { appendAudit } = await import("../audit/append.ts");
    return this.#engine.write(actor, (tx) => {
      const rows = liveOn(tx, [path]);
      if (rows.length > 0) appendAudit(tx, record);
      return end(tx, rows, "lock.broken", actor.name, { reason: record.reason });
    });
  }

  list(holder?: string): Promise<readonly Lease[]> {
    return this.#engine.read((reader) => {
      const rows = holder === undefined
        ? reader.all<LockRow>(
          "SELECT * FROM locks WHERE expires_at_ms > ? ORDER BY path, fence",
          reader.nowMs,
        )
        : reader.all<LockRow>(
          "SELECT * FROM locks WHERE holder = ? AND expires_at_ms > ? ORDER BY path, fence",
          holder,
          reader.nowMs,
        );
      return rows.map(toLease);
    });
  }
}

function toLease(row: LockRow): Lease {
  return {
    path: row.path,
    mode: row.mode,
    holder: row.holder,
    fence: row.fence,
    intent: row.intent,
    acquiredAtMs: row.acquired_at_ms,
    expiresAtMs: row.expires_at_ms,
  };
}

/** Grants every path under one new fence; what the actor holds already keeps its own. */
function grant(tx: Transaction, actor: Actor, request: AcquireRequest): Lease[] {
  const { paths, mode, intent, ttlMs } = request;
  const own = liveOn(tx, paths).filter((row) => row.holder === actor.name);
  let fence: number | undefined;
  const leases = paths.map((path) => {
    const mine = own.find((row) => row.path === path);
    if (mine !== undefined) return extend(tx, mine, ttlMs);
    fence ??= tx.nextFence();
    const lease = {
      path,
      mode,
      holder: actor.name,
      fence,
      intent,
      acquiredAtMs: tx.nowMs,
      expiresAtMs: tx.nowMs + ttlMs,
    };
    tx.run(
      `INSERT INTO locks (path, fence, holder, mode, intent, ttl_ms, acquired_at_ms, expires_at_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      path,
      fence,
      lease.holder,
      mode,
      intent,
      ttlMs,
      lease.acquiredAtMs,
      lease.expiresAtMs,
    );
    emit(tx, "lock.acquired", path, actor.name, { fence, mode });
    return lease;
  });
  tx.count("locks", leases.length - own.length);
  // Other readers that queued behind the same writer may come in together.
  if (mode === "shared") callWaiters(tx, paths);
  return leases;
}

function extend(tx: Transaction, row: LockRow, ttlMs: number): Lease {
  const expiresAtMs = Math.max(row.expires_at_ms, tx.nowMs + ttlMs);
  tx.run(
    "UPDATE locks SET ttl_ms = ?, expires_at_ms = ? WHERE path = ? AND fence = ?",
    ttlMs,
    expiresAtMs,
    row.path,
    row.fence,
  );
  return toLease({ ...row, expires_at_ms: expiresAtMs });
}

/** Ends these leases and calls whoever they kept waiting. */
function end(
  tx: Transaction,
  rows: readonly LockRow[],
  type: "lock.released" | "lock.expired" | "lock.broken",
  by: string,
  data?: Readonly<Record<string, unknown>>,
): Lease[] {
  if (rows.length === 0) return [];
  for (const row of rows) {
    tx.run("DELETE FROM locks WHERE path = ? AND fence = ?", row.path, row.fence);
    emit(tx, type, row.path, by, { fence: row.fence, ...data });
  }
  tx.count("locks", -rows.length);
  callWaiters(tx, rows.map((row) => row.path));
  return rows.map(toLease);
}

/** Ends every lease of an agent that leaves. */
export function releaseEverything(tx: Transaction, holder: string): Lease[] {
  const rows = tx.all<LockRow>(
    "SELECT * FROM locks WHERE holder = ? AND expires_at_ms > ?",
    holder,
    tx.nowMs,
  );
  return end(tx, rows, "lock.released", holder);
}

function sweepExpired(tx: Transaction): void {
  const rows = tx.all<LockRow>(
    `SELECT * FROM locks WHERE expires_at_ms <= ? ORDER BY expires_at_ms LIMIT ${SWEEP}`,
    tx.nowMs,
  );
  for (const row of rows) end(tx, [row], "lock.expired", row.holder);
}

function liveOn(reader: Reader, paths: readonly string[]): LockRow[] {
  return reader.all<LockRow>(
    `SELECT * FROM locks WHERE path IN (${
      marks(paths)
    }) AND expires_at_ms > ? ORDER BY path, fence`,
    ...paths,
    reader.nowMs,
  );
}

function marks(values: readonly unknown[]): string {
  return values.map(() => "?").join(", ");
}

/** The actor's live leases that `selector` means, and the paths on which it has none such. */
function select(reader: Reader, actor: Actor, { paths, fence }: LeaseSelector) {
  const live = liveOn(reader, paths);
  const held: LockRow[] = [];
  const lost: { path: string; current: Lease | undefined }[] = [];
  for (const path of paths) {
    const here = live.filter((row) => row.path === path);
    const mine = here.filter((row) =>
      row.holder === actor.name && (fence === undefined || row.fence === fence)
    );
    held.push(...mine);
    if (mine.length === 0) lost.push({ path, current: here[0] && toLease(here[0]) });
  }
  return { held, lost };
}

/**
 * The rows of `table` whose path may conflict with `path`: itself, its twin with or without the slash, the
 * directories above it and, for a directory, everything below it.
 */
function overlapping<Row extends { path: string }>(
  reader: Reader,
  table: "locks" | "lock_waiter_paths",
  path: string,
): Row[] {
  const twin = isDirectoryPath(path) ? path.slice(0, -1) : `${path}/`;
  const names = [path, twin, ...lockPathAncestors(path)];
  const rows = reader.all<Row>(`SELECT * FROM ${table} WHERE path IN (${marks(names)})`, ...names);
  if (!isDirectoryPath(path)) return rows;
  // "0" is the character after "/": the range holds exactly the paths that start with `path`. The
  // project's own root has no such prefix, so there the whole table is the range.
  const below = path === "./"
    ? reader.all<Row>(`SELECT * FROM ${table} WHERE path <> ?`, path)
    : reader.all<Row>(`SELECT * FROM ${table} WHERE path > ? AND path < ?`, path, `${twin}0`);
  return [...rows, ...below.filter((row) => pathsConflict(row.path, path))];
}

function modesConflict(a: LockMode, b: LockMode): boolean {
  return a === "exclusive" || b === "exclusive";
}

/** What keeps the request from being granted: a live lease, or a waiter that came before `before`. */
function findBlocker(
  tx: Transaction,
  actor: string,
  { paths, mode, reentrant }: AcquireRequest,
  before: number,
): Blocker | undefined {
  for (const path of paths) {
    for (const row of overlapping<LockRow>(tx, "locks", path)) {
      if (row.expires_at_ms <= tx.nowMs) continue;
      const own = row.holder === actor;
      // One's own shared lease cannot quietly become an exclusive one: other readers may be inside.
      if (own && reentrant && (row.mode === "exclusive" || mode === "shared")) continue;
      if (own || modesConflict(row.mode, mode)) return { kind: "lease", lease: toLease(row) };
    }
  }
  const waiting = (tx.counts.lock_waiters ?? 0) > 0;
  for (const path of waiting ? paths : []) {
    for (const waiter of waitersOn(tx, path)) {
      const ahead = waiter.seq < before && standsInLine(waiter, tx.nowMs);
      if (ahead && modesConflict(waiter.mode, mode)) {
        return { kind: "waiter", path, holder: waiter.agent };
      }
    }
  }
  return undefined;
}

/** When, at the latest, the blocker may be gone without anybody ringing for it. */
function retryIn(tx: Transaction, blocker: Blocker): number {
  return blocker.kind === "waiter" ? CALL_MS : blocker.lease.expiresAtMs - tx.nowMs;
}

function findWaiter(reader: Reader, id: string): WaiterRow | undefined {
  return reader.get<WaiterRow>("SELECT * FROM lock_waiters WHERE id = ?", id);
}

function waitersOn(reader: Reader, path: string): WaiterRow[] {
  const places = overlapping<{ path: string; seq: number }>(reader, "lock_waiter_paths", path);
  const seqs = [...new Set(places.map(({ seq }) => seq))].sort((a, b) => a - b).slice(0, CALLS);
  return seqs.flatMap((seq) => {
    const row = reader.get<WaiterRow>("SELECT * FROM lock_waiters WHERE seq = ?", seq);
    return row === undefined ? [] : [row];
  });
}

function standsInLine(waiter: WaiterRow, nowMs: number): boolean {
  if (nowMs - waiter.seen_at_ms > SILENCE_MS) return false;
  return waiter.called_at_ms === null || nowMs - waiter.called_at_ms <= CALL_MS;
}

function queue(
  tx: Transaction,
  actor: Actor,
  { paths, mode }: AcquireRequest,
  { id, bell }: { readonly id: string; readonly bell: string },
  place: WaiterRow | undefined,
): void {
  if (place !== undefined) {
    const sql = "UPDATE lock_waiters SET seen_at_ms = ?, called_at_ms = NULL WHERE seq = ?";
    tx.run(sql, tx.nowMs, place.seq);
    return;
  }
  tx.run(
    "INSERT INTO lock_waiters (id, agent, mode, paths, bell, seen_at_ms) VALUES (?, ?, ?, ?, ?, ?)",
    id,
    actor.name,
    mode,
    JSON.stringify(paths),
    bell,
    tx.nowMs,
  );
  const { seq } = findWaiter(tx, id)!;
  for (const path of paths) tx.run("INSERT INTO lock_waiter_paths VALUES (?, ?)", path, seq);
  tx.count("lock_waiters", 1);
}

function removeWaiter(tx: Transaction, seq: number): void {
  tx.run("DELETE FROM lock_waiters WHERE seq = ?", seq);
  tx.run("DELETE FROM lock_waiter_paths WHERE seq = ?", seq);
  tx.count("lock_waiters", -1);
}

/**
 * Calls the waiters that may go now that `paths` changed: in order, each one that no earlier one keeps
 * back. Dead ones drop out on the way.
 */
function callWaiters(tx: Transaction, paths: readonly string[]): void {
  if (!tx.counts.lock_waiters) return;
  const earlier: { paths: string[]; mode: LockMode }[] = [];
  const waiters = new Map(
    paths.flatMap((path) => waitersOn(tx, path)).map((row) => [row.seq, row]),
  );
  for (const [seq, waiter] of [...waiters].sort(([a], [b]) => a - b)) {
    if (tx.nowMs - waiter.seen_at_ms > SILENCE_MS) {
      removeWaiter(tx, seq);
      continue;
    }
    // Called before and never came: it keeps its place, but nobody waits for it.
    if (!standsInLine(waiter, tx.nowMs)) continue;
    const wanted: string[] = JSON.parse(waiter.paths);
    const keptBack = earlier.some((other) =>
      modesConflict(other.mode, waiter.mode) &&
      other.paths.some((path) => wanted.some((mine) => pathsConflict(path, mine)))
    );
    if (!keptBack && !tx.ring(waiter.bell)) {
      removeWaiter(tx, seq);
      continue;
    }
    earlier.push({ paths: wanted, mode: waiter.mode });
    if (!keptBack && waiter.called_at_ms === null) {
      tx.run("UPDATE lock_waiters SET called_at_ms = ? WHERE seq = ?", tx.nowMs, seq);
    }
  }
}

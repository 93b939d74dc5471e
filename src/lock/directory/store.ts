/**
 * The operations on locks, on the directory engine.
 *
 * A lease is live while `expires_at_ms` is ahead of the operation's clock; rows behind it count for nothing and
 * are swept by later operations.
 * @module
 */
import type { AuditDraft } from "../../audit/entry.ts";
import type { LockPath } from "../../path.ts";
import { LEASES_PER_OPERATION } from "../../engine/held.ts";
import type { Actor } from "../../engine/actor.ts";
import type { Engine, Reader, Transaction } from "../../engine/directory/transaction.ts";
import { endLeases, releaseAll, sweepExpired } from "./end_leases.ts";
import { extendLease, grantLease } from "./grant.ts";
import { CALL_MS, type Lease } from "../model.ts";
import {
  type Applicant,
  callWaiters,
  findWaiter,
  isInWay,
  queue,
  removeWaiter,
  type WaiterRow,
  waitersOn,
} from "./queue.ts";
import {
  type Condition,
  firstOverlapping,
  liveNamed,
  liveOver,
  type LockRow,
  modesConflict,
  namesOf,
  toLease,
} from "./rows.ts";
import type {
  AcquireOutcome,
  AcquireRequest,
  Blocker,
  LeaseSelector,
  LockStore,
  LostLease,
} from "../store.ts";
import { parseRowTexts } from "../../engine/directory/row_json.ts";

/** Leases that one operation of a list reads. */
const LISTED_PER_OPERATION = 500;

/** {@linkcode LockStore} on a directory. */
export class DirectoryLocks implements LockStore {
  readonly #engine: Engine;

  /** Uses the engine's transactions. */
  constructor(engine: Engine) {
    this.#engine = engine;
  }

  acquire(actor: Actor, request: AcquireRequest): Promise<AcquireOutcome> {
    const { waiter: id } = request;
    if (id === undefined) return this.#acquire(actor, request);
    return this.#engine.waker().then((waker) =>
      this.#acquire(actor, request, { id, waker: waker.id })
    );
  }

  #acquire(actor: Actor, request: AcquireRequest, waiter?: Applicant): Promise<AcquireOutcome> {
    return this.#engine.write(actor, (tx) => {
      sweepExpired(tx);
      const place = waiter && findWaiter(tx, waiter.id);
      const before = place?.seq ?? Infinity;
      const held = blockingLease(tx, actor.name, request);
      let ahead = held === undefined ? waiterAhead(tx, request, before) : undefined;
      // It could go, so it is called: one that is frozen must not stay in the wait queue unasked, nor a dead one at
      // all.
      if (ahead?.waiter.called_at_ms === null) {
        callWaiters(tx, request.paths.flatMap((path) => namesOf(path, request.aliases)));
        ahead = waiterAhead(tx, request, before);
      }
      if (held === undefined && ahead === undefined) {
        if (place !== undefined) removeWaiter(tx, place.seq);
        return { kind: "acquired", leases: grant(tx, actor, request) };
      }
      if (waiter !== undefined) queue(tx, actor, request, waiter, place);
      const blocker: Blocker = held !== undefined
        ? { kind: "lease", ...held }
        : { kind: "waiter", path: ahead!.path, holder: ahead!.waiter.agent };
      const retryInMs = held === undefined ? CALL_MS : held.lease.expiresAtMs - tx.nowMs;
      return { kind: "held", blocker, nowMs: tx.nowMs, retryInMs };
    });
  }

  abandon(waiterId: string): Promise<void> {
    return this.#engine.writeFreeing(undefined, (tx) => {
      const place = findWaiter(tx, waiterId);
      if (place === undefined) return;
      removeWaiter(tx, place.seq);
      callWaiters(tx, parseRowTexts(place.paths, "a waiter for locks"));
    });
  }

  renew(
    actor: Actor,
    selector: LeaseSelector,
    ttlMs: number | undefined,
  ): ReturnType<LockStore["renew"]> {
    return this.#engine.writeFreeing(actor, (tx) => {
      const { held, lost } = select(tx, actor, selector);
      if (lost.length > 0) return { lost };
      const renewed = held.map((row) => extend(tx, row, ttlMs ?? row.ttl_ms));
      return { renewed };
    });
  }

  release(actor: Actor, selector: LeaseSelector): ReturnType<LockStore["release"]> {
    return this.#engine.writeFreeing(actor, (tx) => {
      const { held, lost } = select(tx, actor, selector);
      return { released: endLeases(tx, held, "lock.released", actor.name), lost };
    });
  }

  async releaseAll(actor: Actor): Promise<readonly Lease[]> {
    const all: Lease[] = [];
    for (;;) {
      const released = await this.#engine.writeFreeing(
        actor,
        (tx) => releaseAll(tx, actor.name, LEASES_PER_OPERATION),
      );
      all.push(...released);
      if (released.length < LEASES_PER_OPERATION) return all;
    }
  }

  covering({ path, aliases }: LockPath): Promise<readonly Lease[]> {
    return this.#engine.read((reader) =>
      [path, ...aliases].flatMap((name) => liveOver(reader, name)).map(toLease)
    );
  }

  check(
    holder: string | undefined,
    { paths, aliases, mode }: Pick<AcquireRequest, "paths" | "aliases" | "mode">,
  ): Promise<readonly (Lease | null)[]> {
    return this.#engine.read((reader) => {
      const others = {
        sql: "expires_at_ms > ? AND holder <> ? AND (mode = 'exclusive' OR ? = 'exclusive')",
        values: [reader.nowMs, holder ?? "", mode],
      };
      const own = { sql: "expires_at_ms > ? AND holder = ?", values: [reader.nowMs, holder ?? ""] };
      return paths.map((path) => {
        const names = namesOf(path, aliases);
        const first = (condition: Condition) =>
          firstOf(names, (name) => {
            const row = firstOverlapping(reader, name, condition);
            return row === undefined ? [] : [row];
          });
        const [row] = [...first(others), ...first(own)];
        return row === undefined ? null : toLease(row);
      });
    });
  }

  async break(actor: Actor, name: LockPath, record: AuditDraft): ReturnType<LockStore["break"]> {
    const { appendAudit } = await import("../../audit/directory/append.ts");
    return this.#engine.writeFreeing(actor, (tx) => {
      const names = [name.path, ...name.aliases];
      const rows = firstOf(names, (each) => liveNamed(tx, each));
      const claimed = rows.find(({ task }) => task !== null);
      if (claimed !== undefined) return { broken: [], claimed: toLease(claimed) };
      const [covering] = rows.length === 0 ? firstOf(names, (each) => liveOver(tx, each)) : [];
      if (covering !== undefined) return { broken: [], covering: toLease(covering) };
      if (rows.length > 0) appendAudit(tx, record);
      return { broken: endLeases(tx, rows, "lock.broken", actor.name, { reason: record.reason }) };
    });
  }

  async list(holder?: string): Promise<readonly Lease[]> {
    const all: Lease[] = [];
    for (let from: readonly [string, number] = ["", 0];;) {
      const { rows, nowMs } = await this.#engine.read((reader) => ({
        rows: reader.all<LockRow>(
          `SELECT * FROM locks WHERE ${holder === undefined ? "" : "holder = ? AND"}
           (path, fence) > (?, ?) ORDER BY path, fence LIMIT ${LISTED_PER_OPERATION}`,
          ...holder === undefined ? [] : [holder],
          ...from,
        ),
        nowMs: reader.nowMs,
      }));
      all.push(...rows.filter((row) => row.expires_at_ms > nowMs).map(toLease));
      if (rows.length < LISTED_PER_OPERATION) return all;
      const { path, fence } = rows.at(-1)!;
      from = [path, fence];
    }
  }

  count(): Promise<number> {
    return this.#engine.read((reader) => {
      // Few at any time: every acquisition sweeps some.
      const sql = "SELECT COUNT(*) AS lapsed FROM locks WHERE expires_at_ms <= ?";
      const lapsed = reader.get<{ lapsed: number }>(sql, reader.nowMs)!.lapsed;
      return (reader.counts.locks ?? 0) - lapsed;
    });
  }
}

/** Grants every path under one new fence; what the actor holds already keeps its own. */
function grant(tx: Transaction, actor: Actor, request: AcquireRequest): Lease[] {
  const { paths, aliases, mode, intent, ttlMs } = request;
  let fence: number | undefined;
  const leases = paths.map((path) => {
    const own = (name: string) => liveNamed(tx, name).filter((row) => row.holder === actor.name);
    const [mine] = request.reentrant ? firstOf(namesOf(path, aliases), own) : [];
    // That of a task is renewed with it.
    if (mine !== undefined) return mine.task === null ? extend(tx, mine, ttlMs) : toLease(mine);
    fence ??= tx.nextFence();
    const row: LockRow = {
      path,
      fence,
      holder: actor.name,
      mode,
      intent,
      ttl_ms: ttlMs,
      acquired_at_ms: tx.nowMs,
      expires_at_ms: tx.nowMs + ttlMs,
      task: null,
    };
    grantLease(tx, row, aliases?.[path]);
    return toLease(row);
  });
  // Other readers that queued behind the same writer may come in together.
  if (mode === "shared") callWaiters(tx, paths.flatMap((path) => namesOf(path, aliases)));
  return leases;
}

function extend(tx: Transaction, row: LockRow, ttlMs: number): Lease {
  return toLease(extendLease(tx, row, ttlMs));
}

/** The actor's live leases that `selector` means, and the paths on which it has none such. */
function select(reader: Reader, actor: Actor, { paths, aliases, fence }: LeaseSelector) {
  const held: LockRow[] = [];
  const lost: LostLease[] = [];
  for (const path of paths) {
    const names = namesOf(path, aliases);
    const mine = firstOf(
      names,
      (name) =>
        liveNamed(reader, name).filter((row) =>
          // Those of its tasks begin and end with the claim.
          row.holder === actor.name && row.task === null &&
          (fence === undefined || row.fence === fence)
        ),
    );
    held.push(...mine);
    if (mine.length > 0) continue;
    const here = firstOf(names, (name) => liveNamed(reader, name));
    const above = names.flatMap((name) => liveOver(reader, name)).find((row) =>
      row.holder === actor.name && !here.some((one) => one.path === row.path)
    );
    lost.push({
      path,
      ...(here[0] && { current: toLease(here[0]) }),
      ...(above && { covering: toLease(above) }),
    });
  }
  return { held, lost };
}

/** What the first of these names has. */
function firstOf<Row>(names: readonly string[], find: (name: string) => Row[]): Row[] {
  for (const name of names) {
    const found = find(name);
    if (found.length > 0) return found;
  }
  return [];
}

/** A live lease that keeps the request from being granted. */
function blockingLease(
  tx: Transaction,
  actor: string,
  { paths, aliases, mode, reentrant }: AcquireRequest,
): { readonly lease: Lease; readonly asked: string } | undefined {
  // One's own shared lease cannot quietly become an exclusive one: other readers may be inside.
  const renews = reentrant ? "(mode = 'exclusive' OR ? = 'shared')" : "? IS NULL";
  const conflicts = "(mode = 'exclusive' OR ? = 'exclusive')";
  const keepsOut = {
    sql: `expires_at_ms > ? AND CASE WHEN holder = ? THEN NOT ${renews} ELSE ${conflicts} END`,
    values: [tx.nowMs, actor, mode, mode],
  };
  for (const path of paths) {
    for (const name of namesOf(path, aliases)) {
      const row = firstOverlapping(tx, name, keepsOut);
      if (row !== undefined) return { lease: toLease(row), asked: path };
    }
  }
  return undefined;
}

/** A waiter that came before `before` and that the request has to wait behind. */
function waiterAhead(
  tx: Transaction,
  { paths, aliases, mode }: AcquireRequest,
  before: number,
): { readonly path: string; readonly waiter: WaiterRow } | undefined {
  const waiting = (tx.counts.lock_waiters ?? 0) > 0;
  for (const path of waiting ? paths : []) {
    for (const waiter of waitersOn(tx, namesOf(path, aliases), before)) {
      const conflicts = isInWay(waiter, tx.nowMs) && modesConflict(waiter.mode, mode);
      if (conflicts) return { path, waiter };
    }
  }
  return undefined;
}

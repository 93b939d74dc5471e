/**
 * One operation on the directory store, as its code sees it: a consistent view, or a transaction with the store's
 * clock and counters.
 * @module
 */
import type { Clock } from "../../clock.ts";
import type { WaiterFiles } from "./file_waker.ts";
import type { Database } from "./database.ts";
import type { Mark } from "./mark.ts";
import { startAfter } from "../numbers.ts";
import { parseCounts, type StateRow } from "./state_row.ts";
import { type ClockReading, readClock } from "./clock.ts";
import type { Reader, SqlValue, Transaction } from "./transaction.ts";

/** {@linkcode Reader} on the database. */
export class ReadView implements Reader {
  readonly nowMs: number;
  /** How far that is ahead of the host's clock. */
  readonly aheadMs: number;
  readonly counts: Record<string, number>;
  protected readonly db: Database;
  protected readonly reading: ClockReading;

  /** Reads the clock; `state` is the row in this view. */
  constructor(db: Database, state: StateRow, clock: Clock) {
    this.db = db;
    const { nowMs, uptimeMs = clock.monotonicMs } = clock;
    this.reading = readClock(state, { nowMs, uptimeMs });
    this.nowMs = this.reading.row.now_ms;
    this.aheadMs = this.reading.aheadMs;
    this.counts = parseCounts(state, db.path);
  }

  get<Row>(sql: string, ...values: readonly SqlValue[]): Row | undefined {
    return this.db.get<Row>(sql, values);
  }

  all<Row>(sql: string, ...values: readonly SqlValue[]): Row[] {
    return this.db.all<Row>(sql, values);
  }
}

/** {@linkcode Transaction} on the database; what it counted is written by {@linkcode OpenTransaction.save}. */
export class OpenTransaction extends ReadView implements Transaction {
  /** Whether there is anything to save. */
  dirty: boolean;
  readonly #wakers: WaiterFiles;
  #fence: number;
  #event: number;
  #commits: number;

  /** `wakers` are those of the waiting processes. */
  constructor(db: Database, state: StateRow, clock: Clock, wakers: WaiterFiles) {
    super(db, state, clock);
    this.#wakers = wakers;
    this.dirty = this.reading.moved;
    this.#fence = state.fence;
    this.#event = state.event;
    this.#commits = state.commits;
    if (state.commits === 0) this.#startAnew();
  }

  /** The commits before this one. */
  get commits(): number {
    return this.#commits;
  }

  run(sql: string, ...values: readonly SqlValue[]): number {
    const changes = this.db.run(sql, values);
    if (changes > 0) this.dirty = true;
    return changes;
  }

  nextFence(): number {
    return ++this.#fence;
  }

  nextEvent(): number {
    return ++this.#event;
  }

  count(kind: string, by: number): void {
    const total = (this.counts[kind] ?? 0) + by;
    if (total === 0) delete this.counts[kind];
    else this.counts[kind] = total;
  }

  wake(waker: string): boolean {
    return this.#wakers.wake(waker);
  }

  /** Goes on above everything that may have been handed out: after `mark`, and after what the clock says. */
  leaveGap(mark: Mark = { commits: 0, fence: 0, event: 0 }): void {
    this.#fence = Math.max(this.#fence, mark.fence);
    this.#event = Math.max(this.#event, mark.event);
    this.#commits = Math.max(this.#commits, mark.commits);
    this.#startAnew();
    this.dirty = true;
  }

  startAbove({ fence, event }: { readonly fence: number; readonly event: number }): void {
    if (fence > this.#fence || event > this.#event) this.leaveGap({ commits: 0, fence, event });
  }

  /** Writes clock and counters back; gives the numbers of this commit. */
  save(): Mark {
    const { anchor_now_ms, anchor_wall_ms, anchor_uptime_ms } = this.reading.row;
    this.db.run(
      "UPDATE state SET now_ms = ?, fence = ?, event = ?, commits = ?, counts = ?",
      [this.nowMs, this.#fence, this.#event, ++this.#commits, JSON.stringify(this.counts)],
    );
    if (this.reading.moved) {
      this.db.run(
        "UPDATE state SET anchor_now_ms = ?, anchor_wall_ms = ?, anchor_uptime_ms = ?",
        [anchor_now_ms, anchor_wall_ms, anchor_uptime_ms],
      );
    }
    return { commits: this.#commits, fence: this.#fence, event: this.#event };
  }

  #startAnew(): void {
    this.#fence = startAfter(this.nowMs, this.#fence);
    this.#event = startAfter(this.nowMs, this.#event);
  }
}

/**
 * Failing back: Redis is asked now and then whether it is there again; then everything that was changed in the
 * directory is moved there, and the record names Redis.
 *
 * How. Redis gets a new memory first, so that calls which are still on their way to it are refused from then on. Then
 * the journal is moved in portions, each under the exclusive lock and short, so that others work on the directory in
 * between; what they change is journaled anew. What is left in the end is moved under the same hold of the lock that
 * changes the record. Every portion is taken over by scripts that are keyed by identifiers and may be repeated, and is
 * taken out of the journal after that: whoever dies on the way leaves the rest to another, and nothing twice. A Redis
 * that loses its memory meanwhile gets everything again.
 *
 * One process of a site moves at a time, for as long as it holds a kernel lock of its own: many would take turns at the
 * exclusive lock, which keep everybody else out as flock(2) is not fair. And between two portions there is a pause: those
 * who wait for the lock are woken by the kernel, and have to be scheduled before it is taken again.
 * @module
 */
import { type Clock, sleep } from "../../clock.ts";
import { StoreUnavailableError } from "../../errors.ts";
import { given } from "../../given.ts";
import { KernelLock } from "../../engine/directory/kernel_lock.ts";
import { lookAtFile, openOrMakePlainFile } from "../../engine/directory/plain_file.ts";
import { emptiedWarning, type Warn } from "../../engine/warning.ts";
import { MemoryChangedError } from "../../engine/redis/memory.ts";
import { seeSites } from "../../engine/redis/sites.ts";
import type { FailbackResult } from "../../store.ts";
import type { TransferConflict } from "../../transfer.ts";
import type { Authority, AuthorityChange } from "./authority.ts";
import { removeLeftovers } from "./leftovers.ts";
import { isOutage } from "./outage.ts";
import type { AuthorityRecord } from "./record.ts";
import type { Sides } from "./sides.ts";
import { siteOf } from "./site.ts";

/** Pauses between looks for Redis, in milliseconds: the first, and the longest; each is random around that. */
const FIRST_PAUSE_MS = 200;
const LAST_PAUSE_MS = 500;
/** How long Redis may take to be connected to when it is looked for. */
const LOOK_MS = 500;
/** How long those who look wait for operations under way, which keeps others out; and when they look again after that. */
const LOOK_PATIENCE_MS = 1000;
const REST_MS = 5000;
/** How long one hold of the lock moves portions, and how long others have before the next one. */
const HOLD_MS = 250;
const TURN_MS = 30;
/**
 * Others may write as fast in their turns as is moved in between, and then it would never end. So each time that so long
 * has passed, holds become twice as long and turns half as long, up to and down to these.
 */
const HARDER_EVERY_MS = 5000;
const LONGEST_HOLD_MS = 500;
const SHORTEST_TURN_MS = 10;
/** How long a process that is about to exit goes on moving: the rest is for those that come after it. */
const EXIT_MS = 1000;
/** How often operations on the directory let the rest of their process have a turn. */
const TURN_EVERY_MS = 50;
/** How often, and how long, somebody who moves everything by hand waits for another process that does so already. */
const BUSY_MS = 100;
const BUSY_PATIENCE_MS = 60_000;
/** Why Redis has the authority then. */
const REASON = "reachable again";
/** How often a directory that took over again at once stays longer before Redis is asked: twice as long each time. */
const SHORT_STAY_MS = 5000;
const LONGEST_STAY_MS = 30_000;

/** What failing back works with. */
export interface FailbackOptions {
  /** The directory that makes the site. */
  readonly directory: string;
  readonly home: string;
  readonly clock: Clock;
  readonly authority: Authority;
  readonly sides: Sides;
  /** Called when the server has lost everything. */
  readonly warn?: Warn | undefined;
}

type WriteRecord = (next: AuthorityChange) => void;

/** Looks for Redis while the directory has the authority, for one process. */
export class Failback {
  readonly #options: FailbackOptions;
  readonly #closing = new AbortController();
  #looking: Promise<void> | undefined;
  /** One after the other: a kernel lock tells no two callers of one process apart. */
  #moves: Promise<unknown> = Promise.resolve();
  #mover: KernelLock | undefined;
  /** When operations last let timers and answers have their turn. */
  #turnedAt = 0;

  /** Does nothing before it is asked. */
  constructor(options: FailbackOptions) {
    this.#options = options;
  }

  /**
   * Looks for Redis from now on, until it has the authority. What it gives is awaited by whoever has made an operation:
   * those of a directory never wait for anything outside, so that one after the other would leave no time to look.
   */
  schedule(): Promise<void> | undefined {
    if (this.#closing.signal.aborted) return undefined;
    this.#looking ??= this.#look().finally(() => this.#looking = undefined);
    const now = performance.now();
    if (now - this.#turnedAt < TURN_EVERY_MS) return undefined;
    this.#turnedAt = now;
    return sleep(0);
  }

  /** Stops looking. A process that is about to exit looks once more where nobody did lately: it may be the only kind. */
  async close({ exiting = false }: { readonly exiting?: boolean }): Promise<void> {
    this.#closing.abort();
    const wasLooking = this.#looking !== undefined;
    await this.#looking;
    if (exiting && wasLooking && isDue(`${this.#options.home}/looked`)) {
      const until = performance.now() + EXIT_MS;
      await this.#try(() => performance.now() > until);
    }
    await this.#moves;
    this.#mover?.close();
    this.#mover = undefined;
  }

  /**
   * Moves everything and changes the record, if Redis can be reached. While another process does so, waits for it.
   *
   * @throws {StoreUnavailableError} when that other process takes too long; names it.
   */
  now(): Promise<FailbackResult> {
    return this.#inTurn(async () => {
      for (let waitedMs = 0; !this.#lockMover(); waitedMs += BUSY_MS) {
        if (waitedMs >= BUSY_PATIENCE_MS) throw busy(this.#options.home, this.#mover?.holder());
        await sleep(BUSY_MS);
      }
      return await this.#move(() => false);
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#moves.then(work);
    this.#moves = result.catch(() => {});
    return result;
  }

  #lockMover(): boolean {
    this.#mover ??= KernelLock.open(`${this.#options.home}/failback.lock`);
    return this.#mover.tryAcquire();
  }

  /** Moves until it is done, or `isOver`, and lets the next process move. */
  async #move(isOver: () => boolean, patienceMs?: number): Promise<FailbackResult> {
    const { authority } = this.#options;
    try {
      if (authority.peek().store !== "directory") return { kind: "not_needed" };
      if (!await this.#answers()) return { kind: "unreachable" };
      const beganAt = performance.now();
      for (;;) {
        const { holdMs, turnMs } = paceAfter(performance.now() - beganAt);
        const conflicts = await authority.change(
          (record, write) => this.#portion(record, write, holdMs),
          given({ patienceMs }),
        );
        if (conflicts !== undefined) return { kind: "done", conflicts };
        if (isOver()) return { kind: "unreachable" };
        await sleep(turnMs);
      }
    } catch (error) {
      if (isOutage(error) || error instanceof MemoryChangedError) {
        return { kind: "unreachable", error };
      }
      throw error;
    } finally {
      this.#mover!.release();
    }
  }

  /** A connection that was made long ago may be down: what waited for it would keep others out meanwhile. */
  async #answers(): Promise<boolean> {
    await this.#options.sides.redis(LOOK_MS);
    return await this.#options.sides.answers(LOOK_MS);
  }

  async #look(): Promise<void> {
    const { authority, clock } = this.#options;
    const { signal } = this.#closing;
    for (let pauseMs = FIRST_PAUSE_MS;; pauseMs = Math.min(pauseMs * 1.5, LAST_PAUSE_MS)) {
      await sleep(pauseMs * (0.5 + Math.random()), signal, { isIdle: true });
      const record = authority.peek();
      if (signal.aborted || record.store !== "directory") return;
      if (clock.nowMs() < record.sinceMs + stayOf(record)) continue;
      const outcome = await this.#try(() => signal.aborted);
      if (outcome === "ended") return;
      if (outcome === "failed") await sleep(REST_MS, signal, { isIdle: true });
    }
  }

  /**
   * Nobody asked for it, so nobody is told why it cannot be done: that the server refuses the password, say, or that a
   * process is frozen within an operation. Who moves everything by hand meets it.
   */
  async #try(isOver: () => boolean): Promise<"ended" | "unreachable" | "failed"> {
    try {
      // Asked first: a process that waits for a server which is away must not keep others from moving.
      if (!await this.#answers()) return "unreachable";
      const { kind } = await this.#inTurn(async (): Promise<FailbackResult> =>
        this.#lockMover() ? await this.#move(isOver, LOOK_PATIENCE_MS) : { kind: "unreachable" }
      );
      return kind === "unreachable" ? kind : "ended";
    } catch (error) {
      if (isOutage(error)) return "unreachable";
      return "failed";
    }
  }

  /** One hold of the lock; once Redis has the authority after it, what could not be taken over as it was. */
  async #portion(
    record: AuthorityRecord,
    write: WriteRecord,
    holdMs: number,
  ): Promise<readonly TransferConflict[] | undefined> {
    if (record.store !== "directory") return [];
    const { sides, clock } = this.#options;
    if (!await this.#answers()) throw unreachable();
    const [redis, { openMove }, { writeMirror }] = await Promise.all([
      sides.redis(LOOK_MS),
      import("./transfers.ts"),
      import("./mirror_snapshot.ts"),
    ]);
    const directory = await sides.directory(record.outage, record.aheadMs);
    const { memory, others } = (record.moving?.memory ?? 0) === 0
      ? await this.#begin(record, write)
      : { ...record, ...record.moving };
    sides.memory = memory;
    const move = openMove(directory, redis, {
      isAlone: others.length === 0,
      site: siteOf(this.#options.directory),
      epoch: record.outage,
    });
    const until = performance.now() + holdMs;
    try {
      while (performance.now() < until) {
        if (await move.portion()) continue;
        const conflicts = await move.finish({
          epoch: record.epoch + 1,
          reason: REASON,
          sinceMs: record.sinceMs,
        });
        const mirror = record.mirror + 1;
        writeMirror(this.#options.home, mirror, await move.live(clock.nowMs()));
        write({
          store: "redis",
          epoch: record.epoch + 1,
          sinceMs: clock.nowMs(),
          reason: REASON,
          memory,
          mirror,
          outage: 0,
          moving: undefined,
          unreachable: undefined,
        });
        sides.forgetDirectory();
        await removeLeftovers(this.#options.home, { ...record, mirror, outage: 0 });
        return conflicts;
      }
      return undefined;
    } catch (error) {
      // What was moved is lost: the next portion begins anew.
      if (error instanceof MemoryChangedError) {
        await move.markAll();
        write({ moving: { memory: 0 } });
      }
      throw error;
    }
  }

  /** Another site may have come to Redis meanwhile: what it holds there must not be taken for what was given up here. */
  async #begin(
    { others: known, memory: before, outage, aheadMs, moving }: AuthorityRecord,
    write: WriteRecord,
  ): Promise<Pick<AuthorityRecord, "memory" | "others">> {
    const { sides, directory, clock } = this.#options;
    const redis = await sides.redis(LOOK_MS);
    const { raise } = await import("./transfers.ts");
    // A server that is empty notes that it was emptied.
    sides.memory = before;
    const raised = await raise(await sides.directory(outage, aheadMs), redis, {
      isFirst: moving === undefined,
    });
    const memory = sides.memory = raised.memory;
    if (raised.emptied) this.#options.warn?.(emptiedWarning(redis.location, clock.nowMs()));
    const { others } = await seeSites(redis.runner, siteOf(directory), { known });
    write({
      moving: { memory },
      others,
      sitesAtMs: clock.nowMs(),
    });
    return { memory, others };
  }
}

function unreachable(): StoreUnavailableError {
  return new StoreUnavailableError(
    "Cannot move to the server: it does not answer",
    { reason: "unreachable" },
    true,
  );
}

function busy(home: string, pid: number | undefined): StoreUnavailableError {
  const path = `${home}/failback.lock`;
  const who = pid === undefined ? "another process" : `process ${pid}`;
  return new StoreUnavailableError(
    `Cannot move to the server: ${who} has been doing so, and has held ${path}, for over ${BUSY_PATIENCE_MS} ms; ` +
      "resume or end that process, then try again",
    { path, pid: pid ?? null },
    true,
  );
}

/** How long the directory keeps the authority at least: longer where Redis lost it right after it had got it. */
function stayOf({ short = 0 }: AuthorityRecord): number {
  return short === 0 ? 0 : Math.min(1000 * 2 ** short, LONGEST_STAY_MS);
}

/** How long one hold moves portions, and how long others have then, once it has been moved for so long. */
function paceAfter(movedMs: number): { readonly holdMs: number; readonly turnMs: number } {
  const factor = 2 ** Math.floor(movedMs / HARDER_EVERY_MS);
  return {
    holdMs: Math.min(HOLD_MS * factor, LONGEST_HOLD_MS),
    turnMs: Math.max(TURN_MS / factor, SHORTEST_TURN_MS),
  };
}

/** How often in a row Redis has had the authority only for a moment, once it loses it now. */
export function shortStays({ short = 0, sinceMs }: AuthorityRecord, nowMs: number): number {
  return nowMs - sinceMs < SHORT_STAY_MS ? short + 1 : 0;
}

/** Whether no process of the site has looked for Redis in the last second; notes that this one does. */
function isDue(path: string): boolean {
  const now = Date.now();
  try {
    const found = lookAtFile(path);
    if (found === undefined) openOrMakePlainFile(path).close();
    else if (found.mtime !== null && now - found.mtime.getTime() < 1000) return false;
    else Deno.utimeSync(path, now / 1000, now / 1000);
  } catch (error) {
    // A link, or anything else in its place: nothing is done to it, and each looks for itself.
    if (!(error instanceof StoreUnavailableError)) throw error;
  }
  return true;
}

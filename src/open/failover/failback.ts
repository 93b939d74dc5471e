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
 * @module
 */
import { type Clock, sleep } from "../../clock.ts";
import { StoreUnavailableError } from "../../errors.ts";
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
/** How long one portion may keep others out. */
const PORTION_MS = 400;
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
}

type WriteRecord = (next: AuthorityChange) => void;

/** Looks for Redis while the directory has the authority, for one process. */
export class Failback {
  readonly #options: FailbackOptions;
  readonly #closing = new AbortController();
  #looking: Promise<void> | undefined;

  /** Does nothing before it is asked. */
  constructor(options: FailbackOptions) {
    this.#options = options;
  }

  /** Looks for Redis from now on, until it has the authority. */
  schedule(): void {
    if (this.#closing.signal.aborted) return;
    this.#looking ??= this.#look().finally(() => this.#looking = undefined);
  }

  /** Stops looking. A process that is about to exit looks once more where nobody did lately: it may be the only kind. */
  async close({ exiting = false }: { readonly exiting?: boolean }): Promise<void> {
    this.#closing.abort();
    const wasLooking = this.#looking !== undefined;
    await this.#looking;
    if (exiting && wasLooking && isDue(`${this.#options.home}/looked`)) await this.#try();
  }

  /**
   * Moves everything and changes the record, if Redis can be reached.
   *
   * @param options `patienceMs`: how long to wait for operations under way, each time. Default: as any change does.
   */
  async now(options: { readonly patienceMs?: number } = {}): Promise<FailbackResult> {
    const { authority } = this.#options;
    if (authority.peek().store !== "directory") return { kind: "not_needed" };
    try {
      if (!await this.#answers()) return { kind: "unreachable" };
      for (;;) {
        const conflicts = await authority.change(
          (record, write) => this.#portion(record, write),
          options,
        );
        if (conflicts !== undefined) return { kind: "done", conflicts };
        // Others have their turn between two portions.
        await sleep(1);
      }
    } catch (error) {
      if (isOutage(error) || error instanceof MemoryChangedError) {
        return { kind: "unreachable", error };
      }
      throw error;
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
    const { sinceMs } = authority.peek();
    for (let pauseMs = FIRST_PAUSE_MS;; pauseMs = Math.min(pauseMs * 1.5, LAST_PAUSE_MS)) {
      await pause(pauseMs * (0.5 + Math.random()), signal);
      const record = authority.peek();
      if (signal.aborted || record.store !== "directory") return;
      if (clock.nowMs() < sinceMs + stayOf(record)) continue;
      const outcome = await this.#try();
      if (outcome === "ended") return;
      if (outcome === "failed") await pause(REST_MS, signal);
    }
  }

  /**
   * Nobody asked for it, so nobody is told why it cannot be done: that the server refuses the password, say, or that a
   * process is frozen within an operation. Who moves everything by hand meets it.
   */
  async #try(): Promise<"ended" | "unreachable" | "failed"> {
    try {
      const { kind } = await this.now({ patienceMs: LOOK_PATIENCE_MS });
      return kind === "unreachable" ? kind : "ended";
    } catch {
      return "failed";
    }
  }

  /** One hold of the lock; once Redis has the authority after it, what could not be taken over as it was. */
  async #portion(
    record: AuthorityRecord,
    write: WriteRecord,
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
    const until = performance.now() + PORTION_MS;
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
    { others: known, outage, aheadMs, moving }: AuthorityRecord,
    write: WriteRecord,
  ): Promise<Pick<AuthorityRecord, "memory" | "others">> {
    const { sides, directory, clock } = this.#options;
    const redis = await sides.redis(LOOK_MS);
    const { raise } = await import("./transfers.ts");
    const memory = await raise(await sides.directory(outage, aheadMs), redis, {
      isFirst: moving === undefined,
    });
    sides.memory = memory;
    const { others } = await seeSites(redis.runner, siteOf(directory), { known });
    write({ moving: { memory }, others, sitesAtMs: clock.nowMs() });
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

/** How long the directory keeps the authority at least: longer where Redis lost it right after it had got it. */
function stayOf({ short = 0 }: AuthorityRecord): number {
  return short === 0 ? 0 : Math.min(1000 * 2 ** short, LONGEST_STAY_MS);
}

/** How often in a row Redis has had the authority only for a moment, once it loses it now. */
export function shortStays({ short = 0, sinceMs }: AuthorityRecord, nowMs: number): number {
  return nowMs - sinceMs < SHORT_STAY_MS ? short + 1 : 0;
}

/** A pause that keeps no process alive. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    Deno.unrefTimer(timer as unknown as number);
    signal.addEventListener("abort", end, { once: true });
  });
}

/** Whether no process of the site has looked for Redis in the last second; notes that this one does. */
function isDue(path: string): boolean {
  const now = Date.now();
  try {
    const { mtime } = Deno.statSync(path);
    if (mtime !== null && now - mtime.getTime() < 1000) return false;
    Deno.utimeSync(path, now / 1000, now / 1000);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    Deno.writeTextFileSync(path, "", { mode: 0o600 });
  }
  return true;
}

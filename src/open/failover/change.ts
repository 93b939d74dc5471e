/**
 * Changes of the authority record but for failing back: the directory takes over; a Redis without memory gets the live
 * leases back; other sites are asked for; the mirror is made smaller.
 *
 * Each runs under the exclusive lock, looks at the record again first, and writes it last: a process that dies on the
 * way leaves the old record, and what it had begun is begun anew.
 *
 * What moves records and reads a mirror is loaded when it is needed: every call pays for what is loaded at the start.
 * @module
 */
import { removeIfPresent } from "../../disk.ts";
import { formatDuration } from "../../duration.ts";
import { CoordError, StoreUnavailableError } from "../../errors.ts";
import { MemoryChangedError } from "../../engine/redis/memory.ts";
import { seeSites, SITE_MEMORY_MS } from "../../engine/redis/sites.ts";
import { emptiedWarning } from "../../engine/warning.ts";
import { type FailbackOptions, shortStays } from "./failback.ts";
import { removeLeftovers } from "./leftovers.ts";
import { Mirror } from "./mirror.ts";
import { openTasksOn } from "./open_tasks.ts";
import type { AuthorityRecord } from "./record.ts";
import type { Site } from "../../store.ts";
import { siteOf } from "./site.ts";

/** When the directory takes over: where no other site could be at work, or always. */
export type FailoverMode = "auto" | "directory";

/** How long Redis is asked once more before the directory takes over, in milliseconds. */
const RECHECK_MS = 150;
/** How often a site tells Redis that it is there and asks for others, in milliseconds. */
const SITES_EVERY_MS = 60_000;
/** How long a change that can wait keeps others out where somebody stays inside, and when it is tried again after that. */
const TIDY_PATIENCE_MS = 500;
const TIDY_REST_MS = 10_000;
/** From this size on a mirror is made smaller, and how often a process looks. */
const MIRROR_BYTES = 4_194_304;
const MIRROR_LOOKS = 256;

/** What changes work with. */
export interface ChangeOptions extends FailbackOptions {
  readonly mode: FailoverMode;
}

/** Makes changes for one process. */
export class Changes {
  readonly #options: ChangeOptions;
  #writes = 0;
  #restsUntil = 0;
  #mirrorBytes = MIRROR_BYTES;
  #background: Promise<void> | undefined;

  /** Changes nothing yet. */
  constructor(options: ChangeOptions) {
    this.#options = options;
  }

  /**
   * Gives the directory the authority, unless the epoch is over or Redis answers after all.
   *
   * @returns whether the epoch is over now.
   * @throws {StoreUnavailableError} when it must not take over.
   */
  failOver(epoch: number, cause: CoordError): Promise<boolean> {
    const { authority, sides, home, clock } = this.#options;
    return authority.change(async (record, write) => {
      if (record.epoch !== epoch || record.store !== "redis") return true;
      if (await sides.answers(RECHECK_MS)) return false;
      this.#refuseUnlessAllowed(record, cause);
      const outage = epoch + 1;
      const [{ carryOver }, { emitFailedOver }, { loadMirror }] = await Promise.all([
        import("./transfers.ts"),
        import("./change_events.ts"),
        import("./mirror_snapshot.ts"),
      ]);
      // What a process left that died on the way here.
      sides.forgetDirectory();
      await removeIfPresent(sides.homeOf(outage));
      const store = await sides.makeDirectory(outage, record.aheadMs);
      const state = loadMirror(home, record.mirror, clock.nowMs());
      await carryOver(store, state, clock.nowMs());
      const reason = String(cause.details.reason ?? cause.code);
      await emitFailedOver(store, siteOf(this.#options.directory), { epoch: outage, reason });
      const short = shortStays(record, clock.nowMs());
      const unreachable = state.openTasks && {
        // Those that are claimed here have come along.
        tasks: Math.max(0, state.openTasks.count - state.tasks.length),
        countedAtMs: state.openTasks.atMs,
      };
      const sinceMs = clock.nowMs();
      write({
        store: "directory",
        epoch: outage,
        outage,
        sinceMs,
        reason,
        short,
        unreachable,
      });
      return true;
    });
  }

  /** Puts the live leases of the mirror back into a Redis whose memory is not the one that the record knows. */
  restore({ memory, emptied }: MemoryChangedError): Promise<void> {
    const { authority, sides, home, clock, warn } = this.#options;
    return authority.change(async (record, write) => {
      if (record.store !== "redis" || record.memory === memory) return;
      const [redis, { putBack }, { loadMirror }] = await Promise.all([
        sides.redis(),
        import("./transfers.ts"),
        import("./mirror_snapshot.ts"),
      ]);
      const state = loadMirror(home, record.mirror, clock.nowMs());
      let isEmptied = emptied;
      for (let found = memory;;) {
        // A server that is empty is told what it had: then it notes that it was emptied.
        sides.memory = found === 0 ? record.memory : found;
        try {
          await putBack(redis, state, {
            nowMs: clock.nowMs(),
            keepOthers: record.others.length > 0,
          });
          write({ memory: found, ...await this.#askForSites(record, record.others) });
          if (isEmptied) warn?.(emptiedWarning(redis.location, clock.nowMs()));
          return;
        } catch (error) {
          // It has lost its memory again.
          if (!(error instanceof MemoryChangedError)) throw error;
          found = error.memory;
          isEmptied ||= error.emptied;
        }
      }
    });
  }

  /** Tells Redis that this site is here, and keeps in the record which others are. */
  announce(): Promise<AuthorityRecord["others"]> {
    return this.#options.authority.change(async (record, write) => {
      const asked = await this.#askForSites(record);
      write(asked);
      return asked.others;
    });
  }

  /**
   * Keeps in the record which other sites there are: all that Redis listed just now, or those that are known already
   * where it did not answer, without the one that is to be forgotten.
   *
   * @returns all sites that are known now.
   */
  async noteSites(listed: readonly Site[] | undefined, forget?: string): Promise<readonly Site[]> {
    const { authority, directory } = this.#options;
    const own = siteOf(directory);
    const othersNow = ({ others }: AuthorityRecord) =>
      (listed ?? others).filter(({ site }) => site !== own && site !== forget);
    const namesOf = (sites: readonly Site[]) => sites.map(({ site }) => site).sort().join();
    const record = authority.peek();
    if (namesOf(othersNow(record)) !== namesOf(record.others)) {
      // Somebody's word that a site is gone counts as the server's, which may be days old.
      const said = listed === undefined ? { sitesAtMs: this.#options.clock.nowMs() } : {};
      await authority.change((now, write) =>
        Promise.resolve(write({ others: othersNow(now), ...said }))
      );
    }
    return listed ?? othersNow(record);
  }

  /** What is due once an operation that writes was answered by Redis under this record; it waits for nothing. */
  afterWrite({ sitesAtMs }: AuthorityRecord, mirror: Mirror | undefined): void {
    if (this.#background !== undefined || performance.now() < this.#restsUntil) return;
    const isDue = this.#options.clock.nowMs() - sitesAtMs >= SITES_EVERY_MS;
    const isLarge = this.#writes++ % MIRROR_LOOKS === 0 &&
      (mirror?.size() ?? 0) > this.#mirrorBytes;
    if (!isDue && !isLarge) return;
    this.#background = this.#tidy(isLarge).catch(() => {
      // Nobody asked for it: what stands in its way, the next operation meets itself. Where a process is frozen inside,
      // each try keeps everybody out.
      this.#restsUntil = performance.now() + TIDY_REST_MS;
    }).finally(() => this.#background = undefined);
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    await this.#background;
  }

  async #tidy(isLarge: boolean): Promise<void> {
    const { authority, sides, home, clock } = this.#options;
    // Loads what counts tasks while others need not wait for it.
    await (await sides.redis()).tasks();
    await authority.change(async (record, write) => {
      if (record.store !== "redis") return;
      if (clock.nowMs() - record.sitesAtMs >= SITES_EVERY_MS) {
        write(await this.#askForSites(record));
      }
      let { mirror } = record;
      if (isLarge) {
        const { loadMirror, writeMirror } = await import("./mirror_snapshot.ts");
        const state = loadMirror(home, mirror, clock.nowMs());
        writeMirror(home, ++mirror, state);
        write({ mirror });
      }
      await removeLeftovers(home, { ...record, mirror });
    }, { patienceMs: TIDY_PATIENCE_MS });
    const { mirror } = authority.peek();
    // Where most of it is live, making it smaller helps little: it may grow to four times that.
    const live = await sizeOf(`${home}/mirror.${mirror}`);
    this.#mirrorBytes = Math.max(MIRROR_BYTES, 4 * live);
  }

  /** Asks Redis for the other sites, and how many open tasks it has: what will be out of reach without it. */
  async #askForSites(
    { mirror }: AuthorityRecord,
    known: AuthorityRecord["others"] = [],
  ): Promise<Pick<AuthorityRecord, "others" | "sitesAtMs" | "aheadMs">> {
    const { sides, directory, home, clock } = this.#options;
    const redis = await sides.redis();
    const { runner } = redis;
    const { others } = await seeSites(runner, siteOf(directory), { known });
    const openTasks = await openTasksOn(redis, clock.nowMs());
    if (openTasks !== undefined) {
      const file = Mirror.open(home, mirror);
      try {
        file.append({ op: "open_tasks", ...openTasks });
      } finally {
        file.close();
      }
    }
    return {
      others,
      sitesAtMs: clock.nowMs(),
      aheadMs: Math.round(runner.clockAheadMs ?? 0),
    };
  }

  #refuseUnlessAllowed({ others, sitesAtMs }: AuthorityRecord, cause: CoordError): void {
    const { mode, clock } = this.#options;
    // A site that came later than a day after the last word may not have heard of this one.
    const isKnown = clock.nowMs() - sitesAtMs < SITE_MEMORY_MS;
    if (mode === "directory" || (isKnown && others.length === 0)) return;
    const [first] = others;
    const why = first === undefined
      ? `it is not known whether others use it, too, because it was ${
        sitesAtMs === 0
          ? "never reached from here"
          : `last written to from here ${formatDuration(clock.nowMs() - sitesAtMs)} ago`
      }`
      : `site ${first.site} used it, too, ${
        formatDuration(clock.nowMs() - first.lastSeenMs)
      } ago, and may go on`;
    const way = first === undefined
      ? ""
      : "Once nobody else uses it, agentcoord store sites --forget ID says so; ";
    throw new StoreUnavailableError(
      `${cause.message}. The directory does not take over: ${why}. ${way}` +
        "--fallback directory takes over in any case, and then two sites may both hold one lock",
      { ...cause.details, others },
      true,
      cause,
    );
  }
}

async function sizeOf(path: string): Promise<number> {
  return (await Deno.stat(path)).size;
}

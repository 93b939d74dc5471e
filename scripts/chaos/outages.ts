/**
 * Watches who decides in a site while a fault campaign goes on.
 * @module
 */
import { sleep, systemClock } from "../../src/clock.ts";
import type { AuthorityRecord } from "../../src/open/failover/record.ts";
import { siteHome } from "../../src/open/failover/site_files.ts";
import { FailoverStore } from "../../src/open/failover/store.ts";
import type { Fault, Phase } from "./history.ts";

/** How often it looks. */
const LOOK_MS = 20;
/** Everything is moved back, and the server decides again, within this time after the last fault. */
const FAILBACK_MS = 60_000;

/** A change of who decides. */
export interface Change {
  readonly store: AuthorityRecord["store"];
  /** When it was seen, and when the record was looked at last before that. */
  readonly atMs: number;
  readonly notBeforeMs: number;
  /** Whether the server had just lost the authority several times, so that it gets it back later. */
  readonly isDamped: boolean;
}

/** What a site's record said, again and again. */
export class Outages {
  /** What changed, in order. */
  readonly changes: Change[] = [];
  readonly #store: FailoverStore;
  readonly #lock: number;
  readonly #now: () => number;
  #epoch = 1;
  #lookedMs = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  private constructor(store: FailoverStore, lock: number, now: () => number) {
    this.#store = store;
    this.#lock = lock;
    this.#now = now;
  }

  /** Begins to watch the site of the store at `location`, before anybody else uses it. */
  static async watch(location: string, now: () => number): Promise<Outages> {
    const [server, directory] = location.split("\t") as [string, string];
    const [url, namespace] = server.split("#") as [string, string];
    const [mode, durability, clock] = ["auto", "normal", systemClock] as const;
    const store = await FailoverStore.open({ url, namespace, directory, mode, durability, clock });
    // Whoever writes asks the server who else uses it: nobody.
    await (await store.locks()).abandon("nobody");
    while ((await store.authority()).sitesAtMs === 0) await sleep(LOOK_MS);
    const { ino } = Deno.statSync(`${siteHome(directory, namespace)}/authority.lock`);
    const outages = new Outages(store, ino!, now);
    outages.#timer = setInterval(() => void outages.look(), LOOK_MS);
    return outages;
  }

  /**
   * Lets the server forget, and says which acknowledged writes may be gone: those of calls that began before it
   * decided last.
   */
  async losesBeforeMs(forget: () => Promise<unknown>): Promise<number> {
    const before = await this.#store.authority();
    await forget();
    const after = await this.#store.authority();
    const isOutage = before.store === "directory" && after.store === "directory" &&
      before.epoch === after.epoch;
    return isOutage ? this.#now() - (Date.now() - before.sinceMs) : this.#now();
  }

  /** Who decides now, and what is being done about it; notes a change. */
  async look(): Promise<AuthorityRecord> {
    const record = await this.#store.authority();
    const [atMs, notBeforeMs] = [this.#now(), this.#lookedMs];
    this.#lookedMs = atMs;
    if (record.epoch === this.#epoch) return record;
    const isDamped = (record.short ?? 0) > 0;
    // Between two looks it may have changed more than once.
    for (let epoch = this.#epoch + 1; epoch <= record.epoch; epoch++) {
      const isLast = (record.epoch - epoch) % 2 === 0;
      const other = record.store === "redis" ? "directory" : "redis";
      this.changes.push({ store: isLast ? record.store : other, atMs, notBeforeMs, isDamped });
    }
    this.#epoch = record.epoch;
    return record;
  }

  /** What is going on; `isAway`: nobody can reach the server. */
  async phase(isAway: boolean): Promise<Phase> {
    const { store, moving } = await this.look();
    if (store === "redis") return isAway || this.changers().size > 0 ? "failing over" : "at ease";
    return !isAway && (moving !== undefined || this.changers().size > 0)
      ? "failing back"
      : "outage";
  }

  /** The processes that keep all others out at this instant, as the kernel tells: they change the record. */
  changers(): ReadonlySet<number> {
    return this.#holders("WRITE");
  }

  /** The processes that are inside an operation at this instant. */
  operators(): ReadonlySet<number> {
    return this.#holders("READ");
  }

  #holders(mode: "READ" | "WRITE"): ReadonlySet<number> {
    // Elsewhere the kernel does not tell.
    if (Deno.build.os !== "linux") return new Set();
    const lines = Deno.readTextFileSync("/proc/locks").split("\n");
    return new Set(lines.flatMap((line) => {
      const [, kind, , held, pid, place] = line.split(/\s+/);
      const inode = Number(place?.split(":")[2]);
      return kind === "FLOCK" && held === mode && inode === this.#lock ? [Number(pid)] : [];
    }));
  }

  /** Waits until the server decides again, as nobody asks for, and ends; answers with the outages there were. */
  async end(): Promise<readonly Fault[]> {
    const deadlineMs = this.#now() + FAILBACK_MS;
    while ((await this.#store.authority()).store === "directory") {
      const outcome = await this.#store.failback();
      if (this.#now() > deadlineMs) {
        throw new Error(`the directory still decides: ${JSON.stringify(outcome)}`);
      }
    }
    clearInterval(this.#timer);
    await this.look();
    await this.#store.close();
    return this.changes.flatMap(({ store, atMs }, index) =>
      store === "redis"
        ? [{
          what: "outage",
          fromMs: this.changes[index - 1]?.notBeforeMs ?? 0,
          toMs: atMs,
          outOfReach: true as const,
        }]
        : []
    );
  }
}

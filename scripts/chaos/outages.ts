/**
 * Watches who decides in a site while a fault campaign goes on.
 * @module
 */
import { systemClock } from "../../src/clock.ts";
import { FailoverStore } from "../../src/open/failover/store.ts";
import type { Fault } from "./history.ts";

/** How often it looks. */
const LOOK_MS = 20;
/** Everything is moved back, and the server decides again, within this time after the last fault. */
const FAILBACK_MS = 30_000;

/** What a site's record said, again and again. */
export class Outages {
  /** Changes of who decides. */
  changes = 0;
  readonly #store: FailoverStore;
  readonly #now: () => number;
  readonly #seen: Fault[] = [];
  #open: number | undefined;
  #epoch: number | undefined;
  #timer: number | undefined;

  private constructor(store: FailoverStore, now: () => number) {
    this.#store = store;
    this.#now = now;
  }

  /** Begins to watch the site of the store at `location`, before anybody else uses it. */
  static async watch(location: string, now: () => number): Promise<Outages> {
    const [server, directory] = location.split("\t") as [string, string];
    const [url, namespace] = server.split("#") as [string, string];
    const [mode, durability, clock] = ["auto", "normal", systemClock] as const;
    const store = await FailoverStore.open({ url, namespace, directory, mode, durability, clock });
    // The server says once who else uses it: nobody.
    await store.announce();
    const outages = new Outages(store, now);
    outages.#timer = setInterval(() => void outages.#look(), LOOK_MS);
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

  /**
   * Lets the server decide again, as whoever works there would, and ends; answers with the outages there were. Throws when
   * the directory still decides long after the last fault.
   */
  async end(): Promise<readonly Fault[]> {
    const deadlineMs = this.#now() + FAILBACK_MS;
    while ((await this.#store.authority()).store === "directory") {
      const outcome = await this.#store.failback();
      if (this.#now() > deadlineMs) {
        throw new Error(`the directory still decides: ${JSON.stringify(outcome)}`);
      }
    }
    clearInterval(this.#timer);
    await this.#look();
    await this.#store.close();
    return this.#seen;
  }

  async #look(): Promise<void> {
    const { store, epoch } = await this.#store.authority();
    const atMs = this.#now();
    this.changes += epoch - (this.#epoch ?? epoch);
    this.#epoch = epoch;
    if (store === "directory") this.#open ??= atMs;
    if (store === "directory" || this.#open === undefined) return;
    this.#seen.push({ what: "outage", fromMs: this.#open, toMs: atMs, outOfReach: true });
    this.#open = undefined;
  }
}

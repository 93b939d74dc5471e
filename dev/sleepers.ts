/**
 * Who waits: counts the calls that sleep on a store's waker, so that a test goes on once they do.
 * @module
 */
import type { Store } from "../src/store.ts";

/** What has to happen in a test happens within this time, however slow the machine is. */
export const GENEROUS_MS = 60_000;

/** The result of `work`; fails when it does not end at all. */
export async function ends<T>(what: string, work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new Error(`${what} did not end within ${GENEROUS_MS / 1000} s`);
    timer = setTimeout(() => reject(error), GENEROUS_MS);
  });
  return await Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** The calls that sleep on the waker of one store. */
export class Sleepers {
  /** The same store; whoever waits there is counted. */
  readonly store: Store;
  #asleep = 0;
  readonly #watchers = new Set<() => void>();

  /** Watches `store`. */
  constructor(store: Store) {
    this.store = new Proxy(store, {
      get: (target, name) => {
        if (name === "waker") return () => this.#watched(target);
        const value = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  }

  /** Settled once so many calls sleep at the same time: each has looked, and found nothing. */
  async asleep(count = 1): Promise<void> {
    const reached = new Promise<void>((resolve) => {
      const watch = () => {
        if (this.#asleep < count) return;
        this.#watchers.delete(watch);
        resolve();
      };
      this.#watchers.add(watch);
      watch();
    });
    await ends(`falling asleep of ${count}`, reached);
  }

  async #watched(store: Store): ReturnType<Store["waker"]> {
    const waker = await store.waker();
    return {
      id: waker.id,
      get wakes() {
        return waker.wakes;
      },
      wait: async (...args) => {
        const waiting = waker.wait(...args);
        this.#asleep++;
        for (const watch of [...this.#watchers]) watch();
        await waiting.finally(() => this.#asleep--);
      },
    };
  }
}

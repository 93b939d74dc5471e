/**
 * How one process wakes another, whatever the engine. A wake-up is only a hint: waiters look at the store again in
 * any case, at once when woken and by a slow poll when not.
 * @module
 */
import { newId } from "../id.ts";

/** A process's ear: {@linkcode Bell.wait} returns soon after somebody rings it. */
export interface Bell {
  /** Name under which others can ring it. */
  readonly id: string;
  /** How often it has rung; read it before looking at the store, so that no ring goes unheard. */
  readonly rings: number;
  /** Settled once a ring can be heard: nobody looks at the store for it before that. */
  readonly ready: Promise<void>;
  /** Returns once it has rung more than `heard` times, `ms` have passed, or `signal` fires. */
  wait(heard: number, ms: number, signal?: AbortSignal): Promise<void>;
}

/** What all bells share: those who sleep until it rings. */
export abstract class Ear implements Bell {
  /** Name under which others can ring it. */
  readonly id: string = newId("wtr");
  abstract readonly ready: Promise<void>;
  readonly #sleepers = new Set<() => void>();
  #rings = 0;

  get rings(): number {
    return this.#rings;
  }

  wait(heard: number, ms: number, signal?: AbortSignal): Promise<void> {
    if (this.#rings > heard || signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", wake);
        this.#sleepers.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      signal?.addEventListener("abort", wake, { once: true });
      this.#sleepers.add(wake);
    });
  }

  /** Wakes whoever sleeps. */
  protected ring(): void {
    this.#rings++;
    for (const wake of [...this.#sleepers]) wake();
  }
}

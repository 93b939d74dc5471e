/**
 * How one process wakes another, whatever the engine. A wake-up is only a hint: waiters look at the store again in
 * any case, at once when woken and by a slow poll when not.
 * @module
 */
import { newId } from "../id.ts";

/** What a process sleeps on: {@linkcode Waker.wait} returns soon after somebody wakes it. */
export interface Waker {
  /** The name under which others can wake it. */
  readonly id: string;
  /** How often it was woken; read it before looking at the store, so that no wake-up is missed. */
  readonly wakes: number;
  /** Returns once it was woken more than `seen` times, `ms` have passed, or `signal` fires. */
  wait(seen: number, ms: number, signal?: AbortSignal): Promise<void>;
}

/** What all wakers share: the calls that sleep on it. */
export abstract class BaseWaker implements Waker {
  /** The name under which others can wake it. */
  readonly id: string = newId("wtr");
  readonly #sleepers = new Set<() => void>();
  #wakes = 0;

  get wakes(): number {
    return this.#wakes;
  }

  wait(seen: number, ms: number, signal?: AbortSignal): Promise<void> {
    if (this.#wakes > seen || signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const resume = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", resume);
        this.#sleepers.delete(resume);
        resolve();
      };
      const timer = setTimeout(resume, ms);
      signal?.addEventListener("abort", resume, { once: true });
      this.#sleepers.add(resume);
    });
  }

  /** Wakes all that sleep on it. */
  protected wake(): void {
    this.#wakes++;
    for (const resume of [...this.#sleepers]) resume();
  }
}

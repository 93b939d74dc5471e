/**
 * The waker of a store in front of two: that of the store in authority, which also wakes when the authority changes,
 * so that whoever waits looks again where the answer is now.
 * @module
 */
import type { Waker } from "../../engine/waker.ts";

/** How often a waiting process looks whether the authority has changed. */
const LOOK_MS = 100;

/** {@linkcode Waker} of one round of a wait. */
export class SwitchingWaker implements Waker {
  readonly #inner: Waker;
  readonly #isChanged: () => boolean;

  /** `isChanged` says whether another store has the authority than when `inner` was asked for. */
  constructor(inner: Waker, isChanged: () => boolean) {
    this.#inner = inner;
    this.#isChanged = isChanged;
  }

  get id(): string {
    return this.#inner.id;
  }

  get wakes(): number {
    return this.#inner.wakes;
  }

  async wait(seen: number, ms: number, signal?: AbortSignal): Promise<void> {
    const changed = new AbortController();
    const timer = setInterval(() => {
      if (this.#mayBeChanged()) changed.abort();
    }, LOOK_MS);
    try {
      const either = signal === undefined
        ? changed.signal
        : AbortSignal.any([signal, changed.signal]);
      await this.#inner.wait(seen, ms, either);
    } finally {
      clearInterval(timer);
    }
  }

  /** A record that cannot be read is met by whoever waits when it looks again: thrown here, it would end the process. */
  #mayBeChanged(): boolean {
    try {
      return this.#isChanged();
    } catch {
      return true;
    }
  }
}

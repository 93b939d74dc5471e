/**
 * Looks for a task that were too long for one operation, and when a waiter may spare itself another.
 *
 * A claim of tasks that carry all of several tags may have to pass over any number that carry only some. It does
 * so in bounded operations. A waiter looks again each second in case a wake-up was lost; after a long look that is only
 * a glance at its place in the wait queue: as long as it stands there, nothing has arrived that would have been for it.
 * A waiter that was woken and died without taking its task leaves that for the others' next long look.
 * @module
 */

/** After a long look that found nothing, the next one is at least this much later, unless the waiter is woken. */
const LONG_LOOK_EVERY_MS = 10_000;
/** When the last long look of each waiter ended, by {@linkcode performance.now}. */
export type LongLooks = Map<string, number>;

/** The operations of one look. */
export class ClaimLooks {
  /** Whether it is enough to see that the waiter is still in the wait queue. */
  readonly glances: boolean;
  readonly #ends: LongLooks;
  readonly #waiter: string;

  /** Begins a look of `waiter`; of nobody who waits when that is "". */
  constructor(ends: LongLooks, waiter = "") {
    this.#ends = ends;
    this.#waiter = waiter;
    const ended = ends.get(waiter);
    this.glances = ended !== undefined && performance.now() - ended < LONG_LOOK_EVERY_MS;
  }

  /** The look found nothing; `long` when it took more than one operation. */
  end(long: boolean): void {
    if (this.#waiter === "") return;
    if (long) this.#ends.set(this.#waiter, performance.now());
    else if (!this.glances) this.#ends.delete(this.#waiter);
  }
}

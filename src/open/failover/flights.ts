/**
 * Calls that are on their way to Redis under a shared hold of the authority. One that takes long is interrupted: when
 * somebody waits to change the authority, so that it is not kept waiting for an answer that may never come, and when
 * the server has had all the time that a command may take.
 *
 * One timer of the process looks at all of them, and only while there are any: a timer for each call would cost more
 * than all else that is done for it.
 * @module
 */

/** How often calls on their way are looked at. */
const TICK_MS = 50;
/** A call that is younger is about to be answered. */
const YIELD_AFTER_MS = 50;
/**
 * The connection gives a call up by itself after the time that it may take, and knows whether it was sent; one that
 * surely was not is made again in the directory whatever it is. So it has this much longer to say so.
 */
const GRACE_MS = 250;

/** Why a call is no longer waited for. */
export type Interruption = { readonly kind: "yield" } | { readonly kind: "late" };

interface Flight {
  readonly startedAt: number;
  readonly interrupt: (why: Interruption) => void;
}

/** What decides about them. */
export interface FlightOptions {
  /** How long the server may take, in milliseconds. */
  readonly patienceMs: number;
  /** Whether somebody waits to change the authority. */
  readonly isContended: () => boolean;
}

/** The calls of one process. */
export class Flights {
  readonly #options: FlightOptions;
  readonly #flights = new Set<Flight>();
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Watches nothing yet. */
  constructor(options: FlightOptions) {
    this.#options = options;
  }

  /** Waits for an answer, which never rejects, until it comes or there is a reason to stop. */
  watch<Answer>(answer: Promise<Answer>): Promise<Answer | Interruption> {
    return new Promise((resolve) => {
      const flight: Flight = { startedAt: performance.now(), interrupt: (why) => end(why) };
      const end = (what: Answer | Interruption) => {
        this.#flights.delete(flight);
        resolve(what);
      };
      this.#flights.add(flight);
      answer.then(end);
      if (this.#timer !== undefined) return;
      this.#timer = setInterval(() => this.#look(), TICK_MS);
      Deno.unrefTimer(this.#timer as unknown as number);
    });
  }

  /** Stops looking. */
  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    if (this.#flights.size === 0) return this.close();
    const now = performance.now();
    const { patienceMs, isContended } = this.#options;
    let contended: boolean | undefined;
    const isContendedNow = () => contended ??= isContended();
    // In the order in which they started.
    for (const { startedAt, interrupt } of [...this.#flights]) {
      const age = now - startedAt;
      if (age >= patienceMs + GRACE_MS) interrupt({ kind: "late" });
      else if (age < YIELD_AFTER_MS) return;
      else if (isContendedNow()) interrupt({ kind: "yield" });
    }
  }
}

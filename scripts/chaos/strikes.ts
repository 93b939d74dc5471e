/**
 * What a fault campaign has done so far, to whom, and what was going on then.
 * @module
 */
import type { Fault, Phase } from "./history.ts";
import type { Outages } from "./outages.ts";

/** A moment at which the server could no longer be reached by anybody, or could be again. */
export interface Turn {
  readonly what: "killed" | "frozen" | "back";
  readonly atMs: number;
}

/** What an act says of itself besides its time. */
export type Effects = Pick<Fault, "slot" | "killed" | "losesBeforeMs" | "inside">;

/** Notes every strike. */
export class Strikes {
  /** In the order in which they ended. */
  readonly faults: Fault[] = [];
  /** Of the server, in order. */
  readonly turns: Turn[] = [];
  readonly #now: () => number;
  readonly #outages: Outages | undefined;

  /** `outages`: of a site whose directory stands in for the server. */
  constructor(now: () => number, outages: Outages | undefined) {
    this.#now = now;
    this.#outages = outages;
  }

  /** What is going on; `undefined` where nothing stands in for anything. */
  async phase(): Promise<Phase | undefined> {
    const last = this.turns.at(-1)?.what ?? "back";
    return await this.#outages?.phase(last !== "back");
  }

  /** Notes what becomes of the server. */
  turn(what: Turn["what"]): void {
    this.turns.push({ what, atMs: this.#now() });
  }

  /** Does it, and notes what was going on when it began. */
  async strike(what: string, act: () => Promise<Effects | void>): Promise<void> {
    const phase = await this.phase();
    const fromMs = this.#now();
    const effects = await act();
    const when = phase === undefined ? {} : { phase };
    this.faults.push({ what, fromMs, toMs: this.#now(), ...when, ...effects });
  }
}

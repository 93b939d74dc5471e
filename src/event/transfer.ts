/**
 * Events on their way between two stores.
 * @module
 */
import type { CoordEvent } from "./model.ts";

/** An event as one store has it. */
export interface EventRecord extends CoordEvent {
  /** Its number, which its identifier carries. */
  readonly seq: number;
}

/**
 * What a directory engine is given when it is opened.
 * @module
 */
import type { Clock } from "../../clock.ts";
import type { Actor } from "../actor.ts";
import type { Warn } from "../warning.ts";
import type { Durability } from "../../durability.ts";
import type { Preamble } from "./preamble.ts";
import type { Schema } from "./schema.ts";
import type { Reader } from "./transaction.ts";

/** How a directory engine behaves. */
export interface EngineOptions {
  /** What an operation that returned survives. */
  readonly durability: Durability;
  /** Read inside each operation; decides what has expired. */
  readonly clock: Clock;
  /** The tables of the rooms. */
  readonly schema: Schema;
  /** What the rooms do in front of an operation. */
  readonly preamble: Preamble;
  /** Longest wait for the kernel lock, in milliseconds. Default 10 000. */
  readonly lockTimeoutMs?: number;
  /** Looks at something behind the first operation of an acting agent, in the same transaction. */
  readonly lookBehindFirstAct?: ((reader: Reader, actor: Actor) => void) | undefined;
  /** Called when the store is older than it was. */
  readonly warn?: Warn | undefined;
}

/**
 * Who an operation is made for.
 * @module
 */

/** Who acts. An acting name that was never registered is registered by acting. */
export interface Actor {
  /** The agent's name. */
  readonly name: string;
  /** Host it runs on. */
  readonly host: string;
  /** Its process, where that is known. */
  readonly pid?: number;
}

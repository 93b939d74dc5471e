/**
 * What every room is given: the store, who acts, and the clocks.
 * @module
 */
import type { Clock } from "./clock.ts";
import { InvalidArgumentError } from "./errors.ts";
import type { LockPath } from "./path.ts";
import type { Store } from "./store.ts";
import type { Actor } from "./engine/actor.ts";

/** A client's surroundings, shared by its rooms. */
export interface RoomContext {
  /** Where state lives. */
  readonly store: Store;
  /** Who acts; absent for a client that only reads. */
  readonly actor: Actor | undefined;
  /** The host's clocks. */
  readonly clock: Clock;
  /** What the path that a caller wrote is called as a lock. The code for it may be loaded by the first call. */
  readonly lockPath: (
    path: string,
    options?: { readonly absolute?: boolean },
  ) => LockPath | Promise<LockPath>;
  /** What about a path suggests that another was meant. Absent where nobody listens. */
  readonly doubtsAbout?: (path: string) => readonly string[] | Promise<readonly string[]>;
  /**
   * How often whoever waits looks at the store though nobody woke it, in milliseconds. Default 1000; a test that
   * proves that somebody is woken sets an hour.
   */
  readonly pollMs?: number;
  /** Called with what the caller should know though the call went well. Absent where nobody listens. */
  readonly warn?: (message: string) => void;
}

/**
 * The agent that acts in this context.
 *
 * @throws {InvalidArgumentError} when none was named.
 */
export function requireActor({ actor }: RoomContext): Actor {
  if (actor !== undefined) return actor;
  throw new InvalidArgumentError(
    "No acting agent: name one with --agent NAME or AGENTCOORD_AGENT=NAME " +
      "(in the library: client.session(name))",
    { field: "agent" },
  );
}

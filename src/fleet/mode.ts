/**
 * What every way of spawning a worker offers: to start one, to say whether it lives, to end it, and to show what it
 * wrote. A mode knows nothing of the store; what it says of a place is noted there by `Workers`.
 * @module
 */
import type { SpawnModeName } from "../agent/model.ts";
import type { JsonValue } from "../task/model.ts";

/** Where a worker is, in its mode's own terms; JSON without secrets, as everybody in the namespace sees it. */
export type Place = Readonly<Record<string, JsonValue>>;

/** A worker that is to be started. */
export interface SpawnRequest {
  /** The agent's name; the mode's own name of it is made of this. */
  readonly name: string;
  /** The namespace that it works in. Two of one name in two namespaces are two workers. */
  readonly namespace: string;
  /** The words behind the program's name, as in `work --tags backend -- ./do.sh`. */
  readonly words: readonly string[];
  /**
   * Settings and whatever else the worker finds in its environment. They may hold secrets: a mode passes them on
   * without showing them in an argument list, a log or its place.
   */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Whether a worker is there. `unknown` is no answer: the one who asked could not tell, as from another host or while an
 * engine does not answer; it never counts as dead.
 */
export interface Liveness {
  /** The answer. */
  readonly state: "alive" | "dead" | "unknown";
  /** Why, in a few words: an exit code, another host, an error. */
  readonly why?: string;
}

/** How to end a worker. */
export interface TerminateOptions {
  /** How long it may go on with what it has, in milliseconds; 0 ends it at once, and its tasks are given back. */
  readonly drainMs: number;
  /** Ends the wait early, and then the worker at once. */
  readonly signal?: AbortSignal;
}

/** Which part of a log to show. */
export interface LogOptions {
  /** The last lines of what there is. Default: all of it. */
  readonly tail?: number;
  /** Go on as more is written, until the worker has ended or `signal` fires. Default `false`. */
  readonly follow?: boolean;
  /** Ends the following. */
  readonly signal?: AbortSignal;
}

/** One way to run workers. */
export interface SpawnMode {
  /** Its name. */
  readonly name: SpawnModeName;
  /**
   * Starts a worker and answers once it was started, which says nothing of how it goes on.
   *
   * @throws {CoordError} when it cannot be started; nothing is left behind then.
   */
  spawn(request: SpawnRequest): Promise<Place>;
  /** Whether it lives. Never throws for what it cannot find out. */
  isAlive(place: Place): Promise<Liveness>;
  /**
   * Ends it: asks it to leave once its tasks are done, then at once, then kills it. Answers once it has ended; one that
   * had ended is none.
   *
   * @throws {StoreUnavailableError} when it is out of reach from here.
   */
  terminate(place: Place, options: TerminateOptions): Promise<void>;
  /** What it wrote, text in portions of any size. */
  logs(place: Place, options: LogOptions): AsyncIterable<string>;
}

/**
 * What the checks of every kind of store have in common.
 * @module
 */
import { formatDuration } from "../duration.ts";
import { CoordError, InvalidArgumentError } from "../errors.ts";
import { storeFailure } from "../engine/directory/failure.ts";

/** One thing that was looked at. */
export interface Check {
  /** What it is called; scripts may rely on it. */
  readonly name: string;
  /** `false` when the store cannot be used, or cannot be trusted, because of it. */
  readonly ok: boolean;
  /** What was found. */
  readonly value: string | number;
  /** What to know or do about it; also given with some checks that are ok. */
  readonly hint?: string;
}

/** What was found out about a store without running a step on it. */
export interface Findings {
  readonly checks: readonly Check[];
  /** Whether the namespace has any state. */
  readonly hasState: boolean;
  /** Why a step that has nothing to do would change something all the same, if it would. */
  readonly writesBecause?: string;
}

/** A step that takes longer than this feels slow. */
export const SLOW_MS = 50;
/** Calls of which the median is taken. */
export const SAMPLES = 21;

/** Reports what a group of checks found, or the obstacle that kept it from looking. */
export function attempt(name: string, look: () => readonly Check[]): readonly Check[] {
  try {
    return look();
  } catch (error) {
    return [failed(name, error)];
  }
}

/**
 * A check that an obstacle kept from being made. Throws what is no obstacle but a mistake: ours, or the
 * caller's.
 */
export function failed(name: string, error: unknown): Check {
  const failure = storeFailure(error, "the store");
  if (!(failure instanceof CoordError) || failure instanceof InvalidArgumentError) throw failure;
  return { name, ok: false, value: failure.message };
}

/** How far back the events go: a follower that was away for longer cannot go on where it was. */
export function oldestEventCheck(atMs: number | undefined, nowMs: number): Check {
  const value = atMs === undefined ? "none" : `${formatDuration(Math.max(0, nowMs - atMs))} ago`;
  return { name: "oldest_event", ok: true, value };
}

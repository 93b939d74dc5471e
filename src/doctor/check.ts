/**
 * What the checks of every kind of store have in common.
 * @module
 */
import type { RoomContext } from "../context.ts";
import { formatDuration } from "../duration.ts";
import { CoordError, InvalidArgumentError } from "../errors.ts";
import { EVENTS_KEPT } from "../event/model.ts";
import { PRUNE_AFTER_MS } from "../prune.ts";
import { storeFailure } from "../engine/directory/failure.ts";

/** One thing that was looked at. */
export interface Check {
  /** What it is called; scripts may rely on it. */
  readonly name: string;
  /** `false` when the store cannot be used, or cannot be trusted, because of it. */
  readonly ok: boolean;
  /** What was found. */
  readonly value: string | number;
  /** Which thing that is about, where there are several of its kind. */
  readonly subject?: string;
  /** What to know or do about it; also given with some checks that are ok. */
  readonly hint?: string;
}

/** What was found out about a store without running an operation on it. */
export interface Findings {
  readonly checks: readonly Check[];
  /**
   * Whether operations can be tried: there are data, and no operation would bring them forward from an older version.
   */
  readonly takesOperations: boolean;
  /** Why an operation that has nothing to do would change something all the same, if it would. */
  readonly writesBecause?: string;
  /** Compares what was found with the open store. */
  readonly compare?: (context: RoomContext) => Promise<readonly Check[]>;
}

/** When the numbers of a store last left a gap, and why. */
export interface Restored {
  readonly atMs: number;
  /** As the event `store.restored` has it. */
  readonly cause: string;
  readonly lostCommits?: number;
}

const CAUSES: Readonly<Record<string, string>> = {
  behind: "commits were lost",
  copy: "a copy was restored",
  emptied:
    "the server had lost everything; held locks and claimed tasks were put back, and tasks, threads, " +
    "approvals, audit entries and events that only it had are lost",
  server: "the server was restarted or another took over, and what it had not kept is lost",
};

/** An operation that takes longer than this feels slow. */
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

/** How far back the events go, and whether older ones have been dropped. */
export function oldestEventCheck(
  { oldestEventMs, events, nowMs }: {
    readonly oldestEventMs?: number;
    readonly events: number;
    readonly nowMs: number;
  },
): Check {
  const name = "oldest_event";
  if (oldestEventMs === undefined) return { name, ok: true, value: "none" };
  const ageMs = Math.max(0, nowMs - oldestEventMs);
  const value = `${formatDuration(ageMs)} ago`;
  if (events >= EVENTS_KEPT) {
    return {
      name,
      ok: true,
      value,
      hint:
        `the newest ${EVENTS_KEPT} events are kept: who follows and was away for longer is refused, and ` +
        "has to begin anew; what is to be kept for longer goes into a file (agentcoord events --follow " +
        "--json >> FILE)",
    };
  }
  if (ageMs < PRUNE_AFTER_MS) return { name, ok: true, value };
  return {
    name,
    ok: true,
    value,
    hint:
      "what has ended stays until it is removed; make room now and then: agentcoord task prune, " +
      "agentcoord board prune, agentcoord approval prune",
  };
}

/** When the store last went on without its newest changes, and what that means. */
export function restoredCheck(restored: Restored | undefined, nowMs: number): Check {
  const name = "restored";
  if (restored === undefined) return { name, ok: true, value: "never" };
  const { atMs, cause, lostCommits = 0 } = restored;
  const count = lostCommits > 0 ? ` (${lostCommits} missing)` : "";
  return {
    name,
    ok: true,
    value: `${formatDuration(Math.max(0, nowMs - atMs))} ago`,
    hint:
      `${
        CAUSES[cause] ?? cause
      }${count}; fences have a gap, so no lease from before is taken for a ` +
      "newer one; see whether the newest tasks and messages are there, and the event store.restored",
  };
}

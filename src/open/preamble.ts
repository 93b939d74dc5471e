/**
 * What the rooms do in front of an operation of the directory store.
 * @module
 */
import { DEPARTURES, touchAgent } from "../agent/directory/touch.ts";
import { expireUnused } from "../approval/directory/restored.ts";
import type { Preamble } from "../engine/directory/preamble.ts";
import { emit } from "../event/directory/append.ts";

/** An operation of an agent is a sign of its life; a store that was restored is an event. */
export const PREAMBLE: Preamble = {
  heartbeat: touchAgent,
  departures: ({ counts }) => counts[DEPARTURES] ?? 0,
  restored: (tx, { cause, lostCommits }) => {
    const lapsedApprovals = expireUnused(tx);
    emit(tx, "store.restored", "store", undefined, {
      cause,
      lostCommits,
      ...(lapsedApprovals === 0 ? {} : { lapsedApprovals }),
    });
  },
};

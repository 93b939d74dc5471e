/**
 * What the event stream tells of a change of authority. The events are the directory's, also of failing back: they move to
 * Redis with the others, so a follower meets each of them once, on whichever side it reads. What they are about is the
 * site: its events are read by those of other sites, too, for whom nothing has changed.
 * @module
 */
import { emit } from "../../event/directory/append.ts";
import type { CoordEvent, EventType } from "../../event/model.ts";
import type { TransferConflict } from "../../transfer.ts";
import type { DirectoryStore } from "../directory.ts";

/** Of one kind there are fewer: the server keeps 1000 conflicts. */
const MOST_READ = 2000;

/** Tells the followers of the directory's events. */
export async function emitFailedOver(
  { engine }: DirectoryStore,
  site: string,
  data: { readonly epoch: number; readonly reason: string },
): Promise<void> {
  await engine.write(undefined, (tx) => emit(tx, "store.failed_over", site, undefined, data));
}

/** What followers are told of failing back. */
export interface FailedBack {
  /** The epoch that begins. */
  readonly epoch: number;
  /** Why. */
  readonly reason: string;
  /** Since when the directory had the authority, in epoch milliseconds of the host. */
  readonly sinceMs: number;
}

/**
 * Each conflict has an event of its own, ahead of the one that says that Redis has the authority. All of it is told once: a
 * process that died behind this has told already, whatever others have done in the directory since.
 */
export async function tellFailedBack(
  directory: DirectoryStore,
  site: string,
  told: FailedBack,
  conflicts: readonly TransferConflict[],
): Promise<void> {
  const before = new Set((await eventsOf(directory, "store.conflict")).map(conflictKey));
  const isTold = (await eventsOf(directory, "store.failed_back")).length > 0;
  await directory.engine.write(undefined, (tx) => {
    for (const { kind, subject, outcome } of conflicts) {
      const data = { kind, outcome };
      if (before.has(conflictKey({ subject, data }))) continue;
      emit(tx, "store.conflict", subject, undefined, data);
    }
    if (isTold) return;
    emit(tx, "store.failed_back", site, undefined, { ...told, conflicts: conflicts.length });
  });
}

function conflictKey({ subject, data }: Pick<CoordEvent, "subject" | "data">): string {
  return JSON.stringify([data?.kind, subject, data?.outcome]);
}

/** All events of this outage with this type; there are few. */
async function eventsOf(
  directory: DirectoryStore,
  type: EventType,
): Promise<readonly CoordEvent[]> {
  const found = await (await directory.events()).read({ type, limit: MOST_READ });
  return found.kind === "read" ? found.events : [];
}

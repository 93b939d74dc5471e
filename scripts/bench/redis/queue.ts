/**
 * A task queue on Redis, on either side of a comparison.
 * @module
 */
import { Tasks } from "../../../src/task/task.ts";
import { openOursOnRedis } from "../ours.ts";
import { type Draft, OurQueue, type Queue } from "../queue.ts";
import { BareRedis } from "./bare.ts";
import type { Place } from "./site.ts";

/** Tasks added per operation when a backlog is built. */
const BATCH = 1000;

/** Opens one side's queue. */
export async function openQueue(side: "bare" | "ours", place: Place): Promise<Queue> {
  if (side === "bare") return await BareRedis.open(place);
  const context = await openOursOnRedis(place.url, place.name);
  return new OurQueue(new Tasks(context), () => context.store.close());
}

/** Builds a backlog. */
export async function fill(
  queue: Pick<Queue, "create">,
  tasks: number,
  draftOf: (index: number) => Draft,
): Promise<void> {
  for (let from = 0; from < tasks; from += BATCH) {
    const size = Math.min(BATCH, tasks - from);
    await queue.create(Array.from({ length: size }, (_, index) => draftOf(from + index)));
  }
}

/**
 * How many open tasks Redis has, as far as the site knows: those are out of reach while the directory has the authority,
 * and whoever looks at the state should not take the queue for empty.
 *
 * Redis is asked now and then, with nobody at work; what this site has done since comes on top of that. What other sites
 * have done since, and tasks that have died of time alone, are not known.
 * @module
 */
import { MemoryChangedError } from "../../engine/redis/memory.ts";
import type { Store } from "../../store.ts";
import type { TaskStatus } from "../../task/model.ts";
import type { OpenTasks } from "./mirror_line.ts";
import { isOutage } from "./outage.ts";

const OPEN: readonly TaskStatus[] = ["scheduled", "blocked", "pending", "claimed"];

/** Whether a task with this status may still be worked on. */
export function isOpen(status: TaskStatus): boolean {
  return OPEN.includes(status);
}

/**
 * Asks a store. `undefined` where its tasks cannot be counted, such as damaged ones: a number that is for people alone keeps
 * nobody from a change of authority.
 */
export async function openTasksOn(
  store: Pick<Store, "tasks">,
  nowMs: number,
): Promise<OpenTasks | undefined> {
  try {
    const counts = await (await store.tasks()).counts();
    return { count: OPEN.reduce((sum, status) => sum + counts[status], 0), atMs: nowMs };
  } catch (error) {
    // The caller has more to ask of a server that is away, or has lost its memory.
    if (error instanceof MemoryChangedError || isOutage(error)) throw error;
    return undefined;
  }
}

/**
 * Counts on from an answer of Redis. Notes of different processes may come in another order than what they tell of, so
 * that a task may end here before it is open.
 */
export class OpenTaskCount {
  readonly #base: OpenTasks | undefined;
  readonly #opened = new Set<string>();
  readonly #ended = new Set<string>();

  /** `base` is what Redis has answered, if it was ever asked. */
  constructor(base: OpenTasks | undefined) {
    this.#base = base;
  }

  /** A task is open; `again`: it had ended before. */
  open(id: string, again: boolean): void {
    if (!again || !this.#ended.delete(id)) this.#opened.add(id);
  }

  /** A task has ended. */
  close(id: string): void {
    this.#ended.add(id);
  }

  /** How many there are; `undefined` when Redis was never asked. */
  count(): OpenTasks | undefined {
    if (this.#base === undefined) return undefined;
    const opened = [...this.#opened].filter((id) => !this.#ended.has(id)).length;
    const ended = [...this.#ended].filter((id) => !this.#opened.has(id)).length;
    return {
      count: Math.max(0, this.#base.count + opened - ended),
      atMs: this.#base.atMs,
    };
  }
}

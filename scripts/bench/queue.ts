/**
 * A task queue as the benchmarks use it, on either side of a comparison.
 * @module
 */
import { type Task, Tasks } from "../../src/task/task.ts";
import { Bare, type Durability } from "./bare.ts";
import { openOurs } from "./ours.ts";

/** Whose queue: the yardstick's or the program's. */
export type Side = "bare" | "ours";

/** A task to add: with its title and description about 500 bytes. */
export interface Draft {
  readonly title: string;
  readonly description: string;
  readonly priority: number;
  readonly tags: readonly string[];
}

/** A task that this process holds. */
export interface Held {
  readonly id: string | number;
  readonly fence: number;
}

/** What a benchmark does with a queue. */
export interface Queue {
  /** Adds tasks in one operation. */
  create(drafts: readonly Draft[]): Promise<void>;
  /** Takes the best pending task that carries one of `tags`; any task without them. */
  claim(tags?: readonly string[]): Promise<Held | undefined>;
  /** Ends a held task. */
  complete(task: Held): Promise<void>;
  /** Ends a held task and takes the next one, in one operation. */
  completeAndClaim(task: Held): Promise<Held | undefined>;
  /** Lets go of every file. */
  close(): Promise<void>;
}

/** Tasks added per operation when a backlog is built. */
const BATCH = 1000;

/** The `index`-th task of a backlog: all priorities are mixed. */
export function draft(index: number, tags: readonly string[] = []): Draft {
  return {
    title: `task ${index}`,
    description: "Look at this, then at that, and say what is to be done. ".repeat(8),
    priority: index * 7 % 10,
    tags,
  };
}

/** Opens one side's queue in `directory`. */
export async function openQueue(
  side: Side,
  directory: string,
  durability: Durability,
): Promise<Queue> {
  if (side === "bare") return new BareQueue(new Bare(directory, durability));
  const context = await openOurs(directory, durability);
  return new OurQueue(new Tasks(context), () => context.store.close());
}

/** Builds a backlog in `directory`. */
export async function fill(
  side: Side,
  directory: string,
  tasks: number,
  tagsOf: (index: number) => readonly string[] = () => [],
): Promise<void> {
  const queue = await openQueue(side, directory, "normal");
  for (let from = 0; from < tasks; from += BATCH) {
    const size = Math.min(BATCH, tasks - from);
    await queue.create(
      Array.from({ length: size }, (_, index) => draft(from + index, tagsOf(from + index))),
    );
  }
  await queue.close();
}

class BareQueue implements Queue {
  readonly #bare: Bare;

  constructor(bare: Bare) {
    this.#bare = bare;
  }

  create(drafts: readonly Draft[]): Promise<void> {
    this.#bare.create(drafts.map(({ priority, ...rest }) => (
      { priority, body: JSON.stringify(rest) }
    )));
    return Promise.resolve();
  }

  claim(): Promise<Held | undefined> {
    const id = this.#bare.claim();
    return Promise.resolve(id === undefined ? undefined : { id, fence: 0 });
  }

  complete({ id }: Held): Promise<void> {
    this.#bare.finish(id as number);
    return Promise.resolve();
  }

  async completeAndClaim(task: Held): Promise<Held | undefined> {
    await this.complete(task);
    return await this.claim();
  }

  close(): Promise<void> {
    this.#bare[Symbol.dispose]();
    return Promise.resolve();
  }
}

/** The program's own queue. */
export class OurQueue implements Queue {
  readonly #tasks: Tasks;
  readonly close: () => Promise<void>;

  /** `close` lets go of the store. */
  constructor(tasks: Tasks, close: () => Promise<void>) {
    this.#tasks = tasks;
    this.close = close;
  }

  async create(drafts: readonly Draft[]): Promise<void> {
    await this.#tasks.create(drafts);
  }

  async claim(tags: readonly string[] = []): Promise<Held | undefined> {
    const [task] = await this.#tasks.tryClaim({ tags });
    return held(task);
  }

  async complete({ id, fence }: Held): Promise<void> {
    await this.#tasks.complete(id as string, { fence });
  }

  async completeAndClaim({ id, fence }: Held): Promise<Held | undefined> {
    const { next: [task] } = await this.#tasks.completeAndClaim(id as string, { fence });
    return held(task);
  }
}

function held(task: Task | undefined): Held | undefined {
  return task && { id: task.id, fence: task.lease!.fence };
}

/**
 * How much is created at once: one operation stores a whole batch, and nobody else is served meanwhile, so what a
 * batch holds is bounded in tasks and in bytes.
 * @module
 */
import { InvalidArgumentError } from "../errors.ts";
import { LIMITS, utf8Length } from "../name.ts";
import { detailsOf, type TaskDetails } from "./model.ts";

/** The texts of a task to create. */
interface Texts extends Omit<TaskDetails, "paths"> {
  readonly paths?: readonly unknown[];
  readonly title: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly key?: string;
}

/** The limit of bytes as people read it. */
export const BATCH_BYTES_TEXT = `${LIMITS.batchBytes / 1024 ** 2} MiB`;

/**
 * What the texts of a task add to {@linkcode Limits.batchBytes}: title, description, tags, key, and the rest as
 * JSON. What is no text (a caller's mistake, refused elsewhere) counts nothing.
 */
export function textBytes(task: Texts): number {
  const { title, description, key, tags } = task;
  const texts: readonly unknown[] = [title, description, key, ...(Array.isArray(tags) ? tags : [])];
  const details = Object.values(detailsOf(task as TaskDetails)).map(asJson);
  return [...texts, ...details].reduce<number>(
    (sum, text) => typeof text === "string" ? sum + utf8Length(text) : sum,
    0,
  );
}

/**
 * Refuses a batch whose texts take too much together. One task alone is within its own limits.
 *
 * @throws {InvalidArgumentError} naming their size and the limit
 */
export function checkBatchBytes(tasks: readonly Texts[]): void {
  if (tasks.length < 2) return;
  const limit = LIMITS.batchBytes;
  const size = tasks.reduce((sum, task) => sum + textBytes(task), 0);
  if (size <= limit) return;
  throw new InvalidArgumentError(
    `Invalid tasks: their texts take ${size} bytes together, and the limit is ${limit} ` +
      `(${BATCH_BYTES_TEXT}); create them in several batches`,
    { field: "tasks", size, limit, unit: "bytes" },
  );
}

/** Where each batch begins when as many tasks as fit are created at once, in their order. */
export function batchStarts(tasks: readonly Texts[]): readonly number[] {
  const starts: number[] = [];
  let bytes = 0;
  for (const [index, task] of tasks.entries()) {
    const more = textBytes(task);
    const start = starts.at(-1);
    if (start === undefined || index - start === LIMITS.batch || bytes + more > LIMITS.batchBytes) {
      starts.push(index);
      bytes = 0;
    }
    bytes += more;
  }
  return starts;
}

function asJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined; // Nested too deep: the check of each field refuses it with its place.
  }
}

/**
 * Reading a list of tasks to its end.
 * @module
 */
import type { ListTasksOptions, Tasks } from "../../src/task/task.ts";

/** The titles of every page. */
export async function titles(tasks: Tasks, options: ListTasksOptions): Promise<readonly string[]> {
  const all: string[] = [];
  for (let cursor: string | undefined = ""; cursor !== undefined;) {
    const page = await tasks.list({ limit: 400, ...options, ...(cursor === "" ? {} : { cursor }) });
    all.push(...page.tasks.map(({ title }) => title));
    cursor = page.nextCursor;
  }
  return all;
}

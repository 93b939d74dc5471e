/**
 * Tasks from a file: one JSON object a line, created in atomic batches.
 * @module
 */
import { given } from "../../src/given.ts";
import { invalid } from "../../src/check.ts";
import { JsonError, parseJson } from "../../src/cli/json.ts";
import { CoordError, InvalidArgumentError, NotFoundError } from "../../src/errors.ts";
import { LIMITS, printable, quote } from "../../src/name.ts";
import { NEW_TASK_FIELDS } from "../../src/task/arguments.ts";
import { BATCH_BYTES_TEXT, batchStarts } from "../../src/task/batch.ts";
import { draftTasks, type NewTask } from "../../src/task/draft.ts";
import type { Task, Tasks } from "../../src/task/task.ts";

/** A task and the line it stands in, counted from 1. */
interface Item {
  readonly task: NewTask;
  readonly line: number;
}

/** Reads the lines of `from`, skipping empty ones. Every message names the line. */
export function parseTasks(text: string, from: string): readonly Item[] {
  const items = text.split("\n").flatMap((line, index) =>
    line.trim() === "" ? [] : [{ task: parseLine(line, index + 1), line: index + 1 }]
  );
  if (items.length === 0) throw invalid(from, "--from", "there is no task in it; give one a line");
  return items;
}

function parseLine(line: string, number: number): NewTask {
  const refuse = (why: string) =>
    new InvalidArgumentError(`Invalid line ${number} of --from ${printable(line, 80)}: ${why}`, {
      field: "--from",
      line: number,
      value: printable(line, 200),
    });
  let task: unknown;
  try {
    task = parseJson(line);
  } catch (error) {
    throw error instanceof JsonError ? refuse(error.message) : error;
  }
  if (typeof task !== "object" || task === null || Array.isArray(task)) {
    throw refuse("use an object with a title");
  }
  const unknown = Object.keys(task).find((key) => !NEW_TASK_FIELDS.includes(key));
  if (unknown !== undefined) {
    throw refuse(`unknown field "${printable(unknown, 40)}"; use ${NEW_TASK_FIELDS.join(", ")}`);
  }
  // Programs write null for what they have nothing to say about; only a payload may be it.
  const given = Object.entries(task).filter(([key, value]) => value !== null || key === "payload");
  const { title, ...fields } = Object.fromEntries(given) as Partial<NewTask>;
  if (typeof title !== "string") throw refuse("it needs a title");
  return { ...fields, title };
}

/**
 * Creates the tasks, batch by batch. A number in `dependsOn` is a place in the whole file, counted from 0;
 * across batches it must point backwards. Everything is checked before the first batch is written.
 */
export async function createAll(tasks: Tasks, items: readonly Item[]): Promise<readonly Task[]> {
  const starts = batchStarts(items.map(({ task }) => task));
  const chunks = starts.map((start, index) => ({
    start,
    chunk: items.slice(start, starts[index + 1]),
  }));
  const placeholder = "tsk_00000000000000000000000000";
  checkPlaces(items, starts);
  for (const { start, chunk } of chunks) {
    try {
      draftTasks(relink(chunk, start, () => placeholder));
    } catch (error) {
      throw inLines(error, chunk);
    }
  }
  // One batch is refused as a whole anyway.
  if (chunks.length > 1) await checkIdentifiers(tasks, items);
  const created: Task[] = [];
  for (const { start, chunk } of chunks) {
    const linked = relink(chunk, start, (place) => created[place]!.id);
    try {
      created.push(...await tasks.create(linked));
    } catch (error) {
      const failure = error instanceof NotFoundError ? inLines(error, chunk) : error;
      throw start === 0 ? failure : halfWay(failure, created, chunk[0]!.line);
    }
  }
  return created;
}

/** Every place in `dependsOn` is a task of the file and, across batches, an earlier one. */
function checkPlaces(items: readonly Item[], starts: readonly number[]): void {
  let batch = 0;
  for (const [index, { task: { dependsOn }, line }] of items.entries()) {
    if (index === starts[batch + 1]) batch++;
    const end = starts[batch + 1] ?? items.length;
    if (!Array.isArray(dependsOn)) continue;
    for (const place of dependsOn) {
      if (typeof place !== "number") continue;
      const fits = Number.isInteger(place) && place >= 0 && place < items.length;
      const ahead = fits && place >= end;
      if (fits && !ahead) continue;
      const fix = ahead
        ? `it stands in a later batch (${LIMITS.batch} tasks or ${BATCH_BYTES_TEXT} of texts each); ` +
          "put that task before this one"
        : `use the identifier of a task, or its place in the file from 0 to ${items.length - 1}`;
      throw new InvalidArgumentError(
        `Line ${line} of --from: Invalid dependsOn ${place}: ${fix}`,
        { field: "dependsOn", value: place, line },
      );
    }
  }
}

/** Every identifier in `dependsOn` is a task's, so that a later batch is not refused after the first is in. */
async function checkIdentifiers(tasks: Tasks, items: readonly Item[]): Promise<void> {
  const known = new Set<string>();
  for (const { task: { title, dependsOn = [] }, line } of items) {
    for (const id of dependsOn) {
      if (typeof id !== "string" || known.has(id)) continue;
      if (await tasks.get(id) === undefined) {
        throw new NotFoundError(
          `Line ${line} of --from: Cannot create task ${quote(title)}: it depends on ${
            quote(id)
          }, ` +
            "which is no task",
          { id: printable(id), line },
        );
      }
      known.add(id);
    }
  }
}

/** A failure after some batches were stored says which, so that the rest can be sent again. */
function halfWay(failure: unknown, created: readonly Task[], line: number): unknown {
  if (!(failure instanceof CoordError)) return failure;
  return new CoordError(
    failure.code,
    `${failure.message}; the ${created.length} tasks before line ${line} of --from are stored`,
    {
      retryable: failure.retryable,
      details: { ...failure.details, created: created.map(({ id }) => id) },
      cause: failure,
    },
  );
}

/** The refusal of a batch in the words of the file: `tasks[1]` is the line it came from. */
function inLines(error: unknown, chunk: readonly Item[]): unknown {
  if (!(error instanceof InvalidArgumentError || error instanceof NotFoundError)) return error;
  const lineOf = (index: unknown) => chunk[Number(index)]?.line;
  const named = /^Invalid tasks\[(\d+)\]\.?/.exec(error.message)?.[1];
  // In any other refusal an index is the place of a character.
  const place = error instanceof NotFoundError ? error.details.index : undefined;
  const line = lineOf(named ?? (chunk.length === 1 ? 0 : place));
  const message = error.message.replace(/^Invalid tasks\[\d+\]\.?/, "Invalid ")
    .replace(/tasks\[(\d+)\]/g, (_, index) => `line ${lineOf(index)}`);
  const details = { ...error.details, ...given({ line }) };
  const where = line === undefined ? "--from" : `Line ${line} of --from`;
  const Refusal = error instanceof NotFoundError ? NotFoundError : InvalidArgumentError;
  return new Refusal(`${where}: ${message}`, details);
}

function relink(
  chunk: readonly Item[],
  start: number,
  idOf: (place: number) => string,
): readonly NewTask[] {
  if (start === 0) return chunk.map(({ task }) => task);
  return chunk.map(({ task }) => {
    const { dependsOn } = task;
    if (!Array.isArray(dependsOn)) return task;
    const linked = dependsOn.map((one) => {
      if (typeof one !== "number") return one;
      return one < start && one >= 0 && Number.isInteger(one) ? idOf(one) : one - start;
    });
    return { ...task, dependsOn: linked };
  });
}

/**
 * What the methods of the task queue take.
 * @module
 */
import {
  anything,
  fields,
  type FieldTable,
  flag,
  list,
  options,
  record,
  signal,
  text,
} from "../arguments.ts";
import { TASK_DETAILS, type TaskDetails } from "./model.ts";
import { PRUNE_FIELDS } from "../prune.ts";
import type { NewTask, TaskChanges } from "./draft.ts";
import type { WantedPath } from "./paths.ts";
import type {
  ClaimOptions,
  CompleteOptions,
  FailOptions,
  ListTasksOptions,
  NextOptions,
  PruneTasksOptions,
  ReleaseTaskOptions,
  RenewOptions,
} from "./options.ts";

const NEXT: FieldTable<NextOptions> = {
  tags: list(),
  match: anything,
  leaseMs: anything,
  count: anything,
};
const CLAIM: FieldTable<ClaimOptions> = { ...NEXT, waitMs: anything, signal };
const COMPLETE: FieldTable<CompleteOptions> = { fence: anything, result: anything };
const DETAILS = Object.fromEntries(TASK_DETAILS.map((name) => [name, anything])) as FieldTable<
  TaskDetails
>;
const PATH = record<WantedPath>({ path: anything, mode: anything });

function pathOrText(item: unknown, field: string): unknown {
  return typeof item === "object" && item !== null ? PATH(item, field) : item;
}

const NEW_TASK: FieldTable<NewTask> = {
  title: anything,
  description: anything,
  priority: anything,
  tags: list(),
  dependsOn: list(),
  notBeforeMs: anything,
  maxAttempts: anything,
  leaseMs: anything,
  backoff: record({ kind: anything, baseMs: anything }),
  ...DETAILS,
  paths: list(pathOrText),
  key: anything,
};
const { dependsOn: _dependsOn, key: _key, ...changes } = NEW_TASK;
const CHANGES: FieldTable<TaskChanges> = changes;

/** The names of all that a {@linkcode NewTask} may say. */
export const NEW_TASK_FIELDS: readonly string[] = Object.freeze(Object.keys(NEW_TASK));

/** How the arguments of {@linkcode Tasks} are read. */
export const TASK_ARGUMENTS = {
  create: { tasks: list(record(NEW_TASK)) },
  claim: { options: options(CLAIM) },
  tryClaim: { options: options(CLAIM) },
  hold: { options: options(CLAIM) },
  renew: {
    id: text,
    options: options<RenewOptions>({ fence: anything, leaseMs: anything, progress: anything }),
  },
  complete: { id: text, options: options(COMPLETE) },
  completeAndClaim: {
    id: text,
    options: options<CompleteOptions & { next?: NextOptions }>({ ...COMPLETE, next: record(NEXT) }),
  },
  fail: {
    id: text,
    options: fields<FailOptions>({ fence: anything, error: anything, retry: flag }),
  },
  release: {
    id: text,
    options: options<ReleaseTaskOptions>({
      fence: anything,
      reason: anything,
      notBeforeMs: anything,
    }),
  },
  cancel: { id: text },
  retry: { id: text },
  update: { id: text, changes: fields(CHANGES) },
  sweep: {},
  prune: {
    options: options<PruneTasksOptions>({ ...PRUNE_FIELDS, statuses: list() }),
  },
  get: { id: text },
  show: { id: text },
  why: { id: text },
  list: {
    options: options<ListTasksOptions>({
      status: anything,
      tags: list(),
      match: anything,
      holder: anything,
      createdBy: anything,
      order: anything,
      limit: anything,
      cursor: anything,
    }),
  },
  counts: {},
};

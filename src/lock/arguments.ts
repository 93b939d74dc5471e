/**
 * What the methods of the locks take.
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
import type {
  AcquireOptions,
  BreakOptions,
  CheckOptions,
  HoldOptions,
  RenewLockOptions,
  TenureOptions,
} from "./options.ts";
import type { Lease } from "./model.ts";

const ACQUIRE: FieldTable<AcquireOptions> = {
  mode: anything,
  ttlMs: anything,
  waitMs: anything,
  intent: anything,
  reentrant: flag,
  absolute: flag,
  signal,
};
const TENURE: FieldTable<TenureOptions> = { fence: anything, absolute: flag };
const LEASE = record<Pick<Lease, "path" | "fence">>({ path: anything, fence: anything });
const TARGET = list((item, field) =>
  typeof item === "object" && item !== null ? LEASE(item, field) : item
);

/** How the arguments of {@linkcode Locks} are read. */
export const LOCK_ARGUMENTS = {
  acquire: { paths: list(text), options: options(ACQUIRE) },
  tryAcquire: { paths: list(text), options: options(ACQUIRE) },
  hold: { paths: list(text), options: options<HoldOptions>({ ...ACQUIRE, marginMs: anything }) },
  renew: { paths: TARGET, options: options<RenewLockOptions>({ ...TENURE, ttlMs: anything }) },
  release: { paths: TARGET, tenure: options(TENURE) },
  releaseAll: {},
  verify: { path: anything, options: fields(TENURE) },
  check: {
    paths: list(text),
    options: options<CheckOptions>({ mode: anything, absolute: flag }),
  },
  break: {
    path: anything,
    options: fields<BreakOptions>({ reason: anything, absolute: flag }),
  },
  list: { options: options<{ holder?: string }>({ holder: anything }) },
  count: {},
};

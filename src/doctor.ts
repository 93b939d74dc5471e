/**
 * Finds out why a store does not work, or shows that it does. Every check only looks: nothing is made,
 * changed or repaired, so it is safe on a store in use and on a damaged one.
 * @module
 */
import { Audit } from "./audit/audit.ts";
import type { Clock } from "./clock.ts";
import { type Config, redactUrl } from "./config.ts";
import type { RoomContext } from "./context.ts";
import { CoordError, InvalidArgumentError, StoreUnavailableError } from "./errors.ts";
import { newId } from "./id.ts";
import type { Project } from "./project.ts";
import { storeFailure } from "./store/failure.ts";
import {
  inspectBells,
  inspectDatabase,
  inspectDisk,
  inspectFiles,
  inspectLock,
  isOlderSchema,
  listNamespaces,
} from "./store/inspect.ts";

/** One thing that was looked at. */
export interface Check {
  /** What it is called; scripts may rely on it. */
  readonly name: string;
  /** `false` when the store cannot be used, or cannot be trusted, because of it. */
  readonly ok: boolean;
  /** What was found. */
  readonly value: string | number;
  /** What to know or do about it; also given with some checks that are ok. */
  readonly hint?: string;
}

/** What {@linkcode examine} works with. */
export interface Patient {
  readonly config: Config;
  readonly clock: Clock;
  /** Opens the store; called only when there is one and nothing seems wrong with it. */
  readonly open: () => Promise<RoomContext>;
}

/** Below this much free space a store may soon be full. */
const LITTLE_SPACE_BYTES = 100_000_000;
/** A log that is never copied into the database grows past this size. */
const LARGE_LOG_BYTES = 64_000_000;
/** A step that takes longer than this feels slow. */
const SLOW_MS = 50;
/** Calls of which the median is taken. */
const SAMPLES = 21;

/** Runs every check that makes sense here, in a fixed order. */
export async function examine({ config, clock, open }: Patient): Promise<readonly Check[]> {
  const { store, namespace, project } = config;
  const checks = [...projectChecks(project)];
  if (store.kind === "redis") {
    checks.push({ name: "store", ok: true, value: redactUrl(store.url) });
    checks.push({ name: "namespace", ok: true, value: namespace });
  } else {
    const { directory } = store;
    checks.push({ name: "store", ok: true, value: directory });
    checks.push({ name: "namespace", ok: true, value: namespace });
    checks.push({ name: "durability", ok: true, value: config.durability });
    checks.push(...attempt("disk", () => diskChecks(directory)));
    let known: readonly string[] = [];
    checks.push(...attempt("database", () => {
      known = listNamespaces(directory);
      return [databaseCheck(namespace, known)];
    }));
    if (known.includes(namespace)) {
      checks.push(...attempt("database", () => contentChecks(directory, namespace, clock)));
      checks.push(...attempt("files", () => fileChecks(directory, namespace)));
      checks.push(await lockCheck(directory, namespace));
    }
    if (!known.includes(namespace) || checks.some(({ ok }) => !ok)) return checks;
  }
  try {
    const context = await open();
    checks.push(...await latencyChecks(context), await auditCheck(context));
  } catch (error) {
    checks.push(failed("steps", error));
  }
  return checks;
}

/** The failure that these checks amount to; `undefined` when all is well. */
export function diagnosis(checks: readonly Check[]): StoreUnavailableError | undefined {
  const bad = checks.filter(({ ok }) => !ok);
  if (bad.length === 0) return undefined;
  const [{ name, value, hint }] = bad as [Check];
  const more = bad.length === 1 ? "" : ` (and ${bad.length - 1} more)`;
  const advice = hint === undefined ? "" : `; ${hint}`;
  return new StoreUnavailableError(`The check "${name}" failed: ${value}${advice}${more}`, {
    checks,
  });
}

/** Reports what a group of checks found, or the obstacle that kept it from looking. */
function attempt(name: string, look: () => readonly Check[]): readonly Check[] {
  try {
    return look();
  } catch (error) {
    return [failed(name, error)];
  }
}

/** Throws on what is no obstacle but a mistake: ours, or the caller's. */
function failed(name: string, error: unknown): Check {
  const failure = storeFailure(error, "the store");
  if (!(failure instanceof CoordError) || failure instanceof InvalidArgumentError) throw failure;
  return { name, ok: false, value: failure.message };
}

function projectChecks({ root, worktree, isGit }: Project): readonly Check[] {
  const shared = worktree === root ? "" : `; this worktree is ${worktree}`;
  return [{
    name: "project",
    ok: true,
    value: root,
    ...(isGit
      ? (shared === "" ? {} : { hint: `all worktrees share the state in the root${shared}` })
      : {
        hint: "not a git repository: the project is the directory with .agentcoord, or this one",
      }),
  }];
}

function diskChecks(directory: string): readonly Check[] {
  const { fileSystem, shared, freeBytes, watch } = inspectDisk(directory);
  return [
    {
      name: "file_system",
      ok: true,
      value: fileSystem,
      ...(shared
        ? {
          hint:
            "the directory store is for the processes of one host; never share it between hosts",
        }
        : {}),
    },
    {
      name: "free_bytes",
      ok: true,
      value: freeBytes,
      ...(freeBytes < LITTLE_SPACE_BYTES ? { hint: "little space is left for the store" } : {}),
    },
    {
      name: "file_watch",
      ok: true,
      value: watch.ok ? watch.detail : `unavailable (${watch.detail})`,
      ...(watch.ok ? {} : {
        hint: "waiting works, but polls ten times a second; raise fs.inotify.max_user_instances",
      }),
    },
  ];
}

function databaseCheck(namespace: string, known: readonly string[]): Check {
  if (known.includes(namespace)) return { name: "database", ok: true, value: "present" };
  const others = known.length === 0 ? "" : `; namespaces with state here: ${known.join(", ")}`;
  return {
    name: "database",
    ok: true,
    value: "none yet",
    hint: `nothing has been stored here so far; agentcoord init makes the store${others}`,
  };
}

function contentChecks(directory: string, namespace: string, clock: Clock): readonly Check[] {
  const { schema, sqlite, nowMs, integrity } = inspectDatabase(directory, namespace);
  const aheadMs = Math.max(0, nowMs - clock.nowMs());
  return [
    {
      name: "schema_version",
      ok: true,
      value: schema,
      ...(isOlderSchema(schema) ? { hint: "the next command brings it forward" } : {}),
    },
    { name: "sqlite_version", ok: true, value: sqlite },
    {
      name: "integrity",
      ok: integrity === "ok",
      value: integrity,
      ...(integrity === "ok"
        ? {}
        : { hint: `restore ${directory} from a backup, or move it away to start an empty store` }),
    },
    {
      name: "clock_ahead_ms",
      ok: true,
      value: aheadMs,
      ...(aheadMs < 1000 ? {} : {
        hint:
          "the host's clock was set back; the store's clock stands still until it has caught up, " +
          "and so leases last longer",
      }),
    },
  ];
}

function fileChecks(directory: string, namespace: string): readonly Check[] {
  const files = inspectFiles(directory, namespace);
  const bells = inspectBells(directory, namespace);
  const mode = files.mode === undefined ? "none" : files.mode.toString(8).padStart(4, "0");
  return [
    {
      name: "file_modes",
      ok: true,
      value: mode,
      ...(files.open.length === 0 ? {} : {
        hint: `other users of this host can use ${files.open.length} files; ` +
          `chmod -R go= ${directory}`,
      }),
    },
    {
      name: "git_ignored",
      ok: true,
      value: files.ignored ? "yes" : "no",
      ...(files.ignored ? {} : { hint: `put a line with * into ${directory}/.gitignore` }),
    },
    { name: "database_bytes", ok: true, value: files.databaseBytes },
    {
      name: "log_bytes",
      ok: true,
      value: files.logBytes,
      ...(files.logBytes < LARGE_LOG_BYTES ? {} : {
        hint: "a process reads for so long that the log cannot be copied into the database",
      }),
    },
    { name: "waiters", ok: true, value: bells.live },
    {
      name: "stale_waiters",
      ok: true,
      value: bells.stale,
      ...(bells.stale === 0 ? {} : { hint: `left by processes that died while waiting; harmless` }),
    },
  ];
}

async function lockCheck(directory: string, namespace: string): Promise<Check> {
  const found = await inspectLock(directory, namespace).catch((error) =>
    failed("kernel_lock", error)
  );
  if ("name" in found) return found;
  if (!found.held) return { name: "kernel_lock", ok: true, value: "free" };
  const who = found.pid === undefined
    ? "another process"
    : `process ${found.pid}${found.command === undefined ? "" : ` (${found.command})`}`;
  return {
    name: "kernel_lock",
    ok: false,
    value: `held by ${who}${found.stopped ? ", which is stopped" : ""}`,
    hint: found.pid === undefined
      ? "find the process that has store.lock open, and resume or end it"
      : `resume it (kill -CONT ${found.pid}) or end it (kill -KILL ${found.pid})`,
  };
}

async function latencyChecks({ store, clock }: RoomContext): Promise<readonly Check[]> {
  const locks = await store.locks();
  const timed = async (name: string, call: () => Promise<unknown>): Promise<Check> => {
    const times: number[] = [];
    for (let sample = 0; sample < SAMPLES; sample++) {
      const startedAtMs = clock.monotonicMs();
      await call();
      times.push(clock.monotonicMs() - startedAtMs);
    }
    const median = times.sort((a, b) => a - b)[Math.floor(SAMPLES / 2)] ?? 0;
    const hint = median < SLOW_MS ? {} : { hint: "slow; is the host or its disk overloaded?" };
    return { name, ok: true, value: Math.round(median * 1000) / 1000, ...hint };
  };
  // The second takes the writers' way and finds nothing to write: nobody waits under a new identifier.
  return [
    await timed("read_ms", () => locks.current("./")),
    await timed("write_ms", () => locks.abandon(newId("wtr"))),
  ];
}

async function auditCheck(context: RoomContext): Promise<Check> {
  const found = await new Audit(context).verify();
  if (found.ok) return { name: "audit_chain", ok: true, value: `${found.entries} entries fit` };
  const { seq, why } = found.broken;
  return {
    name: "audit_chain",
    ok: false,
    value: `broken at entry ${seq}: ${why}`,
    hint: "somebody changed the audit log past the program; agentcoord audit verify tells more",
  };
}

/**
 * Checks of a directory store, from outside.
 * @module
 */
import type { Clock } from "../clock.ts";
import {
  attempt,
  type Check,
  failed,
  type Findings,
  oldestEventCheck,
  restoredCheck,
} from "./check.ts";
import {
  commitsGone,
  inspectDisk,
  inspectFiles,
  inspectLock,
  inspectWakers,
  listNamespaces,
} from "../engine/directory/inspect.ts";
import { type ContentFacts, inspectContent } from "../open/inspect.ts";

/** Below this much free space a store may soon be full. */
const LITTLE_SPACE_BYTES = 100_000_000;
/** A log that is never copied into the database grows past this size. */
const LARGE_LOG_BYTES = 64_000_000;
/** A clock this far ahead makes instants that people give meaningless. */
const FAR_AHEAD_MS = 24 * 60 * 60 * 1000;

/** Checks the disk, and the namespace's files if there are any. */
export async function examineDirectory(
  directory: string,
  namespace: string,
  clock: Clock,
): Promise<Findings> {
  const checks = [...attempt("disk", () => diskChecks(directory))];
  let known: readonly string[] = [];
  let older = false;
  let copied = false;
  checks.push(...attempt("database", () => {
    known = listNamespaces(directory);
    return [databaseCheck(directory, namespace, known)];
  }));
  const hasState = known.includes(namespace);
  if (hasState) {
    checks.push(...attempt("database", () => {
      const facts = inspectContent(directory, namespace);
      older = facts.isOlder;
      copied = facts.copied;
      return contentChecks(directory, facts, clock);
    }));
    checks.push(...attempt("files", () => fileChecks(directory, namespace)));
    checks.push(await lockCheck(directory, namespace));
  }
  return {
    checks,
    takesOperations: hasState && !older,
    ...(copied
      ? {
        writesBecause:
          "the files were copied; the next operation notes that and leaves a gap in the fences",
      }
      : {}),
  };
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
        hint: `waiting works, but polls ten times a second; ${
          /os error 13\b|denied/i.test(watch.detail)
            ? "give this user the right to read the directory"
            : "raise fs.inotify.max_user_instances"
        }`,
      }),
    },
  ];
}

function databaseCheck(directory: string, namespace: string, known: readonly string[]): Check {
  if (known.includes(namespace)) return { name: "database", ok: true, value: "present" };
  const gone = commitsGone(directory, namespace);
  if (gone > 0) {
    return {
      name: "database",
      ok: false,
      value: `removed, with ${gone} commit${gone === 1 ? "" : "s"}`,
      hint:
        "put back the namespace's directory from a backup, or go on: the next command that writes " +
        "starts anew and says so in an event, and no fence is given out twice",
    };
  }
  const others = known.length === 0 ? "" : `; namespaces with state here: ${known.join(", ")}`;
  return {
    name: "database",
    ok: true,
    value: "none yet",
    hint: `nothing has been stored here so far; agentcoord init makes the store${others}`,
  };
}

function contentChecks(
  directory: string,
  facts: ContentFacts,
  clock: Clock,
): readonly Check[] {
  const { schema, isOlder, sqlite, nowMs, integrity } = facts;
  const aheadMs = Math.max(0, nowMs - clock.nowMs());
  return [
    {
      name: "schema_version",
      ok: true,
      value: schema,
      ...(isOlder ? { hint: "the next command brings it forward" } : {}),
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
    lossCheck(facts),
    restoredCheck(facts.restored, nowMs),
    oldestEventCheck(facts),
    {
      name: "clock_ahead_ms",
      ok: aheadMs < FAR_AHEAD_MS,
      value: aheadMs,
      ...(aheadMs < 1000 ? {} : {
        hint:
          "the host's clock was set back, or some process has a clock that is ahead; leases last as " +
          "long as they should, but what the store dates is that far ahead until the host catches up",
      }),
    },
  ];
}

/** Whether the newest commits are there, as far as what was written beside the database tells. */
function lossCheck({ lostCommits, copied }: ContentFacts): Check {
  const name = "lost_commits";
  if (lostCommits > 0) {
    return {
      name,
      ok: false,
      value: lostCommits,
      hint:
        `${lostCommits} commits were lost or an older copy was restored; restore a newer one, or ` +
        `go on: the next operation says so in an event, and no fence is given out twice`,
    };
  }
  if (copied) {
    return {
      name,
      ok: true,
      value: 0,
      hint: "the files were copied; the next operation leaves a gap in the fences",
    };
  }
  return { name, ok: true, value: 0 };
}

function fileChecks(directory: string, namespace: string): readonly Check[] {
  const files = inspectFiles(directory, namespace);
  const wakers = inspectWakers(directory, namespace);
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
      ok: !files.tracked,
      value: files.tracked ? "no, git tracks the state" : files.ignored ? "yes" : "no",
      ...(files.tracked
        ? {
          hint:
            `whoever clones this repository gets the state, and their store refuses it; git rm -r --cached ${directory}`,
        }
        : files.ignored
        ? {}
        : { hint: `put a line with * into ${directory}/.gitignore` }),
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
    { name: "waiters", ok: true, value: wakers.live },
    {
      name: "stale_waiters",
      ok: true,
      value: wakers.stale,
      ...(wakers.stale === 0
        ? {}
        : { hint: `left by processes that died while waiting; harmless` }),
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

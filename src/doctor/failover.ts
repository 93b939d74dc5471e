/**
 * Checks of what a project keeps for the time when its server cannot be reached.
 * @module
 */
import { type Clock, sleep } from "../clock.ts";
import type { Config } from "../config.ts";
import type { RoomContext } from "../context.ts";
import { formatDuration } from "../duration.ts";
import { given } from "../given.ts";
import { SITE_MEMORY_MS } from "../engine/redis/sites.ts";
import { engineOf } from "../open/engines.ts";
import {
  missingInMirror,
  obstacle,
  outageJournal,
  recordIn,
  type SitePlace,
  sitePlace,
  stoppedInside,
} from "../open/failover/inspect.ts";
import type { AuthorityRecord } from "../open/failover/record.ts";
import { attempt, type Check, failed } from "./check.ts";

/** A lease is in the mirror this long after it was granted, unless its process is slow. */
const NOTED_AFTER_MS = 200;

const HINTS: Readonly<Record<Config["fallback"], string | undefined>> = {
  auto: undefined,
  directory: "two sites that are cut off from each other may both be granted one path",
  never: "while the server cannot be reached, commands fail",
};

/** What a project keeps for that time, as one look has found it. */
export interface FailoverFindings {
  readonly checks: readonly Check[];
  /** Compares the mirror with the server, once that is open. */
  readonly compare: (context: RoomContext) => Promise<readonly Check[]>;
}

/** Looks at the project's directory for the server that the configuration names. */
export async function examineFailover(config: Config, clock: Clock): Promise<FailoverFindings> {
  const { fallback, standInDirectory, store, namespace } = config;
  const mode: Check = {
    name: "fallback",
    ok: true,
    value: fallback,
    ...given({ hint: HINTS[fallback] }),
  };
  const nothing = () => Promise.resolve([]);
  if (fallback === "never") return { checks: [mode], compare: nothing };
  if (standInDirectory === undefined) return { checks: [mode, noPlace()], compare: nothing };
  const place = await sitePlace(standInDirectory, engineOf(store).identity, namespace);
  const checks = [mode, directoryCheck(place, fallback)];
  let record: AuthorityRecord | undefined;
  checks.push(...attempt("authority", () => {
    record = recordIn(place);
    return record === undefined ? [] : recordChecks(place, record, config, clock.nowMs());
  }));
  const found = record;
  return {
    checks,
    compare: found?.store === "redis" ? (context) => mirrorCheck(context, place, found) : nothing,
  };
}

function noPlace(): Check {
  return {
    name: "fallback_directory",
    ok: true,
    value: "none",
    hint: "no directory stands in outside of a project, or in the home directory",
  };
}

function directoryCheck(place: SitePlace, fallback: Config["fallback"]): Check {
  const name = "fallback_directory";
  const reason = obstacle(place);
  const value = place.isMade ? place.directory : "none yet";
  if (reason === undefined) return { name, ok: true, value };
  return {
    name,
    ok: fallback !== "directory",
    value: "cannot be used",
    hint: `no directory can stand in for the server: ${reason}`,
  };
}

function recordChecks(
  place: SitePlace,
  record: AuthorityRecord,
  { fallback }: Config,
  nowMs: number,
): readonly Check[] {
  const { store, epoch, sinceMs, reason, moving } = record;
  const standsIn = store === "directory";
  return [
    {
      name: "authority",
      ok: true,
      value: `${store}, epoch ${epoch}`,
      ...(standsIn
        ? {
          hint:
            `the directory stands in for the server for ${ageText(sinceMs, nowMs)} (${reason})${
              moving === undefined ? "" : ", and what it has is being moved back"
            }; agents that run move everything back once the server answers, and agentcoord store ` +
            "failback --now does",
        }
        : {}),
    },
    ...(standsIn ? attempt("waiting_records", () => [journalCheck(place, record)]) : []),
    ...(standsIn ? [] : [sitesCheck(record, fallback, nowMs)]),
    ...attempt("stopped_processes", () => [stoppedCheck(place)]),
  ];
}

function journalCheck(place: SitePlace, record: AuthorityRecord): Check {
  const { total } = outageJournal(place, record);
  return {
    name: "waiting_records",
    ok: true,
    value: total,
    ...(total === 0 ? {} : { hint: "agentcoord store journal lists them" }),
  };
}

function sitesCheck(
  { others, sitesAtMs }: AuthorityRecord,
  fallback: Config["fallback"],
  nowMs: number,
): Check {
  const [first] = others;
  const why = first !== undefined
    ? `site ${first.site} used the server ${ageText(first.lastSeenMs, nowMs)} ago`
    : nowMs - sitesAtMs >= SITE_MEMORY_MS
    ? "the server was not written to from here for 24 hours, so others may use it"
    : undefined;
  const consequence = fallback === "auto"
    ? "the directory does not take over"
    : "if the directory takes over, both may be granted one path";
  return {
    name: "other_sites",
    ok: true,
    value: others.length,
    ...(why === undefined ? {} : { hint: `${why}: ${consequence}` }),
  };
}

function stoppedCheck(place: SitePlace): Check {
  const name = "stopped_processes";
  const stopped = stoppedInside(place);
  if (stopped.length === 0) return { name, ok: true, value: "none" };
  const pids = stopped.map(({ pid }) => pid).join(" ");
  return {
    name,
    ok: true,
    value: stopped.map(({ pid, command }) =>
      command === undefined ? `${pid}` : `${pid} (${command})`
    ).join(", "),
    hint:
      "stopped within an operation, so that neither the directory nor the server can take over; resume " +
      `(kill -CONT ${pids}) or end them (kill -KILL ${pids})`,
  };
}

/** Leases that are granted while this looks are no finding: those of the first look are looked for once more. */
async function mirrorCheck(
  { store, clock }: RoomContext,
  place: SitePlace,
  record: AuthorityRecord,
): Promise<readonly Check[]> {
  // What other sites hold is in their mirrors.
  if (record.others.length > 0) return [];
  const name = "mirror";
  try {
    const leases = await (await store.locks()).list();
    let missing = missingInMirror(place, record, leases, clock.nowMs());
    if (missing.length > 0) {
      await sleep(NOTED_AFTER_MS);
      const now = recordIn(place);
      if (now?.store !== "redis") return [];
      missing = missingInMirror(place, now, missing, clock.nowMs());
    }
    if (missing.length === 0) return [{ name, ok: true, value: `complete (${leases.length})` }];
    return [{
      name,
      ok: true,
      value: `${missing.length} of ${leases.length} leases are missing`,
      subject: missing[0]!.path,
      hint:
        "the directory does not know of them, and could grant the paths anew while the server is away; " +
        "they were taken by clients that do not share this directory, or with --fallback never",
    }];
  } catch (error) {
    return [failed(name, error)];
  }
}

function ageText(atMs: number, nowMs: number): string {
  return formatDuration(Math.max(0, nowMs - atMs));
}

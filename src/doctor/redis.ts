/**
 * Checks of a Redis server, from outside.
 * @module
 */
import type { Clock } from "../clock.ts";
import type { Config } from "../config.ts";
import {
  type Check,
  failed,
  type Findings,
  oldestEventCheck,
  restoredCheck,
  SAMPLES,
  SLOW_MS,
} from "./check.ts";
import { examineFailover } from "./failover.ts";
import { inspectRedis, type RedisFacts } from "../engine/redis/inspect.ts";

/** Of the memory, or the clients, that a server allows. */
const NEARLY_ALL = 0.9;
/** Clocks that differ by less may differ for the time it took to ask. */
const SKEW_MS = 1000;
const UNSEEN = "unknown";

/** Checks the server at `url`, and the namespace's data if there are any. */
export async function examineRedis(
  url: string,
  config: Config,
  clock: Clock,
): Promise<Findings> {
  const { checks: fallbacks, compare } = await examineFailover(config, clock);
  let facts: RedisFacts;
  try {
    facts = await inspectRedis(url, { namespace: config.namespace, clock, samples: SAMPLES });
  } catch (error) {
    return { checks: [...fallbacks, failed("server", error)], takesOperations: false };
  }
  const { state } = facts;
  return {
    checks: [
      ...fallbacks,
      ...serverChecks(facts),
      ...memoryChecks(facts),
      ...persistenceChecks(facts),
      replicaCheck(facts),
      ...clientChecks(facts),
      permissionCheck(facts),
      channelCheck(facts),
      ...stateChecks(facts),
    ],
    takesOperations: state?.age === "known",
    compare,
    ...(state === undefined || state.isOfThisRun ? {} : {
      writesBecause: "the server was restarted, or another took over, since the last change; the " +
        "next operation notes that and leaves a gap in the fences",
    }),
  };
}

function serverChecks({ server, kind, roundTripMs, clockAheadMs }: RedisFacts): readonly Check[] {
  const skewMs = Math.round(clockAheadMs);
  const isReplica = server.role === "slave";
  return [
    {
      name: "server",
      ok: true,
      value: server.version === "" ? UNSEEN : `${server.flavour} ${server.version}`,
      ...(server.version === ""
        ? {
          hint:
            "the user may not run INFO, so a failover or restart of the server cannot be noticed, " +
            "and fences may be handed out twice after it; allow it with +info",
        }
        : {}),
    },
    { name: "mode", ok: true, value: kind === "single" ? "standalone" : kind },
    {
      name: "role",
      ok: !isReplica,
      value: isReplica ? "replica" : server.role === "" ? UNSEEN : "primary",
      ...(isReplica
        ? { hint: "a replica takes no writes; use its primary's address, or redis+sentinel:" }
        : {}),
    },
    {
      name: "round_trip_ms",
      ok: true,
      value: Math.round(roundTripMs * 1000) / 1000,
      ...(roundTripMs < SLOW_MS ? {} : { hint: "slow; is the server far away or overloaded?" }),
    },
    {
      name: "clock_ahead_ms",
      ok: true,
      value: skewMs,
      ...(Math.abs(skewMs) < SKEW_MS + roundTripMs ? {} : {
        hint:
          "this host and the server disagree about the time; the server's decides, so leases are " +
          "right, and ages and times shown here are off by this much",
      }),
    },
  ];
}

function memoryChecks({ info, settings }: RedisFacts): readonly Check[] {
  const policy = settings.get("maxmemory-policy") ?? info.get("maxmemory_policy") ?? UNSEEN;
  const used = Number(info.get("used_memory") ?? 0);
  const limit = Number(info.get("maxmemory") ?? 0);
  return [
    {
      name: "eviction_policy",
      ok: policy === "noeviction" || policy === UNSEEN,
      value: policy,
      ...(policy === "noeviction" ? {} : {
        hint: policy === UNSEEN
          ? "make sure that the server's maxmemory-policy is noeviction"
          : "the server may throw locks and tasks away when its memory is full; set " +
            "maxmemory-policy to noeviction",
      }),
    },
    evictedCheck(info.get("evicted_keys")),
    { name: "memory_bytes", ok: true, value: info.has("used_memory") ? used : UNSEEN },
    {
      name: "memory_limit_bytes",
      ok: limit === 0 || used < limit,
      value: info.has("maxmemory") ? (limit === 0 ? "none" : limit) : UNSEEN,
      ...(limit === 0 || used < limit * NEARLY_ALL ? {} : {
        hint: "a server whose memory is full refuses writes; raise maxmemory, or make room",
      }),
    },
  ];
}

function evictedCheck(keys: string | undefined): Check {
  const name = "evicted_keys";
  if (keys === undefined) return { name, ok: true, value: UNSEEN };
  if (keys === "0") return { name, ok: true, value: 0 };
  return {
    name,
    ok: true,
    value: Number(keys),
    hint:
      "the server has thrown so many keys away since it was started, perhaps some of the store's; set " +
      "maxmemory-policy to noeviction, and see whether locks and tasks are missing",
  };
}

function persistenceChecks({ info, settings }: RedisFacts): readonly Check[] {
  const aof = info.get("aof_enabled") === "1";
  const save = settings.get("save");
  const kinds = [
    ...(aof ? ["aof"] : []),
    ...(save === undefined ? (aof ? [] : [UNSEEN]) : save === "" ? [] : ["rdb"]),
  ];
  const failures = [
    ...(info.get("rdb_last_bgsave_status") === "err" ? ["the last snapshot failed"] : []),
    ...(aof && info.get("aof_last_write_status") === "err" ? ["the last AOF write failed"] : []),
    ...(aof && info.get("aof_last_bgrewrite_status") === "err"
      ? ["the last AOF rewrite failed"]
      : []),
  ];
  return [
    {
      name: "persistence",
      ok: true,
      value: kinds.length === 0 ? "off" : kinds.join(" and "),
      ...(aof ? {} : {
        hint: kinds.length === 0
          ? "a restart of the server loses everything; turn appendonly on"
          : kinds[0] === UNSEEN
          ? "make sure that the server keeps its data over a restart; appendonly is best"
          : "a crash of the server loses what came after the last snapshot; turn appendonly on",
      }),
    },
    {
      name: "last_save",
      ok: failures.length === 0,
      value: info.size === 0 ? UNSEEN : failures.length === 0 ? "ok" : failures.join(", "),
      ...(failures.length === 0
        ? {}
        : { hint: "until it succeeds the server may refuse writes; look at its log and its disk" }),
    },
  ];
}

function replicaCheck({ info, settings, kind }: RedisFacts): Check {
  const replicas = Number(info.get("connected_slaves") ?? 0);
  const wanted = Number(settings.get("min-replicas-to-write") ?? 0);
  // Said only where the server wants a number of them.
  const good = Number(info.get("min_slaves_good_slaves") ?? Infinity);
  const tooFew = good < wanted;
  const waits = wanted === 0
    ? "min-replicas-to-write is not set, and "
    : `min-replicas-to-write is ${wanted}; still `;
  return {
    name: "replicas",
    ok: !tooFew,
    value: info.has("connected_slaves") ? replicas : UNSEEN,
    ...(tooFew
      ? {
        hint: `the server wants ${wanted} replicas that keep up (min-replicas-to-write) and has ` +
          `${good}, so it refuses writes`,
      }
      : kind === "single" && replicas === 0
      ? {}
      : {
        hint:
          `${waits}a failover can lose the newest writes; fences get a gap then, so whoever held a ` +
          "lost lease is told apart",
      }),
  };
}

function clientChecks({ info }: RedisFacts): readonly Check[] {
  const connected = Number(info.get("connected_clients") ?? 0);
  const limit = Number(info.get("maxclients") ?? 0);
  const blocked = Number(info.get("blocked_clients") ?? 0);
  if (!info.has("connected_clients")) return [{ name: "clients", ok: true, value: UNSEEN }];
  return [
    {
      name: "clients",
      ok: true,
      value: connected,
      ...(limit === 0 || connected < limit * NEARLY_ALL
        ? {}
        : { hint: `the server takes ${limit} at most (maxclients); one that waits is two` }),
    },
    { name: "blocked_clients", ok: true, value: blocked },
  ];
}

function permissionCheck({ denied }: RedisFacts): Check {
  if (denied.length === 0) return { name: "permissions", ok: true, value: "enough" };
  const rules = denied.map((command) => `+${command.toLowerCase()}`).join(" ");
  return {
    name: "permissions",
    ok: false,
    value: `the user may not run ${denied.join(", ")}`,
    hint: `allow it: ACL SETUSER NAME ${rules}`,
  };
}

function channelCheck({ deafness }: RedisFacts): Check {
  return deafness === undefined
    ? { name: "channels", ok: true, value: "open" }
    : failed("channels", deafness);
}

function stateChecks({ state }: RedisFacts): readonly Check[] {
  if (state === undefined) {
    return [{
      name: "state",
      ok: true,
      value: "none yet",
      hint: "nothing has been stored in this namespace so far",
    }];
  }
  const { age, clockAheadMs } = state;
  const known = age === "known";
  return [
    { name: "state", ok: true, value: "present" },
    {
      name: "schema_version",
      ok: known || age === "older",
      value: state.schema,
      ...(known ? {} : {
        hint: age === "older"
          ? "the next command brings it forward"
          : age === "newer"
          ? "a newer program wrote it; upgrade agentcoord"
          : "agentcoord did not write it; use another namespace or database",
      }),
    },
    ...(known
      ? [
        {
          name: "store_clock_ahead_ms",
          ok: true,
          value: clockAheadMs,
          ...(clockAheadMs < SKEW_MS ? {} : {
            hint:
              "the server's clock was set back, or that of another server before it was ahead; the " +
              "store's clock goes on at real speed from where it was, so leases last as long as they " +
              "should, and instants are this much too late",
          }),
        },
        restoredCheck(state.restored, state.nowMs),
        oldestEventCheck(state),
      ]
      : []),
  ];
}

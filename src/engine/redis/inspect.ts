/**
 * A look at a Redis store from outside: nothing is written, and what the user may not see is left out.
 * @module
 */
import { given } from "../../given.ts";
import type { Clock } from "../../clock.ts";
import { RedisConnection, type RedisServerInfo } from "./connection.ts";
import { LUA } from "./scripts.ts";
import { parseRedisUrl, type RedisTarget } from "./url.ts";
import { ageOf, REDIS_SCHEMA_VERSION, type SchemaAge } from "./schema.ts";

/** Server settings that INFO does not tell. */
const SETTINGS = ["maxmemory-policy", "save", "min-replicas-to-write"] as const;

/** A setting of the server. */
export type RedisSetting = typeof SETTINGS[number];

/** What a Redis server and one namespace on it are like. */
export interface RedisFacts {
  /** How the URL leads there. */
  readonly kind: RedisTarget["kind"];
  /** The one that has the namespace. */
  readonly server: Pick<RedisServerInfo, "version" | "flavour" | "role">;
  /** Fields of INFO; empty when the user may not see it. */
  readonly info: ReadonlyMap<string, string>;
  /** Settings, as far as the user may see them. */
  readonly settings: ReadonlyMap<RedisSetting, string>;
  /** Commands that the store needs and the user may not run. */
  readonly denied: readonly string[];
  /** Why this user cannot be woken by others; absent when all is well. */
  readonly deafness?: unknown;
  /** The namespace's data; absent when it has none. */
  readonly state?: RedisState;
  /** Median time of a script that does nothing, there and back. */
  readonly roundTripMs: number;
  /** How far the server's clock is ahead of the host's; negative when it is behind. */
  readonly clockAheadMs: number;
}

/** What a namespace's data say about themselves. */
export interface RedisState {
  /** Version of their form. */
  readonly schema: number;
  /** What that is to this program; of any but `known` nothing else is read. */
  readonly age: SchemaAge;
  /** Whether this server made the last change, and was not restarted or promoted since. */
  readonly isOfThisRun: boolean;
  /** The instant of their clock. */
  readonly nowMs: number;
  /** When the oldest event that is kept happened, by that clock; absent without any. */
  readonly oldestEventMs?: number;
  /** How many entries of events are kept; each holds a few. */
  readonly events: number;
  /** When the numbers last left a gap because another run of a server answered; absent when they never did. */
  readonly restored?: { readonly atMs: number; readonly cause: string };
  /** How far their clock is ahead of the server's: the server's was set back, or another's was ahead. */
  readonly clockAheadMs: number;
}

/** How {@linkcode inspectRedis} measures. */
export interface InspectOptions {
  readonly namespace: string;
  readonly clock: Clock;
  /** Calls of which the median is taken. */
  readonly samples: number;
}

/**
 * Connects to the server at `url` and looks around.
 *
 * @throws {StoreUnavailableError} when it cannot be used; `details.reason` says why.
 */
export function inspectRedis(
  url: string,
  { namespace, clock, samples }: InspectOptions,
): Promise<RedisFacts> {
  return connected(url, async (connection) => {
    const prefix = `{agentcoord:${namespace}}:`;
    const state = `${prefix}state`;
    const channel = `${prefix}wake:doctor`;
    const [settings, found, evalsha, oldest, events] = await Promise.all([
      readSettings(connection),
      connection.client.eval(
        LUA["engine/inspect"],
        3,
        state,
        `${prefix}doctor`,
        `${prefix}listeners`,
        channel,
        REDIS_SCHEMA_VERSION,
      ) as Promise<string[]>,
      mayEvalsha(connection, state),
      oldestEvent(connection, `${prefix}events`),
      countEvents(connection, `${prefix}events`),
    ]);
    const [version = "", history, instant, wall, serverMs, info = "", restored, ...denied] = found;
    const deafness = await listenOnce(connection, channel);
    const fields = parseInfo(info);
    const { version: connected, flavour, role } = connection.server;
    const replicationId = fields.get("master_replid") ?? "";
    const passedMs = Math.max(0, Number(serverMs) - Number(wall));
    return {
      kind: parseRedisUrl(url, "store").kind,
      // In a cluster the node that was connected to last may be another one.
      server: { version: connected, flavour, role: fields.get("role") ?? role },
      info: fields,
      settings,
      denied: [
        ...(evalsha ? [] : ["EVALSHA"]),
        // Outside of a cluster the connection asks for INFO, and makes do without.
        ...denied.filter((command) => command !== "INFO" || connection.clustered),
      ],
      ...given({ deafness }),
      ...(version === "" ? {} : {
        state: {
          schema: Number(version),
          age: ageOf(Number(version)),
          isOfThisRun: ageOf(Number(version)) !== "known" || replicationId === "" ||
            history === replicationId,
          nowMs: Number(instant) + passedMs,
          ...given({ oldestEventMs: oldest }),
          events,
          ...(restored ? { restored: restoredFrom(restored) } : {}),
          clockAheadMs: Number(instant) + passedMs - Number(serverMs),
        },
      }),
      ...await measure(connection, state, clock, samples),
    };
  });
}

/** See state.lua. */
function restoredFrom(kept: string): NonNullable<RedisState["restored"]> {
  const [atMs, cause = "server"] = kept.split(" ");
  return { atMs: Number(atMs), cause };
}

/**
 * Whether the namespace has any state at `url`.
 *
 * @throws {StoreUnavailableError} when the server cannot be used.
 */
export function hasState(url: string, namespace: string): Promise<boolean> {
  return connected(
    url,
    async (connection) =>
      await connection.send("GET", [`{agentcoord:${namespace}}:state`]) !== null,
  );
}

async function connected<Result>(
  url: string,
  look: (connection: RedisConnection) => Promise<Result>,
): Promise<Result> {
  const connection = await RedisConnection.open(url);
  try {
    return await look(connection);
  } catch (error) {
    throw connection.failure(error);
  } finally {
    await connection.close();
  }
}

/** In a cluster those of any node: its nodes are set up alike. */
async function readSettings(connection: RedisConnection): Promise<Map<RedisSetting, string>> {
  const settings = new Map<RedisSetting, string>();
  await Promise.all(SETTINGS.map(async (name) => {
    // Often not allowed, and renamed or left out by those who rent out servers.
    const answer = await connection.send("CONFIG", ["GET", name]).catch(() => undefined);
    const value = Array.isArray(answer) ? answer[1] : undefined;
    if (typeof value === "string") settings.set(name, value);
  }));
  return settings;
}

/** Whoever waits listens to a channel, over a connection of its own. Gives what keeps it from doing so. */
async function listenOnce(connection: RedisConnection, channel: string): Promise<unknown> {
  try {
    (await connection.subscribe(channel, { onMessage: () => undefined }))();
    return undefined;
  } catch (error) {
    return error;
  }
}

/** The stream's entries are named by their instant. What this user may not read is not there for it. */
async function oldestEvent(
  connection: RedisConnection,
  stream: string,
): Promise<number | undefined> {
  const found = await connection.send("XRANGE", [stream, "-", "+", "COUNT", 1])
    .catch(() => undefined) as readonly (readonly [string, unknown])[] | undefined;
  return found?.[0] === undefined ? undefined : Number(found[0][0].split("-")[0]);
}

/** How many entries the stream has, each with a few events. What this user may not count is none. */
async function countEvents(connection: RedisConnection, stream: string): Promise<number> {
  return Number(await connection.send("XLEN", [stream]).catch(() => 0));
}

async function mayEvalsha(connection: RedisConnection, key: string): Promise<boolean> {
  try {
    await connection.client.evalsha("0".repeat(40), 1, key);
    return true;
  } catch (error) {
    return !(error instanceof Error && /NOPERM/.test(error.message));
  }
}

async function measure(
  connection: RedisConnection,
  key: string,
  clock: Clock,
  samples: number,
): Promise<Pick<RedisFacts, "roundTripMs" | "clockAheadMs">> {
  const found: { tookMs: number; aheadMs: number }[] = [];
  for (let sample = 0; sample < samples; sample++) {
    const startedAtMs = clock.monotonicMs();
    const [seconds, micros] = await connection.client.eval(
      "return redis.call('TIME')",
      1,
      key,
    ) as [string, string];
    const tookMs = clock.monotonicMs() - startedAtMs;
    const serverMs = Number(seconds) * 1000 + Number(micros) / 1000;
    found.push({ tookMs, aheadMs: serverMs - (clock.nowMs() - tookMs / 2) });
  }
  found.sort((a, b) => a.tookMs - b.tookMs);
  return {
    roundTripMs: found[Math.floor(samples / 2)]?.tookMs ?? 0,
    // The quickest call leaves the least room for error.
    clockAheadMs: found[0]?.aheadMs ?? 0,
  };
}

function parseInfo(text: string): Map<string, string> {
  const lines = text.split("\r\n").map((line) => /^(\w+):(.*)$/.exec(line));
  return new Map(lines.flatMap((match) => match === null ? [] : [[match[1]!, match[2]!]]));
}

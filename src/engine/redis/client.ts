/**
 * Builds the connections to servers, with a handshake and a limit of silence of our own.
 * @module
 */
import { given } from "../../given.ts";
import { Cluster, Redis, type RedisOptions } from "npm:ioredis@6.0.0";
import { handshake, type RedisServerInfo, serverInfo } from "./handshake.ts";
import {
  addSentinelOptions,
  cutsOnlyOpenSockets,
  hearSocketErrors,
  limitCommands,
  replaceReadyCheck,
  reportNoConnection,
  wrapClusterReadyCheck,
} from "./ioredis_internals.ts";
import { limitSilence } from "./silence.ts";
import type { RedisTarget } from "./url.ts";

/** Texts of certificates in PEM. */
export interface TlsTexts {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
}

/** How connections are made. */
export interface ClientSettings {
  readonly target: RedisTarget;
  readonly tls?: TlsTexts | undefined;
  readonly connectTimeoutMs: number;
  readonly commandTimeoutMs: number;
}

/** What a connection asks its owner, and what it reports. */
export interface ClientHooks {
  /** Delay before the next attempt; `null` for none. */
  readonly retry: (attempts: number) => number | null;
  /** The handshake with a server is done; called before any command goes to it. */
  readonly connected: (info: RedisServerInfo) => void;
  /** Whether an error reply calls for a new connection. */
  readonly reconnectOn?: (message: string) => boolean;
  /** The client has made a connection of its own, to a node, a Sentinel, or to ask for the slots. */
  readonly made?: (client: Redis) => void;
}

/** Time that a closing connection is given before it is cut. */
const DISCONNECT_MS = 50;

const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 2000;
/** Without the one that an exact type of the client does not take. */
type Options = Omit<RedisOptions, "replyMapping">;

/** Exponential backoff with full jitter: clients that lost a server together do not return together. */
export function backoffMs(attempts: number): number {
  return Math.random() * Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** (attempts - 1));
}

/** A connection to the server, to the primary that Sentinels name, or to `node` of a cluster. */
export function nodeClient(
  settings: ClientSettings,
  hooks: ClientHooks,
  node?: { readonly host: string; readonly port: number },
): Redis {
  const { target } = settings;
  const client = new Redis({
    ...shared(settings),
    retryStrategy: hooks.retry,
    enableOfflineQueue: false,
    reconnectOnError: (error) => hooks.reconnectOn?.(error.message) ?? false,
    ...(node ?? (target.kind === "sentinel" ? sentinelOptions(settings) : address(target))),
  });
  // The library leaves the connections to Sentinels its own slow disconnect.
  if (target.kind === "sentinel") {
    const options = { disconnectTimeout: DISCONNECT_MS, disableClientInfo: true };
    addSentinelOptions(client, options, (sentinel) => announce(sentinel, hooks));
  }
  prepare(client, settings, hooks, true);
  return client;
}

/**
 * Connections to the nodes of a cluster, made when they are needed. What their connections say is
 * emitted as `node error`, and that the cluster serves nothing as `not ready`.
 */
export function clusterClient(settings: ClientSettings, hooks: ClientHooks): Cluster {
  const { target, commandTimeoutMs, connectTimeoutMs } = settings;
  const { auth } = target;
  const cluster = new Cluster(target.hosts.map((host) => ({ ...host })), {
    lazyConnect: true,
    clusterRetryStrategy: hooks.retry,
    slotsRefreshTimeout: connectTimeoutMs,
    // It would resend what was sent already.
    retryDelayOnFailover: 0,
    redisOptions: {
      ...shared(settings),
      // With a user the client never prints that a server has no password.
      ...(auth === undefined ? {} : { username: auth.user ?? "default", password: auth.password }),
    },
  });
  const report = (error: unknown) => cluster.emit("node error", error);
  cluster.on("+node", (node: Redis) => {
    prepare(node, settings, hooks, false);
    // Those that ask for the slots keep to themselves why they cannot connect.
    node.duplicate = ((override) => {
      const copy = Redis.prototype.duplicate.call(node, override);
      announce(copy, hooks);
      return copy.on("error", report);
    }) as Redis["duplicate"];
  });
  // What is redirected, or finds no node, waits outside of any connection and its limit.
  limitCommands(cluster, commandTimeoutMs);
  wrapClusterReadyCheck(cluster, (done, check) => {
    const end = (state: string) => {
      const error = new Error(`CLUSTERDOWN ${state}`);
      report(error);
      cluster.emit("not ready", error);
      done(null, state);
    };
    if (cluster.nodes().length === 0) {
      end("no slots");
      // Without a connection that ends, nothing would make the client connect again.
      reportNoConnection(cluster);
      return;
    }
    check((error, state) => {
      if (error instanceof Error && /NOPERM/.test(error.message)) return done(null);
      return state === undefined ? done(error) : end(state);
    });
  });
  return cluster;
}

function address({ path, hosts: [host] }: RedisTarget): Options {
  return path === undefined ? { ...host } : { path };
}

function shared({ tls, connectTimeoutMs, commandTimeoutMs }: ClientSettings): Options {
  return {
    lazyConnect: true,
    protocol: 2,
    disableClientInfo: true,
    connectTimeout: connectTimeoutMs,
    socketTimeout: commandTimeoutMs,
    disconnectTimeout: DISCONNECT_MS,
    noDelay: true,
    keepAlive: 30_000,
    enableAutoPipelining: false,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    maxRetriesPerRequest: 0,
    ...(tls === undefined ? {} : { tls: { ...tls } }),
  };
}

function sentinelOptions({ target, tls, commandTimeoutMs }: ClientSettings): Options {
  const { hosts, name, sentinelAuth } = target;
  return {
    sentinels: hosts.map((host) => ({ ...host })),
    ...given({ name }),
    role: "master",
    // The owner tries again: the client's own timer would outlive a close.
    sentinelRetryStrategy: () => null,
    sentinelCommandTimeout: commandTimeoutMs,
    ...(sentinelAuth === undefined ? {} : {
      sentinelUsername: sentinelAuth.user ?? "default",
      sentinelPassword: sentinelAuth.password,
    }),
    ...(tls === undefined ? {} : { enableTLSForSentinelMode: true, sentinelTLS: { ...tls } }),
  };
}

/** Has the owner end a connection together with its own, however far it has come. */
function announce(client: Redis, { made }: ClientHooks): void {
  cutsOnlyOpenSockets(client);
  made?.(client);
}

function prepare(
  client: Redis,
  settings: ClientSettings,
  hooks: ClientHooks,
  authenticates: boolean,
): void {
  announce(client, hooks);
  hearSocketErrors(client);
  limitSilence(client, settings.commandTimeoutMs);
  replaceReadyCheck(client, (done) => {
    handshake(client, { ...settings, authenticates }).then((info) => {
      hooks.connected(serverInfo(info));
      done(null, info);
    }, done);
  });
}

/**
 * Builds the client's connections, and greets the server when one is made.
 *
 * The greeting (AUTH, SELECT, INFO) goes out at once and takes one round trip. It stands in for the
 * client's own, which takes two or three, prints warnings to the console, and keeps to itself what INFO
 * said. RESP2 needs no HELLO, and scripts answer the same in both versions.
 *
 * Time limits are per connection, not per command: a timer for each command halves the throughput. When
 * commands wait and nothing has come from the server or gone to it for the whole limit, the connection is given up
 * with all that wait on it, and made again: a network that has silently dropped it comes back that way too.
 * @module
 */
import { given } from "../../given.ts";
import { Buffer } from "node:buffer";
import { clearTimeout, setTimeout } from "node:timers";
import { Cluster, Redis, type RedisOptions } from "npm:ioredis@6.0.0";
import { TooOldError } from "./failure.ts";
import type { RedisTarget } from "./url.ts";

/** A server as its INFO describes it; what the user may not see is `""`. */
export interface RedisServerInfo {
  readonly version: string;
  readonly flavour: "redis" | "valkey";
  /** Another one after every start of the server. */
  readonly runId: string;
  /** The server's clock when it said this, in epoch milliseconds; 0 where it does not tell. */
  readonly timeMs: number;
  /** `standalone` or `cluster`. */
  readonly mode: string;
  /** `master` or `slave`, in the server's words. */
  readonly role: string;
}

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

/** What the owner of a connection is asked and told. */
export interface ClientHooks {
  /** Delay before the next attempt; `null` for none. */
  readonly retry: (attempts: number) => number | null;
  /** A server has been greeted; called before any command goes to it. */
  readonly greeted: (info: RedisServerInfo) => void;
  /** Whether an error reply calls for a new connection. */
  readonly reconnectOn?: (message: string) => boolean;
}

/** Time that a closing connection is given before it is cut. */
export const DISCONNECT_MS = 50;

const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 2000;
/** How often silence is looked for within the time that a command may take. */
const LOOKS = 4;
/** What is longer goes to the socket in pieces, because it tells only when a whole one has gone. */
const PIECE_BYTES = 65_536;
/** A server that is loading is asked again this often. */
const LOADING_POLL_MS = 50;

/** Without the one that an exact type of the client does not take. */
type Options = Omit<RedisOptions, "replyMapping">;

/** The client's method that is replaced; it is not among its types. */
interface ReadyChecked {
  _readyCheck(done: (error: unknown, info?: Readonly<Record<string, string>>) => void): void;
}

/** The client's timer for silence, and what it is about. */
interface SocketWatching {
  socketTimeoutTimer: ReturnType<typeof setTimeout> | undefined;
  readonly commandQueue: { readonly length: number };
  readonly stream: SocketWriting & { readonly bytesRead: number; destroy(error: Error): void };
  setSocketTimeout(): void;
}

/** The part of a socket through which the client sends. */
interface SocketWriting {
  write(data: string | Buffer, done?: WriteDone): boolean;
}

type WriteDone = (error?: Error | null) => void;

/** The cluster client's parts that are wrapped. */
interface ClusterParts {
  connectionPool: { emit(event: "drain"): void };
  sendCommand(
    command: { setTimeout(ms: number): void },
    stream?: unknown,
    node?: unknown,
  ): unknown;
  readyCheck(done: (error: unknown, state?: string) => void): void;
}

/** The client's part that asks Sentinels. */
interface SentinelConnecting {
  connector: { connectToSentinel(endpoint: unknown, options?: object): unknown };
}

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
  if (target.kind === "sentinel") tameSentinels(client);
  greetFirst(client, settings, hooks, true);
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
    greetFirst(node, settings, hooks, false);
    // Those that ask for the slots keep to themselves why they cannot connect.
    node.duplicate = ((override) => {
      const copy = Redis.prototype.duplicate.call(node, override);
      return copy.on("error", report);
    }) as Redis["duplicate"];
  });
  const parts = cluster as unknown as ClusterParts;
  const send = parts.sendCommand.bind(cluster);
  // What is redirected, or finds no node, waits outside of any connection and its limit.
  parts.sendCommand = (command, stream, node) => {
    command.setTimeout(commandTimeoutMs);
    return send(command, stream, node);
  };
  const check = parts.readyCheck.bind(cluster);
  parts.readyCheck = (done) => {
    const end = (state: string) => {
      const error = new Error(`CLUSTERDOWN ${state}`);
      report(error);
      cluster.emit("not ready", error);
      done(null, state);
    };
    if (cluster.nodes().length === 0) {
      end("no slots");
      // Without a connection that ends, nothing would make the client connect again.
      parts.connectionPool.emit("drain");
      return;
    }
    check((error, state) => {
      if (error instanceof Error && /NOPERM/.test(error.message)) return done(null);
      return state === undefined ? done(error) : end(state);
    });
  };
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

/** Connections to Sentinels are built by the client, which leaves them its own slow disconnect. */
function tameSentinels(client: Redis): void {
  const { connector } = client as unknown as SentinelConnecting;
  const connect = connector.connectToSentinel.bind(connector);
  connector.connectToSentinel = (endpoint, options) =>
    connect(endpoint, { ...options, disconnectTimeout: DISCONNECT_MS, disableClientInfo: true });
}

function greetFirst(
  client: Redis,
  settings: ClientSettings,
  hooks: ClientHooks,
  introduces: boolean,
): void {
  watchSocket(client, settings);
  (client as unknown as ReadyChecked)._readyCheck = (done) => {
    greet(client, settings, introduces).then((info) => {
      hooks.greeted(serverInfo(info));
      done(null, info);
    }, done);
  };
}

/** Makes a socket take what is long in pieces; the result says how many have gone. */
function inPieces(stream: SocketWriting): () => number {
  const write = stream.write.bind(stream);
  const waiting: { readonly piece: Buffer; readonly done?: WriteDone | undefined }[] = [];
  let gone = 0;
  let busy = false;
  const next = () => {
    const first = waiting.shift();
    busy = first !== undefined;
    if (first === undefined) return;
    write(first.piece, (error) => {
      first.done?.(error);
      // With an error the socket ends, and the client tells everybody.
      if (error) return void waiting.splice(0);
      gone++;
      next();
    });
  };
  stream.write = (data, done) => {
    if (!busy && data.length <= PIECE_BYTES) return write(data, done);
    const bytes = Buffer.from(data as Buffer);
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      const end = at + PIECE_BYTES;
      waiting.push({
        piece: bytes.subarray(at, end),
        done: end >= bytes.length ? done : undefined,
      });
    }
    if (!busy) next();
    return false;
  };
  return () => gone;
}

/**
 * Drops a connection on which nothing came or went for as long as a command may take, although something is due. The
 * client's own way sets and clears a timer with every answer, a quarter of what a command costs; this one
 * looks now and then whether bytes have come, and so may be a quarter late.
 */
function watchSocket(client: Redis, { commandTimeoutMs }: ClientSettings): void {
  const watched = client as unknown as SocketWatching;
  let gone = () => 0;
  client.on("connect", () => gone = inPieces(watched.stream));
  watched.setSocketTimeout = () => {
    const { stream } = watched;
    const moved = () => stream.bytesRead + gone();
    let seen = moved();
    let silences = 0;
    const look = () => {
      watched.socketTimeoutTimer = undefined;
      if (watched.commandQueue.length === 0) return;
      silences = moved() === seen ? silences + 1 : 0;
      seen = moved();
      if (silences < LOOKS) return wait();
      stream.destroy(new Error(`Socket timeout. Nothing came for ${commandTimeoutMs} ms`));
    };
    const wait = () => {
      // A command under way keeps the process alive by its socket; an idle connection must not.
      watched.socketTimeoutTimer = setTimeout(look, commandTimeoutMs / LOOKS).unref();
    };
    wait();
  };
}

/** Sends everything at once, and waits while the server is loading its data. */
async function greet(
  client: Redis,
  { target, commandTimeoutMs }: ClientSettings,
  introduces: boolean,
): Promise<Record<string, string>> {
  const deadline = performance.now() + commandTimeoutMs;
  const replies: Promise<unknown>[] = [];
  if (introduces && target.auth !== undefined) {
    const { user, password } = target.auth;
    replies.push(user === undefined ? client.auth(password) : client.auth(user, password));
  }
  if (introduces && target.db !== 0) replies.push(client.select(target.db));
  let asked = client.info().catch((error: Error) => {
    if (/NOPERM/.test(error.message)) return "";
    throw error;
  });
  // The first refusal is the cause of those that follow.
  const settled = await Promise.allSettled([...replies, asked]);
  for (const reply of settled) if (reply.status === "rejected") throw reply.reason;
  for (;;) {
    const info = parseInfo(await asked);
    const version = info.redis_version;
    if (version !== undefined && isTooOld(version)) {
      throw new TooOldError(`Redis ${version} is too old`);
    }
    if (info.loading !== "1") return info;
    if (performance.now() > deadline) throw new Error("LOADING");
    await pause(client, LOADING_POLL_MS);
    asked = client.info();
  }
}

function pause(client: Redis, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      client.removeListener("close", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    client.once("close", end);
  });
}

function parseInfo(text: string): Record<string, string> {
  const info: Record<string, string> = {};
  for (const line of text.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) info[line.slice(0, colon)] = line.slice(colon + 1);
  }
  return info;
}

function isTooOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major < 6 || major === 6 && minor < 2;
}

function serverInfo(info: Readonly<Record<string, string>>): RedisServerInfo {
  const valkey = info.valkey_version;
  return {
    version: valkey ?? info.redis_version ?? "",
    flavour: valkey === undefined ? "redis" : "valkey",
    runId: info.run_id ?? "",
    timeMs: Math.floor(Number(info.server_time_usec ?? 0) / 1000),
    mode: info.redis_mode ?? info.server_mode ?? "",
    role: info.role ?? "",
  };
}

/**
 * One process's connection to a Redis store.
 *
 * - A command that finds no connection waits for the next one, as long as a command may take: a server
 *   that restarts is not noticed. {@linkcode RedisConnection.ready} is that wait.
 * - A command that was sent and whose answer was lost fails at once, with `details.sent` true. It is never
 *   sent again here: only the caller knows whether it may run twice.
 * - A lost connection is made again with growing, random delays. The handshake with each new one comes
 *   before anything else, and it is counted in {@linkcode RedisConnection.connects}.
 * - Opening tries once: a wrong address, password or version fails at once.
 *
 * Everything the client throws goes through {@linkcode RedisConnection.failure} before anybody sees it.
 * @module
 */
import type { Buffer } from "node:buffer";
import type { Cluster, Redis } from "npm:ioredis@6.0.0";
import { sleep } from "../../clock.ts";
import { CoordError } from "../../errors.ts";
import { printable } from "../../name.ts";
import { backoffMs, type ClientSettings, clusterClient, nodeClient } from "./client.ts";
import type { RedisServerInfo } from "./handshake.ts";
import { commandsUnderWay, disconnect, refreshSlots, socketOf } from "./ioredis_internals.ts";
import { type FailureContext, redisFailure, wasNeverSent } from "./failure.ts";
import { type ChannelListener, RedisSubscriber } from "./subscriber.ts";
import { readTlsFiles } from "./tls.ts";
import { parseRedisUrl, redactUrl, type RedisTarget } from "./url.ts";

export type { ChannelListener } from "./subscriber.ts";
export type { RedisServerInfo } from "./handshake.ts";

/** An argument of a command. */
export type RedisArgument = string | number | Buffer;

/** What of the client the scripts need; commands go to the node of their first key. */
export interface RedisClient {
  /** Runs a script that the server has. */
  evalsha(sha1: string, keys: number, ...args: RedisArgument[]): Promise<unknown>;
  /** Runs a script. */
  eval(script: string, keys: number, ...args: RedisArgument[]): Promise<unknown>;
  /** Runs any command. */
  call(command: string, ...args: RedisArgument[]): Promise<unknown>;
}

/** Limits; the URL's own win over them. */
export interface RedisConnectionOptions {
  /** Longest time to connect. Default 5000. */
  readonly connectTimeoutMs?: number;
  /** Longest time without an answer, and longest wait for a lost connection to come back. Default 5000. */
  readonly commandTimeoutMs?: number;
  /** The longest that either may take, whatever the URL says. Default: no limit. */
  readonly patienceMs?: number;
}

const NO_SERVER: RedisServerInfo = {
  version: "",
  flavour: "redis",
  runId: "",
  timeMs: 0,
  mode: "",
  role: "",
};

/** Somebody waits for a connection. */
interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** A connection that is open until it is closed, whatever the network does meanwhile. */
export class RedisConnection {
  /** The URL without secrets. */
  readonly location: string;
  /** Whether keys may lie on several servers. */
  readonly clustered: boolean;
  /** The client itself. Look at {@linkcode RedisConnection.isReady} before each call. */
  readonly client: RedisClient;
  /** How often a server has been connected to. */
  connects = 0;
  /** The server that was connected to last. */
  server: RedisServerInfo = NO_SERVER;

  readonly #settings: ClientSettings;
  readonly #place: string;
  readonly #secrets: readonly string[];
  readonly #raw: Redis | Cluster;
  /** All that the client has made and not ended. */
  readonly #made = new Set<Redis>();
  readonly #waiters = new Set<Waiter>();
  #subscriber: RedisSubscriber | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #attempts = 0;
  #connectedAt = 0;
  readonly #closing = new AbortController();
  #lastError: unknown;
  #opened = false;
  #closed = false;

  private constructor(url: string, settings: ClientSettings) {
    const { target } = settings;
    this.location = printable(redactUrl(url));
    this.clustered = target.kind === "cluster";
    this.#settings = settings;
    this.#place = placeOf(target);
    this.#secrets = [target.auth, target.sentinelAuth]
      .flatMap((auth) => [auth?.password ?? "", auth?.user ?? ""])
      .filter((text) => text !== "" && text !== "default");
    this.#raw = this.#connectable();
    this.client = this.#raw as unknown as RedisClient;
  }

  /**
   * Connects to the server; tries once.
   *
   * @throws {InvalidArgumentError} when the URL is malformed.
   * @throws {StoreUnavailableError} with `details.reason`.
   */
  static async open(
    url: string,
    { connectTimeoutMs = 5000, commandTimeoutMs = 5000, patienceMs = Infinity }:
      RedisConnectionOptions = {},
  ): Promise<RedisConnection> {
    const target = parseRedisUrl(url, "store");
    const tls = target.tls && await readTlsFiles(target.tls, printable(redactUrl(url)));
    const connection = new RedisConnection(url, {
      target,
      tls,
      connectTimeoutMs: Math.min(target.connectTimeoutMs ?? connectTimeoutMs, patienceMs),
      commandTimeoutMs: Math.min(target.commandTimeoutMs ?? commandTimeoutMs, patienceMs),
    });
    await connection.#open();
    return connection;
  }

  /** Whether a command can be sent right now. */
  get isReady(): boolean {
    return this.#raw.status === "ready";
  }

  /**
   * Waits until a command can be sent, as long as a command may take. Call it too before a command is
   * tried again that was not sent ({@linkcode RedisConnection.wasNeverSent}).
   *
   * @throws {StoreUnavailableError} naming what keeps the connection from coming back.
   */
  ready(): Promise<void> {
    if (this.#closed) return Promise.reject(this.#unsent(new Error("The store is closed")));
    // A connection that has begun to end says that it is ready and takes nothing.
    if (this.isReady && ("nodes" in this.#raw || socketOf(this.#raw)?.writable)) {
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const waiter = {
        resolve: () => end(resolve),
        reject: (error: unknown) => end(() => reject(this.#unsent(error))),
      };
      const end = (then: () => void) => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
        then();
      };
      const timer = setTimeout(
        () => waiter.reject(this.#lastError ?? new Error("Stream isn't writeable")),
        this.#settings.commandTimeoutMs,
      );
      this.#waiters.add(waiter);
    });
  }

  /** Runs one command; throws the client's own errors, for {@linkcode RedisConnection.failure}. */
  send(command: string, args: readonly RedisArgument[] = []): Promise<unknown> {
    return this.isReady
      ? this.client.call(command, ...args)
      : this.ready().then(() => this.client.call(command, ...args));
  }

  /**
   * The server's clock, in epoch milliseconds, when this process's monotonic clock said `monotonicMs`: too early by
   * as long as the handshake took, never too late; 0 where the server does not tell.
   */
  serverTimeMs(monotonicMs: number): number {
    const { timeMs } = this.server;
    return timeMs === 0 ? 0 : Math.max(0, Math.floor(timeMs + monotonicMs - this.#connectedAt));
  }

  /** Whether the client says that the server has surely not seen the command. */
  wasNeverSent(error: unknown): boolean {
    return wasNeverSent(error);
  }

  /** What `error` means, as an error of ours without secrets; passes others through. */
  failure(error: unknown): unknown {
    if (this.clustered) this.#relearn();
    return redisFailure(
      this.#closed && error instanceof Error && /^Connection is closed/.test(error.message)
        ? new Error("The store is closed")
        : error,
      this.#context(),
    );
  }

  /**
   * Listens to a channel, on one connection for all channels that is opened at the first need. Returns
   * once the server sends what is published; the result ends it. Listening changes nothing, so what may pass is
   * tried again for as long as a command waits for a lost connection.
   *
   * @throws {StoreUnavailableError} when that connection cannot be made.
   */
  async subscribe(channel: string, listener: ChannelListener): Promise<() => void> {
    this.#subscriber ??= new RedisSubscriber(() => this.#subscribing());
    const deadline = performance.now() + this.#settings.commandTimeoutMs;
    for (let attempts = 1;; attempts++) {
      try {
        return await this.#subscriber.subscribe(channel, listener);
      } catch (error) {
        const failure = this.#unsent(error);
        const pauseMs = backoffMs(attempts);
        const mayPass = failure instanceof CoordError && failure.retryable;
        if (!mayPass || this.#closed || performance.now() + pauseMs >= deadline) throw failure;
        await sleep(pauseMs, this.#closing.signal);
      }
    }
  }

  /** Waits for commands under way, then ends everything. With `exiting` the sockets end on their own. */
  async close({ exiting = false }: { readonly exiting?: boolean } = {}): Promise<void> {
    if (this.#closed) return;
    await Promise.all(
      this.#nodes().filter((node) => commandsUnderWay(node) > 0)
        // The answer to this one comes after all others, and whatever it is, it is an answer.
        .map((node) => node.ping().catch(() => undefined)),
    );
    this.#closed = true;
    this.#closing.abort();
    clearTimeout(this.#timer);
    for (const waiter of [...this.#waiters]) waiter.reject(new Error("The store is closed"));
    const made = [...this.#made];
    const closing = [this.#subscriber?.close(), ...made.map((client) => disconnect(client))];
    if (this.clustered) this.#raw.disconnect();
    if (!exiting) await Promise.all(closing);
  }

  async #open(): Promise<void> {
    const { connectTimeoutMs, commandTimeoutMs } = this.#settings;
    let timer: ReturnType<typeof setTimeout> | undefined;
    // Several Sentinels or nodes are asked one after the other.
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Error("connect ETIMEDOUT")),
        connectTimeoutMs + commandTimeoutMs,
      );
      this.#raw.once("not ready", reject);
    });
    try {
      await Promise.race([this.#raw.connect(), late]);
      this.#opened = true;
    } catch (error) {
      // The client's own words are only that the connection is closed.
      const cause = this.#unsent(this.#lastError ?? error);
      await this.close();
      throw cause;
    } finally {
      clearTimeout(timer);
    }
  }

  #connectable(): Redis | Cluster {
    const hooks = {
      retry: (attempts: number) => this.#opened && !this.#closed ? backoffMs(attempts) : null,
      connected: (info: RedisServerInfo) => {
        this.server = info;
        this.#connectedAt = performance.now();
        this.connects++;
        this.#lastError = undefined;
      },
      // The address may lead to another server by now, the one that took over.
      reconnectOn: (message: string) =>
        message.includes("READONLY") && this.server.role !== "slave",
      made: (client: Redis) => this.#keep(client),
    };
    if (this.clustered) {
      const cluster = clusterClient(this.#settings, hooks);
      cluster.on("node error", (error) => {
        // What a connection leaves behind does not say why it ended.
        if (this.#lastError === undefined || !/^Connection is closed/.test(error.message)) {
          this.#failed(error);
        }
      });
      cluster.on("-node", () => this.#relearn());
      return this.#watch(cluster);
    }
    const client = nodeClient(this.#settings, hooks);
    let unknownName: unknown;
    client.on("sentinelError", (error: Error) => {
      if (/No such master|invalid reply: null/.test(error.message)) unknownName = error;
    });
    client.on("connecting", () => unknownName = undefined);
    client.on("error", (error: Error) => {
      this.#failed(/sentinels are unreachable/.test(error.message) && unknownName || error);
    });
    client.on("end", () => this.#revive(client));
    return this.#watch(client);
  }

  #keep(client: Redis): void {
    this.#made.add(client);
    client.on("connecting", () => this.#made.add(client));
    client.on("end", () => this.#made.delete(client));
  }

  #watch<Client extends Redis | Cluster>(client: Client): Client {
    client.on("error", () => {});
    client.on("ready", () => {
      this.#attempts = 0;
      for (const waiter of [...this.#waiters]) waiter.resolve();
    });
    return client;
  }

  /** A client ends for good where no Sentinel could be asked. */
  #revive(client: Redis): void {
    if (!this.#opened || this.#closed) return;
    this.#timer = setTimeout(
      () => client.connect().catch(() => {}),
      backoffMs(++this.#attempts),
    );
  }

  /** Asks the cluster again who serves what: the client does so only when a node redirects it. */
  #relearn(): void {
    if ("nodes" in this.#raw && this.isReady && !this.#closed) {
      refreshSlots(this.#raw);
    }
  }

  #failed(error: unknown): void {
    this.#lastError = error;
    if (this.#waiters.size === 0) return;
    // What no waiting will change is reported at once.
    const failure = redisFailure(error, this.#context());
    if (!(failure instanceof CoordError) || failure.retryable) return;
    for (const waiter of [...this.#waiters]) waiter.reject(error);
  }

  #subscribing(): Redis {
    const hooks = {
      retry: () => null,
      connected: () => {},
      made: (client: Redis) => this.#keep(client),
    };
    if (!("nodes" in this.#raw)) return nodeClient(this.#settings, hooks);
    // The nodes of a cluster pass on to each other what is published at any of them.
    const nodes = this.#raw.nodes("master");
    const node = nodes[Math.floor(Math.random() * nodes.length)]?.options ??
      this.#settings.target.hosts[0];
    return nodeClient(this.#settings, hooks, {
      host: node?.host ?? "",
      port: node?.port ?? 0,
    });
  }

  #nodes(): Redis[] {
    return "nodes" in this.#raw ? this.#raw.nodes() : [this.#raw];
  }

  #unsent(error: unknown): unknown {
    return redisFailure(error, this.#context(), { sent: false });
  }

  #context(): FailureContext {
    const { target, connectTimeoutMs, commandTimeoutMs } = this.#settings;
    return {
      place: this.#place,
      location: this.location,
      db: target.db,
      tls: target.tls !== undefined,
      connectTimeoutMs,
      commandTimeoutMs,
      secrets: this.#secrets,
      replica: this.server.role === "slave",
      lastError: this.#lastError,
    };
  }
}

function placeOf({ kind, hosts, path, name }: RedisTarget): string {
  if (path !== undefined) return printable(path);
  if (kind === "sentinel") return `the primary "${printable(name ?? "")}"`;
  return hosts.map(({ host, port }) => host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`)
    .join(", ");
}

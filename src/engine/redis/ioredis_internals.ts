/**
 * Every member of ioredis that this program uses although the library does not document it, in one place: a new
 * version of the library may change each of them without notice. `tests/engine/redis/ioredis_internals_test.ts`
 * checks that the installed version has them.
 * @module
 */
import type { Buffer } from "node:buffer";
import type { setTimeout } from "node:timers";
import type { Cluster, Redis } from "npm:ioredis@6.0.0";

/** What the library calls back when it has checked a new connection. */
export type CheckDone = (error: unknown, info?: Readonly<Record<string, string>>) => void;

/** What is called back once a socket has taken what was written. */
export type WriteDone = (error?: Error | null) => void;

/** The part of a socket through which the client sends. */
export interface SocketWriting {
  write(data: string | Buffer, done?: WriteDone): boolean;
}

/** The socket of a client. */
export interface ClientSocket extends SocketWriting {
  readonly bytesRead: number;
  readonly closed: boolean;
  readonly destroyed: boolean;
  readonly writable: boolean;
  destroy(error: Error): void;
  once(event: "close", listener: (value: unknown) => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
}

/** A client's timer for silence, and what it looks at. */
export interface SilenceTimer {
  socketTimeoutTimer: ReturnType<typeof setTimeout> | undefined;
  readonly commandQueue: { readonly length: number };
  readonly stream: ClientSocket;
}

interface NodeInternals extends SilenceTimer {
  readonly connector: {
    stream?: ClientSocket | null;
    connectToSentinel?(endpoint: unknown, options?: object): Redis;
    disconnect(): void;
  };
  _readyCheck(done: CheckDone): void;
  setSocketTimeout(): void;
}

/** A command on its way through a cluster's client. */
interface ClusterCommand {
  setTimeout(ms: number): void;
}

interface ClusterInternals {
  readonly connectionPool: { emit(event: "drain"): void };
  sendCommand(command: ClusterCommand, stream?: unknown, node?: unknown): unknown;
  readyCheck(done: (error: unknown, state?: string) => void): void;
  refreshSlotsCache(done: () => void): void;
}

/** Members of a connection to one server; `connectToSentinel` is a member of its connector. */
export const NODE_MEMBERS = [
  "_readyCheck",
  "setSocketTimeout",
  "commandQueue",
  "connector",
] as const satisfies readonly (keyof NodeInternals)[];

/** Members of a cluster's client. */
export const CLUSTER_MEMBERS = [
  "connectionPool",
  "sendCommand",
  "readyCheck",
  "refreshSlotsCache",
] as const satisfies readonly (keyof ClusterInternals)[];

function internals(client: Redis): NodeInternals {
  return client as unknown as NodeInternals;
}

function clusterInternals(cluster: Cluster): ClusterInternals {
  return cluster as unknown as ClusterInternals;
}

/** Has `check` find out whether a server that was connected to can serve, instead of the library. */
export function replaceReadyCheck(client: Redis, check: (done: CheckDone) => void): void {
  internals(client)._readyCheck = check;
}

/** Has `start` look for silence from the first command on that waits, instead of the library. */
export function replaceSilenceTimer(client: Redis, start: (timer: SilenceTimer) => void): void {
  const timer = internals(client);
  timer.setSocketTimeout = () => start(timer);
}

/** The socket of a client; there is none before it connects. */
export function socketOf(client: Redis): ClientSocket | undefined {
  return internals(client).stream;
}

/**
 * Takes the errors of a client's sockets. The library listens for the first one alone, and a socket whose server was
 * killed may tell of a second: that of a write which was under way. Unheard, it would end the process.
 */
export function hearSocketErrors(client: Redis): void {
  client.on("connect", () => socketOf(client)?.on("error", () => {}));
}

/** How many commands were sent and not answered. */
export function commandsUnderWay(client: Redis): number {
  return internals(client).commandQueue.length;
}

/** Gives the connections to Sentinels, which the library makes by itself, these options, and tells of each. */
export function addSentinelOptions(
  client: Redis,
  added: object,
  made: (sentinel: Redis) => void = () => {},
): void {
  const { connector } = internals(client);
  const connect = connector.connectToSentinel!.bind(connector);
  connector.connectToSentinel = (endpoint, options) => {
    const sentinel = connect(endpoint, { ...options, ...added });
    made(sentinel);
    return sentinel;
  };
}

/**
 * Keeps a client from cutting a socket that has ended already: the library starts a timer for that, which nothing
 * clears, and does so for each connection that could not be made.
 */
export function cutsOnlyOpenSockets(client: Redis): void {
  const { connector } = internals(client);
  const disconnect = connector.disconnect.bind(connector);
  connector.disconnect = () => {
    if (connector.stream?.destroyed) connector.stream = null;
    disconnect();
  };
}

/**
 * Ends a connection and waits until its socket is closed. While a client connects, its socket is known to its
 * connector alone.
 */
export async function disconnect(client: Redis): Promise<void> {
  const socket = internals(client).connector.stream ?? socketOf(client);
  client.disconnect();
  if (!socket || socket.closed) return;
  await new Promise((resolve) => socket.once("close", resolve));
}

/** Limits the time of each command, also while a cluster's client looks for a node or follows a redirection. */
export function limitCommands(cluster: Cluster, ms: number): void {
  const parts = clusterInternals(cluster);
  const send = parts.sendCommand.bind(cluster);
  parts.sendCommand = (command, stream, node) => {
    command.setTimeout(ms);
    return send(command, stream, node);
  };
}

/** Has `check` find out whether a cluster can serve; it is given the library's own way to find out. */
export function wrapClusterReadyCheck(
  cluster: Cluster,
  check: (
    done: (error: unknown, state?: string) => void,
    own: (done: (error: unknown, state?: string) => void) => void,
  ) => void,
): void {
  const parts = clusterInternals(cluster);
  const own = parts.readyCheck.bind(cluster);
  parts.readyCheck = (done) => check(done, own);
}

/** Tells a cluster's client that no connection is left, so that it connects again. */
export function reportNoConnection(cluster: Cluster): void {
  clusterInternals(cluster).connectionPool.emit("drain");
}

/** Asks a cluster again which node serves what. */
export function refreshSlots(cluster: Cluster): void {
  clusterInternals(cluster).refreshSlotsCache(() => {});
}

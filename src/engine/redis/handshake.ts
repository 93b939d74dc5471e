/**
 * The handshake with a server: AUTH, SELECT and INFO go out at once and take one round trip.
 *
 * It stands in for the library's own, which takes two or three, prints warnings to the console, and keeps to itself
 * what INFO said. RESP2 needs no HELLO, and scripts answer the same in both versions.
 * @module
 */
import { clearTimeout, setTimeout } from "node:timers";
import type { Redis } from "npm:ioredis@6.0.0";
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

/** What a handshake sends, and how long it may take. */
export interface HandshakeOptions {
  readonly target: RedisTarget;
  readonly commandTimeoutMs: number;
  /** Whether it sends AUTH and SELECT, too; the nodes of a cluster are authenticated to by the library. */
  readonly authenticates: boolean;
}

/** A server that is loading is asked again this often. */
const LOADING_POLL_MS = 50;

/** Sends everything at once, and waits while the server is loading its data; what INFO said. */
export async function handshake(
  client: Redis,
  { target, commandTimeoutMs, authenticates }: HandshakeOptions,
): Promise<Record<string, string>> {
  const deadline = performance.now() + commandTimeoutMs;
  const replies: Promise<unknown>[] = [];
  if (authenticates && target.auth !== undefined) {
    const { user, password } = target.auth;
    replies.push(user === undefined ? client.auth(password) : client.auth(user, password));
  }
  if (authenticates && target.db !== 0) replies.push(client.select(target.db));
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

/** What the text of INFO says of the server. */
export function serverInfo(info: Readonly<Record<string, string>>): RedisServerInfo {
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

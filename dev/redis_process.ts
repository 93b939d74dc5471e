/**
 * What starting a Redis process takes: a free port, a configuration, and knowing when it answers.
 * @module
 */
import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { RespClient } from "./resp.ts";

/** How long a server may take to answer for the first time. */
export const START_MS = 60_000;
/** How often another port is tried when somebody else was faster. */
export const ATTEMPTS = 20;

/** Certificates, as paths of PEM files. */
export interface ServerTls {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  /** Clients have to show a certificate of the same authority; `false` by default. */
  readonly clientCertificates?: boolean;
}

/** Lines of a configuration, as `redis.conf` has them; a list repeats the directive. */
export type RedisConfig = Readonly<Record<string, string | readonly string[]>>;

/**
 * What is started as a server, a Sentinel and a node of a cluster: a name on PATH, or the path of another binary
 * (`AGENTCOORD_REDIS_SERVER=/usr/bin/valkey-server`).
 */
export const REDIS_SERVER = Deno.env.get("AGENTCOORD_REDIS_SERVER") || "redis-server";

/** Whether Redis can be started here. Tests that need it: `Deno.test({ ignore: !hasRedis(), … })`. */
export function hasRedis(): boolean {
  return onPath(REDIS_SERVER);
}

/** Whether `program` is on PATH, or a path itself. */
export function onPath(program: string): boolean {
  if (program.includes("/")) return existsSync(program);
  for (const directory of (Deno.env.get("PATH") ?? "").split(delimiter)) {
    try {
      if (directory === "") continue;
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      // Not in this one.
    }
  }
  return false;
}

/**
 * A port that was free a moment ago, and one `above` it too. It lies below the ports that the kernel
 * gives to outgoing connections, so a server that is down for a while finds its port still free.
 */
export function freePort(above?: number): number {
  for (;;) {
    const port = 12_000 + Math.floor(Math.random() * 10_000);
    if (isFree(port) && (above === undefined || isFree(port + above))) return port;
  }
}

function isFree(port: number): boolean {
  try {
    Deno.listen({ hostname: "127.0.0.1", port }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return false;
    throw error;
  }
}

/** Somebody else was faster. */
export class PortTakenError extends Error {
  override readonly name = "PortTakenError";
}

/** One field of what INFO says. */
export function infoField(info: string, name: string): string | undefined {
  return info.split("\r\n").find((line) => line.startsWith(`${name}:`))?.slice(name.length + 1);
}

/** Writes the configuration of a server, or of a Sentinel, and gives its path. */
export function configure(
  port: number,
  directory: string,
  { config = {}, tls, sentinel = false }: {
    readonly config?: RedisConfig | undefined;
    readonly tls?: ServerTls | undefined;
    readonly sentinel?: boolean | undefined;
  } = {},
): string {
  const settings: RedisConfig = {
    port: tls === undefined ? String(port) : "0",
    bind: "127.0.0.1",
    dir: quoted(directory),
    // Standard output, so that complaints about the configuration itself are in the log too.
    logfile: '""',
    daemonize: "no",
    ...(sentinel ? {} : STORES_NOTHING),
    ...(!sentinel && hasDebugSwitch() ? { "enable-debug-command": "local" } : {}),
    ...(tls === undefined ? {} : {
      "tls-port": String(port),
      "tls-ca-cert-file": quoted(tls.ca),
      "tls-cert-file": quoted(tls.cert),
      "tls-key-file": quoted(tls.key),
      "tls-auth-clients": tls.clientCertificates === true ? "yes" : "no",
    }),
    ...config,
  };
  const lines = Object.entries(settings).flatMap(([name, value]) =>
    [value].flat().map((line) => `${name} ${line}\n`)
  );
  const path = join(directory, "redis.conf");
  Deno.writeTextFileSync(path, lines.join(""));
  return path;
}

/** No snapshots and no log of commands, unless a test asks for them. */
const STORES_NOTHING: RedisConfig = { save: '""', appendonly: "no" };

function quoted(path: string): string {
  return JSON.stringify(path);
}

let debugSwitch: boolean | undefined;

/** DEBUG is off unless this is set, from 7.0 on; older servers do not know the switch. */
function hasDebugSwitch(): boolean {
  if (debugSwitch === undefined) {
    const { stdout } = new Deno.Command(REDIS_SERVER, { args: ["--version"] }).outputSync();
    debugSwitch = Number(/ v=(\d+)\./.exec(new TextDecoder().decode(stdout))?.[1] ?? 0) >= 7;
  }
  return debugSwitch;
}

/** Waits until the process `pid`, and not some other behind the same port, answers. */
export async function untilAnswering(
  pid: number,
  ended: () => boolean,
  log: () => string,
  connect: () => Promise<RespClient>,
): Promise<void> {
  const deadlineMs = performance.now() + START_MS;
  let last: unknown;
  for (;;) {
    if (ended()) {
      throw /Address already in use|[Ff]ailed listening on port/.test(log())
        ? new PortTakenError(`the port is taken:\n${log()}`)
        : new Error(`redis-server ended at once:\n${log()}`);
    }
    if (performance.now() > deadlineMs) {
      throw new Error(`redis-server did not answer within ${START_MS} ms:\n${log().slice(-2000)}`, {
        cause: last,
      });
    }
    let client: RespClient | undefined;
    try {
      client = await connect();
      await client.command("PING");
      const info = String(await client.command("INFO", "server"));
      if (Number(infoField(info, "process_id")) === pid) return;
    } catch (error) {
      last = error;
    } finally {
      await client?.[Symbol.asyncDispose]();
    }
    await pause(10);
  }
}

/** Waits. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

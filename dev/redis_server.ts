/**
 * Real Redis servers for tests: one for a single test, which may be frozen, killed and started again,
 * and one that all tests of a run share.
 *
 * None outlives the test process, whatever ends that. A test's own server has a watcher that holds the
 * other end of a pipe from this process; the kernel closes it when this process is gone. The shared
 * server's watcher looks for the process by its id instead: what holds a pipe open here is a resource,
 * which Deno closes with the test file that opened it, and reports as leaked by the test that did.
 * @module
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import {
  ATTEMPTS,
  configure,
  freePort,
  infoField,
  pause,
  PortTakenError,
  REDIS_SERVER,
  type RedisConfig,
  type ServerTls,
  START_MS,
  untilAnswering,
} from "./redis_process.ts";
import { resp, type RespClient } from "./resp.ts";

export { freePort, hasRedis, infoField, onPath, pause } from "./redis_process.ts";
export type { RedisConfig, ServerTls } from "./redis_process.ts";
export { resp, RespError } from "./resp.ts";
export type { RespClient, RespOptions, RespValue } from "./resp.ts";

/** Names the shared server's URL to every process of a test run. */
export const SHARED_VARIABLE = "AGENTCOORD_TEST_REDIS";

/** What kind of server to start. */
export interface RedisOptions {
  /** What its configuration says besides or instead of the usual. */
  readonly config?: RedisConfig;
  /** Its port; without it a free one. */
  readonly port?: number;
  /** Where it keeps its files; without it a new directory, which {@linkcode RedisServer.stop} removes. */
  readonly directory?: string;
  /** Listen with TLS only. */
  readonly tls?: ServerTls;
  /** Start a Sentinel. */
  readonly sentinel?: boolean;
}

/** A node of a cluster talks to the others on the port so many above its own. */
const CLUSTER_BUS = 10_000;

/** A server that belongs to one test. */
export interface RedisServer extends AsyncDisposable {
  readonly port: number;
  /** As a client gives it: with the password, if there is one. */
  readonly url: string;
  readonly directory: string;
  /** Of the process that runs now, or ran last. */
  readonly pid: number;
  /** Whether its process runs. */
  readonly running: boolean;
  /** A connection to it. */
  connect(): Promise<RespClient>;
  /** Sends one command over a connection of its own. */
  command(...args: readonly (string | number)[]): ReturnType<RespClient["command"]>;
  /** Everything it has logged. */
  log(): string;
  /** Stops its process (SIGSTOP): connections stay, and nobody answers. */
  freeze(): void;
  /** Lets it go on. */
  resume(): void;
  /** Ends it at once (SIGKILL). Its port and its files stay for {@linkcode RedisServer.restart}. */
  kill(): Promise<void>;
  /** Starts it again on the same port and files; one that runs is shut down first (SIGTERM). */
  restart(): Promise<void>;
  /** Ends it for good and removes its directory. */
  stop(): Promise<void>;
  /** Connected clients, without the one that asks. */
  connections(): Promise<number>;
  /** Bytes its data and buffers take. */
  usedMemory(): Promise<number>;
}

/** A namespace nobody else uses, so that tests share a server without seeing each other. */
export function freshNamespace(): string {
  return `test-${crypto.randomUUID()}`;
}

/** Starts a server and waits until it answers. */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const directory = options.directory ?? Deno.makeTempDirSync({ prefix: "agentcoord-redis-" });
  const removes = options.directory === undefined;
  try {
    for (let attempt = 1;; attempt++) {
      const cluster = options.config?.["cluster-enabled"] === "yes";
      const port = options.port ?? freePort(cluster ? CLUSTER_BUS : undefined);
      const server = new Server(port, directory, options, removes);
      try {
        await server.start();
        return server;
      } catch (error) {
        if (!(error instanceof PortTakenError) || options.port !== undefined) throw error;
        if (attempt === ATTEMPTS) throw error;
      }
    }
  } catch (error) {
    if (removes) Deno.removeSync(directory, { recursive: true });
    throw error;
  }
}

/**
 * Becomes the server, after leaving a watcher behind. A line on standard input ends the watcher; its
 * end without a line means that the test process is gone; the server goes too, and the directory $1.
 * Signals that are sent to everybody at once, as by Ctrl-C, do not keep it from cleaning up.
 */
const WATCHED_BY_PIPE = `
exec 3<&0 </dev/null
removed=$1
shift
{
  trap '' HUP INT TERM
  if ! read -r _ <&3; then
    kill -9 $$
    sleep 0.2
    [ -z "$removed" ] || rm -rf "$removed"
  fi
} >/dev/null 2>&1 &
exec "$@" 3<&- >>redis.log 2>&1
`;

class Server implements RedisServer {
  readonly #options: RedisOptions;
  readonly #removes: boolean;
  #child: Deno.ChildProcess | undefined;
  #config: string | undefined;
  /** Where the log of the process that runs now begins. */
  #logStart = 0;
  pid = 0;

  constructor(
    readonly port: number,
    readonly directory: string,
    options: RedisOptions,
    removes: boolean,
  ) {
    this.#options = options;
    this.#removes = removes;
  }

  get url(): string {
    const password = this.#password;
    const auth = password === undefined ? "" : `:${encodeURIComponent(password)}@`;
    const { tls } = this.#options;
    return tls === undefined
      ? `redis://${auth}127.0.0.1:${this.port}`
      : `rediss://${auth}localhost:${this.port}`;
  }

  get running(): boolean {
    return this.#child !== undefined;
  }

  get #password(): string | undefined {
    const password = this.#options.config?.requirepass;
    return typeof password === "string" ? password : undefined;
  }

  async start(): Promise<void> {
    this.#logStart = this.log().length;
    // Written once: a server that is started again knows its settings, or what Sentinel made of it.
    this.#config ??= configure(this.port, this.directory, this.#options);
    const args = [this.#config, ...(this.#options.sentinel === true ? ["--sentinel"] : [])];
    const child = new Deno.Command("sh", {
      args: [
        "-c",
        WATCHED_BY_PIPE,
        "sh",
        this.#removes ? this.directory : "",
        REDIS_SERVER,
        ...args,
      ],
      cwd: this.directory,
      stdin: "piped",
      stdout: "null",
      stderr: "null",
    }).spawn();
    this.#child = child;
    this.pid = child.pid;
    let ended = false;
    child.status.then(() => ended = true);
    try {
      await untilAnswering(child.pid, () => ended, () => this.#log(), () => this.#connect(2000));
    } catch (error) {
      await this.kill();
      throw error;
    }
  }

  connect(): Promise<RespClient> {
    return this.#connect(10_000);
  }

  async #connect(timeoutMs: number): Promise<RespClient> {
    const { tls } = this.#options;
    const read = (path: string) => Deno.readTextFileSync(path);
    return await resp(this.port, {
      password: this.#password,
      timeoutMs,
      tls: tls && { ca: read(tls.ca), cert: read(tls.cert), key: read(tls.key) },
    });
  }

  async command(...args: readonly (string | number)[]): ReturnType<RespClient["command"]> {
    await using client = await this.connect();
    return await client.command(...args);
  }

  log(): string {
    const path = join(this.directory, "redis.log");
    return existsSync(path) ? Deno.readTextFileSync(path) : "";
  }

  #log(): string {
    return this.log().slice(this.#logStart);
  }

  freeze(): void {
    this.#signal("SIGSTOP");
  }

  resume(): void {
    this.#signal("SIGCONT");
  }

  #signal(signal: Deno.Signal): void {
    if (this.#child === undefined) throw new Error(`redis-server ${this.pid} does not run`);
    this.#child.kill(signal);
  }

  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  async restart(): Promise<void> {
    await this.#end("SIGTERM");
    const deadlineMs = performance.now() + START_MS;
    for (;;) {
      try {
        return await this.start();
      } catch (error) {
        if (!(error instanceof PortTakenError) || performance.now() > deadlineMs) throw error;
        await pause(100);
      }
    }
  }

  async stop(): Promise<void> {
    await this.kill();
    if (this.#removes && existsSync(this.directory)) {
      await Deno.remove(this.directory, { recursive: true });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #end(signal: Deno.Signal): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    const send = (name: Deno.Signal) => {
      try {
        child.kill(name);
      } catch {
        // It ended by itself.
      }
    };
    send(signal);
    // A process that is frozen, or shuts down slowly, must not hold up the test.
    const timer = setTimeout(() => send("SIGKILL"), 3000);
    await child.status;
    clearTimeout(timer);
    const writer = child.stdin.getWriter();
    try {
      await writer.write(new TextEncoder().encode("\n"));
      await writer.close();
    } catch {
      // The watcher has gone already.
    }
  }

  async connections(): Promise<number> {
    return await this.#figure("clients", "connected_clients") - 1;
  }

  async usedMemory(): Promise<number> {
    return await this.#figure("memory", "used_memory");
  }

  async #figure(section: string, name: string): Promise<number> {
    return Number(infoField(String(await this.command("INFO", section)), name));
  }
}

/**
 * Runs a server in the background and ends it when the process $1 is gone. A dead process whose parent
 * has not noticed yet still has its id, so its state is looked at where that is possible.
 */
const WATCHED_BY_ID = `
parent=$1 directory=$2
shift 2
{
  "$@" >>"$directory/redis.log" 2>&1 &
  server=$!
  echo $server >"$directory/pid"
  trap '' HUP INT TERM
  while kill -0 "$parent" && kill -0 "$server"; do
    if [ -r "/proc/$parent/stat" ] && read -r _ _ state _ <"/proc/$parent/stat"; then
      [ "$state" != Z ] || break
    fi
    sleep 0.3
  done
  kill -9 "$server"
  wait "$server"
  rm -rf "$directory"
} </dev/null >/dev/null 2>&1 &
`;

/**
 * The server that all tests share, each in a namespace of its own ({@linkcode freshNamespace}); nobody
 * may flush it or change its configuration. The test runner names one in the environment; without it the
 * first caller in a process starts one for that process.
 */
export async function sharedRedis(): Promise<{ readonly url: string; readonly port: number }> {
  for (let attempt = 1;; attempt++) {
    // Also set by a test file that came before this one: files share the process, not their modules.
    const url = Deno.env.get(SHARED_VARIABLE);
    if (url) return { url, port: Number(new URL(url).port) };
    try {
      const port = await startShared();
      const started = `redis://127.0.0.1:${port}`;
      Deno.env.set(SHARED_VARIABLE, started);
      return { url: started, port };
    } catch (error) {
      if (!(error instanceof PortTakenError) || attempt === ATTEMPTS) throw error;
    }
  }
}

/** Starts one on a port that is likely to be free; gives the port. */
async function startShared(): Promise<number> {
  const directory = Deno.makeTempDirSync({ prefix: "agentcoord-redis-" });
  const port = freePort();
  const args = [REDIS_SERVER, configure(port, directory)];
  new Deno.Command("sh", {
    args: ["-c", WATCHED_BY_ID, "sh", String(Deno.pid), directory, ...args],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).outputSync();
  const read = (name: string) => {
    const path = join(directory, name);
    return existsSync(path) ? Deno.readTextFileSync(path) : "";
  };
  let pid = 0;
  for (let waited = 0; pid === 0 && waited < 500; waited++) {
    pid = Number(read("pid"));
    if (pid === 0) await pause(10);
  }
  // It removes its directory when it ends; the log is read while it is there.
  let log = "";
  const ended = () => {
    log = read("redis.log") || log;
    return !existsSync(directory) || /[Ff]ailed listening on port|FATAL/.test(log);
  };
  await untilAnswering(pid, ended, () => log, () => resp(port, { timeoutMs: 2000 }));
  return port;
}

/**
 * A TCP proxy in front of a Redis server that does to connections what networks do: cuts them, delays
 * them, swallows a reply whose command the server has executed, answers nobody, refuses everybody.
 *
 * It understands what goes through it (RESP2 and RESP3, pipelines, chunks that end anywhere), since the
 * fault that matters most is a lost reply: the server did it, and the client does not know.
 * @module
 */
import { freePort } from "./redis_server.ts";
import { closeQuietly, RespParser, writeAll } from "./resp.ts";

/** Chooses commands: `["EVALSHA", "…", "2", …]`, words as the client sent them. */
export type CommandPredicate = (command: readonly string[]) => boolean;

/** A proxy under way. */
export interface Proxy extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** Connections open now. */
  readonly connections: number;
  /** Drops all connections now; new ones are accepted. */
  cut(): void;
  /**
   * Swallows the next `count` replies to commands that `predicate` chooses (all, if left out), each
   * after the server has executed the command, and then drops the connection. What was pipelined behind
   * such a command has been executed or not, as on a real network.
   */
  loseReplies(count: number, predicate?: CommandPredicate): void;
  /** Swallows one: the reply to the first command that `predicate` chooses. */
  loseReplyOf(predicate: CommandPredicate): void;
  /** Commands whose reply was swallowed, in order. */
  lost(): readonly (readonly string[])[];
  /** Adds `ms` to every way through from now on, there and back; order is kept. */
  delay(ms: number): void;
  /**
   * Forwards nothing in either direction, and still accepts connections and bytes. When it ends, what
   * was held goes on its way, also on connections that the client has given up meanwhile: their
   * commands are executed late, as after a partition. {@linkcode Proxy.cut} drops what is held.
   */
  blackhole(on: boolean): void;
  /** Refuses new connections, as when nobody listens; those that are open stay. */
  refuse(on: boolean): Promise<void>;
  /** Commands that came from clients, in order of arrival. */
  commands(): readonly (readonly string[])[];
  /** Bytes of the largest reply that went through. */
  readonly largestReply: number;
  /** Forgets the commands seen so far, and how large replies were. */
  clear(): void;
  /** Drops everything and ends. */
  stop(): Promise<void>;
}

/** Starts a proxy in front of a port of this machine. */
export function startProxy(target: number | { readonly port: number }): Promise<Proxy> {
  return Promise.resolve(new TcpProxy(typeof target === "number" ? target : target.port));
}

/** A number of replies that are yet to be swallowed. */
interface Loss {
  count: number;
  readonly predicate: CommandPredicate;
}

class TcpProxy implements Proxy {
  readonly port: number;
  readonly #target: number;
  readonly #links = new Set<Link>();
  /** What `stop` waits for. */
  readonly #work = new Set<Promise<void>>();
  readonly #losses: Loss[] = [];
  readonly #commands: (readonly string[])[] = [];
  readonly #lost: (readonly string[])[] = [];
  #listener: Deno.TcpListener | undefined;
  #accepting: Promise<void> = Promise.resolve();
  #stopped = false;
  /** Read by every lane before it forwards. */
  delayMs = 0;
  largestReply = 0;
  gate: Gate | undefined;

  constructor(target: number) {
    this.#target = target;
    for (let attempt = 1;; attempt++) {
      try {
        this.port = this.#listen(freePort()).addr.port;
        return;
      } catch (error) {
        if (!(error instanceof Deno.errors.AddrInUse) || attempt === 20) throw error;
      }
    }
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get connections(): number {
    return this.#links.size;
  }

  async #accept(listener: Deno.TcpListener): Promise<void> {
    for (;;) {
      let client: Deno.TcpConn;
      try {
        client = await listener.accept();
      } catch {
        // It was closed.
        return;
      }
      const serving = this.#serve(client);
      this.#work.add(serving);
      serving.finally(() => this.#work.delete(serving));
    }
  }

  async #serve(client: Deno.TcpConn): Promise<void> {
    const link = new Link(this, client);
    this.#links.add(link);
    try {
      await link.run(this.#target);
    } finally {
      link.close();
      this.#links.delete(link);
    }
  }

  /** Notes a command that a client sent. */
  saw(command: readonly string[]): void {
    this.#commands.push(command);
  }

  /** Whether the reply to `command`, which has just come, is to be lost. */
  loses(command: readonly string[]): boolean {
    const loss = this.#losses.find(({ predicate }) => predicate(command));
    if (loss === undefined) return false;
    loss.count--;
    if (loss.count === 0) this.#losses.splice(this.#losses.indexOf(loss), 1);
    this.#lost.push(command);
    return true;
  }

  cut(): void {
    for (const link of this.#links) link.close();
  }

  loseReplies(count: number, predicate: CommandPredicate = () => true): void {
    if (count > 0) this.#losses.push({ count, predicate });
  }

  loseReplyOf(predicate: CommandPredicate): void {
    this.loseReplies(1, predicate);
  }

  lost(): readonly (readonly string[])[] {
    return [...this.#lost];
  }

  delay(ms: number): void {
    this.delayMs = ms;
  }

  blackhole(on: boolean): void {
    if (on) {
      this.gate ??= Promise.withResolvers<void>();
    } else {
      this.gate?.resolve();
      this.gate = undefined;
    }
  }

  async refuse(on: boolean): Promise<void> {
    if (!on) {
      if (this.#listener === undefined && !this.#stopped) this.#listen(this.port);
      return;
    }
    this.#listener?.close();
    this.#listener = undefined;
    // The kernel goes on accepting until the last call of accept has let go of the socket.
    await this.#accepting;
  }

  #listen(port: number): Deno.TcpListener {
    const listener = Deno.listen({ hostname: "127.0.0.1", port });
    this.#listener = listener;
    this.#accepting = this.#accept(listener);
    return listener;
  }

  commands(): readonly (readonly string[])[] {
    return [...this.#commands];
  }

  clear(): void {
    this.#commands.length = 0;
    this.largestReply = 0;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.refuse(true);
    this.cut();
    while (this.#work.size > 0) await Promise.all(this.#work);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

type Gate = PromiseWithResolvers<void>;

/** Bytes on their way, and when they have been on it long enough. */
interface Parcel {
  readonly bytes: Uint8Array;
  readonly dueMs: number;
}

/** What of a chunk goes on; after `ends` nothing more does, and the connection is dropped. */
interface Passed {
  readonly bytes: readonly Uint8Array[];
  readonly ends?: boolean;
}

/** Commands after which what the server sends no longer answers commands one by one. */
const STREAMING = new Set(["SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "MONITOR"]);

/** One client's connection and the one to the server that belongs to it. */
class Link {
  readonly #proxy: TcpProxy;
  readonly #client: Deno.TcpConn;
  readonly #closing = Promise.withResolvers<void>();
  #server: Deno.TcpConn | undefined;
  #closed = false;
  /** Commands whose reply has not come yet. */
  readonly #pending: (readonly string[])[] = [];
  /** Set once replies look like messages: from then on nothing is lost on purpose. */
  #streaming = false;

  constructor(proxy: TcpProxy, client: Deno.TcpConn) {
    this.#proxy = proxy;
    this.#client = client;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeQuietly(this.#client);
    if (this.#server !== undefined) closeQuietly(this.#server);
    this.#closing.resolve();
  }

  async run(port: number): Promise<void> {
    let server: Deno.TcpConn;
    try {
      server = await Deno.connect({ hostname: "127.0.0.1", port });
    } catch {
      // Nobody there: the client sees its connection end.
      return;
    }
    this.#server = server;
    if (this.#closed) return closeQuietly(server);
    this.#client.setNoDelay(true);
    server.setNoDelay(true);
    const requests = new RespParser();
    const replies = new RespParser();
    await Promise.all([
      this.#carry(this.#client, server, (chunk) => this.#request(requests, chunk)),
      this.#carry(server, this.#client, (chunk) => this.#reply(replies, chunk)),
    ]);
  }

  /** Notes the commands that end in `chunk`, which goes on as it came. */
  #request(parser: RespParser, chunk: Uint8Array): Passed {
    parser.push(chunk);
    for (let frame = parser.next(); frame !== undefined; frame = parser.next()) {
      const command = Array.isArray(frame.value) ? frame.value.map(String) : [String(frame.value)];
      this.#proxy.saw(command);
      this.#pending.push(command);
      if (STREAMING.has(command[0]!.toUpperCase())) this.#streaming = true;
    }
    return { bytes: [chunk.slice()] };
  }

  /** Passes whole replies on, up to one that is to be lost. */
  #reply(parser: RespParser, chunk: Uint8Array): Passed {
    parser.push(chunk);
    const bytes: Uint8Array[] = [];
    for (let frame = parser.next(); frame !== undefined; frame = parser.next()) {
      const command = frame.kind === ">" ? undefined : this.#pending.shift();
      if (command !== undefined && !this.#streaming && this.#proxy.loses(command)) {
        return { bytes, ends: true };
      }
      this.#proxy.largestReply = Math.max(this.#proxy.largestReply, frame.bytes.length);
      bytes.push(frame.bytes);
    }
    return { bytes };
  }

  /** Carries one direction until either end closes, then drops the connection. */
  async #carry(
    from: Deno.TcpConn,
    to: Deno.TcpConn,
    pass: (chunk: Uint8Array) => Passed,
  ): Promise<void> {
    const parcels: (Parcel | undefined)[] = [];
    let arrived = Promise.withResolvers<void>();
    const put = (parcel: Parcel | undefined) => {
      parcels.push(parcel);
      arrived.resolve();
    };
    const deliver = async () => {
      while (!this.#closed) {
        if (parcels.length === 0) {
          arrived = Promise.withResolvers();
          await Promise.race([arrived.promise, this.#closing.promise]);
          continue;
        }
        const parcel = parcels.shift();
        const { gate } = this.#proxy;
        if (gate !== undefined) await Promise.race([gate.promise, this.#closing.promise]);
        if (parcel === undefined) return this.close();
        await this.#until(parcel.dueMs);
        if (this.#closed) return;
        try {
          await writeAll(to, parcel.bytes);
        } catch {
          return this.close();
        }
      }
    };
    const delivering = deliver();
    const chunk = new Uint8Array(65_536);
    try {
      for (;;) {
        const count = await from.read(chunk);
        const { bytes, ends } = count === null
          ? { bytes: [], ends: true }
          : pass(chunk.subarray(0, count));
        const dueMs = performance.now() + this.#proxy.delayMs;
        for (const one of bytes) put({ bytes: one, dueMs });
        if (ends === true) break;
      }
      put(undefined);
    } catch {
      this.close();
    }
    await delivering;
  }

  async #until(dueMs: number): Promise<void> {
    const ms = dueMs - performance.now();
    if (ms <= 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    await Promise.race([promise, this.#closing.promise]);
    clearTimeout(timer);
  }
}

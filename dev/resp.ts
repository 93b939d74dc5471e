/**
 * The Redis protocol, small: a parser that is fed bytes as they come, and a client for tests that want
 * to look at a server, or to do something to it, without the library under test.
 * @module
 */

/** One decoded value. Errors inside an array stay in it. */
export type RespValue = string | number | boolean | null | RespError | readonly RespValue[];

/** An error a server answered with. */
export class RespError extends Error {
  override readonly name = "RespError";
}

/** One whole value as it came. */
export interface RespFrame {
  /** Its bytes, the parser's own copy. */
  readonly bytes: Uint8Array;
  /** Its first byte: `+`, `*`, `>`. */
  readonly kind: string;
  readonly value: RespValue;
}

const CR = 13;
const LF = 10;
const decoder = new TextDecoder();
const encoder = new TextEncoder();

/**
 * Cuts a stream of bytes into values (RESP2 and RESP3). Chunks may end anywhere; a value that comes in
 * many chunks is parsed once, not again for every chunk.
 */
export class RespParser {
  #buffer = new Uint8Array(65_536);
  #start = 0;
  #at = 0;
  #end = 0;
  #parsing: Generator<void, RespValue> | undefined;

  /** Adds bytes. */
  push(chunk: Uint8Array): void {
    const held = this.#end - this.#start;
    if (this.#end + chunk.length > this.#buffer.length) {
      const room = held + chunk.length > this.#buffer.length
        ? new Uint8Array(2 * (held + chunk.length))
        : this.#buffer;
      room.set(this.#buffer.subarray(this.#start, this.#end));
      this.#buffer = room;
      this.#at -= this.#start;
      this.#start = 0;
      this.#end = held;
    }
    this.#buffer.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** The next whole value; `undefined` when it has not all come yet. */
  next(): RespFrame | undefined {
    if (this.#start === this.#end) return undefined;
    this.#parsing ??= this.#value();
    const step = this.#parsing.next();
    if (step.done !== true) return undefined;
    this.#parsing = undefined;
    const bytes = this.#buffer.slice(this.#start, this.#at);
    this.#start = this.#at;
    return { bytes, kind: String.fromCharCode(bytes[0]!), value: step.value };
  }

  /** Parses one value, and yields whenever it needs more bytes. */
  *#value(): Generator<void, RespValue> {
    const line = yield* this.#line();
    const rest = line.slice(1);
    switch (line[0]) {
      case "+":
      case "(":
        return rest;
      case "-":
        return new RespError(rest);
      case ":":
      case ",":
        return Number(rest);
      case "#":
        return rest === "t";
      case "_":
        return null;
      case "$":
      case "=":
      case "!": {
        if (rest === "-1") return null;
        const text = yield* this.#bulk(Number(rest));
        return line[0] === "!" ? new RespError(text) : text;
      }
      case "*":
      case "~":
      case ">":
        return rest === "-1" ? null : yield* this.#values(Number(rest));
      case "%":
        return yield* this.#values(2 * Number(rest));
      default:
        // An inline command, as typed into a terminal.
        return line.split(" ");
    }
  }

  *#values(count: number): Generator<void, RespValue[]> {
    const values: RespValue[] = [];
    while (values.length < count) values.push(yield* this.#value());
    return values;
  }

  *#line(): Generator<void, string> {
    for (let scan = this.#at;;) {
      const offset = scan - this.#start;
      const found = this.#buffer.subarray(0, this.#end).indexOf(LF, scan);
      if (found > 0 && this.#buffer[found - 1] === CR) {
        const line = decoder.decode(this.#buffer.subarray(this.#at, found - 1));
        this.#at = found + 1;
        return line;
      }
      if (found >= 0) {
        scan = found + 1;
        continue;
      }
      const seen = this.#end - this.#start - offset;
      yield;
      // The bytes may have moved within the buffer meanwhile.
      scan = this.#start + offset + seen;
    }
  }

  *#bulk(length: number): Generator<void, string> {
    while (this.#end - this.#at < length + 2) yield;
    const text = decoder.decode(this.#buffer.subarray(this.#at, this.#at + length));
    this.#at += length + 2;
    return text;
  }
}

/** Writes one command as a client sends it. */
export function encodeCommand(args: readonly (string | number)[]): Uint8Array {
  const parts = args.map((arg) => {
    const text = String(arg);
    return `$${encoder.encode(text).length}\r\n${text}\r\n`;
  });
  return encoder.encode(`*${args.length}\r\n${parts.join("")}`);
}

/** How to reach a server. */
export interface RespOptions {
  readonly password?: string | undefined;
  /** Speak TLS; the texts (not paths) of certificates in PEM. */
  readonly tls?: {
    readonly ca: string;
    readonly cert?: string | undefined;
    readonly key?: string | undefined;
  } | undefined;
  /** How long connecting and each command may take. */
  readonly timeoutMs?: number | undefined;
}

/** A connection. */
export interface RespClient extends AsyncDisposable {
  /**
   * Sends one command and gives its reply. Commands may be sent without waiting for each other.
   * @throws {RespError} When the server answers with an error.
   */
  command(...args: readonly (string | number)[]): Promise<RespValue>;
  /** The next value that answers no command: a line of MONITOR, a message on a channel. */
  next(): Promise<RespValue>;
  /** Closes the connection; what still waits for a reply fails. */
  close(): void;
}

interface Waiter {
  readonly resolve: (value: RespValue) => void;
  readonly reject: (error: Error) => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

/** Connects to a port of this machine, or to the path of a Unix socket. */
export async function resp(
  target: number | string,
  options: RespOptions = {},
): Promise<RespClient> {
  const client = new Client(await dial(target, options), options.timeoutMs ?? 10_000);
  if (options.password !== undefined) {
    try {
      await client.command("AUTH", options.password);
    } catch (error) {
      await client[Symbol.asyncDispose]();
      throw error;
    }
  }
  return client;
}

async function dial(
  target: number | string,
  { tls, timeoutMs = 10_000 }: RespOptions,
): Promise<Deno.Conn> {
  if (typeof target === "string") return await Deno.connect({ transport: "unix", path: target });
  if (tls === undefined) {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port: target });
    conn.setNoDelay(true);
    return conn;
  }
  const { ca, cert, key } = tls;
  const options = { hostname: "localhost", port: target, caCerts: [ca] };
  const conn = await Deno.connectTls(
    cert === undefined || key === undefined ? options : { ...options, cert, key },
  );
  const timer = setTimeout(() => conn.close(), timeoutMs);
  try {
    await conn.handshake();
    return conn;
  } catch (error) {
    closeQuietly(conn);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

class Client implements RespClient {
  readonly #conn: Deno.Conn;
  readonly #timeoutMs: number;
  readonly #replies: Waiter[] = [];
  readonly #nexts: Waiter[] = [];
  readonly #pushed: RespValue[] = [];
  readonly #reading: Promise<void>;
  #writing: Promise<void> = Promise.resolve();
  #ended: Error | undefined;

  constructor(conn: Deno.Conn, timeoutMs: number) {
    this.#conn = conn;
    this.#timeoutMs = timeoutMs;
    this.#reading = this.#read();
  }

  async command(...args: readonly (string | number)[]): Promise<RespValue> {
    const reply = this.#wait(this.#replies, args.join(" ").slice(0, 80));
    this.#writing = this.#writing.then(() => writeAll(this.#conn, encodeCommand(args)))
      .catch(() => this.close());
    const value = await reply;
    if (value instanceof RespError) throw value;
    return value;
  }

  async next(): Promise<RespValue> {
    if (this.#pushed.length > 0) return this.#pushed.shift()!;
    return await this.#wait(this.#nexts, "a message");
  }

  close(): void {
    closeQuietly(this.#conn);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.#reading;
    await this.#writing;
  }

  #wait(queue: Waiter[], what: string): Promise<RespValue> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const { promise, resolve, reject } = Promise.withResolvers<RespValue>();
    const timer = setTimeout(() => {
      this.#end(new Error(`no answer to ${what} after ${this.#timeoutMs} ms`));
      this.close();
    }, this.#timeoutMs);
    queue.push({ resolve, reject, timer });
    return promise;
  }

  async #read(): Promise<void> {
    const parser = new RespParser();
    const chunk = new Uint8Array(65_536);
    try {
      for (;;) {
        const count = await this.#conn.read(chunk);
        if (count === null) break;
        parser.push(chunk.subarray(0, count));
        for (let frame = parser.next(); frame !== undefined; frame = parser.next()) {
          this.#deliver(frame);
        }
      }
      this.#end(new Error("the server closed the connection"));
    } catch (error) {
      this.#end(new Error("the connection is closed", { cause: error }));
    }
    this.close();
  }

  #deliver({ kind, value }: RespFrame): void {
    const waiter = (kind === ">" ? undefined : this.#replies.shift()) ?? this.#nexts.shift();
    if (waiter === undefined) {
      this.#pushed.push(value);
      return;
    }
    clearTimeout(waiter.timer);
    waiter.resolve(value);
  }

  #end(error: Error): void {
    this.#ended ??= error;
    for (const waiter of [...this.#replies.splice(0), ...this.#nexts.splice(0)]) {
      clearTimeout(waiter.timer);
      waiter.reject(this.#ended);
    }
  }
}

/** Writes all of `bytes`. */
export async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += await conn.write(bytes.subarray(written));
  }
}

/** Closes what may be closed already. */
export function closeQuietly(closer: { close(): void }): void {
  try {
    closer.close();
  } catch {
    // It was.
  }
}

/**
 * Messages on channels, over one connection of their own that is opened at the first need.
 *
 * A channel tells nothing of what was published while the connection was lost, so listeners are called after
 * the gap: once when it begins, and again when messages arrive anew and it is time to look at the store.
 * @module
 */
import type { Redis } from "npm:ioredis@6.0.0";
import { backoffMs } from "./client.ts";
import { disconnect } from "./ioredis_internals.ts";

/** Hears one channel. */
export interface ChannelListener {
  /** Somebody has published `message`. */
  onMessage(message: string): void;
  /** From now on messages may be missed. */
  onLost?(): void;
  /** Messages arrive again; what was published since {@linkcode ChannelListener.onLost} is lost. */
  onAgain?(): void;
}

/** The channels that one process listens to. */
export class RedisSubscriber {
  readonly #make: () => Redis;
  readonly #channels = new Map<string, Set<ChannelListener>>();
  #client: Redis | undefined;
  /** One that is being opened. */
  #candidate: Redis | undefined;
  #opening: Promise<Redis> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #attempts = 0;
  #inGap = false;
  #closed = false;

  /** `make` builds a connection that is not open yet, and does not connect again by itself. */
  constructor(make: () => Redis) {
    this.#make = make;
  }

  /** Returns once the server sends what is published; the result ends it. Throws the client's errors. */
  async subscribe(channel: string, listener: ChannelListener): Promise<() => void> {
    const listeners = this.#channels.get(channel) ?? new Set();
    const isNew = listeners.size === 0;
    listeners.add(listener);
    this.#channels.set(channel, listeners);
    try {
      // One that is being opened subscribes to what is in the map at the end of it.
      const client = this.#client;
      if (client === undefined) await this.#connected();
      else if (isNew) await client.subscribe(channel);
    } catch (error) {
      this.#forget(channel, listener);
      throw error;
    }
    return () => this.#forget(channel, listener);
  }

  /** Ends it; no listener is called. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#channels.clear();
    this.#candidate?.disconnect();
    await this.#opening?.catch(() => undefined);
    const client = this.#client;
    this.#client = undefined;
    if (client !== undefined) await disconnect(client);
  }

  #forget(channel: string, listener: ChannelListener): void {
    const listeners = this.#channels.get(channel);
    if (listeners?.delete(listener) !== true || listeners.size > 0) return;
    this.#channels.delete(channel);
    this.#client?.unsubscribe(channel).catch(() => undefined);
  }

  #connected(): Promise<Redis> {
    clearTimeout(this.#timer);
    return this.#opening ??= this.#open().finally(() => this.#opening = undefined);
  }

  async #open(): Promise<Redis> {
    if (this.#closed) throw new Error("The store is closed");
    const client = this.#candidate = this.#make();
    let cause: unknown;
    client.on("error", (error: unknown) => cause ??= error);
    client.on("message", (channel: string, message: string) => {
      for (const listener of [...this.#channels.get(channel) ?? []]) listener.onMessage(message);
    });
    try {
      await client.connect();
      const done = new Set<string>();
      for (;;) {
        const missing = [...this.#channels.keys()].filter((channel) => !done.has(channel));
        if (missing.length === 0) break;
        await client.subscribe(...missing);
        for (const channel of missing) done.add(channel);
      }
    } catch (error) {
      await disconnect(client);
      throw cause ?? error;
    } finally {
      this.#candidate = undefined;
    }
    client.once("end", () => this.#lost(client));
    this.#client = client;
    this.#attempts = 0;
    if (this.#inGap) {
      this.#inGap = false;
      for (const listener of this.#listeners()) listener.onAgain?.();
    }
    return client;
  }

  #lost(client: Redis): void {
    if (this.#client !== client || this.#closed) return;
    this.#client = undefined;
    this.#inGap = true;
    for (const listener of this.#listeners()) listener.onLost?.();
    this.#retry();
  }

  #retry(): void {
    if (this.#closed || this.#channels.size === 0) return;
    this.#timer = setTimeout(() => {
      this.#connected().catch(() => this.#retry());
    }, backoffMs(++this.#attempts));
  }

  #listeners(): ChannelListener[] {
    return [...this.#channels.values()].flatMap((listeners) => [...listeners]);
  }
}

/**
 * The two stores behind one: Redis, connected to when it is needed, and the directory's database of the outage that
 * the record names.
 * @module
 */
import { type Clock, sleep } from "../../clock.ts";
import type { Durability } from "../../durability.ts";
import { siteWithoutDirectory } from "../../engine/redis/sites.ts";
import { backoffMs } from "../../engine/redis/client.ts";
import { RedisConnection } from "../../engine/redis/connection.ts";
import type { Warn } from "../../engine/warning.ts";
import type { DirectoryStore } from "../directory.ts";
import { exists } from "../../disk.ts";
import { StoreUnavailableError } from "../../errors.ts";
import { given } from "../../given.ts";
import { RedisStore } from "../redis.ts";
import { isOutage } from "./outage.ts";

/** How to open either. */
export interface SideOptions {
  /** Of the server. */
  readonly url: string;
  readonly namespace: string;
  /** Where the site keeps this namespace's files. */
  readonly home: string;
  readonly durability: Durability;
  readonly clock: Clock;
  readonly warn?: Warn | undefined;
  readonly acts?: boolean | undefined;
  /** Clock of the server. Default: its own; tests pass theirs. */
  readonly redisNowMs?: (() => number) | undefined;
  /** How long the server may take, in milliseconds. */
  readonly patienceMs: number;
}

/** Opens both, each once. */
export class Sides {
  /** The memory that calls to Redis expect, see the record; any, where there is no record. */
  memory: number | undefined;
  readonly #options: SideOptions;
  #redis: Promise<RedisStore> | undefined;
  #directory: { readonly outage: number; readonly store: Promise<DirectoryStore> } | undefined;
  #opened: DirectoryStore | undefined;
  readonly #old: Promise<unknown>[] = [];
  /** What Redis is told by each connection; absent while the authority tells it. */
  #site: string | undefined;

  /** Opens nothing yet. */
  constructor(options: SideOptions) {
    this.#options = options;
  }

  /**
   * Redis, connected to for as long as a command may take.
   *
   * @throws {StoreUnavailableError} when it cannot be used; a later call tries anew.
   */
  redis(patienceMs: number = this.#options.patienceMs): Promise<RedisStore> {
    return this.#redis ??= this.#connect(patienceMs).catch((error) => {
      this.#redis = undefined;
      throw error;
    });
  }

  /** From now on no directory stands in for this process, and Redis hears of that. */
  standAlone(): void {
    this.#site = siteWithoutDirectory(Deno.hostname());
    this.memory = undefined;
    const opened = this.#redis;
    this.#redis = undefined;
    if (opened !== undefined) {
      this.#old.push(opened.then((store) => store.close()).catch(() => undefined));
    }
  }

  /**
   * Whether Redis answers this process at once. A connection that is not ready says nothing of a server that has just come
   * back, as it may be resting before its next attempt: then another one is tried.
   */
  async answers(withinMs: number): Promise<boolean> {
    const asked = new AbortController();
    const late = sleep(withinMs, asked.signal).then(() => false);
    const answer = this.#answers(withinMs);
    this.#old.push(answer);
    return await Promise.race([answer, late]).finally(() => asked.abort());
  }

  async #answers(withinMs: number): Promise<boolean> {
    try {
      // One that is being made just now is as good as none.
      const store = await Promise.race([this.#redis, undefined]).catch(() => undefined);
      if (store?.connection.isReady) return await store.connection.send("PING") === "PONG";
      const probe = await RedisConnection.open(this.#options.url, { patienceMs: withinMs });
      await probe.close();
      return true;
    } catch {
      return false; // Whatever the reason: it does not answer this process now.
    }
  }

  /**
   * The directory's database of an outage that has begun. Its clock is Redis', as far as it was known.
   *
   * @throws {StoreUnavailableError} when it is not there any more.
   */
  async directory(outage: number, aheadMs: number): Promise<DirectoryStore> {
    const path = `${this.homeOf(outage)}/store.db`;
    if (this.#directory?.outage !== outage && !exists(path)) {
      throw new StoreUnavailableError(
        `Cannot use the store: ${path}, which stands in for the server, is missing. Put it back; or, if it is lost, end ` +
          "every process that uses this store and remove the directory above it: what was written there is then lost",
        { path },
      );
    }
    return await this.makeDirectory(outage, aheadMs);
  }

  /** The same of an outage that begins now: it is made. */
  makeDirectory(outage: number, aheadMs: number): Promise<DirectoryStore> {
    if (this.#directory?.outage !== outage) {
      this.forgetDirectory();
      const { namespace, durability, clock, warn, acts } = this.#options;
      const home = this.homeOf(outage);
      // Nobody pays for this code while the server answers.
      const store = import("../directory.ts").then(({ DirectoryStore }) =>
        DirectoryStore.open(home, {
          namespace,
          durability,
          clock: { ...clock, nowMs: () => clock.nowMs() + aheadMs },
          warn,
          acts: acts ?? true,
          outage: { home },
        })
      );
      this.#directory = { outage, store };
      store.then((opened) => this.#opened = opened, () => this.#directory = undefined);
    }
    return this.#directory!.store;
  }

  /**
   * Whether the directory's database is still the one that was opened, where one is open.
   *
   * @throws {StoreUnavailableError} with `details.removed` when it is not.
   */
  verifyPresence(): void {
    this.#opened?.verifyPresence();
  }

  /** Lets go of the database of an outage that is over. */
  forgetDirectory(): void {
    if (this.#directory === undefined) return;
    this.#opened = undefined;
    this.#old.push(this.#directory.store.then((store) => store.close()).catch(() => undefined));
    this.#directory = undefined;
  }

  /** Where the database of an outage is. */
  homeOf(outage: number): string {
    return `${this.#options.home}/outage.${outage}`;
  }

  /** Closes both. */
  async close(options: { readonly exiting?: boolean }): Promise<void> {
    const directory = await this.#directory?.store.catch(() => undefined);
    const redis = await this.#redis?.catch(() => undefined);
    await Promise.all([...this.#old, directory?.close(options), redis?.close(options)]);
  }

  async #connect(patienceMs: number): Promise<RedisStore> {
    const { url, namespace, warn, clock, redisNowMs } = this.#options;
    const deadline = performance.now() + patienceMs;
    for (let attempts = 1;; attempts++) {
      try {
        return await RedisStore.open(url, {
          namespace,
          ...given({ nowMs: redisNowMs }),
          warn,
          hostNowMs: clock.nowMs,
          site: this.#site,
          memory: () => this.memory,
        });
      } catch (error) {
        const pauseMs = backoffMs(attempts);
        if (!isOutage(error) || performance.now() + pauseMs >= deadline) throw error;
        await sleep(pauseMs);
      }
    }
  }
}

/**
 * The yardstick on Redis: the shortest scripts that are still a queue with leases, fences and a trace, sent by
 * the client that the store uses, in the same runtime. No agents, no dependencies, no waiting, and no care
 * for lost answers.
 * @module
 */
import { Redis } from "ioredis";
import type { Draft, Held, Queue } from "../queue.ts";
import { addressOf, type Place } from "./site.ts";

const [add, claim, unlock] = await Promise.all(
  ["add", "claim", "unlock"].map((name) =>
    Deno.readTextFile(new URL(`./bare/${name}.lua`, import.meta.url))
  ),
) as [string, string, string];

/** Queue and locks made of a few keys. */
export class BareRedis implements Queue {
  readonly #client: Redis;
  readonly #prefix: string;
  readonly #hashes: ReadonlyMap<string, string>;
  readonly #owner = `process-${Deno.pid}`;

  private constructor(client: Redis, prefix: string, hashes: ReadonlyMap<string, string>) {
    this.#client = client;
    this.#prefix = prefix;
    this.#hashes = hashes;
  }

  /** Connects and loads the scripts. */
  static async open({ url, name }: Place): Promise<BareRedis> {
    const client = new Redis({
      ...addressOf(url),
      protocol: 2,
      noDelay: true,
      disableClientInfo: true,
      disconnectTimeout: 50,
    });
    const load = async (text: string) => [text, String(await client.script("LOAD", text))] as const;
    return new BareRedis(
      client,
      `${name}:`,
      new Map(await Promise.all([add, claim, unlock].map(load))),
    );
  }

  async create(drafts: readonly Draft[]): Promise<void> {
    const values = drafts.flatMap(({ priority, ...rest }) => [priority, JSON.stringify(rest)]);
    await this.#run(add, ["pending", "sequence", "trace"], this.#task, ...values);
  }

  claim(): Promise<Held | undefined> {
    return this.#script("", "1");
  }

  async complete({ id }: Held): Promise<void> {
    await this.#script(id, "");
  }

  completeAndClaim({ id }: Held): Promise<Held | undefined> {
    return this.#script(id, "1");
  }

  /** Takes a lock; whether it was free. */
  async lock(path: string): Promise<boolean> {
    const key = this.#prefix + path;
    return await this.#client.set(key, this.#owner, "PX", 30_000, "NX") === "OK";
  }

  /** Gives it back. */
  async unlock(path: string): Promise<void> {
    await this.#run(unlock, [path], this.#owner);
  }

  close(): Promise<void> {
    this.#client.disconnect();
    return Promise.resolve();
  }

  get #task(): string {
    return `${this.#prefix}task:`;
  }

  async #script(done: string | number, takes: string): Promise<Held | undefined> {
    const keys = ["pending", "leases", "fence", "trace"];
    const args = [this.#task, this.#owner, Date.now(), done, takes];
    const reply = await this.#run(claim, keys, ...args) as [string, number, string] | null;
    return reply === null ? undefined : { id: reply[0], fence: reply[1] };
  }

  #run(text: string, keys: readonly string[], ...args: (string | number)[]): Promise<unknown> {
    const hash = this.#hashes.get(text)!;
    return this.#client.evalsha(
      hash,
      keys.length,
      ...keys.map((key) => this.#prefix + key),
      ...args,
    );
  }
}

/**
 * The operations on locks, on Redis.
 *
 * A lease is live while its instant in `lock_due` is ahead of the operation's clock; what is behind it counts for
 * nothing and is swept by later operations.
 * @module
 */
import type { AuditDraft } from "../../audit/entry.ts";
import type { LockPath } from "../../path.ts";
import { LEASES_PER_OPERATION } from "../../engine/held.ts";
import { script } from "../../engine/redis/script.ts";
import type { ScriptRunner } from "../../engine/redis/script_runner.ts";
import type { Actor } from "../../engine/actor.ts";
import type { Lease } from "../model.ts";
import type {
  AcquireOutcome,
  AcquireRequest,
  Aliases,
  LeaseSelector,
  LockStore,
} from "../store.ts";

const ACQUIRE = script("lock/acquire");
const ABANDON = script("lock/abandon");
const RENEW = script("lock/renew");
const RELEASE = script("lock/release");
const RELEASE_ALL = script("lock/release_all");
const LIST = script("lock/list");
const LIST_HELD = script("lock/list_held");
const COUNT = script("lock/count");
const CHECK = script("lock/check");

/** A portion of a list, and where the next one begins. */
interface ListedPortion {
  readonly leases: readonly Lease[];
  readonly next: string;
}

/** {@linkcode LockStore} on Redis. */
export class RedisLocks implements LockStore {
  readonly #runner: ScriptRunner;

  /** Runs its scripts there. */
  constructor(runner: ScriptRunner) {
    this.#runner = runner;
  }

  async acquire(
    actor: Actor,
    { paths, aliases, mode, ttlMs, intent, reentrant, waiter = "" }: AcquireRequest,
  ): Promise<AcquireOutcome> {
    const waker = waiter === "" ? "" : (await this.#runner.waker()).id;
    return answer(
      await this.#runner.write(
        ACQUIRE,
        actor,
        ttlMs,
        mode,
        intent,
        reentrant ? 1 : 0,
        waiter,
        waker,
        ...named(paths, aliases),
      ),
    );
  }

  async abandon(waiterId: string): Promise<void> {
    await this.#runner.write(ABANDON, undefined, waiterId);
  }

  async renew(
    actor: Actor,
    { paths, aliases, fence }: LeaseSelector,
    ttlMs: number | undefined,
  ): Promise<Awaited<ReturnType<LockStore["renew"]>>> {
    return answer(
      await this.#runner.write(RENEW, actor, fence ?? "", ttlMs ?? "", ...named(paths, aliases)),
    );
  }

  async release(
    actor: Actor,
    { paths, aliases, fence }: LeaseSelector,
  ): Promise<Awaited<ReturnType<LockStore["release"]>>> {
    return answer(
      await this.#runner.write(RELEASE, actor, fence ?? "", ...named(paths, aliases)),
    );
  }

  async releaseAll(actor: Actor): Promise<readonly Lease[]> {
    const all: Lease[] = [];
    for (let from = "";;) {
      const text = await this.#runner.write(RELEASE_ALL, actor, LEASES_PER_OPERATION, from);
      const { released, next } = answer<{ released: readonly Lease[]; next: string }>(text);
      all.push(...released);
      if (next === "") return all;
      from = next;
    }
  }

  async covering({ path, aliases }: LockPath): Promise<readonly Lease[]> {
    const text = await this.#runner.read(LIST, [path, ...aliases].join("\0"), "", 0);
    return answer<ListedPortion>(text).leases;
  }

  async check(
    holder: string | undefined,
    { paths, aliases, mode }: Pick<AcquireRequest, "paths" | "aliases" | "mode">,
  ): Promise<readonly (Lease | null)[]> {
    return answer(await this.#runner.read(CHECK, holder ?? "", mode, ...named(paths, aliases)));
  }

  async break(actor: Actor, name: LockPath, record: AuditDraft): ReturnType<LockStore["break"]> {
    const { auditArguments } = await import("../../audit/redis/draft.ts");
    const { BREAK } = await import("./break.ts");
    return answer(
      await this.#runner.write(
        BREAK,
        actor,
        [name.path, ...name.aliases].join("\0"),
        `"reason":${JSON.stringify(record.reason)}`,
        ...auditArguments(record),
      ),
    );
  }

  async list(holder?: string): Promise<readonly Lease[]> {
    const all: Lease[] = [];
    for (let from = "";;) {
      const text = holder === undefined
        ? await this.#runner.read(LIST, "", from, LEASES_PER_OPERATION)
        : await this.#runner.read(LIST_HELD, holder, LEASES_PER_OPERATION, from);
      const { leases, next } = answer<ListedPortion>(text);
      all.push(...leases);
      if (next === "") return all;
      from = next;
    }
  }

  async count(): Promise<number> {
    return Number(await this.#runner.read(COUNT));
  }
}

/** Each path with its other names behind it, as scripts take it: no name has a NUL in it. */
function named(paths: readonly string[], aliases: Aliases = {}): readonly string[] {
  return paths.map((path) => [path, ...aliases[path] ?? []].join("\0"));
}

function answer<T>(text: unknown): T {
  return JSON.parse(String(text));
}

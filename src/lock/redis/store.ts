/**
 * The steps on locks, on Redis.
 *
 * A lease is live while its instant in `lock_due` is ahead of the step's clock; what is behind it counts for
 * nothing and is swept by later steps.
 * @module
 */
import type { AuditDraft } from "../../audit/entry.ts";
import type { LockPath } from "../../path.ts";
import { LEASES_A_STEP } from "../../engine/held.ts";
import held from "../../engine/redis/held.lua" with { type: "text" };
import { Script } from "../../engine/redis/script.ts";
import type { ScriptRunner } from "../../engine/redis/script_runner.ts";
import type { Actor } from "../../engine/directory/transaction.ts";
import abandon from "./abandon.lua" with { type: "text" };
import acquire from "./acquire.lua" with { type: "text" };
import acquireFree from "./acquire_free.lua" with { type: "text" };
import count from "./count.lua" with { type: "text" };
import line from "./line.lua" with { type: "text" };
import list from "./list.lua" with { type: "text" };
import type { Lease } from "../lock.ts";
import {
  AFTER_USUAL_PARTS,
  GIVE_BACK_PARTS,
  LEASE_PARTS,
  LOCK_KEYS,
  USUAL_PARTS,
} from "./parts.ts";
import release from "./release.lua" with { type: "text" };
import releaseOnly from "./release_only.lua" with { type: "text" };
import releaseAll from "./release_all.lua" with { type: "text" };
import renew from "./renew.lua" with { type: "text" };
import type { AcquireOutcome, AcquireRequest, Aliases, LeaseSelector, LockStore } from "../store.ts";
import tenure from "./tenure.lua" with { type: "text" };

const ACQUIRE = new Script(
  "lock/acquire",
  LOCK_KEYS,
  ...AFTER_USUAL_PARTS,
  tenure,
  acquire,
).usually(...USUAL_PARTS, acquireFree);
const ABANDON = new Script("lock/abandon", LOCK_KEYS, ...LEASE_PARTS, line, abandon).freeing();
const RENEW = new Script("lock/renew", LOCK_KEYS, ...LEASE_PARTS, tenure, renew).freeing();
const RELEASE = new Script(
  "lock/release",
  LOCK_KEYS,
  ...AFTER_USUAL_PARTS,
  tenure,
  release,
).freeing().usually(...USUAL_PARTS, releaseOnly);
const RELEASE_ALL = new Script(
  "lock/release_all",
  LOCK_KEYS,
  ...GIVE_BACK_PARTS,
  held,
  releaseAll,
).freeing();
const LIST = new Script("lock/list", LOCK_KEYS, ...GIVE_BACK_PARTS, held, list);
const COUNT = new Script("lock/count", [], count);

/** {@linkcode LockStore} on Redis. */
export class RedisLocks implements LockStore {
  readonly #runner: ScriptRunner;

  /** Runs its scripts there. */
  constructor(runner: ScriptRunner) {
    this.#runner = runner;
  }

  async acquire(
    actor: Actor,
    { paths, aliases, mode, ttlMs, intent, reentrant, waiter }: AcquireRequest,
  ): Promise<AcquireOutcome> {
    const { id = "", bell = "" } = waiter ?? {};
    return answer(
      await this.#runner.write(
        ACQUIRE,
        actor,
        ttlMs,
        mode,
        intent,
        reentrant ? 1 : 0,
        id,
        bell,
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
      const text = await this.#runner.write(RELEASE_ALL, actor, LEASES_A_STEP, from);
      const { released, next } = answer<{ released: readonly Lease[]; next: string }>(text);
      all.push(...released);
      if (next === "") return all;
      from = next;
    }
  }

  async covering({ path, aliases }: LockPath): Promise<readonly Lease[]> {
    return answer(await this.#runner.read(LIST, [path, ...aliases].join("\0"), ""));
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

  async list(holder = ""): Promise<readonly Lease[]> {
    return answer(await this.#runner.read(LIST, "", holder));
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

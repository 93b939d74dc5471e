/**
 * The store in front of two: Redis, and a directory that takes over while Redis cannot be reached.
 *
 * The protocol. All agents that share the directory are a site, and its *authority record* says which of the two
 * stores decides. Every operation runs under a shared kernel lock on that record and goes to the store that it names;
 * changing the record needs the exclusive lock, so no operation is in flight across a change (authority.ts). While
 * Redis has the authority, each lease that it grants, renews or ends is noted in the directory's *mirror* before the
 * call returns, still under the lock. So when the directory takes over it knows every live lease, and goes on with
 * the same holders and fences (change.ts); and a Redis that has lost its memory gets them back before it answers
 * anything. When Redis is back, everything that was changed meanwhile is moved there in portions, and then the record
 * names Redis again (failback.ts).
 *
 * What is trusted. An answer of Redis counts only while the record still has the epoch, and the memory of Redis, that
 * the call was made under: one that comes later is thrown away and the call is made again on the store in authority.
 * Redis may execute a call after it was given up here. Nobody is told of it as done, and failing back undoes what it
 * granted.
 *
 * A process that is frozen inside an operation holds the shared lock and so delays a change: others get
 * `store_unavailable` that names it.
 * @module
 */
import type { Seen } from "../../approval/store.ts";
import type { FollowQuery } from "../../audit/store.ts";
import type { EventQuery } from "../../event/store.ts";
import { CoordError } from "../../errors.ts";
import { MemoryChangedError } from "../../engine/redis/memory.ts";
import { parseRedisUrl, redactUrl } from "../../engine/redis/url.ts";
import type { Waker } from "../../engine/waker.ts";
import { printable } from "../../name.ts";
import { type Operations, type Primitive } from "../../primitives.ts";
import type { FailbackResult, Journal, Site, Store } from "../../store.ts";
import type { RedisStore } from "../redis.ts";
import { PrimitiveStore } from "../primitive_store.ts";
import type { Authority, Hold } from "./authority.ts";
import { type Call, isRead, make, METHODS } from "./call.ts";
import { Changes, type FailoverMode } from "./change.ts";
import { Failback } from "./failback.ts";
import { FollowedAudit, FollowedEvents } from "./followed.ts";
import { Flights } from "./flights.ts";
import { Mirror } from "./mirror.ts";
import { notesOf } from "./mirrored.ts";
import { openAuthority } from "./open_authority.ts";
import { isOutage, mayHaveHappened } from "./outage.ts";
import { answerLost, asksOthersToAct, unanswered } from "./unanswered.ts";
import { type AuthorityRecord, firstRecord } from "./record.ts";
import { type SideOptions, Sides } from "./sides.ts";
import { hasSiteHome, siteHome } from "./site_files.ts";
import { isOlderThan, missingIn, outOfReach } from "./unreachable.ts";
import { SwitchingWaker } from "./waker.ts";

/** How long a command may take where the URL does not say. */
const COMMAND_TIMEOUT_MS = 5000;
/** How many approvals that were waited for are remembered. */
const APPROVALS_KEPT = 1000;

/** How to open a {@linkcode FailoverStore}. */
export interface FailoverOptions extends Omit<SideOptions, "home" | "patienceMs"> {
  /** The directory that makes the site. */
  readonly directory: string;
  /** Whether the directory takes over only where no other site could be at work, or always. */
  readonly mode: FailoverMode;
}

/** What became of a call that was made on Redis. */
type Answer =
  | { readonly kind: "answered"; readonly value: unknown }
  | { readonly kind: "failed"; readonly error: unknown };

/** A call on its way to Redis. */
interface Attempt {
  readonly epoch: number;
  readonly memory: number;
  readonly answer: Promise<Answer>;
}

/** What is asked of whichever store has the authority. */
interface Request {
  readonly isRead: boolean;
  readonly on: (store: Store) => Promise<unknown>;
  readonly call?: Call;
}

/** {@linkcode Store} on Redis, with a directory that stands in for it. */
export class FailoverStore extends PrimitiveStore implements Store {
  readonly kind = "redis";
  readonly location: string;
  readonly #options: FailoverOptions;
  readonly #sides: Sides;
  readonly #flights: Flights;
  readonly #epoch = () => this.#authority?.peek().epoch ?? 0;
  readonly #events = new FollowedEvents(this.#epoch);
  readonly #audit = new FollowedAudit(this.#epoch);
  readonly #approvals = new Map<string, Seen>();
  /** Whether a record may be on Redis, while that has not got the authority. */
  readonly #isOlder = (id: string) => {
    const { sinceMs, aheadMs } = this.#authority!.peek();
    return isOlderThan(id, sinceMs + aheadMs);
  };
  #authority: Authority | undefined;
  /** Why the directory did not take over when this was opened, until somebody is told. */
  #refusal: unknown;
  #changes: Changes | undefined;
  #failback: Failback | undefined;
  #mirror: { readonly generation: number; readonly file: Mirror } | undefined;
  /** The epoch of the directory that was told of last; 0 when the server decided since. */
  #told = 0;
  /** The directory cannot be used, so that Redis is all there is. */
  #isAlone = false;

  private constructor(options: FailoverOptions) {
    const opened = new Map<Primitive, Operations[Primitive]>();
    super(<Name extends Primitive>(name: Name) => {
      const operations = opened.get(name) ?? this.#operations(name);
      opened.set(name, operations);
      return Promise.resolve(operations as Operations[Name]);
    });
    const { url, directory, namespace } = options;
    const patienceMs = parseRedisUrl(url, "store").commandTimeoutMs ?? COMMAND_TIMEOUT_MS;
    this.location = printable(redactUrl(url));
    this.#options = options;
    this.#sides = new Sides({ ...options, home: siteHome(directory, namespace), patienceMs });
    this.#flights = new Flights({
      patienceMs,
      isContended: () => this.#authority?.isContended() ?? false,
    });
  }

  /**
   * Opens both as far as they are needed: connects to Redis unless the directory has the authority. Where the directory
   * must not take over, it is the first operation that says so: who asks for the other sites, or forgets one, needs none.
   *
   * @throws {InvalidArgumentError} when the URL is malformed.
   * @throws {StoreUnavailableError} when Redis cannot be used, and that is no outage or nothing was written here yet.
   */
  static async open(options: FailoverOptions): Promise<FailoverStore> {
    const store = new FailoverStore(options);
    try {
      const record = store.#authorityFor(true)?.peek();
      if (record?.store === "directory") return store;
      await store.#sides.redis().catch(async (error) => {
        // Nothing was ever written here: only where the directory takes over in any case is this the time to begin.
        if (!isOutage(error) || (record === undefined && options.mode !== "directory")) throw error;
        const { epoch } = store.#authorityFor(false)!.peek();
        await store.#changes!.failOver(epoch, error).catch((refusal) => store.#refusal = refusal);
      });
      return store;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  get clockAheadMs(): number | undefined {
    return this.#authority?.peek().aheadMs;
  }

  verifyPresence(): void {
    if (this.#authority?.peek().store === "directory") this.#sides.verifyPresence();
  }

  async waker(): Promise<Waker> {
    const waker = await this.#run({ isRead: false, on: (store) => store.waker() }) as Waker;
    const authority = this.#authority;
    if (authority === undefined) return waker;
    const { epoch } = authority.peek();
    return new SwitchingWaker(waker, () => authority.peek().epoch !== epoch);
  }

  /** Who decides, since when and why, as this site knows it; before it has written anything, what it begins with. */
  authority(): Promise<AuthorityRecord> {
    const authority = this.#authorityFor(true);
    return Promise.resolve(authority?.peek() ?? firstRecord(this.#options.clock.nowMs()));
  }

  /**
   * Which sites use the namespace, this one included once it has acted, after forgetting one. While Redis cannot be
   * reached: the others at its last word.
   */
  async sites(forget?: string): Promise<readonly Site[]> {
    const listed = await this.#run({
      isRead: true,
      on: async (store) => await store.sites?.(forget),
    }).catch((error) => {
      // Where others forbid the directory to take over, forgetting them is what is wanted now.
      if (this.#authority === undefined || !isOutage(error)) throw error;
    }) as readonly Site[] | undefined;
    return this.#changes === undefined
      ? listed ?? []
      : await this.#changes.noteSites(listed, forget);
  }

  /** Tells Redis that this site is here, as every write does now and then, and asks which others are. */
  async announce(): Promise<AuthorityRecord["others"]> {
    this.#authorityFor(false);
    return await this.#changes?.announce() ?? [];
  }

  /** Moves everything to Redis now, if it can be reached. */
  async failback(): Promise<FailbackResult> {
    const { counts } = await this.journal(0);
    const result = await this.#failback?.now() ?? { kind: "not_needed" };
    return result.kind === "done" ? { ...result, counts } : result;
  }

  /** What waits to be moved to Redis. It is only looked for while the directory has the authority. */
  async journal(limit: number): Promise<Journal> {
    const { EMPTY, journalOf } = await import("./journal.ts");
    if (this.#authorityFor(true)?.peek().store !== "directory") return EMPTY;
    return await this.#run({ isRead: true, on: (store) => journalOf(store, limit) }) as Journal;
  }

  async close(options: { readonly exiting?: boolean } = {}): Promise<void> {
    await this.#failback?.close(options);
    await this.#changes?.close();
    this.#flights.close();
    await this.#sides.close(options);
    this.#mirror?.file.close();
    this.#authority?.close();
  }

  #operations<Name extends Primitive>(primitive: Name): Operations[Name] {
    const operations: Record<string, unknown> = {};
    for (const method of METHODS[primitive] as readonly string[]) {
      operations[method] = (...args: readonly unknown[]) => {
        const call: Call = { primitive, method, args };
        return this.#run({
          isRead: isRead(call),
          on: async (store) => await this.#make(store, call),
          call,
        });
      };
    }
    return operations as unknown as Operations[Name];
  }

  async #make(store: Store, call: Call): Promise<unknown> {
    const isOnRedis = store.kind === "redis";
    if (call.method === "read") {
      const [events, query] = [await store.events(), call.args[0] as EventQuery];
      return await (isOnRedis
        ? this.#events.onRedis(events, query)
        : this.#events.onDirectory(events, query, this.#isOlder));
    }
    if (call.method === "follow") {
      const [audit, query] = [await store.audit(), call.args[0] as FollowQuery];
      return await (isOnRedis
        ? this.#audit.onRedis(audit, query)
        : this.#audit.onDirectory(audit, query, this.#isOlder));
    }
    const result = await make(await store[call.primitive](), call);
    return call.method === "chain" ? { ...result as object, epoch: this.#epoch() } : result;
  }

  /** Absent before the first write, since what only reads leaves nothing in a directory, and where none can be used. */
  #authorityFor(isRead: boolean): Authority | undefined {
    if (this.#authority !== undefined) return this.#authority;
    const { directory, namespace } = this.#options;
    if (this.#isAlone || (isRead && !hasSiteHome(directory, namespace))) return undefined;
    const authority = this.#authority = openAuthority(this.#options);
    if (authority === undefined) {
      this.#isAlone = true;
      this.#sides.standAlone();
      return undefined;
    }
    const home = siteHome(directory, namespace);
    this.#changes = new Changes({ ...this.#options, home, authority, sides: this.#sides });
    this.#failback = new Failback({ ...this.#options, home, authority, sides: this.#sides });
    return authority;
  }

  async #run(request: Request): Promise<unknown> {
    const refusal = this.#refusal;
    this.#refusal = undefined;
    if (refusal !== undefined) throw refusal;
    const authority = this.#authorityFor(request.isRead);
    if (authority === undefined) {
      return await this.#sides.redis().then(request.on).catch((error) => {
        // Somebody has written meanwhile, so there is a record now.
        if (error instanceof MemoryChangedError) return this.#run(request);
        throw error;
      });
    }
    let attempt: Attempt | undefined;
    let mayBeDone = false;
    for (;;) {
      const entered = authority.enter();
      const hold: Hold = entered instanceof Promise ? await entered : entered;
      let after: () => Promise<void>;
      try {
        const { record } = hold;
        this.#noteAuthority(record);
        if (record.store === "directory") {
          mayBeDone ||= attempt !== undefined;
          // What Redis has made may have been worked off or decided there: made here again, that would happen twice.
          if (mayBeDone && asksOthersToAct(request.call)) throw unanswered(this.location);
          return await this.#onDirectory(record, request);
        }
        if (attempt?.epoch !== record.epoch || attempt.memory !== record.memory) {
          attempt = this.#send(record, request);
        }
        const outcome = await this.#flights.watch(attempt.answer);
        if (outcome.kind === "answered") {
          this.#mirrorAnswer(record, request, outcome.value);
          return outcome.value;
        }
        const { epoch } = record;
        if (outcome.kind === "yield") continue;
        if (outcome.kind === "late") {
          after = async () => void await this.#changes!.failOver(epoch, unanswered(this.location));
        } else {
          attempt = undefined;
          mayBeDone ||= outcome.error instanceof CoordError && mayHaveHappened(outcome.error);
          after = this.#mend(epoch, outcome.error);
        }
      } finally {
        hold.leave();
      }
      await after();
    }
  }

  #send({ epoch, memory }: AuthorityRecord, { on }: Request): Attempt {
    this.#sides.memory = memory;
    const answer = this.#sides.redis().then((redis: RedisStore) => on(redis)).then(
      (value): Answer => ({ kind: "answered", value }),
      (error): Answer => ({ kind: "failed", error }),
    );
    return { epoch, memory, answer };
  }

  /** What is to be done about a failed call before it is made again; throws where it is not to be. */
  #mend(epoch: number, error: unknown): () => Promise<void> {
    if (error instanceof MemoryChangedError) {
      return async () => {
        await this.#changes!.restore(error);
        // It may have been done before that: made again, it would meet what it did itself.
        if (error.sent) throw answerLost(this.location);
      };
    }
    if (!isOutage(error)) throw error;
    return async () => {
      const hasChanged = await this.#changes!.failOver(epoch, error);
      // The server has answered meanwhile, and may have executed the call.
      if (!hasChanged && mayHaveHappened(error)) throw error;
    };
  }

  #mirrorAnswer(record: AuthorityRecord, { call, isRead }: Request, value: unknown): void {
    const { mirror, aheadMs } = record;
    if (call === undefined) return;
    this.#rememberApproval(call, value);
    if (isRead) return;
    const lines = notesOf(call, value, { nowMs: this.#options.clock.nowMs(), aheadMs });
    if (lines.length > 0) {
      const { directory, namespace } = this.#options;
      if (this.#mirror?.generation !== mirror) {
        this.#mirror?.file.close();
        const file = Mirror.open(siteHome(directory, namespace), mirror);
        this.#mirror = { generation: mirror, file };
      }
      this.#mirror.file.append(...lines);
    }
    this.#changes!.afterWrite(record, this.#mirror?.file);
  }

  async #onDirectory(record: AuthorityRecord, { on, call }: Request): Promise<unknown> {
    const store = await this.#sides.directory(record.outage, record.aheadMs);
    const result = await on(store);
    await this.#failback!.schedule();
    if (call === undefined) return result;
    const id = missingIn(call, result);
    if (id === undefined || !this.#isOlder(id)) {
      this.#rememberApproval(call, result);
      return result;
    }
    const seen = this.#approvals.get(id);
    // Who waits for a decision that is on Redis goes on waiting.
    if (call.method === "look" && call.args[2] === true && seen !== undefined) return seen;
    throw outOfReach(id, this.location, record.sinceMs);
  }

  #rememberApproval({ primitive, method, args }: Call, value: unknown): void {
    if (primitive !== "approvals" || method !== "look" || value === undefined) return;
    const [, id] = args as [unknown, string];
    this.#approvals.delete(id);
    this.#approvals.set(id, value as Seen);
    if (this.#approvals.size <= APPROVALS_KEPT) return;
    for (const oldest of this.#approvals.keys()) return void this.#approvals.delete(oldest);
  }

  /** Lets go of what belongs to another epoch, and says once that the directory stands in, or does no more. */
  #noteAuthority({ store, epoch, sinceMs, reason }: AuthorityRecord): void {
    if (store === "redis") this.#sides.forgetDirectory();
    if (store === "redis" ? this.#told === 0 : this.#told === epoch) return;
    this.#told = store === "redis" ? 0 : epoch;
    this.#options.warn?.({ kind: "authority", store, location: this.location, sinceMs, reason });
  }
}

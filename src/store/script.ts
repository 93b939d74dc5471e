/**
 * Runs the steps of the Redis store: one Lua script each, one command on the wire.
 *
 * A script is sent by its hash; a server that does not have it yet is sent its text once. An answer that was
 * lost leaves open whether the step happened, so the same call is made again, with the same name (`op`),
 * and the script tells what it did the first time: see `recall` in step.lua. Whatever a step does counts
 * once, however often it is sent.
 * @module
 */
import { createHash } from "node:crypto";
import touch from "../agent/touch.lua" with { type: "text" };
import { CoordError, StoreUnavailableError } from "../errors.ts";
import { EVENTS_KEPT } from "../event/store.ts";
import type { RedisArgument, RedisConnection } from "./redis_connection.ts";
import step from "./step.lua" with { type: "text" };
import type { Actor } from "./transaction.ts";

/** The form of the data that these scripts read and write. */
export const REDIS_SCHEMA_VERSION = 1;

/** An acting agent's heartbeat is implied at most this often in one process. */
const BEAT_EVERY_MS = 1000;
/** Longest time that one call is tried again for. */
const PATIENCE_MS = 5000;
/** Pause before a server that cannot serve right now is asked again. */
const PAUSE_MS = 100;
/** What a server says that is starting, or is about to become the primary. */
const PASSING: readonly unknown[] = ["readonly", "loading", "primary_down", "cluster_down"];

/** Keys that every script gets, in this order, before its own; see step.lua. */
const COMMON_KEYS = [
  "state",
  "events",
  "listeners",
  "agents",
  "seen",
  "held",
  "locks",
  "lock_due",
  "tasks",
  "task_order",
] as const;

/** Names of the keys that the scripts loaded so far use. */
const loadedKeys = new Set<string>(COMMON_KEYS);

/**
 * Names of all keys that the scripts use whose rooms this process has loaded, without the namespace's prefix.
 */
export function keyNames(): readonly string[] {
  return [...loadedKeys];
}

/**
 * One step: its text, put together from parts that several steps share, and the keys of its own. The text finds
 * each key in a local of that name in capitals, wherever it stands among KEYS: `lock_paths` in LOCK_PATHS.
 */
export class Script {
  /** Where the script is to be found, such as `lock/acquire`; messages name it. */
  readonly name: string;
  /** Names of its keys besides the common ones. */
  readonly keys: readonly string[];
  /** The Lua text after what all scripts share. */
  readonly body: string;

  /** `parts` are joined; the last one is the step itself. */
  constructor(name: string, keys: readonly string[], ...parts: readonly string[]) {
    this.name = name;
    this.keys = keys;
    this.body = parts.join("\n");
    for (const key of keys) loadedKeys.add(key);
  }
}

/** How a {@linkcode ScriptRunner} works. */
export interface ScriptRunnerOptions {
  readonly namespace: string;
  /** Instead of the server's clock; for tests. */
  readonly nowMs?: (() => number) | undefined;
}

/** A script as the server knows it. */
interface Loaded {
  readonly text: string;
  readonly sha1: string;
  readonly keys: readonly string[];
}

/** Runs scripts on one namespace. */
export class ScriptRunner {
  /** The connection they run on. */
  readonly connection: RedisConnection;
  /** What the names of all keys and channels of the namespace begin with; the braces keep them on one server. */
  readonly prefix: string;
  readonly #nowMs: (() => number) | undefined;
  readonly #loaded = new Map<Script, Loaded>();
  readonly #beats = new Map<string, number>();
  readonly #process = crypto.randomUUID().slice(0, 8);
  #calls = 0;
  #greeted = 0;

  /** Uses a connection that others may use as well. */
  constructor(connection: RedisConnection, { namespace, nowMs }: ScriptRunnerOptions) {
    this.connection = connection;
    this.prefix = `{agentcoord:${namespace}}:`;
    this.#nowMs = nowMs;
  }

  /** Runs a step that only reads; its answer is what the script returned. */
  read(script: Script, ...args: readonly RedisArgument[]): Promise<unknown> {
    return this.#run(script, "", "", "", args);
  }

  /** Runs a step that writes. With an `actor` it counts as that agent's heartbeat. */
  async write(
    script: Script,
    actor: Actor | undefined,
    ...args: readonly RedisArgument[]
  ): Promise<unknown> {
    const op = `${this.#process}-${(++this.#calls).toString(36)}`;
    if (actor === undefined) return await this.#run(script, op, "", "", args);
    const { name, host, pid } = actor;
    const now = (this.#nowMs ?? performance.now.bind(performance))();
    const due = now - (this.#beats.get(name) ?? -Infinity) >= BEAT_EVERY_MS;
    const origin = `${due ? 1 : 0}${host}\n${pid ?? ""}`;
    const answer = await this.#run(script, op, name, origin, args);
    if (due) this.#beats.set(name, now);
    return answer;
  }

  async #run(
    script: Script,
    op: string,
    actor: string,
    origin: string,
    args: readonly RedisArgument[],
  ): Promise<unknown> {
    const { connection } = this;
    let loaded = this.#loaded.get(script);
    if (loaded === undefined) this.#loaded.set(script, loaded = this.#load(script));
    const { sha1, keys } = loaded;
    const startedAt = performance.now();
    const deadline = startedAt + PATIENCE_MS;
    let again = false;
    for (let tries = 0;; tries++) {
      try {
        if (tries > 0 || !connection.isReady) await connection.ready();
        const { connects } = connection;
        const special = again || this.#nowMs !== undefined || connects !== this.#greeted
          ? `${this.#nowMs?.() ?? ""}|${again ? Math.ceil(performance.now() - startedAt) : ""}|` +
            connection.server.runId
          : "";
        const answer = await connection.client.evalsha(
          sha1,
          keys.length,
          ...keys,
          op,
          special,
          actor,
          origin,
          ...args,
        ).catch((error) => {
          if (!/^NOSCRIPT/.test(error?.message)) throw error;
          return connection.client.eval(
            loaded.text,
            keys.length,
            ...keys,
            op,
            special,
            actor,
            origin,
            ...args,
          );
        });
        // A read learns nothing that a writing step would have to know.
        if (op !== "") this.#greeted = connects;
        return answer;
      } catch (error) {
        const failure = this.#failure(error, script);
        const wait = connection.wasNeverSent(error) ? 0 : pauseAfter(failure);
        if (wait === undefined || performance.now() + wait >= deadline) throw failure;
        again ||= (failure as CoordError).details.sent === true;
        if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      }
    }
  }

  #load({ keys, body }: Script): Loaded {
    const { clustered } = this.connection;
    const names = [...COMMON_KEYS, ...keys];
    const text = `local SCHEMA, CLUSTERED, EVENTS_KEPT = ${REDIS_SCHEMA_VERSION}, ${clustered}, ` +
      `${EVENTS_KEPT}\nlocal ${
        names.join(", ").toUpperCase()
      } = unpack(KEYS)\n${step}\n${touch}\n${body}`;
    const sha1 = createHash("sha1").update(text).digest("hex");
    return { text, sha1, keys: names.map((key) => this.prefix + key) };
  }

  #failure(error: unknown, { name }: Script): unknown {
    const { location } = this.connection;
    const schema = error instanceof Error && /SCHEMA (\d+)/.exec(error.message)?.[1];
    if (schema) {
      const sentence =
        `Cannot use the store: ${location} holds data of version ${schema} and this ` +
        `program knows version ${REDIS_SCHEMA_VERSION}; use the newer program`;
      return new StoreUnavailableError(sentence, { location, reason: "schema" });
    }
    const failure = this.connection.failure(error);
    // A mistake in a script is a bug of ours: say which script, and let it be reported as one.
    if (!(failure instanceof CoordError) && failure instanceof Error) {
      return new Error(`${name}: ${failure.message}`, { cause: failure });
    }
    return failure;
  }
}

/** How long to wait before the call is made again; `undefined` when that would not help. */
function pauseAfter(failure: unknown): number | undefined {
  if (!(failure instanceof StoreUnavailableError) || !failure.retryable) return undefined;
  const { reason } = failure.details;
  if (PASSING.includes(reason)) return PAUSE_MS;
  // The connection is made again; `ready` waits for it, and for no longer than a command may take.
  return reason === "lost" ? 0 : undefined;
}

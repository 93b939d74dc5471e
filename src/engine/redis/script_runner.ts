/**
 * Runs the operations of the Redis store: one Lua script each, one command on the wire.
 *
 * A script is sent by its hash; a server that does not have it yet is sent its text once. An answer that was
 * lost leaves open whether the operation happened, so the same call is made again, with the same name (`op`),
 * and the script tells what it did the first time: see `replay` in operation.lua. A try that arrives after a later one
 * of the same call does nothing: see RETRIED in state.lua. Whatever an operation does counts once, however often it is
 * sent and in whatever order that arrives.
 *
 * Operations of one kind that are asked for at the same moment share a call. While enough calls to keep the server busy
 * are under way, a batch window stays open for the next ones until one of those is answered, a few milliseconds at
 * most; a caller that is alone never waits.
 * @module
 */
import { CoordError } from "../../errors.ts";
import type { RedisArgument, RedisConnection } from "./connection.ts";
import { INDEX_KEY, type Script, type ScriptText, type TextForm, textOf } from "./script.ts";
import { ageOf, schemaRefusal, versionIn } from "./schema.ts";
import type { Actor } from "../actor.ts";
import { ChannelWaker } from "./channel_waker.ts";
import { memoryChange, MemoryChangedError } from "./memory.ts";
import { asSent, isOutOfMemory, PATIENCE_MS, pauseAfter } from "./retry.ts";

/** An act counts as a sign of life at most this often in one process. */
const BEAT_EVERY_MS = 1000;

/** Most operations of a batch: the server serves nobody else meanwhile. */
const BATCH_OPERATIONS = 32;
/** So many calls keep the server at work; meanwhile a batch window is open for what is asked for. */
const BUSY_CALLS = 2;
/** Longest time that a batch window is open. */
const BATCH_WINDOW_MS = 5;
/** An operation of more arguments goes alone. */
const BATCH_ARGUMENTS = 64;

/** A process says again after this long that it is still there, if it writes. */
const TELL_SITE_EVERY_MS = 60_000;

/** How a {@linkcode ScriptRunner} works. */
export interface ScriptRunnerOptions {
  readonly namespace: string;
  /** Instead of the server's clock; for tests. */
  readonly nowMs?: (() => number) | undefined;
  /** This host's wall clock, which the store's is compared with. */
  readonly hostNowMs?: (() => number) | undefined;
  /**
   * Looks at something, by reading, right behind the first operation of an acting agent: in the same round trip, on the
   * same connection. What it gives is called once the operation has been answered.
   */
  readonly lookBehindFirstAct?: LookBehindAct | undefined;
  /**
   * Tells the server which site this process belongs to: right behind the first operation of an acting agent, in the same
   * round trip, and then behind one of each minute.
   */
  readonly tellSite?: ((runner: ScriptRunner) => Promise<unknown>) | undefined;
  /** Brings older data forward, from the version that was found. Default: they are refused. */
  readonly bringForward?: ((runner: ScriptRunner, found: number) => Promise<void>) | undefined;
  /**
   * The memory that is expected of the server, asked once for each call: one that finds another does nothing, and fails
   * with {@linkcode MemoryChangedError}. Default: any will do.
   */
  readonly memory?: (() => number | undefined) | undefined;
}

/** See {@linkcode ScriptRunnerOptions}. */
type LookBehindAct = (runner: ScriptRunner, actor: Actor) => Promise<() => void>;

/** Operations of one kind that go to the server in one call. */
interface Batch {
  readonly script: Script;
  timer?: ReturnType<typeof setTimeout>;
  readonly operations: {
    readonly args: RedisArgument[];
    readonly resolve: (answer: unknown) => void;
    readonly reject: (error: unknown) => void;
  }[];
}

/** A text with the full names of its keys, whether it is for a full server, and the connection it was answered on last. */
type KnownText = ScriptText & { readonly full: boolean; taughtOn?: number };

/** One of the forms that scripts are sent in, with the texts of those that were used. */
class Form implements TextForm {
  readonly batched: boolean;
  readonly full: boolean;
  readonly texts = new Map<Script, KnownText>();

  constructor({ batched, full }: TextForm) {
    this.batched = batched;
    this.full = full;
  }
}

/** The store's clock in epoch milliseconds, and what the script answered; nothing for nil. */
type Answer = readonly [number, unknown?];

/** Runs scripts on one namespace. */
export class ScriptRunner {
  /** The connection they run on. */
  readonly connection: RedisConnection;
  /** What the names of all keys and channels of the namespace begin with; the braces keep them on one server. */
  readonly prefix: string;
  /** How far the store's clock was ahead of this host's at the last answer, for certain, in milliseconds. */
  clockAheadMs: number | undefined;
  readonly #hostNowMs: () => number;
  readonly #nowMs: (() => number) | undefined;
  readonly #alone = new Form({ batched: false, full: false });
  readonly #batched = new Form({ batched: true, full: false });
  readonly #aloneWhenFull = new Form({ batched: false, full: true });
  readonly #batchedWhenFull = new Form({ batched: true, full: true });
  readonly #beats = new Map<string, number>();
  readonly #namespace: string;
  readonly #bringForward: ScriptRunnerOptions["bringForward"];
  readonly #memory: ScriptRunnerOptions["memory"];
  #comingForward: Promise<void> | undefined;
  readonly #process = crypto.randomUUID().slice(0, 8);
  #look: LookBehindAct | undefined;
  readonly #tellSite: ScriptRunnerOptions["tellSite"];
  /** When the site was told last, by this process's monotonic clock. */
  #toldAt = -Infinity;
  #calls = 0;
  /** Writing calls that had to bring their text, as the server did not have it. */
  #texts = 0;
  #callsUnderWay = 0;
  #window: Batch | undefined;
  #waker: ChannelWaker | undefined;

  /** Uses a connection that others may use as well. */
  constructor(
    connection: RedisConnection,
    { namespace, nowMs, hostNowMs = Date.now, lookBehindFirstAct, tellSite, bringForward, memory }:
      ScriptRunnerOptions,
  ) {
    this.#tellSite = tellSite;
    this.#namespace = namespace;
    this.#bringForward = bringForward;
    this.#memory = memory;
    this.connection = connection;
    this.#look = lookBehindFirstAct;
    this.prefix = `{agentcoord:${namespace}}:`;
    this.#nowMs = nowMs;
    this.#hostNowMs = hostNowMs;
  }

  /** Runs an operation that only reads; its answer is what the script returned. */
  read(script: Script, ...args: readonly RedisArgument[]): Promise<unknown> {
    this.#sendBatch();
    return this.#run(script, this.#alone, ["", "", "", "", ...args]);
  }

  /**
   * Runs an operation that writes. With an `actor` it is a sign of life of that agent.
   *
   * @throws {MemoryChangedError} when the server's memory is not the expected one; it has done nothing then. So does
   * {@linkcode ScriptRunner.read}.
   */
  async write(
    script: Script,
    actor: Actor | undefined,
    ...args: readonly RedisArgument[]
  ): Promise<unknown> {
    const tell = actor && this.#tellSite;
    if (tell === undefined || performance.now() - this.#toldAt < TELL_SITE_EVERY_MS) {
      return await this.#write(script, actor, args);
    }
    this.#toldAt = performance.now();
    const written = this.#write(script, actor, args);
    // Whoever writes next tells it, when this does not arrive. A process may end right after its first answer.
    const told = tell(this).catch(() => {
      this.#toldAt = -Infinity;
    });
    const answer = await written;
    await told;
    return answer;
  }

  async #write(
    script: Script,
    actor: Actor | undefined,
    args: readonly RedisArgument[],
  ): Promise<unknown> {
    const op = `${this.#process}-${(++this.#calls).toString(36)}`;
    if (actor === undefined) return await this.#enqueue(script, [op, "", "", "", ...args]);
    const { name, host, pid } = actor;
    const now = (this.#nowMs ?? performance.now.bind(performance))();
    const due = now - (this.#beats.get(name) ?? -Infinity) >= BEAT_EVERY_MS;
    const origin = `${due ? 1 : 0}${host}\n${pid ?? ""}`;
    if (!due) return await this.#enqueue(script, [op, "", name, origin, ...args]);
    if (this.#look !== undefined) return await this.#firstAct(this.#look, script, actor, args);
    // Those that are made before it is answered need not be one, too.
    this.#beats.set(name, now);
    try {
      return await this.#enqueue(script, [op, "", name, origin, ...args]);
    } catch (error) {
      this.#beats.delete(name);
      throw error;
    }
  }

  /** This process's waker in the namespace, once a wake-up can arrive. */
  async waker(): Promise<ChannelWaker> {
    // One that could not listen never will; whoever waits next tries anew.
    if (this.#waker?.failed !== false) this.#waker = new ChannelWaker(this.connection, this.prefix);
    const waker = this.#waker;
    await waker.ready;
    return waker;
  }

  /** Stops listening for wake-ups. */
  close(): void {
    this.#waker?.close();
    this.#waker = undefined;
  }

  async #firstAct(
    look: LookBehindAct,
    script: Script,
    actor: Actor,
    args: readonly RedisArgument[],
  ): Promise<unknown> {
    this.#look = undefined;
    const texts = this.#texts;
    const act = this.write(script, actor, ...args);
    // Advice only: what keeps it from the server keeps the next operation too, and that one says so.
    const advice = () => look(this, actor).catch(() => () => undefined);
    const looked = advice();
    const answer = await act.catch((error) => {
      // A server that has forgotten does nothing before it got back what it must know: the act is yet to come.
      if (error instanceof MemoryChangedError) this.#look = look;
      throw error;
    });
    // An operation whose text the server did not have was sent once more, and so was overtaken.
    const tell = await (this.#texts === texts ? looked : advice());
    tell();
    return answer;
  }

  /** Sends an operation together with others of its kind that are asked for at the same moment. */
  #enqueue(script: Script, args: RedisArgument[]): Promise<unknown> {
    if (args.length > BATCH_ARGUMENTS) {
      this.#sendBatch();
      return this.#run(script, this.#alone, args);
    }
    let batch = this.#window;
    if (batch?.script !== script) {
      this.#sendBatch();
      const opened: Batch = batch = this.#window = { script, operations: [] };
      // Wait one microtask, so that callers resumed by the same reply join this batch.
      queueMicrotask(() => {
        if (this.#window !== opened) return;
        if (this.#callsUnderWay < BUSY_CALLS || !this.#isTaught(opened)) this.#sendBatch();
        else opened.timer = setTimeout(() => this.#sendBatch(), BATCH_WINDOW_MS);
      });
    }
    const { operations } = batch;
    return new Promise((resolve, reject) => {
      operations.push({ args, resolve, reject });
      if (operations.length === BATCH_OPERATIONS) this.#sendBatch();
    });
  }

  #sendBatch(): void {
    if (this.#window === undefined) return;
    const { script, operations, timer } = this.#window;
    this.#window = undefined;
    clearTimeout(timer);
    const [first, second] = operations;
    if (second === undefined) {
      this.#run(script, this.#alone, first!.args).then(first!.resolve, first!.reject);
      return;
    }
    const args = operations.flatMap(({ args }) => [args.length, ...args]);
    this.#run(script, this.#batched, [first!.args[0]!, "", ...args]).then((answers) => {
      for (const [index, { resolve }] of operations.entries()) {
        resolve((answers as readonly unknown[])[index]);
      }
    }, (error) => {
      for (const { reject } of operations) reject(error);
    });
  }

  /**
   * Whether the server surely has the text. As long as it has not, calls that it has refused for that are on
   * their way for the second time, and what is sent later would overtake them.
   */
  #isTaught({ script, operations }: Batch): boolean {
    const { texts } = operations.length > 1 ? this.#batched : this.#alone;
    return texts.get(script)?.taughtOn === this.connection.connects;
  }

  async #run(script: Script, form: Form, args: RedisArgument[]): Promise<unknown> {
    const { connection } = this;
    const whenFull = form.batched ? this.#batchedWhenFull : this.#aloneWhenFull;
    let known = this.#textOf(script, form);
    const startedAt = performance.now();
    const deadline = startedAt + PATIENCE_MS;
    const memory = this.#memory?.();
    const expected = memory === undefined ? "" : `|${memory}${script.anyMemory ? "?" : ""}`;
    let again = false;
    let older: number | undefined;
    for (let tries = 0;; tries++) {
      try {
        if (tries > 0 || !connection.isReady) await connection.ready();
        if (older !== undefined) await this.#comeForward(older);
        const { connects } = connection;
        // A client of a cluster cannot tell which server is going to answer.
        const asks = args[0] !== "" || memory !== undefined;
        const runId = asks && !connection.clustered ? connection.server.runId : "";
        const nowMs = this.#nowMs?.() ?? "";
        args[1] = again
          ? `${nowMs}|${connection.serverTimeMs(startedAt)}|${tries}|${runId}${expected}`
          : nowMs === "" && expected === ""
          ? runId
          : `${nowMs}|||${runId}${expected}`;
        const keys = again ? [...known.keys, this.prefix + INDEX_KEY] : known.keys;
        const askedMs = this.#hostNowMs();
        const [storeMs, answer = null] = await this.#call({ ...known, keys }, args);
        this.#compareClocks(askedMs, storeMs);
        known.taughtOn = connects;
        return answer;
      } catch (error) {
        const found = versionIn(error);
        // Nobody has done anything then, so the call is the first as before.
        if (found !== undefined && ageOf(found) === "older" && this.#bringForward !== undefined) {
          older = found;
          continue;
        }
        const change = memoryChange(error, again);
        if (change !== undefined) throw change;
        const failure = this.#failure(error, script);
        if (script.frees && !known.full && isOutOfMemory(failure)) {
          known = this.#textOf(script, whenFull);
          continue;
        }
        const wait = pauseAfter(failure, tries, connection.wasNeverSent(error));
        if (wait === undefined || performance.now() + wait >= deadline) {
          throw again ? asSent(failure) : failure;
        }
        again ||= (failure as CoordError).details.sent === true;
        // What a repeated call notes of itself, a full server would refuse without a word.
        if (again && script.frees) known = this.#textOf(script, whenFull);
        if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      }
    }
  }

  /** Once for all calls that have found older data. */
  #comeForward(found: number): Promise<void> {
    return this.#comingForward ??= this.#bringForward!(this, found).finally(() => {
      this.#comingForward = undefined;
    });
  }

  #textOf(script: Script, { batched, full, texts }: Form): KnownText {
    let known = texts.get(script);
    if (known === undefined) {
      const { clustered } = this.connection;
      const { keys, ...text } = textOf(script, { batched, full, clustered });
      known = { ...text, full, keys: keys.map((key) => this.prefix + key) };
      texts.set(script, known);
    }
    return known;
  }

  /** The script looked at its clock somewhen between these moments: only what lies outside of them is a difference. */
  #compareClocks(askedMs: number, storeMs: number): void {
    const answeredMs = this.#hostNowMs();
    this.clockAheadMs = storeMs > answeredMs
      ? storeMs - answeredMs
      : Math.min(0, storeMs - Math.min(askedMs, answeredMs));
  }

  async #call({ sha1, text, keys }: ScriptText, args: readonly RedisArgument[]): Promise<Answer> {
    const { client } = this.connection;
    this.#callsUnderWay++;
    try {
      return await client.evalsha(sha1, keys.length, ...keys, ...args) as Answer;
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) throw error;
      if (args[0] !== "") this.#texts++;
      return await client.eval(text, keys.length, ...keys, ...args) as Answer;
    } finally {
      this.#callsUnderWay--;
      if (this.#window?.timer !== undefined) this.#sendBatch();
    }
  }

  #failure(error: unknown, { name }: Script): unknown {
    const { location } = this.connection;
    const found = versionIn(error);
    if (found !== undefined) return schemaRefusal(found, { location, namespace: this.#namespace });
    const failure = this.connection.failure(error);
    // A mistake in a script is a bug of ours: say which script, and let it be reported as one.
    if (!(failure instanceof CoordError) && failure instanceof Error) {
      return new Error(`${name}: ${failure.message}`, { cause: failure });
    }
    return failure;
  }
}

/**
 * A worker: claims tasks, has them done, and says how each ended, until it is told to leave.
 *
 * The protocol. Each of the worker's slots holds one task at a time. Its lease is renewed in the background while the
 * handler works (see `HeldTask`). A task that is done is completed and the next one claimed in one operation; where
 * none qualifies the slot waits in the queue, woken by whoever adds one. A verdict that could not be delivered because
 * the store cannot be used is delivered again until it is taken or the lease is lost: then the task is somebody else's.
 *
 * Leaving. Told to leave, the worker claims nothing more and ends the tasks under way. Told to give up, it fires the
 * handlers' signals as well, and gives back what they have not ended; that counts as no attempt. A worker that is killed
 * costs each task that it held the rest of its lease and one attempt.
 *
 * What is released time and again, as by a command that can do nothing now, would go round in circles at full speed. So
 * after a release the slot pauses, longer each time, until something else comes of an attempt.
 * @module
 */
import { anything, callback, type FieldTable, readOptions, signal } from "../arguments.ts";
import { checkInteger, checkWaitMs, invalid } from "../check.ts";
import { sleep } from "../clock.ts";
import { asCoordError, LeaseLostError } from "../errors.ts";
import { given } from "../given.ts";
import { Session } from "../session.ts";
import type { HeldTask } from "../task/held.ts";
import type { JsonValue } from "../task/model.ts";
import { checkClaim, type NextOptions } from "../task/options.ts";
import type { TaskHandler, WorkerOptions, WorkerOutcome, WorkerReport } from "./model.ts";
import { storedText } from "./stored_text.ts";

/** The longest that one claim waits. A wait that ends in between changes nothing. */
const WAIT_MS = 3_600_000;
/** The first pause after a release, and before the store is tried again. */
const PAUSE_MS = 1000;
/** The longest of both. */
const MAX_PAUSE_MS = 60_000;
/** As much of an error is kept with the attempt. */
const ERROR_BYTES = 16_384;

const OPTIONS: FieldTable<WorkerOptions> = {
  tags: anything,
  match: anything,
  leaseMs: anything,
  concurrency: anything,
  maxTasks: anything,
  idleExitMs: anything,
  signal,
  giveUp: signal,
  onAttempt: callback,
  onOutage: callback,
};

/**
 * Works off tasks as this session's agent until it is told to leave, has done `maxTasks`, or was idle for
 * `idleExitMs`.
 *
 * @example
 * ```ts ignore
 * const stop = new AbortController();
 * Deno.addSignalListener("SIGTERM", () => stop.abort());
 * await runWorker(session, { tags: ["backend"], concurrency: 2, signal: stop.signal }, async (task, signal) => {
 *   return { commit: await build(task.task.payload, signal) };
 * });
 * ```
 *
 * @returns how many attempts ended in which way.
 * @throws {InvalidArgumentError} for a bad option, before anything is claimed.
 * @throws {StoreUnavailableError} when the store refuses for good, as one of a newer version; an outage is waited for.
 */
export async function runWorker(
  session: Session,
  options: WorkerOptions,
  handler: TaskHandler,
): Promise<WorkerReport> {
  if (!(session instanceof Session)) throw invalid(session, "session", "use an open session");
  if (typeof handler !== "function") throw invalid(handler, "handler", "use a function");
  return await new Worker(session, readOptions(OPTIONS, options), handler).run();
}

class Worker {
  readonly #session: Session;
  readonly #options: WorkerOptions;
  readonly #handler: TaskHandler;
  readonly #filter: NextOptions;
  readonly #counts = { completed: 0, failed: 0, released: 0, lost: 0 };
  readonly #leaving = new AbortController();
  readonly #stop: AbortSignal;
  readonly #giveUp: AbortSignal;
  /** Attempts that may still begin. */
  #left: number;
  #busy = 0;
  #idleSinceMs = performance.now();

  constructor(session: Session, options: WorkerOptions, handler: TaskHandler) {
    const { tags, match, leaseMs, concurrency = 1, maxTasks, idleExitMs, giveUp } = options;
    checkInteger(concurrency, "concurrency", { min: 1, max: 100 });
    if (idleExitMs !== undefined) checkWaitMs(idleExitMs, "idleExitMs");
    if (maxTasks !== undefined) {
      checkInteger(maxTasks, "maxTasks", { min: 1, max: Number.MAX_SAFE_INTEGER });
    }
    this.#filter = given({ tags, match, leaseMs });
    checkClaim(this.#filter);
    this.#session = session;
    this.#options = options;
    this.#handler = handler;
    this.#left = maxTasks ?? Infinity;
    this.#giveUp = giveUp ?? new AbortController().signal;
    this.#stop = AbortSignal.any([
      this.#leaving.signal,
      this.#giveUp,
      ...(options.signal === undefined ? [] : [options.signal]),
    ]);
  }

  async run(): Promise<WorkerReport> {
    const { concurrency = 1 } = this.#options;
    const slots = Array.from({ length: concurrency }, () =>
      this.#slot().catch((error) => {
        // The other slots end what they have.
        this.#leaving.abort();
        throw error;
      }));
    for (const ended of await Promise.allSettled(slots)) {
      if (ended.status === "rejected") throw ended.reason;
    }
    return { ...this.#counts };
  }

  async #slot(): Promise<void> {
    let releases = 0;
    let next: HeldTask | undefined;
    for (;;) {
      const held = next ?? await this.#claim();
      if (held === undefined) return;
      // Told to leave while it was claimed.
      if (this.#stop.aborted) return await held[Symbol.asyncDispose]();
      const ended = await this.#attempt(held);
      next = ended.next;
      releases = ended.outcome === "released" ? releases + 1 : 0;
      if (releases > 0) await sleep(pauseMs(releases), this.#stop);
    }
  }

  /** The next task, waited for; `undefined` when it is time to leave. */
  async #claim(): Promise<HeldTask | undefined> {
    for (let failures = 0; !this.#stop.aborted && this.#left > 0;) {
      this.#left--;
      let held: HeldTask | undefined;
      try {
        held = await this.#session.claimTask({
          ...this.#filter,
          waitMs: this.#patienceMs(),
          signal: this.#stop,
        });
        failures = 0;
      } catch (error) {
        if (!isOutage(error)) throw error;
        this.#left++;
        if (failures++ === 0) this.#options.onOutage?.(error);
        await sleep(pauseMs(failures), this.#stop);
        continue;
      }
      if (held !== undefined && !this.#stop.aborted) return held;
      this.#left++;
      // The last look of a wait that was ended may still find one.
      if (held !== undefined) await held[Symbol.asyncDispose]();
      else if (this.#busy === 0 && this.#patienceMs() === 0) this.#leaving.abort();
    }
    return undefined;
  }

  /** How long to wait for a task: what is left until the worker was idle for long enough. */
  #patienceMs(): number {
    const { idleExitMs } = this.#options;
    if (idleExitMs === undefined) return WAIT_MS;
    if (this.#busy > 0) return Math.max(idleExitMs, 1);
    const leftMs = this.#idleSinceMs + idleExitMs - performance.now();
    return Math.min(Math.max(Math.ceil(leftMs), 0), WAIT_MS);
  }

  async #attempt(
    held: HeldTask,
  ): Promise<{ readonly outcome: WorkerOutcome; readonly next: HeldTask | undefined }> {
    const startedAtMs = performance.now();
    this.#busy++;
    try {
      const { outcome, error, next } = await this.#work(held);
      this.#counts[outcome]++;
      const durationMs = Math.round(performance.now() - startedAtMs);
      this.#options.onAttempt?.({ task: held.task, outcome, durationMs, ...given({ error }) });
      return { outcome, next };
    } finally {
      this.#busy--;
      this.#idleSinceMs = performance.now();
    }
  }

  async #work(held: HeldTask): Promise<Settled> {
    const signal = AbortSignal.any([held.signal, this.#giveUp]);
    let result: JsonValue | undefined;
    try {
      result = await this.#handler(held, signal) ?? undefined;
    } catch (error) {
      if (held.verdict !== undefined) return { outcome: held.verdict };
      if (held.signal.aborted || error instanceof LeaseLostError) return this.#lost(held);
      if (this.#giveUp.aborted) return await this.#release(held);
      return await this.#fail(held, error);
    }
    if (held.verdict !== undefined) return { outcome: held.verdict };
    return await this.#complete(held, result);
  }

  async #complete(held: HeldTask, result: JsonValue | undefined): Promise<Settled> {
    return await this.#deliver(held, "completed", async () => {
      if (this.#stop.aborted || this.#left <= 0) {
        await held.complete(result);
        return undefined;
      }
      this.#left--;
      try {
        const { next: [next] } = await held.completeAndClaim(result, { ...this.#filter, count: 1 });
        if (next === undefined) this.#left++;
        return next;
      } catch (error) {
        this.#left++;
        throw error;
      }
    });
  }

  async #fail(held: HeldTask, error: unknown): Promise<Settled> {
    const text = storedText(error instanceof Error ? error.message : String(error), ERROR_BYTES);
    const why = text.trim() === "" ? "the handler failed without saying why" : text;
    const settled = await this.#deliver(held, "failed", async () => void await held.fail(why));
    return { ...settled, error: why };
  }

  async #release(held: HeldTask): Promise<Settled> {
    const why = "its worker was told to leave at once";
    const settled = await this.#deliver(held, "released", async () => void await held.release(why));
    return { ...settled, error: why };
  }

  #lost(held: HeldTask): Settled {
    return { outcome: "lost", error: asCoordError(held.signal.reason ?? "it is lost").message };
  }

  /** Says how an attempt ended until the store has heard it, or the lease is lost. */
  async #deliver(
    held: HeldTask,
    outcome: WorkerOutcome,
    verdict: () => Promise<HeldTask | undefined>,
  ): Promise<Settled> {
    for (let failures = 0;;) {
      try {
        return { outcome, next: await verdict() };
      } catch (error) {
        if (error instanceof LeaseLostError) return { outcome: "lost", error: error.message };
        if (!isOutage(error)) {
          // The store does not take this result, which is the handler's failure.
          if (outcome === "completed") return await this.#fail(held, error);
          throw error;
        }
        if (failures++ === 0) this.#options.onOutage?.(error);
        if (held.signal.aborted) return this.#lost(held);
        await sleep(pauseMs(failures), held.signal);
      }
    }
  }
}

/** How an attempt ended, and the task that was claimed with that. */
interface Settled {
  readonly outcome: WorkerOutcome;
  readonly error?: string;
  readonly next?: HeldTask | undefined;
}

/** Doubles from a second to a minute; each a little shorter by chance, so that workers do not act in step. */
function pauseMs(nth: number): number {
  return Math.min(PAUSE_MS * 2 ** (nth - 1), MAX_PAUSE_MS) * (0.75 + Math.random() / 4);
}

function isOutage(error: unknown): boolean {
  const { code, retryable } = asCoordError(error);
  return code === "store_unavailable" && retryable;
}

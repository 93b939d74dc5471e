/**
 * A claimed task that keeps itself claimed while it is worked on.
 * @module
 */
import { given } from "../given.ts";
import { anything, checkArguments, flag, options } from "../arguments.ts";
import type { RoomContext } from "../context.ts";
import { LeaseLostError } from "../errors.ts";
import { type Instant, instantOf, LeaseKeeper } from "../lease.ts";
import type { JsonValue, Task } from "./model.ts";
import type {
  CompleteOptions,
  FailOptions,
  NextOptions,
  ReleaseTaskOptions,
  RenewOptions,
} from "./options.ts";

/** Where the task is held. */
type Surroundings = Pick<RoomContext, "clock" | "store">;

/** How the holder of a task ended its attempt. */
export type TaskVerdict = "completed" | "failed" | "released" | "lost";

/** What renews a claim and hears how the work ended: {@linkcode Tasks}. */
export interface ClaimHolder {
  renew(id: string, options: RenewOptions): Promise<Task>;
  complete(id: string, options: CompleteOptions): Promise<Task>;
  completeAndClaim(
    id: string,
    options: CompleteOptions & { readonly next?: NextOptions },
  ): Promise<{ readonly task: Task; readonly next: readonly Task[] }>;
  fail(id: string, options: FailOptions): Promise<Task>;
  release(id: string, options: ReleaseTaskOptions): Promise<Task>;
}

/**
 * A task held by this process: its lease is renewed at a third of its length until the holder says how the
 * work ended. Left without a verdict, it goes back to the queue when its scope ends.
 *
 * @example
 * ```ts ignore
 * await using held = await session.claimTask({ tags: ["backend"], waitMs: 60_000 });
 * if (held !== undefined) await held.complete(await build(held.task.payload, held.signal));
 * ```
 */
export class HeldTask implements AsyncDisposable {
  /** The task as it was claimed. */
  readonly task: Task;
  readonly #tasks: ClaimHolder;
  readonly #context: Surroundings;
  readonly #keeper: LeaseKeeper;
  #verdict: TaskVerdict | undefined;

  /** Used by {@linkcode Tasks.hold}; `sentAt` is when the claim was sent. */
  constructor(tasks: ClaimHolder, task: Task, context: Surroundings, sentAt: Instant) {
    this.task = task;
    this.#tasks = tasks;
    this.#context = context;
    const { fence } = this;
    const ttlMs = task.lease!.expiresAtMs - task.attempts.at(-1)!.startedAtMs;
    const renew = () => tasks.renew(task.id, { fence });
    const { clock, store } = context;
    const verifyPresence = () => store.verifyPresence?.();
    this.#keeper = new LeaseKeeper({ ttlMs, clock, renew, verifyPresence }, sentAt);
  }

  /** Whether a caller's value is one of these; asks nothing that the value could answer itself. */
  static is(value: unknown): value is HeldTask {
    return typeof value === "object" && value !== null && #verdict in value;
  }

  /** The fence of the lease. */
  get fence(): number {
    return this.task.lease!.fence;
  }

  /**
   * Fires before the lease can lapse when renewal is not confirmed in time, or as soon as it is known to
   * be lost, as when the task was cancelled; its reason is a {@linkcode LeaseLostError}. Work on the task
   * should stop then.
   */
  get signal(): AbortSignal {
    return this.#keeper.signal;
  }

  /** How its holder ended it; `lost` when the store said that the lease had ended. `undefined` while it is held. */
  get verdict(): TaskVerdict | undefined {
    return this.#verdict;
  }

  /**
   * Notes how far the work is, and renews the lease.
   *
   * @throws {LeaseLostError} when it has ended.
   */
  async progress(text: string): Promise<Task> {
    return await this.#tasks.renew(this.task.id, { fence: this.fence, progress: text });
  }

  /**
   * The task is done.
   *
   * @throws {LeaseLostError} when somebody has claimed it since, or it has died or was cancelled.
   */
  async complete(result?: JsonValue): Promise<Task> {
    return await this.#end(
      "completed",
      () => this.#tasks.complete(this.task.id, this.#completion(result)),
    );
  }

  /**
   * The task is done; claims the next ones in the same operation. They come back held.
   *
   * @throws as {@linkcode HeldTask.complete}; then nothing was claimed.
   */
  async completeAndClaim(
    result?: JsonValue,
    next: NextOptions = {},
  ): Promise<{ readonly task: Task; readonly next: readonly HeldTask[] }> {
    return await this.#end("completed", async () => {
      const sentAt = instantOf(this.#context.clock);
      const outcome = await this.#tasks.completeAndClaim(this.task.id, {
        ...this.#completion(result),
        next,
      });
      const held = outcome.next.map((task) =>
        new HeldTask(this.#tasks, task, this.#context, sentAt)
      );
      return { task: outcome.task, next: held };
    });
  }

  /**
   * The attempt failed.
   *
   * @param error what went wrong
   * @throws {LeaseLostError} when the lease has ended.
   */
  async fail(
    error: string,
    { retry = true }: Pick<FailOptions, "retry"> = {},
  ): Promise<Task> {
    return await this.#end(
      "failed",
      () => this.#tasks.fail(this.task.id, { fence: this.fence, error, retry }),
    );
  }

  /**
   * Gives the task back to the queue; the attempt does not count.
   *
   * @param reason why; kept with the attempt
   * @param options `notBeforeMs`: when it may be claimed again at the earliest, in epoch milliseconds. Default: at once.
   *
   * @throws {LeaseLostError} when the lease has ended.
   */
  async release(
    reason?: string,
    { notBeforeMs }: Pick<ReleaseTaskOptions, "notBeforeMs"> = {},
  ): Promise<Task> {
    const change = { fence: this.fence, ...given({ reason, notBeforeMs }) };
    return await this.#end("released", () => this.#tasks.release(this.task.id, change));
  }

  /** Releases the task unless the work said how it ended; a lease that had ended is not an error. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#verdict !== undefined) return;
    try {
      await this.release();
    } catch (error) {
      if (!(error instanceof LeaseLostError)) throw error;
    }
  }

  #completion(result: JsonValue | undefined): CompleteOptions {
    return { fence: this.fence, ...given({ result }) };
  }

  /** Stops renewing first: a renewal after the verdict would look like a lost lease. */
  async #end<T>(kind: TaskVerdict, verdict: () => Promise<T>): Promise<T> {
    await this.#keeper.stop();
    try {
      const outcome = await verdict();
      this.#verdict = kind;
      return outcome;
    } catch (error) {
      if (error instanceof LeaseLostError) this.#verdict = "lost";
      // Without a verdict the work goes on, or the same verdict is given again: the lease has to last as long.
      else this.#keeper.resume();
      throw error;
    }
  }
}

checkArguments(HeldTask, {
  progress: { text: anything },
  complete: { result: anything },
  completeAndClaim: { result: anything, next: anything },
  fail: { error: anything, options: options<Pick<FailOptions, "retry">>({ retry: flag }) },
  release: {
    reason: anything,
    options: options<Pick<ReleaseTaskOptions, "notBeforeMs">>({ notBeforeMs: anything }),
  },
});

/**
 * The operations on tasks, on Redis.
 *
 * A task's spec is written when it is created, the work on it apart from that with every change of status, so a
 * claim or a completion does not rewrite what is long. One sorted set has every task in the region of its
 * status; see rows.lua.
 * @module
 */
import { script } from "../../engine/redis/script.ts";
import type { ScriptRunner } from "../../engine/redis/script_runner.ts";
import type { LargestPortion } from "../../largest.ts";
import type { PrunedPortion } from "../../prune.ts";
import type { Actor } from "../../engine/actor.ts";
import { CoordError } from "../../errors.ts";
import { ClaimLooks, type LongLooks } from "../claim_looks.ts";
import { goOn } from "../completion.ts";
import type { Attempt, JsonValue, Task, TaskCounts } from "../model.ts";
import { ClaimedTasks, completedWork } from "./claimed.ts";
import { detailLines, fieldsOf, newTask, type TaskReply, textsOf, toTask } from "./rows.ts";
import type {
  ChangeOutcome,
  ClaimOutcome,
  ClaimRequest,
  CompleteOutcome,
  CreateOutcome,
  HoldOutcome,
  PruneRequest,
  SweepOutcome,
  TaskDraft,
  TaskPatch,
  TaskQuery,
  TaskSlice,
  TaskStore,
  Tenure,
} from "../store.ts";

const CREATE = script("task/create");
const CLAIM = script("task/claim");
const COMPLETE = script("task/complete");
const ABANDON = script("task/abandon");
const RENEW = script("task/renew");
const FAIL = script("task/fail");
const RELEASE = script("task/release");
const CANCEL = script("task/cancel");
const RETRY = script("task/retry");
const UPDATE = script("task/update");
const SWEEP = script("task/sweep");
const PRUNE = script("task/prune");
const GET = script("task/get");
const LIST = script("task/list");
const COUNTS = script("task/counts");
const LARGEST = script("task/largest");

/** Instead of a place to go on behind: see claim.lua. */
const GLANCE = "~";

/** How many tasks one operation of pruning looks at: about 10 ms of the server. */
const PRUNED_AT_ONCE = 300;

/** What an identifier looks like; the scripts join several by commas. */
const ID = /^tsk_[0-9A-Z]{26}$/;

/** {@linkcode TaskStore} on Redis. */
export class RedisTasks implements TaskStore {
  readonly #runner: ScriptRunner;
  readonly #claimed = new ClaimedTasks();
  readonly #longLooks: LongLooks = new Map();

  /** Uses the runner's connection and namespace. */
  constructor(runner: ScriptRunner) {
    this.#runner = runner;
  }

  async create(actor: Actor, drafts: readonly TaskDraft[]): Promise<CreateOutcome> {
    const args = drafts.flatMap((draft) => [
      draft.id,
      draft.key ?? "",
      fieldsOf(draft),
      draft.dependsOn.map((on) => typeof on === "number" ? `#${on}` : ID.test(on) ? on : "?")
        .join(),
      textsOf(draft),
    ]);
    const text = await this.#runner.write(CREATE, actor, ...args);
    const reply:
      | { readonly kind: "created"; readonly nowMs: number; readonly tasks: (0 | TaskReply)[] }
      | { readonly kind: "unknown"; readonly index: number; readonly place: number } = parse(text);
    if (reply.kind === "created") {
      const tasks = reply.tasks.map((task, index) =>
        task === 0 ? newTask(drafts[index]!, actor.name, reply.nowMs) : toTask(task)
      );
      return { kind: "created", tasks };
    }
    const { index, place } = reply;
    return { kind: "unknown", index, dependency: String(drafts[index]!.dependsOn[place]) };
  }

  async claim(actor: Actor, request: ClaimRequest, waiter = ""): Promise<ClaimOutcome> {
    const looks = new ClaimLooks(this.#longLooks, waiter);
    const waker = waiter === "" ? "" : (await this.#runner.waker()).id;
    for (let place = looks.glances ? GLANCE : "";;) {
      const waiting = waiter === "" && place === ""
        ? []
        : [waiter, waker, ...(place === "" ? [] : [place])];
      const answer = await this.#runner.write(CLAIM, actor, wanted(request), ...waiting);
      if (Array.isArray(answer)) return { tasks: this.#claimed.read(answer, 0, actor, request) };
      const text = String(answer);
      if (text.startsWith("@")) {
        place = text.slice(1);
        continue;
      }
      looks.end(place !== "" && place !== GLANCE);
      return text === "" ? { tasks: [] } : { tasks: [], retryInMs: Number(text) };
    }
  }

  async abandon(waiterId: string): Promise<void> {
    this.#longLooks.delete(waiterId);
    await this.#runner.write(ABANDON, undefined, waiterId);
  }

  async renew(
    actor: Actor,
    { id, fence }: Tenure,
    { leaseMs, progress }: { readonly leaseMs?: number; readonly progress?: string },
  ): Promise<HoldOutcome> {
    const note = progress === undefined ? [""] : [1, progress];
    return outcome(await this.#runner.write(RENEW, actor, id, fence ?? "", leaseMs ?? "", ...note));
  }

  async complete(
    actor: Actor,
    { id, fence }: Tenure,
    result: JsonValue | undefined,
    next?: ClaimRequest,
  ): Promise<CompleteOutcome> {
    const request = next === undefined ? "" : wanted(next);
    const text = result === undefined ? "" : JSON.stringify(result);
    const spec = this.#claimed.take(id, fence);
    const args = [request, id, fence ?? "", text, ...(spec === undefined ? [1] : [])];
    const answer = await this.#runner.write(COMPLETE, actor, ...args) as readonly string[];
    const first = answer[0]!;
    const claimed = next === undefined ? [] : this.#claimed.read(answer, 1, actor, next);
    if (spec !== undefined) {
      const work = completedWork(first, actor.name, fence!);
      if (work !== undefined) {
        return { kind: "done", task: toTask({ id, s: spec, w: work }, result), next: claimed };
      }
    }
    const reply: Reply<"done" | "lost"> & CompletionNotes = parse(first);
    if (reply.kind === "unknown") return reply;
    if (reply.kind === "lost") return { kind: "lost", task: toTask(reply.task) };
    const task = reply.sent ? toTask(reply.task, result) : toTask(reply.task);
    const done = { kind: "done", task, next: claimed } as const;
    return await goOn(done, async () => {
      for (let telling = reply.telling; telling;) {
        ({ telling } = parse<{ telling: boolean }>(await this.#runner.write(SWEEP, actor)));
      }
      if (!reply.unlooked) return done;
      return { ...done, next: (await this.claim(actor, next!)).tasks };
    });
  }

  async fail(
    actor: Actor,
    { id, fence }: Tenure,
    { error, retry }: { readonly error: string; readonly retry: boolean },
  ): Promise<HoldOutcome> {
    return outcome(await this.#runner.write(FAIL, actor, id, fence ?? "", error, retry ? 1 : 0));
  }

  async release(
    actor: Actor,
    { id, fence }: Tenure,
    { reason, notBeforeMs }: { readonly reason?: string; readonly notBeforeMs?: number },
  ): Promise<HoldOutcome> {
    const why = reason === undefined ? [""] : [1, reason];
    const args = [id, fence ?? "", notBeforeMs ?? "", ...why];
    return outcome(await this.#runner.write(RELEASE, actor, ...args));
  }

  async cancel(actor: Actor, id: string): Promise<ChangeOutcome> {
    return outcome(await this.#runner.write(CANCEL, actor, id));
  }

  async retry(actor: Actor, id: string): Promise<ChangeOutcome> {
    return outcome(await this.#runner.write(RETRY, actor, id));
  }

  async update(actor: Actor, id: string, patch: TaskPatch): Promise<ChangeOutcome> {
    const { priority = "", leaseMs = "", maxAttempts = "", tags, backoff, notBeforeMs } = patch;
    const { title, description } = patch;
    return outcome(
      await this.#runner.write(
        UPDATE,
        actor,
        id,
        JSON.stringify(Object.keys(patch)),
        priority,
        leaseMs,
        maxAttempts,
        tags === undefined ? "" : `=${tags.join()}`,
        backoff === undefined ? "" : backoff.kind.charAt(0),
        backoff === undefined ? "" : backoff.baseMs,
        notBeforeMs === undefined ? "" : String(notBeforeMs),
        JSON.stringify(title) ?? "",
        JSON.stringify(description) ?? "",
        detailLines(patch),
      ),
    );
  }

  async sweep(actor: Actor): Promise<SweepOutcome> {
    const { lapsed, more }: SweepOutcome = parse(await this.#runner.write(SWEEP, actor));
    return { lapsed, more };
  }

  async prune(
    actor: Actor,
    { statuses, olderThanMs, after, dryRun }: PruneRequest,
  ): Promise<PrunedPortion> {
    const args = [statuses.join(), olderThanMs, after, PRUNED_AT_ONCE, dryRun ? 1 : 0];
    return parse(await this.#runner.write(PRUNE, actor, ...args));
  }

  async get(id: string): Promise<Task | undefined> {
    let shown = "";
    const older: Attempt[] = [];
    for (let before = "";;) {
      const answer = await this.#runner.read(GET, id, before) as readonly string[];
      const [task, next, ...attempts] = answer;
      if (before === "") shown = task!;
      for (const attempt of attempts) older.push(JSON.parse(attempt));
      if (next === "") break;
      before = next!;
    }
    return shown === "" ? undefined : toTask(parse(shown), undefined, older.reverse());
  }

  async list(query: TaskQuery): Promise<TaskSlice> {
    const { status = "", tags, match, holder = "", createdBy = "", limit, after, order } = query;
    if (holder !== "" && status !== "" && status !== "claimed") return { tasks: [] };
    const args = [status, tags.join(), match, holder, createdBy, limit, after, order];
    const reply: { readonly tasks: TaskReply[]; readonly next?: number } = parse(
      await this.#swept((swept) => this.#runner.read(LIST, ...args, swept ? "" : 1)),
    );
    return { ...reply, tasks: reply.tasks.map(show) };
  }

  async counts(): Promise<TaskCounts> {
    const first: CountsReply = parse(
      await this.#swept((swept) => this.#runner.read(COUNTS, swept ? "" : 0)),
    );
    let { dead, next } = first;
    while (next !== undefined) {
      const more: CountsReply = parse(await this.#runner.read(COUNTS, next));
      dead += more.dead;
      next = more.next;
    }
    const { counts } = first;
    return { ...counts, pending: counts.pending - dead, dead: counts.dead + dead };
  }

  async largest(before: number | undefined): Promise<LargestPortion> {
    return parse(await this.#runner.read(LARGEST, before ?? ""));
  }

  /**
   * Reads. Where very many leases have lapsed unnoticed, bounded operations first return those tasks to the queue, which
   * costs later looks nothing; whoever may not do that, or cannot now, reads them as they lie there.
   */
  async #swept(read: (swept: boolean) => Promise<unknown>): Promise<unknown> {
    for (;;) {
      const answer = await read(true);
      if (answer !== "") return answer;
      try {
        for (let more = true; more;) {
          ({ more } = parse<SweepOutcome>(await this.#runner.write(SWEEP, undefined)));
        }
      } catch (error) {
        if (!(error instanceof CoordError)) throw error;
        return await read(false);
      }
    }
  }
}

/** What task/counts answers; `dead` are to be taken from the pending ones. */
interface CountsReply {
  readonly counts: TaskCounts;
  readonly dead: number;
  readonly next?: number;
}

/** What task/complete says besides. */
interface CompletionNotes {
  /** The result is the one just sent. */
  readonly sent?: true;
  /** Not all was looked at for a next task. */
  readonly unlooked?: true;
  /** More tasks waited for this one than one operation tells. */
  readonly telling?: boolean;
}

/** What an operation on one task answers. */
type Reply<Kind extends string> =
  | { readonly kind: Kind; readonly task: TaskReply }
  | { readonly kind: "unknown" };

function outcome<Kind extends string>(text: unknown) {
  const reply: Reply<Kind> = parse(text);
  if (!("task" in reply)) return reply;
  return { kind: reply.kind, task: toTask(reply.task) };
}

/** What to claim, as task/fast reads it. */
function wanted({ tags, match, leaseMs, count }: ClaimRequest): string {
  if (count === 1 && tags.length === 0 && leaseMs === undefined) return "1";
  return `${count}|${match}|${leaseMs ?? ""}|${tags.join()}`;
}

function show(reply: TaskReply): Task {
  return toTask(reply);
}

function parse<T>(text: unknown): T {
  return JSON.parse(String(text));
}

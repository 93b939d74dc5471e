/**
 * What task/claim and task/complete answer: short for what nearly every claim and completion is, since the
 * client knows the rest. See fast.lua.
 * @module
 */
import type { Actor } from "../../engine/actor.ts";
import { type Task, TASK_DETAILS, type TaskDetails } from "../model.ts";
import { type SpecReply, toTask, type WorkReply } from "./rows.ts";
import type { ClaimRequest } from "../store.ts";

/** Specs that are kept, and how long they may be. */
const KEPT_SPECS = 1000;
const KEPT_CHARS = 16_384;

/** The spec of a claimed task, as it came and as it was read. */
interface KeptSpec {
  readonly fence: number;
  readonly spec: SpecReply;
  readonly text: string;
}

/**
 * Reads tasks that an operation claimed, and keeps the specs of those not completed yet. While an attempt lasts nobody
 * can change the spec, so the script that completes the task need not send it once more.
 */
export class ClaimedTasks {
  readonly #specs = new Map<string, KeptSpec>();

  /** The tasks in an answer, from a place on: of each its identifier, its spec and the work on it. */
  read(
    answer: readonly string[],
    from: number,
    { name }: Actor,
    { leaseMs }: ClaimRequest,
  ): Task[] {
    const tasks: Task[] = [];
    for (let at = from; at < answer.length; at += 3) {
      const id = answer[at]!;
      const text = answer[at + 1]!;
      const spec: SpecReply = JSON.parse(text);
      const work = claimedWork(answer[at + 2]!, name, leaseMs ?? spec[2]);
      this.#keep(id, { fence: work.fence!, spec, text });
      tasks.push(toTask({ id, s: spec, w: work }));
    }
    return tasks;
  }

  /** The spec that the task has as long as this fence is current; it is forgotten here. */
  take(id: string, fence: number | undefined): SpecReply | undefined {
    const kept = this.#specs.get(id);
    if (kept === undefined || kept.fence !== fence) return undefined;
    this.#specs.delete(id);
    // Whoever got the task may have changed one of its details meanwhile, if that is a thing that can change.
    return hasObject(kept.spec[13]) ? JSON.parse(kept.text) : kept.spec;
  }

  #keep(id: string, kept: KeptSpec): void {
    if (kept.text.length > KEPT_CHARS) return;
    this.#specs.set(id, kept);
    if (this.#specs.size <= KEPT_SPECS) return;
    const [oldest] = this.#specs.keys();
    this.#specs.delete(oldest!);
  }
}

function hasObject(details: TaskDetails): boolean {
  return TASK_DETAILS.some((name) => typeof details[name] === "object");
}

/** The work on a task just completed; nothing when the answer is not one of the fast path. */
export function completedWork(text: string, worker: string, fence: number): WorkReply | undefined {
  if (text.startsWith('{"status"')) return JSON.parse(text);
  if (text.startsWith("{")) return undefined;
  const space = text.indexOf(" ");
  const started = Number(text.slice(0, space));
  const ended = Number(text.slice(space + 1));
  return { status: "completed", worker, fence, started, ended, outcome: "completed", spent: 1 };
}

function claimedWork(text: string, worker: string, lease: number): WorkReply {
  if (text.startsWith("{")) return JSON.parse(text);
  const space = text.indexOf(" ");
  const fence = Number(text.slice(0, space));
  const started = Number(text.slice(space + 1));
  return { status: "claimed", worker, fence, started, lease, spent: 1 };
}

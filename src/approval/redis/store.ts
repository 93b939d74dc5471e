/**
 * The operations on approvals, on Redis.
 * @module
 */
import { script } from "../../engine/redis/script.ts";
import type { ScriptRunner } from "../../engine/redis/script_runner.ts";
import type { PrunedPortion, PrunePortion } from "../../prune.ts";
import type { Actor } from "../../engine/actor.ts";
import { headOf } from "./head.ts";
import { type Approval, type ApprovalCounts, APPROVALS_PRUNED_AT_ONCE } from "../model.ts";
import type {
  ApprovalDraft,
  ApprovalList,
  ApprovalQuery,
  ApprovalStore,
  DecideOutcome,
  Decision,
  Seen,
  UseOutcome,
} from "../store.ts";

const REQUEST = script("approval/request");
const LOOK = script("approval/look");
const DECIDE = script("approval/decide");
const USE = script("approval/use");
const PRUNE = script("approval/prune");
const GET = script("approval/get");
const LIST = script("approval/list");
const COUNT = script("approval/count");

/** {@linkcode ApprovalStore} on Redis. */
export class RedisApprovals implements ApprovalStore {
  readonly #runner: ScriptRunner;

  /** Runs its scripts there. */
  constructor(runner: ScriptRunner) {
    this.#runner = runner;
  }

  async request(
    actor: Actor,
    { id, key = "", timeoutMs, digest = "", approvers, actionType, description }: ApprovalDraft,
  ): Promise<Approval> {
    return answer(
      await this.#runner.write(
        REQUEST,
        actor,
        id,
        key,
        timeoutMs,
        digest,
        approvers === undefined ? "" : JSON.stringify(approvers),
        actionType,
        headOf({ id, actionType, description }),
      ),
    )!;
  }

  async look(actor: Actor | undefined, id: string, waits: boolean): Promise<Seen | undefined> {
    const waker = waits ? (await this.#runner.waker()).id : "";
    return answer(await this.#runner.write(LOOK, actor, id, waker));
  }

  async decide(actor: Actor, { id, status, comment }: Decision): Promise<DecideOutcome> {
    const said = comment === undefined ? "" : JSON.stringify(comment);
    return answer<DecideOutcome>(await this.#runner.write(DECIDE, actor, id, status, said))!;
  }

  async use(actor: Actor, id: string, digest = ""): Promise<UseOutcome> {
    return answer<UseOutcome>(await this.#runner.write(USE, actor, id, digest))!;
  }

  async prune(actor: Actor, { olderThanMs, after, dryRun }: PrunePortion): Promise<PrunedPortion> {
    const args = [olderThanMs, after, APPROVALS_PRUNED_AT_ONCE, dryRun ? 1 : 0];
    return answer<PrunedPortion>(await this.#runner.write(PRUNE, actor, ...args))!;
  }

  async get(id: string): Promise<Approval | undefined> {
    return answer(await this.#runner.read(GET, id));
  }

  async list(query: ApprovalQuery): Promise<ApprovalList | undefined> {
    const { status = "", requestedBy = "", limit } = query;
    const approvals: Approval[] = [];
    for (let below = "";;) {
      const left = limit - approvals.length;
      const part = answer<ApprovalList & { readonly next?: string }>(
        await this.#runner.read(LIST, status, requestedBy, query.before ?? "", left, below),
      );
      if (part === undefined) return undefined;
      approvals.push(...part.approvals);
      if (part.next === undefined) return { approvals, more: part.more };
      below = part.next;
    }
  }

  async counts(): Promise<ApprovalCounts> {
    return answer<ApprovalCounts>(await this.#runner.read(COUNT))!;
  }
}

function answer<T>(text: unknown): T | undefined {
  return JSON.parse(String(text)) ?? undefined;
}

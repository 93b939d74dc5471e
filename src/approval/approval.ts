/**
 * Approvals: one agent asks, another decides, and the answer is final.
 *
 * The protocol. A request is pending until somebody decides it or its time is up, by the store's clock;
 * whichever comes first is final, and whoever comes later learns who was first. Silence is not
 * consent: a request whose time is up is `expired`, which means not approved. Nobody decides what they
 * asked for themselves, and when approvers are named, nobody else decides. The requester waits without
 * polling: the operation that decides wakes it.
 *
 * A request may carry a `digest` of exactly what is to be done, such as the hash of a command line.
 * {@linkcode Approvals.use} hands such an approval out once: the requester calls it right before acting,
 * and acts only when it returns. An approval that was given does not expire; it stays until it is used.
 * @module
 */
import { given } from "../given.ts";
import type { Approval, ApprovalCounts, ApprovalStatus } from "./model.ts";
import {
  anything,
  checkArguments,
  fields,
  type FieldTable,
  list,
  options,
  signal,
  text,
} from "../arguments.ts";
import {
  checkBody,
  checkChoice,
  checkInteger,
  checkKey,
  checkLeaseMs,
  checkWaitMs,
  invalid,
  MAX_DURATION_MS,
} from "../check.ts";
import { requireActor, type RoomContext } from "../context.ts";
import { newId } from "../id.ts";
import { StoreUnavailableError } from "../errors.ts";
import { checkName, checkText, LIMITS, printable, quote } from "../name.ts";
import { PRUNE_FIELDS, pruneAll, type Pruned, type PruneOptions } from "../prune.ts";
import { waitFor } from "../wait.ts";
import { decisionRefused, gaveUp, unknownApproval, useRefused } from "./refusal.ts";
import type { ApprovalQuery, Decision, Seen } from "./store.ts";

/** What to ask for. */
export interface RequestOptions {
  /** Kind of action, a name such as `deploy`. */
  readonly actionType: string;
  /** What is to be done, at most 64 KiB; may have several lines. */
  readonly description: string;
  /** Identifies exactly what is to be done, 1 to 200 characters; {@linkcode Approvals.use} wants the same. */
  readonly digest?: string;
  /** How long there is to decide, 100 ms to 30 days. Default 300 000 (5 minutes). */
  readonly timeoutMs?: number;
  /** The only agents who may decide, at most 32. Default: anybody but the requester. */
  readonly approvers?: readonly string[];
  /** Idempotency key: the same key again returns the first request as it is now and asks nothing. */
  readonly key?: string;
}

/** How to wait for a decision. */
export interface WaitForDecisionOptions {
  /** Longest wait in milliseconds. Default: until it is decided or expired. */
  readonly timeoutMs?: number;
  /** Ends the wait early. */
  readonly signal?: AbortSignal;
}

/** How to decide. */
export interface DecideOptions {
  /** What to tell the requester, at most 64 KiB. */
  readonly comment?: string;
}

/** Which approvals; every condition given must hold. */
export interface ListApprovalsOptions {
  /** Only those with this status now. */
  readonly status?: ApprovalStatus;
  /** Only those this agent asked for. */
  readonly requestedBy?: string;
  /** Most approvals to return, 1 to 1000. Default 100. */
  readonly limit?: number;
  /** The `nextCursor` of the page before. */
  readonly cursor?: string;
}

/** One page of approvals. */
export interface ApprovalPage {
  /** Newest first. */
  readonly approvals: readonly Approval[];
  /** Pass it as `cursor` for the page of older ones; absent when there are none. */
  readonly nextCursor?: string;
}

/** How long there is to decide when the request does not say: 5 minutes. */
export const DEFAULT_APPROVAL_TIMEOUT_MS = 300_000;

const STATUSES: readonly ApprovalStatus[] = ["pending", "approved", "rejected", "expired"];

/** Approvals as one client sees them. */
export class Approvals {
  readonly #context: RoomContext;

  /** Used by the client; see {@linkcode CoordinationClient.approvals}. */
  constructor(context: RoomContext) {
    this.#context = context;
  }

  /**
   * Asks for an approval; returns at once.
   *
   * @throws {InvalidArgumentError} for a bad value, and when nobody could ever decide; nothing was
   * written.
   */
  async request(options: RequestOptions): Promise<Approval> {
    const actor = requireActor(this.#context);
    const { digest, approvers, key } = options;
    const draft = {
      id: newId("apr"),
      actionType: checkName(options.actionType, "actionType"),
      description: checkBody(options.description, "description", false),
      timeoutMs: checkLeaseMs(options.timeoutMs ?? DEFAULT_APPROVAL_TIMEOUT_MS, "timeoutMs"),
      ...(digest === undefined ? {} : { digest: checkDigest(digest) }),
      ...(approvers === undefined ? {} : { approvers: checkApprovers(approvers, actor.name) }),
      ...(key === undefined ? {} : { key: checkKey(key, "key") }),
    };
    return asDecided(await (await this.#context.store.approvals()).request(actor, draft));
  }

  /**
   * Waits until the approval is decided or expired, woken by the decision.
   *
   * @returns the approval, whatever the outcome: look at its `status`.
   * @throws {NotFoundError} when there is none with this identifier.
   * @throws {TimeoutError} when it is still pending after `timeoutMs`, or `signal` fired.
   */
  async wait(
    id: string,
    { timeoutMs = MAX_DURATION_MS, signal }: WaitForDecisionOptions = {},
  ): Promise<Approval> {
    const { actor, store } = this.#context;
    const waitMs = checkWaitMs(timeoutMs, "timeoutMs");
    if (typeof id !== "string") throw unknownApproval(id);
    const seen = await waitFor<Seen>(this.#context, {
      look: async (waits) => {
        const seen = await (await store.approvals()).look(actor, id, waits);
        if (seen === undefined) throw unknownApproval(id);
        return { ...seen, retryInMs: seen.approval.expiresAtMs - seen.nowMs };
      },
      until: ({ approval }) => approval.status !== "pending",
    }, { waitMs, signal });
    if (seen.approval.status === "pending") throw gaveUp(seen, waitMs);
    return asDecided(seen.approval);
  }

  /**
   * Approves, finally.
   *
   * @throws {DeniedError} when the acting agent asked for it, or is not among its approvers.
   * @throws {ConflictError} when it was decided before, or has expired; says by whom and when.
   * @throws {NotFoundError} when there is none with this identifier.
   */
  async approve(id: string, options: DecideOptions = {}): Promise<Approval> {
    return await this.#decide(id, "approved", options);
  }

  /**
   * Rejects, finally.
   *
   * @throws as {@linkcode Approvals.approve}
   */
  async reject(id: string, options: DecideOptions = {}): Promise<Approval> {
    return await this.#decide(id, "rejected", options);
  }

  /**
   * Uses an approval up: returns it once, to the agent that asked for it, right before the approved thing
   * is done.
   *
   * @param digest of what is about to be done: the one in the request, or none if it had none.
   * @throws {DeniedError} when it is not approved, was given for something else, or to somebody else.
   * @throws {ConflictError} when it has been used.
   * @throws {NotFoundError} when there is none with this identifier.
   */
  async use(id: string, { digest }: { readonly digest?: string } = {}): Promise<Approval> {
    const actor = requireActor(this.#context);
    const checked = digest === undefined ? undefined : checkDigest(digest);
    if (typeof id !== "string") throw unknownApproval(id);
    const outcome = await (await this.#context.store.approvals()).use(actor, id, checked);
    if (outcome.kind === "used") return asDecided(outcome.approval);
    throw useRefused(id, actor.name, outcome);
  }

  /**
   * Removes approvals that were decided, used or expired long ago, with their idempotency keys. The audit log and
   * the events keep what was decided. Done in portions, each of them one operation.
   *
   * @param options.olderThanMs how long ago at least, 0 to 10 years. Default 30 days.
   * @param options.dryRun count them, and remove nothing. Default `false`.
   */
  async prune(options: PruneOptions = {}): Promise<Pruned> {
    const actor = requireActor(this.#context);
    const { store } = this.#context;
    return await pruneAll(
      options,
      async (portion) => (await store.approvals()).prune(actor, portion),
    );
  }

  /**
   * The approval as it is now; `undefined` when there is none with this identifier.
   *
   * @throws {StoreUnavailableError} when it was approved in the store by somebody who may not decide it.
   */
  async get(id: string): Promise<Approval | undefined> {
    if (typeof id !== "string") return undefined;
    const approval = await (await this.#context.store.approvals()).get(id);
    return approval && asDecided(approval);
  }

  /**
   * The approval as it is now.
   *
   * @throws {NotFoundError} when there is none with this identifier.
   */
  async show(id: string): Promise<Approval> {
    const approval = await this.get(id);
    if (approval === undefined) throw unknownApproval(id);
    return approval;
  }

  /**
   * Approvals, decided ones too, newest first, page by page.
   *
   * @throws {InvalidArgumentError} for a cursor that no approval has.
   * @throws {StoreUnavailableError} when one was approved in the store by somebody who may not decide it.
   */
  async list(options: ListApprovalsOptions = {}): Promise<ApprovalPage> {
    const { status, requestedBy, cursor } = options;
    const query: ApprovalQuery = {
      limit: checkInteger(options.limit ?? 100, "limit", { min: 1, max: LIMITS.batch }),
      ...(status === undefined ? {} : { status: checkChoice(status, "status", STATUSES) }),
      ...(requestedBy === undefined ? {} : { requestedBy: checkName(requestedBy, "requestedBy") }),
      ...(cursor === undefined ? {} : { before: checkText(cursor, "cursor", { maxChars: 200 }) }),
    };
    const found = await (await this.#context.store.approvals()).list(query);
    if (found === undefined) throw invalid(cursor, "cursor", "no approval has this identifier");
    const oldest = found.approvals.at(-1);
    return {
      approvals: found.approvals.map(asDecided),
      ...(found.more && oldest !== undefined ? { nextCursor: oldest.id } : {}),
    };
  }

  /** How many approvals have each status now. */
  async counts(): Promise<ApprovalCounts> {
    return await (await this.#context.store.approvals()).counts();
  }

  async #decide(
    id: string,
    status: Decision["status"],
    { comment }: DecideOptions,
  ): Promise<Approval> {
    const actor = requireActor(this.#context);
    const said = comment === undefined ? "" : checkBody(comment, "comment");
    if (typeof id !== "string") throw unknownApproval(id);
    const decision = { id, status, ...(said === "" ? {} : { comment: said }) };
    const outcome = await (await this.#context.store.approvals()).decide(actor, decision);
    if (outcome.kind === "decided") return outcome.approval;
    throw decisionRefused(decision, actor.name, outcome);
  }
}

const DECIDE: FieldTable<DecideOptions> = { comment: anything };

checkArguments(Approvals, {
  request: {
    options: fields<RequestOptions>({
      actionType: anything,
      description: anything,
      digest: anything,
      timeoutMs: anything,
      approvers: list(),
      key: anything,
    }),
  },
  wait: {
    id: text,
    options: options<WaitForDecisionOptions>({ timeoutMs: anything, signal }),
  },
  approve: { id: text, options: options(DECIDE) },
  reject: { id: text, options: options(DECIDE) },
  use: { id: text, options: options<{ digest?: string }>({ digest: anything }) },
  prune: { options: options(PRUNE_FIELDS) },
  get: { id: text },
  show: { id: text },
  list: {
    options: options<ListApprovalsOptions>({
      status: anything,
      requestedBy: anything,
      limit: anything,
      cursor: anything,
    }),
  },
  counts: {},
});

/**
 * An approval as it may be acted on. No operation lets a requester decide, or somebody who is not among the approvers:
 * a decision like that was written into the store from outside.
 *
 * @throws {StoreUnavailableError} when it is approved by somebody who was not allowed to.
 */
function asDecided(approval: Approval): Approval {
  const { id, status, requestedBy, decidedBy, approvers } = approval;
  if (status !== "approved") return approval;
  if (decidedBy !== undefined && decidedBy !== requestedBy) {
    if (approvers?.includes(decidedBy) !== false) return approval;
  }
  const who = decidedBy === undefined ? "nobody" : quote(decidedBy);
  throw new StoreUnavailableError(
    `Cannot trust approval ${
      printable(id)
    }: it was approved by ${who}, who may not decide it, so somebody ` +
      `changed the store from outside; find out who, and ask for a new approval`,
    { id, decidedBy: decidedBy ?? null, ...given({ approvers }) },
  );
}

function checkDigest(value: unknown): string {
  return checkText(value, "digest", { maxChars: 200 });
}

function checkApprovers(value: unknown, requester: string): readonly string[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw invalid(value, "approvers", "name at least one agent, or leave it out for anybody");
  }
  const names = [...new Set(value.map((name) => checkName(name, "approvers")))];
  if (names.length > LIMITS.tags) {
    throw invalid(names.length, "approvers", `use at most ${LIMITS.tags}`);
  }
  if (names.length === 1 && names[0] === requester) {
    throw invalid(requester, "approvers", "nobody approves their own request; name somebody else");
  }
  return names;
}

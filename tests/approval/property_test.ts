/**
 * Approvals against a model: a list of requests and a clock.
 * @module
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Approval } from "../../src/approval/model.ts";
import { Approvals } from "../../src/approval/approval.ts";
import { CoordError } from "../../src/errors.ts";
import { propertyRuns } from "../support/property.ts";
import { storeTest } from "../../dev/stores.ts";

const AGENTS = ["ada", "bob", "cy"];
const STATUSES = ["pending", "approved", "rejected", "expired"] as const;

const agent = fc.constantFrom(...AGENTS);
const index = fc.nat({ max: 9 });
const digest = fc.constantFrom(undefined, "d1", "d2");
const step = fc.oneof(
  fc.record({
    kind: fc.constant("request" as const),
    agent,
    digest,
    timeoutMs: fc.constantFrom(500, 1000, 60_000),
    approvers: fc.option(fc.uniqueArray(agent, { minLength: 1 }), { nil: undefined }),
    key: fc.constantFrom(undefined, undefined, "k1", "k2"),
  }),
  fc.record({
    kind: fc.constant("decide" as const),
    agent,
    index,
    verdict: fc.constantFrom("approved" as const, "rejected" as const),
  }),
  fc.record({ kind: fc.constant("use" as const), agent, index, digest }),
  fc.record({ kind: fc.constant("wait" as const), agent, index }),
  fc.record({ kind: fc.constant("advance" as const), ms: fc.constantFrom(1, 499, 500, 2000) }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

interface Request {
  readonly id: string;
  readonly by: string;
  readonly digest: string | undefined;
  readonly approvers: readonly string[] | undefined;
  readonly expiresAtMs: number;
  decided?: { readonly verdict: "approved" | "rejected"; readonly by: string };
  used: boolean;
}

const statusOf = (request: Request, nowMs: number) =>
  request.decided?.verdict ?? (nowMs < request.expiresAtMs ? "pending" : "expired");

/** What deciding should answer. */
function decide(request: Request, by: string, nowMs: number): string {
  if (request.by === by) return "denied";
  if (request.approvers !== undefined && !request.approvers.includes(by)) return "denied";
  return statusOf(request, nowMs) === "pending" ? "ok" : "conflict";
}

/** What using up should answer. */
function use(request: Request, by: string, digest: string | undefined, nowMs: number): string {
  if (request.by !== by || statusOf(request, nowMs) !== "approved") return "denied";
  if (request.digest !== digest) return "denied";
  return request.used ? "conflict" : "ok";
}

async function verdict(action: Promise<unknown>): Promise<string> {
  try {
    await action;
    return "ok";
  } catch (error) {
    if (error instanceof CoordError) return error.code;
    throw error;
  }
}

const view = ({ id, status, requestedBy, decidedBy, usedAtMs }: Approval) =>
  [id, status, requestedBy, decidedBy ?? null, usedAtMs !== undefined].join(" ");

storeTest("approvals agree with the model after every step", async ({ as, clock }) => {
  const rooms = new Map(AGENTS.map((name) => [name, new Approvals(as(name))]));
  const watcher = new Approvals(as());
  const all: Request[] = [];
  let run = 0;

  async function play(action: Exclude<Step, { kind: "advance" }>, byKey: Map<string, string>) {
    const room = rooms.get(action.agent)!;
    if (action.kind === "request") {
      const { agent, digest, timeoutMs, approvers, key } = action;
      const options = Object.fromEntries(
        Object.entries({ digest, approvers, key: key && `${run}-${key}` })
          .filter(([, value]) => value !== undefined),
      );
      const asked = room.request({ actionType: "x", description: "y", timeoutMs, ...options });
      if (approvers?.length === 1 && approvers[0] === agent) {
        assert.equal(await verdict(asked), "invalid_argument");
        return;
      }
      const { id } = await asked;
      const known = key && byKey.get(key);
      if (known) return assert.equal(id, known);
      if (key) byKey.set(key, id);
      const expiresAtMs = clock.nowMs() + timeoutMs;
      all.push({ id, by: agent, digest, approvers, expiresAtMs, used: false });
      return;
    }
    // Most steps mean one of the newest requests.
    const request = all.at(-1 - action.index);
    if (request === undefined) return;
    const nowMs = clock.nowMs();
    if (action.kind === "wait") {
      const status = statusOf(request, nowMs);
      const got = await verdict(room.wait(request.id, { timeoutMs: 0 }));
      assert.equal(got, status === "pending" ? "timeout" : "ok");
    } else if (action.kind === "use") {
      const { agent, digest } = action;
      const wanted = use(request, agent, digest, nowMs);
      const given = digest === undefined ? {} : { digest };
      assert.equal(await verdict(room.use(request.id, given)), wanted);
      if (wanted === "ok") request.used = true;
    } else {
      const { agent, verdict: to } = action;
      const wanted = decide(request, agent, nowMs);
      const call = to === "approved" ? room.approve(request.id) : room.reject(request.id);
      assert.equal(await verdict(call), wanted);
      if (wanted === "ok") request.decided = { verdict: to, by: agent };
    }
  }

  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 5, maxLength: 40, size: "max" }),
      async (steps) => {
        run++;
        const byKey = new Map<string, string>();
        for (const action of steps) {
          if (action.kind === "advance") clock.advance(action.ms);
          else await play(action, byKey);
          const nowMs = clock.nowMs();
          const wanted = all.slice(-20).reverse().map((request) =>
            [request.id, statusOf(request, nowMs), request.by, request.decided?.by, request.used]
              .join(" ")
          );
          const shown = (await watcher.list({ limit: 20 })).approvals.map(view);
          assert.deepEqual(shown, wanted, JSON.stringify(action));
        }
        const counts = await watcher.counts();
        for (const status of STATUSES) {
          const wanted = all.filter((request) => statusOf(request, clock.nowMs()) === status);
          assert.equal(counts[status], wanted.length, status);
          const { approvals } = await watcher.list({ status, limit: 15 });
          const newest = wanted.slice(-15).reverse().map(({ id }) => id);
          assert.deepEqual(approvals.map(({ id }) => id), newest, status);
        }
        for (const requestedBy of AGENTS) {
          for (const status of [undefined, ...STATUSES]) {
            const wanted = all.filter((request) =>
              request.by === requestedBy &&
              (status ?? statusOf(request, clock.nowMs())) === statusOf(request, clock.nowMs())
            ).slice(-9).reverse().map(({ id }) => id);
            const filter = { requestedBy, ...(status === undefined ? {} : { status }) };
            const first = await watcher.list({ ...filter, limit: 4 });
            const { nextCursor } = first;
            const second = nextCursor === undefined
              ? []
              : (await watcher.list({ ...filter, limit: 5, cursor: nextCursor })).approvals;
            assert.deepEqual([...first.approvals, ...second].map(({ id }) => id), wanted, status);
          }
        }
      },
    ),
    { numRuns: propertyRuns() },
  );
});

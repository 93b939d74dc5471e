/**
 * Approvals on Redis whose answers were lost, and what others did before the call was made again.
 * @module
 */
import assert from "node:assert/strict";
import { Approvals } from "../../src/approval/approval.ts";
import { ConflictError } from "../../src/errors.ts";
import { lostReplyTest } from "../support/lost_reply.ts";

const deploy = { actionType: "deploy", description: "deploy v2" };

lostReplyTest(
  "approval request whose answer was lost is asked once and pending as it was",
  async ({ as, far, lose, clock }) => {
    const ada = new Approvals(far("ada"));
    const bob = new Approvals(as("bob"));
    await bob.request(deploy);
    const asked = await lose(() => ada.request({ ...deploy, timeoutMs: 1000 }), async () => {
      const [newest] = (await bob.list()).approvals;
      await bob.approve(newest!.id);
      clock.advance(1000);
    });
    assert.equal(asked.status, "pending");
    assert.equal(asked.decidedBy, undefined);
    assert.equal(asked.expiresAtMs, asked.createdAtMs + 1000);
    assert.equal((await ada.show(asked.id)).status, "approved");
    assert.equal((await ada.list()).approvals.length, 2);
  },
);

lostReplyTest(
  "approval decision whose answer was lost is the decider's, though it has been used since",
  async ({ as, far, lose, clock }) => {
    const [ada, cy] = [new Approvals(as("ada")), new Approvals(as("cy"))];
    const bob = new Approvals(far("bob"));
    await cy.reject((await ada.request(deploy)).id);
    const { id } = await ada.request(deploy);
    const decided = await lose(() => bob.approve(id, { comment: "go" }), async () => {
      clock.advance(400_000);
      await assert.rejects(cy.reject(id), ConflictError);
      await ada.use(id);
    });
    const { usedAtMs, ...known } = await ada.show(id);
    assert.equal(usedAtMs, clock.nowMs());
    assert.deepEqual(decided, known);
    assert.equal(decided.decidedBy, "bob");
  },
);

lostReplyTest(
  "approval use whose answer was lost is not refused as a second one",
  async ({ as, far, lose, clock }) => {
    const [near, bob] = [new Approvals(as("ada")), new Approvals(as("bob"))];
    const ada = new Approvals(far("ada"));
    const first = await near.request(deploy);
    await bob.approve(first.id);
    await near.use(first.id);
    const { id } = await near.request(deploy);
    await bob.approve(id);
    const usedAtMs = clock.nowMs();
    const used = await lose(() => ada.use(id), async () => {
      clock.advance(1000);
      await assert.rejects(near.use(id), ConflictError);
    });
    assert.equal(used.usedAtMs, usedAtMs);
    await assert.rejects(ada.use(id), ConflictError);
  },
);

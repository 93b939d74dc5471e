/**
 * A decision that was written into the store from outside, by somebody who may not decide.
 * @module
 */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { Approvals } from "../../src/approval/approval.ts";
import { StoreUnavailableError } from "../../src/errors.ts";
import { openAs } from "../../dev/workers/context.ts";

for (const decider of ["maria", "victim", null]) {
  Deno.test(`approval that ${decider ?? "nobody"} decided in the file is not acted on`, async () => {
    const directory = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
    const context = await openAs(directory, "victim", "normal");
    try {
      const approvals = new Approvals(context);
      const draft = {
        actionType: "deploy",
        description: "d",
        key: "deploy-1",
        approvers: ["lead"],
      };
      const { id } = await approvals.request(draft);
      const db = new DatabaseSync(`${directory}/namespaces/default/store.db`);
      db.prepare("UPDATE approvals SET status = 'approved', decided_by = ?, decided_at_ms = 1")
        .run(decider);
      db.close();
      const forged = (error: unknown) =>
        error instanceof StoreUnavailableError && /^Cannot trust approval apr_/.test(error.message);
      await assert.rejects(approvals.wait(id), forged);
      await assert.rejects(approvals.use(id), forged);
      await assert.rejects(approvals.request(draft), forged);
      await assert.rejects(approvals.get(id), forged);
      await assert.rejects(approvals.show(id), forged);
      await assert.rejects(approvals.list(), forged);
    } finally {
      await context.store.close();
      await Deno.remove(directory, { recursive: true });
    }
  });
}

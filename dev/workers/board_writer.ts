// board_writer.ts STORE END_MS THREAD NAME LOG: replies, decides and keeps records until END_MS.
import { Approvals } from "../../src/approval/approval.ts";
import { Audit } from "../../src/audit/audit.ts";
import { Board } from "../../src/board/board.ts";
import { ConflictError } from "../../src/errors.ts";
import { openLog } from "../fleet.ts";
import { openAs } from "./context.ts";

const [location, endMs, thread, name, log] = Deno.args as [string, string, string, string, string];
const record = openLog(log);
const context = await openAs(location, `${name}-${Deno.pid}`);
const board = new Board(context);
const approvals = new Approvals(context);
const audit = new Audit(context);
while (Date.now() < Number(endMs)) {
  const { reply } = await board.reply(thread, { message: "for @reader", to: ["reader"] });
  record({ replied: reply!.id });
  const entry = await audit.log({ decisionType: "fight", context: "c", reason: "r" });
  record({ logged: entry.id });
  const asked = await approvals.request({ actionType: "fight", description: "d" });
  record({ asked: asked.id });
  const { approvals: open } = await approvals.list({ status: "pending", limit: 20 });
  const target = open.find(({ requestedBy }) => requestedBy !== context.actor!.name);
  if (target === undefined) continue;
  try {
    const call = Math.random() < 0.5 ? "approve" : "reject";
    const { status, decidedBy } = await approvals[call](target.id);
    record({ decided: target.id, status, decidedBy });
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
  }
}
await context.store.close();

// board_writer.ts STORE STOP THREAD NAME LOG: replies, decides and keeps records until the file STOP exists.
import { Approvals } from "../../src/approval/approval.ts";
import { Audit } from "../../src/audit/audit.ts";
import { Board } from "../../src/board/board.ts";
import { ConflictError } from "../../src/errors.ts";
import { isThere, openLog } from "../fleet.ts";
import { openAs } from "./context.ts";

const [location, stop, thread, name, log] = Deno.args as [string, string, string, string, string];
const record = openLog(log);
const context = await openAs(location, `${name}-${Deno.pid}`);
const board = new Board(context);
const approvals = new Approvals(context);
const audit = new Audit(context);
while (!isThere(stop)) {
  const { reply } = await board.reply(thread, { message: "for @reader", to: ["reader"] });
  record({ slot: name, replied: reply!.id });
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

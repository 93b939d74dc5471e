/**
 * Board, approvals and audit log under real processes and real kills. It ends once enough has happened, so that a
 * slow machine only takes longer; AGENTCOORD_FAULT_SECONDS sets how long it lasts at least.
 * @module
 */
import assert from "node:assert/strict";
import type { Approval } from "../../src/approval/model.ts";
import { Approvals } from "../../src/approval/approval.ts";
import { Audit } from "../../src/audit/audit.ts";
import { Board } from "../../src/board/board.ts";
import { Fleet, seeded } from "../../dev/fleet.ts";
import { placeTest } from "../../dev/places.ts";
import { openAs } from "../../dev/workers/context.ts";

const SECONDS = Number(Deno.env.get("AGENTCOORD_FAULT_SECONDS") ?? "4");
/** By then it has brought what it is to bring, on any machine. */
const LONGEST_MS = 120_000;
const WRITERS = 4;
const KILLS = 3;
const REPLIES = 20;

interface Record {
  readonly slot?: string;
  readonly replied?: string;
  readonly logged?: string;
  readonly asked?: string;
  readonly decided?: string;
  readonly status?: string;
  readonly decidedBy?: string;
}

/** Every item of a paged list. */
async function everything<T>(
  list: (cursor: string | undefined) => Promise<{ items: readonly T[]; next?: string | undefined }>,
): Promise<T[]> {
  const found: T[] = [];
  let cursor: string | undefined;
  do {
    const { items, next } = await list(cursor);
    found.push(...items);
    cursor = next;
  } while (cursor !== undefined);
  return found;
}

placeTest(
  "board, approvals and audit log lose nothing while writers are killed",
  async ({ location, directory }) => {
    const context = await openAs(location, "reader");
    const board = new Board(context);
    const { id: thread } = await board.post({ title: "fight" });
    const stop = `${directory}/stop`;
    const fleet = new Fleet("board_writer.ts", [location, stop, thread], directory);
    for (let slot = 0; slot < WRITERS; slot++) fleet.start(slot);
    const random = seeded(7);
    const seen: string[] = [];
    let over = false;
    const reading = (async () => {
      while (!over) {
        const messages = await board.inboxWait({ ack: true, timeoutMs: 200 }).catch(() => []);
        seen.push(...messages.map(({ id }) => id));
      }
    })();
    const startedAtMs = Date.now();
    const repliesOf = (slot?: number) =>
      fleet.records<Record>().filter((one) =>
        one.replied !== undefined && (slot === undefined || one.slot === `slot${slot}`)
      ).length;
    const isEnough = () =>
      Date.now() - startedAtMs >= SECONDS * 1000 && fleet.kills > KILLS && repliesOf() > REPLIES;
    const before = Array<number>(WRITERS).fill(0);
    while (!isEnough() && Date.now() - startedAtMs < LONGEST_MS) {
      await new Promise((resolve) => setTimeout(resolve, 150 + random() * 150));
      const slot = Math.floor(random() * WRITERS);
      // One that has only just started would never get as far as a reply on a slow machine.
      const replies = repliesOf(slot);
      if (replies === before[slot]) continue;
      before[slot] = replies;
      await fleet.kill(slot);
      fleet.start(slot);
    }
    await Deno.writeTextFile(stop, "");
    assert.equal(await fleet.finished(), 0, "a writer failed");
    over = true;
    await reading;
    for (let rest = 1; rest > 0;) {
      const messages = await board.inbox({ ack: true, limit: 1000 });
      seen.push(...messages.map(({ id }) => id));
      rest = messages.length;
    }

    const records = fleet.records<Record>();
    const { replies, replyCount } = await board.show(thread);
    const older = await everything(async (cursor) => {
      const page = await board.show(thread, { cursor: cursor ?? replies![0]!.id });
      return { items: page.replies!, next: page.replies![0]?.id };
    });
    const stored = [...older, ...replies!].map(({ id }) => id);
    assert.ok(fleet.kills > KILLS, `only ${fleet.kills} kills`);
    assert.ok(stored.length > REPLIES, `only ${stored.length} replies`);
    assert.equal(stored.length, replyCount);
    assert.deepEqual(seen.toSorted(), stored.toSorted(), "each reply was delivered once");
    const said = records.flatMap(({ replied }) => replied ?? []);
    assert.deepEqual(said.filter((id) => !stored.includes(id)), []);

    const audit = new Audit(context);
    const chain = await audit.verify();
    assert.ok(chain.ok);
    const entries = await everything(async (cursor) => {
      const page = await audit.list({ limit: 1000, ...(cursor ? { cursor } : {}) });
      return { items: page.entries.map(({ id }) => id), next: page.nextCursor };
    });
    assert.equal(chain.entries, entries.length);
    const logged = records.flatMap((one) => one.logged ?? []);
    assert.deepEqual(logged.filter((id) => !entries.includes(id)), []);

    const approvals = new Approvals(context);
    const all = await everything<Approval>(async (cursor) => {
      const page = await approvals.list({ limit: 1000, ...(cursor ? { cursor } : {}) });
      return { items: page.approvals, next: page.nextCursor };
    });
    const byId = new Map(all.map((approval) => [approval.id, approval]));
    const asked = records.flatMap((one) => one.asked ?? []);
    assert.deepEqual(asked.filter((id) => !byId.has(id)), []);
    for (const { decided, status, decidedBy } of records) {
      if (decided === undefined) continue;
      const approval = byId.get(decided)!;
      assert.deepEqual([approval.status, approval.decidedBy], [status, decidedBy]);
    }
    const counts = await approvals.counts();
    for (const status of ["pending", "approved", "rejected", "expired"] as const) {
      assert.equal(counts[status], all.filter((approval) => approval.status === status).length);
    }
    await context.store.close();
  },
);

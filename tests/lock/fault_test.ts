/**
 * Locks under real kills and pauses. AGENTCOORD_FAULT_SECONDS sets how long the fights last.
 * @module
 */
import assert from "node:assert/strict";
import type { Lease } from "../../src/lock/model.ts";
import { Events } from "../../src/event/event.ts";
import { Fleet, seeded } from "../support/fleet.ts";
import { placeTest } from "../support/places.ts";
import { openAs } from "../support/workers/context.ts";

const SECONDS = Number(Deno.env.get("AGENTCOORD_FAULT_SECONDS") ?? "6");
const FIGHTERS = 8;
const TTL_MS = 300;

interface Record {
  readonly slot: string;
  readonly took?: Lease;
  readonly released?: number;
  readonly refused?: number;
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** The store's own account: every tenure with the instant that ended it. */
async function tenures(location: string) {
  const context = await openAs(location, "observer");
  const began = new Map<number, number>();
  const ended = new Map<number, { atMs: number; how: string }>();
  const events = new Events({ ...context, actor: undefined });
  let cursor: string | undefined;
  let page;
  do {
    page = await events.list({ limit: 1000, ...(cursor === undefined ? {} : { since: cursor }) });
    for (const { type, atMs, data } of page.events) {
      const fence = Number(data?.fence);
      if (type === "lock.acquired") began.set(fence, atMs);
      if (type === "lock.released" || type === "lock.expired") {
        ended.set(fence, { atMs, how: type });
      }
    }
    cursor = page.cursor;
  } while (page.events.length > 0);
  await context.store.close();
  return { began, ended };
}

/** Lets processes fight for one lock while they are killed and frozen; gives what they wrote down. */
async function fight(
  location: string,
  directory: string,
  random: () => number,
): Promise<readonly Record[]> {
  await Deno.mkdir(directory);
  const endMs = Date.now() + SECONDS * 1000 + 1000;
  const fleet = new Fleet(
    "lock_fighter.ts",
    [location, `${endMs}`, `${TTL_MS}`, "8"],
    directory,
  );
  for (let slot = 0; slot < FIGHTERS; slot++) fleet.start(slot);
  await wait(1000);
  // Slots 0 to 3 stay alive and are frozen at times; 4 to 7 are killed and replaced.
  const freezing: Promise<void>[] = [];
  while (Date.now() < endMs - 1500) {
    await wait(100 + random() * 150);
    if (random() < 0.5) {
      const slot = 4 + Math.floor(random() * 4);
      await fleet.kill(slot);
      fleet.start(slot);
    } else {
      // All four at once, so that the holder is often among them.
      const ms = TTL_MS * (1.2 + random());
      for (const slot of [0, 1, 2, 3]) freezing.push(fleet.freeze(slot, ms));
    }
  }
  await Promise.all(freezing);
  assert.equal(await fleet.finished(), 0, "a fighter failed");

  return fleet.records<Record>();
}

placeTest(
  "lock is never held twice while holders are killed and frozen past their lease",
  async ({ location, directory }) => {
    const random = seeded(20_240_607);
    // Whether a frozen one held the lock is chance; a fight without any says nothing of stale fences.
    const records: Record[] = [];
    for (let fights = 0; fights < 4; fights++) {
      records.push(...await fight(location, `${directory}/${fights}`, random));
      if (records.some(({ refused }) => refused !== undefined)) break;
    }

    const { began, ended } = await tenures(location);
    const fences = [...began.keys()].sort((a, b) => a - b);
    assert.ok(fences.length > 50, `only ${fences.length} tenures`);
    for (const [index, fence] of fences.entries()) {
      const next = fences[index + 1];
      const end = ended.get(fence);
      if (next !== undefined) {
        assert.ok(end && end.atMs <= began.get(next)!, `${fence} overlaps ${next}`);
      }
    }
    // What the holders themselves were told must agree: told leases never overlap either.
    const told = records.flatMap(({ took }) => took ?? []).sort((a, b) => a.fence - b.fence);
    for (const [index, lease] of told.entries()) {
      const next = told[index + 1];
      // A holder may be killed after its release was done and before it could write that down.
      const released = records.some((record) => record.released === lease.fence) ||
        ended.get(lease.fence)?.how === "lock.released";
      if (next !== undefined && !released) assert.ok(lease.expiresAtMs <= next.acquiredAtMs);
    }
    const refused = records.flatMap((record) => record.refused ?? []);
    for (const fence of refused) {
      const end = ended.get(fence);
      assert.equal(
        end?.how ?? "lock.expired",
        "lock.expired",
        `fence ${fence} was refused but ended well`,
      );
    }
    assert.ok(refused.length > 0, "no holder was frozen past its lease");
    const survivors = ["slot0", "slot1", "slot2", "slot3"];
    const turns = survivors.map((slot) =>
      records.filter((one) => one.took && one.slot === slot).length
    );
    const ratio = Math.max(...turns) / Math.min(...turns);
    assert.ok(ratio <= 1.5, `turns of the survivors: ${turns.join(" ")}`);
  },
);

placeTest(
  "lock acquisitions are shared out fairly among waiting processes",
  async ({ location, directory }) => {
    const endMs = Date.now() + 1500 + SECONDS * 500;
    const fleet = new Fleet(
      "lock_fighter.ts",
      [location, `${endMs}`, "5000", "1"],
      directory,
    );
    for (let slot = 0; slot < FIGHTERS; slot++) fleet.start(slot);
    assert.equal(await fleet.finished(), 0, "a fighter failed");
    const records = fleet.records<Record>();
    // Count only while all of them ran: from the last one's first turn to the first one's last.
    const turns = Map.groupBy(records.filter(({ took }) => took), ({ slot }) => slot);
    assert.equal(turns.size, FIGHTERS);
    const instants = [...turns.values()].map((list) => list.map(({ took }) => took!.acquiredAtMs));
    const from = Math.max(...instants.map((list) => list[0]!));
    const to = Math.min(...instants.map((list) => list.at(-1)!));
    const counts = instants.map((list) => list.filter((at) => at >= from && at <= to).length);
    const ratio = Math.max(...counts) / Math.min(...counts);
    assert.ok(ratio <= 1.5, `turns ${counts.join(" ")}`);
  },
);

placeTest(
  "lock passes on without idling: 4 processes with 10 holds of 50 ms each",
  async ({ location, directory }) => {
    const startMs = Date.now() + 1500;
    const fleet = new Fleet(
      "lock_holder.ts",
      [location, `${startMs}`, "10", "50"],
      directory,
    );
    for (let slot = 0; slot < 4; slot++) fleet.start(slot);
    assert.equal(await fleet.finished(), 0, "a holder failed");
    const ends = fleet.records<{ endedMs: number }>().map(({ endedMs }) => endedMs);
    assert.equal(ends.length, 4);
    const tookMs = Math.max(...ends) - startMs;
    // 2.0 s are ideal; a loaded machine may add, but a missed wake-up (a second each) must show.
    assert.ok(tookMs >= 2000 && tookMs < 4000, `took ${tookMs} ms`);
  },
);

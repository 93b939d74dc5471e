/**
 * Locks under real kills and pauses. A fight ends once enough has happened in it, so that a slow machine only
 * takes longer; AGENTCOORD_FAULT_SECONDS sets how long it lasts at least.
 * @module
 */
import assert from "node:assert/strict";
import type { Lease } from "../../src/lock/model.ts";
import { Events } from "../../src/event/event.ts";
import { Fleet, seeded } from "../../dev/fleet.ts";
import { placeTest } from "../../dev/places.ts";
import { openAs } from "../../dev/workers/context.ts";

const SECONDS = Number(Deno.env.get("AGENTCOORD_FAULT_SECONDS") ?? "6");
const FIGHTERS = 8;
const TTL_MS = 300;
/** By then a fight has brought what it is to bring, on any machine. */
const LONGEST_MS = 120_000;
const TENURES = 50;
const TURNS = 10;
const SURVIVORS = ["slot0", "slot1", "slot2", "slot3"];

interface Record {
  readonly slot: string;
  readonly took?: Lease;
  readonly released?: number;
  readonly refused?: number;
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** How often each of these slots has had the lock. */
function turnsOf(records: readonly Record[], slots: readonly string[]): number[] {
  return slots.map((slot) => records.filter((one) => one.took && one.slot === slot).length);
}

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
  const stop = `${directory}/stop`;
  const fleet = new Fleet("lock_fighter.ts", [location, stop, `${TTL_MS}`, "8"], directory);
  for (let slot = 0; slot < FIGHTERS; slot++) fleet.start(slot);
  const startedAtMs = Date.now();
  // Whether a frozen one held the lock is chance; a fight without any says nothing of stale fences.
  const isEnough = () => {
    const records = fleet.records<Record>();
    return Date.now() - startedAtMs >= SECONDS * 1000 && fleet.kills > 3 &&
      records.filter(({ took }) => took).length > TENURES &&
      records.some(({ refused }) => refused !== undefined) &&
      turnsOf(records, SURVIVORS).every((turns) => turns >= TURNS);
  };
  // Slots 0 to 3 stay alive and are frozen at times; 4 to 7 are killed and replaced.
  const freezing: Promise<void>[] = [];
  while (!isEnough() && Date.now() - startedAtMs < LONGEST_MS) {
    await wait(100 + random() * 150);
    if (random() < 0.5) {
      const slot = 4 + Math.floor(random() * 4);
      // One that has only just started would never get as far as the lock on a slow machine.
      if (turnsOf(fleet.records<Record>(), [`slot${slot}`])[0]! < fleet.kills / 4) continue;
      await fleet.kill(slot);
      fleet.start(slot);
    } else {
      // All four at once, so that the holder is often among them.
      const ms = TTL_MS * (1.2 + random());
      for (const slot of [0, 1, 2, 3]) freezing.push(fleet.freeze(slot, ms));
    }
  }
  await Promise.all(freezing);
  await Deno.writeTextFile(stop, "");
  assert.equal(await fleet.finished(), 0, "a fighter failed");

  return fleet.records<Record>();
}

placeTest(
  "lock is never held twice while holders are killed and frozen past their lease",
  async ({ location, directory }) => {
    const records = await fight(location, directory, seeded(20_240_607));

    const { began, ended } = await tenures(location);
    const fences = [...began.keys()].sort((a, b) => a - b);
    assert.ok(fences.length > TENURES, `only ${fences.length} tenures`);
    for (const [index, fence] of fences.entries()) {
      const next = fences[index + 1];
      const end = ended.get(fence);
      if (next !== undefined) {
        assert.ok(end && end.atMs <= began.get(next)!, `${fence} overlaps ${next}`);
      }
    }
    // The answers to the holders themselves must agree: their leases never overlap either.
    const seen = records.flatMap(({ took }) => took ?? []).sort((a, b) => a.fence - b.fence);
    for (const [index, lease] of seen.entries()) {
      const next = seen[index + 1];
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
    const turns = turnsOf(records, SURVIVORS);
    assert.ok(Math.min(...turns) >= TURNS, `turns of the survivors: ${turns.join(" ")}`);
  },
);

placeTest(
  "lock acquisitions are shared out fairly among waiting processes",
  async ({ location, directory }) => {
    const stop = `${directory}/stop`;
    const fleet = new Fleet("lock_fighter.ts", [location, stop, "5000", "1"], directory);
    for (let slot = 0; slot < FIGHTERS; slot++) fleet.start(slot);
    const slots = Array.from({ length: FIGHTERS }, (_, slot) => `slot${slot}`);
    const startedAtMs = Date.now();
    const fewest = () => Math.min(...turnsOf(fleet.records<Record>(), slots));
    while (fewest() < 40 && Date.now() - startedAtMs < LONGEST_MS) await wait(200);
    await Deno.writeTextFile(stop, "");
    assert.equal(await fleet.finished(), 0, "a fighter failed");
    const records = fleet.records<Record>();
    // Count only while all of them ran: from the last one's first turn to the first one's last.
    const turns = Map.groupBy(records.filter(({ took }) => took), ({ slot }) => slot);
    assert.equal(turns.size, FIGHTERS);
    const instants = [...turns.values()].map((list) => list.map(({ took }) => took!.acquiredAtMs));
    const from = Math.max(...instants.map((list) => list[0]!));
    const to = Math.min(...instants.map((list) => list.at(-1)!));
    const counts = instants.map((list) => list.filter((at) => at >= from && at <= to).length);
    // Those who wait are served in turn; a process that the machine does not run is not waiting.
    assert.ok(Math.min(...counts) > 0, `turns ${counts.join(" ")}`);
    assert.ok(Math.max(...counts) <= 4 * Math.min(...counts), `turns ${counts.join(" ")}`);
  },
);

placeTest(
  "lock passes on by a wake-up, not by a poll: 4 processes with 10 holds each",
  async ({ location, directory }) => {
    const fleet = new Fleet("lock_holder.ts", [location, "10", "50"], directory);
    for (let slot = 0; slot < 4; slot++) fleet.start(slot);
    assert.equal(await fleet.finished(), 0, "a holder failed");
    const holds = fleet.records<{ tookAtMs: number; releasedAtMs: number }>()
      .sort((a, b) => a.tookAtMs - b.tookAtMs);
    assert.equal(holds.length, 40);
    const idleMs = holds.slice(1).map(({ tookAtMs }, index) =>
      tookAtMs - holds[index]!.releasedAtMs
    )
      .sort((a, b) => a - b);
    // Who misses a wake-up looks again after up to a second, half of one on average. The middle one counts, as a
    // loaded machine delays some.
    assert.ok(idleMs[Math.floor(idleMs.length / 2)]! < 350, `idle for ${idleMs.join(" ")} ms`);
  },
);

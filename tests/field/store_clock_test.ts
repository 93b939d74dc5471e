/**
 * The directory store's clock when the host's clock is set back, and when processes disagree about the time.
 * @module
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Clock } from "../../src/clock.ts";
import { Locks } from "../../src/lock/lock.ts";
import { DirectoryStore } from "../../src/open/directory.ts";
import { type ClockRow, readClock, SLACK_MS } from "../../src/engine/directory/clock.ts";
import { Tasks } from "../../src/task/task.ts";
import { cliJson, withProject } from "../support/cli.ts";
import { propertyRuns } from "../support/property.ts";
import { contextOn } from "../../dev/room_context.ts";

/** The time that really passes, and processes that see it differently. */
class Host {
  realMs = 1_800_000_000_000;
  readonly #startMs = this.realMs - 5000;

  /** The clock of a process that is off by so much. */
  clock(offMs: () => number): Clock & { readonly uptimeMs: () => number } {
    const uptimeMs = () => this.realMs - this.#startMs;
    return { nowMs: () => this.realMs + offMs(), monotonicMs: uptimeMs, uptimeMs };
  }
}

async function withStores(
  offs: readonly (() => number)[],
  body: (
    host: Host,
    rooms: readonly { readonly locks: Locks; readonly tasks: Tasks }[],
  ) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
  const host = new Host();
  const stores: DirectoryStore[] = [];
  try {
    const rooms = [];
    for (const [index, off] of offs.entries()) {
      const clock = host.clock(off);
      const options = { namespace: "default", durability: "normal", clock } as const;
      const store = await DirectoryStore.open(directory, options);
      stores.push(store);
      const context = contextOn(store, clock, `agent${index}`);
      rooms.push({ locks: new Locks(context), tasks: new Tasks(context) });
    }
    await body(host, rooms);
  } finally {
    for (const store of stores) await store.close();
    await Deno.remove(directory, { recursive: true });
  }
}

const DAY_MS = 24 * 60 * 60 * 1000;

Deno.test("lease lapses at real speed after the host's clock was set back by a year", async () => {
  let off = 0;
  await withStores([() => off], async (host, [room]) => {
    await room!.locks.acquire("a.py", { ttlMs: 60_000 });
    await room!.tasks.create([{ title: "t" }]);
    await room!.tasks.claim({ leaseMs: 60_000 });
    off = -365 * 24 * 3_600_000;
    host.realMs += 1000;
    // Whoever asks first puts the anchor: what had passed before is not known.
    assert.equal((await room!.locks.list()).length, 1);
    await room!.tasks.create([{ title: "u" }]);
    host.realMs += 58_000;
    assert.equal((await room!.locks.list()).length, 1, "not earlier");
    host.realMs += 3000;
    assert.deepEqual(await room!.locks.list(), []);
    await room!.locks.acquire("a.py", { ttlMs: 60_000 });
    const claimed = await room!.tasks.claim({ count: 2 });
    assert.deepEqual(claimed.map(({ title }) => title).sort(), ["t", "u"]);
  });
});

Deno.test("one process whose clock is an hour ahead freezes nobody, and adds no hours", async () => {
  const hourMs = 3_600_000;
  await withStores([() => 0, () => hourMs], async (host, [right, ahead]) => {
    await right!.locks.acquire("a.py", { ttlMs: 10_000 });
    await ahead!.locks.acquire("b.py", { ttlMs: 30_000 });
    const [b] = (await right!.locks.list()).filter(({ path }) => path === "b.py");
    assert.equal(b!.expiresAtMs, host.realMs + hourMs + 30_000);
    for (let second = 1; second <= 25; second++) {
      host.realMs += 1000;
      // Both go on acting, in turns.
      await (second % 2 === 0 ? ahead! : right!).tasks.create([{ title: `${second}` }]);
      const { nowMs } = await left(right!.locks, "b.py");
      assert.ok(Math.abs(nowMs - host.realMs - hourMs) <= 2000, `${nowMs - host.realMs}`);
    }
    host.realMs += 8000;
    await right!.locks.acquire("b.py");
  });
});

/** The store's instant, as a refusal tells it. */
async function left(locks: Locks, path: string): Promise<{ readonly nowMs: number }> {
  try {
    await locks.acquire(path);
  } catch (error) {
    const { details } = error as { details: Record<string, unknown> };
    return { nowMs: Number(details.expiresAtMs) - Number(details.remainingMs) };
  }
  throw new Error(`${path} was free`);
}

const action = fc.record({
  passMs: fc.integer({ min: 0, max: 20_000 }),
  who: fc.nat({ max: 3 }),
  /** Now and then somebody's clock is set. */
  setMs: fc.option(fc.integer({ min: -100_000_000, max: 100_000_000 }), {
    freq: 8,
    nil: undefined,
  }),
  saved: fc.boolean(),
});

Deno.test("store clock never steps back, and is never faster than the time that passes", () => {
  fc.assert(
    fc.property(fc.array(action, { minLength: 5, maxLength: 80, size: "max" }), (actions) => {
      const host = new Host();
      const offs = [0, 0, 0, 0];
      let row: ClockRow = {
        now_ms: host.realMs,
        anchor_now_ms: null,
        anchor_wall_ms: null,
        anchor_uptime_ms: null,
      };
      let sinceSavedMs = 0;
      for (const { passMs, who, setMs, saved } of actions) {
        host.realMs += passMs;
        sinceSavedMs += passMs;
        if (setMs !== undefined) offs[who] = setMs;
        const clock = host.clock(() => offs[who]!);
        const { row: read, moved, aheadMs } = readClock(row, clock);
        assert.ok(read.now_ms >= row.now_ms, "it steps back");
        assert.equal(aheadMs, read.now_ms - clock.nowMs());
        assert.ok(aheadMs >= 0);
        // Faster only where the reader's own clock says so.
        const advancedMs = read.now_ms - row.now_ms;
        if (read.now_ms !== clock.nowMs()) {
          assert.ok(advancedMs <= Math.max(sinceSavedMs, sinceAnchor(row, host)), `${advancedMs}`);
        }
        if (saved || moved) {
          row = read;
          sinceSavedMs = 0;
        }
      }
      // With nobody's clock set any more it goes on as fast as time does.
      const clock = host.clock(() => offs[0]!);
      row = readClock(row, clock).row;
      row = readClock(row, clock).row;
      const before = row.now_ms;
      host.realMs += 60_000;
      const { row: after } = readClock(row, clock);
      assert.ok(after.now_ms - before >= 60_000 - SLACK_MS, `${after.now_ms - before}`);
    }),
    { numRuns: propertyRuns() },
  );
});

Deno.test("store clock goes on when a host's clock is set back twice", () => {
  const host = new Host();
  let offMs = 0;
  const clock = host.clock(() => offMs);
  let row: ClockRow = {
    now_ms: host.realMs,
    anchor_now_ms: null,
    anchor_wall_ms: null,
    anchor_uptime_ms: null,
  };
  const passes = (ms: number) => {
    host.realMs += ms;
    row = readClock(row, clock).row;
  };
  offMs = -DAY_MS;
  passes(0);
  // A day later a part of the time since then is taken back, too.
  for (let hour = 0; hour < 24; hour++) passes(DAY_MS / 24);
  offMs -= DAY_MS / 2;
  passes(0);
  const before = row.now_ms;
  passes(60_000);
  assert.ok(row.now_ms - before >= 60_000 - SLACK_MS, `${row.now_ms - before}`);
});

/** What may be made up for at once: the time since the anchor was put. */
function sinceAnchor(row: ClockRow, host: Host): number {
  if (row.anchor_now_ms === null) return 0;
  const uptimeMs = host.clock(() => 0).uptimeMs();
  return row.anchor_now_ms + (uptimeMs - row.anchor_uptime_ms!) - row.now_ms;
}

Deno.test("command on a store whose clock is ahead warns, and shows what is left by that clock", async () => {
  await withProject(async (dir) => {
    const env = { AGENTCOORD_AGENT: "ada" };
    await cliJson(dir, ["lock", "acquire", "a.py", "--ttl", "5m"], { env });
    const { DatabaseSync } = await import("node:sqlite");
    const db = new DatabaseSync(`${dir}/.agentcoord/namespaces/default/store.db`, {
      timeout: 5000,
    });
    db.exec("UPDATE state SET now_ms = now_ms + 3600000");
    db.exec("UPDATE locks SET expires_at_ms = expires_at_ms + 3600000");
    db.close();
    const status = await cliJson(dir, ["status"]);
    assert.equal(status.code, 0);
    assert.match(
      status.document.warnings[0],
      /store's clock is (?:1h|59m\d+s) ahead of this host's/,
    );
    const refused = await cliJson(dir, ["lock", "acquire", "a.py", "--agent", "bob"]);
    assert.equal(refused.code, 3);
    assert.match(refused.document.error.message, /free in (?:5m|4m\d\ds) at the latest/);
    assert.equal(refused.document.warnings.length, 1);
  });
});

import assert from "node:assert/strict";
import fc from "fast-check";
import type { CoordEvent, EventType } from "../../src/event/model.ts";
import { Events } from "../../src/event/event.ts";
import { Locks } from "../../src/lock/lock.ts";
import { propertyRuns } from "../support/property.ts";
import { type Bench, storeTest } from "../../dev/stores.ts";

/** What the model knows of an event. */
interface Known {
  readonly type: EventType;
  readonly subject: string;
  readonly atMs: number;
}

type Operation =
  | { readonly kind: "toggle"; readonly path: string; readonly ms: number }
  | {
    readonly kind: "page";
    readonly limit: number;
    readonly type: EventType | undefined;
    /** Which event to start after, as a share of all there are; none: from the beginning. */
    readonly after: number | undefined;
  }
  | { readonly kind: "instant"; readonly share: number; readonly limit: number };

const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({
    kind: fc.constant("toggle" as const),
    path: fc.constantFrom("a.py", "b.py", "c.py"),
    ms: fc.integer({ min: 0, max: 3 }),
  }),
  fc.record({
    kind: fc.constant("page" as const),
    limit: fc.integer({ min: 1, max: 8 }),
    type: fc.constantFrom(undefined, "lock.acquired" as const, "lock.released" as const),
    after: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
  }),
  fc.record({
    kind: fc.constant("instant" as const),
    share: fc.double({ min: -0.1, max: 1.1, noNaN: true }),
    limit: fc.integer({ min: 1, max: 8 }),
  }),
);

const known = ({ type, subject, atMs }: CoordEvent): Known => ({ type, subject, atMs });

storeTest("event pages agree with a list of what happened", async ({ as, clock }: Bench) => {
  const locks = new Locks(as("ada"));
  const stream = new Events(as());
  const held = new Set<string>();
  const happened: Known[] = [];
  const ids: string[] = [];

  const toggle = async (path: string, ms: number) => {
    const had = held.delete(path);
    if (!had) held.add(path);
    await (had ? locks.release(path) : locks.acquire(path, { ttlMs: 86_400_000 }));
    happened.push({
      type: had ? "lock.released" : "lock.acquired",
      subject: path,
      atMs: clock.nowMs(),
    });
    const last = await stream.list({ limit: 2, ...(ids.length > 0 ? { since: ids.at(-1)! } : {}) });
    ids.push(last.cursor);
    clock.advance(ms);
  };

  /** Checks one page against `wanted`, everything there is from its start on. */
  const check = (
    page: { readonly events: readonly CoordEvent[]; readonly cursor: string },
    wanted: readonly Known[],
    limit: number,
  ) => {
    assert.deepEqual(page.events.map(known), wanted.slice(0, limit));
    const end = page.events.length === limit ? page.events.at(-1)!.id : ids.at(-1);
    assert.equal(page.cursor, end);
  };

  // The arrival of the agent is an event of its own; the model begins after it.
  await toggle("z.py", 1);
  const arrival = (await stream.list({ limit: 1 })).events.map(known);
  happened.unshift(...arrival);
  ids.unshift((await stream.list({ limit: 1 })).cursor);

  await fc.assert(
    fc.asyncProperty(fc.array(operation, { minLength: 1, maxLength: 20 }), async (operations) => {
      for (const op of operations) {
        if (op.kind === "toggle") {
          await toggle(op.path, op.ms);
        } else if (op.kind === "page") {
          const { limit, type, after } = op;
          const index = after === undefined ? -1 : Math.round(after * (ids.length - 1));
          const page = await stream.list({
            limit,
            ...(type === undefined ? {} : { type }),
            ...(index < 0 ? {} : { since: ids[index]! }),
          });
          const wanted = happened.slice(index + 1);
          check(page, wanted.filter((event) => type === undefined || event.type === type), limit);
        } else {
          const first = happened[0]!.atMs;
          const since = Math.round(first + op.share * (clock.nowMs() - first));
          const page = await stream.list({ since, limit: op.limit });
          check(page, happened.filter(({ atMs }) => atMs >= since), op.limit);
        }
      }
    }),
    { numRuns: propertyRuns(), endOnFailure: true },
  );
});

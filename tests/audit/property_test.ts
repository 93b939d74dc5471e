/**
 * The audit log against a model: an array.
 * @module
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { Audit, type Entry } from "../../src/audit/audit.ts";
import { propertyRuns } from "../support/property.ts";
import { storeTest } from "../../dev/stores.ts";

const agent = fc.constantFrom("ada", "bob", "cy");
const type = fc.constantFrom("deployment", "rollback");
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("log" as const),
      agent,
      type,
      key: maybe(fc.constantFrom("k1", "k2", "k3")),
      reason: fc.string({ minLength: 1, maxLength: 9, unit: "grapheme-ascii" }),
    }),
  },
  fc.record({ kind: fc.constant("advance" as const), ms: fc.constantFrom(1, 1000) }),
  fc.record({
    kind: fc.constant("list" as const),
    agent: maybe(agent),
    type: maybe(type),
    agoMs: maybe(fc.constantFrom(0, 1, 1001, 5000)),
    limit: fc.integer({ min: 1, max: 5 }),
  }),
);

/** A filter without the conditions that were left out. */
function given<T extends Record<string, unknown>>(options: T) {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

storeTest("audit log agrees with the model after every step", async ({ as, clock }) => {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30, size: "max" }), async (steps) => {
      run++;
      clock.advance(10_000);
      const startMs = clock.nowMs();
      const model: Entry[] = [];
      const byKey = new Map<string, Entry>();
      for (const action of steps) {
        if (action.kind === "advance") clock.advance(action.ms);
        if (action.kind === "log") {
          const { agent, type, key, reason } = action;
          const entry = await new Audit(as(agent)).log({
            decisionType: type,
            context: "c",
            reason,
            ...given({ key: key && `${run}-${key}` }),
          });
          const known = key && byKey.get(key);
          if (known) assert.deepEqual(entry, known);
          else {
            assert.deepEqual(
              [entry.agent, entry.decisionType, entry.reason, entry.createdAtMs],
              [agent, type, reason, clock.nowMs()],
            );
            model.push(entry);
            if (key) byKey.set(key, entry);
          }
        }
        if (action.kind === "list") {
          const { agent, type, agoMs, limit } = action;
          const sinceMs = Math.max(startMs, clock.nowMs() - (agoMs ?? 1_000_000));
          const wanted = model.filter((entry) =>
            entry.createdAtMs >= sinceMs && (agent ?? entry.agent) === entry.agent &&
            (type ?? entry.decisionType) === entry.decisionType
          );
          const found: Entry[] = [];
          let cursor: string | undefined;
          do {
            const options = { sinceMs, limit, ...given({ agent, type, cursor }) };
            const page = await new Audit(as()).list(options);
            assert.ok(page.entries.length <= limit);
            found.unshift(...page.entries);
            cursor = page.nextCursor;
          } while (cursor !== undefined);
          assert.deepEqual(found, wanted);
        }
      }
    }),
    { numRuns: propertyRuns() },
  );
  assert.equal((await new Audit(as()).verify()).ok, true);
});

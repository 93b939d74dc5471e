/**
 * Whatever is done to a board while a directory stands in, and however it is told meanwhile, Redis shows the same.
 * @module
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { AGENTS, assertSame, type Bench, transferTest } from "../support/board_transfer.ts";
import { propertyRuns } from "../support/property.ts";

const BYTES = 1 << 20;

/** One step: what is done, by whom, and numbers that it chooses by. */
const step = fc.record({
  what: fc.constantFrom("post", "reply", "reply", "resolve", "read", "ack", "prune", "tell"),
  name: fc.constantFrom(...AGENTS),
  to: fc.option(fc.constantFrom(...AGENTS), { nil: undefined }),
  n: fc.nat(19),
  yes: fc.boolean(),
});

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

async function take({ directory, source, target, clock }: Bench, steps: readonly Step[]) {
  const ids: string[] = [];
  for (const { what, name, to, n, yes } of steps) {
    clock.advance(1);
    const board = directory.as(name);
    const named = to === undefined ? {} : { to: [to] };
    const id = ids[n % Math.max(ids.length, 1)];
    const isThere = id !== undefined && await board.get(id) !== undefined;
    if (what === "post") {
      const post = { title: `title ${n}`, message: `urgent @${AGENTS[n % 4]}`, tags: ["ci"] };
      ids.push((await board.post({ ...post, ...named, priority: yes ? "high" : "normal" })).id);
    } else if (what === "reply" && isThere) {
      await board.reply(id, { message: `answer ${n}`, ...named });
    } else if (what === "resolve" && isThere) {
      await board.resolve(id);
    } else if (what === "read") {
      await board.inbox({ ack: true, limit: 1 + n % 4 });
    } else if (what === "ack") {
      const last = (await board.inbox())[n];
      await board.ack(last === undefined ? {} : { upTo: last.id });
    } else if (what === "prune") {
      await board.prune({ olderThanMs: n });
    } else if (what === "tell") {
      const { records, keys } = await source.changed({ records: 1 + n, bytes: BYTES });
      assert.deepEqual(await target.take(records), []);
      if (yes) await source.settle(keys);
    }
  }
}

transferTest("board that moved is the same whatever was done to it", async (bench) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      await take(bench, steps);
      assert.deepEqual((await bench.move({ records: 7, bytes: BYTES })).conflicts, []);
      await assertSame(bench);
    }),
    { numRuns: Math.ceil(propertyRuns() / 4) },
  );
});

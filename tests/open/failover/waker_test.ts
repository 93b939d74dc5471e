/**
 * What sleeps on the waker of a store in front of two.
 * @module
 */
import assert from "node:assert/strict";
import { CoordError } from "../../../src/errors.ts";
import { hasRedis } from "../../../dev/redis_server.ts";
import { Sleepers } from "../../../dev/sleepers.ts";
import { type Sites, withSites } from "../../../dev/site.ts";
import { agentOn, takeOver } from "../../support/promise.ts";

const SITUATIONS: readonly (readonly [string, (sites: Sites) => Promise<void>])[] = [
  ["the server decides", () => Promise.resolve()],
  ["the directory decides", ({ server }) => server.kill()],
];

for (const [when, happens] of SITUATIONS) {
  Deno.test({
    name: `who waits in a store that is closed while ${when} is told so`,
    ignore: !hasRedis(),
    fn: () =>
      withSites(async (sites) => {
        const { open } = await sites.site();
        const [store, other] = [await open(), await open()];
        await agentOn(other, "ada").locks.acquire("a.py", { ttlMs: 60_000 });
        await other.announce();
        await happens(sites);
        if (!sites.server.running) await takeOver(other);
        const sleepers = new Sleepers(store);
        const waiting = agentOn(sleepers.store, "bob").locks.acquire("a.py", { waitMs: 60_000 });
        await sleepers.asleep();
        await Promise.all([
          store.close(),
          assert.rejects(waiting, (error) => {
            assert.ok(error instanceof CoordError, String(error));
            assert.match(error.message, /closed/);
            return true;
          }),
        ]);
      }),
  });
}

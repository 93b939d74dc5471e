/**
 * What is read in several operations, while another store gets the authority between two of them.
 * @module
 */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/clock.ts";
import { Audit } from "../../../src/audit/audit.ts";
import type { AuditStore } from "../../../src/audit/store.ts";
import type { Store } from "../../../src/store.ts";
import { contextOn } from "../../../dev/room_context.ts";
import { hasRedis } from "../../../dev/redis_server.ts";
import { until, withSites } from "../../../dev/site.ts";

/** The same store; `meanwhile` runs once, after the look at the chain with this number. */
function interrupted(store: Store, look: number, meanwhile: () => Promise<void>): Store {
  let looks = 0;
  const audit = async (): Promise<AuditStore> => {
    const operations = await store.audit();
    return {
      ...operations,
      chain: async (after, limit) => {
        const part = await operations.chain(after, limit);
        if (++looks === look) await meanwhile();
        return part;
      },
    };
  };
  return { audit, events: () => store.events() } as unknown as Store;
}

for (const look of [1, 2, 3]) {
  Deno.test({
    name: `audit verify finds nothing wrong when Redis is back after look ${look} at the chain`,
    ignore: !hasRedis(),
    fn: () =>
      withSites(async ({ server, site }) => {
        const store = await (await site()).open();
        const log = (reason: string) =>
          new Audit(contextOn(store, systemClock, "ada")).log({
            decisionType: "t",
            context: "c",
            reason,
          });
        await log("on Redis");
        await server.kill();
        for (let count = 0; count < 250; count++) await log(`meanwhile ${count}`);
        const back = async () => {
          await server.restart();
          await until("Redis has the authority", async () => {
            await store.failback();
            return (await store.authority()).store === "redis";
          });
        };
        const audit = new Audit(contextOn(interrupted(store, look, back), systemClock, "bob"));
        const { head: _, ...found } = await audit.verify() as { head?: string };
        assert.deepEqual(found, { ok: true, entries: 251 });
      }),
  });
}

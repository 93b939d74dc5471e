/**
 * What is read in several operations, while another store gets the authority between two of them.
 * @module
 */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/clock.ts";
import { Audit } from "../../../src/audit/audit.ts";
import type { AuditStore } from "../../../src/audit/store.ts";
import type { StoreUnavailableError } from "../../../src/errors.ts";
import { Events } from "../../../src/event/event.ts";
import { Locks } from "../../../src/lock/lock.ts";
import { Tasks } from "../../../src/task/task.ts";
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

Deno.test({
  name:
    "a page of events from a cursor of Redis is out of reach while Redis is away, and whole once it is back",
  ignore: !hasRedis(),
  fn: () =>
    withSites(async ({ server, site }) => {
      const store = await (await site()).open();
      const context = contextOn(store, systemClock, "ada");
      const [locks, events] = [new Locks(context), new Events(context)];
      await locks.acquire("1");
      const { cursor } = await events.list();
      await locks.acquire("2");
      await server.kill();
      await locks.acquire("3");
      await assert.rejects(events.list({ since: cursor }), (error: StoreUnavailableError) => {
        assert.equal(error.details.reason, "out_of_reach");
        return error.details.id === cursor;
      });
      await assert.rejects(new Tasks(context).show(cursor), { code: "not_found" });
      await assert.rejects(new Tasks(context).show(cursor.replace("evt", "tsk")), {
        code: "store_unavailable",
      });
      await server.restart();
      await until("Redis has the authority", async () => {
        await store.failback();
        return (await store.authority()).store === "redis";
      });
      const page = await events.list({ since: cursor, type: "lock.acquired" });
      assert.deepEqual(page.events.map(({ subject }) => subject), ["2", "3"]);
    }),
});

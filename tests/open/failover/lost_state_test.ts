/**
 * A site's own files that are gone while the directory decides: that is damage, never a new beginning.
 * @module
 */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/clock.ts";
import { StoreUnavailableError } from "../../../src/errors.ts";
import { Locks } from "../../../src/lock/lock.ts";
import { usableRecord } from "../../../src/open/failover/decider.ts";
import { FailoverStore } from "../../../src/open/failover/store.ts";
import { contextOn } from "../../../dev/room_context.ts";

/** Has a directory decide about a lock, and then `body` take something away from it. */
async function afterLoss(
  body: (place: { readonly home: string; readonly open: () => Promise<FailoverStore> }) => Promise<
    void
  >,
): Promise<void> {
  const top = await Deno.realPath(await Deno.makeTempDir({ prefix: "agentcoord-test-" }));
  const directory = `${top}/project/.agentcoord/fallback`;
  Deno.mkdirSync(`${top}/project`);
  const open = () =>
    FailoverStore.open({
      url: "redis://127.0.0.1:1?connect_timeout=100ms&command_timeout=100ms",
      namespace: "ns",
      durability: "normal",
      directory,
      mode: "directory",
      clock: systemClock,
    });
  try {
    const store = await open();
    await new Locks(contextOn(store, systemClock, "bob")).acquire("b");
    await store.close();
    await body({ home: `${directory}/namespaces/ns`, open });
  } finally {
    await Deno.remove(top, { recursive: true });
  }
}

const isDamage = (says: RegExp) => (error: unknown) =>
  error instanceof StoreUnavailableError && !error.retryable && says.test(error.message);

for (
  const [what, lose] of [
    ["was cut to nothing", (path: string) => Deno.truncateSync(path, 0)],
    ["is gone", (path: string) => Deno.removeSync(path)],
  ] as const
) {
  Deno.test(`authority record that ${what} beside what was written in an outage is damaged`, async () => {
    await afterLoss(async ({ home, open }) => {
      lose(`${home}/authority`);
      await assert.rejects(open(), isDamage(/authority, which says .*, is damaged/));
      // Whoever works on the server alone must not either.
      assert.throws(() => usableRecord(home), isDamage(/is damaged/));
    });
  });
}

Deno.test("database of an outage that is gone while the directory decides is not made anew", async () => {
  await afterLoss(async ({ home, open }) => {
    await Deno.remove(`${home}/outage.2`, { recursive: true });
    const store = await open();
    const eve = new Locks(contextOn(store, systemClock, "eve"));
    await assert.rejects(eve.acquire("b"), isDamage(/store\.db, which stands in .*, is missing/));
    await store.close();
  });
});

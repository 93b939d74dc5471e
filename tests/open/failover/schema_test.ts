import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { systemClock } from "../../../src/clock.ts";
import { schemaDigest } from "../../../src/engine/directory/schema.ts";
import { DirectoryStore } from "../../../src/open/directory.ts";
import { OUTAGE_SCHEMA } from "../../../src/open/failover/schema.ts";

Deno.test("schema of an outage's database is known by its digest", async () => {
  const migrations = await OUTAGE_SCHEMA.migrations();
  using db = new DatabaseSync(":memory:");
  for (const migration of migrations) db.exec(migration);
  assert.deepEqual(OUTAGE_SCHEMA.digests, [schemaDigest(db)], "the digest is now the second one");
  assert.equal(migrations.length, 1);
});

Deno.test("database of an outage is made where it is said, and opened again", async () => {
  const directory = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
  try {
    const home = `${directory}/fallback/default/outage.3`;
    const options = {
      namespace: "default",
      durability: "normal",
      clock: systemClock,
      outage: { home },
    } as const;
    const actor = { name: "ada", host: "test-host" };
    const request = { paths: ["a"], mode: "exclusive", ttlMs: 60_000, intent: "" } as const;
    const first = await DirectoryStore.open(directory, options);
    const locks = await first.locks();
    assert.equal((await locks.acquire(actor, { ...request, reentrant: false })).kind, "acquired");
    await first.close();
    const second = await DirectoryStore.open(directory, options);
    assert.deepEqual((await (await second.locks()).list()).map(({ path }) => path), ["a"]);
    const keys = await second.engine.read((reader) =>
      reader.all("SELECT kind FROM journal WHERE kind = 'lock'")
    );
    assert.deepEqual(keys.map((row) => ({ ...row as object })), [{ kind: "lock" }]);
    const known = { fence: 2 ** 52, event: 2 ** 52 + 7 };
    await second.engine.write(undefined, (tx) => tx.startAbove(known));
    const [fence, event] = await second.engine.write(
      undefined,
      (tx) => [tx.nextFence(), tx.nextEvent()],
    );
    assert.deepEqual([fence, event], [2 ** 52 + 1, 2 ** 52 + 8]);
    await second.close();
    assert.deepEqual([...Deno.readDirSync(directory)].map(({ name }) => name), ["fallback"]);
    assert.equal((await Deno.stat(home)).mode! & 0o777, 0o700);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

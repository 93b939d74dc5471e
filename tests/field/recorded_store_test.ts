/**
 * Stores of earlier versions, recorded byte by byte: opened and brought forward, with all that those versions showed.
 * @module
 */
import assert from "node:assert/strict";
import { REDIS_SCHEMA_VERSION } from "../../src/engine/redis/schema.ts";
import { DirectoryStore } from "../../src/open/directory.ts";
import { inspectContent } from "../../src/open/inspect.ts";
import { RedisStore } from "../../src/open/redis.ts";
import { SCHEMA_VERSION } from "../../src/open/schema.ts";
import { Primitives } from "../../src/primitive_clients.ts";
import type { Store } from "../../src/store.ts";
import {
  NAMESPACE,
  partOf,
  readRecording,
  type Recording,
  restoreDirectory,
  restoreRedis,
  viewOf,
} from "../../dev/recorded.ts";
import { freshNamespace, hasRedis, sharedRedis } from "../../dev/redis_server.ts";
import { TestClock } from "../../dev/stores.ts";
import { contextOn } from "../../dev/room_context.ts";

const upTo = (newest: number) => Array.from({ length: newest }, (_, index) => index + 1);
/** No program wrote version 2 of a directory: what it brought forward was changed together with version 3. */
const DIRECTORIES = upTo(SCHEMA_VERSION).filter((version) => version !== 2);

/** A clock that stands where the recording was looked at. */
function clockOf({ viewedAtMs }: Recording): TestClock {
  const clock = new TestClock();
  clock.advance(viewedAtMs - clock.nowMs());
  return clock;
}

/** The store shows what it showed, and goes on: numbers grow, and what was held is held. */
async function checkStore(store: Store, clock: TestClock, { view }: Recording): Promise<void> {
  const as = (name: string) => new Primitives(contextOn(store, clock, name));
  assert.deepEqual(partOf(await viewOf(as), view), view);
  const { tasks, locks, audit } = as("ada");
  const [held] = (await tasks.list({ status: "claimed" })).tasks;
  const { lease } = held!;
  await tasks.renew(held!.id, { fence: lease!.fence, progress: "goes on" });
  const before = (await locks.list()).map(({ fence }) => fence);
  const [lock] = await locks.acquire("new.py");
  assert.ok(lock!.fence > Math.max(lease!.fence, ...before));
  await assert.rejects(as("bob").locks.acquire("src/a.py"), /held by "ada"/);
  const [claimed] = await tasks.claim();
  const done = await tasks.complete(claimed!.id, { result: 1 });
  assert.deepEqual([done.status, done.payload], ["completed", claimed!.payload]);
  const entry = await audit.log({ decisionType: "t", context: "c", reason: "r" });
  assert.ok((await audit.verify()).ok);
  assert.equal((await audit.list()).entries.at(-1)!.id, entry.id);
}

for (const version of DIRECTORIES) {
  Deno.test(`directory store of version ${version} comes forward with all it holds`, async () => {
    const recording = await readRecording(`directory_${version}`);
    const directory = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
    try {
      await restoreDirectory(directory, recording);
      assert.equal(inspectContent(directory, NAMESPACE).schema, version);
      const clock = clockOf(recording);
      const options = { namespace: NAMESPACE, durability: "normal", clock } as const;
      const store = await DirectoryStore.open(directory, options);
      try {
        await checkStore(store, clock, recording);
      } finally {
        await store.close();
      }
      const { schema, integrity } = inspectContent(directory, NAMESPACE);
      assert.deepEqual([schema, integrity], [SCHEMA_VERSION, "ok"]);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  });
}

for (const version of upTo(REDIS_SCHEMA_VERSION)) {
  Deno.test({
    name: `Redis store of version ${version} comes forward with all it holds`,
    ignore: !hasRedis(),
    async fn() {
      const recording = await readRecording(`redis_${version}`);
      const { url } = await sharedRedis();
      const namespace = freshNamespace();
      const clock = clockOf(recording);
      const store = await RedisStore.open(url, { namespace, nowMs: clock.nowMs });
      try {
        const { client } = store.connection;
        await restoreRedis(
          (command, ...args) => client.call(command, ...args),
          namespace,
          recording,
        );
        await checkStore(store, clock, recording);
      } finally {
        await store.close();
      }
    },
  });
}

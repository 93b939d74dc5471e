/**
 * Followers of events and of the audit log across a change between Redis and the directory that stands in.
 * @module
 */
import assert from "node:assert/strict";
import { draftEntry } from "../../../src/audit/entry.ts";
import { DirectoryAuditTransfer } from "../../../src/audit/directory/transfer.ts";
import { RedisAuditTransfer } from "../../../src/audit/redis/transfer.ts";
import { DirectoryEventTransfer } from "../../../src/event/directory/transfer.ts";
import { RedisEventTransfer } from "../../../src/event/redis/transfer.ts";
import { sequenceOf } from "../../../src/id.ts";
import { FollowedAudit, FollowedEvents } from "../../../src/open/failover/followed.ts";
import { type OutageBench, outageTest, PORTION } from "../../support/outage.ts";

type Side = "redis" | "directory";

const isOlder = () => true;

async function log({ directory, redis }: OutageBench, side: Side): Promise<string> {
  const text = { agent: "ada", decisionType: "deployment", context: "c", reason: "r", refs: [] };
  const store = await (side === "redis" ? redis : directory).audit();
  const actor = { name: "ada", host: "mill" };
  return (await store.append(actor, await draftEntry(text), undefined)).id;
}

async function failBack({ directory, redis }: OutageBench): Promise<void> {
  const entries = new DirectoryAuditTransfer(directory.engine);
  const audit = await entries.changed(PORTION);
  await new RedisAuditTransfer(redis.runner).take(audit.records);
  const stream = new DirectoryEventTransfer(directory.engine);
  const events = await stream.changed(PORTION);
  await new RedisEventTransfer(redis.runner).take(events.records, { last: true });
}

/** Reads what there is, two at a time; answers which audit entries the events tell of. */
function eventFollower(bench: OutageBench, followed: FollowedEvents, start: string) {
  const follower = {};
  let cursor = start;
  return async (side: Side, most = Infinity): Promise<string[]> => {
    const store = await (side === "redis" ? bench.redis : bench.directory).events();
    const subjects: string[] = [];
    while (subjects.length < most) {
      const after = { id: cursor, seq: sequenceOf("evt", cursor)! };
      const query = { after, limit: 2, type: "audit.logged", follower } as const;
      // An answer may be thrown away, and the read made again.
      await followed[side === "redis" ? "onRedis" : "onDirectory"](store, query, isOlder);
      const answer = await followed[side === "redis" ? "onRedis" : "onDirectory"](
        store,
        query,
        isOlder,
      );
      assert.ok(answer.kind === "read");
      cursor = answer.cursor;
      subjects.push(...answer.events.map(({ subject }) => subject));
      if (answer.events.length === 0) break;
    }
    return subjects;
  };
}

/** Reads what there is, two at a time. */
function auditFollower(bench: OutageBench, followed: FollowedAudit, start: string | undefined) {
  const follower = {};
  let after = start;
  return async (side: Side, most = Infinity): Promise<string[]> => {
    const store = await (side === "redis" ? bench.redis : bench.directory).audit();
    const ids: string[] = [];
    while (ids.length < most) {
      const query = { limit: 2, follower, ...(after === undefined ? {} : { after }) };
      await followed[side === "redis" ? "onRedis" : "onDirectory"](store, query, isOlder);
      const answer = await followed[side === "redis" ? "onRedis" : "onDirectory"](
        store,
        query,
        isOlder,
      );
      assert.ok(answer !== undefined);
      after = answer.after;
      ids.push(...answer.entries.map(({ id }) => id));
      if (answer.entries.length === 0) break;
    }
    return ids;
  };
}

outageTest("followers miss nothing and repeat nothing across an outage", async (bench) => {
  const { redis, clock } = bench;
  const first = await log(bench, "redis");
  const events = new FollowedEvents(() => 0);
  const audit = new FollowedAudit(() => 0);
  const start = await (await redis.events()).end();
  const followers = [eventFollower(bench, events, start), auditFollower(bench, audit, first)];
  const slow = [eventFollower(bench, events, start), auditFollower(bench, audit, first)];
  const read = [await log(bench, "redis"), await log(bench, "redis")];
  for (const follow of followers) assert.deepEqual(await follow("redis"), read);
  const unread: string[] = [];
  for (let count = 0; count < 3; count++) unread.push(await log(bench, "redis"));
  clock.advance(10);
  for (const follow of [...followers, ...slow]) assert.deepEqual(await follow("directory"), []);
  const told: string[] = [];
  for (let count = 0; count < 5; count++) told.push(await log(bench, "directory"));
  for (const follow of followers) assert.deepEqual(await follow("directory"), told);
  for (const follow of slow) assert.deepEqual(await follow("directory", 2), told.slice(0, 2));
  clock.advance(10);
  // A late call, and then what happens after the outage.
  const late = await log(bench, "redis");
  clock.advance(10);
  await failBack(bench);
  const after = await log(bench, "redis");
  const [byEvents, byAudit] = followers;
  assert.deepEqual(await byEvents!("redis"), [...unread, late, after]);
  assert.deepEqual(await byAudit!("redis"), [...unread, late, after]);
  const [slowEvents, slowAudit] = slow;
  const rest = told.slice(2);
  assert.deepEqual(await slowEvents!("redis"), [...read, ...unread, ...rest, late, after]);
  assert.deepEqual(await slowAudit!("redis"), [...read, ...unread, late, ...rest, after]);
  const newest = await log(bench, "redis");
  for (const follow of [...followers, ...slow]) assert.deepEqual(await follow("redis"), [newest]);
});

outageTest(
  "follower of the audit log is told once of what lies just before an outage that ends the log",
  async (bench) => {
    const { clock } = bench;
    const first = await log(bench, "redis");
    const follow = auditFollower(bench, new FollowedAudit(() => 0), first);
    const unread = await log(bench, "redis");
    clock.advance(10);
    const told = await log(bench, "directory");
    assert.deepEqual(await follow("directory"), [told]);
    clock.advance(10);
    await failBack(bench);
    // One read finds the unread entry and, behind it, what was told already.
    assert.deepEqual(await follow("redis", 3), [unread]);
    const newest = await log(bench, "redis");
    assert.deepEqual(await follow("redis"), [newest]);
  },
);

outageTest("follower that begins in an outage reads what comes from then on", async (bench) => {
  const { directory, clock } = bench;
  await log(bench, "redis");
  const followed = new FollowedEvents(() => 0);
  clock.advance(10);
  await log(bench, "directory");
  const end = await (await directory.events()).end();
  const early = eventFollower(bench, followed, end);
  const late = eventFollower(bench, followed, end);
  assert.deepEqual(await early("directory"), []);
  clock.advance(10);
  const told = await log(bench, "directory");
  assert.deepEqual(await early("directory"), [told]);
  await failBack(bench);
  const after = await log(bench, "redis");
  assert.deepEqual(await early("redis"), [after]);
  assert.deepEqual(await late("redis"), [told, after]);
});

outageTest(
  "follower that slept through the outage that emptied the server goes on",
  async (bench) => {
    const { raw, redis, clock } = bench;
    const first = await log(bench, "redis");
    let epoch = 1;
    const start = await (await redis.events()).end();
    const followers = [
      eventFollower(bench, new FollowedEvents(() => epoch), start),
      auditFollower(bench, new FollowedAudit(() => epoch), first),
    ];
    const seen = await log(bench, "redis");
    for (const follow of followers) assert.deepEqual(await follow("redis"), [seen]);
    clock.advance(10);
    const told = await log(bench, "directory");
    clock.advance(10);
    await raw("DEL", ...await raw("KEYS", ":*") as string[]);
    await failBack(bench);
    const after = await log(bench, "redis");
    for (const follow of followers) await assert.rejects(follow("redis"), "no outage was between");
    epoch = 3;
    for (const follow of followers) assert.deepEqual(await follow("redis"), [told, after]);
    const newest = await log(bench, "redis");
    for (const follow of followers) assert.deepEqual(await follow("redis"), [newest]);
  },
);

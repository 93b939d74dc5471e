/**
 * What people are shown of the records that wait to be moved back to the server.
 * @module
 */
import assert from "node:assert/strict";
import { Agents } from "../../../src/agent/agent.ts";
import { Approvals } from "../../../src/approval/approval.ts";
import { Audit } from "../../../src/audit/audit.ts";
import { Board } from "../../../src/board/board.ts";
import { systemClock } from "../../../src/clock.ts";
import { Locks } from "../../../src/lock/lock.ts";
import type { Store } from "../../../src/store.ts";
import { Tasks } from "../../../src/task/task.ts";
import { contextOn as surroundings } from "../../../dev/room_context.ts";
import { hasRedis } from "../../../dev/redis_server.ts";
import { type Sites, until, withSites } from "../../../dev/site.ts";

const contextOn = (store: Store, agent = "ada") => surroundings(store, systemClock, agent);

function sitesTest(name: string, body: (sites: Sites) => Promise<void>): void {
  Deno.test({ name, ignore: !hasRedis(), fn: () => withSites(body) });
}

const NOTHING = { records: [], total: 0, counts: {}, carried: 0 };

sitesTest(
  "the journal is empty while the server decides, and right after it was lost",
  async ({ server, site }) => {
    const store = await (await site()).open();
    assert.deepEqual(await store.journal(100), NOTHING);
    const locks = new Locks(contextOn(store));
    await locks.acquire("a.py");
    const tasks = new Tasks(contextOn(store));
    await tasks.create([{ title: "on the server" }]);
    await tasks.claim();
    assert.deepEqual(await store.journal(100), NOTHING);
    await server.kill();
    await locks.list();
    assert.equal((await store.authority()).store, "directory");
    assert.deepEqual(await store.journal(100), { ...NOTHING, carried: 2 });
  },
);

sitesTest(
  "the journal names what every room has changed, and since when",
  async ({ server, site }) => {
    const store = await (await site()).open();
    const context = contextOn(store);
    const [locks, tasks, board] = [new Locks(context), new Tasks(context), new Board(context)];
    await locks.acquire("before.py");
    await server.kill();
    const startMs = Date.now();
    await new Agents(context).register({ name: "ada" });
    await locks.acquire("a.py");
    await locks.release("before.py");
    const [task, gone] = await tasks.create([{ title: "one" }, { title: "two" }]);
    await tasks.cancel(gone!.id);
    await tasks.prune({ olderThanMs: 0 });
    const thread = await board.post({ title: "hello", message: "there" });
    await board.reply(thread.id, { message: "again" });
    const [reply] = (await board.show(thread.id)).replies ?? [];
    const approval = await new Approvals(context).request({
      actionType: "deploy",
      description: "now",
    });
    const entry = await new Audit(context).log({ decisionType: "t", context: "c", reason: "r" });
    const { records, total, counts } = await store.journal(100);
    assert.deepEqual(
      new Set(records.map(({ kind, id, change }) => `${kind} ${id} ${change}`)),
      new Set([
        "agent ada changed",
        "lock a.py changed",
        "lock before.py removed",
        `task ${task!.id} changed`,
        `task ${gone!.id} removed`,
        `thread ${thread.id} changed`,
        `message ${reply!.id} changed`,
        `approval ${approval.id} changed`,
        `audit ${entry.id} changed`,
      ]),
    );
    assert.equal(total, 9);
    assert.deepEqual(counts, {
      agent: 1,
      approval: 1,
      audit: 1,
      lock: 2,
      message: 1,
      task: 2,
      thread: 1,
    });
    for (const { sinceMs } of records) {
      assert.ok(sinceMs >= startMs && sinceMs <= Date.now(), String(sinceMs));
    }
    const { records: oldest, total: all } = await store.journal(2);
    assert.deepEqual(oldest, records.slice(0, 2));
    assert.equal(all, 9);
    await server.restart();
    await until("Redis has the authority", async () => {
      await locks.list();
      return (await store.authority()).store === "redis";
    });
    assert.deepEqual(await store.journal(100), NOTHING);
  },
);

import assert from "node:assert/strict";
import { command } from "../../commands/status.ts";
import { LazyStore } from "../../src/open/lazy.ts";
import { DirectoryStore } from "../../src/open/directory.ts";
import type { AuthorityStatus, Store } from "../../src/store.ts";
import { viewOf } from "../../src/cli/output.ts";
import { systemClock } from "../../src/clock.ts";
import { contextOn } from "../../dev/room_context.ts";
import type { Cli } from "../../src/cli/command.ts";
import { withProject } from "../support/cli.ts";
import { transcript } from "../support/golden.ts";

const file = import.meta.url;

Deno.test("status of an empty and of a busy project, for people and for programs", () =>
  withProject(async (dir) => {
    await transcript(
      dir,
      String.raw`
$ status
store  directory DIR/.agentcoord
namespace  default
authority  directory, epoch 0
agents  none
locks  none
tasks  none
threads  none
approvals  none
audit log  none
$ status --json
{
  "schemaVersion": 1,
  "ok": true,
  "data": {
    "authority": {"store":"directory","epoch":0},
    "store": {"kind":"directory","location":"DIR/.agentcoord"},
    "namespace": "default",
    "agents": {"active":0,"idle":0,"blocked":0,"hung":0,"gone":0},
    "locks": 0,
    "tasks": {"scheduled":0,"blocked":0,"pending":0,"claimed":0,"completed":0,"dead":0,"cancelled":0},
    "threads": 0,
    "approvals": 0,
    "audit": 0
  },
  "warnings": []
}
ada$ agent register --name ada --quiet
ada
bob$ agent register --name bob --quiet
bob
bob$ agent heartbeat --status blocked --quiet
bob
cy$ agent register --name cy --quiet
cy
cy$ agent deregister --quiet
ada$ lock acquire src/a.py src/b.py --quiet
src/a.py
src/b.py
bob$ lock acquire lib/ --quiet
lib
ada$ task add one --quiet
tsk_1
ada$ task add two --depends-on tsk_1 --quiet
tsk_2
ada$ task add three --not-before +1h --quiet
tsk_3
bob$ task claim --quiet
tsk_1
ada$ task add four --max-attempts 1 --priority 9 --quiet
tsk_4
ada$ task claim --quiet
tsk_4
ada$ task fail tsk_4 --error broken --quiet
tsk_4
ada$ board post Plan --message Hello --quiet
thr_1
ada$ board post Done --message Bye --quiet
thr_2
ada$ board resolve thr_2 --quiet
thr_2
ada$ approval request deploy --description 'to production' --quiet
apr_1
ada$ approval request deploy --description 'to staging' --quiet
apr_2
bob$ approve apr_2 --quiet
apr_2
ada$ audit log deployment --context green --reason asked --quiet
aud_1
$ status
store  directory DIR/.agentcoord
namespace  default
authority  directory, epoch 0
agents  1 active, 1 blocked, 1 gone
locks  3 held
tasks  1 scheduled, 1 blocked, 1 claimed, 1 dead
threads  1 open
approvals  1 pending
audit log  1 entry
$ status --json
{
  "schemaVersion": 1,
  "ok": true,
  "data": {
    "authority": {"store":"directory","epoch":0},
    "store": {"kind":"directory","location":"DIR/.agentcoord"},
    "namespace": "default",
    "agents": {"active":1,"idle":0,"blocked":1,"hung":0,"gone":1},
    "locks": 3,
    "tasks": {"scheduled":1,"blocked":1,"pending":0,"claimed":1,"completed":0,"dead":1,"cancelled":0},
    "threads": 1,
    "approvals": 1,
    "audit": 1
  },
  "warnings": []
}
`,
      { file },
    );
  }));

/** What status says where `kind` is the store and this is its record. */
async function statusOf(dir: string, authority: AuthorityStatus, total = 0) {
  const directory = await DirectoryStore.open(`${dir}/state`, {
    namespace: "default",
    durability: "normal",
    clock: systemClock,
  });
  // As a server that has a record of who decides; all else it answers as the directory does.
  const server: Store = new Proxy<Store>(directory, {
    get: (target, name) => {
      if (name === "authority") return () => Promise.resolve(authority);
      if (name === "journal") {
        return () => Promise.resolve({ records: [], total, counts: {}, carried: 0 });
      }
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const place = { kind: "redis", location: "redis://db" } as const;
  const store = new LazyStore(place, () => Promise.resolve(server));
  const view = viewOf(false, {}, () => 80, 1_000_000);
  try {
    const data = await command.run({
      context: () => Promise.resolve(contextOn(store, systemClock)),
      config: () => Promise.resolve({ namespace: "default" }),
    } as unknown as Cli, {});
    const text = await command.text(data, view);
    const [first] = text.split("\n");
    return { authority: data.authority, first, line: /^authority +(.*)$/m.exec(text)![1] };
  } finally {
    await store.close();
  }
}

const UNCOUNTED =
  "What else the server has (threads, approvals, audit entries) is not counted here.";

Deno.test("status says which store decides in a site, since when and why", () =>
  withProject(async (dir) => {
    const decided = {
      store: "directory",
      epoch: 4,
      sinceMs: 700_000,
      reason: "refused",
      others: [],
    } as const;
    assert.deepEqual(await statusOf(dir, decided), {
      authority: { ...decided, journal: 0 },
      first: "The directory stands in for redis://db for 5m (refused); nothing waits to be " +
        "moved back; open tasks on the server are out of reach. " + UNCOUNTED,
      line: "directory, epoch 4",
    });
    for (
      const [total, tasks, says] of [
        [1, 1, "1 record waits to be moved back; 1 open task is out of reach."],
        [12, 40, "12 records wait to be moved back; 40 open tasks are out of reach."],
        [12, 0, "12 records wait to be moved back; no open task is out of reach."],
      ] as const
    ) {
      const unreachable = { tasks, countedAtMs: 650_000 };
      const { authority, first } = await statusOf(dir, { ...decided, unreachable }, total);
      assert.deepEqual(authority, { ...decided, journal: total, unreachable });
      assert.equal(
        first,
        `The directory stands in for redis://db for 5m (refused); ${says} ${UNCOUNTED}`,
      );
    }
    const shared = {
      ...decided,
      store: "redis",
      others: [{ site: "none:elsewhere", lastSeenMs: 1 }],
    } as const;
    assert.deepEqual(await statusOf(dir, shared), {
      authority: shared,
      first: "store      redis redis://db",
      line: "redis, epoch 4, other sites: 1",
    });
  }));

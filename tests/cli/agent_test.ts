/**
 * Everything the agent commands and `hung` print, and the code they leave with. Long, because it
 * is the output itself.
 */
import { DatabaseSync } from "node:sqlite";
import { cli, withProject } from "../support/cli.ts";
import { assertAligned, transcript } from "../support/golden.ts";

const FILE = { file: import.meta.url };

/** Lets time pass since these were heard. */
function silence(dir: string, ms: number, ...names: readonly string[]): void {
  const db = new DatabaseSync(`${dir}/.agentcoord/namespaces/default/store.db`, { timeout: 5000 });
  const update = db.prepare(
    "UPDATE agents SET last_heartbeat_at_ms = last_heartbeat_at_ms - ? WHERE name = ?",
  );
  for (const name of names) update.run(ms, name);
  db.close();
}

Deno.test("agent commands print what they did, and why not", () =>
  withProject(async (dir) => {
    await transcript(
      dir,
      String.raw`
$ agents
No agents.
$ hung
Nobody is hung.
$ agent register --name ada --role engineer --tags backend,deploy --working-on 'fix login'
ada  active  (engineer backend deploy)
  heard now from HOST; holds 0 locks, 0 tasks
  working on: fix login
$ agent register --name ada
! agentcoord: Cannot register agent "ada": it is in use on "HOST", last heartbeat now; choose another name, take it over (--takeover), or wait 1m
= 3
$ agent register --name ada --takeover --role reviewer --ttl 10m
ada  active  (reviewer backend deploy)
  heard now from HOST; holds 0 locks, 0 tasks
  working on: fix login
bob$ agent register
bob  active
  heard now from HOST; holds 0 locks, 0 tasks
bob$ agent heartbeat --status blocked --working-on 'waiting for review'
bob  blocked
  heard now from HOST; holds 0 locks, 0 tasks
  working on: waiting for review
bob$ agent heartbeat
bob  blocked
  heard now from HOST; holds 0 locks, 0 tasks
  working on: waiting for review
bob$ agent show bob
bob  blocked
  heard now from HOST; holds 0 locks, 0 tasks
  working on: waiting for review
$ agent show ada
ada  active  (reviewer backend deploy)
  heard now from HOST; holds 0 locks, 0 tasks
  working on: fix login
$ agent show nobody
! agentcoord: No agent is named "nobody"; see the list of agents
= 4
cat$ lock acquire a.py b.py
Locked a.py (fence 1), lapses in 5m
Locked b.py (fence 1), lapses in 5m
cat$ task add one
tsk_1  pending  one
cat$ task claim
tsk_1  one
  status: claimed
  priority: 3
  created: by cat now
  attempts: at most 4
  lease: cat, fence 2, lapses in 5m
  attempt 1: cat, under way, began now
$ agent show cat
cat  active
  heard now from HOST; holds 2 locks, 1 task
$ agents
NAME  STATUS  ROLE  TAGS  LOCKS  TASKS  HEARD  WORKING ON
ada  active  reviewer  backend deploy  0  0  now  fix login
bob  blocked  0  0  now  waiting for review
cat  active  2  1  now
$ agents --status blocked
NAME  STATUS  ROLE  TAGS  LOCKS  TASKS  HEARD  WORKING ON
bob  blocked  0  0  now  waiting for review
$ agents --status gone
No agents.
cat$ agent deregister
Gone; released 2 locks and 1 task.
cat$ agent deregister
Gone; released 0 locks and 0 tasks.
nobody$ agent deregister
! agentcoord: No agent is named "nobody"; see the list of agents
= 4
bob$ agent deregister
Gone; released 0 locks and 0 tasks.
$ locks
No locks.
$ tasks
ID  STATUS  PRI  TAGS  HOLDER  TRIES  CHANGED  TITLE
tsk_1  pending  3  0  now  one
$ agents --status gone
NAME  STATUS  ROLE  TAGS  LOCKS  TASKS  HEARD  WORKING ON
bob  gone  0  0  now  waiting for review
cat  gone  0  0  now
ada$ agent prune
NAME  STATUS  ROLE  TAGS  LOCKS  TASKS  HEARD  WORKING ON
cat  gone  0  0  now
bob  gone  0  0  now  waiting for review
ada$ agent prune
Nobody is gone.
$ agents
NAME  STATUS  ROLE  TAGS  LOCKS  TASKS  HEARD  WORKING ON
ada  active  reviewer  backend deploy  0  0  now  fix login
$ agent register
! agentcoord: No acting agent: name one with --agent NAME or AGENTCOORD_AGENT=NAME (in the library: client.session(name))
= 2
$ agent heartbeat
! agentcoord: No acting agent: name one with --agent NAME or AGENTCOORD_AGENT=NAME (in the library: client.session(name))
= 2
$ agent deregister
! agentcoord: No acting agent: name one with --agent NAME or AGENTCOORD_AGENT=NAME (in the library: client.session(name))
= 2
$ agent prune
! agentcoord: No acting agent: name one with --agent NAME or AGENTCOORD_AGENT=NAME (in the library: client.session(name))
= 2
$ agent register --name 'two words'
! agentcoord: Invalid --name "two words": use 1 to 64 of A-Z a-z 0-9 . _ -, and not only dots
= 2
$ agent register --name ada --ttl 1ms
! agentcoord: Invalid --ttl "1ms": use 100ms to 30d
= 2
ada$ agent heartbeat --status happy
! agentcoord: Invalid --status "happy": use active, idle or blocked
= 2
$ hung --threshold 0
! agentcoord: Invalid --threshold "0": use 1s to 30d
= 2
$ agent show 'two words'
! agentcoord: Invalid agent name "two words": use 1 to 64 of A-Z a-z 0-9 . _ -, and not only dots
= 2
`,
      FILE,
    );
  }));

Deno.test("agent commands answer --json with one document, refusals too", () =>
  withProject(async (dir) => {
    await transcript(
      dir,
      String.raw`
$ --json agents
{"schemaVersion":1,"ok":true,"data":[],"warnings":[]}
$ --json agent register --name ada --role engineer --tags backend,deploy --working-on 'fix login'
{
  "schemaVersion": 1,
  "ok": true,
  "data": {
    "id": "agt_1",
    "name": "ada",
    "role": "engineer",
    "workingOn": "fix login",
    "status": "active",
    "tags": ["backend","deploy"],
    "registeredAtMs": AT,
    "lastHeartbeatAtMs": AT,
    "expiresAtMs": AT,
    "host": "HOST",
    "locks": 0,
    "tasks": 0
  },
  "warnings": []
}
$ --json agent register --name ada
{
  "schemaVersion": 1,
  "ok": false,
  "error": {
    "code": "conflict",
    "message": "Cannot register agent \"ada\": it is in use on \"HOST\", last heartbeat now; choose another name, take it over (--takeover), or wait 1m",
    "retryable": true,
    "details": {"name":"ada","host":"HOST","pid":null,"lastHeartbeatAtMs":AT,"expiresAtMs":AT,"ageMs":MS,"remainingMs":MS}
  },
  "warnings": []
}
= 3
ada$ --json agent heartbeat --status idle --working-on ''
{
  "schemaVersion": 1,
  "ok": true,
  "data": {
    "id": "agt_1",
    "name": "ada",
    "role": "engineer",
    "workingOn": "",
    "status": "idle",
    "tags": ["backend","deploy"],
    "registeredAtMs": AT,
    "lastHeartbeatAtMs": AT,
    "expiresAtMs": AT,
    "host": "HOST",
    "locks": 0,
    "tasks": 0
  },
  "warnings": []
}
ada$ --json lock acquire a.py
{
  "schemaVersion": 1,
  "ok": true,
  "data": [{"path":"a.py","mode":"exclusive","holder":"ada","fence":1,"intent":"","acquiredAtMs":AT,"expiresAtMs":AT}],
  "warnings": []
}
ada$ --json agent show ada
{
  "schemaVersion": 1,
  "ok": true,
  "data": {
    "id": "agt_1",
    "name": "ada",
    "role": "engineer",
    "workingOn": "",
    "status": "idle",
    "tags": ["backend","deploy"],
    "registeredAtMs": AT,
    "lastHeartbeatAtMs": AT,
    "expiresAtMs": AT,
    "host": "HOST",
    "locks": 1,
    "tasks": 0
  },
  "warnings": []
}
$ --json agent show nobody
{
  "schemaVersion": 1,
  "ok": false,
  "error": {"code":"not_found","message":"No agent is named \"nobody\"; see the list of agents","retryable":false,"details":{"name":"nobody"}},
  "warnings": []
}
= 4
ada$ --json agents
{
  "schemaVersion": 1,
  "ok": true,
  "data": [
    {
      "id": "agt_1",
      "name": "ada",
      "role": "engineer",
      "workingOn": "",
      "status": "idle",
      "tags": ["backend","deploy"],
      "registeredAtMs": AT,
      "lastHeartbeatAtMs": AT,
      "expiresAtMs": AT,
      "host": "HOST",
      "locks": 1,
      "tasks": 0
    }
  ],
  "warnings": []
}
ada$ --json agent deregister
{"schemaVersion":1,"ok":true,"data":{"released":{"locks":1,"tasks":0}},"warnings":[]}
nobody$ --json agent deregister
{
  "schemaVersion": 1,
  "ok": false,
  "error": {"code":"not_found","message":"No agent is named \"nobody\"; see the list of agents","retryable":false,"details":{"name":"nobody"}},
  "warnings": []
}
= 4
bob$ --json agent prune
{
  "schemaVersion": 1,
  "ok": true,
  "data": [
    {
      "id": "agt_1",
      "name": "ada",
      "role": "engineer",
      "workingOn": "",
      "status": "gone",
      "tags": ["backend","deploy"],
      "registeredAtMs": AT,
      "lastHeartbeatAtMs": AT,
      "expiresAtMs": AT,
      "host": "HOST",
      "locks": 0,
      "tasks": 0
    }
  ],
  "warnings": []
}
bob$ --json agent prune
{"schemaVersion":1,"ok":true,"data":[],"warnings":[]}
$ --json agent heartbeat
{
  "schemaVersion": 1,
  "ok": false,
  "error": {
    "code": "invalid_argument",
    "message": "No acting agent: name one with --agent NAME or AGENTCOORD_AGENT=NAME (in the library: client.session(name))",
    "retryable": false,
    "details": {"field":"agent"}
  },
  "warnings": []
}
= 2
`,
      FILE,
    );
  }));

Deno.test("agent commands with --quiet print names only", () =>
  withProject(async (dir) => {
    await transcript(
      dir,
      String.raw`
$ -q agent register --name ada
ada
bob$ -q agent heartbeat
bob
$ -q agents
ada
bob
$ -q agent show bob
bob
bob$ -q agent deregister
ada$ -q agent prune
bob
$ -q hung
`,
      FILE,
    );
  }));

Deno.test("hung names the silent, and with --explain what they hold", () =>
  withProject(async (dir) => {
    await transcript(
      dir,
      String.raw`
ada$ lock acquire src/a.py --intent 'fix login' --ttl 2h
Locked src/a.py (fence 1), lapses in 2h
ada$ -q task add 'Hash passwords'
tsk_1
ada$ -q task claim --lease 2h
tsk_1
bob$ agent heartbeat --working-on 'a nap'
bob  active
  heard now from HOST; holds 0 locks, 0 tasks
  working on: a nap
cat$ -q agent heartbeat
cat
dan$ -q agent heartbeat
dan
$ hung --explain
Nobody is hung.
`,
      FILE,
    );
    silence(dir, 10 * 60_000, "ada");
    silence(dir, 3 * 60_000, "bob");
    silence(dir, 25 * 60 * 60_000, "dan");
    await transcript(
      dir,
      String.raw`
$ hung
NAME  STATUS  ROLE  TAGS  LOCKS  TASKS  HEARD  WORKING ON
ada  hung  1  1  10m ago
$ hung --threshold 120
NAME  STATUS  ROLE  TAGS  LOCKS  TASKS  HEARD  WORKING ON
ada  hung  1  1  10m ago
bob  hung  0  0  3m ago  a nap
$ hung --threshold 2h
Nobody is hung.
$ hung --threshold 1d
NAME  STATUS  ROLE  TAGS  LOCKS  TASKS  HEARD  WORKING ON
dan  hung  0  0  1d1h ago
$ hung --threshold 2m --explain
ada  hung
  heard 10m ago from HOST; holds 1 lock, 1 task
  lock src/a.py (fence 1), taken now, lapses in 2h: fix login
  task tsk_1 "Hash passwords", claimed now
bob  hung
  heard 3m ago from HOST; holds 0 locks, 0 tasks
  working on: a nap
$ -q hung --threshold 2m --explain
ada
bob
$ --json hung --threshold 2m --explain
{
  "schemaVersion": 1,
  "ok": true,
  "data": [
    {
      "id": "agt_1",
      "name": "ada",
      "role": "",
      "workingOn": "",
      "status": "hung",
      "tags": [],
      "registeredAtMs": AT,
      "lastHeartbeatAtMs": AT,
      "expiresAtMs": AT,
      "host": "HOST",
      "locks": 1,
      "tasks": 1,
      "held": {
        "locks": [{"path":"src/a.py","mode":"exclusive","holder":"ada","fence":1,"intent":"fix login","acquiredAtMs":AT,"expiresAtMs":AT}],
        "tasks": [{"id":"tsk_1","title":"Hash passwords","sinceMs":AT}]
      }
    },
    {
      "id": "agt_2",
      "name": "bob",
      "role": "",
      "workingOn": "a nap",
      "status": "hung",
      "tags": [],
      "registeredAtMs": AT,
      "lastHeartbeatAtMs": AT,
      "expiresAtMs": AT,
      "host": "HOST",
      "locks": 0,
      "tasks": 0,
      "held": {"locks":[],"tasks":[]}
    }
  ],
  "warnings": []
}
$ agents
NAME  STATUS  ROLE  TAGS  LOCKS  TASKS  HEARD  WORKING ON
ada  hung  1  1  10m ago
bob  active  0  0  3m ago  a nap
cat  active  0  0  now
dan  gone  0  0  1d1h ago
$ agents --status hung
NAME  STATUS  ROLE  TAGS  LOCKS  TASKS  HEARD  WORKING ON
ada  hung  1  1  10m ago
bob$ -q agent heartbeat
bob
$ hung --threshold 2m
NAME  STATUS  ROLE  TAGS  LOCKS  TASKS  HEARD  WORKING ON
ada  hung  1  1  10m ago
cat$ agent prune
NAME  STATUS  ROLE  TAGS  LOCKS  TASKS  HEARD  WORKING ON
dan  gone  0  0  1d1h ago
`,
      { ...FILE, directoryOnly: true },
    );
  }));

Deno.test("the table of agents is aligned", () =>
  withProject(async (dir) => {
    await cli(dir, ["agent", "register", "--name", "ada", "--working-on", "日本語 and more"]);
    await cli(dir, ["agent", "register", "--name", "a-longer-name", "--role", "engineer"]);
    assertAligned((await cli(dir, ["agents"])).stdout);
  }));

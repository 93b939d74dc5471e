/**
 * Everything the task commands print, and the code they leave with. Long, because it
 * is the output itself.
 */
import assert from "node:assert/strict";
import { cli, cliJson, withProject } from "../support/cli.ts";
import { assertAligned, transcript } from "../support/golden.ts";
import { Running, waiterSeen } from "../support/wrapped.ts";
import { ends } from "../../dev/sleepers.ts";

const FILE = { file: import.meta.url };

Deno.test("task add, claim, renew, complete and release print what they did, and why not", () =>
  withProject(async (dir) => {
    await Deno.writeTextFile(`${dir}/payload.json`, '{"file": "src/auth.ts"}\n');
    await transcript(
      dir,
      String.raw`
$ tasks
No tasks.
$ task counts
scheduled  0
blocked  0
pending  0
claimed  0
completed  0
dead  0
cancelled  0
ada$ task add 'Hash passwords' --description 'use argon2' --priority 8 --tags backend,security --payload @payload.json --max-attempts 2 --lease 10m
tsk_1  pending  Hash passwords
ada$ task add 'Write the release notes' --description - --tags docs --payload - <<<'two\nlines'
! agentcoord: Only one of --description and --payload can be on standard input; name a file with --payload @FILE
= 2
ada$ task add 'Write the release notes' --description - --tags docs <<<'two\nlines'
tsk_2  pending  Write the release notes
ada$ task add 'Rename the table' --payload - --key k1 <<<'[1,null]'
tsk_3  pending  Rename the table
ada$ task add 'Rename it otherwise' --key k1
tsk_3  pending  Rename the table
ada$ task add 'Restart the server' --not-before +2h
tsk_4  scheduled  Restart the server, due in 2h
ada$ task add 'Deploy' --depends-on tsk_1,tsk_2 --priority 9
tsk_5  blocked  Deploy
$ task show tsk_1
tsk_1  Hash passwords
  status: pending
  priority: 8
  tags: backend security
  created: by ada now
  attempts: at most 2
  payload: {"file":"src/auth.ts"}
  | use argon2
$ task show tsk_2
tsk_2  Write the release notes
  status: pending
  priority: 3
  tags: docs
  created: by ada now
  attempts: at most 4
  | two
  | lines
$ task show tsk_5
tsk_5  Deploy
  status: blocked
  priority: 9
  created: by ada now
  depends on: tsk_1 tsk_2
  attempts: at most 4
$ task show tsk_9
! agentcoord: No task "tsk_9"; "task list" shows those there are
= 4
$ tasks
ID  STATUS  PRI  TAGS  HOLDER  TRIES  CHANGED  WAITS  TITLE
tsk_1  pending  8  backend security  0  now  Hash passwords
tsk_2  pending  3  docs  0  now  Write the release notes
tsk_3  pending  3  0  now  Rename the table
tsk_5  blocked  9  0  now  Deploy
tsk_4  scheduled  3  0  now  due in 2h  Restart the server
$ tasks --status pending --tags backend,docs
ID  STATUS  PRI  TAGS  HOLDER  TRIES  CHANGED  TITLE
tsk_1  pending  8  backend security  0  now  Hash passwords
tsk_2  pending  3  docs  0  now  Write the release notes
$ tasks --tags backend,security --match all
ID  STATUS  PRI  TAGS  HOLDER  TRIES  CHANGED  TITLE
tsk_1  pending  8  backend security  0  now  Hash passwords
$ tasks --by bob
No tasks.
bob$ task claim
tsk_1  Hash passwords
  status: claimed
  priority: 8
  tags: backend security
  created: by ada now
  attempts: at most 2
  lease: bob, fence 1, lapses in 10m
  payload: {"file":"src/auth.ts"}
  | use argon2
  attempt 1: bob, under way, began now
bob$ task claim --tags docs,nothing
tsk_2  Write the release notes
  status: claimed
  priority: 3
  tags: docs
  created: by ada now
  attempts: at most 4
  lease: bob, fence 2, lapses in 5m
  | two
  | lines
  attempt 1: bob, under way, began now
cat$ task claim --tags backend
! agentcoord: No pending task with tag "backend" to claim
= 9
cat$ task claim --tags backend,urgent --match all
! agentcoord: No pending task with tags "backend" and "urgent" to claim
= 9
cat$ task claim --tags docs --wait 100ms
! agentcoord: No pending task with tag "docs" to claim after 100ms
= 9
cat$ task claim --count 3 --lease 1h
tsk_3  Rename the table
  status: claimed
  priority: 3
  created: by ada now
  attempts: at most 4
  lease: cat, fence 3, lapses in 1h
  payload: [1,null]
  attempt 1: cat, under way, began now
$ tasks --holder bob
ID  STATUS  PRI  TAGS  HOLDER  TRIES  CHANGED  TITLE
tsk_1  claimed  8  backend security  bob  1  now  Hash passwords
tsk_2  claimed  3  docs  bob  1  now  Write the release notes
bob$ task renew tsk_1
tsk_1  claimed  Hash passwords, fence 1, lapses in 10m
bob$ task renew tsk_1 --progress 'half way' --lease 20m
tsk_1  claimed  Hash passwords, fence 1, lapses in 20m
bob$ task renew tsk_1 --progress - <<<'nearly\nthere'
tsk_1  claimed  Hash passwords, fence 1, lapses in 20m
bob$ task renew tsk_1 --fence 7
! agentcoord: Cannot renew task "tsk_1": "bob" does not hold it under fence 7; it is held by "bob" under fence 1 now
= 5
cat$ task renew tsk_1
! agentcoord: Cannot renew task "tsk_1": "cat" does not hold it; it is held by "bob" under fence 1 now
= 5
cat$ task complete tsk_1
! agentcoord: Cannot complete task "tsk_1": "cat" does not hold it; it is held by "bob" under fence 1 now
= 5
cat$ task fail tsk_1 --error x
! agentcoord: Cannot fail task "tsk_1": "cat" does not hold it; it is held by "bob" under fence 1 now
= 5
cat$ task release tsk_1
! agentcoord: Cannot release task "tsk_1": "cat" does not hold it; it is held by "bob" under fence 1 now
= 5
cat$ task release tsk_9
! agentcoord: No task "tsk_9"; "task list" shows those there are
= 4
bob$ task complete tsk_1 --result '{"commit":"4f2a91c"}' --fence 1
tsk_1  completed  Hash passwords
bob$ task complete tsk_1 --result '{"commit":"4f2a91c"}' --fence 1
tsk_1  completed  Hash passwords
bob$ task renew tsk_1
! agentcoord: Cannot renew task "tsk_1": "bob" does not hold it; it is completed now; its last attempt, by "bob" under fence 1, ended as completed
= 5
$ task show tsk_1
tsk_1  Hash passwords
  status: completed
  priority: 8
  tags: backend security
  created: by ada now
  attempts: at most 2
  payload: {"file":"src/auth.ts"}
  result: {"commit":"4f2a91c"}
  | use argon2
  attempt 1: bob, completed, began now, ended now
  | progress: nearly
  | there
bob$ task release tsk_2 --reason 'no time'
tsk_2  pending  Write the release notes
cat$ task claim --tags docs
tsk_2  Write the release notes
  status: claimed
  priority: 3
  tags: docs
  created: by ada now
  attempts: at most 4
  lease: cat, fence 4, lapses in 5m
  | two
  | lines
  attempt 1: bob, released, began now, ended now
  | reason: no time
  attempt 2: cat, under way, began now
cat$ task release tsk_2 --reason 'rate limit' --not-before +20m
tsk_2  scheduled  Write the release notes, due in 20m
cat$ task claim --tags docs
! agentcoord: No pending task with tag "docs" to claim
= 9
$ task show tsk_2
tsk_2  Write the release notes
  status: scheduled
  priority: 3
  tags: docs
  created: by ada now
  not before: in 20m
  attempts: at most 4
  | two
  | lines
  attempt 1: bob, released, began now, ended now
  | reason: no time
  attempt 2: cat, released, began now, ended now
  | reason: rate limit
cat$ task update tsk_2 --not-before 0
tsk_2  pending  Write the release notes
cat$ -q task claim --tags docs
tsk_2
cat$ task complete tsk_2
tsk_2  completed  Write the release notes
$ task show tsk_5
tsk_5  Deploy
  status: pending
  priority: 9
  created: by ada now
  depends on: tsk_1 tsk_2
  attempts: at most 4
$ task counts
scheduled  1
blocked  0
pending  1
claimed  1
completed  2
dead  0
cancelled  0
`,
      FILE,
    );
  }));

Deno.test("task fail, retry, cancel and update print what they did, and why not", () =>
  withProject(async (dir) => {
    await transcript(
      dir,
      String.raw`
ada$ task add flaky --max-attempts 2 --backoff none
tsk_1  pending  flaky
bob$ task claim
tsk_1  flaky
  status: claimed
  priority: 3
  created: by ada now
  attempts: at most 2
  lease: bob, fence 1, lapses in 5m
  attempt 1: bob, under way, began now
bob$ task fail tsk_1 --error - <<<'tests are red\nall of them'
tsk_1  pending  flaky
cat$ task claim
tsk_1  flaky
  status: claimed
  priority: 3
  created: by ada now
  attempts: at most 2
  lease: cat, fence 2, lapses in 5m
  attempt 1: bob, failed, began now, ended now
  | error: tests are red
  | all of them
  attempt 2: cat, under way, began now
cat$ task fail tsk_1 --error 'still red'
tsk_1  dead  flaky
bob$ task fail tsk_1 --error late
! agentcoord: Cannot fail task "tsk_1": "bob" does not hold it; it is dead now; its last attempt, by "cat" under fence 2, ended as failed
= 5
bob$ task claim
! agentcoord: No pending task to claim
= 9
$ task show tsk_1
tsk_1  flaky
  status: dead
  priority: 3
  created: by ada now
  attempts: at most 2
  attempt 1: bob, failed, began now, ended now
  | error: tests are red
  | all of them
  attempt 2: cat, failed, began now, ended now
  | error: still red
ada$ task cancel tsk_1
! agentcoord: Cannot cancel task "tsk_1": it is dead now; its last attempt, by "cat" under fence 2, ended as failed; there is nothing left to cancel
= 3
ada$ task update tsk_1 --priority 1
! agentcoord: Cannot update task "tsk_1": it is dead now; its last attempt, by "cat" under fence 2, ended as failed; only a task that waits can be changed
= 3
ada$ task retry tsk_1
tsk_1  pending  flaky
ada$ task retry tsk_1
! agentcoord: Cannot retry task "tsk_1": it is pending now; its last attempt, by "cat" under fence 2, ended as failed; only a dead or cancelled task can be retried
= 3
$ tasks
ID  STATUS  PRI  TAGS  HOLDER  TRIES  CHANGED  TITLE
tsk_1  pending  3  0  now  flaky
cat$ task claim
tsk_1  flaky
  status: claimed
  priority: 3
  created: by ada now
  attempts: at most 2
  lease: cat, fence 3, lapses in 5m
  attempt 1: bob, failed, began now, ended now
  | error: tests are red
  | all of them
  attempt 2: cat, failed, began now, ended now
  | error: still red
  attempt 3: cat, under way, began now
cat$ task release tsk_1
tsk_1  pending  flaky
$ tasks
ID  STATUS  PRI  TAGS  HOLDER  TRIES  CHANGED  TITLE
tsk_1  pending  3  0  now  flaky
cat$ task claim
tsk_1  flaky
  status: claimed
  priority: 3
  created: by ada now
  attempts: at most 2
  lease: cat, fence 4, lapses in 5m
  attempt 1: bob, failed, began now, ended now
  | error: tests are red
  | all of them
  attempt 2: cat, failed, began now, ended now
  | error: still red
  attempt 3: cat, released, began now, ended now
  attempt 4: cat, under way, began now
cat$ task fail tsk_1 --error hopeless --no-retry
tsk_1  dead  flaky
ada$ task add slow --backoff linear --backoff-base 5m
tsk_2  pending  slow
bob$ task claim
tsk_2  slow
  status: claimed
  priority: 3
  created: by ada now
  attempts: at most 4
  lease: bob, fence 5, lapses in 5m
  attempt 1: bob, under way, began now
bob$ task fail tsk_2 --error 'not yet'
tsk_2  scheduled  slow, due in 5m
$ task show tsk_2
tsk_2  slow
  status: scheduled
  priority: 3
  created: by ada now
  not before: in 5m
  attempts: at most 4
  attempt 1: bob, failed, began now, ended now
  | error: not yet
ada$ task update tsk_2 --title 'slow one' --description - --priority 9 --tags a,b --payload 1 --max-attempts 7 --lease 1h --backoff none --not-before +0s <<<'text'
tsk_2  pending  slow one
$ task show tsk_2
tsk_2  slow one
  status: pending
  priority: 9
  tags: a b
  created: by ada now
  attempts: at most 7
  payload: 1
  | text
  attempt 1: bob, failed, began now, ended now
  | error: not yet
ada$ task update tsk_2
! agentcoord: Nothing to update: give at least one of title, description, priority, tags, not-before, max-attempts, lease, backoff, payload, paths and shared-paths as an option; see --help
= 2
ada$ task update tsk_2 --backoff-base 5m
! agentcoord: With --backoff-base, say --backoff too
= 2
ada$ task update tsk_2 --no-tags --description ''
tsk_2  pending  slow one
ada$ task update tsk_9 --priority 1
! agentcoord: No task "tsk_9"; "task list" shows those there are
= 4
bob$ task claim
tsk_2  slow one
  status: claimed
  priority: 9
  created: by ada now
  attempts: at most 7
  lease: bob, fence 6, lapses in 1h
  payload: 1
  attempt 1: bob, failed, began now, ended now
  | error: not yet
  attempt 2: bob, under way, began now
ada$ task update tsk_2 --priority 1
! agentcoord: Cannot update task "tsk_2": it is held by "bob" under fence 6 now; only a task that waits can be changed
= 3
ada$ task cancel tsk_2
tsk_2  cancelled  slow one
bob$ task renew tsk_2
! agentcoord: Cannot renew task "tsk_2": "bob" does not hold it; it was cancelled
= 5
ada$ task cancel tsk_2
tsk_2  cancelled  slow one
ada$ task add 'needs the dead' --depends-on tsk_1
tsk_3  blocked  needs the dead, depends on tsk_1, which is dead
ada$ task add 'needs the cancelled' --depends-on tsk_2
tsk_4  blocked  needs the cancelled, depends on tsk_2, which is cancelled
ada$ task add 'needs the blocked' --depends-on tsk_3
tsk_5  blocked  needs the blocked
$ tasks --status blocked
ID  STATUS  PRI  TAGS  HOLDER  TRIES  CHANGED  WAITS  TITLE
tsk_3  blocked  3  0  now  depends on tsk_1, which is dead  needs the dead
tsk_4  blocked  3  0  now  depends on tsk_2, which is cancelled  needs the cancelled
tsk_5  blocked  3  0  now  needs the blocked
$ task show tsk_3
tsk_3  needs the dead
  status: blocked: depends on tsk_1, which is dead
  priority: 3
  created: by ada now
  depends on: tsk_1
  attempts: at most 4
$ task show tsk_4
tsk_4  needs the cancelled
  status: blocked: depends on tsk_2, which is cancelled
  priority: 3
  created: by ada now
  depends on: tsk_2
  attempts: at most 4
$ task show tsk_5
tsk_5  needs the blocked
  status: blocked
  priority: 3
  created: by ada now
  depends on: tsk_3
  attempts: at most 4
ada$ task retry tsk_2
tsk_2  pending  slow one
$ task show tsk_4
tsk_4  needs the cancelled
  status: blocked
  priority: 3
  created: by ada now
  depends on: tsk_2
  attempts: at most 4
ada$ task cancel tsk_9
! agentcoord: No task "tsk_9"; "task list" shows those there are
= 4
ada$ task retry tsk_9
! agentcoord: No task "tsk_9"; "task list" shows those there are
= 4
ada$ task add x --depends-on tsk_9
! agentcoord: Cannot create task "x": it depends on "tsk_9", which is no task
= 4
ada$ task add
! agentcoord: Give the task a title, or name a file with --from FILE
= 2
ada$ task add ''
! agentcoord: Invalid title "": it must not be empty
= 2
$ task add x
! agentcoord: No acting agent: name one with --agent NAME or AGENTCOORD_AGENT=NAME (in the library: client.session(name))
= 2
ada$ task add x --priority 10
! agentcoord: Invalid priority 10: use a whole number from 0 to 9
= 2
ada$ task add x --payload '{'
! agentcoord: Invalid --payload "{": it is not JSON (Expected property name or '}' in JSON at position 1 (line 1 column 2)); quote texts as '"text"', or use @FILE
= 2
ada$ task add x --payload @missing.json
! agentcoord: Cannot read the file "missing.json" of --payload: No such file or directory
= 2
ada$ task add x --not-before yesterday
! agentcoord: Invalid --not-before "yesterday": use a time with a zone such as 2030-01-31T09:00:00Z, a date such as 2030-01-31, epoch milliseconds, or +5m for five minutes from now
= 2
ada$ task fail tsk_2
! agentcoord: Required option '--error <text|->' not specified
= 2
$ tasks --status lost
! agentcoord: Invalid --status "lost": use scheduled, blocked, pending, claimed, completed, dead or cancelled
= 2
$ tasks --cursor nonsense
! agentcoord: Invalid cursor "nonsense": use the nextCursor of an earlier page
= 2
$ task counts
scheduled  0
blocked  3
pending  1
claimed  0
completed  0
dead  1
cancelled  0
`,
      FILE,
    );
  }));

Deno.test("task commands answer --json with one document, refusals too", () =>
  withProject(async (dir) => {
    await transcript(
      dir,
      String.raw`
$ --json tasks
{"schemaVersion":1,"ok":true,"data":[],"warnings":[]}
$ --json task counts
{"schemaVersion":1,"ok":true,"data":{"scheduled":0,"blocked":0,"pending":0,"claimed":0,"completed":0,"dead":0,"cancelled":0},"warnings":[]}
ada$ --json task claim --tags a,b --match all
{
  "schemaVersion": 1,
  "ok": false,
  "error": {
    "code": "nothing_to_claim",
    "message": "No pending task with tags \"a\" and \"b\" to claim",
    "retryable": true,
    "details": {"tags":["a","b"],"match":"all","waitMs":0}
  },
  "warnings": []
}
= 9
ada$ --json task add first --description text --priority 5 --tags a,b --payload '{"n":1}' --max-attempts 2 --backoff none
{
  "schemaVersion": 1,
  "ok": true,
  "data": {
    "id": "tsk_1",
    "title": "first",
    "description": "text",
    "priority": 5,
    "tags": ["a","b"],
    "status": "pending",
    "dependsOn": [],
    "payload": {"n":1},
    "attempts": [],
    "attemptsUsed": 0,
    "maxAttempts": 2,
    "createdBy": "ada",
    "createdAtMs": AT,
    "updatedAtMs": AT
  },
  "warnings": []
}
ada$ --json task add second --depends-on tsk_1 --not-before +1h
{
  "schemaVersion": 1,
  "ok": true,
  "data": {
    "id": "tsk_2",
    "title": "second",
    "description": "",
    "priority": 3,
    "tags": [],
    "status": "blocked",
    "dependsOn": ["tsk_1"],
    "attempts": [],
    "attemptsUsed": 0,
    "maxAttempts": 4,
    "notBeforeMs": AT,
    "createdBy": "ada",
    "createdAtMs": AT,
    "updatedAtMs": AT
  },
  "warnings": []
}
bob$ --json task claim --tags a
{
  "schemaVersion": 1,
  "ok": true,
  "data": [
    {
      "id": "tsk_1",
      "title": "first",
      "description": "text",
      "priority": 5,
      "tags": ["a","b"],
      "status": "claimed",
      "dependsOn": [],
      "payload": {"n":1},
      "attempts": [{"holder":"bob","fence":1,"startedAtMs":AT}],
      "attemptsUsed": 1,
      "maxAttempts": 2,
      "createdBy": "ada",
      "createdAtMs": AT,
      "updatedAtMs": AT,
      "lease": {"holder":"bob","fence":1,"expiresAtMs":AT}
    }
  ],
  "warnings": []
}
bob$ --json task renew tsk_1 --progress 'half way'
{
  "schemaVersion": 1,
  "ok": true,
  "data": {
    "id": "tsk_1",
    "title": "first",
    "description": "text",
    "priority": 5,
    "tags": ["a","b"],
    "status": "claimed",
    "dependsOn": [],
    "payload": {"n":1},
    "attempts": [{"holder":"bob","fence":1,"startedAtMs":AT,"progress":"half way"}],
    "attemptsUsed": 1,
    "maxAttempts": 2,
    "createdBy": "ada",
    "createdAtMs": AT,
    "updatedAtMs": AT,
    "lease": {"holder":"bob","fence":1,"expiresAtMs":AT}
  },
  "warnings": []
}
cat$ --json task complete tsk_1 --fence 1
{
  "schemaVersion": 1,
  "ok": false,
  "error": {
    "code": "lease_lost",
    "message": "Cannot complete task \"tsk_1\": \"cat\" does not hold it under fence 1; it is held by \"bob\" under fence 1 now",
    "retryable": false,
    "details": {"id":"tsk_1","fence":1,"agent":"cat","status":"claimed","cancelled":false,"lease":{"holder":"bob","fence":1,"expiresAtMs":AT}}
  },
  "warnings": []
}
= 5
bob$ --json task fail tsk_1 --error broken
{
  "schemaVersion": 1,
  "ok": true,
  "data": {
    "id": "tsk_1",
    "title": "first",
    "description": "text",
    "priority": 5,
    "tags": ["a","b"],
    "status": "pending",
    "dependsOn": [],
    "payload": {"n":1},
    "attempts": [{"holder":"bob","fence":1,"startedAtMs":AT,"endedAtMs":AT,"outcome":"failed","error":"broken","progress":"half way"}],
    "attemptsUsed": 1,
    "maxAttempts": 2,
    "createdBy": "ada",
    "createdAtMs": AT,
    "updatedAtMs": AT
  },
  "warnings": []
}
bob$ --json task claim --count 5
{
  "schemaVersion": 1,
  "ok": true,
  "data": [
    {
      "id": "tsk_1",
      "title": "first",
      "description": "text",
      "priority": 5,
      "tags": ["a","b"],
      "status": "claimed",
      "dependsOn": [],
      "payload": {"n":1},
      "attempts": [
        {"holder":"bob","fence":1,"startedAtMs":AT,"endedAtMs":AT,"outcome":"failed","error":"broken","progress":"half way"},
        {"holder":"bob","fence":2,"startedAtMs":AT}
      ],
      "attemptsUsed": 2,
      "maxAttempts": 2,
      "createdBy": "ada",
      "createdAtMs": AT,
      "updatedAtMs": AT,
      "lease": {"holder":"bob","fence":2,"expiresAtMs":AT}
    }
  ],
  "warnings": []
}
bob$ --json task release tsk_1 --reason 'no time'
{
  "schemaVersion": 1,
  "ok": true,
  "data": {
    "id": "tsk_1",
    "title": "first",
    "description": "text",
    "priority": 5,
    "tags": ["a","b"],
    "status": "pending",
    "dependsOn": [],
    "payload": {"n":1},
    "attempts": [{"holder":"bob","fence":2,"startedAtMs":AT,"endedAtMs":AT,"outcome":"released","error":"no time"}],
    "attemptsLeftOut": 1,
    "attemptsUsed": 1,
    "maxAttempts": 2,
    "createdBy": "ada",
    "createdAtMs": AT,
    "updatedAtMs": AT
  },
  "warnings": []
}
bob$ --json task claim
{
  "schemaVersion": 1,
  "ok": true,
  "data": [
    {
      "id": "tsk_1",
      "title": "first",
      "description": "text",
      "priority": 5,
      "tags": ["a","b"],
      "status": "claimed",
      "dependsOn": [],
      "payload": {"n":1},
      "attempts": [
        {"holder":"bob","fence":1,"startedAtMs":AT,"endedAtMs":AT,"outcome":"failed","error":"broken","progress":"half way"},
        {"holder":"bob","fence":2,"startedAtMs":AT,"endedAtMs":AT,"outcome":"released","error":"no time"},
        {"holder":"bob","fence":3,"startedAtMs":AT}
      ],
      "attemptsUsed": 2,
      "maxAttempts": 2,
      "createdBy": "ada",
      "createdAtMs": AT,
      "updatedAtMs": AT,
      "lease": {"holder":"bob","fence":3,"expiresAtMs":AT}
    }
  ],
  "warnings": []
}
ada$ --json task update tsk_1 --priority 1
{
  "schemaVersion": 1,
  "ok": false,
  "error": {
    "code": "conflict",
    "message": "Cannot update task \"tsk_1\": it is held by \"bob\" under fence 3 now; only a task that waits can be changed",
    "retryable": false,
    "details": {"id":"tsk_1","status":"claimed","lease":{"holder":"bob","fence":3,"expiresAtMs":AT}}
  },
  "warnings": []
}
= 3
ada$ --json task cancel tsk_1
{
  "schemaVersion": 1,
  "ok": true,
  "data": {
    "id": "tsk_1",
    "title": "first",
    "description": "text",
    "priority": 5,
    "tags": ["a","b"],
    "status": "cancelled",
    "dependsOn": [],
    "payload": {"n":1},
    "attempts": [{"holder":"bob","fence":3,"startedAtMs":AT,"endedAtMs":AT,"outcome":"cancelled"}],
    "attemptsLeftOut": 2,
    "attemptsUsed": 2,
    "maxAttempts": 2,
    "createdBy": "ada",
    "createdAtMs": AT,
    "updatedAtMs": AT
  },
  "warnings": []
}
bob$ --json task renew tsk_1
{
  "schemaVersion": 1,
  "ok": false,
  "error": {
    "code": "lease_lost",
    "message": "Cannot renew task \"tsk_1\": \"bob\" does not hold it; it was cancelled",
    "retryable": false,
    "details": {"id":"tsk_1","fence":null,"agent":"bob","status":"cancelled","cancelled":true,"lease":null}
  },
  "warnings": []
}
= 5
ada$ --json tasks --status blocked
{
  "schemaVersion": 1,
  "ok": true,
  "data": [
    {
      "id": "tsk_2",
      "title": "second",
      "description": "",
      "priority": 3,
      "tags": [],
      "status": "blocked",
      "dependsOn": ["tsk_1"],
      "blockedReason": "depends on tsk_1, which is cancelled",
      "attempts": [],
      "attemptsUsed": 0,
      "maxAttempts": 4,
      "notBeforeMs": AT,
      "createdBy": "ada",
      "createdAtMs": AT,
      "updatedAtMs": AT
    }
  ],
  "warnings": []
}
ada$ --json task retry tsk_1
{
  "schemaVersion": 1,
  "ok": true,
  "data": {
    "id": "tsk_1",
    "title": "first",
    "description": "text",
    "priority": 5,
    "tags": ["a","b"],
    "status": "pending",
    "dependsOn": [],
    "payload": {"n":1},
    "attempts": [{"holder":"bob","fence":3,"startedAtMs":AT,"endedAtMs":AT,"outcome":"cancelled"}],
    "attemptsLeftOut": 2,
    "attemptsUsed": 0,
    "maxAttempts": 2,
    "createdBy": "ada",
    "createdAtMs": AT,
    "updatedAtMs": AT
  },
  "warnings": []
}
ada$ --json task retry tsk_1
{
  "schemaVersion": 1,
  "ok": false,
  "error": {
    "code": "conflict",
    "message": "Cannot retry task \"tsk_1\": it is pending now; its last attempt, by \"bob\" under fence 3, ended as cancelled; only a dead or cancelled task can be retried",
    "retryable": false,
    "details": {"id":"tsk_1","status":"pending","lease":null}
  },
  "warnings": []
}
= 3
ada$ --json task update tsk_1 --priority 9
{
  "schemaVersion": 1,
  "ok": true,
  "data": {
    "id": "tsk_1",
    "title": "first",
    "description": "text",
    "priority": 9,
    "tags": ["a","b"],
    "status": "pending",
    "dependsOn": [],
    "payload": {"n":1},
    "attempts": [{"holder":"bob","fence":3,"startedAtMs":AT,"endedAtMs":AT,"outcome":"cancelled"}],
    "attemptsLeftOut": 2,
    "attemptsUsed": 0,
    "maxAttempts": 2,
    "createdBy": "ada",
    "createdAtMs": AT,
    "updatedAtMs": AT
  },
  "warnings": []
}
bob$ --json task claim
{
  "schemaVersion": 1,
  "ok": true,
  "data": [
    {
      "id": "tsk_1",
      "title": "first",
      "description": "text",
      "priority": 9,
      "tags": ["a","b"],
      "status": "claimed",
      "dependsOn": [],
      "payload": {"n":1},
      "attempts": [
        {"holder":"bob","fence":1,"startedAtMs":AT,"endedAtMs":AT,"outcome":"failed","error":"broken","progress":"half way"},
        {"holder":"bob","fence":2,"startedAtMs":AT,"endedAtMs":AT,"outcome":"released","error":"no time"},
        {"holder":"bob","fence":3,"startedAtMs":AT,"endedAtMs":AT,"outcome":"cancelled"},
        {"holder":"bob","fence":4,"startedAtMs":AT}
      ],
      "attemptsUsed": 1,
      "maxAttempts": 2,
      "createdBy": "ada",
      "createdAtMs": AT,
      "updatedAtMs": AT,
      "lease": {"holder":"bob","fence":4,"expiresAtMs":AT}
    }
  ],
  "warnings": []
}
bob$ --json task complete tsk_1 --result '[1,null]'
{
  "schemaVersion": 1,
  "ok": true,
  "data": {
    "id": "tsk_1",
    "title": "first",
    "description": "text",
    "priority": 9,
    "tags": ["a","b"],
    "status": "completed",
    "dependsOn": [],
    "payload": {"n":1},
    "result": [1,null],
    "attempts": [{"holder":"bob","fence":4,"startedAtMs":AT,"endedAtMs":AT,"outcome":"completed"}],
    "attemptsLeftOut": 3,
    "attemptsUsed": 1,
    "maxAttempts": 2,
    "createdBy": "ada",
    "createdAtMs": AT,
    "updatedAtMs": AT
  },
  "warnings": []
}
$ --json task show tsk_2
{
  "schemaVersion": 1,
  "ok": true,
  "data": {
    "id": "tsk_2",
    "title": "second",
    "description": "",
    "priority": 3,
    "tags": [],
    "status": "scheduled",
    "dependsOn": ["tsk_1"],
    "attempts": [],
    "attemptsUsed": 0,
    "maxAttempts": 4,
    "notBeforeMs": AT,
    "createdBy": "ada",
    "createdAtMs": AT,
    "updatedAtMs": AT
  },
  "warnings": []
}
$ --json task show tsk_9
{
  "schemaVersion": 1,
  "ok": false,
  "error": {"code":"not_found","message":"No task \"tsk_9\"; \"task list\" shows those there are","retryable":false,"details":{"id":"tsk_9"}},
  "warnings": []
}
= 4
ada$ --json task add third --depends-on nonsense
{
  "schemaVersion": 1,
  "ok": false,
  "error": {
    "code": "not_found",
    "message": "Cannot create task \"third\": it depends on \"nonsense\", which is no task",
    "retryable": false,
    "details": {"id":"nonsense","index":0}
  },
  "warnings": []
}
= 4
ada$ --json tasks --status completed
{
  "schemaVersion": 1,
  "ok": true,
  "data": [
    {
      "id": "tsk_1",
      "title": "first",
      "description": "text",
      "priority": 9,
      "tags": ["a","b"],
      "status": "completed",
      "dependsOn": [],
      "payload": {"n":1},
      "result": [1,null],
      "attempts": [{"holder":"bob","fence":4,"startedAtMs":AT,"endedAtMs":AT,"outcome":"completed"}],
      "attemptsLeftOut": 3,
      "attemptsUsed": 1,
      "maxAttempts": 2,
      "createdBy": "ada",
      "createdAtMs": AT,
      "updatedAtMs": AT
    }
  ],
  "warnings": []
}
ada$ --json task update tsk_2
{
  "schemaVersion": 1,
  "ok": false,
  "error": {
    "code": "invalid_argument",
    "message": "Nothing to update: give at least one of title, description, priority, tags, not-before, max-attempts, lease, backoff, payload, paths and shared-paths as an option; see --help",
    "retryable": false,
    "details": {"field":"changes"}
  },
  "warnings": []
}
= 2
$ --json task counts
{"schemaVersion":1,"ok":true,"data":{"scheduled":1,"blocked":0,"pending":0,"claimed":0,"completed":1,"dead":0,"cancelled":0},"warnings":[]}
`,
      FILE,
    );
  }));

Deno.test("task commands with --quiet print identifiers only", () =>
  withProject(async (dir) => {
    await transcript(
      dir,
      String.raw`
ada$ -q task add one
tsk_1
ada$ -q task add --from - <<<'{"title":"two"}\n{"title":"three"}'
tsk_2
tsk_3
$ -q tasks
tsk_1
tsk_2
tsk_3
$ -q tasks --limit 2
tsk_1
tsk_2
! agentcoord: Left out: 1 pending. More: agentcoord -q tasks --limit 2 --cursor stage-7-2
$ -q task show tsk_2
tsk_2
bob$ -q task claim --count 2
tsk_1
tsk_2
bob$ -q task claim --tags none
! agentcoord: No pending task with tag "none" to claim
= 9
bob$ -q task renew tsk_1
tsk_1
bob$ -q task complete tsk_1
tsk_1
bob$ -q task fail tsk_2 --error x
tsk_2
bob$ -q task claim
tsk_3
bob$ -q task release tsk_3
tsk_3
ada$ -q task update tsk_3 --priority 1
tsk_3
ada$ -q task cancel tsk_3
tsk_3
ada$ -q task retry tsk_3
tsk_3
$ -q task counts
`,
      FILE,
    );
  }));

Deno.test("tasks are listed page by page", () =>
  withProject(async (dir) => {
    await transcript(
      dir,
      String.raw`
ada$ task add --from - <<<'{"title":"one"}\n{"title":"two"}\n{"title":"three"}'
tsk_1  pending  one
tsk_2  pending  two
tsk_3  pending  three
$ tasks --limit 2
ID  STATUS  PRI  TAGS  HOLDER  TRIES  CHANGED  TITLE
tsk_1  pending  3  0  now  one
tsk_2  pending  3  0  now  two
! Left out: 1 pending. More: agentcoord tasks --limit 2 --cursor stage-7-2
$ tasks --limit 2 --cursor stage-7-2
ID  STATUS  PRI  TAGS  HOLDER  TRIES  CHANGED  TITLE
tsk_3  pending  3  0  now  three
$ tasks --limit 0
! agentcoord: Invalid limit 0: use a whole number from 1 to 1000
= 2
`,
      FILE,
    );
  }));

Deno.test("task add --from names the bad line and writes nothing", () =>
  withProject(async (dir) => {
    await Deno.writeTextFile(
      `${dir}/tasks.jsonl`,
      `{"title":"build","tags":["ci"],"key":"b1","payload":{"n":1}}\r\n\n{"title":"test","dependsOn":[0],"priority":9}\n` +
        `{"title":"build again","key":"b1"}\n{"title":"ship","dependsOn":[1,0],"notBeforeMs":1}`,
    );
    await transcript(
      dir,
      String.raw`
ada$ task add --from - <<<''
! agentcoord: Invalid --from "-": there is no task in it; give one a line
= 2
ada$ task add --from missing.jsonl
! agentcoord: Cannot read the file "missing.jsonl" of --from: No such file or directory
= 2
ada$ task add --from - <<<'{"title":"a"}\n\n{"title":"b",}\n'
! agentcoord: Invalid line 3 of --from {"title":"b",}: it is not JSON (Expected double-quoted property name in JSON at position 13 (line 1 column 14))
= 2
ada$ task add --from - <<<'{"title":"a"}\n["b"]'
! agentcoord: Invalid line 2 of --from ["b"]: use an object with a title
= 2
ada$ task add --from - <<<'{"title":"a"}\n{"name":"b"}'
! agentcoord: Invalid line 2 of --from {"name":"b"}: unknown field "name"; use title, description, priority, tags, dependsOn, notBeforeMs, maxAttempts, leaseMs, backoff, payload, paths, key
= 2
ada$ task add --from - <<<'{"title":"a"}\n{"description":"b"}'
! agentcoord: Invalid line 2 of --from {"description":"b"}: it needs a title
= 2
ada$ task add --from - <<<'{"title":"a"}\n{"title":"b","priority":10}'
! agentcoord: Line 2 of --from: Invalid priority 10: use a whole number from 0 to 9
= 2
ada$ task add --from - <<<'{"title":"a","tags":"x"}'
! agentcoord: Line 1 of --from: Invalid tags "x": use a list of names
= 2
ada$ task add --from - <<<'{"title":"a"}\n\n{"title":"b","dependsOn":[2]}'
! agentcoord: Line 3 of --from: Invalid dependsOn 2: use the identifier of a task, or its place in the file from 0 to 1
= 2
ada$ task add --from - <<<'{"title":"a","dependsOn":[1]}\n\n{"title":"b","dependsOn":[0]}'
! agentcoord: --from: Invalid dependsOn: line 1 "a" needs line 3 "b" needs line 1 "a"; break the cycle
= 2
ada$ task add --from - <<<'{"title":"a"}\n{"title":"b","dependsOn":["tsk_01JD3ZW5N7X9K2M4P6Q8R0S2T4"]}'
! agentcoord: Line 2 of --from: Cannot create task "b": it depends on "tsk_1", which is no task
= 4
ada$ task add --from - <<<'{"title":"a","dependsOn":["tsk_01JD3ZW5N7X9K2M4P6Q8R0S2T4"]}'
! agentcoord: Line 1 of --from: Cannot create task "a": it depends on "tsk_1", which is no task
= 4
ada$ task add title --from tasks.jsonl
! agentcoord: With --from, titles and options stand in the file's lines
= 2
ada$ task add --from tasks.jsonl --priority 3
! agentcoord: With --from, titles and options stand in the file's lines
= 2
$ task add --from tasks.jsonl
! agentcoord: No acting agent: name one with --agent NAME or AGENTCOORD_AGENT=NAME (in the library: client.session(name))
= 2
$ tasks
No tasks.
ada$ task add --from tasks.jsonl
tsk_2  pending  build
tsk_3  blocked  test
tsk_2  pending  build
tsk_4  blocked  ship
ada$ task add --from tasks.jsonl
tsk_2  pending  build
tsk_5  blocked  test
tsk_2  pending  build
tsk_6  blocked  ship
$ tasks
ID  STATUS  PRI  TAGS  HOLDER  TRIES  CHANGED  TITLE
tsk_2  pending  3  ci  0  now  build
tsk_3  blocked  9  0  now  test
tsk_4  blocked  3  0  now  ship
tsk_5  blocked  9  0  now  test
tsk_6  blocked  3  0  now  ship
`,
      FILE,
    );
  }));

Deno.test("task add --from keeps the order of more than 1000 lines, and finds every mistake first", () =>
  withProject(async (dir) => {
    const lines: { title: string; dependsOn?: (number | string)[]; tags?: string[] }[] = Array
      .from({ length: 2100 }, (_, index) => ({ title: `task ${index}` }));
    const add = (changes: Record<number, Record<string, unknown>>) =>
      cliJson(dir, ["task", "add", "--from", "-"], {
        env: { AGENTCOORD_AGENT: "ada", AGENTCOORD_DURABILITY: "normal" },
        stdin: lines.map((line, index) => JSON.stringify({ ...line, ...changes[index] })).join(
          "\n",
        ),
      });
    const refused = async (changes: Record<number, Record<string, unknown>>, message: string) => {
      const { code, document } = await add(changes);
      assert.equal(document.error?.message, message);
      assert.equal(code, document.error.code === "not_found" ? 4 : 2);
    };
    await refused(
      { 2050: { priority: 10 } },
      "Line 2051 of --from: Invalid priority 10: use a whole number from 0 to 9",
    );
    await refused(
      { 1500: { dependsOn: [2000] } },
      "Line 1501 of --from: Invalid dependsOn 2000: it stands in a later batch (1000 tasks or 8 MiB of texts each); put that task before this one",
    );
    await refused(
      { 1500: { dependsOn: [2100] } },
      "Line 1501 of --from: Invalid dependsOn 2100: use the identifier of a task, or its place in the file from 0 to 2099",
    );
    await refused(
      { 1500: { dependsOn: [1501] }, 1501: { dependsOn: [1500] } },
      '--from: Invalid dependsOn: line 1501 "task 1500" needs line 1502 "task 1501" needs line 1501 "task 1500"; break the cycle',
    );
    await refused(
      { 2099: { dependsOn: [0, "nonsense"] } },
      'Line 2100 of --from: Cannot create task "task 2099": it depends on "nonsense", which is no task',
    );
    const counts = await cliJson(dir, ["task", "counts"]);
    assert.equal(counts.document.data.pending, 0);

    const { code, document } = await add({
      0: { key: "first" },
      999: { dependsOn: [998] },
      1500: { dependsOn: [1400, 3, 1501] },
      2000: { dependsOn: [0, 1500, 1999] },
      2099: { key: "first" },
    });
    assert.equal(code, 0);
    const ids = document.data.map(({ id }: { id: string }) => id);
    assert.deepEqual(
      document.data.map(({ title }: { title: string }) => title),
      [...lines.slice(0, -1).map(({ title }) => title), "task 0"],
    );
    assert.deepEqual(document.data[999].dependsOn, [ids[998]]);
    assert.deepEqual(document.data[1500].dependsOn, [ids[1400], ids[3], ids[1501]]);
    assert.deepEqual(document.data[2000].dependsOn, [ids[0], ids[1500], ids[1999]]);
    assert.equal(ids[2099], ids[0]);
    const last = await cliJson(dir, ["tasks", "--limit", "1", "--cursor", "stage-7-2098"]);
    assert.equal(last.document.data[0].title, "task 2098");
  }));

Deno.test("task claim --wait is woken by a task that another process adds", () =>
  withProject(async (dir) => {
    const waiting = new Running(dir, ["task", "claim", "--tags", "b", "--wait", "1h", "--json"]);
    await waiterSeen(dir);
    const add = ["task", "add", "--from", "-", "--agent", "bob"];
    await cli(dir, add, {
      stdin: '{"title":"other","tags":["a"]}\n{"title":"mine","tags":["b"]}\n',
    });
    const { code, stdout, stderr } = await ends("the claim", waiting.result());
    assert.deepEqual([code, stderr], [0, ""]);
    const { data: [task] } = JSON.parse(stdout);
    assert.deepEqual([task.title, task.lease.holder], ["mine", "ada"]);
  }));

Deno.test("the table of tasks is aligned", () =>
  withProject(async (dir) => {
    const env = { AGENTCOORD_AGENT: "ada" };
    await cli(dir, ["task", "add", "日本語 and more", "--tags", "a,b"], { env });
    await cli(dir, ["task", "add", "second", "--priority", "9", "--not-before", "+1h"], { env });
    await cli(dir, ["task", "claim", "--tags", "a"], { env });
    const { stdout } = await cli(dir, ["tasks"]);
    assertAligned(stdout);
    assert.match(stdout, / {2}日本語 and more\n/);
  }));

Deno.test("tasks with paths are claimed with their locks, and passed over while others hold them", () =>
  withProject(async (dir) => {
    await transcript(
      dir,
      String.raw`
ada$ task add 'Rename login' --paths src/auth,./a.py --shared-paths docs
tsk_1  pending  Rename login
ada$ task add 'Fix login' --paths src/auth/login.py
tsk_2  pending  Fix login
ada$ task update tsk_2 --paths src/auth/login.py,b.py
tsk_2  pending  Fix login
$ task show tsk_2
tsk_2  Fix login
  status: pending
  priority: 3
  created: by ada now
  attempts: at most 4
  paths: src/auth/login.py b.py
ada$ task claim
tsk_1  Rename login
  status: claimed
  priority: 3
  created: by ada now
  attempts: at most 4
  lease: ada, fence 1, lapses in 5m
  paths: src/auth a.py docs (shared)
  attempt 1: ada, under way, began now
bob$ task claim
! agentcoord: No pending task to claim
= 9
$ locks
PATH  HOLDER  MODE  FENCE  HELD  LAPSES  TASK  INTENT
a.py  ada  exclusive  1  now  in 5m  tsk_1  Rename login
docs  ada  shared  1  now  in 5m  tsk_1  Rename login
src/auth  ada  exclusive  1  now  in 5m  tsk_1  Rename login
$ task why tsk_2
tsk_2  pending  Fix login
  its path "src/auth/login.py" is held by "ada" (Rename login, task tsk_1) with the lock on "src/auth", until 5m from now at the latest
$ task why tsk_1
tsk_1  claimed  Rename login
  "ada" has claimed it now, never renewed since, until 5m from now; it has left no note on its progress
$ --json task why tsk_2
{
  "schemaVersion": 1,
  "ok": true,
  "data": {
    "id": "tsk_2",
    "title": "Fix login",
    "status": "pending",
    "reasons": [
      {
        "kind": "path",
        "message": "its path \"src/auth/login.py\" is held by \"ada\" (Rename login, task tsk_1) with the lock on \"src/auth\", until 5m from now at the latest",
        "path": "src/auth/login.py",
        "lease": {
          "path": "src/auth",
          "mode": "exclusive",
          "holder": "ada",
          "fence": 1,
          "intent": "Rename login",
          "acquiredAtMs": AT,
          "expiresAtMs": AT,
          "taskId": "tsk_1"
        }
      }
    ]
  },
  "warnings": []
}
$ -q task why tsk_1
tsk_1
$ task why tsk_9
! agentcoord: No task "tsk_9"; "task list" shows those there are
= 4
$ tasks --status pending
ID  STATUS  PRI  TAGS  HOLDER  TRIES  CHANGED  TITLE
tsk_2  pending  3  0  now  Fix login
bob$ lock acquire src/auth/login.py
! agentcoord: Cannot acquire lock "src/auth/login.py": "src/auth" is held by "ada" (Rename login), free in 5m at the latest
= 3
bob$ lock break a.py --reason urgent
! agentcoord: Cannot break lock "a.py": it is part of the claim of task tsk_1 by "ada"; end that with task cancel; task retry brings the task back
= 3
ada$ lock release a.py
! agentcoord: Cannot release lock "a.py": it is part of the claim of task tsk_1 by "ada"; it ends with that: complete, fail or release the task
= 3
ada$ lock renew a.py
! agentcoord: Cannot renew lock "a.py": it is part of the claim of task tsk_1 by "ada"; renew that with task renew
= 3
ada$ lock check a.py
Yours: a.py (fence 1), lapses in 5m
ada$ task release tsk_1 --not-before +10m
tsk_1  scheduled  Rename login, due in 10m
bob$ -q task claim
tsk_2
$ locks
PATH  HOLDER  MODE  FENCE  HELD  LAPSES  TASK  INTENT
b.py  bob  exclusive  2  now  in 5m  tsk_2  Fix login
src/auth/login.py  bob  exclusive  2  now  in 5m  tsk_2  Fix login
$ --json lock list
{
  "schemaVersion": 1,
  "ok": true,
  "data": [
    {
      "path": "b.py",
      "mode": "exclusive",
      "holder": "bob",
      "fence": 2,
      "intent": "Fix login",
      "acquiredAtMs": AT,
      "expiresAtMs": AT,
      "taskId": "tsk_2"
    },
    {
      "path": "src/auth/login.py",
      "mode": "exclusive",
      "holder": "bob",
      "fence": 2,
      "intent": "Fix login",
      "acquiredAtMs": AT,
      "expiresAtMs": AT,
      "taskId": "tsk_2"
    }
  ],
  "warnings": []
}
bob$ --json task complete tsk_2
{
  "schemaVersion": 1,
  "ok": true,
  "data": {
    "id": "tsk_2",
    "title": "Fix login",
    "description": "",
    "priority": 3,
    "tags": [],
    "status": "completed",
    "dependsOn": [],
    "paths": [{"path":"src/auth/login.py","mode":"exclusive"},{"path":"b.py","mode":"exclusive"}],
    "attempts": [{"holder":"bob","fence":2,"startedAtMs":AT,"endedAtMs":AT,"outcome":"completed"}],
    "attemptsUsed": 1,
    "maxAttempts": 4,
    "createdBy": "ada",
    "createdAtMs": AT,
    "updatedAtMs": AT
  },
  "warnings": []
}
`,
      FILE,
    );
  }));

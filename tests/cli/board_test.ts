/**
 * Everything the board and inbox commands print, and the code they leave with. Long, because it
 * is the output itself.
 */
import assert from "node:assert/strict";
import { cli, withProject } from "../support/cli.ts";
import { assertAligned, transcript } from "../support/golden.ts";
import { Running, waiterSeen } from "../support/wrapped.ts";
import { ends } from "../../dev/sleepers.ts";

const FILE = { file: import.meta.url };

Deno.test("board and inbox commands print what they did, and why not", () =>
  withProject(async (dir) => {
    await transcript(
      dir,
      String.raw`
$ board
No threads.
dan$ -q agent register
dan
bob$ inbox
Nothing unread.
! agentcoord: warning: No agent is named "bob" yet; with "agentcoord agent register" it also gets what goes to everybody
ada$ board post 'Review please' --message '@bob see src/auth.ts' --tags review,auth
thr_1  Review please
  active, normal priority; tags review auth
  ada, now
  | @bob see src/auth.ts
ada$ board post 'Deployment complete' --message - --priority high --to bob,cat <<<'version 1.4.2\nno errors'
thr_2  Deployment complete
  active, high priority; to bob cat
  ada, now
  | version 1.4.2
  | no errors
ada$ board post 'Deployment complete' --key k1
thr_3  Deployment complete
  active, normal priority
  ada, now
ada$ board post 'Deployed again' --key k1
thr_3  Deployment complete
  active, normal priority
  ada, now
bob$ inbox
thr_1  Review please (mention)
  ada, now  msg_1
  | @bob see src/auth.ts
! thr_2  Deployment complete (direct)
  ada, now  msg_2
  | version 1.4.2
  | no errors
cat$ inbox
! thr_2  Deployment complete (direct)
  ada, now  msg_2
  | version 1.4.2
  | no errors
dan$ inbox
! thr_2  Deployment complete (high priority)
  ada, now  msg_2
  | version 1.4.2
  | no errors
ada$ inbox
Nothing unread.
bob$ board reply thr_1 --message 'looks good'
thr_1  Review please
  active, normal priority; tags review auth
  ada, now
  | @bob see src/auth.ts
  bob, now  msg_3
  | looks good
cat$ board reply thr_1 --message - --to bob --status waiting --key r1 <<<'one question:\nwhy?'
thr_1  Review please
  waiting, normal priority; tags review auth
  ada, now
  | @bob see src/auth.ts
  … 1 more reply
  cat, now  msg_4
  | one question:
  | why?
cat$ board reply thr_1 --message again --to bob --key r1
thr_1  Review please
  waiting, normal priority; tags review auth
  ada, now
  | @bob see src/auth.ts
  … 1 more reply
  cat, now  msg_4
  | one question:
  | why?
$ board show thr_1
thr_1  Review please
  waiting, normal priority; tags review auth
  ada, now
  | @bob see src/auth.ts
  bob, now  msg_3
  | looks good
  cat, now  msg_4
  | one question:
  | why?
$ board show thr_1 --limit 1
thr_1  Review please
  waiting, normal priority; tags review auth
  ada, now
  | @bob see src/auth.ts
  … 1 more reply
  cat, now  msg_4
  | one question:
  | why?
! Older replies: --cursor msg_4
$ board show thr_1 --limit 1 --cursor msg_4
thr_1  Review please
  waiting, normal priority; tags review auth
  ada, now
  | @bob see src/auth.ts
  … 1 more reply
  bob, now  msg_3
  | looks good
$ board show thr_1 --cursor msg_2
! agentcoord: Invalid cursor "msg_2": no reply of this thread has this identifier
= 2
$ board show thr_9
! agentcoord: No thread "thr_9"; see the threads there are with list
= 4
ada$ inbox
thr_1  Review please (reply)
  bob, now  msg_3
  | looks good
thr_1  Review please (reply)
  cat, now  msg_4
  | one question:
  | why?
bob$ inbox --limit 1 --ack
thr_1  Review please (mention)
  ada, now  msg_1
  | @bob see src/auth.ts
! There may be more: call it again
bob$ inbox
! thr_2  Deployment complete (direct)
  ada, now  msg_2
  | version 1.4.2
  | no errors
thr_1  Review please (direct)
  cat, now  msg_4
  | one question:
  | why?
bob$ inbox ack msg_3
Read up to msg_3.
bob$ inbox
thr_1  Review please (direct)
  cat, now  msg_4
  | one question:
  | why?
bob$ inbox ack
Everything is read.
bob$ inbox
Nothing unread.
bob$ inbox ack msg_9
! agentcoord: No message "msg_9"; take its id from the inbox
= 4
bob$ inbox wait --timeout 100ms
! agentcoord: No message for "bob" came within 100ms
= 6
ada$ inbox wait --ack
thr_1  Review please (reply)
  bob, now  msg_3
  | looks good
thr_1  Review please (reply)
  cat, now  msg_4
  | one question:
  | why?
ada$ inbox
Nothing unread.
$ board
ID  STATUS  PRIORITY  AUTHOR  REPLIES  CHANGED  TITLE
thr_3  active  normal  ada  0  now  Deployment complete
thr_2  active  high  ada  0  now  Deployment complete
thr_1  waiting  normal  ada  2  now  Review please
$ board list --status waiting
ID  STATUS  PRIORITY  AUTHOR  REPLIES  CHANGED  TITLE
thr_1  waiting  normal  ada  2  now  Review please
$ board list --tags auth
ID  STATUS  PRIORITY  AUTHOR  REPLIES  CHANGED  TITLE
thr_1  waiting  normal  ada  2  now  Review please
$ board list --by bob
No threads.
$ board list --limit 1
ID  STATUS  PRIORITY  AUTHOR  REPLIES  CHANGED  TITLE
thr_3  active  normal  ada  0  now  Deployment complete
! More: agentcoord board list --limit 1 --cursor thr_3
$ board search REVIEW auth
ID  STATUS  PRIORITY  AUTHOR  REPLIES  CHANGED  TITLE
thr_1  waiting  normal  ada  2  now  Review please
$ board search src nothing
No threads.
$ board search '!'
! agentcoord: Invalid words "!": give at least one word to look for
= 2
ada$ board resolve thr_1 --message 'done in 1.4.2'
thr_1  Review please
  resolved, normal priority; tags review auth
  ada, now
  | @bob see src/auth.ts
  … 2 more replies
  ada, now  msg_5
  | done in 1.4.2
ada$ board resolve thr_1
thr_1  Review please
  resolved, normal priority; tags review auth
  ada, now
  | @bob see src/auth.ts
  … 3 more replies
ada$ board resolve thr_2
thr_2  Deployment complete
  resolved, high priority; to bob cat
  ada, now
  | version 1.4.2
  | no errors
ada$ board resolve thr_9
! agentcoord: No thread "thr_9"; see the threads there are with list
= 4
bob$ board reply thr_1 --message 'not quite'
thr_1  Review please
  active, normal priority; tags review auth
  ada, now
  | @bob see src/auth.ts
  … 3 more replies
  bob, now  msg_6
  | not quite
bob$ board reply thr_9 --message x
! agentcoord: No thread "thr_9"; see the threads there are with list
= 4
bob$ board reply thr_1
! agentcoord: Required option '--message <text|->' not specified
= 2
bob$ board reply thr_1 --message ''
! agentcoord: Invalid message "": it must not be empty
= 2
bob$ board reply thr_1 --message x --status resolved
! agentcoord: Invalid --status "resolved": use active or waiting
= 2
ada$ board post ''
! agentcoord: Invalid title "": it must not be empty
= 2
ada$ board post x --priority urgent
! agentcoord: Invalid --priority "urgent": use low, normal or high
= 2
ada$ board post x --to 'two words'
! agentcoord: Invalid to "two words": use 1 to 64 of A-Z a-z 0-9 . _ -, and not only dots
= 2
$ board post x
! agentcoord: No acting agent: name one with --agent NAME or AGENTCOORD_AGENT=NAME (in the library: client.session(name))
= 2
$ inbox
! agentcoord: No acting agent: name one with --agent NAME or AGENTCOORD_AGENT=NAME (in the library: client.session(name))
= 2
$ board list --status closed
! agentcoord: Invalid --status "closed": use active, waiting or resolved
= 2
$ board list --cursor nonsense
! agentcoord: Invalid cursor "nonsense": no thread has this identifier
= 2
`,
      FILE,
    );
  }));

Deno.test("board and inbox commands answer --json with one document, refusals too", () =>
  withProject(async (dir) => {
    await transcript(
      dir,
      String.raw`
$ --json board
{"schemaVersion":1,"ok":true,"data":[],"warnings":[]}
bob$ --json inbox
{
  "schemaVersion": 1,
  "ok": true,
  "data": [],
  "warnings": ["No agent is named \"bob\" yet; with \"agentcoord agent register\" it also gets what goes to everybody"]
}
! agentcoord: warning: No agent is named "bob" yet; with "agentcoord agent register" it also gets what goes to everybody
ada$ --json board post 'Review please' --message '@bob see src/auth.ts' --tags review --to cat
{
  "schemaVersion": 1,
  "ok": true,
  "data": {
    "id": "thr_1",
    "title": "Review please",
    "message": "@bob see src/auth.ts",
    "author": "ada",
    "priority": "normal",
    "tags": ["review"],
    "to": ["cat"],
    "status": "active",
    "replyCount": 0,
    "createdAtMs": AT,
    "updatedAtMs": AT
  },
  "warnings": []
}
bob$ --json board reply thr_1 --message 'looks good'
{
  "schemaVersion": 1,
  "ok": true,
  "data": {
    "id": "thr_1",
    "title": "Review please",
    "message": "@bob see src/auth.ts",
    "author": "ada",
    "priority": "normal",
    "tags": ["review"],
    "to": ["cat"],
    "status": "active",
    "replyCount": 1,
    "createdAtMs": AT,
    "updatedAtMs": AT,
    "reply": {"id":"msg_1","author":"bob","message":"looks good","atMs":AT}
  },
  "warnings": []
}
$ --json board show thr_1
{
  "schemaVersion": 1,
  "ok": true,
  "data": {
    "id": "thr_1",
    "title": "Review please",
    "message": "@bob see src/auth.ts",
    "author": "ada",
    "priority": "normal",
    "tags": ["review"],
    "to": ["cat"],
    "status": "active",
    "replyCount": 1,
    "createdAtMs": AT,
    "updatedAtMs": AT,
    "replies": [{"id":"msg_1","author":"bob","message":"looks good","atMs":AT}]
  },
  "warnings": []
}
$ --json board show thr_9
{
  "schemaVersion": 1,
  "ok": false,
  "error": {"code":"not_found","message":"No thread \"thr_9\"; see the threads there are with list","retryable":false,"details":{"id":"thr_9"}},
  "warnings": []
}
= 4
ada$ --json board post second --priority low
{
  "schemaVersion": 1,
  "ok": true,
  "data": {
    "id": "thr_2",
    "title": "second",
    "message": "",
    "author": "ada",
    "priority": "low",
    "tags": [],
    "to": [],
    "status": "active",
    "replyCount": 0,
    "createdAtMs": AT,
    "updatedAtMs": AT
  },
  "warnings": []
}
$ --json board list --limit 1
{
  "schemaVersion": 1,
  "ok": true,
  "data": [
    {
      "id": "thr_2",
      "title": "second",
      "message": "",
      "author": "ada",
      "priority": "low",
      "tags": [],
      "to": [],
      "status": "active",
      "replyCount": 0,
      "createdAtMs": AT,
      "updatedAtMs": AT
    }
  ],
  "nextCursor": "thr_2",
  "warnings": []
}
$ --json board search looks good
{
  "schemaVersion": 1,
  "ok": true,
  "data": [
    {
      "id": "thr_1",
      "title": "Review please",
      "message": "@bob see src/auth.ts",
      "author": "ada",
      "priority": "normal",
      "tags": ["review"],
      "to": ["cat"],
      "status": "active",
      "replyCount": 1,
      "createdAtMs": AT,
      "updatedAtMs": AT
    }
  ],
  "warnings": []
}
bob$ --json inbox
{
  "schemaVersion": 1,
  "ok": true,
  "data": [
    {
      "id": "msg_2",
      "threadId": "thr_1",
      "title": "Review please",
      "author": "ada",
      "message": "@bob see src/auth.ts",
      "reason": "mention",
      "priority": "normal",
      "atMs": AT
    }
  ],
  "warnings": []
}
bob$ --json inbox ack msg_1
{"schemaVersion":1,"ok":true,"data":{"acked":"msg_1"},"warnings":[]}
bob$ --json inbox ack
{"schemaVersion":1,"ok":true,"data":{"acked":"all"},"warnings":[]}
bob$ --json inbox ack msg_9
{
  "schemaVersion": 1,
  "ok": false,
  "error": {"code":"not_found","message":"No message \"msg_9\"; take its id from the inbox","retryable":false,"details":{"id":"msg_9"}},
  "warnings": []
}
= 4
bob$ --json inbox wait --timeout 0
{
  "schemaVersion": 1,
  "ok": false,
  "error": {"code":"timeout","message":"No message for \"bob\" came within 0ms","retryable":true,"details":{"agent":"bob","timeoutMs":0}},
  "warnings": []
}
= 6
ada$ --json inbox wait
{
  "schemaVersion": 1,
  "ok": true,
  "data": [
    {
      "id": "msg_1",
      "threadId": "thr_1",
      "title": "Review please",
      "author": "bob",
      "message": "looks good",
      "reason": "reply",
      "priority": "normal",
      "atMs": AT
    }
  ],
  "warnings": []
}
ada$ --json board resolve thr_1
{
  "schemaVersion": 1,
  "ok": true,
  "data": {
    "id": "thr_1",
    "title": "Review please",
    "message": "@bob see src/auth.ts",
    "author": "ada",
    "priority": "normal",
    "tags": ["review"],
    "to": ["cat"],
    "status": "resolved",
    "replyCount": 1,
    "createdAtMs": AT,
    "updatedAtMs": AT
  },
  "warnings": []
}
bob$ --json board reply thr_1 --message x --status resolved
{
  "schemaVersion": 1,
  "ok": false,
  "error": {
    "code": "invalid_argument",
    "message": "Invalid --status \"resolved\": use active or waiting",
    "retryable": false,
    "details": {"field":"--status","value":"resolved"}
  },
  "warnings": []
}
= 2
bob$ --json board search '!'
{
  "schemaVersion": 1,
  "ok": false,
  "error": {
    "code": "invalid_argument",
    "message": "Invalid words \"!\": give at least one word to look for",
    "retryable": false,
    "details": {"field":"words","value":"!"}
  },
  "warnings": []
}
= 2
$ --json inbox
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

Deno.test("board and inbox commands with --quiet print identifiers only", () =>
  withProject(async (dir) => {
    await transcript(
      dir,
      String.raw`
ada$ -q board post one --to bob
thr_1
ada$ -q board post two --message @bob
thr_2
$ -q board
thr_2
thr_1
bob$ -q board reply thr_1 --message x
thr_1
$ -q board show thr_1
thr_1
$ -q board search one
thr_1
bob$ -q inbox
msg_1
msg_2
bob$ -q inbox wait
msg_1
msg_2
bob$ -q inbox ack
bob$ -q inbox
ada$ -q board resolve thr_1
thr_1
`,
      FILE,
    );
  }));

Deno.test("inbox wait is woken by a message that another process posts", () =>
  withProject(async (dir) => {
    const waiting = new Running(dir, ["inbox", "wait", "--timeout", "1h", "--ack", "--json"]);
    await waiterSeen(dir);
    const post = ["board", "post", "not for her", "--agent", "bob", "--to", "cat"];
    await cli(dir, post);
    await cli(dir, ["board", "post", "for @ada", "--agent", "bob"]);
    const { code, stdout, stderr } = await ends("the wait", waiting.result());
    assert.deepEqual([code, stderr], [0, ""]);
    const { data } = JSON.parse(stdout);
    assert.deepEqual(
      data.map(({ title, reason }: { title: string; reason: string }) => [title, reason]),
      [["for @ada", "mention"]],
    );
    const { stdout: rest } = await cli(dir, ["inbox", "--agent", "ada"]);
    assert.equal(rest, "Nothing unread.\n");
  }));

Deno.test("the table of threads is aligned, and a message stays in its margin", () =>
  withProject(async (dir) => {
    const post = ["board", "post", "日本語 and more", "--agent", "ada", "--message", "-"];
    const { stdout } = await cli(dir, post, { stdin: "first\r\n\n\ttab\n" });
    assert.ok(stdout.endsWith("\n  | first\n  | \n  | \ttab\n"), stdout);
    await cli(dir, ["board", "post", "second", "--agent", "bob", "--priority", "high"]);
    assertAligned((await cli(dir, ["board"])).stdout);
  }));

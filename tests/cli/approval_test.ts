/**
 * Everything the approval commands print, and the code they leave with. Long, because it is the output
 * itself.
 */
import assert from "node:assert/strict";
import { cli, cliJson, withProject } from "../support/cli.ts";
import { assertAligned, transcript } from "../support/golden.ts";
import { eventually, Running } from "../support/wrapped.ts";

const FILE = { file: import.meta.url };

Deno.test("approval commands print what was asked and decided, and why not", () =>
  withProject(async (dir) => {
    await Deno.writeTextFile(`${dir}/plan.txt`, "");
    await transcript(
      dir,
      String.raw`
$ approvals
No approvals.
ada$ approval request deploy --description 'version 1.4.2'
apr_1  pending
  deploy, asked by ada now; decides: anybody else
  expires in 5m
  | version 1.4.2
ada$ approval request migrate --description - --approvers lead,bob --timeout 1h --digest sha256:1 <<<'drop the table\nthen sleep\n'
apr_2  pending
  migrate, asked by ada now; decides: lead, bob
  expires in 1h
  | drop the table
  | then sleep
ada$ approval request deploy --description again --key k1
apr_3  pending
  deploy, asked by ada now; decides: anybody else
  expires in 5m
  | again
ada$ approval request deploy --description 'something else' --key k1
apr_3  pending
  deploy, asked by ada now; decides: anybody else
  expires in 5m
  | again
$ approval show apr_1
apr_1  pending
  deploy, asked by ada now; decides: anybody else
  expires in 5m
  | version 1.4.2
$ approval show apr_9
! agentcoord: No approval "apr_9"; see the approvals there are with list
= 4
bob$ approve apr_1 --comment 'go ahead'
apr_1  approved
  deploy, asked by ada now; decides: anybody else
  approved by bob now
  > go ahead
  | version 1.4.2
bob$ approve apr_1
! agentcoord: Cannot approve apr_1: "bob" approved it now (go ahead)
= 3
cat$ reject apr_1 --comment 'too late'
! agentcoord: Cannot reject apr_1: "bob" approved it now (go ahead)
= 3
ada$ approve apr_2
! agentcoord: Cannot approve apr_2: "ada" asked for it; somebody else has to decide
= 8
cat$ approve apr_2
! agentcoord: Cannot approve apr_2: "cat" is not one of its approvers (lead, bob)
= 8
lead$ reject apr_2 --comment - <<<'not on a Friday\n\nsorry'
apr_2  rejected
  migrate, asked by ada now; decides: lead, bob
  rejected by lead now
  > not on a Friday
  >
  > sorry
  | drop the table
  | then sleep
lead$ reject nonsense
! agentcoord: No approval "nonsense"; see the approvals there are with list
= 4
$ approval show apr_2
apr_2  rejected
  migrate, asked by ada now; decides: lead, bob
  rejected by lead now
  > not on a Friday
  >
  > sorry
  | drop the table
  | then sleep
$ approval wait apr_1
apr_1  approved
  deploy, asked by ada now; decides: anybody else
  approved by bob now
  > go ahead
  | version 1.4.2
$ approval wait apr_2
! agentcoord: lead rejected apr_2: not on a Friday\n\nsorry
= 8
$ approval wait apr_3 --timeout 100ms
! agentcoord: Gave up waiting for approval apr_3: it is still pending, for 5m more
= 6
$ approval wait apr_0
! agentcoord: No approval "apr_0"; see the approvals there are with list
= 4
bob& approval wait apr_3
cat$ approve apr_3
apr_3  approved
  deploy, asked by ada now; decides: anybody else
  approved by cat now
  | again
wait
apr_3  approved
  deploy, asked by ada now; decides: anybody else
  approved by cat now
  | again
ada$ approval request quick --description soon --timeout 100ms
apr_4  pending
  quick, asked by ada now; decides: anybody else
  expires now
  | soon
$ approval wait apr_4
! agentcoord: Nobody decided on apr_4 in time
= 6
bob$ approve apr_4
! agentcoord: Cannot approve apr_4: it expired at TIME, now; "ada" has to request it again
= 3
ada$ approval request quick --description soon --timeout 100ms --wait
! agentcoord: Waiting for: agentcoord approve apr_5
! agentcoord: Nobody decided on apr_5 in time
= 6
$ approval list
ID  STATUS  TYPE  BY  ASKED  DECIDED  DESCRIPTION
apr_5  expired  quick  ada  now  expired now  soon
apr_4  expired  quick  ada  now  expired now  soon
apr_3  approved  deploy  ada  now  approved by cat now  again
apr_2  rejected  migrate  ada  now  rejected by lead now  drop the table
apr_1  approved  deploy  ada  now  approved by bob now  version 1.4.2
$ approval list --status rejected
ID  STATUS  TYPE  BY  ASKED  DECIDED  DESCRIPTION
apr_2  rejected  migrate  ada  now  rejected by lead now  drop the table
$ approvals --by bob
No approvals.
$ approvals --limit 2
ID  STATUS  TYPE  BY  ASKED  DECIDED  DESCRIPTION
apr_5  expired  quick  ada  now  expired now  soon
apr_4  expired  quick  ada  now  expired now  soon
! More: agentcoord approvals --limit 2 --cursor apr_4
ada$ approval request x --description y --approvers ada
! agentcoord: Invalid approvers "ada": nobody approves their own request; name somebody else
= 2
$ approval request x --description y
! agentcoord: No acting agent: name one with --agent NAME or AGENTCOORD_AGENT=NAME (in the library: client.session(name))
= 2
ada$ approval request x
! agentcoord: Required option '--description <text|->' not specified
= 2
`,
      FILE,
    );
  }));

Deno.test("approval commands answer --json with one document, refusals too", () =>
  withProject(async (dir) => {
    await transcript(
      dir,
      String.raw`
$ --json approvals
{"schemaVersion":1,"ok":true,"data":[],"warnings":[]}
ada$ --json approval request deploy --description 'version 1.4.2'
{
  "schemaVersion": 1,
  "ok": true,
  "data": {
    "id": "apr_1",
    "actionType": "deploy",
    "description": "version 1.4.2",
    "requestedBy": "ada",
    "status": "pending",
    "createdAtMs": AT,
    "expiresAtMs": AT
  },
  "warnings": []
}
ada$ --json approval request migrate --description 'two lines' --approvers lead,bob --digest sha256:1
{
  "schemaVersion": 1,
  "ok": true,
  "data": {
    "id": "apr_2",
    "actionType": "migrate",
    "description": "two lines",
    "requestedBy": "ada",
    "status": "pending",
    "createdAtMs": AT,
    "expiresAtMs": AT,
    "digest": "sha256:1",
    "approvers": ["lead","bob"]
  },
  "warnings": []
}
$ --json approval show apr_2
{
  "schemaVersion": 1,
  "ok": true,
  "data": {
    "id": "apr_2",
    "actionType": "migrate",
    "description": "two lines",
    "requestedBy": "ada",
    "status": "pending",
    "createdAtMs": AT,
    "expiresAtMs": AT,
    "digest": "sha256:1",
    "approvers": ["lead","bob"]
  },
  "warnings": []
}
$ --json approval show apr_9
{
  "schemaVersion": 1,
  "ok": false,
  "error": {"code":"not_found","message":"No approval \"apr_9\"; see the approvals there are with list","retryable":false,"details":{"id":"apr_9"}},
  "warnings": []
}
= 4
$ --json approval wait apr_1 --timeout 100ms
{
  "schemaVersion": 1,
  "ok": false,
  "error": {
    "code": "timeout",
    "message": "Gave up waiting for approval apr_1: it is still pending, for 5m more",
    "retryable": true,
    "details": {"id":"apr_1","timeoutMs":100,"expiresAtMs":AT}
  },
  "warnings": []
}
= 6
bob$ --json approve apr_1 --comment 'go ahead'
{
  "schemaVersion": 1,
  "ok": true,
  "data": {
    "id": "apr_1",
    "actionType": "deploy",
    "description": "version 1.4.2",
    "requestedBy": "ada",
    "status": "approved",
    "createdAtMs": AT,
    "expiresAtMs": AT,
    "decidedBy": "bob",
    "decidedAtMs": AT,
    "comment": "go ahead"
  },
  "warnings": []
}
cat$ --json reject apr_1
{
  "schemaVersion": 1,
  "ok": false,
  "error": {
    "code": "conflict",
    "message": "Cannot reject apr_1: \"bob\" approved it now (go ahead)",
    "retryable": false,
    "details": {"id":"apr_1","status":"approved","expiresAtMs":AT,"decidedBy":"bob","decidedAtMs":AT}
  },
  "warnings": []
}
= 3
ada$ --json approve apr_2
{
  "schemaVersion": 1,
  "ok": false,
  "error": {
    "code": "denied",
    "message": "Cannot approve apr_2: \"ada\" asked for it; somebody else has to decide",
    "retryable": false,
    "details": {"id":"apr_2","agent":"ada","requestedBy":"ada"}
  },
  "warnings": []
}
= 8
cat$ --json approve apr_2
{
  "schemaVersion": 1,
  "ok": false,
  "error": {
    "code": "denied",
    "message": "Cannot approve apr_2: \"cat\" is not one of its approvers (lead, bob)",
    "retryable": false,
    "details": {"id":"apr_2","agent":"cat","approvers":["lead","bob"]}
  },
  "warnings": []
}
= 8
lead$ --json reject apr_2 --comment no
{
  "schemaVersion": 1,
  "ok": true,
  "data": {
    "id": "apr_2",
    "actionType": "migrate",
    "description": "two lines",
    "requestedBy": "ada",
    "status": "rejected",
    "createdAtMs": AT,
    "expiresAtMs": AT,
    "digest": "sha256:1",
    "approvers": ["lead","bob"],
    "decidedBy": "lead",
    "decidedAtMs": AT,
    "comment": "no"
  },
  "warnings": []
}
$ --json approval wait apr_1
{
  "schemaVersion": 1,
  "ok": true,
  "data": {
    "id": "apr_1",
    "actionType": "deploy",
    "description": "version 1.4.2",
    "requestedBy": "ada",
    "status": "approved",
    "createdAtMs": AT,
    "expiresAtMs": AT,
    "decidedBy": "bob",
    "decidedAtMs": AT,
    "comment": "go ahead"
  },
  "warnings": []
}
$ --json approval wait apr_2
{
  "schemaVersion": 1,
  "ok": false,
  "error": {
    "code": "denied",
    "message": "lead rejected apr_2: no",
    "retryable": false,
    "details": {
      "approval": {
        "id": "apr_2",
        "actionType": "migrate",
        "description": "two lines",
        "requestedBy": "ada",
        "status": "rejected",
        "createdAtMs": AT,
        "expiresAtMs": AT,
        "digest": "sha256:1",
        "approvers": ["lead","bob"],
        "decidedBy": "lead",
        "decidedAtMs": AT,
        "comment": "no"
      }
    }
  },
  "warnings": []
}
= 8
ada$ --json approval request quick --description soon --timeout 100ms --wait
{
  "schemaVersion": 1,
  "ok": false,
  "error": {
    "code": "timeout",
    "message": "Nobody decided on apr_3 in time",
    "retryable": true,
    "details": {
      "approval": {
        "id": "apr_3",
        "actionType": "quick",
        "description": "soon",
        "requestedBy": "ada",
        "status": "expired",
        "createdAtMs": AT,
        "expiresAtMs": AT
      }
    }
  },
  "warnings": []
}
! agentcoord: Waiting for: agentcoord approve apr_3
= 6
$ --json approval wait apr_3
{
  "schemaVersion": 1,
  "ok": false,
  "error": {
    "code": "timeout",
    "message": "Nobody decided on apr_3 in time",
    "retryable": false,
    "details": {
      "approval": {
        "id": "apr_3",
        "actionType": "quick",
        "description": "soon",
        "requestedBy": "ada",
        "status": "expired",
        "createdAtMs": AT,
        "expiresAtMs": AT
      }
    }
  },
  "warnings": []
}
= 6
$ --json approvals --limit 2
{
  "schemaVersion": 1,
  "ok": true,
  "data": [
    {"id":"apr_3","actionType":"quick","description":"soon","requestedBy":"ada","status":"expired","createdAtMs":AT,"expiresAtMs":AT},
    {
      "id": "apr_2",
      "actionType": "migrate",
      "description": "two lines",
      "requestedBy": "ada",
      "status": "rejected",
      "createdAtMs": AT,
      "expiresAtMs": AT,
      "digest": "sha256:1",
      "approvers": ["lead","bob"],
      "decidedBy": "lead",
      "decidedAtMs": AT,
      "comment": "no"
    }
  ],
  "nextCursor": "apr_2",
  "warnings": []
}
$ --json approvals --status pending
{"schemaVersion":1,"ok":true,"data":[],"warnings":[]}
$ --json approvals --status unknown
{
  "schemaVersion": 1,
  "ok": false,
  "error": {
    "code": "invalid_argument",
    "message": "Invalid --status \"unknown\": use pending, approved, rejected or expired",
    "retryable": false,
    "details": {"field":"--status","value":"unknown"}
  },
  "warnings": []
}
= 2
$ --json approvals --cursor nonsense
{
  "schemaVersion": 1,
  "ok": false,
  "error": {
    "code": "invalid_argument",
    "message": "Invalid cursor \"nonsense\": no approval has this identifier",
    "retryable": false,
    "details": {"field":"cursor","value":"nonsense"}
  },
  "warnings": []
}
= 2
ada$ --json approval request 'two words' --description y
{
  "schemaVersion": 1,
  "ok": false,
  "error": {
    "code": "invalid_argument",
    "message": "Invalid actionType \"two words\": use 1 to 64 of A-Z a-z 0-9 . _ -, and not only dots",
    "retryable": false,
    "details": {"field":"actionType","value":"two words"}
  },
  "warnings": []
}
= 2
`,
      FILE,
    );
  }));

Deno.test("approval commands with --quiet print identifiers only", () =>
  withProject(async (dir) => {
    await transcript(
      dir,
      String.raw`
ada$ -q approval request deploy --description x
apr_1
ada$ -q approval request deploy --description y
apr_2
$ -q approvals --limit 1
apr_2
! agentcoord: More: agentcoord -q approvals --limit 1 --cursor apr_2
$ -q approvals
apr_2
apr_1
$ -q approval show apr_1
apr_1
bob$ -q approve apr_1
apr_1
bob$ -q reject apr_1
! agentcoord: Cannot reject apr_1: "bob" approved it now
= 3
$ -q approval wait apr_1
apr_1
`,
      FILE,
    );
  }));

Deno.test("approval run says on stderr what is to be decided, in every mode", () =>
  withProject(async (dir) => {
    await transcript(
      dir,
      String.raw`
ada$ approval run deploy --timeout 100ms -- echo 'a b'
! agentcoord: Waiting for approval of: echo 'a b'
! agentcoord: To approve it (anybody but ada, within 100ms): agentcoord approve apr_1 --agent NAME; or "reject" in place of "approve"
! agentcoord: Approval apr_1 has expired: nobody decided in time
= 6
ada$ --json -q approval run --timeout 100ms --approvers lead -- echo never
{
  "schemaVersion": 1,
  "ok": false,
  "error": {
    "code": "timeout",
    "message": "Approval apr_2 has expired: nobody decided in time",
    "retryable": true,
    "details": {"id":"apr_2","status":"expired","decidedBy":null,"comment":null}
  },
  "warnings": []
}
! agentcoord: Waiting for approval of: echo never
! agentcoord: To approve it (lead, within 100ms): agentcoord approve apr_2 --agent NAME; or "reject" in place of "approve"
= 6
ada$ approval run deploy
! agentcoord: No command to run: write it after "--", as in -- make test
= 2
ada$ approval run 'two words' -- echo never
! agentcoord: Invalid actionType "two words": use 1 to 64 of A-Z a-z 0-9 . _ -, and not only dots
= 2
$ approval run -- echo never
! agentcoord: No acting agent: name one with --agent NAME or AGENTCOORD_AGENT=NAME (in the library: client.session(name))
= 2
$ approvals --status expired
ID  STATUS  TYPE  BY  ASKED  DECIDED  DESCRIPTION
apr_2  expired  command  ada  now  expired now  $ echo never
apr_1  expired  deploy  ada  now  expired now  $ echo 'a b'
`,
      FILE,
    );
  }));

Deno.test("approval request --wait tells how to decide, and answers with the decision", () =>
  withProject(async (dir) => {
    const ask = ["approval", "request", "deploy", "--description", "x", "--wait"];
    const asking = new Running(dir, ask);
    const { id } = await eventually(
      "a request",
      async () => (await cliJson(dir, ["approvals"])).document.data[0],
    );
    const { stdout } = await cli(dir, ["approve", id, "--agent", "bob"]);
    const { code, ...streams } = await asking.result();
    assert.equal(code, 0);
    assert.equal(streams.stderr, `agentcoord: Waiting for: agentcoord approve ${id}\n`);
    const now = (text: string) => text.replace(/[\d.]+m?s ago/g, "now");
    assert.equal(now(streams.stdout), now(stdout));
  }));

Deno.test("the table of approvals is aligned, and a description takes one line of it", () =>
  withProject(async (dir) => {
    const ask = ["approval", "request", "deploy", "--agent", "ada", "--description"];
    await cli(dir, [...ask, "-"], { stdin: "first line\nsecond line\n" });
    await cli(dir, [...ask, "日本語 and more"]);
    const { stdout } = await cli(dir, ["approvals"]);
    assertAligned(stdout);
    assert.ok(stdout.endsWith("  first line\n"), stdout);
  }));

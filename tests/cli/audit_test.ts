/**
 * Everything the audit commands print, and the code they leave with.
 */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { cli, cliJson, withProject } from "../support/cli.ts";
import { transcript } from "../support/golden.ts";
import { listening, Stream } from "../support/golden_stream.ts";

const FILE = { file: import.meta.url };

Deno.test("audit commands print what was decided and why", () =>
  withProject(async (dir) => {
    await transcript(
      dir,
      String.raw`
$ audit list
No audit entries.
$ audit tail
$ audit verify
The chain of 0 entries is intact.
ada$ audit log deployment --context 'CI is green' --reason 'the fix cannot wait'
aud_1  deployment by ada now
  context: CI is green
  reason:  the fix cannot wait
bob$ audit log rollback --context - --reason 'errors doubled' --refs v1.4.2,src/auth.py <<<'graphs\n\tlook bad\n'
aud_2  rollback by bob now
  context: graphs
           \tlook bad
  reason:  errors doubled
  refs:  v1.4.2 src/auth.py
ada$ audit log deployment --context again --reason again --key k1
aud_3  deployment by ada now
  context: again
  reason:  again
ada$ audit log deployment --context other --reason other --key k1
aud_3  deployment by ada now
  context: again
  reason:  again
$ audit list
aud_1  deployment by ada now
  context: CI is green
  reason:  the fix cannot wait
aud_2  rollback by bob now
  context: graphs
           \tlook bad
  reason:  errors doubled
  refs:  v1.4.2 src/auth.py
aud_3  deployment by ada now
  context: again
  reason:  again
$ audit list --by bob
aud_2  rollback by bob now
  context: graphs
           \tlook bad
  reason:  errors doubled
  refs:  v1.4.2 src/auth.py
$ audit list --type deployment --limit 1
aud_3  deployment by ada now
  context: again
  reason:  again
! More: agentcoord audit list --type deployment --limit 1 --cursor aud_3
$ audit list --since 1h
aud_1  deployment by ada now
  context: CI is green
  reason:  the fix cannot wait
aud_2  rollback by bob now
  context: graphs
           \tlook bad
  reason:  errors doubled
  refs:  v1.4.2 src/auth.py
aud_3  deployment by ada now
  context: again
  reason:  again
$ audit list --since 2000-01-01
aud_1  deployment by ada now
  context: CI is green
  reason:  the fix cannot wait
aud_2  rollback by bob now
  context: graphs
           \tlook bad
  reason:  errors doubled
  refs:  v1.4.2 src/auth.py
aud_3  deployment by ada now
  context: again
  reason:  again
$ audit list --since 1ms
No audit entries.
$ -q audit list --since 3600
aud_1
aud_2
aud_3
$ audit list --since +5m
! agentcoord: Invalid --since "+5m": use 2h for two hours ago, or an ISO time
= 2
$ audit list --since 99999d
! agentcoord: Invalid --since "99999d": that is before 1970
= 2
$ audit list --since yesterday
! agentcoord: Invalid --since "yesterday": use a time with a zone such as 2030-01-31T09:00:00Z, a date such as 2030-01-31, epoch milliseconds, or +5m for five minutes from now
= 2
$ audit list --cursor aud_3
aud_1  deployment by ada now
  context: CI is green
  reason:  the fix cannot wait
aud_2  rollback by bob now
  context: graphs
           \tlook bad
  reason:  errors doubled
  refs:  v1.4.2 src/auth.py
$ audit tail --limit 1
aud_3  deployment by ada now
  context: again
  reason:  again
$ audit tail --type rollback
aud_2  rollback by bob now
  context: graphs
           \tlook bad
  reason:  errors doubled
  refs:  v1.4.2 src/auth.py
$ audit verify
The chain of 3 entries is intact; head HASH.
ada$ audit log deployment --context x
! agentcoord: Required option '--reason <text>' not specified
= 2
ada$ audit log 'two words' --context x --reason y
! agentcoord: Invalid decisionType "two words": use 1 to 64 of A-Z a-z 0-9 . _ -, and not only dots
= 2
$ audit log deployment --context x --reason y
! agentcoord: No acting agent: name one with --agent NAME or AGENTCOORD_AGENT=NAME (in the library: client.session(name))
= 2
$ audit list --cursor nonsense
! agentcoord: Invalid cursor "nonsense": no entry of the audit log has this identifier
= 2
`,
      FILE,
    );
  }));

Deno.test("audit commands answer --json with one document, tail with one object a line", () =>
  withProject(async (dir) => {
    await transcript(
      dir,
      String.raw`
$ --json audit list
{"schemaVersion":1,"ok":true,"data":[],"warnings":[]}
$ --json audit tail
$ --json audit verify
{"schemaVersion":1,"ok":true,"data":{"ok":true,"entries":0,"head":""},"warnings":[]}
ada$ --json audit log deployment --context 'CI is green' --reason 'the fix cannot wait'
{
  "schemaVersion": 1,
  "ok": true,
  "data": {
    "id": "aud_1",
    "agent": "ada",
    "decisionType": "deployment",
    "context": "CI is green",
    "reason": "the fix cannot wait",
    "refs": [],
    "contentHash": "HASH",
    "createdAtMs": AT,
    "link": "HASH"
  },
  "warnings": []
}
bob$ --json audit log rollback --context 'two\tlines' --reason 'errors doubled' --refs v1.4.2,src/auth.py
{
  "schemaVersion": 1,
  "ok": true,
  "data": {
    "id": "aud_2",
    "agent": "bob",
    "decisionType": "rollback",
    "context": "two\\tlines",
    "reason": "errors doubled",
    "refs": ["v1.4.2","src/auth.py"],
    "contentHash": "HASH",
    "createdAtMs": AT,
    "link": "HASH"
  },
  "warnings": []
}
$ --json audit list
{
  "schemaVersion": 1,
  "ok": true,
  "data": [
    {
      "id": "aud_1",
      "agent": "ada",
      "decisionType": "deployment",
      "context": "CI is green",
      "reason": "the fix cannot wait",
      "refs": [],
      "contentHash": "HASH",
      "createdAtMs": AT,
      "link": "HASH"
    },
    {
      "id": "aud_2",
      "agent": "bob",
      "decisionType": "rollback",
      "context": "two\\tlines",
      "reason": "errors doubled",
      "refs": ["v1.4.2","src/auth.py"],
      "contentHash": "HASH",
      "createdAtMs": AT,
      "link": "HASH"
    }
  ],
  "warnings": []
}
$ --json audit list --limit 1
{
  "schemaVersion": 1,
  "ok": true,
  "data": [
    {
      "id": "aud_2",
      "agent": "bob",
      "decisionType": "rollback",
      "context": "two\\tlines",
      "reason": "errors doubled",
      "refs": ["v1.4.2","src/auth.py"],
      "contentHash": "HASH",
      "createdAtMs": AT,
      "link": "HASH"
    }
  ],
  "nextCursor": "aud_2",
  "warnings": []
}
$ --json audit list --by cat
{"schemaVersion":1,"ok":true,"data":[],"warnings":[]}
$ --json audit tail
{
  "id": "aud_1",
  "agent": "ada",
  "decisionType": "deployment",
  "context": "CI is green",
  "reason": "the fix cannot wait",
  "refs": [],
  "contentHash": "HASH",
  "createdAtMs": AT,
  "link": "HASH"
}
{
  "id": "aud_2",
  "agent": "bob",
  "decisionType": "rollback",
  "context": "two\\tlines",
  "reason": "errors doubled",
  "refs": ["v1.4.2","src/auth.py"],
  "contentHash": "HASH",
  "createdAtMs": AT,
  "link": "HASH"
}
$ --json audit tail --limit 1 --by ada
{
  "id": "aud_1",
  "agent": "ada",
  "decisionType": "deployment",
  "context": "CI is green",
  "reason": "the fix cannot wait",
  "refs": [],
  "contentHash": "HASH",
  "createdAtMs": AT,
  "link": "HASH"
}
$ --json audit verify
{"schemaVersion":1,"ok":true,"data":{"ok":true,"entries":2,"head":"HASH"},"warnings":[]}
$ --json audit list --cursor nonsense
{
  "schemaVersion": 1,
  "ok": false,
  "error": {
    "code": "invalid_argument",
    "message": "Invalid cursor \"nonsense\": no entry of the audit log has this identifier",
    "retryable": false,
    "details": {"field":"cursor","value":"nonsense"}
  },
  "warnings": []
}
= 2
$ --json audit tail --limit 0
{
  "schemaVersion": 1,
  "ok": false,
  "error": {
    "code": "invalid_argument",
    "message": "Invalid limit 0: use a whole number from 1 to 1000",
    "retryable": false,
    "details": {"field":"limit","value":0}
  },
  "warnings": []
}
= 2
`,
      FILE,
    );
  }));

Deno.test("audit commands with --quiet print identifiers only", () =>
  withProject(async (dir) => {
    await transcript(
      dir,
      String.raw`
ada$ -q audit log deployment --context x --reason y
aud_1
ada$ -q audit log deployment --context x --reason y
aud_2
$ -q audit list
aud_1
aud_2
$ -q audit list --limit 1
aud_2
! agentcoord: More: agentcoord -q audit list --limit 1 --cursor aud_2
$ -q audit tail
aud_1
aud_2
$ -q audit verify
`,
      FILE,
    );
  }));

Deno.test("audit verify names the entry that somebody changed, and exits with 3", () =>
  withProject(async (dir) => {
    const log = ["audit", "log", "deployment", "--agent", "ada", "--context", "x", "--reason"];
    for (const reason of ["one", "two", "three"]) await cli(dir, [...log, reason]);
    const db = new DatabaseSync(`${dir}/.agentcoord/namespaces/default/store.db`);
    db.exec("UPDATE audit SET reason = 'TWO' WHERE seq = 2");
    db.close();
    await transcript(
      dir,
      String.raw`
$ audit verify
! agentcoord: The audit chain is broken at entry 2 (aud_1): its content does not fit its content hash: it was changed
= 3
$ -q audit verify
! agentcoord: The audit chain is broken at entry 2 (aud_1): its content does not fit its content hash: it was changed
= 3
$ --json audit verify
{
  "schemaVersion": 1,
  "ok": false,
  "error": {
    "code": "conflict",
    "message": "The audit chain is broken at entry 2 (aud_1): its content does not fit its content hash: it was changed",
    "retryable": false,
    "details": {"ok":false,"entries":1,"broken":{"id":"aud_1","seq":2,"why":"its content does not fit its content hash: it was changed"}}
  },
  "warnings": []
}
= 3
`,
      { ...FILE, directoryOnly: true },
    );
  }));

Deno.test("audit tail --follow prints what is logged, one object a line, until it is ended", () =>
  withProject(async (dir) => {
    const log = (type: string, reason: string) =>
      cliJson(dir, ["audit", "log", type, "--agent", "ada", "--context", "x", "--reason", reason]);
    const before = await log("deployment", "one");
    const stream = new Stream(dir, ["audit", "tail", "--follow", "--json"]);
    const only = new Stream(dir, ["audit", "tail", "--follow", "--type", "rollback"]);
    assert.deepEqual(await stream.objects(1), [before.document.data]);
    await listening(dir, 2);
    const two = await log("rollback", "two");
    const three = await log("deployment", "three");
    assert.deepEqual(await stream.objects(2), [two.document.data, three.document.data]);
    assert.match(await only.next(), /^aud_\w{26} {2}rollback by ada /);
    assert.equal(await only.next(), "  context: x");
    assert.equal(await only.next(), "  reason:  two");
    const nothing = { more: [], stderr: "" };
    assert.deepEqual([await stream.end(), await only.end()], [nothing, nothing]);
  }));

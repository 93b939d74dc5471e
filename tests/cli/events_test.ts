/**
 * Everything the events command prints, and the code it leaves with.
 */
import assert from "node:assert/strict";
import { cleanEnvironment, cli, programCommand, withProject } from "../support/cli.ts";
import { transcript } from "../support/golden.ts";
import { listening, Stream } from "../support/golden_stream.ts";

const FILE = { file: import.meta.url };

const acquire = (dir: string, path: string) =>
  cli(dir, ["-q", "lock", "acquire", path, "--agent", "ada"]);

Deno.test("events prints what happened, in order", () =>
  withProject(async (dir) => {
    await transcript(
      dir,
      String.raw`
$ events
ada$ -q lock acquire a.py
a.py
ada$ -q lock release a.py
a.py
ada$ -q approval request deploy --description x
apr_1
bob$ -q approve apr_1
apr_1
bob$ -q audit log deployment --context x --reason y
aud_1
$ events
evt_1  now  agent.registered  ada  ada
evt_2  now  lock.acquired  ada  a.py {"fence":1,"mode":"exclusive"}
evt_3  now  lock.released  ada  a.py {"fence":1}
evt_4  now  approval.requested ada  apr_1 {"actionType":"deploy"}
evt_5  now  agent.registered  bob  bob
evt_6  now  approval.approved  bob  apr_1 {"requestedBy":"ada"}
evt_7  now  audit.logged  bob  aud_1 {"decisionType":"deployment"}
$ events --limit 2
evt_1  now  agent.registered  ada  ada
evt_2  now  lock.acquired  ada  a.py {"fence":1,"mode":"exclusive"}
$ events --since evt_3
evt_4  now  approval.requested ada  apr_1 {"actionType":"deploy"}
evt_5  now  agent.registered  bob  bob
evt_6  now  approval.approved  bob  apr_1 {"requestedBy":"ada"}
evt_7  now  audit.logged  bob  aud_1 {"decisionType":"deployment"}
$ events --since evt_7
$ events --type lock.acquired
evt_2  now  lock.acquired  ada  a.py {"fence":1,"mode":"exclusive"}
$ events --type lock.broken
$ -q events --type lock.released
evt_3
$ events --since nonsense
! agentcoord: Invalid since "nonsense": use the id of an event, as in the cursor of an earlier answer
= 2
$ events --type lock
! agentcoord: Invalid --type "lock": use lock.acquired, lock.released, lock.expired, lock.broken, agent.registered, agent.deregistered, agent.pruned, task.created, task.claimed, task.completed, task.failed, task.expired, task.released, task.dead, task.cancelled, task.retried, task.updated, task.pruned, thread.posted, thread.replied, thread.resolved, thread.pruned, approval.requested, approval.approved, approval.rejected, approval.expired, approval.used, approval.pruned, audit.logged, store.restored, store.failed_over, store.failed_back or store.conflict
= 2
$ events --limit 0
! agentcoord: Invalid limit 0: use a whole number from 1 to 1000
= 2
$ --namespace other events --since evt_3
! agentcoord: Cannot read events since "evt_3": it is not an event of this namespace; start again without a cursor
= 4
`,
      FILE,
    );
  }));

Deno.test("events --json prints one object a line, and a failure as the usual document", () =>
  withProject(async (dir) => {
    await transcript(
      dir,
      String.raw`
$ --json events
ada$ -q lock acquire a.py
a.py
ada$ -q approval request deploy --description x
apr_1
$ --json events
{"id":"evt_1","type":"agent.registered","subject":"ada","agent":"ada","atMs":AT}
{"id":"evt_2","type":"lock.acquired","subject":"a.py","agent":"ada","atMs":AT,"data":{"fence":1,"mode":"exclusive"}}
{"id":"evt_3","type":"approval.requested","subject":"apr_1","agent":"ada","atMs":AT,"data":{"actionType":"deploy"}}
$ --json events --since evt_2 --limit 1
{"id":"evt_3","type":"approval.requested","subject":"apr_1","agent":"ada","atMs":AT,"data":{"actionType":"deploy"}}
$ --json events --type audit.logged
$ --json events --since nonsense
{
  "schemaVersion": 1,
  "ok": false,
  "error": {
    "code": "invalid_argument",
    "message": "Invalid since \"nonsense\": use the id of an event, as in the cursor of an earlier answer",
    "retryable": false,
    "details": {"field":"since","value":"nonsense"}
  },
  "warnings": []
}
= 2
$ --json --namespace other events --since evt_3
{
  "schemaVersion": 1,
  "ok": false,
  "error": {
    "code": "not_found",
    "message": "Cannot read events since \"evt_3\": it is not an event of this namespace; start again without a cursor",
    "retryable": false,
    "details": {"cursor":"evt_3","oldest":null}
  },
  "warnings": []
}
= 4
`,
      FILE,
    );
  }));

Deno.test("events --follow prints each event as it happens, until it is ended", () =>
  withProject(async (dir) => {
    await acquire(dir, "before.py");
    const all = new Stream(dir, ["events", "--follow", "--json"]);
    const only = new Stream(dir, ["events", "--follow", "--type", "lock.released"]);
    await listening(dir, 2);
    await acquire(dir, "a.py");
    await cli(dir, ["lock", "release", "--all", "--agent", "ada"]);
    const seen = await all.objects(3);
    assert.deepEqual(seen.map(({ type, subject }) => `${type} ${subject}`), [
      "lock.acquired a.py",
      "lock.released a.py",
      "lock.released before.py",
    ]);
    for (const event of seen) {
      assert.deepEqual(Object.keys(event), ["id", "type", "subject", "agent", "atMs", "data"]);
    }
    assert.match(
      await only.next(),
      /^evt_\w{26} {2}.* lock\.released +ada +a\.py \{"fence":\d+\}$/,
    );
    assert.match(await only.next(), / before\.py /);
    const nothing = { more: [], stderr: "" };
    assert.deepEqual([await all.end(), await only.end()], [nothing, nothing]);

    // Who comes back with a cursor has missed nothing.
    const again = new Stream(dir, ["events", "--follow", "--json", "--since", seen[0].id]);
    assert.deepEqual(await again.objects(2), seen.slice(1));
    assert.deepEqual(await again.end(), nothing);
  }));

Deno.test("events --follow ends by itself once nobody reads it", () =>
  withProject(async (dir) => {
    await acquire(dir, "a.py");
    const words = programCommand().map((word) => `'${word}'`).join(" ");
    const follow = `${words} events --follow --json --since evt_${"0".repeat(26)}`;
    const shell = new Deno.Command("bash", {
      // Both events there are so far: what happens later finds no reader.
      args: ["-c", `(${follow}; echo "left with $?" >&2) | head -n 2`],
      cwd: dir,
      clearEnv: true,
      env: cleanEnvironment(),
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    let running = true;
    const output = shell.output().finally(() => running = false);
    for (let index = 0; running && index < 100; index++) await acquire(dir, `b${index}.py`);
    assert.ok(!running, "it still follows");
    const { code, stdout, stderr } = await output;
    const decoder = new TextDecoder();
    assert.equal(code, 0);
    assert.equal(decoder.decode(stdout).split("\n").length, 3);
    assert.equal(decoder.decode(stderr), "left with 0\n");
  }));

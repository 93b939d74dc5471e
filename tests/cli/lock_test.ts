/**
 * Everything the lock commands print, and the code they leave with. Long, because it is the output itself.
 */
import assert from "node:assert/strict";
import { cli, withProject } from "../support/cli.ts";
import { inProcess } from "../support/golden_run.ts";
import { assertAligned, transcript } from "../support/golden.ts";

const FILE = { file: import.meta.url };

Deno.test("lock commands print what they did, and why not", () =>
  withProject(async (dir) => {
    await Deno.mkdir(`${dir}/src`);
    await transcript(
      dir,
      String.raw`
ada$ lock acquire a.py --intent 'fix login'
Locked a.py (fence 1), lapses in 5m
ada$ lock acquire src ./b.py --ttl 10m
Locked src (fence 2), lapses in 10m
Locked b.py (fence 2), lapses in 10m
bob$ lock acquire a.py
! agentcoord: Cannot acquire lock "a.py": held by "ada" (fix login), free in 5m at the latest
= 3
bob$ lock acquire c.py src/x/y.py
! agentcoord: Cannot acquire lock "src/x/y.py": "src" is held by "ada", free in 10m at the latest
= 3
bob$ lock acquire a.py --wait 100ms
! agentcoord: Gave up on lock "a.py" after 100ms: held by "ada" (fix login), free in 5m at the latest
= 6
ada$ lock acquire a.py
! agentcoord: Cannot acquire lock "a.py": held by "ada" (fix login), free in 5m at the latest; you hold it already: extend it with lock renew, or acquire with --reentrant (reentrant: true)
= 3
ada$ lock acquire a.py --reentrant --ttl 20m
Locked a.py (fence 1), lapses in 20m
ada$ lock acquire d.py --shared
Locked d.py (fence 3), lapses in 5m
bob$ lock acquire d.py --shared
Locked d.py (fence 4), lapses in 5m
bob$ lock acquire d.py
! agentcoord: Cannot acquire lock "d.py": held by "ada", free in 5m at the latest
= 3
bob$ lock list
PATH  HOLDER  MODE  FENCE  HELD  LAPSES  INTENT
a.py  ada  exclusive  1  now  in 20m  fix login
b.py  ada  exclusive  2  now  in 10m
d.py  ada  shared  3  now  in 5m
d.py  bob  shared  4  now  in 5m
src  ada  exclusive  2  now  in 10m
$ locks --holder bob
PATH  HOLDER  MODE  FENCE  HELD  LAPSES  INTENT
d.py  bob  shared  4  now  in 5m
ada$ lock renew a.py b.py
Renewed a.py (fence 1), lapses in 20m
Renewed b.py (fence 2), lapses in 10m
ada$ lock renew a.py --ttl 30m --fence 1
Renewed a.py (fence 1), lapses in 30m
ada$ lock renew a.py --fence 2
! agentcoord: Cannot renew lock "a.py": "ada" does not hold it under fence 2; it is held by "ada" (fix login) under fence 1 now
= 5
bob$ lock renew a.py
! agentcoord: Cannot renew lock "a.py": "bob" does not hold it; it is held by "ada" (fix login) under fence 1 now
= 5
bob$ lock renew nothing.py
! agentcoord: Cannot renew lock "nothing.py": "bob" does not hold it; nobody holds it now
= 5
$ lock verify a.py --fence 1
Current: a.py (fence 1), lapses in 30m
$ lock verify a.py --fence 7
! agentcoord: Fence 7 of lock "a.py" is not current: it is held by "ada" (fix login) now
= 5
$ lock verify nothing.py --fence 1
! agentcoord: Fence 1 of lock "nothing.py" is not current: nobody holds it now
= 5
ada$ lock check a.py src/deep/x.py free.py
Yours: a.py (fence 1), lapses in 30m
Yours: src/deep/x.py (fence 2), by the lock on src, lapses in 10m
Free: free.py
bob$ lock check free.py a.py src/x.py
! agentcoord: Lock "a.py" is held by "ada" (fix login), free in 30m at the latest; 1 more path is held
= 3
bob$ lock check d.py
! agentcoord: Lock "d.py" is held by "ada", free in 5m at the latest
= 3
bob$ lock check d.py --shared
Yours: d.py (fence 4), lapses in 5m
$ lock check .
! agentcoord: Lock "." is not free: "a.py" is held by "ada" (fix login), free in 30m at the latest
= 3
bob$ lock release a.py
! agentcoord: Cannot release lock "a.py": "bob" does not hold it; it is held by "ada" (fix login) under fence 1 now
= 5
ada$ lock release a.py --fence 9
! agentcoord: Cannot release lock "a.py": "ada" does not hold it under fence 9; it is held by "ada" (fix login) under fence 1 now
= 5
ada$ lock release a.py gone.py
! agentcoord: Cannot release lock "gone.py": "ada" does not hold it; nobody holds it now
= 5
ada$ lock release src/ b.py
Released src (fence 2)
Released b.py (fence 2)
bob$ lock break d.py --reason 'ada is on holiday'
Broke d.py (fence 3), held by ada
Broke d.py (fence 4), held by bob
bob$ lock break d.py --reason again
! agentcoord: Nobody holds lock "d.py"; there is nothing to break
= 4
ada$ lock release --all
Nothing to release.
bob$ lock acquire e.py f.py
Locked e.py (fence 5), lapses in 5m
Locked f.py (fence 5), lapses in 5m
bob$ lock release --all
Released e.py (fence 5)
Released f.py (fence 5)
$ locks
No locks.
`,
      FILE,
    );
  }));

Deno.test("lock commands answer --json with one document, refusals too", () =>
  withProject(async (dir) => {
    await transcript(
      dir,
      String.raw`
$ --json locks
{"schemaVersion":1,"ok":true,"data":[],"warnings":[]}
ada$ --json lock acquire a.py --intent 'fix login'
{
  "schemaVersion": 1,
  "ok": true,
  "data": [{"path":"a.py","mode":"exclusive","holder":"ada","fence":1,"intent":"fix login","acquiredAtMs":AT,"expiresAtMs":AT}],
  "warnings": []
}
ada$ --json lock acquire b.py c.py --shared
{
  "schemaVersion": 1,
  "ok": true,
  "data": [
    {"path":"b.py","mode":"shared","holder":"ada","fence":2,"intent":"","acquiredAtMs":AT,"expiresAtMs":AT},
    {"path":"c.py","mode":"shared","holder":"ada","fence":2,"intent":"","acquiredAtMs":AT,"expiresAtMs":AT}
  ],
  "warnings": []
}
bob$ --json lock acquire a.py
{
  "schemaVersion": 1,
  "ok": false,
  "error": {
    "code": "conflict",
    "message": "Cannot acquire lock \"a.py\": held by \"ada\" (fix login), free in 5m at the latest",
    "retryable": true,
    "details": {
      "path": "a.py",
      "mode": "exclusive",
      "holder": "ada",
      "fence": 1,
      "intent": "fix login",
      "acquiredAtMs": AT,
      "expiresAtMs": AT,
      "asked": "a.py",
      "ageMs": MS,
      "remainingMs": MS
    }
  },
  "warnings": []
}
= 3
bob$ --json lock acquire a.py --wait 100ms
{
  "schemaVersion": 1,
  "ok": false,
  "error": {
    "code": "timeout",
    "message": "Gave up on lock \"a.py\" after 100ms: held by \"ada\" (fix login), free in 5m at the latest",
    "retryable": true,
    "details": {
      "path": "a.py",
      "mode": "exclusive",
      "holder": "ada",
      "fence": 1,
      "intent": "fix login",
      "acquiredAtMs": AT,
      "expiresAtMs": AT,
      "asked": "a.py",
      "ageMs": MS,
      "remainingMs": MS,
      "waitMs": 100
    }
  },
  "warnings": []
}
= 6
$ --json locks
{
  "schemaVersion": 1,
  "ok": true,
  "data": [
    {"path":"a.py","mode":"exclusive","holder":"ada","fence":1,"intent":"fix login","acquiredAtMs":AT,"expiresAtMs":AT},
    {"path":"b.py","mode":"shared","holder":"ada","fence":2,"intent":"","acquiredAtMs":AT,"expiresAtMs":AT},
    {"path":"c.py","mode":"shared","holder":"ada","fence":2,"intent":"","acquiredAtMs":AT,"expiresAtMs":AT}
  ],
  "warnings": []
}
$ --json locks --holder bob
{"schemaVersion":1,"ok":true,"data":[],"warnings":[]}
ada$ --json lock renew a.py --ttl 10m
{
  "schemaVersion": 1,
  "ok": true,
  "data": [{"path":"a.py","mode":"exclusive","holder":"ada","fence":1,"intent":"fix login","acquiredAtMs":AT,"expiresAtMs":AT}],
  "warnings": []
}
bob$ --json lock renew a.py
{
  "schemaVersion": 1,
  "ok": false,
  "error": {
    "code": "lease_lost",
    "message": "Cannot renew lock \"a.py\": \"bob\" does not hold it; it is held by \"ada\" (fix login) under fence 1 now",
    "retryable": false,
    "details": {
      "path": "a.py",
      "fence": null,
      "agent": "bob",
      "lost": [
        {
          "path": "a.py",
          "current": {"path":"a.py","mode":"exclusive","holder":"ada","fence":1,"intent":"fix login","acquiredAtMs":AT,"expiresAtMs":AT}
        }
      ],
      "released": []
    }
  },
  "warnings": []
}
= 5
$ --json lock verify a.py --fence 1
{
  "schemaVersion": 1,
  "ok": true,
  "data": [{"path":"a.py","mode":"exclusive","holder":"ada","fence":1,"intent":"fix login","acquiredAtMs":AT,"expiresAtMs":AT}],
  "warnings": []
}
$ --json lock verify a.py --fence 2
{
  "schemaVersion": 1,
  "ok": false,
  "error": {
    "code": "lease_lost",
    "message": "Fence 2 of lock \"a.py\" is not current: it is held by \"ada\" (fix login) now",
    "retryable": false,
    "details": {
      "path": "a.py",
      "fence": 2,
      "current": [{"path":"a.py","mode":"exclusive","holder":"ada","fence":1,"intent":"fix login","acquiredAtMs":AT,"expiresAtMs":AT}]
    }
  },
  "warnings": []
}
= 5
ada$ --json lock check a.py free.py
{
  "schemaVersion": 1,
  "ok": true,
  "data": [
    {
      "path": "a.py",
      "state": "mine",
      "lease": {"path":"a.py","mode":"exclusive","holder":"ada","fence":1,"intent":"fix login","acquiredAtMs":AT,"expiresAtMs":AT}
    },
    {"path":"free.py","state":"free"}
  ],
  "warnings": []
}
bob$ --json lock check a.py
{
  "schemaVersion": 1,
  "ok": false,
  "error": {
    "code": "conflict",
    "message": "Lock \"a.py\" is held by \"ada\" (fix login), free in 10m at the latest",
    "retryable": true,
    "details": {
      "checks": [
        {
          "path": "a.py",
          "state": "held",
          "lease": {"path":"a.py","mode":"exclusive","holder":"ada","fence":1,"intent":"fix login","acquiredAtMs":AT,"expiresAtMs":AT}
        }
      ]
    }
  },
  "warnings": []
}
= 3
bob$ --json lock release a.py
{
  "schemaVersion": 1,
  "ok": false,
  "error": {
    "code": "lease_lost",
    "message": "Cannot release lock \"a.py\": \"bob\" does not hold it; it is held by \"ada\" (fix login) under fence 1 now",
    "retryable": false,
    "details": {
      "path": "a.py",
      "fence": null,
      "agent": "bob",
      "lost": [
        {
          "path": "a.py",
          "current": {"path":"a.py","mode":"exclusive","holder":"ada","fence":1,"intent":"fix login","acquiredAtMs":AT,"expiresAtMs":AT}
        }
      ],
      "released": []
    }
  },
  "warnings": []
}
= 5
ada$ --json lock release a.py gone.py
{
  "schemaVersion": 1,
  "ok": false,
  "error": {
    "code": "lease_lost",
    "message": "Cannot release lock \"gone.py\": \"ada\" does not hold it; nobody holds it now",
    "retryable": false,
    "details": {
      "path": "gone.py",
      "fence": null,
      "agent": "ada",
      "lost": [{"path":"gone.py"}],
      "released": [{"path":"a.py","mode":"exclusive","holder":"ada","fence":1,"intent":"fix login","acquiredAtMs":AT,"expiresAtMs":AT}]
    }
  },
  "warnings": []
}
= 5
ada$ --json lock release b.py
{
  "schemaVersion": 1,
  "ok": true,
  "data": [{"path":"b.py","mode":"shared","holder":"ada","fence":2,"intent":"","acquiredAtMs":AT,"expiresAtMs":AT}],
  "warnings": []
}
bob$ --json lock break c.py --reason 'ada is on holiday'
{
  "schemaVersion": 1,
  "ok": true,
  "data": [{"path":"c.py","mode":"shared","holder":"ada","fence":2,"intent":"","acquiredAtMs":AT,"expiresAtMs":AT}],
  "warnings": []
}
bob$ --json lock break c.py --reason again
{
  "schemaVersion": 1,
  "ok": false,
  "error": {"code":"not_found","message":"Nobody holds lock \"c.py\"; there is nothing to break","retryable":false,"details":{"path":"c.py"}},
  "warnings": []
}
= 4
ada$ --json lock release --all
{"schemaVersion":1,"ok":true,"data":[],"warnings":[]}
$ --json lock acquire a.py
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
ada$ --json lock acquire ../a.py
{
  "schemaVersion": 1,
  "ok": false,
  "error": {
    "code": "invalid_argument",
    "message": "Invalid path \"../a.py\": it leads to \"PARENT/a.py\", outside the project root \"DIR\"; use --absolute (absolute: true) to lock it by its full name",
    "retryable": false,
    "details": {"field":"path","value":"../a.py","root":"DIR","resolved":"PARENT/a.py"}
  },
  "warnings": []
}
= 2
ada$ --json lock acquire a.py --ttl 5x
{
  "schemaVersion": 1,
  "ok": false,
  "error": {
    "code": "invalid_argument",
    "message": "Invalid --ttl \"5x\": use a number with ms, s, m, h or d, such as 30s or 5m",
    "retryable": false,
    "details": {"field":"--ttl","value":"5x"}
  },
  "warnings": []
}
= 2
ada$ --json lock release
{
  "schemaVersion": 1,
  "ok": false,
  "error": {
    "code": "invalid_argument",
    "message": "Name paths to release, or use --all without paths and --fence",
    "retryable": false,
    "details": {"field":"paths","value":[]}
  },
  "warnings": []
}
= 2
$ --json lock verify a.py
{
  "schemaVersion": 1,
  "ok": false,
  "error": {"code":"invalid_argument","message":"Required option '--fence <n>' not specified","retryable":false,"details":{}},
  "warnings": []
}
= 2
`,
      FILE,
    );
  }));

Deno.test("lock run passes the command's own streams through, and refuses with 75", () =>
  withProject(async (dir) => {
    await transcript(
      dir,
      String.raw`
ada$ lock run a.py --intent build -- printenv AGENTCOORD_LOCK_FENCE AGENTCOORD_LOCK_PATHS
1
["DIR/a.py"]
ada$ --json lock run a.py -- sh -c 'echo {}; echo oops >&2; exit 7'
{}
! oops
= 7
ada$ lock acquire a.py
Locked a.py (fence 3), lapses in 5m
bob$ lock run a.py -- echo never
! agentcoord: Cannot acquire lock "a.py": held by "ada", free in 5m at the latest
= 75
bob$ --json lock run a.py -- echo never
{
  "schemaVersion": 1,
  "ok": false,
  "error": {
    "code": "conflict",
    "message": "Cannot acquire lock \"a.py\": held by \"ada\", free in 5m at the latest",
    "retryable": true,
    "details": {
      "path": "a.py",
      "mode": "exclusive",
      "holder": "ada",
      "fence": 3,
      "intent": "",
      "acquiredAtMs": AT,
      "expiresAtMs": AT,
      "asked": "a.py",
      "ageMs": MS,
      "remainingMs": MS
    }
  },
  "warnings": []
}
= 75
bob$ lock run a.py -E 9 --wait 100ms -- echo never
! agentcoord: Gave up on lock "a.py" after 100ms: held by "ada", free in 5m at the latest
= 9
bob$ lock run b.py
! agentcoord: No command to run: write it after "--", as in -- make test
= 2
bob$ lock run b.py -- no-such-program
! agentcoord: Cannot run "no-such-program": there is no such program
= 127
$ lock run b.py -- echo never
! agentcoord: No acting agent: name one with --agent NAME or AGENTCOORD_AGENT=NAME (in the library: client.session(name))
= 2
$ locks
PATH  HOLDER  MODE  FENCE  HELD  LAPSES  INTENT
a.py  ada  exclusive  3  now  in 5m
`,
      FILE,
    );
  }));

Deno.test("lock commands with --quiet print paths only", () =>
  withProject(async (dir) => {
    await transcript(
      dir,
      String.raw`
ada$ -q lock acquire a.py b.py
a.py
b.py
ada$ lock renew a.py --quiet
a.py
$ -q lock verify a.py --fence 1
a.py
$ -q locks
a.py
b.py
bob$ -q lock acquire a.py
! agentcoord: Cannot acquire lock "a.py": held by "ada", free in 5m at the latest
= 3
bob$ -q lock break a.py --reason 'no answer'
a.py
ada$ -q lock release --all
b.py
ada$ -q lock release --all
$ -q locks
ada$ -q --json lock acquire a.py
{
  "schemaVersion": 1,
  "ok": true,
  "data": [{"path":"a.py","mode":"exclusive","holder":"ada","fence":2,"intent":"","acquiredAtMs":AT,"expiresAtMs":AT}],
  "warnings": []
}
ada$ AGENTCOORD_JSON=1 lock release a.py
{
  "schemaVersion": 1,
  "ok": true,
  "data": [{"path":"a.py","mode":"exclusive","holder":"ada","fence":2,"intent":"","acquiredAtMs":AT,"expiresAtMs":AT}],
  "warnings": []
}
`,
      FILE,
    );
  }));

Deno.test("whoever waits for a lock comes first, and gets it once it is free", () =>
  withProject(async (dir) => {
    await transcript(
      dir,
      String.raw`
ada$ -q lock acquire d.py --shared
d.py
bob& lock acquire d.py --wait 1m
waiting
cat$ lock acquire d.py --shared
! agentcoord: Cannot acquire lock "d.py": "bob" has queued for it first
= 3
cat$ --json lock acquire d.py --shared
{
  "schemaVersion": 1,
  "ok": false,
  "error": {
    "code": "conflict",
    "message": "Cannot acquire lock \"d.py\": \"bob\" has queued for it first",
    "retryable": true,
    "details": {"kind":"waiter","path":"d.py","holder":"bob","asked":"d.py"}
  },
  "warnings": []
}
= 3
ada$ -q lock release d.py
d.py
wait
Locked d.py (fence 2), lapses in 5m
`,
      FILE,
    );
  }));

Deno.test("a lock whose time is up is free, and lists as gone", () =>
  withProject(async (dir) => {
    await transcript(
      dir,
      String.raw`
ada$ -q lock acquire a.py --ttl 150ms
a.py
bob$ lock acquire a.py --wait 10s --intent 'next in line'
Locked a.py (fence 2), lapses in 5m
$ locks
PATH  HOLDER  MODE  FENCE  HELD  LAPSES  INTENT
a.py  bob  exclusive  2  now  in 5m  next in line
ada$ lock release a.py
! agentcoord: Cannot release lock "a.py": "ada" does not hold it; it is held by "bob" (next in line) under fence 2 now
= 5
`,
      FILE,
    );
  }));

Deno.test("piped text is neither coloured nor cut; colour can be forced and refused", () =>
  withProject(async (dir) => {
    const intent = "x".repeat(300);
    const lock = ["lock", "acquire", "a.py", "a much longer name.py", "--intent", intent];
    await cli(dir, lock, { env: { AGENTCOORD_AGENT: "ada" } });
    const narrow = { COLUMNS: "20", TERM: "xterm-256color", NO_COLOR: "" };

    const plain = await cli(dir, ["locks"], { env: narrow });
    assert.deepEqual([plain.code, plain.stderr], [0, ""]);
    assert.equal(plain.stdout.split(intent).length, 3, plain.stdout);
    assert.ok(!plain.stdout.includes("\x1b") && !plain.stdout.includes("…"), plain.stdout);
    assertAligned(plain.stdout);

    for (const env of [{ CLICOLOR_FORCE: "0" }, { CLICOLOR_FORCE: "1", NO_COLOR: "1" }]) {
      const { stdout } = await cli(dir, ["locks"], { env: { ...narrow, ...env } });
      assert.ok(!stdout.includes("\x1b"), JSON.stringify(env));
    }
    const forced = await cli(dir, ["locks"], { env: { ...narrow, CLICOLOR_FORCE: "1" } });
    assert.ok(forced.stdout.startsWith("\x1b[1mPATH"), forced.stdout);
    // deno-lint-ignore no-control-regex -- that is what a colour is
    const bare = forced.stdout.replace(/\x1b\[\d+m/g, "");
    assertAligned(bare);
    assert.equal(bare.split(intent).length, 3);
  }));

Deno.test("on a terminal a table is coloured, and its last column cut to fit", {
  sanitizeResources: false,
}, () =>
  withProject(async (dir) => {
    const act = ["lock", "acquire", "a.py", "--agent", "ada", "--intent", "x".repeat(300)];
    await inProcess(dir, act);
    const shown = async (env: Record<string, string>) =>
      (await inProcess(dir, ["locks"], { env, terminal: 72 })).stdout.split("\n");
    const [header = "", row = ""] = await shown({});
    assert.ok(header.startsWith("\x1b[1mPATH\x1b[0m"), header);
    assert.ok(row.endsWith("x…"), row);
    assert.ok(row.length <= 72, `${row.length}`);
    for (
      const env of [{ NO_COLOR: "1" }, { TERM: "dumb" }, { NO_COLOR: "1", CLICOLOR_FORCE: "1" }]
    ) {
      const plain = await shown(env as Record<string, string>);
      assert.ok(plain[0]?.startsWith("PATH "), plain[0]);
      assert.equal(plain[1], row);
    }
    assert.equal((await shown({ NO_COLOR: "" }))[0], header, "an empty NO_COLOR says nothing");
  }));

/**
 * The checker of fault campaigns, held against histories made by hand: it accepts what may be, and finds what may not.
 * @module
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { check } from "../../scripts/chaos/check.ts";
import type {
  Essence,
  Fault,
  Final,
  FinalEntry,
  History,
  Line,
  Operation,
} from "../../scripts/chaos/history.ts";

const NOTHING: Final = {
  tasks: [],
  threads: [],
  replies: [],
  approvals: [],
  entries: [],
  events: [],
};
let calls = 0;

/** One call of `agent`, whose process leaves in the end. */
function call(
  operation: Operation,
  [fromMs, toMs]: readonly [number, number],
  given: Essence,
  answer: Essence = {},
  { agent = "ada", outcome = "ok", pid = 1 } = {},
): readonly Line[] {
  const name = `call-${calls++}`;
  return [
    { kind: "begin", call: name, pid, slot: pid, agent, operation, atMs: fromMs, given },
    { kind: "end", call: name, atMs: toMs, outcome, answer },
  ];
}

const acquire = (fromMs: number, fence: number, path = "a") =>
  call("lock.acquire", [fromMs, fromMs + 10], { path, leaseMs: 1000 }, { fence });
const claim = (fromMs: number, fence: number, id = "t1") =>
  call("task.claim", [fromMs, fromMs + 10], { leaseMs: 1000 }, { id, fence });

/** What the checker says. */
function judge(lines: readonly Line[], rest: Partial<History> = {}): readonly string[] {
  return check({ lines, marks: [], effects: [], faults: [], final: NOTHING, ...rest });
}

function finds(found: readonly string[], sentence: RegExp): void {
  assert.equal(found.length, 1, found.join("\n"));
  assert.match(found[0]!, sentence);
}

Deno.test("a lock that was held twice is found, and one that lapsed or was given back is not", () => {
  assert.deepEqual(judge([...acquire(0, 1), ...acquire(1000, 2)]), []);
  finds(
    judge([...acquire(0, 1), ...acquire(500, 2)]),
    /^lock a was held twice: 2 began 490 ms before 1 ended$/,
  );
  const release = call("lock.release", [100, 120], { path: "a", fence: 1 });
  assert.deepEqual(judge([...acquire(0, 1), ...release, ...acquire(110, 2)]), []);
  const renew = call("lock.renew", [900, 910], { path: "a", fence: 1, leaseMs: 1000 }, {
    fence: 1,
  });
  finds(judge([...acquire(0, 1), ...renew, ...acquire(1100, 2)]), /^lock a was held twice/);
});

Deno.test("a lock that was held twice is found where both had waited for longer than a lease", () => {
  const waited = (toMs: number, fence: number) =>
    call("lock.acquire", [0, toMs], { path: "a", leaseMs: 1000 }, { fence, untilMs: toMs + 800 });
  assert.deepEqual(judge([...waited(5000, 1), ...waited(5900, 2)]), []);
  finds(judge([...waited(5000, 1), ...waited(5500, 2)]), /^lock a was held twice/);
});

Deno.test("critical sections that overlap in their own file are found, also of a holder that was killed", () => {
  const marks = (...marks: readonly [fence: number, edge: "begin" | "end", atMs: number][]) => ({
    marks: marks.map(([fence, edge, atMs]) => ({ path: "a", fence, edge, atMs })),
  });
  const lines = [...acquire(0, 1), ...acquire(1100, 2)];
  assert.deepEqual(judge(lines, marks([1, "begin", 20], [2, "begin", 1120])), []);
  finds(
    judge([...acquire(0, 1)], marks([1, "begin", 20], [2, "begin", 900], [2, "end", 950])),
    /^the section of lock a was held twice: 2 began 100 ms before 1 ended$/,
  );
});

Deno.test("a fence that was given twice, or after a greater one, is found", () => {
  finds(judge([...acquire(0, 1), ...acquire(0, 1, "b")]), /^fence 1 was given twice/);
  finds(
    judge([...acquire(0, 2), ...acquire(1100, 1)]),
    /^lock a: fence 1 was given after the greater 2$/,
  );
  assert.deepEqual(judge([...acquire(0, 2), ...acquire(5, 1, "b")]), []);
  finds(judge([...claim(0, 2), ...claim(1100, 1)]), /^task t1: fence 1 was given after/);
});

Deno.test("a lease that was taken away before its time is found", () => {
  const lost = (atMs: number) =>
    judge([
      ...acquire(0, 1),
      ...call("lock.renew", [atMs, atMs + 5], { path: "a", fence: 1, leaseMs: 1000 }, {}, {
        outcome: "lease_lost",
      }),
    ]);
  assert.deepEqual(lost(1000), []);
  finds(lost(400), /^lock a: fence 1 was lost 595 ms too early$/);
});

Deno.test("a task that was held, done or completed twice is found", () => {
  finds(judge([...claim(0, 1), ...claim(500, 2)]), /^task t1 was held twice/);
  const effects = [1, 1].map((fence) => ({ id: "t1", fence, atMs: 20 }));
  finds(judge(claim(0, 1), { effects }), /^task t1 had two effects in attempt 1$/);
  const complete = (fence: number, atMs: number) =>
    call("task.complete", [atMs, atMs + 5], { id: "t1", fence });
  const attempts = [{ fence: 1, outcome: "completed" }];
  const final = { ...NOTHING, tasks: [{ id: "t1", nonce: "n", status: "completed", attempts }] };
  assert.deepEqual(judge([...claim(0, 1), ...complete(1, 50)], { final }), []);
  const twice = judge([...claim(0, 1), ...complete(1, 50), ...complete(2, 90)], { final });
  assert.match(twice[0]!, /^task t1 was completed by 1 and by 2$/);
  finds(judge([...claim(0, 1), ...complete(1, 50)]), /^task t1 .* is not there$/);
});

const KINDS:
  readonly (readonly [Operation, (kept: readonly { id: string; nonce: string }[]) => Final])[] = [
    ["board.post", (threads) => ({ ...NOTHING, threads })],
    ["board.reply", (replies) => ({ ...NOTHING, replies })],
    [
      "task.create",
      (kept) => ({
        ...NOTHING,
        tasks: kept.map((one) => ({ ...one, status: "pending", attempts: [] })),
      }),
    ],
    [
      "approval.request",
      (kept) => ({ ...NOTHING, approvals: kept.map((one) => ({ ...one, status: "pending" })) }),
    ],
  ];

for (const [operation, finalWith] of KINDS) {
  Deno.test(`what ${operation} had acknowledged is there in the end, once, or that is found`, () => {
    const lines = call(operation, [0, 10], { nonce: "n" }, { id: "x" });
    const one = { id: "x", nonce: "n" };
    assert.deepEqual(judge(lines, { final: finalWith([one]) }), []);
    finds(judge(lines), /was answered with x \(n\), which is lost$/);
    const doubled = judge(lines, { final: finalWith([{ id: "y", nonce: "n" }, one]) });
    finds(doubled, /is there twice: n$/);
    // Nobody was told of it, and it was done all the same: that is allowed once.
    const unknown = call(operation, [0, 10], { nonce: "n" }, {}, { outcome: "store_unavailable" });
    assert.deepEqual(judge(unknown, { final: finalWith([one]) }), []);
  });
}

Deno.test("what was acknowledged before the server lost its memory is excused, and what came after is not", () => {
  const lines = call("board.post", [100, 110], { nonce: "n" }, { id: "x" });
  const flush = (losesBeforeMs: number): readonly Fault[] => [
    { what: "FLUSHALL", fromMs: 200, toMs: 200, losesBeforeMs },
  ];
  assert.deepEqual(judge(lines, { faults: flush(200) }), []);
  finds(judge(lines, { faults: flush(50) }), /which is lost$/);
  // Locks are never excused: the mirror puts them back.
  finds(
    judge([...acquire(0, 1), ...acquire(500, 2)], { faults: flush(2000) }),
    /^lock a was held twice/,
  );
});

Deno.test("a decision that does not stand is found", () => {
  const lines = call("approval.decide", [0, 10], { id: "x", status: "approved" });
  const final = (status: string, decidedBy: string) => ({
    final: { ...NOTHING, approvals: [{ id: "x", nonce: "n", status, decidedBy }] },
  });
  assert.deepEqual(judge(lines, final("approved", "ada")), []);
  finds(judge(lines, final("rejected", "bob")), /is rejected by bob$/);
});

/** A chain of entries, sealed as the store does it. */
function chain(...reasons: readonly string[]): FinalEntry[] {
  let previous = "";
  return reasons.map((reason, index) => {
    const content = { agent: "ada", context: "c", decisionType: "d", id: `aud_${index}`, reason };
    const sealed = JSON.stringify({ ...content, refs: [] });
    const contentHash = createHash("sha256").update(sealed).digest("hex");
    previous = createHash("sha1").update(previous + contentHash).digest("hex");
    return { ...content, refs: [], contentHash, link: previous };
  });
}

Deno.test("an audit chain with an entry changed, dropped or moved is found", () => {
  const judged = (entries: readonly FinalEntry[]) => judge([], { final: { ...NOTHING, entries } });
  const [one, two, three] = chain("1", "2", "3") as [FinalEntry, FinalEntry, FinalEntry];
  assert.deepEqual(judged([one, two, three]), []);
  finds(judged([one, { ...two, reason: "9" }, three]), /^the content of audit entry aud_1/);
  finds(judged([one, three]), /^audit entry aud_2 does not follow/);
  assert.equal(judged([two, one, three]).length, 3);
});

Deno.test("a follower that was told of an event twice, out of order or not at all is found", () => {
  const told = (...ids: readonly string[]): readonly Line[] =>
    ids.map((id, atMs) => ({ kind: "event", follower: "f", id, atMs }));
  const events = ["e1", "e2", "e3", "e4"].map((id) => ({ id, type: "audit.logged" }));
  const judged = (lines: readonly Line[]) => judge(lines, { final: { ...NOTHING, events } });
  assert.deepEqual(judged(told("e2", "e3", "e4")), []);
  finds(judged(told("e1", "e2", "e4")), /^follower f was never told of e3 \(1 in all\)$/);
  finds(judged(told("e1", "e2", "e2", "e3")), /^follower f was told of e2 twice$/);
  const late = told("e1", "e4", "e2", "e3");
  finds(judged(late), /^follower f was told of e2 after e4$/);
  const outage = { what: "outage", fromMs: 0.5, toMs: 1.5, outOfReach: true } as const;
  const final = { ...NOTHING, events };
  const killed = told("e1", "e2", "e4");
  assert.deepEqual(judge(killed, { final, faults: [outage] }), []);
  assert.deepEqual(judge(late, { final, faults: [outage] }), []);
  // Between two outages there was no time to tell of what the first had put out of reach; with time there was.
  const [begun, ended] = [{ ...outage, fromMs: 1.5, toMs: 2 }, { ...outage, fromMs: 2.5, toMs: 9 }];
  const twice = told("e1", "e2", "e4", "e5").map((line) => ({ ...line }));
  const more = { ...NOTHING, events: [...events, { id: "e5", type: "audit.logged" }] };
  assert.deepEqual(judge(twice, { final: more, faults: [begun, ended] }), []);
  const [, , , last] = twice as [Line, Line, Line, Line & { atMs: number }];
  last.atMs = 20_000;
  const muchLater = { ...ended, fromMs: 15_000, toMs: 21_000 };
  finds(judge(twice, { final: more, faults: [begun, muchLater] }), /never told of e3/);
});

Deno.test("a follower of the audit log that was told of an entry twice or not at all is found", () => {
  const told = (...ids: readonly string[]): readonly Line[] =>
    ids.map((id, atMs) => ({ kind: "entry", follower: "f", id, atMs }));
  const [one, two, three] = chain("1", "2", "3");
  const final = { ...NOTHING, entries: [one!, two!, three!] };
  const judged = (lines: readonly Line[], faults: readonly Fault[] = []) =>
    judge(lines, { final, faults });
  assert.deepEqual(judged(told("aud_1", "aud_2")), []);
  finds(judged(told("aud_0", "aud_2")), /^follower f was never told of aud_1 \(1 in all\)$/);
  finds(judged(told("aud_0", "aud_1", "aud_1", "aud_2")), /^follower f was told of aud_1 twice$/);
  const outage = { what: "outage", fromMs: 0.5, toMs: 1.5, outOfReach: true } as const;
  assert.deepEqual(judged(told("aud_0", "aud_2"), [outage]), []);
  const lost = { what: "FLUSHALL", fromMs: 0, toMs: 1, losesBeforeMs: 1 };
  assert.deepEqual(judged(told("aud_0", "aud_2"), [lost]), []);
});

Deno.test("a wait that goes on past its limit is found, and the time of faults does not count", () => {
  const wait = call("inbox.wait", [0, 9000], { limitMs: 3000 }, {}, { outcome: "timeout" });
  finds(judge(wait), /^inbox\.wait of ada ended 6000 ms after its limit$/);
  const fault = { what: "SIGSTOP", fromMs: 4000, toMs: 6000 };
  assert.deepEqual(judge(wait, { faults: [{ ...fault, slot: 1 }] }), []);
  assert.deepEqual(judge(wait, { faults: [fault] }), []);
  finds(judge(wait, { faults: [{ ...fault, slot: 2 }] }), /after its limit$/);
});

Deno.test("a waiter that is not told of what it waits for is found", () => {
  const wait = (toMs: number, outcome: string) =>
    call("approval.wait", [0, toMs], { id: "x", limitMs: 60_000 }, {}, { outcome });
  const decide = call("approval.decide", [100, 110], { id: "x", status: "approved" });
  const final = {
    ...NOTHING,
    approvals: [{ id: "x", nonce: "n", status: "approved", decidedBy: "ada" }],
  };
  assert.deepEqual(judge([...wait(200, "ok"), ...decide], { final }), []);
  finds(
    judge([...wait(8000, "timeout"), ...decide], { final }),
    /^approval\.wait of ada was forgotten for 7890 ms$/,
  );
  const inbox = call("inbox.wait", [0, 8000], { limitMs: 60_000 }, {}, { agent: "bob", pid: 2 });
  const reply = call("board.reply", [100, 110], { nonce: "n", to: "bob" }, { id: "m" });
  finds(
    judge([...inbox, ...reply], { final: { ...NOTHING, replies: [{ id: "m", nonce: "n" }] } }),
    /^inbox\.wait of bob was forgotten for 7890 ms$/,
  );
});

Deno.test("a waiter for a lock whom others overtake is found", () => {
  const wait = (outcome: string) =>
    call("lock.acquire", [0, 9000], { path: "a", leaseMs: 1000, limitMs: 9000 }, {}, { outcome });
  const other = (fromMs: number, fence: number, path = "a") => acquire(fromMs, fence, path);
  assert.deepEqual(judge([...wait("timeout"), ...other(5000, 1), ...other(2000, 2, "b")]), []);
  assert.deepEqual(judge([...wait("timeout"), ...other(500, 1)]), []);
  finds(
    judge([...wait("timeout"), ...other(2000, 1)]),
    /^lock\.acquire of ada was forgotten: 1 who came later had a$/,
  );
  const frozen = { what: "SIGSTOP", fromMs: 3000, toMs: 6000, slot: 1 };
  assert.deepEqual(judge([...wait("timeout"), ...other(2000, 1)], { faults: [frozen] }), []);
});

Deno.test("a call without an answer is found, unless its process was killed", () => {
  const [begin] = call("audit.log", [0, 10], { nonce: "n" });
  const start: Line = { kind: "start", pid: 1, slot: 1 };
  const leave: Line = { kind: "leave", pid: 1, slot: 1 };
  finds(judge([start, begin!, leave]), /^audit\.log of ada \(process 1\) was never answered$/);
  const killed = { what: "kill -9", fromMs: 5, toMs: 6, slot: 1, killed: 1 };
  assert.deepEqual(judge([start, begin!], { faults: [killed] }), []);
  finds(judge([start]), /^process 1 of slot 1 neither left nor was killed$/);
});

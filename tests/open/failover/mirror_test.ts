/**
 * The mirror: what is noted in it is known afterwards, whoever appends at the same time and whatever dies.
 * @module
 */
import assert from "node:assert/strict";
import type { Agent } from "../../../src/agent/model.ts";
import { StoreUnavailableError } from "../../../src/errors.ts";
import { Mirror } from "../../../src/open/failover/mirror.ts";
import type { MirrorLease, MirrorLine } from "../../../src/open/failover/mirror_line.ts";
import { loadMirror, writeMirror } from "../../../src/open/failover/mirror_snapshot.ts";
import type { Task } from "../../../src/task/model.ts";
import { Fleet } from "../../../dev/fleet.ts";
import { ends, GENEROUS_MS } from "../../../dev/sleepers.ts";

const NOW = 1_800_000_000_000;

interface Bench {
  readonly home: string;
  /** Appends to the first generation. */
  readonly note: (...lines: readonly MirrorLine[]) => void;
  readonly load: (nowMs?: number, generation?: number) => ReturnType<typeof loadMirror>;
}

function mirrorTest(name: string, body: (bench: Bench) => void | Promise<void>): void {
  Deno.test(name, async () => {
    const home = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
    const mirror = Mirror.open(home, 1);
    const note = (...lines: readonly MirrorLine[]) => lines.forEach((line) => mirror.append(line));
    const load = (nowMs = NOW, generation = 1) => loadMirror(home, generation, nowMs);
    try {
      await body({ home, note, load });
    } finally {
      mirror.close();
      await Deno.remove(home, { recursive: true });
    }
  });
}

function lease(path: string, fence: number, more: Partial<MirrorLease> = {}): MirrorLease {
  return {
    path,
    holder: "ada",
    fence,
    mode: "exclusive",
    intent: "",
    ttlMs: 1000,
    acquiredAtMs: NOW,
    untilMs: NOW + 1000,
    ...more,
  };
}

function granted(path: string, fence: number, more: Partial<MirrorLease> = {}): MirrorLine {
  return { op: "lease", leases: [lease(path, fence, more)] };
}

function task(id: string, fence: number, more: Partial<Task> = {}): Task {
  return {
    id,
    title: "t",
    description: "",
    priority: 5,
    tags: [],
    status: "claimed",
    dependsOn: [],
    attempts: [{ holder: "ada", fence, startedAtMs: NOW + 5 }],
    attemptsUsed: 1,
    maxAttempts: 3,
    createdBy: "ada",
    createdAtMs: NOW,
    updatedAtMs: NOW + 5,
    lease: { holder: "ada", fence, expiresAtMs: NOW + 3005 },
    ...more,
  };
}

function agent(name: string, lastHeartbeatAtMs = NOW): Agent {
  return {
    id: `agt_${name}`,
    name,
    role: "",
    workingOn: "",
    status: "active",
    tags: [],
    registeredAtMs: NOW,
    lastHeartbeatAtMs,
    expiresAtMs: NOW + 60_000,
    host: "h",
    locks: 0,
    tasks: 0,
  };
}

mirrorTest("a mirror without a file, or with an empty one, amounts to nothing", ({ load }) => {
  const nothing = { leases: [], tasks: [], agents: [], waiters: [] };
  assert.deepEqual(load(), nothing);
  assert.deepEqual(load(NOW, 7), nothing);
});

mirrorTest(
  "a lease is live until the latest instant told, unless it has ended",
  ({ note, load }) => {
    note(
      granted("a", 1, { aliases: ["link"], intent: "why" }),
      granted("b", 2),
      granted("c", 3),
      { op: "renew", leases: [{ path: "a", fence: 1, untilMs: NOW + 5000 }] },
      { op: "renew", leases: [{ path: "a", fence: 1, untilMs: NOW + 2000 }] },
      { op: "end", leases: [{ path: "b", fence: 2 }, { path: "c", fence: 99 }] },
    );
    assert.deepEqual(load().leases, [
      lease("a", 1, { aliases: ["link"], intent: "why", untilMs: NOW + 5000 }),
      lease("c", 3),
    ]);
    assert.deepEqual(load(NOW + 1000).leases.map(({ path }) => path), ["a"]);
    assert.deepEqual(load(NOW + 5000).leases, []);
  },
);

mirrorTest("lines of several processes mean the same in another order", ({ note, load }) => {
  note(
    { op: "end", leases: [{ path: "a", fence: 1 }] },
    { op: "renew", leases: [{ path: "b", fence: 2, untilMs: NOW + 9000 }] },
    { op: "beat", holder: "ada", atMs: NOW + 500 },
    granted("a", 1),
    granted("b", 2),
    granted("c", 3),
    { op: "wait_end", id: "w1" },
    { op: "wait", waiter: { id: "w1", agent: "ada", mode: "exclusive", paths: ["a"] } },
  );
  assert.deepEqual(load().leases.map(({ path, untilMs }) => [path, untilMs - NOW]), [
    ["b", 9000],
    ["c", 1500],
  ]);
  assert.deepEqual(load().waiters, []);
});

mirrorTest(
  "a heartbeat renews what is live by its own length, locks and tasks",
  ({ note, load }) => {
    note(
      granted("a", 1),
      granted("b", 2, { ttlMs: 60_000, untilMs: NOW + 60_000 }),
      granted("other", 3, { holder: "bob" }),
      { op: "renew", leases: [{ path: "b", fence: 2, untilMs: NOW + 90_000, ttlMs: 90_000 }] },
      { op: "claim", tasks: [task("tsk_1", 4)], untilMs: [NOW + 3000] },
      { op: "beat", holder: "ada", atMs: NOW + 1500 },
    );
    const { leases, tasks } = load();
    assert.deepEqual(leases.map(({ path, ttlMs, untilMs }) => [path, ttlMs, untilMs - NOW]), [
      // It had lapsed by then.
      ["a", 1000, 1000],
      ["b", 90_000, 91_500],
      ["other", 1000, 1000],
    ]);
    assert.deepEqual(tasks.map(({ leaseMs, untilMs }) => [leaseMs, untilMs - NOW]), [[3000, 4500]]);
  },
);

mirrorTest("a higher fence on an overlapping path ends what it excludes", ({ note, load }) => {
  note(
    granted("src", 10),
    granted("src/a", 11, { holder: "bob" }),
    granted("lib/x/y", 12),
    granted("lib", 13, { holder: "bob", untilMs: NOW - 1 }),
    granted("doc", 14, { mode: "shared" }),
    granted("doc/b", 15, { mode: "shared", holder: "bob" }),
    granted("real", 16, { aliases: ["link"] }),
    granted("link/c", 17, { holder: "bob" }),
    // One's own lease above does not keep one out.
    granted("own", 18),
    granted("own/d", 19),
    granted("again", 20),
    granted("again", 21),
    granted("lib2", 22),
    granted("/", 23, { holder: "bob" }),
  );
  assert.deepEqual(load().leases.map(({ path, fence }) => `${path} ${fence}`), [
    "src/a 11",
    "doc 14",
    "doc/b 15",
    "link/c 17",
    "own 18",
    "own/d 19",
    "again 21",
    "lib2 22",
    "/ 23",
  ]);
});

mirrorTest("an agent that left holds nothing, and is none", ({ note, load }) => {
  note(
    { op: "agent", agent: agent("ada") },
    { op: "agent", agent: { ...agent("bob"), role: "old", lastHeartbeatAtMs: NOW - 5 } },
    { op: "agent", agent: agent("bob") },
    { op: "agent", agent: { ...agent("bob"), role: "late", lastHeartbeatAtMs: NOW - 2 } },
    { op: "agent", agent: agent("silent", NOW - 86_400_000) },
    granted("a", 1),
    granted("b", 2, { holder: "bob" }),
    { op: "claim", tasks: [task("tsk_1", 3)], untilMs: [NOW + 3000] },
    { op: "end_all", holder: "ada", fence: 3 },
    { op: "agent_gone", name: "ada", atMs: NOW },
    granted("c", 4),
  );
  const { agents, leases, tasks } = load();
  assert.deepEqual(agents, [agent("bob")]);
  assert.deepEqual(leases.map(({ path }) => path), ["b", "c"]);
  assert.deepEqual(tasks, []);
});

mirrorTest(
  "an agent of the same name that comes back keeps what it gets, in whatever order it is told",
  ({ note, load }) => {
    const back = { ...agent("ada"), role: "back", lastHeartbeatAtMs: NOW + 1 };
    // What was told by the process that saw it leave comes last, and first.
    note(
      { op: "agent", agent: back },
      granted("new", 4),
      { op: "claim", tasks: [task("tsk_new", 5)], untilMs: [NOW + 3000] },
      { op: "end_all", holder: "ada", fence: 3 },
      { op: "agent_gone", name: "ada", atMs: NOW },
      granted("old", 1),
      { op: "claim", tasks: [task("tsk_old", 3)], untilMs: [NOW + 3000] },
      { op: "agent", agent: agent("ada") },
    );
    const { agents, leases, tasks } = load();
    assert.deepEqual(agents, [back]);
    assert.deepEqual(leases.map(({ path }) => path), ["new"]);
    assert.deepEqual(tasks.map(({ task: { id } }) => id), ["tsk_new"]);
  },
);

mirrorTest("a task is its newest claim's until that tenure has ended", ({ note, load }) => {
  note(
    { op: "end_task", id: "tsk_2", fence: 5 },
    {
      op: "claim",
      tasks: [task("tsk_1", 4), task("tsk_2", 5), task("tsk_3", 6)],
      leaseMs: 9000,
      untilMs: [NOW + 9000, NOW + 9000, NOW + 9000],
    },
    { op: "renew_task", id: "tsk_1", fence: 4, untilMs: NOW + 12_000, progress: "half" },
    { op: "claim", tasks: [task("tsk_3", 9)], leaseMs: 100, untilMs: [NOW + 100] },
    { op: "renew_task", id: "tsk_3", fence: 6, untilMs: NOW + 20_000 },
    // Who found that leases had lapsed does not know their fences.
    { op: "claim", tasks: [task("tsk_4", 10)], untilMs: [NOW + 3000] },
    { op: "end_task", id: "tsk_4", fence: Number.MAX_SAFE_INTEGER },
    { op: "claim", tasks: [task("tsk_4", 11)], untilMs: [NOW + 3000] },
  );
  const seen = (nowMs: number) =>
    load(nowMs).tasks.map(({ task: { id, lease }, leaseMs, untilMs }) =>
      `${id} ${lease!.fence} ${leaseMs} ${untilMs - NOW}`
    );
  assert.deepEqual(seen(NOW), ["tsk_1 4 9000 12000", "tsk_3 9 100 100", "tsk_4 11 3000 3000"]);
  // The tenure before is not brought back by what was told of it.
  assert.deepEqual(seen(NOW + 100), ["tsk_1 4 9000 12000", "tsk_4 11 3000 3000"]);
  assert.equal(load().tasks[0]!.task.attempts.at(-1)!.progress, "half");
});

mirrorTest(
  "who waits keeps the place of the first time, over one generation without a look",
  ({ home, note, load }) => {
    const wait = (id: string): MirrorLine => ({
      op: "wait",
      waiter: { id, agent: "ada", mode: "exclusive", paths: ["a", "link"] },
    });
    note(wait("w1"), wait("w2"), wait("w3"), wait("w1"), { op: "wait_end", id: "w2" });
    const ids = (generation: number) => load(NOW, generation).waiters.map(({ id }) => id);
    assert.deepEqual(ids(1), ["w1", "w3"]);
    writeMirror(home, 2, load());
    const second = Mirror.open(home, 2);
    second.append(wait("w4"));
    second.append(wait("w3"));
    second.close();
    assert.deepEqual(ids(2), ["w1", "w3", "w4"]);
    writeMirror(home, 3, load(NOW, 2));
    assert.deepEqual(ids(3), ["w3", "w4"]);
  },
);

mirrorTest("a mirror made smaller amounts to the same", ({ home, note, load }) => {
  for (let fence = 1; fence <= 200; fence++) {
    note(granted(`p${fence}`, fence, { aliases: [`q${fence}`] }));
    if (fence % 2 === 0) note({ op: "end", leases: [{ path: `p${fence}`, fence }] });
    note({ op: "beat", holder: "ada", atMs: NOW + fence });
  }
  note(
    { op: "claim", tasks: [task("tsk_1", 400), task("tsk_2", 400)], untilMs: [NOW + 10, NOW + 20] },
    { op: "renew_task", id: "tsk_1", fence: 400, untilMs: NOW + 30, progress: "half" },
    { op: "agent", agent: agent("ada") },
  );
  writeMirror(home, 2, load());
  assert.equal(load().leases.length, 100);
  assert.deepEqual(load(NOW, 2), load());
  assert.equal(Deno.statSync(`${home}/mirror.2`).mode! & 0o777, 0o600);
  assert.deepEqual(Array.from(Deno.readDirSync(home), ({ name }) => name).sort(), [
    "mirror.1",
    "mirror.2",
  ]);
});

mirrorTest(
  "a note cut at any byte spoils neither those before nor those after it",
  ({ home, note, load }) => {
    note(granted("before", 1, { intent: "é\n" }));
    const whole = Deno.readFileSync(`${home}/mirror.1`);
    note(granted("cut", 2, { intent: "é\n" }));
    const more = Deno.readFileSync(`${home}/mirror.1`);
    for (let at = whole.length; at <= more.length; at++) {
      Deno.writeFileSync(`${home}/mirror.2`, more.subarray(0, at));
      const mirror = Mirror.open(home, 2);
      mirror.append(granted("after", 3));
      mirror.close();
      const paths = load(NOW, 2).leases.map(({ path }) => path);
      // Only the line feed at its end may be missing.
      assert.deepEqual(
        paths,
        at >= more.length - 1 ? ["before", "cut", "after"] : ["before", "after"],
      );
    }
  },
);

mirrorTest(
  "processes that append at once and are killed lose nothing that was noted",
  async ({ home, load }) => {
    const stop = `${home}/stop`;
    const fleet = new Fleet("mirror_writer.ts", [home, stop], `${home}/fleet`);
    for (let slot = 0; slot < 3; slot++) fleet.start(slot);
    const deadline = performance.now() + GENEROUS_MS;
    const noted = async (count: number) => {
      while (fleet.records().length < count) {
        assert.ok(performance.now() < deadline, "nothing is noted");
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    };
    await noted(1000);
    await fleet.kill(0);
    fleet.start(0);
    await fleet.kill(1);
    await noted(3000);
    Deno.writeTextFileSync(stop, "");
    assert.equal(await ends("the writers", fleet.finished()), 0);
    const known = new Set(load(0).leases.map(({ path }) => path));
    const lost = fleet.records<{ path: string }>().filter(({ path }) => !known.has(path));
    assert.deepEqual(lost, []);
  },
);

mirrorTest("a mirror that is closed twice closes nothing else", ({ home }) => {
  const mirror = Mirror.open(home, 3);
  mirror.close();
  // Whoever opens a file now may be given the number of the one that was closed.
  const other = Mirror.open(home, 4);
  mirror.close();
  other.append(granted("a", 1));
  other.close();
});

mirrorTest("a mirror that cannot be opened says which file, and follows no link", ({ home }) => {
  Deno.symlinkSync(`${home}/elsewhere`, `${home}/mirror.2`);
  const told = (error: unknown) =>
    error instanceof StoreUnavailableError && error.message.includes(`${home}/mirror.2`);
  assert.throws(() => Mirror.open(home, 2), told);
  assert.throws(() => loadMirror(home, 2, NOW), told);
  assert.throws(() => Deno.statSync(`${home}/elsewhere`), Deno.errors.NotFound);
});

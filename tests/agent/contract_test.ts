/**
 * Agents: who is taken for alive, and what they hold. Long, because it is one promise after the other.
 * @module
 */
import assert from "node:assert/strict";
import type { Agent, AgentStatus, ReportedStatus, SpawnedWorker } from "../../src/agent/model.ts";
import { Agents } from "../../src/agent/agent.ts";
import { ConflictError, InvalidArgumentError, NotFoundError } from "../../src/errors.ts";
import type { CoordEvent } from "../../src/event/model.ts";
import { Events } from "../../src/event/event.ts";
import { newId } from "../../src/id.ts";
import { Locks } from "../../src/lock/lock.ts";
import { Tasks } from "../../src/task/task.ts";
import { type Bench, storeTest } from "../../dev/stores.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

/** Agents as `name` sees them from another host or process than the bench's. */
function from({ as }: Bench, name: string, host: string, pid?: number): Agents {
  return new Agents({ ...as(name), actor: { name, host, ...(pid === undefined ? {} : { pid }) } });
}

/** What has happened to agents, one line each. */
async function history({ as }: Bench): Promise<string[]> {
  const events: CoordEvent[] = [];
  let page = await new Events(as()).list({ limit: 1000 });
  while (page.events.length > 0) {
    events.push(...page.events);
    page = await new Events(as()).list({ limit: 1000, since: page.cursor });
  }
  return events.filter(({ type }) => type.startsWith("agent.")).map(
    ({ type, subject, agent, data }) =>
      `${type} ${subject} by ${agent}${data === undefined ? "" : ` ${JSON.stringify(data)}`}`,
  );
}

const names = (agents: readonly Agent[]) => agents.map(({ name }) => name);

storeTest("agent register answers with the agent as others see it", async (bench) => {
  const nowMs = bench.clock.nowMs();
  const agents = from(bench, "ada", "mill", 42);
  const agent = await agents.register({
    role: "engineer",
    workingOn: "fix auth",
    tags: ["backend", "sql", "backend"],
    ttlMs: 90 * SECOND,
  });
  assert.match(agent.id, /^agt_[0-9A-HJKMNP-TV-Z]{26}$/);
  assert.deepEqual(agent, {
    id: agent.id,
    name: "ada",
    role: "engineer",
    workingOn: "fix auth",
    status: "active",
    tags: ["backend", "sql"],
    registeredAtMs: nowMs,
    lastHeartbeatAtMs: nowMs,
    expiresAtMs: nowMs + 90 * SECOND,
    host: "mill",
    pid: 42,
    locks: 0,
    tasks: 0,
  });
  const reader = new Agents(bench.as());
  assert.deepEqual(await reader.show("ada"), agent);
  assert.deepEqual(await reader.list(), [agent]);
  assert.deepEqual(await history(bench), ["agent.registered ada by ada"]);
  const plain = await from(bench, "bob", "mill").register();
  assert.equal("pid" in plain, false);
  assert.equal(plain.expiresAtMs, nowMs + MINUTE);
});

storeTest("agent register refuses a live name and says where it lives", async (bench) => {
  const first = await from(bench, "ada", "mill", 42).register();
  bench.clock.advance(5 * SECOND);
  // Even from the same process: a second one of it may be at work.
  for (const again of [from(bench, "ada", "barn", 7), from(bench, "ada", "mill", 42)]) {
    await assert.rejects(again.register(), (error: ConflictError) => {
      assert.ok(error instanceof ConflictError);
      assert.match(
        error.message,
        /^Cannot register agent "ada": it is in use on "mill", process 42, last heartbeat 5s ago;/,
      );
      assert.match(error.message, /take it over \(--takeover\), or wait 55s$/);
      assert.equal(error.retryable, true);
      assert.deepEqual(error.details, {
        name: "ada",
        host: "mill",
        pid: 42,
        lastHeartbeatAtMs: first.lastHeartbeatAtMs,
        expiresAtMs: first.expiresAtMs,
        ageMs: 5 * SECOND,
        remainingMs: 55 * SECOND,
      });
      return true;
    });
  }
  assert.deepEqual(await new Agents(bench.as()).list(), [first], "nothing was written");
});

storeTest(
  "agent register with takeover keeps the id, the leases and what is left out",
  async (bench) => {
    const ada = bench.as("ada");
    const first = await new Agents(ada).register({ role: "engineer", tags: ["sql"] });
    await new Locks(ada).acquire(["a.py", "b.py"]);
    bench.clock.advance(SECOND);
    const taken = await from(bench, "ada", "barn", 7).register({
      takeover: true,
      workingOn: "more",
    });
    assert.deepEqual(taken, {
      ...first,
      workingOn: "more",
      registeredAtMs: bench.clock.nowMs(),
      lastHeartbeatAtMs: bench.clock.nowMs(),
      expiresAtMs: bench.clock.nowMs() + MINUTE,
      host: "barn",
      pid: 7,
      locks: 2,
    });
    assert.deepEqual(await history(bench), [
      "agent.registered ada by ada",
      'agent.registered ada by ada {"takeover":true}',
    ]);
  },
);

storeTest("agent register resumes a lapsed name with the leases that still live", async (bench) => {
  const ada = bench.as("ada");
  const first = await new Agents(ada).register({ role: "engineer", ttlMs: 10 * SECOND });
  await new Locks(ada).acquire("short.py", { ttlMs: 5 * SECOND });
  await new Locks(ada).acquire("long.py", { ttlMs: 20 * SECOND });
  const lapsesMs = bench.clock.nowMs() + 20 * SECOND;
  bench.clock.advance(10 * SECOND - 1);
  await assert.rejects(from(bench, "ada", "barn").register(), ConflictError);
  bench.clock.advance(1);
  const again = await from(bench, "ada", "barn").register();
  assert.equal(again.id, first.id);
  assert.equal(again.role, "engineer");
  assert.equal(again.host, "barn");
  assert.equal(again.locks, 1);
  const [lease] = await new Locks(bench.as()).list({ holder: "ada" });
  assert.equal(lease?.path, "long.py");
  assert.equal(lease?.expiresAtMs, lapsesMs, "registering renews no lease");
  await assert.rejects(new Agents(ada).register(), ConflictError, "the name is live again");
});

storeTest("agent register resumes a name that is gone", async (bench) => {
  const ada = new Agents(bench.as("ada"));
  const first = await ada.register({ role: "engineer", ttlMs: 2 * DAY });
  await ada.deregister();
  assert.equal((await ada.show("ada")).status, "gone");
  const again = await from(bench, "ada", "barn").register({ ttlMs: 2 * DAY });
  assert.equal(again.id, first.id);
  assert.equal(again.status, "active");
  bench.clock.advance(DAY);
  // Its time to live has not passed, and yet nobody is late for a day.
  assert.equal((await from(bench, "ada", "mill").register()).host, "mill");
});

storeTest(
  "agent known by its acts alone may introduce itself from its host only",
  async (bench) => {
    const ada = bench.as("ada");
    await new Locks(ada).acquire("a.py");
    const implied = await new Agents(ada).show("ada");
    assert.deepEqual([implied.role, implied.status, implied.locks], ["", "active", 1]);
    await assert.rejects(from(bench, "ada", "barn").register(), /in use on "test-host"/);
    const explicit = await new Agents(ada).register({ role: "engineer" });
    assert.equal(explicit.id, implied.id);
    assert.equal(explicit.locks, 1);
    await assert.rejects(new Agents(ada).register(), ConflictError);
    await new Agents(ada).deregister();
    await new Locks(ada).acquire("a.py");
    await new Agents(ada).register();
  },
);

storeTest("agent registration repeated by its id changes nothing", async (bench) => {
  const agents = await bench.store.agents();
  const registration = {
    id: newId("agt"),
    name: "ada",
    host: "mill",
    ttlMs: MINUTE,
    takeover: false,
  };
  for (const resumed of [false, true]) {
    const request = resumed ? { ...registration, id: newId("agt") } : registration;
    const first = await agents.register(request);
    assert.equal(first.kind, "registered");
    bench.clock.advance(SECOND);
    assert.deepEqual(await agents.register(request), first);
    const other = await agents.register({ ...request, id: newId("agt") });
    assert.equal(other.kind, "taken");
    bench.clock.advance(MINUTE);
  }
  assert.equal((await history(bench)).length, 2);
});

storeTest("agent acts are signs of life and renew no lease", async (bench) => {
  const ada = bench.as("ada");
  const [agents, locks, tasks] = [new Agents(ada), new Locks(ada), new Tasks(ada)];
  await agents.register();
  await tasks.create([{ title: "lost" }, { title: "next" }]);
  const [lease] = await locks.acquire("a.py", { ttlMs: 2 * SECOND });
  const [task] = await tasks.claim({ leaseMs: 2 * SECOND });
  // A loop that lost track of both goes on asking and telling.
  const acts = [
    () => tasks.claim({ leaseMs: MINUTE }),
    () => locks.acquire("b.py", { ttlMs: MINUTE }),
    async () => await (await bench.store.agents()).touch(ada.actor!),
    () => agents.register({ takeover: true }),
  ];
  for (const act of acts) {
    bench.clock.advance(499);
    await act();
    assert.equal((await tasks.show(task!.id)).lease?.expiresAtMs, task!.lease!.expiresAtMs);
    assert.deepEqual((await locks.list())[0], lease);
  }
  bench.clock.advance(4);
  assert.deepEqual((await locks.list()).map(({ path }) => path), ["b.py"]);
  assert.equal((await tasks.show(task!.id)).status, "pending");
  const { locks: held, tasks: claimed } = await agents.show("ada");
  assert.deepEqual([held, claimed], [1, 1]);
});

storeTest("agent heartbeat renews all of very many leases", async (bench) => {
  const ada = bench.as("ada");
  const [agents, locks, tasks] = [new Agents(ada), new Locks(ada), new Tasks(ada)];
  const many = 300;
  const paths = Array.from({ length: many }, (_, i) => `${i}.py`);
  await locks.acquire(paths, { ttlMs: 8 * SECOND });
  await tasks.create(paths.map((title, i) => ({ title, priority: i % 10 })));
  for (let claimed = 0; claimed < many; claimed += 100) {
    await tasks.claim({ count: 100, leaseMs: 8 * SECOND });
  }
  await new Locks(bench.as("bob")).acquire("other.py", { ttlMs: 8 * SECOND });
  bench.clock.advance(5 * SECOND);
  const untilMs = bench.clock.nowMs() + 8 * SECOND;
  const agent = await agents.heartbeat({ status: "blocked", workingOn: "all" });
  assert.deepEqual([agent.locks, agent.tasks, agent.status], [many, many, "blocked"]);
  for (const lease of await locks.list({ holder: "ada" })) {
    assert.equal(lease.expiresAtMs, untilMs, lease.path);
  }
  const { tasks: claimed } = await tasks.list({ status: "claimed", limit: 1000 });
  assert.equal(claimed.length, many);
  for (const { title, lease } of claimed) assert.equal(lease!.expiresAtMs, untilMs, title);
  const [other] = await locks.list({ holder: "bob" });
  assert.equal(other!.expiresAtMs, untilMs - 5 * SECOND);
});

storeTest("agent that holds very many leases is explained and leaves whole", async (bench) => {
  const ada = bench.as("ada");
  const [agents, locks, tasks] = [new Agents(ada), new Locks(ada), new Tasks(ada)];
  const many = 600;
  const paths = Array.from({ length: many }, (_, i) => `${String(i).padStart(3, "0")}.py`);
  await locks.acquire(paths, { ttlMs: MINUTE });
  await locks.acquire("short.py", { ttlMs: SECOND });
  const created = await tasks.create(paths.map((title) => ({ title, leaseMs: MINUTE })));
  for (let claimed = 0; claimed < many; claimed += 100) await tasks.claim({ count: 100 });
  bench.clock.advance(SECOND);
  const report = await new Agents(bench.as()).explain("ada");
  assert.deepEqual([report.agent.locks, report.agent.tasks], [many, many]);
  assert.deepEqual(report.locks.map(({ path }) => path), paths);
  assert.deepEqual(report.tasks.map(({ id }) => id), created.map(({ id }) => id));

  assert.deepEqual(await agents.deregister(), { released: { locks: many, tasks: many } });
  assert.deepEqual((await agents.explain("ada")).locks, []);
  const { status, locks: held, tasks: claimed } = await agents.show("ada");
  assert.deepEqual([status, held, claimed], ["gone", 0, 0]);
  assert.equal((await tasks.counts()).pending, many);
  assert.equal((await new Locks(bench.as("bob")).acquire(paths)).length, many);
  assert.ok((await history(bench)).includes(
    `agent.deregistered ada by ada {"locks":${many},"tasks":${many}}`,
  ));
  assert.equal((await new Locks(bench.as("bob")).releaseAll()).length, many);
  assert.deepEqual(await locks.list(), []);
});

storeTest(
  "agent heartbeat renews the agent and every live lease in one operation",
  async (bench) => {
    const ada = bench.as("ada");
    const agents = new Agents(ada);
    const locks = new Locks(ada);
    await agents.register({ ttlMs: 10 * SECOND });
    await locks.acquire("a.py", { ttlMs: 8 * SECOND });
    await locks.acquire("b.py", { ttlMs: MINUTE });
    await locks.acquire("late.py", { ttlMs: 2 * SECOND });
    await new Locks(bench.as("bob")).acquire("other.py", { ttlMs: 8 * SECOND });
    bench.clock.advance(5 * SECOND);
    const nowMs = bench.clock.nowMs();
    const agent = await agents.heartbeat();
    assert.equal(agent.lastHeartbeatAtMs, nowMs);
    assert.equal(agent.expiresAtMs, nowMs + 10 * SECOND);
    assert.equal(agent.locks, 2, "a lease that has lapsed stays lapsed");
    const expiries = (await locks.list()).map((
      { path, expiresAtMs },
    ) => [path, expiresAtMs - nowMs]);
    assert.deepEqual(expiries, [
      ["a.py", 8 * SECOND],
      ["b.py", MINUTE],
      ["other.py", 3 * SECOND],
    ]);
    assert.equal((await history(bench)).length, 2, "a heartbeat is no event");
  },
);

storeTest("agent heartbeat renews its own lease on a path that it shares", async (bench) => {
  const locks = new Locks(bench.as("ada"));
  await locks.acquire("a.py", { mode: "shared", ttlMs: 8 * SECOND });
  await new Locks(bench.as("bob")).acquire("a.py", { mode: "shared", ttlMs: MINUTE });
  bench.clock.advance(SECOND);
  await new Agents(bench.as("ada")).heartbeat();
  const nowMs = bench.clock.nowMs();
  assert.deepEqual(
    (await locks.list()).map(({ holder, expiresAtMs }) => [holder, expiresAtMs - nowMs]),
    [["ada", 8 * SECOND], ["bob", MINUTE - SECOND]],
  );
});

storeTest(
  "agent heartbeat keeps what is left out and refuses words that are not its own",
  async (bench) => {
    const agents = new Agents(bench.as("ada"));
    const first = await agents.heartbeat({ workingOn: "auth" });
    assert.deepEqual([first.status, first.workingOn], ["active", "auth"], "it is registered by it");
    const blocked = await agents.heartbeat({ status: "blocked" });
    assert.deepEqual([blocked.status, blocked.workingOn], ["blocked", "auth"]);
    const done = await agents.heartbeat({ workingOn: "" });
    assert.deepEqual([done.status, done.workingOn], ["blocked", ""]);
    for (const status of ["hung", "gone", "busy", ""]) {
      const word = status as ReportedStatus;
      await assert.rejects(agents.heartbeat({ status: word }), InvalidArgumentError, status);
    }
  },
);

storeTest("agent acts count as its heartbeat and keep its own word", async (bench) => {
  const ada = bench.as("ada");
  const agents = new Agents(ada);
  await agents.register();
  await agents.heartbeat({ status: "idle" });
  bench.clock.advance(30 * SECOND);
  await new Locks(ada).acquire("a.py");
  const agent = await agents.show("ada");
  assert.equal(agent.lastHeartbeatAtMs, bench.clock.nowMs());
  assert.equal(agent.status, "idle");
});

storeTest("agent status follows the silence of the agent as it is read", async (bench) => {
  const agents = new Agents(bench.as("ada"));
  const reader = new Agents(bench.as());
  await agents.register();
  await agents.heartbeat({ status: "blocked" });
  const counts = { active: 0, idle: 0, blocked: 0, hung: 0, gone: 0 };
  let silentMs = 0;
  const expect = async (atMs: number, status: AgentStatus) => {
    bench.clock.advance(atMs - silentMs);
    silentMs = atMs;
    assert.equal((await reader.show("ada")).status, status, `${atMs}`);
    assert.deepEqual(names(await reader.list({ status })), ["ada"]);
    assert.deepEqual(await reader.summary(), { ...counts, [status]: 1 });
    const hung = await reader.hung();
    assert.deepEqual(hung.map((agent) => agent.status), status === "hung" ? ["hung"] : []);
  };
  await expect(5 * MINUTE, "blocked");
  await expect(5 * MINUTE + 1, "hung");
  await expect(DAY - 1, "hung");
  await expect(DAY, "gone");
  await agents.heartbeat();
  assert.equal((await reader.show("ada")).status, "blocked");
  await agents.deregister();
  assert.deepEqual(await reader.summary(), { ...counts, gone: 1 });
});

storeTest("agent list is by name and filters by status", async (bench) => {
  for (const name of ["cy", "ada", "bob", "di"]) await new Agents(bench.as(name)).register();
  await new Agents(bench.as("bob")).heartbeat({ status: "idle" });
  await new Agents(bench.as("di")).deregister();
  const reader = new Agents(bench.as());
  assert.deepEqual(names(await reader.list()), ["ada", "bob", "cy", "di"]);
  assert.deepEqual(names(await reader.list({ status: "active" })), ["ada", "cy"]);
  assert.deepEqual(names(await reader.list({ status: "idle" })), ["bob"]);
  assert.deepEqual(names(await reader.list({ status: "gone" })), ["di"]);
  assert.deepEqual(names(await reader.list({ status: "hung" })), []);
  const status = "dead" as AgentStatus;
  await assert.rejects(reader.list({ status }), /use active, idle, blocked, hung or gone/);
});

storeTest("agent hung lists the longest silent first and past any threshold", async (bench) => {
  for (const name of ["ada", "bob", "cy"]) {
    await new Agents(bench.as(name)).register();
    bench.clock.advance(MINUTE);
  }
  await new Agents(bench.as("left")).register();
  await new Agents(bench.as("left")).deregister();
  const reader = new Agents(bench.as());
  const hung = async (thresholdMs: number) => names(await reader.hung({ thresholdMs }));
  assert.deepEqual(await hung(SECOND), ["ada", "bob", "cy"]);
  assert.deepEqual(await hung(MINUTE), ["ada", "bob"], "exactly at the threshold is not past it");
  assert.deepEqual(await hung(2 * MINUTE), ["ada"]);
  assert.deepEqual(await hung(5 * MINUTE), []);
  bench.clock.advance(2 * DAY - 2 * MINUTE);
  assert.deepEqual(await hung(MINUTE), [], "the gone are not hung");
  assert.deepEqual(await hung(2 * DAY), ["ada"], "unless that long a silence was asked for");
  for (const bad of [999, 30 * DAY + 1, 1500.5, NaN, Infinity, -1]) {
    await assert.rejects(hung(bad), /Invalid thresholdMs .*: use 1000 ms to 30 days/, `${bad}`);
  }
  await hung(30 * DAY);
});

storeTest("agent explain tells what it holds and since when", async (bench) => {
  const ada = bench.as("ada");
  await new Agents(ada).register();
  await new Locks(ada).acquire("b.py", { intent: "fix" });
  bench.clock.advance(SECOND);
  const [second] = await new Locks(ada).acquire("a.py");
  await new Locks(ada).acquire("late.py", { ttlMs: 100 });
  bench.clock.advance(SECOND - 1);
  const report = await new Agents(bench.as()).explain("ada");
  assert.deepEqual(report.agent, await new Agents(bench.as()).show("ada"));
  assert.equal(report.agent.locks, 2);
  assert.deepEqual(report.locks.map(({ path }) => path), ["a.py", "b.py"]);
  assert.deepEqual(report.locks[0], second);
  assert.deepEqual(report.tasks, []);
});

storeTest("agent deregister gives its locks back and lets the next ones in", async (bench) => {
  const ada = bench.as("ada");
  const locks = new Locks(ada);
  await new Agents(ada).register();
  await locks.acquire("a.py");
  await locks.acquire("b.py");
  await locks.acquire("late.py", { ttlMs: 100 });
  bench.clock.advance(100);
  const bob = new Locks(bench.as("bob")).acquire("a.py", { waitMs: MINUTE });
  await bench.asleep();
  const { released } = await new Agents(ada).deregister();
  assert.deepEqual(released, { locks: 2, tasks: 0 });
  assert.equal((await bob)[0]?.holder, "bob");
  assert.deepEqual(await locks.list({ holder: "ada" }), []);
  const agent = await new Agents(ada).show("ada");
  assert.deepEqual([agent.status, agent.locks], ["gone", 0]);
  assert.deepEqual(await new Agents(ada).deregister(), { released: { locks: 0, tasks: 0 } });
  assert.deepEqual(await history(bench), [
    "agent.registered ada by ada",
    "agent.registered bob by bob",
    'agent.deregistered ada by ada {"locks":2,"tasks":0}',
  ]);
  await assert.rejects(new Agents(bench.as("nobody")).deregister(), NotFoundError);
});

storeTest(
  "agent holds claimed tasks by its heartbeats and returns them when it leaves",
  async (bench) => {
    const ada = bench.as("ada");
    const agents = new Agents(ada);
    const tasks = new Tasks(ada);
    await agents.register();
    const titles = ["first", "second", "late"];
    await tasks.create(titles.map((title) => ({ title, maxAttempts: 1 })));
    const [first] = await tasks.claim({ leaseMs: MINUTE });
    bench.clock.advance(10 * SECOND);
    const [second] = await tasks.claim({ leaseMs: MINUTE });
    await tasks.claim({ leaseMs: 30 * SECOND });
    bench.clock.advance(20 * SECOND);
    assert.equal((await agents.heartbeat()).tasks, 3);
    const lease = async (id: string) => (await tasks.show(id)).lease?.expiresAtMs;
    assert.equal(await lease(first!.id), bench.clock.nowMs() + MINUTE);
    bench.clock.advance(30 * SECOND);
    const report = await new Agents(bench.as()).explain("ada");
    assert.equal(report.agent.tasks, 2, "a lapsed claim is not held");
    assert.deepEqual(report.tasks, [
      { id: first!.id, title: "first", sinceMs: bench.clock.nowMs() - MINUTE },
      { id: second!.id, title: "second", sinceMs: bench.clock.nowMs() - 50 * SECOND },
    ]);
    assert.deepEqual(await agents.deregister(), { released: { locks: 0, tasks: 2 } });
    assert.equal((await agents.show("ada")).tasks, 0);
    const again = await new Tasks(bench.as("bob")).claim({ count: 3 });
    assert.deepEqual(
      again.map(({ title }) => title),
      ["first", "second"],
      "its turn did not count",
    );
    assert.equal(
      (await history(bench)).at(-2),
      'agent.deregistered ada by ada {"locks":0,"tasks":2}',
    );
  },
);

storeTest("agent prune keeps who still has a claimed task", async (bench) => {
  const tasks = new Tasks(bench.as("ada"));
  await tasks.create([{ title: "long" }]);
  await tasks.claim({ leaseMs: 2 * DAY });
  bench.clock.advance(DAY);
  const keeper = new Agents(bench.as("keeper"));
  assert.deepEqual(await keeper.prune(), []);
  bench.clock.advance(DAY);
  assert.deepEqual(names(await keeper.prune()), ["ada"]);
});

storeTest("agent that left is registered again by its next act, however soon", async (bench) => {
  const ada = bench.as("ada");
  const agents = new Agents(ada);
  await new Locks(ada).acquire("a.py");
  const { id } = await agents.show("ada");
  await agents.deregister();
  assert.equal((await agents.show("ada")).status, "gone");
  await new Locks(ada).acquire("a.py");
  const again = await agents.show("ada");
  assert.deepEqual([again.id, again.status, again.locks], [id, "active", 1]);
});

storeTest("agent prune removes the gone that hold nothing", async (bench) => {
  const locks = new Locks(bench.as("holder"));
  await locks.acquire("a.py", { ttlMs: 2 * DAY });
  await new Agents(bench.as("silent")).register();
  bench.clock.advance(DAY - 1);
  await new Agents(bench.as("left")).register();
  await new Agents(bench.as("left")).deregister();
  await new Agents(bench.as("hung")).register();
  bench.clock.advance(6 * MINUTE);
  const keeper = new Agents(bench.as("keeper"));
  const removed = await keeper.prune();
  assert.deepEqual(removed.map(({ name, status }) => [name, status]), [
    ["left", "gone"],
    ["silent", "gone"],
  ]);
  assert.deepEqual(names(await keeper.list()), ["holder", "hung", "keeper"]);
  assert.equal((await keeper.show("holder")).status, "gone");
  assert.deepEqual(await keeper.prune(), []);
  bench.clock.advance(DAY);
  assert.deepEqual(names(await keeper.prune()), ["holder", "hung"]);
  assert.deepEqual((await history(bench)).slice(-2), [
    "agent.pruned holder by keeper",
    "agent.pruned hung by keeper",
  ]);
  await assert.rejects(keeper.show("left"), NotFoundError);
  const fresh = await new Agents(bench.as("left")).register();
  assert.notEqual(fresh.id, removed[0]!.id);
});

storeTest("agent prune goes on until none is left", async (bench) => {
  const agents = await bench.store.agents();
  const count = 1001;
  for (let index = 0; index < count; index++) {
    const name = `w${index}`;
    const rest = { host: "mill", ttlMs: MINUTE, takeover: false };
    await agents.register({ id: newId("agt"), name, ...rest });
  }
  bench.clock.advance(DAY);
  assert.equal((await new Agents(bench.as("keeper")).prune()).length, count);
});

storeTest("agent calls refuse bad values before anything is written", async (bench) => {
  const agents = new Agents(bench.as("ada"));
  const bad: readonly Parameters<Agents["register"]>[0][] = [
    { name: "a b" },
    { name: ".." },
    { role: "x".repeat(65) },
    { role: "two\nlines" },
    { workingOn: "x".repeat(513) },
    { workingOn: "bell\u0007" },
    { tags: ["a b"] },
    { tags: Array.from({ length: 33 }, (_, index) => `t${index}`) },
    { ttlMs: 99 },
    { ttlMs: 30 * DAY + 1 },
  ];
  for (const options of bad) {
    await assert.rejects(agents.register(options), InvalidArgumentError, JSON.stringify(options));
  }
  await assert.rejects(agents.heartbeat({ workingOn: "x".repeat(513) }), InvalidArgumentError);
  await assert.rejects(agents.show("a b"), InvalidArgumentError);
  await assert.rejects(agents.explain(""), InvalidArgumentError);
  await assert.rejects(agents.show("nobody"), /^NotFoundError: No agent is named "nobody"/);
  await assert.rejects(agents.explain("nobody"), NotFoundError);
  const reader = new Agents(bench.as());
  for (const call of ["register", "heartbeat", "deregister", "prune"] as const) {
    await assert.rejects(reader[call](), /No acting agent: name one with --agent NAME/, call);
  }
  assert.deepEqual(await reader.list(), []);
  assert.deepEqual(await history(bench), []);
});

const SPAWNED: SpawnedWorker = {
  mode: "docker",
  spawnedAtMs: 5,
  spawnedBy: "bob",
  command: "./do 'it'",
  place: { container: "4f2a", ports: [], labels: {}, cpus: 1.5 },
};

storeTest("agent shows how it was spawned until it deregisters", async ({ as }) => {
  const spawner = new Agents(as("bob"));
  await spawner.register({ name: "w1", worker: SPAWNED });
  const worker = new Agents(as("w1"));
  const started = await worker.register({ takeover: true, tags: ["a"] });
  await worker.heartbeat({ workingOn: "x" });
  assert.deepEqual(started.worker, SPAWNED);
  assert.deepEqual((await worker.list()).map(({ name, worker }) => [name, worker]), [[
    "w1",
    SPAWNED,
  ]]);
  await worker.deregister();
  assert.deepEqual((await spawner.show("w1")).worker, SPAWNED);
  assert.equal((await worker.register()).worker, undefined);
});

storeTest("agent that acts again after it deregistered is nobody's worker", async (bench) => {
  const { as } = bench;
  await new Agents(as("bob")).register({ name: "w1", worker: SPAWNED });
  await new Agents(as("w1")).deregister();
  await new Locks(as("w1")).acquire("a");
  assert.equal((await new Agents(as()).show("w1")).worker, undefined);
});

storeTest(
  "agent's place is changed by whoever finds it, one change after the other",
  async ({ as }) => {
    const spawner = new Agents(as("bob"));
    await spawner.register({ name: "w1" });
    const numbers = Array.from({ length: 8 }, (_, index) => index);
    const seen = await spawner.assign({ name: "w1" }, () => SPAWNED);
    await Promise.all(
      numbers.map((number) =>
        new Agents(as(`by-${number}`)).assign(seen, (noted) => ({
          ...noted!,
          place: { ...noted!.place, [`n${number}`]: number },
        }))
      ),
    );
    const { worker, lastHeartbeatAtMs } = await spawner.show("w1");
    assert.deepEqual(
      worker!.place,
      Object.assign({}, SPAWNED.place, ...numbers.map((number) => ({ [`n${number}`]: number }))),
    );
    assert.equal(lastHeartbeatAtMs, (await spawner.show("w1")).registeredAtMs);
    await assert.rejects(
      spawner.assign({ name: "nobody" }, () => SPAWNED),
      NotFoundError,
    );
  },
);

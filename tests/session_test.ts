import assert from "node:assert/strict";
import { CoordinationClient, type SessionOptions } from "../src/client.ts";
import { ConflictError, InvalidArgumentError, LeaseLostError } from "../src/errors.ts";
import type { Session } from "../src/session.ts";
import { ends } from "../dev/sleepers.ts";

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Runs `body` with a client of a store of its own. */
function clientTest(name: string, body: (client: CoordinationClient) => Promise<void>): void {
  Deno.test(name, async () => {
    const cwd = await Deno.makeTempDir({ prefix: "agentcoord-session-" });
    const client = await CoordinationClient.open({ cwd, durability: "normal" });
    try {
      await body(client);
    } finally {
      await client.close();
      await Deno.remove(cwd, { recursive: true });
    }
  });
}

clientTest("client reads without an agent and refuses to act without one", async (client) => {
  assert.deepEqual(await client.locks.list(), []);
  await assert.rejects(client.locks.acquire("a.py"), InvalidArgumentError);
  await assert.rejects(client.tasks.claim(), /No acting agent: name one with/);
});

clientTest("client opens namespaces that never see each other", async (client) => {
  const cwd = client.location.replace(/\/\.agentcoord$/, "");
  await using other = await CoordinationClient.open({ cwd, namespace: "other" });
  await using ada = await client.session("ada");
  await using bob = await other.session("bob");
  await ada.locks.acquire("a.py");
  const [lease] = await bob.locks.acquire("a.py");
  assert.equal(lease?.holder, "bob");
  assert.deepEqual((await other.agents.list()).map(({ name }) => name), ["bob"]);
});

clientTest("session registers its agent, and its end gives everything back", async (client) => {
  const held: string[] = [];
  {
    await using ada = await client.session("ada", { role: "engineer", tags: ["backend"] });
    await ada.tasks.create([{ title: "one" }]);
    await ada.locks.acquire("a.py");
    await ada.tasks.claim();
    const agent = await client.agents.show("ada");
    assert.deepEqual([agent.role, agent.tags, agent.locks, agent.tasks], [
      "engineer",
      ["backend"],
      1,
      1,
    ]);
    held.push(agent.name);
  }
  assert.equal((await client.agents.show("ada")).status, "gone");
  assert.deepEqual(await client.locks.list(), []);
  assert.equal((await client.tasks.counts()).pending, 1);
});

clientTest("session that leaves keeps its leases for the next one of that name", async (client) => {
  const first = await client.session("ada", { onClose: "leave", ttlMs: 100 });
  const [lease] = await first.locks.acquire("a.py");
  await first.close();
  await wait(150);
  await using second = await client.session("ada");
  assert.deepEqual((await second.locks.renew("a.py")).map(({ fence }) => fence), [lease!.fence]);
});

clientTest("session under a live name conflicts unless it takes over", async (client) => {
  await using first = await client.session("ada");
  await assert.rejects(client.session("ada"), ConflictError);
  await using second = await client.session("ada", { takeover: true, onClose: "leave" });
  assert.equal(second.agent.id, first.agent.id);
});

clientTest(
  "session keeps its agent and its handles alive in the background, and nothing else",
  async (client) => {
    // Long enough for a slow machine to renew in time, and short enough to see what lapses.
    const ttlMs = 1500;
    const options: SessionOptions = { ttlMs };
    await using ada = await client.session("ada", options);
    await ada.tasks.create(["one", "lost"].map((title) => ({ title, leaseMs: ttlMs })));
    await using lock = await ada.lockFile("a.py", { ttlMs });
    await using task = await ada.claimTask();
    // Without a handle nobody renews: whoever loses track of these must not keep them.
    const [lost] = await ada.tasks.claim();
    const [lease] = await ada.locks.acquire("b.py", { ttlMs });
    await wait(2 * ttlMs);
    await ada.locks.verify("a.py", { fence: lock.fence });
    assert.equal((await client.tasks.show(task!.task.id)).lease?.fence, task!.fence);
    assert.equal((await client.tasks.show(lost!.id)).status, "pending");
    await assert.rejects(ada.locks.verify("b.py", { fence: lease!.fence }), LeaseLostError);
    const agent = await client.agents.show("ada");
    assert.ok(agent.expiresAtMs > Date.now(), "the agent lapsed");
  },
);

clientTest("session without heartbeats lets its leases lapse, too", async (client) => {
  await using ada = await client.session("ada", { heartbeat: false, ttlMs: 200 });
  const [lease] = await ada.locks.acquire("a.py", { ttlMs: 200 });
  await wait(300);
  await assert.rejects(client.locks.verify("a.py", { fence: lease!.fence }), LeaseLostError);
});

clientTest(
  "lockFile renews itself, releases at scope exit, and tells when broken",
  async (client) => {
    await using ada = await client.session("ada", { heartbeat: false });
    await using bob = await client.session("bob", { heartbeat: false });
    {
      await using lock = await ada.lockFile("a.py", { ttlMs: 1500 });
      await wait(2500);
      assert.equal(lock.signal.aborted, false);
      assert.equal((await client.locks.list())[0]?.fence, lock.fence);
    }
    assert.deepEqual(await client.locks.list(), []);
    await using lock = await ada.lockFile(["a.py", "b.py"], { ttlMs: 600 });
    await bob.locks.break("a.py", { reason: "test" });
    await aborted(lock.signal);
    assert.ok(lock.signal.reason instanceof LeaseLostError);
  },
);

clientTest(
  "claimTask completes, gives back when left, and finds nothing without waiting",
  async (client) => {
    await using ada = await client.session("ada");
    assert.equal(await ada.claimTask(), undefined);
    const [created] = await ada.tasks.create([{ title: "one", tags: ["backend"] }]);
    {
      await using task = await ada.claimTask({ tags: ["backend"] });
      assert.equal(task?.task.id, created!.id);
    }
    assert.equal((await client.tasks.show(created!.id)).status, "pending");
    await using task = await ada.claimTask();
    const done = await ada.completeTask(task!, { ok: true });
    assert.deepEqual([done.status, done.result], ["completed", { ok: true }]);
    const { attempts } = await client.tasks.show(created!.id);
    assert.deepEqual(attempts.map(({ outcome }) => outcome), ["released", "completed"]);
  },
);

clientTest("requestApproval blocks until somebody else decides", async (client) => {
  await using ada = await client.session("ada");
  await using maria = await client.session("maria");
  const asked = ada.requestApproval({ actionType: "deploy", description: "1.4.2" });
  const approval = await pendingApproval(maria);
  await maria.approvals.approve(approval, { comment: "go" });
  const decided = await asked;
  assert.deepEqual([decided.status, decided.decidedBy, decided.comment], [
    "approved",
    "maria",
    "go",
  ]);
});

clientTest("closing the client closes its sessions", async (client) => {
  const ada = await client.session("ada");
  await ada.locks.acquire("a.py");
  await client.close();
  await using again = await CoordinationClient.open({ store: client.location });
  assert.equal((await again.agents.show("ada")).status, "gone");
  assert.deepEqual(await again.locks.list(), []);
});

async function pendingApproval(session: Session): Promise<string> {
  for (let tries = 0; tries < 200; tries++) {
    const { approvals: [first] } = await session.approvals.list({ status: "pending" });
    if (first !== undefined) return first.id;
    await wait(10);
  }
  throw new Error("nothing was asked");
}

async function aborted(signal: AbortSignal): Promise<void> {
  const polling = async () => {
    while (!signal.aborted) await wait(20);
  };
  await ends("the lease", polling());
}

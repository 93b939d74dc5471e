/**
 * What failover promises, and does not, where clocks are off and hosts lose their power.
 * @module
 */
import assert from "node:assert/strict";
import type { Clock } from "../../../src/clock.ts";
import { ConflictError } from "../../../src/errors.ts";
import { siteHome } from "../../../src/open/failover/site_files.ts";
import { startRemoteAgent } from "../../../dev/remote_agent.ts";
import type { Site } from "../../../dev/site.ts";
import { agentOn, assertTakenOver, promise, takeOver } from "../../support/promise.ts";

const MINUTE_MS = 60_000;

/** A host whose clock the test sets; time passes only as it says. */
class Host implements Clock {
  #nowMs: number;
  #upMs = 10 * MINUTE_MS;

  /** Its clock is off by so much. */
  constructor(offMs = 0) {
    this.#nowMs = Date.now() + offMs;
  }

  readonly nowMs = (): number => this.#nowMs;
  readonly monotonicMs = (): number => this.#upMs;
  readonly uptimeMs = (): number => this.#upMs;

  pass(ms: number): void {
    this.#nowMs += ms;
    this.#upMs += ms;
  }

  /** Sets the clock; no time passes. */
  set(byMs: number): void {
    this.#nowMs += byMs;
  }

  /** Is started again: its uptime begins anew. */
  reboot(): void {
    this.#upMs = 1000;
  }
}

/** Two agents of the host with this clock: a lock of Ada's on the server, for a minute. */
async function lockedOn(host: Host, { open }: Site) {
  const options = { clock: host, redisNowMs: () => Date.now() };
  const [first, second] = [await open(options), await open(options)];
  const ada = agentOn(first, "ada").locks;
  const [lease] = await ada.acquire("a.py", { ttlMs: MINUTE_MS });
  await first.announce();
  return { store: first, second, ada, bob: agentOn(second, "bob").locks, lease: lease! };
}

promise(
  "A host whose clock is off from the server's gives a held lock the same time",
  async ({ server, site }) => {
    for (const offMs of [-60 * MINUTE_MS, 60 * MINUTE_MS]) {
      const host = new Host(offMs);
      const { store, bob } = await lockedOn(host, await site());
      await server.kill();
      await takeOver(store);
      host.pass(MINUTE_MS - 1000);
      await assert.rejects(bob.acquire("a.py"), ConflictError);
      host.pass(2000);
      assert.equal((await bob.acquire("a.py")).length, 1);
      await server.restart();
      await server.command("FLUSHALL");
    }
  },
);

promise(
  "A host's clock that is set back during an outage ends no lock early, and keeps none longer",
  async ({ server, site }) => {
    const host = new Host();
    const { store, bob } = await lockedOn(host, await site());
    await server.kill();
    await takeOver(store);
    host.set(-60 * MINUTE_MS);
    // From the first operation that finds it so, what really passes counts.
    await bob.acquire("b.py");
    host.pass(MINUTE_MS - 1000);
    await assert.rejects(bob.acquire("a.py"), ConflictError);
    host.pass(2000);
    assert.equal((await bob.acquire("a.py")).length, 1);
  },
);

promise(
  "A host's clock that is set forward ends what the directory keeps early",
  async ({ server, site }) => {
    const host = new Host();
    const { store, bob } = await lockedOn(host, await site());
    await server.kill();
    await takeOver(store);
    host.set(2 * MINUTE_MS);
    assert.equal((await bob.acquire("a.py")).length, 1);
  },
);

promise(
  "A host's clock that is set back before an outage makes the directory keep a lock for longer",
  async ({ server, site }) => {
    const host = new Host();
    const { store, bob } = await lockedOn(host, await site());
    host.set(-10 * MINUTE_MS);
    await server.kill();
    await takeOver(store);
    host.pass(2 * MINUTE_MS);
    await assert.rejects(bob.acquire("a.py"), ConflictError);
    host.pass(10 * MINUTE_MS);
    assert.equal((await bob.acquire("a.py")).length, 1);
  },
);

promise(
  "What the directory has answered outlives every process of its site",
  async ({ server, url, site }) => {
    const here = await site();
    const agent = await startRemoteAgent(`${url}#default\t${here.directory}/fallback`, "bob");
    await agent.call("locks", "acquire", "before.py", { ttlMs: MINUTE_MS });
    await agent.call("store", "announce");
    await server.kill();
    await agent.call("locks", "list");
    const made = await agent.call("tasks", "create", [{ title: "made meanwhile" }]);
    await agent.call("locks", "acquire", "a.py", { ttlMs: MINUTE_MS });
    await agent.kill();
    const store = await here.open();
    await assertTakenOver(store);
    const ada = agentOn(store, "ada");
    const [{ id }] = made.value as [{ readonly id: string }];
    assert.deepEqual((await ada.tasks.claim()).map((task) => task.id), [id]);
    const held = await ada.locks.list();
    assert.deepEqual(held.map(({ path }) => path).sort(), ["a.py", "before.py"]);
  },
);

promise(
  "A host that is started again during an outage keeps its locks for the rest of their time",
  async ({ server, site }) => {
    const host = new Host();
    const here = await site();
    const { store, second } = await lockedOn(host, here);
    await server.kill();
    await takeOver(store);
    for (const one of [store, second]) await one.close();
    host.pass(MINUTE_MS / 2);
    host.reboot();
    const bob = agentOn(await here.open({ clock: host }), "bob").locks;
    host.pass(MINUTE_MS / 2 - 1000);
    await assert.rejects(bob.acquire("a.py"), ConflictError);
    host.pass(2000);
    assert.equal((await bob.acquire("a.py")).length, 1);
  },
);

promise(
  "A lock that a power failure took from the directory's notes, as the holder's host went down, is free in the outage after it",
  async ({ server, site }) => {
    const host = new Host();
    const here = await site();
    const { store, second } = await lockedOn(host, here);
    for (const one of [store, second]) await one.close();
    const home = siteHome(`${here.directory}/fallback`, "default");
    const mirrors = [...Deno.readDirSync(home)].filter(({ name }) => name.startsWith("mirror."));
    // It is written without waiting for the disk.
    for (const { name } of mirrors) await Deno.truncate(`${home}/${name}`, 0);
    host.reboot();
    await server.kill();
    const again = await here.open({ clock: host });
    assert.equal((await agentOn(again, "bob").locks.acquire("a.py")).length, 1);
    await assertTakenOver(again);
  },
);

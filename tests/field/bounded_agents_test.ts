/**
 * One operation on agents does a bounded piece of work, however many there are and whatever they hold.
 * @module
 */
import assert from "node:assert/strict";
import { Agents } from "../../src/agent/agent.ts";
import { Locks } from "../../src/lock/lock.ts";
import { Tasks } from "../../src/task/task.ts";
import { workTest } from "../support/operation_work.ts";

const DAY = 24 * 60 * 60 * 1000;
const NAMES = Array.from({ length: 600 }, (_, n) => `agent${1000 + n}`);
const TAGS = Array.from({ length: 32 }, (_, n) => `${n}`.padEnd(60, "t"));

/** Calls `act` with every name, a hundred at a time. */
async function each(names: readonly string[], act: (name: string) => Promise<unknown>) {
  for (let from = 0; from < names.length; from += 100) {
    await Promise.all(names.slice(from, from + 100).map(act));
  }
}

workTest("agents are listed in portions when there are hundreds", async ({ as, clock, work }) => {
  // All of them are heard at the same instant.
  await each(NAMES, (name) => new Agents(as(name)).register({ tags: TAGS }));
  const eve = new Agents(as("eve"));
  const finds = { list: () => eve.list(), hung: () => eve.hung({ thresholdMs: 1000 }) };
  clock.advance(1000);
  await new Agents(as("later")).register();
  clock.advance(1);
  for (const [kind, find] of Object.entries(finds)) {
    let found: readonly string[] = [];
    const { items, bytes } = await work(async () => {
      found = (await find()).map(({ name }) => name);
    });
    assert.deepEqual(found, kind === "list" ? [...NAMES, "later"] : NAMES);
    assert.ok(items < 3000, `${kind} did ${items}`);
    assert.ok(bytes < 600_000, `${kind} answered ${bytes} bytes`);
  }
});

workTest("agent prune removes hundreds in portions", async ({ as, clock, work }) => {
  await each(NAMES, (name) => new Agents(as(name)).register());
  clock.advance(DAY);
  let removed: readonly string[] = [];
  const { items } = await work(async () => {
    removed = (await new Agents(as("eve")).prune()).map(({ name }) => name);
  });
  assert.deepEqual(removed, NAMES);
  // All at once would be four times as many, on any server.
  assert.ok(items < 9000, `did ${items}`);
});

workTest("agent prune passes over hundreds that hold something", async ({ as, clock, work }) => {
  await each(NAMES, (name) => new Locks(as(name)).acquire(name, { ttlMs: 2 * DAY }));
  clock.advance(1);
  await each(["x", "y"], (name) => new Agents(as(name)).register());
  clock.advance(DAY);
  let removed: readonly string[] = [];
  const { items } = await work(async () => {
    removed = (await new Agents(as("eve")).prune()).map(({ name }) => name);
  });
  assert.deepEqual(removed, ["x", "y"]);
  assert.ok(items < 5000, `did ${items}`);
});

workTest("agent explain reads no more than the titles of long tasks", async ({ as, work }) => {
  const ada = new Tasks(as("ada"));
  const titles = Array.from({ length: 40 }, (_, n) => `a "title" \\\\ of\\" ü${n}\\`);
  await ada.create(titles.map((title) => ({ title, description: "d".repeat(65_000) })));
  for (const _ of titles) await ada.claim();
  const agents = new Agents(as("ada"));
  let found: readonly string[] = [];
  const { bytes } = await work(async () => {
    found = (await agents.explain("ada")).tasks.map(({ title }) => title);
  });
  assert.deepEqual(found, titles);
  assert.ok(bytes < 100_000, `answered ${bytes} bytes`);
  const { released } = await agents.deregister();
  assert.deepEqual(released, { locks: 0, tasks: 40 });
});

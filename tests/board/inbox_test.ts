import assert from "node:assert/strict";
import { Agents } from "../../src/agent/agent.ts";
import { Board, type Message } from "../../src/board/board.ts";
import { InvalidArgumentError, TimeoutError } from "../../src/errors.ts";
import { ends } from "../../dev/sleepers.ts";
import { type Bench, storeTest } from "../../dev/stores.ts";

/** Boards of agents that have all acted before, so that each is registered. */
async function boards({ as }: Bench) {
  const [ada, bob, cy] = ["ada", "bob", "cy"].map((name) => new Board(as(name)));
  for (const board of [ada!, bob!, cy!]) await board.ack();
  return { ada: ada!, bob: bob!, cy: cy! };
}

const view = (messages: readonly Message[]) =>
  messages.map(({ author, message, reason }) => `${author} ${message} ${reason}`);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

storeTest("inbox holds what names the agent, in order, and never its own", async (bench) => {
  const { ada, bob, cy } = await boards(bench);
  const thread = await ada.post({ title: "Release", message: "one @bob @ada", to: ["cy"] });
  await cy.post({ title: "for @bob", message: "two" });
  await ada.post({ title: "x", message: "three, @cy and @bob", to: ["bob"] });
  const [first, ...rest] = await bob.inbox();
  assert.deepEqual(first, {
    id: first!.id,
    threadId: thread.id,
    title: "Release",
    author: "ada",
    message: "one @bob @ada",
    reason: "mention",
    priority: "normal",
    atMs: bench.clock.nowMs(),
  });
  assert.deepEqual(view(rest), ["cy two mention", "ada three, @cy and @bob direct"]);
  assert.deepEqual(await ada.inbox(), []);
  assert.deepEqual(view(await cy.inbox()), [
    "ada one @bob @ada direct",
    "ada three, @cy and @bob mention",
  ]);
});

storeTest("inbox holds replies in threads the agent took part in, from then on", async (bench) => {
  const { ada, bob, cy } = await boards(bench);
  const { id } = await ada.post({ title: "t" });
  await bob.reply(id, { message: "one" });
  await cy.reply(id, { message: "two" });
  await ada.reply(id, { message: "three" });
  await bob.reply(id, { message: "four @cy" });
  assert.deepEqual(view(await ada.inbox()), [
    "bob one reply",
    "cy two reply",
    "bob four @cy reply",
  ]);
  assert.deepEqual(view(await bob.inbox()), ["cy two reply", "ada three reply"]);
  assert.deepEqual(view(await cy.inbox()), ["ada three reply", "bob four @cy mention"]);
  await bob.resolve(id, { message: "five" });
  assert.equal(view(await ada.inbox()).at(-1), "bob five reply");
});

storeTest("inbox holds threads of high priority for everybody but newcomers", async (bench) => {
  const { ada, bob, cy } = await boards(bench);
  const { id } = await ada.post({ title: "disk full", message: "one", priority: "high" });
  await bob.reply(id, { message: "on it" });
  assert.deepEqual(view(await bob.inbox()), ["ada one high_priority"]);
  assert.deepEqual(view(await cy.inbox()), ["ada one high_priority"]);
  assert.deepEqual(view(await ada.inbox()), ["bob on it reply"]);
  bench.clock.advance(1);
  const newcomer = new Board(bench.as("dora"));
  assert.deepEqual(await newcomer.inbox(), []);
  await ada.post({ title: "again", message: "two", priority: "high", to: ["cy"] });
  assert.deepEqual(view(await newcomer.inbox()), ["ada two high_priority"]);
  assert.deepEqual(view(await cy.inbox()), ["ada one high_priority", "ada two direct"]);
});

storeTest("inbox goes on where it was after its agent left and came back", async (bench) => {
  const { ada, bob } = await boards(bench);
  await new Agents(bench.as("bob")).deregister();
  bench.clock.advance(1000);
  await ada.post({ title: "disk full", message: "one", priority: "high" });
  await ada.post({ title: "note", message: "two", to: ["bob"] });
  bench.clock.advance(1000);
  await new Agents(bench.as("bob")).register({ name: "bob" });
  bench.clock.advance(1000);
  assert.deepEqual(view(await bob.inbox()), ["ada one high_priority", "ada two direct"]);
});

storeTest(
  "inbox of a newcomer that acknowledges an old message stays free of old alarms",
  async (bench) => {
    const { ada, bob } = await boards(bench);
    await ada.post({ title: "first", to: ["bob"] });
    await ada.post({ title: "alarm", priority: "high" });
    bench.clock.advance(1000);
    const newcomer = new Board(bench.as("dora"));
    await newcomer.ack({ upTo: (await bob.inbox())[0]!.id });
    assert.deepEqual(await newcomer.inbox(), []);
  },
);

storeTest("inbox forgets what is acknowledged, and only that", async (bench) => {
  const { ada, bob } = await boards(bench);
  const { id } = await bob.post({ title: "t" });
  await ada.post({ title: "u", message: "one", to: ["bob"] });
  await ada.reply(id, { message: "two" });
  await ada.post({ title: "v", message: "three", priority: "high" });
  await ada.reply(id, { message: "four" });
  const all = await bob.inbox();
  assert.deepEqual(view(all), [
    "ada one direct",
    "ada two reply",
    "ada three high_priority",
    "ada four reply",
  ]);
  for (let done = 1; done <= 4; done++) {
    await bob.ack({ upTo: all[done - 1]!.id });
    assert.deepEqual(await bob.inbox(), all.slice(done));
  }
  await bob.ack({ upTo: all[0]!.id });
  assert.deepEqual(await bob.inbox(), []);
  await ada.reply(id, { message: "five" });
  assert.deepEqual(view(await bob.inbox()), ["ada five reply"]);
  await bob.ack();
  assert.deepEqual(await bob.inbox(), []);
  assert.deepEqual(await new Board(bench.as("bob")).inbox(), []);
});

storeTest("inbox gives the oldest first up to its limit, and acknowledges those", async (bench) => {
  const { ada, bob } = await boards(bench);
  const threads = [await bob.post({ title: "t" }), await bob.post({ title: "u" })];
  for (let i = 0; i < 9; i++) {
    if (i % 3 === 2) await ada.post({ title: "x", message: `${i}`, priority: "high" });
    else await ada.reply(threads[i % 3]!.id, { message: `${i}`, to: i === 4 ? ["bob"] : [] });
  }
  const texts = async (limit: number, ack: boolean) =>
    (await bob.inbox({ limit, ack })).map(({ message }) => message).join("");
  assert.equal(await texts(4, false), "0123");
  assert.equal(await texts(4, true), "0123");
  assert.equal(await texts(1, true), "4");
  assert.equal(await texts(3, true), "567");
  assert.equal(await texts(3, true), "8");
  assert.equal(await texts(3, true), "");
  await assert.rejects(bob.inbox({ limit: 0 }), InvalidArgumentError);
});

storeTest("inbox gives the oldest of many threads, wherever they are", async (bench) => {
  const { ada, bob } = await boards(bench);
  const threads = [];
  for (let i = 0; i < 7; i++) threads.push(await bob.post({ title: `${i}` }));
  for (let i = 0; i < 28; i++) {
    const place = (i * i + Math.floor(i / 7)) % threads.length;
    await (i % 5 === 4 ? bob : ada).reply(threads[place]!.id, { message: `${i}` });
  }
  const all = await bob.inbox();
  assert.deepEqual(
    view(all),
    [...Array(28).keys()].filter((i) => i % 5 !== 4).map((i) => `ada ${i} reply`),
  );
  for (const limit of [1, 2, 3, 5, 8, 21, 22, 23]) {
    assert.deepEqual(await bob.inbox({ limit }), all.slice(0, limit));
  }
  await bob.ack({ upTo: all[9]!.id });
  assert.deepEqual(await bob.inbox({ limit: 4 }), all.slice(10, 14));
});

storeTest("inbox wait is woken by a message of each kind", async (bench) => {
  const { ada, bob } = await boards(bench);
  const { id } = await bob.post({ title: "t" });
  const sends = {
    direct: () => ada.post({ title: "x", to: ["bob"] }),
    mention: () => ada.post({ title: "x", message: "@bob" }),
    reply: () => ada.reply(id, { message: "x" }),
    high_priority: () => ada.post({ title: "x", priority: "high" }),
  };
  for (const [reason, send] of Object.entries(sends)) {
    const wait = bob.inboxWait({ ack: true });
    await bench.asleep();
    await send();
    assert.deepEqual((await ends(reason, wait)).map((message) => message.reason), [reason]);
  }
});

storeTest("inbox wait is woken by a reply after the agent's own", async (bench) => {
  const { ada, bob } = await boards(bench);
  const { id } = await bob.post({ title: "t" });
  await ada.reply(id, { message: "one" });
  for (const message of ["two", "three"]) {
    await bob.reply(id, { message: "mine" });
    await bob.ack();
    await ada.ack();
    await bob.reply(id, { message: "mine too" });
    const wait = bob.inboxWait();
    await bench.asleep();
    await ada.reply(id, { message });
    assert.deepEqual(view(await ends("the wait", wait)), [`ada ${message} reply`]);
  }
  await ada.reply(id, { message: "four" });
  await bob.reply(id, { message: "mine again" });
  await bob.ack({ upTo: (await bob.inbox()).at(-1)!.id });
  const wait = bob.inboxWait();
  await bench.asleep();
  await ada.reply(id, { message: "five" });
  assert.deepEqual(view(await ends("the wait", wait)), ["ada five reply"]);
});

storeTest("inbox wait returns at once with what is unread, or gives up", async (bench) => {
  const { ada, bob } = await boards(bench);
  await assert.rejects(bob.inboxWait({ timeoutMs: 0 }), TimeoutError);
  await ada.post({ title: "x", message: "one", to: ["bob"] });
  assert.deepEqual(view(await bob.inboxWait({ timeoutMs: 0 })), ["ada one direct"]);
  assert.deepEqual(view(await bob.inboxWait({ ack: true })), ["ada one direct"]);
  const stop = new AbortController();
  const wait = bob.inboxWait({ signal: stop.signal });
  await bench.asleep();
  stop.abort();
  await assert.rejects(wait, /No message for "bob" came within 5m/);
  await assert.rejects(bob.inboxWait({ timeoutMs: -1 }), InvalidArgumentError);
});

storeTest("inbox wait is not woken by its own agent or by others' business", async (bench) => {
  const { ada, bob, cy } = await boards(bench);
  let done = false;
  const wait = bob.inboxWait({ timeoutMs: 60_000 }).finally(() => done = true);
  await bench.asleep();
  await bob.post({ title: "mine", message: "@bob", priority: "high", to: ["bob"] });
  await ada.post({ title: "x", to: ["cy"] });
  await cy.post({ title: "y", message: "bob@example.org" });
  await pause(50);
  assert.equal(done, false);
  await ada.post({ title: "z", message: "now @bob." });
  assert.deepEqual(view(await wait), ["ada now @bob. mention"]);
});

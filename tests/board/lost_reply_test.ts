/**
 * The board on Redis when answers were lost, and what others did before the call was made again.
 * @module
 */
import assert from "node:assert/strict";
import { Board, type Message } from "../../src/board/board.ts";
import { lostReplyTest } from "../support/lost_reply.ts";

const texts = (messages: readonly Message[]) => messages.map(({ message }) => message).join(" ");
const send = (board: Board, message: string) => board.post({ title: "t", message, to: ["bob"] });

lostReplyTest(
  "inbox acknowledged by a call whose answer was lost is given again, and only that",
  async ({ as, far, lose }) => {
    const [ada, near] = [new Board(as("ada")), new Board(as("bob"))];
    const bob = new Board(far("bob"));
    const { id } = await near.post({ title: "mine" });
    await near.inbox({ ack: true });
    await send(ada, "one");
    await ada.reply(id, { message: "two" });
    await ada.post({ title: "t", message: "three", priority: "high" });
    const expected = await near.inbox();
    const given = await lose(() => bob.inbox({ ack: true }), () => send(ada, "four"));
    assert.deepEqual(given, expected);
    assert.equal(texts(await bob.inbox({ ack: true })), "four");
    assert.equal(texts(await bob.inbox()), "");
  },
);

lostReplyTest(
  "inbox acknowledged by a call whose answer was lost is given again after other calls",
  async ({ as, far, lose }) => {
    const [ada, near] = [new Board(as("ada")), new Board(as("bob"))];
    const bob = new Board(far("bob"));
    await near.inbox({ ack: true });
    await send(ada, "one");
    await send(ada, "two");
    const given = await lose(() => bob.inbox({ ack: true, limit: 1 }), async () => {
      assert.equal(texts(await near.inbox({ ack: true })), "two");
      await send(ada, "three");
      await near.ack();
    });
    assert.equal(texts(given), "one");
    assert.equal(texts(await bob.inbox()), "");
  },
);

lostReplyTest(
  "inbox acknowledged as a whole keeps what came before the repeated call",
  async ({ as, far, lose }) => {
    const [ada, near] = [new Board(as("ada")), new Board(as("bob"))];
    const bob = new Board(far("bob"));
    await near.ack();
    await lose(() => bob.ack(), () => send(ada, "one"));
    assert.equal(texts(await bob.inbox()), "one");
    await send(ada, "two");
    await lose(() => bob.ack(), () => send(ada, "three"));
    assert.equal(texts(await bob.inbox()), "three");
  },
);

lostReplyTest(
  "board thread resolved by a call whose answer was lost stays as a later reply left it",
  async ({ as, far, lose }) => {
    const [ada, near] = [new Board(as("ada")), new Board(as("bob"))];
    const bob = new Board(far("bob"));
    await near.resolve((await near.post({ title: "first" })).id);
    const { id } = await near.post({ title: "t" });
    await lose(() => bob.resolve(id), () => ada.reply(id, { message: "not yet" }));
    assert.equal((await ada.show(id)).status, "active");
  },
);

lostReplyTest(
  "board post and reply whose answers were lost are there once",
  async ({ as, far, lose }) => {
    const ada = new Board(as("ada"));
    const bob = new Board(far("bob"));
    const first = await ada.post({ title: "first" });
    await ada.reply(first.id, { message: "one" });
    const thread = await lose(() => bob.post({ title: "t" }), async () => {
      const [newest] = (await ada.list()).threads;
      await ada.reply(newest!.id, { message: "two" });
      await ada.resolve(newest!.id);
    });
    assert.equal(thread.status, "active");
    assert.equal(thread.replyCount, 0);
    const { reply } = await lose(() => bob.reply(thread.id, { message: "three" }), async () => {
      await ada.reply(thread.id, { message: "four" });
    });
    const { replies, status } = await ada.show(thread.id);
    assert.deepEqual(replies?.map(({ message }) => message), ["two", "three", "four"]);
    assert.deepEqual(reply, replies?.[1]);
    assert.equal(status, "active");
    assert.equal((await ada.list()).threads.length, 2);
  },
);

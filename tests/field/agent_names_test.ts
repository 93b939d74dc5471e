/**
 * Names that nobody has: whoever reads or writes to one gets a hint who may have been meant.
 * Seen in gastownhall/gastown#1208: the inbox of a name in another case was empty, without a word.
 * @module
 */
import assert from "node:assert/strict";
import { Agents } from "../../src/agent/agent.ts";
import { likeName } from "../../src/agent/likeness.ts";
import { Board } from "../../src/board/board.ts";
import { NotFoundError } from "../../src/errors.ts";
import { cli, cliJson, withProject } from "../support/cli.ts";
import { hasRedis, sharedRedis } from "../../dev/redis_server.ts";
import { storeTest } from "../../dev/stores.ts";

const HINT = 'No agent is named "Ada"; did you mean "ada"?';

Deno.test("likeName finds the same name but for case or for one letter", () => {
  const known = ["ada", "worker-1", "reviewer"];
  const cases: readonly (readonly [string, string | undefined])[] = [
    ["Ada", "ada"],
    ["ADA", "ada"],
    ["adda", "ada"],
    ["Adaa", "ada"],
    ["ade", "ada"],
    ["aad", "ada"],
    ["revewer", "reviewer"],
    ["Reviewers", "reviewer"],
    ["worker_1", "worker-1"],
    ["worker-2", undefined],
    ["worker-11", undefined],
    ["ad", undefined],
    ["bob", undefined],
    ["reviews", undefined],
    ["ada", undefined],
  ];
  for (const [name, like] of cases) assert.equal(likeName(name, known), like, name);
  assert.equal(likeName("ab", ["ac", "b"]), undefined);
  assert.equal(likeName("Bob", ["bobs", "bob"]), "bob");
});

storeTest(
  "agent that nobody knows is not found, with the name that is much like it",
  async ({ as }) => {
    const ada = new Agents(as("ada"));
    const other = new Agents(as("Ada"));
    await ada.register();
    const looks = [() => ada.show("Ada"), () => ada.explain("Ada"), () => other.deregister()];
    for (const look of looks) {
      await assert.rejects(look(), (error: unknown) => {
        assert.ok(error instanceof NotFoundError);
        assert.equal(error.message, HINT);
        assert.deepEqual(error.details, { name: "Ada", suggestion: "ada" });
        return true;
      });
    }
  },
);

storeTest(
  "messages that name an agent nobody knows are read without registering it",
  async ({ as }) => {
    const ada = new Board(as("ada"));
    const texts = Array.from({ length: 30 }, (_, n) => `${n} ${"x".repeat(50_000)}`);
    for (const message of texts) await ada.post({ title: "t", message, to: ["zoe"] });
    await ada.post({ title: "@zoe", priority: "high" });
    const zoe = new Board(as("zoe"));
    const found = await zoe.addressed();
    assert.deepEqual(found.map(({ message }) => message), [...texts, ""]);
    assert.deepEqual([found[0]!.reason, found[30]!.reason], ["direct", "mention"]);
    assert.equal((await zoe.addressed({ limit: 2 })).length, 2);
    assert.deepEqual((await new Agents(as()).list()).map(({ name }) => name), ["ada"]);
    assert.deepEqual(await zoe.inbox(), found);
  },
);

Deno.test("names that nobody has get a hint, and reading an inbox registers nobody", () =>
  withProject(async (dir) => {
    const redis = hasRedis()
      ? [{
        AGENTCOORD_STORE: (await sharedRedis()).url,
        AGENTCOORD_NAMESPACE: `names-${crypto.randomUUID().slice(0, 8)}`,
      }]
      : [];
    for (const env of [{}, ...redis]) {
      const json = async (...args: string[]) => await cliJson(dir, args, { env });
      await json("agent", "register", "--agent", "ada");
      const inbox = await cli(dir, ["inbox", "--agent", "Ada"], { env });
      assert.deepEqual([inbox.code, inbox.stdout], [0, "Nothing unread.\n"]);
      assert.equal(inbox.stderr, `agentcoord: warning: ${HINT}\n`);
      const nobody = await json("inbox", "--agent", "zoe");
      assert.match(nobody.document.warnings.join(), /^No agent is named "zoe" yet; [^,]*$/);
      const names = (await json("agents")).document.data.map(({ name }: { name: string }) => name);
      assert.deepEqual(names, ["ada"]);

      const bob = ["--agent", "bob"];
      const post = await json("board", "post", "hi @Ada", "--to", "adaa,ada,carl", ...bob);
      const hinted = ['No agent is named "adaa"; did you mean "ada"?', HINT];
      assert.deepEqual(post.document.warnings, hinted);
      const id = post.document.data.id;
      const reply = await json("board", "reply", id, "--message", "@Ada", ...bob);
      assert.deepEqual(reply.document.warnings, [HINT]);
      const asked = await json(
        ...["approval", "request", "x", "--description", "y", "--approvers", "Ada", ...bob],
      );
      assert.deepEqual(asked.document.warnings, [HINT]);
      for (
        const list of [
          "tasks --by",
          "tasks --holder",
          "locks --holder",
          "board list --by",
          "approvals --by",
          "audit list --by",
        ]
      ) {
        const { document } = await json(...list.split(" "), "Ada");
        assert.deepEqual([document.data, document.warnings], [[], [HINT]], list);
      }
      const show = await json("agent", "show", "Ada");
      assert.deepEqual([show.code, show.document.error.message], [4, HINT]);
      assert.equal((await json("inbox", "--agent", "carl")).document.data.length, 1);

      // Waiting makes no agent of a name, nor does counting as read where nobody has written to it.
      const late = await json("inbox", "wait", "--timeout", "300ms", "--agent", "dora");
      assert.deepEqual([late.code, late.document.error.code], [6, "timeout"]);
      const none = await json("inbox", "ack", "--agent", "dora");
      assert.deepEqual([none.code, none.document.error.code], [4, "not_found"]);
      // What was written to a name that is much like another was perhaps meant for that one.
      const waited = await json("inbox", "wait", "--timeout", "5s", "--ack", "--agent", "Ada");
      assert.equal(waited.document.data.length, 2);
      assert.match(
        waited.document.warnings.join(),
        /Nothing was counted as read: No agent is named "Ada"/,
      );
      const acked = await json("inbox", "ack", "--agent", "Ada");
      assert.deepEqual([acked.code, acked.document.error.message], [4, HINT]);
      assert.equal((await json("inbox", "--agent", "Ada")).document.data.length, 2);
      const known = async () =>
        (await json("agents")).document.data.map(({ name }: { name: string }) => name);
      assert.deepEqual(await known(), ["ada", "bob"]);

      // Whoever was written to exists as soon as it has counted that as read.
      const read = await json("inbox", "--ack", "--agent", "carl");
      assert.deepEqual([read.document.data.length, read.document.warnings], [1, []]);
      assert.deepEqual((await json("inbox", "--agent", "carl")).document.data, []);
      assert.deepEqual(await known(), ["ada", "bob", "carl"]);
    }
  }));

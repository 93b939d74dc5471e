import assert from "node:assert/strict";
import fc from "fast-check";
import { Board } from "../../src/board/board.ts";
import { wordsIn } from "../../src/board/words.ts";
import { InvalidArgumentError } from "../../src/errors.ts";
import { propertyRuns } from "../support/property.ts";
import { storeTest } from "../../dev/stores.ts";

async function titlesOf(board: Board, text: string) {
  const { threads, nextCursor } = await board.search(text);
  assert.equal(nextCursor, undefined);
  return threads.map(({ title }) => title).join(" ");
}

storeTest("board search finds threads that have every word, newest first", async ({ as }) => {
  const ada = new Board(as("ada"));
  const one = await ada.post({ title: "one", message: "Deploy of the café failed" });
  await ada.post({ title: "two", message: "deploy went well: see src/deploy_all.ts" });
  await ada.post({ title: "three" });
  await ada.reply(one.id, { message: "rolled back; 日本語" });
  assert.equal(await titlesOf(ada, "deploy"), "two one");
  assert.equal(await titlesOf(ada, "DEPLOY Failed"), "one");
  assert.equal(await titlesOf(ada, "cafe"), "one");
  assert.equal(await titlesOf(ada, "deploy rolled"), "one");
  assert.equal(await titlesOf(ada, "one, back!"), "one");
  assert.equal(await titlesOf(ada, "deploy_all.ts"), "two");
  assert.equal(await titlesOf(ada, "日本"), "one");
  assert.equal(await titlesOf(ada, "three"), "three");
  assert.equal(await titlesOf(ada, "deplo"), "");
  assert.equal(await titlesOf(ada, "deploy nothing"), "");
});

storeTest("board search takes a query language for plain words", async ({ as }) => {
  const ada = new Board(as("ada"));
  await ada.post({ title: "plain", message: "alpha beta" });
  await ada.post({ title: "query", message: "alpha AND NOT beta OR NEAR near 2" });
  assert.equal(await titlesOf(ada, "alpha AND beta"), "query");
  assert.equal(await titlesOf(ada, 'alpha" OR "beta'), "query");
  assert.equal(await titlesOf(ada, "NEAR(alpha beta, 2)"), "query");
  assert.equal(await titlesOf(ada, "^alpha* {words}: -beta"), "");
  assert.equal(await titlesOf(ada, "alpha* -beta ^"), "query plain");
  for (const text of ["", " ", '"', "'; DROP TABLE threads; --", "***", "\u0000"]) {
    await ada.search(text).catch((error) => assert.ok(error instanceof InvalidArgumentError));
  }
  await assert.rejects(ada.search('"*"'), /give at least one word/);
  await assert.rejects(
    ada.search(Array.from({ length: 33 }, (_, i) => `w${i}`).join(" ")),
    /at most 32 words/,
  );
  await assert.rejects(ada.search(7 as unknown as string), InvalidArgumentError);
});

storeTest("board search and list page through many threads", async ({ as }) => {
  const ada = new Board(as("ada"));
  // More messages than one stretch of the index, and the rare ones far apart.
  const posts = Array.from({ length: 3000 }, (_, i) => {
    const [rare, kind] = [i % 700 === 3, i % 2 ? "odd" : "even"];
    const message = `common to each${rare ? " rare" : ""} ${kind}`;
    return ada.post({ title: `${i}`, message, tags: rare ? ["odd", "even"] : [kind] });
  });
  const threads = await Promise.all(posts);
  await ada.resolve(threads[703]!.id);
  const all = async (sought: string | readonly string[], limit: number) => {
    const found: number[] = [];
    let cursor: string | undefined;
    do {
      const options = { limit, ...(cursor ? { cursor } : {}) };
      const page = typeof sought === "string"
        ? await ada.search(sought, options)
        : await ada.list({ ...options, tags: sought });
      found.push(...page.threads.map(({ title }) => Number(title)));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    return found;
  };
  assert.deepEqual(await all("rare common", 2), [2803, 2103, 1403, 703, 3]);
  assert.deepEqual(await all("odd even", 2), []);
  for (const limit of [1, 4, 5, 100]) {
    assert.deepEqual(await all(["odd", "even"], limit), [2803, 2103, 1403, 703, 3]);
  }
  const newestFirst = [...posts.keys()].reverse();
  assert.deepEqual(await all("common", 999), newestFirst);
  assert.deepEqual(await all("even each common", 1000), newestFirst.filter((i) => i % 2 === 0));
});

storeTest("board search agrees with looking at every message", async ({ as }) => {
  const ada = new Board(as("ada"));
  const word = fc.constantFrom("a", "B", "c1", "é", "日本", "x_y", "a.b", "AND", "*", '"');
  const text = fc.array(word, { maxLength: 4 }).map((words) => words.join(" "));
  const step = fc.oneof(
    fc.record({ title: text, message: text }),
    fc.record({ thread: fc.nat({ max: 5 }), message: text }),
    fc.record({ query: text }),
  );
  // Threads of every run, newest first, with all their words.
  const model: { readonly id: string; readonly words: Set<string> }[] = [];
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25, size: "max" }), async (steps) => {
      for (const action of steps) {
        if ("title" in action) {
          const title = `t ${action.title}`;
          const { id } = await ada.post({ ...action, title });
          model.unshift({ id, words: new Set(wordsIn(`${title} ${action.message}`)) });
        } else if ("thread" in action) {
          const thread = model[action.thread];
          if (thread === undefined || action.message === "") continue;
          await ada.reply(thread.id, { message: action.message });
          for (const word of wordsIn(action.message)) thread.words.add(word);
        } else {
          const words = wordsIn(action.query);
          if (words.length === 0) continue;
          const { threads } = await ada.search(action.query, { limit: 10 });
          const wanted = model.filter((thread) => words.every((word) => thread.words.has(word)));
          assert.deepEqual(threads.map(({ id }) => id), wanted.slice(0, 10).map(({ id }) => id));
        }
      }
    }),
    { numRuns: propertyRuns() },
  );
});

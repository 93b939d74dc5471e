import assert from "node:assert/strict";
import fc from "fast-check";
import { mentionsIn } from "../../src/board/mention.ts";
import { wordsIn } from "../../src/board/words.ts";
import { ends } from "../../dev/sleepers.ts";

const MENTIONS: readonly (readonly [string, readonly string[]])[] = [
  ["@ada", ["ada"]],
  ["hello @ada, and @bob-2: look", ["ada", "bob-2"]],
  ["ask @ada.", ["ada"]],
  ["ask @ada... or @b.c_d-e!", ["ada", "b.c_d-e"]],
  ["(@ada) [@bob] \"@cy\" '@di' *@ed* _x", ["ada", "bob", "cy", "di", "ed"]],
  ["@ada @ada", ["ada"]],
  ["line\n@ada\n\t@bob", ["ada", "bob"]],
  ["mail a@b.c or first.last+tag@example.org", []],
  ["a@b", []],
  ["https://example.org/@ada", []],
  ["@@ada", []],
  ["@ada@example.org", []],
  ["@", []],
  ["@.", []],
  ["@...", []],
  ["@-ada", ["-ada"]],
  ["@Ada", ["Ada"]],
  ["@adaé", []],
  ["日本@ada", ["ada"]],
  ["日本 @ada 日本", ["ada"]],
  [`@${"a".repeat(64)}`, ["a".repeat(64)]],
  [`@${"a".repeat(65)}`, []],
  ["cc:@ada;@bob", ["ada", "bob"]],
];

Deno.test("mentions are found where a person would see one", () => {
  for (const [text, names] of MENTIONS) assert.deepEqual(mentionsIn(text), names, text);
});

Deno.test("mentions take time that grows with the text only", async () => {
  // Were it to grow with the square of the text, this would take an hour.
  const code = `
    import { mentionsIn } from "${new URL("../../src/board/mention.ts", import.meta.url)}";
    mentionsIn("@a.".repeat(1_000_000) + "@".repeat(1_000_000));
    postMessage("done");
  `;
  const url = URL.createObjectURL(new Blob([code], { type: "text/typescript" }));
  const worker = new Worker(url, { type: "module" });
  try {
    await ends("reading it", new Promise((resolve) => worker.onmessage = resolve));
  } finally {
    worker.terminate();
    URL.revokeObjectURL(url);
  }
});

Deno.test("words ignore case, accents, punctuation and compatibility forms", () => {
  assert.deepEqual(wordsIn("Café: re-deploy café, foo_bar v2.1"), [
    "cafe",
    "re",
    "deploy",
    "foo",
    "bar",
    "v2",
    "1",
  ]);
  assert.deepEqual(wordsIn("MÜLLER ﬁle Ⅷ"), ["muller", "file", "viii"]);
  assert.deepEqual(wordsIn("日本語 テスト, 한국어"), [..."日本語テスト", "한국어"]);
  assert.deepEqual(wordsIn("हिन्दी"), ["हिन्दी"]);
  assert.deepEqual(wordsIn('"!?— ()*:^'), []);
});

Deno.test("words hold letters, digits and marks only", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme-composite" }), (text) => {
    for (const word of wordsIn(text)) assert.match(word, /^[\p{L}\p{N}\p{M}\p{Cs}]+$/u);
  }));
});

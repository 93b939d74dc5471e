/**
 * Every promise of docs/FAILOVER.md is the name of a test, and the other way round. Its list items are its promises; its
 * paragraphs explain. What README.md promises of failover stands there word for word, too.
 * @module
 */
import assert from "node:assert/strict";

const ROOT = new URL("../../", import.meta.url);
const HEADING = "### What failover promises, and what it does not";

const read = (path: string) => Deno.readTextFileSync(new URL(path, ROOT));

/** The list items of a text, without marks of code and the full stop. */
function promisesIn(markdown: string): string[] {
  return [...markdown.matchAll(/^- (.+(?:\n {2}.+)*)/gm)].map(([, item = ""]) =>
    item.replace(/\s+/g, " ").replaceAll("`", "").replace(/\.$/, "")
  );
}

function testNames(): string[] {
  const folder = new URL("tests/open/failover/", ROOT);
  const files = [...Deno.readDirSync(folder)].filter(({ name }) =>
    /^promises_\w+_test\.ts$/.test(name)
  );
  return files.flatMap(({ name }) =>
    [
      ...Deno.readTextFileSync(new URL(name, folder)).matchAll(
        /^promise\(\s*("(?:[^"\\\n]|\\.)*")/gm,
      ),
    ]
      .map(([, literal = ""]) => JSON.parse(literal) as string)
  );
}

function readmeSection(): string {
  const [, after = ""] = read("README.md").split(`\n${HEADING}\n`);
  return after.split(/^#{1,3} /m)[0]!;
}

Deno.test("every promise about failover is the name of one test, and every such test is a promise", () => {
  assert.deepEqual(promisesIn(read("docs/FAILOVER.md")).sort(), testNames().sort());
});

Deno.test("what the README promises of failover is a promise of the page about it", () => {
  const promised = new Set(promisesIn(read("docs/FAILOVER.md")));
  const claimed = promisesIn(readmeSection());
  assert.ok(claimed.length >= 6, `${claimed.length} promises under "${HEADING}"`);
  assert.deepEqual(claimed.filter((sentence) => !promised.has(sentence)), []);
});

Deno.test("a promise about failover is one sentence of at most 160 characters", () => {
  const sentences = promisesIn(read("docs/FAILOVER.md"));
  assert.deepEqual(sentences.filter((one) => one.length > 160 || /[.;] /.test(one)), []);
});

import assert from "node:assert/strict";
import { documentViolations } from "../../scripts/checks/documents.ts";
import { formatViolation } from "../../scripts/checks/layers.ts";

const reports = (files: Readonly<Record<string, string>>) =>
  documentViolations(new Map(Object.entries(files))).map(formatViolation);

Deno.test("document checks find links to files and headings that are not there", () => {
  const files = {
    "docs/A.md": "# One: two\n\n[there](B.md), [up](../README.md#a-heading) [self](#one-two)\n" +
      "[web](https://example.com/x.md) [gone](C.md)\n[no heading](B.md#other)\n",
    "docs/B.md": "# Heading\n",
    "README.md": "## A heading\n```md\n[not read](nowhere.md)\n```\n[folder](docs)\n",
  };
  assert.deepEqual(reports(files), [
    `docs/A.md:4: A link of a document leads to a file, and a heading, of the checkout. Found: "C.md"`,
    `docs/A.md:5: A link of a document leads to a file, and a heading, of the checkout. Found: "B.md#other"`,
  ]);
});

Deno.test("document checks find files that a document names and that are not there", () => {
  const files = {
    "docs/A.md": "`src/lock/lock.ts` and `src/lock/`, `scripts/dev test`, `src/<room>/x.ts`, " +
      "`src/lock/{a,b}.ts`\n`src/lock/gone.ts`\n`src/gone/`\n",
    "README.md": "Lock `src/auth.ts`; see `tests/gone`.\n",
    "src/lock/lock.ts": "",
    "scripts/dev": "",
  };
  assert.deepEqual(reports(files), [
    `docs/A.md:2: A file that a document names is in the checkout. Found: "src/lock/gone.ts"`,
    `docs/A.md:3: A file that a document names is in the checkout. Found: "src/gone/"`,
    `README.md:1: A file that a document names is in the checkout. Found: "tests/gone"`,
  ]);
});

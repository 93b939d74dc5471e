import assert from "node:assert/strict";
import { table, type View } from "../../src/cli/output.ts";

const VIEW: View = { terminal: false, color: false, columns: Infinity, nowMs: 0 };

Deno.test("table shows a cell as it is, but for characters that a terminal would act on", async () => {
  const rows = ["C:\\new\\path", "two\nlines", "\x1b[31mred"];
  const text = await table(rows, [{ title: "TITLE", value: (row) => row }], VIEW, "None.");
  assert.deepEqual(text.split("\n"), [
    "TITLE",
    "C:\\new\\path",
    "two\\nlines",
    "\\u001b[31mred",
    "",
  ]);
});

Deno.test("table without rows is one sentence", async () => {
  assert.equal(await table([], [{ title: "TITLE", value: () => "" }], VIEW, "None."), "None.\n");
});

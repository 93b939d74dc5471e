import assert from "node:assert/strict";
import { formatCounts, parseCounts } from "../../scripts/test.ts";

const CLOSING_LINES: readonly (readonly [string, string])[] = [
  ["ok | 12 passed | 0 failed (3ms)", "12 passed, 0 failed"],
  ["ok | 1 passed (1 step) | 0 failed | 2 ignored (7ms)", "1 passed, 0 failed, 2 skipped"],
  [
    "FAILED | 3 passed (4 steps) | 1 failed (2 steps) | 1 ignored (1 step) (1s)",
    "3 passed, 1 failed, 1 skipped",
  ],
  ["ok | 0 passed | 0 failed | 4 filtered out (77ms)", "0 passed, 0 failed"],
  [
    "\x1b[0m\x1b[32mok\x1b[0m | 2 passed | 0 failed \x1b[0m\x1b[38;5;245m(7ms)\x1b[0m",
    "2 passed, 0 failed",
  ],
];

for (const [line, expected] of CLOSING_LINES) {
  Deno.test(`test counts are read from "${line.slice(line.indexOf("|"))}"`, () => {
    const counts = parseCounts(`running 1 test from ./a_test.ts\n\n${line}\n\n`);
    assert.ok(counts);
    assert.equal(formatCounts(counts), expected);
  });
}

Deno.test("test counts come from the last closing line, whatever a test printed", () => {
  assert.deepEqual(
    parseCounts("ok | 99 passed | 0 failed (1ms)\nFAILED | 0 passed | 1 failed (1ms)\n"),
    { passed: 0, failed: 1, skipped: 0 },
  );
});

Deno.test("test counts are unknown when deno test did not get to its closing line", () => {
  assert.equal(parseCounts("error: Type checking failed.\n"), undefined);
});

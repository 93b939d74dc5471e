import assert from "node:assert/strict";
import {
  fileTimesMs,
  formatCounts,
  formatSlowest,
  isQuick,
  parseCounts,
} from "../../scripts/test.ts";

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

Deno.test("test times are those of the tests in each file, their steps counted once", () => {
  const output = [
    "\x1b[38;5;245mrunning 2 tests from ./tests/a_test.ts\x1b[0m",
    "first ... \x1b[32mok\x1b[0m \x1b[38;5;245m(30ms)\x1b[0m",
    "second ...",
    "  step ... ok (2s)",
    "second ... ok (2s)",
    "running 1 test from ./tests/b_test.ts",
    "slow, ended (badly) ... FAILED (1m1s)",
    "",
    "FAILED | 2 passed (1 step) | 1 failed (1m4s)",
  ].join("\n");
  assert.deepEqual(
    [...fileTimesMs(output)],
    [["tests/a_test.ts", 2030], ["tests/b_test.ts", 61_000]],
  );
});

Deno.test("test files that took longest are named, at most five, the slowest first", () => {
  const times = new Map([1, 7, 3, 2, 6, 5].map((s) => [`tests/${s}_test.ts`, s * 1000]));
  assert.equal(
    formatSlowest(times),
    "Slowest files:\n" +
      [7, 6, 5, 3, 2].map((s) => `    ${s}.0 s  tests/${s}_test.ts`).join("\n"),
  );
  assert.equal(formatSlowest(new Map()), "");
});

Deno.test("quick tests are the unit, contract and property tests", () => {
  const quick = [
    "tests/duration_test.ts",
    "tests/lock/contract_test.ts",
    "tests/task/property_test.ts",
    "tests/engine/redis/url_test.ts",
    "tests/scripts/lua_test.ts",
  ];
  const slow = [
    "tests/cli/lock_test.ts",
    "tests/field/prune_test.ts",
    "tests/redis/cluster_test.ts",
    "tests/lock/fault_test.ts",
    "tests/scripts/bench_test.ts",
    "tests/consumer_test.ts",
  ];
  assert.deepEqual([...quick, ...slow].filter(isQuick), quick);
});

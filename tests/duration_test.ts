import assert from "node:assert/strict";
import fc from "fast-check";
import { formatDuration, parseDuration, parseInstant } from "../src/duration.ts";
import { InvalidArgumentError } from "../src/errors.ts";

const NOW_MS = Date.UTC(2030, 0, 31, 9, 0, 0);

function refusal(run: () => unknown): InvalidArgumentError {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof InvalidArgumentError, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: "was accepted" });
}

Deno.test("parseDuration gives milliseconds for every unit and decimals", () => {
  const cases: [string, number][] = [
    ["500ms", 500],
    ["30s", 30_000],
    ["5m", 300_000],
    ["2h", 7_200_000],
    ["1d", 86_400_000],
    ["1.5h", 5_400_000],
    [".5s", 500],
    ["0.5", 500],
    ["300", 300_000],
    ["0", 0],
    ["1.005", 1005],
    ["9007199254740991ms", Number.MAX_SAFE_INTEGER],
  ];
  for (const [text, ms] of cases) assert.equal(parseDuration(text, "--ttl"), ms, text);
});

Deno.test("parseDuration refuses anything else", () => {
  const bad = ["", " ", "5x", "-5s", "+5s", "5 s", " 5s", "5s\n", "1e3", "Infinity", "NaN", "0x10"];
  bad.push("s", ".", "1.", "1..5s", "1,5s", "5S", "1m30s", "٣s", "5\u0000s");
  for (const text of bad) {
    const error = refusal(() => parseDuration(text, "--ttl"));
    assert.equal(error.code, "invalid_argument");
    assert.equal(error.details.field, "--ttl");
    assert.match(error.message, /^Invalid --ttl ".*: use a number with ms, s, m, h or d/);
  }
  assert.equal(
    refusal(() => parseDuration("5x", "--ttl")).message,
    'Invalid --ttl "5x": use a number with ms, s, m, h or d, such as 30s or 5m',
  );
  assert.deepEqual(refusal(() => parseDuration("5x", "--ttl")).details, {
    field: "--ttl",
    value: "5x",
  });
});

Deno.test("parseDuration refuses what cannot be counted exactly", () => {
  for (const text of ["9007199254740993ms", "104249991375d", "9".repeat(400)]) {
    assert.match(refusal(() => parseDuration(text, "--wait")).message, /it is too long/);
  }
});

Deno.test("formatDuration is short under every size", () => {
  const cases: [number, string][] = [
    [0, "0ms"],
    [-0.2, "0ms"],
    [450, "450ms"],
    [999.4, "999ms"],
    [999.6, "1s"],
    [1500, "1.5s"],
    [9960, "10s"],
    [12_000, "12s"],
    [59_600, "1m"],
    [90_000, "1m30s"],
    [240_000, "4m"],
    [3_599_600, "1h"],
    [7_500_000, "2h5m"],
    [10_800_000, "3h"],
    [86_399_000, "1d"],
    [172_800_000, "2d"],
    [90_000_000, "1d1h"],
    [-90_000, "-1m30s"],
    [Infinity, "Infinity"],
  ];
  for (const [ms, text] of cases) assert.equal(formatDuration(ms), text, String(ms));
});

Deno.test("formatDuration stays within its rounding for any duration", () => {
  const unitMs: Record<string, number> = { ms: 1, s: 1e3, m: 6e4, h: 36e5, d: 864e5 };
  fc.assert(fc.property(fc.integer({ min: 0, max: 1e12 }), (ms) => {
    const parts = [...formatDuration(ms).matchAll(/([\d.]+)(ms|s|m|h|d)/g)];
    const shown = parts.reduce((sum, part) => sum + Number(part[1]) * unitMs[part[2]!]!, 0);
    const allowed = ms < 1000 ? 0 : ms < 1e4 ? 50 : ms < 3.6e6 ? 500 : ms < 8.64e7 ? 3e4 : 18e5;
    assert.ok(Math.abs(shown - ms) <= allowed, `${ms} shown as ${formatDuration(ms)}`);
    assert.ok(parts.length <= 2);
  }));
});

Deno.test("parseInstant reads zoned times, dates, epoch milliseconds and offsets", () => {
  const cases: [string, number][] = [
    ["2030-01-31T09:00:00Z", NOW_MS],
    ["2030-01-31t09:00z", NOW_MS],
    ["2030-01-31 09:00:00.000Z", NOW_MS],
    ["2030-01-31T14:30:00+05:30", NOW_MS],
    ["2030-01-31T14:30:00+0530", NOW_MS],
    ["2030-01-31", Date.UTC(2030, 0, 31)],
    ["2028-02-29", Date.UTC(2028, 1, 29)],
    [String(NOW_MS), NOW_MS],
    ["0", 0],
    ["+5m", NOW_MS + 300_000],
    ["+0", NOW_MS],
    ["+1.5h", NOW_MS + 5_400_000],
  ];
  for (const [text, ms] of cases) assert.equal(parseInstant(text, "--at", NOW_MS), ms, text);
});

Deno.test("parseInstant refuses what is no instant, and what would silently mean 1970", () => {
  const bad = ["", "soon", "5m", "-5m", "+5x", "+", "2030-02-30", "2030-13-01", "2030-00-10"];
  bad.push("2030-01-31T25:00Z", "2030-01-31T09:61Z", "2030-01-31T09:00", "2030-1-31", "20300131");
  bad.push("1700000000", "2030-01-31T09:00+99:99", "2030-01-31T09:00 CET", "9".repeat(30));
  for (const text of bad) {
    const error = refusal(() => parseInstant(text, "--not-before", NOW_MS));
    assert.match(error.message, /^Invalid --not-before ".*2030-01-31T09:00:00Z/, text);
    assert.equal(error.details.value, text);
  }
  assert.match(
    refusal(() => parseInstant("2030-01-31T09:00", "--at", NOW_MS)).message,
    /it has no zone/,
  );
});

Deno.test("parseInstant reads back every instant that Date prints", () => {
  fc.assert(fc.property(fc.date({ noInvalidDate: true }), (date) => {
    const text = date.toISOString();
    fc.pre(/^\d{4}-/.test(text));
    assert.equal(parseInstant(text, "--at", NOW_MS), date.getTime());
  }));
});

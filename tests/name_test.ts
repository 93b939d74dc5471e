import assert from "node:assert/strict";
import fc from "fast-check";
import { InvalidArgumentError } from "../src/errors.ts";
import { checkName, checkText, LIMITS, printable, quote } from "../src/name.ts";

const anyText = fc.string({ unit: "binary", maxLength: 40 });
// Every UTF-16 unit, so halves of pairs too, with the dangerous ones often.
const brokenText = fc.array(
  fc.oneof(
    fc.integer({ min: 0, max: 0xffff }),
    fc.constantFrom(0, 9, 10, 13, 27, 127, 0x9b, 0x202e, 0x2028, 0xd800, 0xdc00, 34, 92),
  ),
  { maxLength: 30 },
).map((units) => String.fromCharCode(...units));

function refusal(run: () => unknown): InvalidArgumentError {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof InvalidArgumentError, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: "was accepted" });
}

/** Independent of the code under test: decides by code point, without its expressions. */
function isSafeOnTerminal(text: string): boolean {
  for (const character of text) {
    const code = character.codePointAt(0)!;
    if (code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0xd800 && code <= 0xdfff)) {
      return false;
    }
    if ([0x2028, 0x2029, 0x202a, 0x202b, 0x202c, 0x202d, 0x202e].includes(code)) return false;
    if (code >= 0x2066 && code <= 0x2069) return false;
  }
  return true;
}

Deno.test("checkName returns a name under every allowed shape", () => {
  for (const name of ["a", "Ada", "ci.runner_2-b", ".hidden", "-", "a".repeat(64), "..a"]) {
    assert.equal(checkName(name, "agent name"), name);
  }
});

Deno.test("checkName refuses everything else", () => {
  const bad: unknown[] = ["", ".", "..", "a".repeat(65), "a b", "a/b", "a\n", "ä", "a\u0000"];
  bad.push("*", "{a}", undefined, null, 5, {}, ["a"]);
  for (const value of bad) {
    const error = refusal(() => checkName(value, "--as"));
    assert.match(error.message, /^Invalid --as .*: use 1 to 64 of A-Z a-z 0-9 \. _ -/);
    assert.equal(error.details.field, "--as");
    assert.ok("value" in error.details);
    assert.doesNotThrow(() => JSON.stringify(error.details));
  }
});

Deno.test("checkName shows a hostile value shortened and escaped", () => {
  const error = refusal(() => checkName("\u001b[2J" + "x".repeat(1000), "tag"));
  assert.ok(error.message.startsWith('Invalid tag "\\u001b[2Jxxx'));
  assert.ok(error.message.length < 200);
  assert.ok(isSafeOnTerminal(error.message));
  assert.ok(String(error.details.value).length < 300);
});

Deno.test("checkText returns ordinary text of any script", () => {
  const rules = { maxChars: LIMITS.titleChars };
  for (const text of ["fix auth", "修复 login", "שלום", "👩‍👩‍👧 family", "a\u00a0b"]) {
    assert.equal(checkText(text, "title", rules), text);
  }
  assert.equal(checkText("a\n\tb", "message", { multiline: true }), "a\n\tb");
  assert.equal(checkText("", "message", { allowEmpty: true }), "");
});

Deno.test("checkText names the bad character and its place", () => {
  const cases: [string, boolean, RegExp][] = [
    ["ab\u001b[2J", true, /character 3 is U\+001B \(escape\)/],
    ["a\nb", false, /character 2 is U\+000A \(line feed\)/],
    ["a\tb", false, /character 2 is U\+0009 \(tab\)/],
    ["a\r\nb", true, /character 2 is U\+000D \(carriage return\)/],
    ["\u0000", true, /character 1 is U\+0000 \(NUL\)/],
    ["x\u007f", true, /character 2 is U\+007F \(delete\)/],
    ["x\u009b1m", true, /character 2 is U\+009B \(control character\)/],
    ["👍👍\u202etxt.exe", true, /character 3 is U\+202E \(bidirectional control\)/],
    ["\u2066x", true, /U\+2066/],
    ["a\ud800b", true, /character 2 is U\+D800 \(half a pair\)/],
    ["a\udc00", true, /character 2 is U\+DC00 \(half a pair\)/],
  ];
  for (const [text, multiline, pattern] of cases) {
    const error = refusal(() => checkText(text, "message", { multiline }));
    assert.match(error.message, pattern);
    assert.equal(error.details.field, "message");
    assert.ok(isSafeOnTerminal(error.message + error.details.value), error.message);
  }
});

Deno.test("checkText refuses empty text and other types", () => {
  assert.match(refusal(() => checkText("", "title", {})).message, /must not be empty/);
  for (const value of [undefined, null, 1, {}, []]) {
    assert.match(refusal(() => checkText(value, "title", {})).message, /use a text/);
  }
});

Deno.test("checkText counts characters as code points at the exact limit", () => {
  const rules = { maxChars: 512 };
  assert.equal(checkText("👍".repeat(512), "title", rules).length, 1024);
  assert.match(
    refusal(() => checkText("👍".repeat(513), "title", rules)).message,
    /513 characters, and the limit is 512$/,
  );
  assert.deepEqual(
    { ...refusal(() => checkText("x".repeat(2000), "title", rules)).details, value: "" },
    { field: "title", value: "", size: 2000, limit: 512, unit: "characters" },
  );
});

Deno.test("checkText counts UTF-8 bytes at the exact limit", () => {
  const rules = { maxBytes: 10, multiline: true };
  for (const [text, bytes] of [["é".repeat(5), 10], ["€€€a", 10], ["👍👍aa", 10]] as const) {
    assert.equal(checkText(text, "m", rules), text);
    assert.match(
      refusal(() => checkText(text + "x", "m", rules)).message,
      new RegExp(`${bytes + 1} bytes, and the limit is 10$`),
    );
  }
});

Deno.test("checkText accepts exactly the safe texts for any input", () => {
  fc.assert(
    fc.property(brokenText, fc.boolean(), (text, multiline) => {
      // Replaced, not removed: two halves of a pair must not come together.
      const plain = text.replaceAll(/[\u2028\u2029]/g, "x");
      const visible = multiline ? plain.replaceAll(/[\n\t]/g, "x") : plain;
      let accepted = true;
      try {
        checkText(text, "m", { multiline, allowEmpty: true });
      } catch (error) {
        assert.ok(error instanceof InvalidArgumentError);
        assert.ok(isSafeOnTerminal(error.message), quote(error.message));
        accepted = false;
      }
      assert.equal(accepted, isSafeOnTerminal(visible));
    }),
    { numRuns: 500 },
  );
});

Deno.test("quote is one safe line that reads back as JSON for any short text", () => {
  fc.assert(
    fc.property(fc.oneof(anyText, brokenText), (text) => {
      const quoted = quote(text, 1000);
      assert.ok(isSafeOnTerminal(quoted), JSON.stringify(quoted));
      assert.equal(JSON.parse(quoted), text);
    }),
    { numRuns: 500 },
  );
});

Deno.test("quote shortens without breaking a pair", () => {
  assert.equal(quote("abcdef", 3), '"abc…"');
  assert.equal(quote("ab👍def", 3), '"ab…"');
  assert.equal(printable("ab👍def", 4), "ab👍…");
});

Deno.test("quote shows values that are no text", () => {
  const circular: Record<string, unknown> = {};
  circular.self = circular;
  const cases: [unknown, string][] = [
    [undefined, "undefined"],
    [null, "null"],
    [5, "5"],
    [NaN, "NaN"],
    [5n, "5n"],
    [true, "true"],
    [{ a: 1 }, '{"a":1}'],
    [circular, "an object"],
    [() => 1, "a function"],
    [Symbol("x\n"), "Symbol(x\\n)"],
  ];
  for (const [value, text] of cases) assert.equal(quote(value), text);
});

Deno.test("text for people shows what has no width, and emoji as they are", () => {
  assert.equal(
    printable("de\u200bploy\u2060 \ufeff\u{e0041}"),
    "de\\u200bploy\\u2060 \\ufeff\\u{e0041}",
  );
  assert.equal(printable("\u{1f469}\u200d\u{1f4bb}"), "\u{1f469}\u200d\u{1f4bb}");
});

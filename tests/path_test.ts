import assert from "node:assert/strict";
import posix from "node:path/posix";
import fc from "fast-check";
import { InvalidArgumentError } from "../src/errors.ts";
import { covers, lockPathAncestors, normalizeLockPath } from "../src/path.ts";

const AT_ROOT = { root: "/repo", cwd: "/repo" };

function refusal(run: () => unknown): InvalidArgumentError {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof InvalidArgumentError, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: "was accepted" });
}

const part = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom("a", "b", "c.py", "ab", "repo", " ", "é") },
  { weight: 3, arbitrary: fc.constantFrom(".", "..", "") },
);
const relative = fc.array(part, { minLength: 1, maxLength: 7 }).map((parts) => parts.join("/"))
  .filter((path) => path !== "" && !path.startsWith("/"));
const anyPath = fc.oneof(
  relative,
  relative.map((path) => `/${path}`),
  relative.map((path) => `/repo/${path}`),
);
const lockPath = fc.tuple(
  fc.array(fc.constantFrom("a", "b", "ab", "a b"), { minLength: 0, maxLength: 4 }),
  fc.boolean(),
).map(([parts, absolute]) =>
  parts.length === 0 ? (absolute ? "/" : ".") : (absolute ? "/" : "") + parts.join("/")
);

Deno.test("normalizeLockPath gives one name under every spelling", () => {
  const cases: [string, string][] = [
    ["a.py", "a.py"],
    ["./a.py", "a.py"],
    ["/repo/a.py", "a.py"],
    ["//repo///a.py", "a.py"],
    ["x/../a.py", "a.py"],
    ["../repo/a.py", "a.py"],
    ["src//b.py", "src/b.py"],
    ["src/", "src"],
    ["src///", "src"],
    ["src/.", "src"],
    ["src/x/..", "src"],
    [".", "."],
    ["./", "."],
    ["/repo", "."],
    ["/repo/", "."],
    ["..a", "..a"],
    ["a..", "a.."],
    ["...", "..."],
    ["-rf", "-rf"],
    ["a b", "a b"],
  ];
  for (const [path, name] of cases) assert.equal(normalizeLockPath(path, AT_ROOT), name, path);
});

Deno.test("normalizeLockPath starts relative paths at the working directory", () => {
  const rules = { root: "/repo", cwd: "/repo/src" };
  assert.equal(normalizeLockPath("a.py", rules), "src/a.py");
  assert.equal(normalizeLockPath("../a.py", rules), "a.py");
  assert.equal(normalizeLockPath(".", rules), "src");
  assert.equal(normalizeLockPath("..", rules), ".");
});

Deno.test("normalizeLockPath names a path by the innermost of several roots", () => {
  const rules = { ...AT_ROOT, roots: ["/repo/.trees/x", "/wt"] };
  assert.equal(normalizeLockPath("/wt/src/a.py", rules), "src/a.py");
  assert.equal(normalizeLockPath("/repo/src/a.py", rules), "src/a.py");
  assert.equal(normalizeLockPath(".trees/x/src/a.py", rules), "src/a.py");
  assert.equal(normalizeLockPath(".trees/y/a.py", rules), ".trees/y/a.py");
  const nested = { root: "/repo/.trees/x", roots: ["/repo"], cwd: "/repo/.trees/x" };
  assert.equal(normalizeLockPath("/repo", { ...nested, absolute: true }), ".");
  assert.equal(normalizeLockPath("../", nested), ".trees");
  assert.equal(normalizeLockPath("a.py", nested), "a.py");
});

Deno.test("normalizeLockPath works where the root is the file system's", () => {
  const rules = { root: "/", cwd: "/etc" };
  assert.equal(normalizeLockPath("hosts", rules), "etc/hosts");
  assert.equal(normalizeLockPath("/", rules), ".");
  assert.equal(normalizeLockPath("../../..", rules), ".");
});

Deno.test("normalizeLockPath refuses a path that leaves the root and says what to do", () => {
  for (const path of ["../x", "a/../../x", "/etc/hosts", "/repository/a", "/", "..", "/rep"]) {
    const error = refusal(() => normalizeLockPath(path, AT_ROOT));
    assert.match(error.message, /outside the project root "\/repo"; use --absolute/);
    assert.ok(error.message.startsWith(`Invalid path "${path}": it `), error.message);
    assert.equal(error.details.value, path);
    assert.equal(error.details.root, "/repo");
  }
  assert.equal(
    refusal(() => normalizeLockPath("../x", AT_ROOT)).message,
    'Invalid path "../x": it leads to "/x", outside the project root "/repo"; ' +
      "use --absolute (absolute: true) to lock it by its full name",
  );
});

Deno.test("normalizeLockPath keeps an outside path absolute when that is meant", () => {
  const rules = { ...AT_ROOT, absolute: true };
  assert.equal(normalizeLockPath("/etc//./hosts", rules), "/etc/hosts");
  assert.equal(normalizeLockPath("../etc/", rules), "/etc");
  assert.equal(normalizeLockPath("/repository/a", rules), "/repository/a");
  assert.equal(normalizeLockPath("/repo/a.py", rules), "a.py");
  assert.equal(normalizeLockPath("/repo", rules), ".");
});

Deno.test("normalizeLockPath refuses an absolute directory above a root", () => {
  const rules = { root: "/home/u/repo", cwd: "/home/u/repo", roots: ["/wt/x"], absolute: true };
  for (const path of ["/", "/home", "/home/u/", "..", "/wt"]) {
    assert.match(
      refusal(() => normalizeLockPath(path, rules)).message,
      /it contains the project root "\/(home|wt).*; lock "\." instead/,
    );
  }
  assert.equal(normalizeLockPath("/home/other/", rules), "/home/other");
});

Deno.test("normalizeLockPath refuses what cannot name a lock", () => {
  const bad = ["", "a\u0000b", "a\nb", "a\u001b[2J", "a\u009b", "a\ud800", "x".repeat(4097)];
  bad.push("é".repeat(2049), "a\u202eb");
  for (const path of bad) {
    const error = refusal(() => normalizeLockPath(path, AT_ROOT));
    assert.match(error.message, /^Invalid path "/);
    assert.equal(error.details.field, "path");
  }
  assert.equal(normalizeLockPath("x".repeat(4096), AT_ROOT).length, 4096);
  assert.match(
    refusal(() =>
      normalizeLockPath("x".repeat(4000), { root: "/repo", cwd: `/repo/${"d".repeat(100)}` })
    ).message,
    /its full name has 4101 bytes, and the limit is 4096/,
  );
});

Deno.test("normalizeLockPath agrees with node's resolve for any path", () => {
  const rootAndCwd = fc.constantFrom(["/repo", "/repo"], ["/repo", "/repo/a/b"], ["/a", "/a"]);
  fc.assert(
    fc.property(anyPath, rootAndCwd, fc.boolean(), (path, [root, cwd], absolute) => {
      const full = posix.resolve(cwd!, path);
      const inside = posix.relative(root!, full);
      const escapes = inside === ".." || inside.startsWith("../");
      const above = full === "/" || root!.startsWith(`${full}/`);
      let name: string;
      try {
        name = normalizeLockPath(path, { root: root!, cwd: cwd!, absolute });
      } catch (error) {
        assert.ok(error instanceof InvalidArgumentError);
        assert.ok(escapes && (!absolute || above), `${path}: ${error.message}`);
        return;
      }
      const expected = escapes ? full : inside === "" ? "." : inside;
      assert.equal(name, expected);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("normalizeLockPath is idempotent and equal for every spelling of a path", () => {
  fc.assert(
    fc.property(anyPath, (path) => {
      const rules = { ...AT_ROOT, absolute: true };
      let name: string;
      try {
        name = normalizeLockPath(path, rules);
      } catch {
        return;
      }
      assert.equal(normalizeLockPath(name, rules), name);
      if (path.startsWith("/")) return;
      assert.equal(normalizeLockPath(`./${path}`, rules), name);
      assert.equal(normalizeLockPath(`/repo/${path}`, rules), name);
      assert.equal(normalizeLockPath(`zz/../${path}`, rules), name);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("lockPathAncestors lists the names above, nearest first", () => {
  const cases: [string, string[]][] = [
    ["a/b/c.py", ["a/b", "a", "."]],
    ["a/b", ["a", "."]],
    ["a.py", ["."]],
    [".", []],
    ["/", []],
    ["/etc", ["/"]],
    ["/etc/hosts", ["/etc", "/"]],
    ["/etc/ssh/keys", ["/etc/ssh", "/etc", "/"]],
  ];
  for (const [path, above] of cases) assert.deepEqual(lockPathAncestors(path), above, path);
});

Deno.test("covers is true for the same name and for those below it", () => {
  const together: [string, string, boolean][] = [
    ["a", "a", true],
    ["a", "a/b", true],
    ["a", "a/b/c.py", true],
    [".", "a/b", true],
    [".", ".", true],
    ["/", "/etc/hosts", true],
    ["/etc", "/etc/ssh", true],
    ["a", "b", false],
    ["a", "ab", false],
    ["a", "a.b", false],
    ["a", "a b/c", false],
    ["a/b", "a/bc", false],
    ["a/b", "a/c", false],
    [".", "/etc/hosts", false],
    ["/", "a", false],
    ["etc", "/etc", false],
    ["/etc", "/etcetera", false],
  ];
  for (const [a, b, covered] of together) {
    assert.equal(covers(a, b), covered, `${a} ${b}`);
    assert.equal(covers(b, a), covered && a === b, `${b} ${a}`);
  }
});

Deno.test("covers agrees with the ancestors for any two paths", () => {
  fc.assert(
    fc.property(lockPath, lockPath, (a, b) => {
      assert.equal(covers(a, b), a === b || lockPathAncestors(b).includes(a));
      assert.ok(covers(a, a));
    }),
    { numRuns: 3000 },
  );
});

import assert from "node:assert/strict";
import { InvalidArgumentError } from "../src/errors.ts";
import { doubtsAbout } from "../src/lock_doubt.ts";
import { foldsCase, resolveLockPath } from "../src/lock_name.ts";
import { findProject, type Project } from "../src/project.ts";

/** A private directory that is a project of its own, removed at the end. */
async function inProject(run: (project: Project, top: string) => void): Promise<void> {
  const top = Deno.realPathSync(await Deno.makeTempDir({ prefix: "agentcoord-names-" }));
  try {
    Deno.mkdirSync(`${top}/.agentcoord`);
    run(findProject(top), top);
  } finally {
    await Deno.remove(top, { recursive: true });
  }
}

const NFC = "caf\u00e9.md";
const NFD = "cafe\u0301.md";

Deno.test("lock path has no other name where nothing else means the file", () =>
  inProject((project, top) => {
    for (const path of ["README.md", "src/A.ts", "./x/../y", `${top}/z`, ".", NFC]) {
      assert.deepEqual(resolveLockPath(path, project).aliases, [], path);
    }
  }));

Deno.test("lock path spelt by way of a link is an alias", () =>
  inProject((project, top) => {
    Deno.mkdirSync(`${top}/packages/ui`, { recursive: true });
    Deno.symlinkSync("packages/ui", `${top}/ui`);
    Deno.symlinkSync("..", `${top}/packages/up`);
    Deno.symlinkSync(top, `${top}-link`);
    try {
      const names = (path: string) => resolveLockPath(path, project);
      assert.deepEqual(names("ui/a.ts"), { path: "packages/ui/a.ts", aliases: ["ui/a.ts"] });
      assert.deepEqual(names("ui"), { path: "packages/ui", aliases: ["ui"] });
      // A name that the lock covers anyway, a directory left again, and a spelling outside add nothing.
      assert.deepEqual(names("packages/up"), { path: ".", aliases: [] });
      assert.deepEqual(names("ui/../b"), { path: "packages/b", aliases: [] });
      assert.deepEqual(names(`${top}-link/a.ts`), { path: "a.ts", aliases: [] });
    } finally {
      Deno.removeSync(`${top}-link`);
    }
  }));

Deno.test("lock path with accents composed and apart has one name in common", () =>
  inProject((project) => {
    assert.deepEqual(resolveLockPath(NFD, project), { path: NFD, aliases: [NFC] });
    assert.equal(resolveLockPath(NFC, project).path, NFC);
  }));

Deno.test("lock path has one name in common for every case where the file system makes no difference", () =>
  inProject((project, top) => {
    const names = (path: string) => {
      const { path: own, aliases } = resolveLockPath(path, project, { foldsCase: true });
      return [own, ...aliases];
    };
    const looks = ["Src/New.ts", "src/new.ts", "SRC/NEW.TS"];
    for (const path of looks) assert.ok(names(path).includes("src/new.ts"), path);
    assert.deepEqual(names("Src/New.ts"), ["Src/New.ts", "src/new.ts"]);
    // The same names as before once the file was made.
    Deno.mkdirSync(`${top}/Src`);
    Deno.writeTextFileSync(`${top}/Src/New.ts`, "");
    assert.deepEqual(names("Src/New.ts"), ["Src/New.ts", "src/new.ts"]);
    assert.ok(names(NFD.toUpperCase()).includes(NFC));
    assert.ok(names("STRASSE").includes("strasse") && names("Stra\u00dfe").includes("strasse"));
  }));

Deno.test("file system that folds case is recognised by a name asked for in the other case", async () => {
  const disk = (...paths: [string, number][]) => (path: string) => {
    const found = paths.find(([name]) => name === path);
    return found && { dev: 1, ino: found[1] };
  };
  const worktree = "/home/Repo";
  const folds = (...paths: [string, number][]) => foldsCase({ worktree }, disk(...paths));
  assert.equal(folds(["/home/Repo/.git", 7], ["/home/Repo/.GIT", 7]), true);
  assert.equal(folds(["/home/Repo/.git", 7]), false);
  // Two directories that differ in case only.
  assert.equal(folds(["/home/Repo/.git", 7], ["/home/Repo/.GIT", 8]), false);
  assert.equal(folds(["/home/Repo/.agentcoord", 7], ["/home/Repo/.AGENTCOORD", 7]), true);
  assert.equal(folds(["/home/Repo", 7], ["/home/REPO", 7]), true);
  assert.equal(folds(["/home/Repo", 7]), false);
  assert.equal(foldsCase({ worktree: "/" }, disk(["/", 2])), false);
  await inProject((project, top) => {
    let expected = true;
    try {
      Deno.statSync(`${top}/.AGENTCOORD`);
    } catch {
      expected = false;
    }
    assert.equal(foldsCase(project), expected);
  });
});

Deno.test("file URL is read as the path it stands for, or refused with the right spelling", () =>
  inProject((project, top) => {
    const cases: [string, string][] = [
      ["file:./README.md", "README.md"],
      ["file:src/a%20b.ts", "src/a b.ts"],
      [`file://${top}/a.ts`, "a.ts"],
      [`file:${top}/a.ts`, "a.ts"],
      [`FILE://localhost${top}/a.ts`, "a.ts"],
      ["./file:a.ts", "file:a.ts"],
      ["src/file:a.ts", "src/file:a.ts"],
    ];
    for (const [url, path] of cases) assert.equal(resolveLockPath(url, project).path, path, url);
    const refused: [string, RegExp][] = [
      ["file://server/share/a.ts", /"file:\/\/server.*it is on another host, "server"/],
      ["file:./100%.md", /write the path itself, "\.\/100%\.md"/],
      ["file:", /not of a file; write the path itself/],
      ["file:./a.ts#L10", /not of a file; write the path itself/],
      ["file:./a%00b", /U\+0000/],
      ["file:///etc/passwd", /outside the project root/],
    ];
    for (const [url, message] of refused) {
      assert.throws(() => resolveLockPath(url, project), (error: InvalidArgumentError) => {
        assert.match(error.message, message);
        return error instanceof InvalidArgumentError;
      });
    }
  }));

Deno.test("doubts are raised about a path that probably is not the one that was meant", () =>
  inProject((project, top) => {
    Deno.writeTextFileSync(`${top}/README.md`, "");
    Deno.writeTextFileSync(`${top}/${NFC}`, "");
    Deno.writeTextFileSync(`${top}/[id].tsx`, "");
    Deno.mkdirSync(`${top}/part/.agentcoord`, { recursive: true });
    const seen: [string, RegExp][] = [
      ["src/*.ts", /^"src\/\*\.ts" names one file literally.*: the shell did not expand it$/],
      ["a?.ts", /the shell did not expand it/],
      ["{a,b}.ts", /the shell did not expand it/],
      ["a.ts,b.ts", /separate several paths by spaces/],
      ["readme.md", /^"readme\.md" is not on disk, but "README\.md" is: these are two locks$/],
      ["Readme.MD/x", /these are two locks/],
      [NFD, /looks the same is, with its accents composed \(NFC\); both are one lock/],
      ["part", /is the top of another project: its own agents lock in another store/],
    ];
    for (const [path, message] of seen) {
      const doubts = doubtsAbout(path, project);
      assert.equal(doubts.length, 1, path);
      assert.match(doubts[0]!, message);
    }
    for (
      const path of ["README.md", "new.ts", NFC, "[id].tsx", ".", "src/new/x.ts", "README.md.bak"]
    ) {
      assert.deepEqual(doubtsAbout(path, project), [], path);
    }
  }));

import assert from "node:assert/strict";
import { InvalidArgumentError } from "../src/errors.ts";
import { resolveLockPath as resolve } from "../src/lock_name.ts";
import { findProject } from "../src/project.ts";

/** What a path is listed as. */
const resolveLockPath = (...call: Parameters<typeof resolve>) => resolve(...call).path;

/** A private directory, free of symbolic links, removed at the end. */
async function inTemp(run: (directory: string) => void | Promise<void>): Promise<void> {
  const directory = Deno.realPathSync(Deno.makeTempDirSync());
  try {
    await run(directory);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

function git(cwd: string, ...args: string[]): void {
  const { success, stderr } = new Deno.Command("git", {
    args: ["-c", "protocol.file.allow=always", "-c", "init.defaultBranch=main", ...args],
    cwd,
    env: {
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_AUTHOR_NAME: "t",
      GIT_AUTHOR_EMAIL: "t@example.invalid",
      GIT_COMMITTER_NAME: "t",
      GIT_COMMITTER_EMAIL: "t@example.invalid",
    },
  }).outputSync();
  assert.ok(success, `git ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}

/** A repository with `src/a.py` in one commit. */
function repository(path: string): string {
  Deno.mkdirSync(`${path}/src`, { recursive: true });
  Deno.writeTextFileSync(`${path}/src/a.py`, "");
  git(path, "init", "-q");
  git(path, "add", "-A");
  git(path, "commit", "-qm", "one");
  return path;
}

function refusal(run: () => unknown): InvalidArgumentError {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof InvalidArgumentError, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: "was accepted" });
}

Deno.test("findProject takes the working directory where nothing is above", () =>
  inTemp((temp) => {
    assert.deepEqual(findProject(temp), {
      root: temp,
      worktree: temp,
      storeDirectory: `${temp}/.agentcoord`,
      isGit: false,
      cwd: temp,
    });
  }));

Deno.test("findProject finds a repository from below and through a link", () =>
  inTemp((temp) => {
    const repo = repository(`${temp}/repo`);
    Deno.symlinkSync(`${repo}/src`, `${temp}/link`);
    for (const cwd of [repo, `${repo}/src`, `${temp}/link`]) {
      const found = findProject(cwd);
      assert.equal(found.root, repo);
      assert.equal(found.worktree, repo);
      assert.equal(found.isGit, true);
      assert.equal(found.cwd, Deno.realPathSync(cwd));
    }
  }));

Deno.test("findProject gives the worktrees of one repository one store", () =>
  inTemp((temp) => {
    const repo = repository(`${temp}/repo`);
    git(repo, "worktree", "add", "-q", `${temp}/beside`);
    git(repo, "worktree", "add", "-q", ".trees/inside");
    for (const worktree of [`${temp}/beside`, `${repo}/.trees/inside`]) {
      const found = findProject(`${worktree}/src`);
      assert.equal(found.root, repo);
      assert.equal(found.storeDirectory, `${repo}/.agentcoord`);
      assert.equal(found.worktree, worktree);
    }
  }));

Deno.test("findProject follows relative gitdir and commondir entries", () =>
  inTemp((temp) => {
    const repo = repository(`${temp}/repo`);
    git(repo, "worktree", "add", "-q", `${temp}/tree`);
    Deno.writeTextFileSync(`${temp}/tree/.git`, "gitdir: ../repo/.git/worktrees/tree\r\n");
    assert.equal(findProject(`${temp}/tree`).root, repo);
  }));

Deno.test("findProject makes a bare repository the root of its worktrees", () =>
  inTemp((temp) => {
    repository(`${temp}/origin`);
    git(temp, "clone", "-q", "--bare", "origin", "proj.git");
    git(`${temp}/proj.git`, "worktree", "add", "-q", `${temp}/one`, "-b", "one");
    git(`${temp}/proj.git`, "worktree", "add", "-q", "two", "-b", "two");
    for (const worktree of [`${temp}/one`, `${temp}/proj.git/two`]) {
      const found = findProject(worktree);
      assert.equal(found.root, `${temp}/proj.git`);
      assert.equal(found.worktree, worktree);
    }
  }));

Deno.test("findProject agrees inside and beside worktrees of a hidden bare repository", () =>
  inTemp((temp) => {
    repository(`${temp}/origin`);
    git(temp, "clone", "-q", "--bare", "origin", "proj/.bare");
    Deno.writeTextFileSync(`${temp}/proj/.git`, "gitdir: ./.bare\n");
    git(`${temp}/proj`, "worktree", "add", "-q", "feature");
    assert.equal(findProject(`${temp}/proj/feature`).root, `${temp}/proj/.bare`);
    assert.equal(findProject(`${temp}/proj`).root, `${temp}/proj/.bare`);
    assert.equal(findProject(`${temp}/proj`).worktree, `${temp}/proj`);
  }));

Deno.test("findProject treats a submodule as its own project, its worktrees included", () =>
  inTemp((temp) => {
    repository(`${temp}/lib`);
    const repo = repository(`${temp}/repo`);
    git(repo, "submodule", "--quiet", "add", `${temp}/lib`, "vendor/lib");
    git(`${repo}/vendor/lib`, "worktree", "add", "-q", `${temp}/lib-tree`);
    const found = findProject(`${repo}/vendor/lib/src`);
    assert.equal(found.root, `${repo}/vendor/lib`);
    assert.equal(found.worktree, `${repo}/vendor/lib`);
    assert.equal(findProject(`${temp}/lib-tree`).root, `${repo}/vendor/lib`);
    assert.equal(findProject(`${repo}/vendor`).root, repo);
    git(`${repo}/vendor/lib`, "config", "extensions.worktreeConfig", "true");
    git(`${repo}/vendor/lib`, "sparse-checkout", "set", "src");
    assert.equal(findProject(`${temp}/lib-tree`).root, `${repo}/vendor/lib`);
  }));

Deno.test("findProject agrees on a git directory kept elsewhere", () =>
  inTemp((temp) => {
    Deno.mkdirSync(`${temp}/work`);
    git(temp, "init", "-q", "--separate-git-dir", `${temp}/store`, `${temp}/work`);
    git(`${temp}/work`, "commit", "-q", "--allow-empty", "-m", "one");
    git(`${temp}/work`, "worktree", "add", "-q", `${temp}/tree`);
    assert.equal(findProject(`${temp}/work`).root, `${temp}/store`);
    assert.equal(findProject(`${temp}/work`).worktree, `${temp}/work`);
    assert.equal(findProject(`${temp}/tree`).root, `${temp}/store`);
  }));

Deno.test("findProject agrees where .git is a symbolic link", () =>
  inTemp((temp) => {
    const repo = repository(`${temp}/repo`);
    Deno.renameSync(`${repo}/.git`, `${temp}/elsewhere.git`);
    Deno.symlinkSync(`${temp}/elsewhere.git`, `${repo}/.git`);
    git(repo, "worktree", "add", "-q", `${temp}/tree`);
    assert.equal(findProject(`${temp}/tree`).root, findProject(repo).root);
    assert.equal(findProject(repo).worktree, repo);
  }));

Deno.test("findProject finds .agentcoord without git, and the nearer of two", () =>
  inTemp((temp) => {
    const repo = repository(`${temp}/repo`);
    Deno.mkdirSync(`${repo}/part/.agentcoord`, { recursive: true });
    Deno.mkdirSync(`${repo}/part/deep`);
    const found = findProject(`${repo}/part/deep`);
    assert.equal(found.root, `${repo}/part`);
    assert.equal(found.isGit, false);
    Deno.writeTextFileSync(`${temp}/.agentcoord`, "a file is no store");
    Deno.mkdirSync(`${temp}/other`);
    assert.equal(findProject(`${temp}/other`).root, `${temp}/other`);
  }));

Deno.test("findProject names the configuration file only where there is one", () =>
  inTemp((temp) => {
    Deno.mkdirSync(`${temp}/.agentcoord`);
    assert.equal(findProject(temp).configPath, undefined);
    Deno.writeTextFileSync(`${temp}/agentcoord.json`, "{}");
    assert.equal(findProject(temp).configPath, `${temp}/agentcoord.json`);
  }));

Deno.test("findProject refuses a broken .git file and names it", () =>
  inTemp((temp) => {
    const cases = [
      ["", /does not say "gitdir: PATH"/],
      ["garbage", /does not say "gitdir: PATH"/],
      ["gitdir: ", /does not say "gitdir: PATH"/],
      ["gitdir: /no/such/place", /No such file or directory/],
      ["gitdir: ../gone", /No such file or directory/],
      ["gitdir: file", /Not a directory/],
      ["gitdir: .", /which is no git directory/],
      ["gitdir: a\u0000b", /Invalid git file/],
      ["x".repeat(20_000), /is no git file/],
    ] as const;
    Deno.mkdirSync(`${temp}/tree/src`, { recursive: true });
    Deno.writeTextFileSync(`${temp}/tree/file`, "");
    for (const [text, pattern] of cases) {
      Deno.writeTextFileSync(`${temp}/tree/.git`, text);
      const error = refusal(() => findProject(`${temp}/tree/src`));
      assert.match(error.message, pattern);
      assert.ok(error.message.startsWith(`Invalid git file "${temp}/tree/.git": `), error.message);
    }
  }));

Deno.test("findProject refuses a worktree whose repository is gone", () =>
  inTemp((temp) => {
    const repo = repository(`${temp}/repo`);
    git(repo, "worktree", "add", "-q", `${temp}/tree`);
    Deno.removeSync(repo, { recursive: true });
    assert.match(refusal(() => findProject(`${temp}/tree`)).message, /tree\/\.git": No such file/);
  }));

Deno.test("findProject refuses a working directory that does not exist", () =>
  inTemp((temp) => {
    assert.match(
      refusal(() => findProject(`${temp}/gone`)).message,
      /^Invalid working directory ".*gone": No such file or directory$/,
    );
  }));

Deno.test("resolveLockPath gives one name under every spelling, on disk or not", () =>
  inTemp((temp) => {
    const repo = repository(`${temp}/repo`);
    const top = findProject(repo);
    const cases: [string, string][] = [
      ["src/a.py", "src/a.py"],
      ["./src//a.py", "src/a.py"],
      [`${repo}/src/a.py`, "src/a.py"],
      ["src/new.py", "src/new.py"],
      ["new/deep/x.py", "new/deep/x.py"],
      ["new//x/", "new/x"],
      ["new/../src/a.py", "src/a.py"],
      ["src/a.py/x", "src/a.py/x"],
      ["src/a.py/..", "src"],
      ["src", "src"],
      ["src/", "src"],
      ["src/.", "src"],
      [".", "."],
      [repo, "."],
      ["src/..", "."],
    ];
    for (const [path, name] of cases) assert.equal(resolveLockPath(path, top), name, path);
    const below = findProject(`${repo}/src`);
    assert.equal(resolveLockPath("a.py", below), "src/a.py");
    assert.equal(resolveLockPath("..", below), ".");
    assert.equal(resolveLockPath("src/a.py", below, { cwd: repo }), "src/a.py");
  }));

Deno.test("resolveLockPath follows links, to what exists and to what does not yet", () =>
  inTemp((temp) => {
    const repo = repository(`${temp}/repo`);
    Deno.symlinkSync("src", `${repo}/dir-link`);
    Deno.symlinkSync("src/a.py", `${repo}/file-link`);
    Deno.symlinkSync("later/b.py", `${repo}/dangling`);
    Deno.symlinkSync("dangling", `${repo}/chain`);
    Deno.symlinkSync(repo, `${temp}/repo-link`);
    const project = findProject(repo);
    const cases: [string, string][] = [
      ["dir-link/a.py", "src/a.py"],
      ["dir-link/new.py", "src/new.py"],
      ["dir-link", "src"],
      ["dir-link/..", "."],
      ["file-link", "src/a.py"],
      ["dangling", "later/b.py"],
      ["chain", "later/b.py"],
      ["dangling/x", "later/b.py/x"],
      ["new/../file-link", "src/a.py"],
      [`${temp}/repo-link/src/a.py`, "src/a.py"],
      [`${temp}/repo-link/`, "."],
    ];
    for (const [path, name] of cases) assert.equal(resolveLockPath(path, project), name, path);
    Deno.mkdirSync(`${repo}/later`);
    Deno.writeTextFileSync(`${repo}/dangling`, "now it exists");
    assert.equal(resolveLockPath("dangling", project), "later/b.py");
  }));

Deno.test("resolveLockPath refuses links that turn in a circle", () =>
  inTemp((temp) => {
    Deno.symlinkSync("b", `${temp}/a`);
    Deno.symlinkSync("a", `${temp}/b`);
    Deno.symlinkSync("grow/x", `${temp}/grow`);
    const project = findProject(temp);
    for (const path of ["a", "a/x", "grow"]) {
      assert.match(
        refusal(() => resolveLockPath(path, project)).message,
        /^Invalid path "[^"]+": .*symbolic links$/i,
      );
    }
  }));

Deno.test("resolveLockPath refuses a path that leads out, by name or by link", () =>
  inTemp((temp) => {
    const repo = repository(`${temp}/repo`);
    Deno.writeTextFileSync(`${temp}/outside`, "");
    Deno.symlinkSync("../outside", `${repo}/link`);
    Deno.symlinkSync("../nowhere", `${repo}/dangling`);
    Deno.symlinkSync("..", `${repo}/up`);
    const project = findProject(repo);
    for (
      const [path, target] of [
        ["link", "outside"],
        ["../outside", "outside"],
        ["dangling", "nowhere"],
        ["up/new", "new"],
      ]
    ) {
      const error = refusal(() => resolveLockPath(path!, project));
      assert.equal(
        error.message,
        `Invalid path "${path}": it leads to "${temp}/${target}", outside the project root ` +
          `"${repo}"; use --absolute (absolute: true) to lock it by its full name`,
      );
      assert.equal(resolveLockPath(path!, project, { absolute: true }), `${temp}/${target}`);
    }
    assert.equal(resolveLockPath("src/a.py", project, { absolute: true }), "src/a.py");
    assert.match(
      refusal(() => resolveLockPath("up", project, { absolute: true })).message,
      /contains the project root/,
    );
  }));

Deno.test("resolveLockPath names a file alike from and in every worktree", () =>
  inTemp((temp) => {
    const repo = repository(`${temp}/repo`);
    git(repo, "worktree", "add", "-q", `${temp}/beside`);
    git(repo, "worktree", "add", "-q", ".trees/inside");
    const tops = [repo, `${temp}/beside`, `${repo}/.trees/inside`];
    for (const from of tops) {
      const project = findProject(from);
      assert.equal(resolveLockPath("src/a.py", project), "src/a.py");
      for (const to of tops) {
        assert.equal(resolveLockPath(`${to}/src/a.py`, project), "src/a.py", `${from} ${to}`);
        assert.equal(resolveLockPath(`${to}/src/new.py`, project), "src/new.py");
        assert.equal(resolveLockPath(`${to}/src`, project), "src");
        assert.equal(resolveLockPath(to, project), ".");
        assert.equal(resolveLockPath(`${to}/src/a.py`, project, { absolute: true }), "src/a.py");
      }
    }
    assert.equal(resolveLockPath(".trees", findProject(repo)), ".trees");
  }));

Deno.test("resolveLockPath keeps other repositories outside, broken ones too", () =>
  inTemp((temp) => {
    const repo = repository(`${temp}/repo`);
    repository(`${temp}/other`);
    repository(`${repo}/vendor/nested`);
    Deno.mkdirSync(`${repo}/stale`);
    Deno.writeTextFileSync(`${repo}/stale/.git`, "gitdir: /no/such/place\n");
    const project = findProject(repo);
    assert.match(
      refusal(() => resolveLockPath(`${temp}/other/src/a.py`, project)).message,
      /outside the project root/,
    );
    assert.equal(resolveLockPath("stale/x", project), "stale/x");
    assert.equal(resolveLockPath("vendor", project), "vendor");
  }));

Deno.test("resolveLockPath refuses a path in another project inside this one, and says where to go", () =>
  inTemp((temp) => {
    const repo = repository(`${temp}/repo`);
    repository(`${repo}/vendor/nested`);
    repository(`${temp}/lib`);
    git(repo, "submodule", "--quiet", "add", `${temp}/lib`, "sub");
    Deno.mkdirSync(`${repo}/part/.agentcoord`, { recursive: true });
    Deno.symlinkSync("vendor/nested/src", `${repo}/link`);
    git(`${repo}/vendor/nested`, "worktree", "add", "-q", `${repo}/trees/x`);
    const project = findProject(repo);
    const cases: [string, string, string][] = [
      ["vendor/nested/src/a.py", "vendor/nested", "src/a.py"],
      ["vendor/nested/new/b.py", "vendor/nested", "new/b.py"],
      ["sub/src", "sub", "src"],
      ["part/a.py", "part", "a.py"],
      ["part/new/", "part", "new"],
      ["link/a.py", "vendor/nested", "src/a.py"],
      ["trees/x/src/a.py", "trees/x", "src/a.py"],
    ];
    for (const [path, top, below] of cases) {
      for (const absolute of [false, true]) {
        const error = refusal(() => resolveLockPath(path, project, { absolute }));
        assert.match(error.message, /it lies in another project, .* go there and lock /, path);
        assert.equal(error.details.project, `${repo}/${top}`);
        assert.equal(error.details.path, below);
        assert.equal(resolveLockPath(below, findProject(`${repo}/${top}`)), below);
      }
    }
    // A submodule's place in its superproject can be locked there.
    assert.equal(resolveLockPath("sub", project), "sub");
  }));

Deno.test("findProject passes over a .git directory that git would not take", () =>
  inTemp((temp) => {
    const repo = repository(`${temp}/repo`);
    Deno.mkdirSync(`${repo}/sub/.git/hooks`, { recursive: true });
    assert.equal(findProject(`${repo}/sub`).root, repo);
    assert.equal(resolveLockPath("sub/a.py", findProject(repo)), "sub/a.py");
    for (const name of ["objects", "refs"]) Deno.mkdirSync(`${repo}/sub/.git/${name}`);
    for (const head of ["", "ref: elsewhere", "0123"]) {
      Deno.writeTextFileSync(`${repo}/sub/.git/HEAD`, head);
      assert.equal(findProject(`${repo}/sub`).root, repo, head);
    }
    for (const head of ["ref: refs/heads/main\n", `${"0123abcdef".repeat(4)}\n`]) {
      Deno.writeTextFileSync(`${repo}/sub/.git/HEAD`, head);
      assert.equal(findProject(`${repo}/sub`).root, `${repo}/sub`, head);
    }
  }));

Deno.test("resolveLockPath refuses what cannot name a lock before it looks at the disk", () =>
  inTemp((temp) => {
    const project = findProject(temp);
    for (const path of ["", "a\u0000b", "a\nb", "x".repeat(4097)]) {
      assert.match(refusal(() => resolveLockPath(path, project)).message, /^Invalid path "/);
    }
    assert.match(
      refusal(() => resolveLockPath("x".repeat(300), project)).message,
      /File name too long$/,
    );
  }));

/**
 * State that was committed, and came with a clone.
 * @module
 */
import assert from "node:assert/strict";
import { cli, withProject } from "../support/cli.ts";

async function git(dir: string, ...args: readonly string[]): Promise<void> {
  const identity = ["-c", "user.name=m", "-c", "user.email=m@example.org"];
  const { success, stderr } = await new Deno.Command("git", {
    args: [...identity, ...args],
    cwd: dir,
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
}

Deno.test("store that came with a clone is refused, and the one it was committed from is not", async () => {
  await withProject(async (dir) => {
    const project = `${dir}/upstream`;
    await Deno.mkdir(project);
    await git(project, "init", "-q");
    const add = ["task", "add", "t", "--agent", "m"];
    assert.equal((await cli(project, add)).code, 0);
    await git(project, "add", "-A", "-f");
    await git(project, "commit", "-qm", "x");
    await git(dir, "clone", "-q", project, `${dir}/clone`);
    assert.equal((await cli(project, add)).code, 0);
    const doctor = await cli(project, ["doctor"]);
    assert.equal(doctor.code, 7);
    assert.match(doctor.stdout + doctor.stderr, /git tracks the state/);
    for (const args of [["task", "list"], add, ["status"]]) {
      const { code, stdout, stderr } = await cli(`${dir}/clone`, args);
      assert.deepEqual([code, stdout], [7, ""], stderr);
      assert.match(stderr, /came with the git repository around it.*git rm -r --cached/s);
    }
    await git(`${dir}/clone`, "rm", "-rq", "--cached", ".agentcoord");
    assert.equal((await cli(`${dir}/clone`, ["task", "list"])).code, 0);
  });
});

Deno.test("store that came with a clone is refused whatever version git's index has, also when it is split", async () => {
  await withProject(async (dir) => {
    const project = `${dir}/upstream`;
    await Deno.mkdir(project);
    await git(project, "init", "-q");
    for (const name of [".agent", ".agentcoor", ".agents", "b"]) {
      await Deno.writeTextFile(`${project}/${name}`, "");
    }
    assert.equal((await cli(project, ["task", "add", "t", "--agent", "m"])).code, 0);
    await git(project, "add", "-A", "-f");
    await git(project, "commit", "-qm", "x");
    const forms: readonly (readonly string[])[] = [
      ["--index-version", "2"],
      ["--index-version", "4"],
      ["--split-index"],
    ];
    for (const [index, form] of forms.entries()) {
      const clone = `${dir}/clone${index}`;
      await git(dir, "clone", "-q", project, clone);
      await git(clone, "update-index", "--force-write-index", ...form);
      assert.equal((await cli(clone, ["status"])).code, 7, form.join(" "));
      await git(clone, "update-index", "--no-split-index");
      await git(clone, "rm", "-rq", "--cached", ".agentcoord");
      assert.equal((await cli(clone, ["status"])).code, 0, form.join(" "));
    }
  });
});

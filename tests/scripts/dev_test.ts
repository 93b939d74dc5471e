import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const DEV = fileURLToPath(new URL("../../scripts/dev", import.meta.url));

Deno.test("scripts/dev cli says that the working directory was removed", async () => {
  const dir = await Deno.makeTempDir();
  for (const task of ["cli", "run"]) {
    const { code, stdout, stderr } = await new Deno.Command("sh", {
      args: ["-c", 'mkdir gone && cd gone && rmdir ../gone && exec "$0" "$@"', DEV, task, "tasks"],
      cwd: dir,
    }).output();
    const said = new TextDecoder().decode(stderr);
    assert.equal(code, 7, said);
    assert.equal(stdout.length, 0);
    // The shell may have a line of its own before it.
    assert.equal(
      said.trimEnd().split("\n").at(-1),
      "scripts/dev: the working directory was removed; cd to one that is there.",
    );
  }
  await Deno.remove(dir);
});

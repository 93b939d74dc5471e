import assert from "node:assert/strict";
import { selfCommand } from "../../src/cli/self.ts";
import { VERSION } from "../../src/version.ts";

Deno.test("self command starts this program from any directory", async () => {
  const dir = await Deno.makeTempDir();
  try {
    // Another project's file must not be taken for ours.
    await Deno.writeTextFile(`${dir}/deno.json`, '{"imports": {"commander": "./none.ts"}}');
    const [program, ...before] = selfCommand();
    const { stdout, code } = await new Deno.Command(program, {
      args: [...before, "--version"],
      cwd: dir,
    }).output();
    assert.equal(code, 0);
    assert.equal(new TextDecoder().decode(stdout), `${VERSION}\n`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

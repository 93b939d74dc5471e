/**
 * A lock on a name that probably was not meant keeps nobody out of what was: whoever takes it gets a warning.
 * @module
 */
import assert from "node:assert/strict";
import { cli, cliJson, withProject } from "../support/cli.ts";

Deno.test("lock acquire warns of patterns and look-alikes on stderr and in the document", () =>
  withProject(async (dir) => {
    await Deno.writeTextFile(`${dir}/README.md`, "");
    const acquire = (path: string) => ["lock", "acquire", path, "--agent", "ada"];
    const pattern = await cliJson(dir, acquire("src/*.ts"));
    assert.equal(pattern.code, 0);
    assert.match(pattern.document.warnings[0], /"src\/\*\.ts" names one file literally/);
    const lookAlike = await cli(dir, acquire("readme.md"));
    assert.equal(lookAlike.code, 0);
    assert.match(
      lookAlike.stderr,
      /^agentcoord: warning: "readme\.md" is not on disk, but "README\.md" is/,
    );
    const clean = await cliJson(dir, acquire("file:./README.md"));
    assert.deepEqual(clean.document.warnings, []);
    assert.equal(clean.document.data[0].path, "README.md");
    const quiet = await cliJson(dir, ["lock", "release", "readme.md", "--agent", "ada"]);
    assert.deepEqual(quiet.document.warnings, []);
  }));

// bob's editor composes the accent, ada's file system took it apart.
Deno.test("lock on a name with accents is one lock however they are composed", () =>
  withProject(async (dir) => {
    const run = async (...words: string[]) => (await cli(dir, words)).code;
    assert.equal(await run("lock", "acquire", "cafe\u0301.md", "--agent", "ada"), 0);
    assert.equal(await run("lock", "acquire", "caf\u00e9.md", "--agent", "bob"), 3);
    assert.equal(await run("lock", "release", "caf\u00e9.md", "--agent", "ada"), 0);
    assert.equal(await run("lock", "acquire", "caf\u00e9.md", "--agent", "bob"), 0);
    assert.equal(await run("lock", "acquire", "cafe\u0301.md", "--agent", "ada"), 3);
  }));

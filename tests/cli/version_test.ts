import assert from "node:assert/strict";
import { VERSION } from "../../src/version.ts";
import { cli, cliJson, withProject } from "../support/cli.ts";

Deno.test("version tells what runs, and touches nothing", () =>
  withProject(async (dir) => {
    const compiled = Boolean(Deno.env.get("AGENTCOORD_BIN"));
    const { code, document, stderr } = await cliJson(dir, ["version"]);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    const { deno, ...data } = document.data;
    assert.match(deno, /^\d+\.\d+\.\d+/);
    const platform = `${Deno.build.os}-${Deno.build.arch}`;
    assert.deepEqual(data, { version: VERSION, platform, compiled });
    const how = compiled ? "compiled" : "from source";
    assert.deepEqual(await cli(dir, ["version"]), {
      code: 0,
      stdout: `agentcoord ${VERSION} (${platform}, Deno ${deno}, ${how})\n`,
      stderr: "",
    });
    assert.deepEqual([...Deno.readDirSync(dir)].map(({ name }) => name), [".git"]);
  }, { store: false }));

Deno.test("version is the project file's, and --version prints it alone", () =>
  withProject(async (dir) => {
    const project = JSON.parse(
      await Deno.readTextFile(new URL("../../deno.json", import.meta.url)),
    );
    assert.equal(project.version, VERSION);
    assert.deepEqual(await cli(dir, ["--version"]), {
      code: 0,
      stdout: `${VERSION}\n`,
      stderr: "",
    });
  }));

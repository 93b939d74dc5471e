import assert from "node:assert/strict";
import { cli, cliJson, steady, withProject } from "../support/cli.ts";

Deno.test("config shows every setting with its source, and makes no store", () =>
  withProject(async (dir) => {
    const { code, document, stderr } = await cliJson(dir, ["config"]);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    assert.deepEqual(JSON.parse(steady(JSON.stringify(document), dir)), {
      schemaVersion: 1,
      ok: true,
      data: {
        settings: [
          { name: "store", value: "DIR/.agentcoord", source: "default" },
          { name: "namespace", value: "default", source: "default" },
          { name: "agent", value: null, source: "default" },
          { name: "fallback", value: "directory", source: "default" },
          { name: "durability", value: "full", source: "default" },
          { name: "json", value: true, source: "--json" },
        ],
        project: { root: "DIR", worktree: "DIR", git: true, configFile: null },
      },
      warnings: [],
    });
    assert.deepEqual([...Deno.readDirSync(dir)].map(({ name }) => name), [".git"]);
  }));

Deno.test("config in text names flag, variable and file as sources, and hides secrets", () =>
  withProject(async (dir) => {
    await Deno.mkdir(`${dir}/.agentcoord`);
    await Deno.writeTextFile(`${dir}/.agentcoord/config.json`, '{"namespace": "ci"}');
    const env = {
      AGENTCOORD_STORE: "redis+sentinel://ada:s3cret@db.example/main?sentinel_password=hunter2",
      AGENTCOORD_AGENT: "ada",
    };
    const { code, stdout, stderr } = await cli(dir, ["config", "--fallback", "never"], { env });
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    assert.doesNotMatch(stdout, /s3cret|hunter2/);
    assert.equal(
      steady(stdout, dir).replace(/ {2,}/g, "  "),
      `\
SETTING  VALUE  FROM
store  redis+sentinel://***@db.example/main?sentinel_password=***  AGENTCOORD_STORE
namespace  ci  DIR/.agentcoord/config.json
agent  ada  AGENTCOORD_AGENT
fallback  never  --fallback
durability  -  default
json  false  default

PLACE  PATH
project  DIR
config file  DIR/.agentcoord/config.json
`,
    );
  }));

Deno.test("config refuses a broken file with the key and the fix", () =>
  withProject(async (dir) => {
    await Deno.mkdir(`${dir}/.agentcoord`);
    await Deno.writeTextFile(`${dir}/.agentcoord/config.json`, '{"durabilty": "normal"}');
    const { code, stdout, stderr } = await cli(dir, ["config"]);
    assert.deepEqual({ code, stdout, stderr: steady(stderr, dir) }, {
      code: 2,
      stdout: "",
      stderr: 'agentcoord: Invalid key "durabilty" in DIR/.agentcoord/config.json: ' +
        "use store, namespace, json, fallback, durability\n",
    });
  }));

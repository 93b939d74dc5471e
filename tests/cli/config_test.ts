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
          { name: "store", value: "DIR/.agentcoord", source: "default", overrides: [] },
          { name: "namespace", value: "default", source: "default", overrides: [] },
          { name: "agent", value: null, source: "default", overrides: [] },
          { name: "fallback", value: "auto", source: "default", overrides: [] },
          { name: "durability", value: "full", source: "default", overrides: [] },
          { name: "json", value: true, source: "--json", overrides: [] },
        ],
        project: { root: "DIR", worktree: "DIR", git: true, configFile: null },
        files: [],
        credentials: null,
      },
      warnings: [],
    });
    assert.deepEqual([...Deno.readDirSync(dir)].map(({ name }) => name), [".git"]);
  }, { store: false }));

Deno.test("config in text names flag, variable and file as sources, and hides secrets", () =>
  withProject(async (dir) => {
    await Deno.writeTextFile(`${dir}/agentcoord.json`, '{"namespace": "ci"}');
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
namespace  ci  DIR/agentcoord.json
agent  ada  AGENTCOORD_AGENT
fallback  never  --fallback
durability  -  default
json  false  default

PLACE  PATH
project  DIR
config file  DIR/agentcoord.json
`,
    );
  }));

Deno.test("config refuses a broken file with the key and the fix", () =>
  withProject(async (dir) => {
    await Deno.writeTextFile(`${dir}/agentcoord.json`, '{"durabilty": "normal"}');
    const { code, stdout, stderr } = await cli(dir, ["config"]);
    assert.deepEqual({ code, stdout, stderr: steady(stderr, dir) }, {
      code: 2,
      stdout: "",
      stderr: 'agentcoord: Invalid key "durabilty" in DIR/agentcoord.json: ' +
        "use store, namespace, json, fallback, durability, hooks\n",
    });
  }));

import assert from "node:assert/strict";
import { cleanEnvironment, cli, cliJson, steady, withProject } from "../support/cli.ts";

async function text(dir: string, args: readonly string[], env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await cli(dir, args, { env });
  return { code, stdout: steady(stdout, dir), stderr: steady(stderr, dir) };
}

async function gitStatus(dir: string): Promise<string> {
  const git = new Deno.Command("git", {
    args: ["status", "--porcelain", "--untracked-files=all"],
    cwd: dir,
    clearEnv: true,
    env: cleanEnvironment(),
  });
  return new TextDecoder().decode((await git.output()).stdout);
}

const readConfig = (dir: string) => Deno.readTextFile(`${dir}/agentcoord.json`);

Deno.test("init makes the store once, leaves no trace in git, and says when nothing changed", () =>
  withProject(async (dir) => {
    const first = await cliJson(dir, ["init"]);
    assert.equal(first.code, 0);
    assert.deepEqual(first.document, {
      schemaVersion: 1,
      ok: true,
      data: {
        directory: `${dir}/.agentcoord`,
        store: { kind: "directory", location: `${dir}/.agentcoord` },
        namespace: "default",
        created: true,
      },
      warnings: [],
    });
    const { mode } = await Deno.stat(`${dir}/.agentcoord`);
    assert.equal(mode! & 0o777, 0o700);
    assert.equal(await gitStatus(dir), "");
    assert.deepEqual(await text(dir, ["init"]), {
      code: 0,
      stdout: "The store is there already: DIR/.agentcoord (namespace default); nothing changed.\n",
      stderr: "",
    });
    await assert.rejects(readConfig(dir), Deno.errors.NotFound);
  }, { store: false }));

Deno.test("init keeps given settings and every other key of the file", () =>
  withProject(async (dir) => {
    await Deno.writeTextFile(
      `${dir}/agentcoord.json`,
      '{"fallback": "never", "durability": "full"}',
    );
    const set = ["init", "--durability", "normal", "--namespace", "ci"];
    assert.deepEqual(await text(dir, set), {
      code: 0,
      stdout: `\
Made the store in DIR/.agentcoord (namespace ci).
Set durability to "normal" (was "full") in DIR/agentcoord.json.
Set namespace to "ci" in DIR/agentcoord.json.
`,
      stderr: "",
    });
    assert.deepEqual(JSON.parse(await readConfig(dir)), {
      fallback: "never",
      durability: "normal",
      namespace: "ci",
    });
    const before = await Deno.stat(`${dir}/agentcoord.json`);
    const again = await cliJson(dir, set);
    assert.deepEqual(again.document.data, {
      directory: `${dir}/.agentcoord`,
      store: { kind: "directory", location: `${dir}/.agentcoord` },
      namespace: "ci",
      created: false,
    });
    assert.equal((await Deno.stat(`${dir}/agentcoord.json`)).ino, before.ino);
    const { document } = await cliJson(dir, ["init", "--durability", "full"]);
    assert.deepEqual(document.data.config, {
      path: `${dir}/agentcoord.json`,
      changes: [{ name: "durability", value: "full", before: "normal" }],
    });
  }));

Deno.test("init with another store is found again from anywhere in the project", () =>
  withProject(async (dir) => {
    await Deno.mkdir(`${dir}/deep/er`, { recursive: true });
    const made = await text(`${dir}/deep`, ["init", "--store", "../state"]);
    assert.deepEqual({ ...made, stdout: made.stdout.replaceAll(dir, "DIR") }, {
      code: 0,
      stdout: `\
Made the store in DIR/state (namespace default).
Set store to "./state" in DIR/agentcoord.json.
`,
      stderr: "",
    });
    const { document } = await cliJson(`${dir}/deep/er`, ["config"]);
    assert.deepEqual(document.data.settings[0], {
      name: "store",
      value: `${dir}/state`,
      source: `${dir}/agentcoord.json`,
      overrides: [],
    });
    assert.equal(await gitStatus(dir), "?? agentcoord.json\n");
  }));

Deno.test("init warns that a variable wins over the file", () =>
  withProject(async (dir) => {
    const env = { AGENTCOORD_NAMESPACE: "mine" };
    const { code, stderr } = await text(dir, ["init", "--namespace", "ci"], env);
    assert.deepEqual({ code, stderr }, {
      code: 0,
      stderr: "agentcoord: warning: AGENTCOORD_NAMESPACE is set and wins over namespace in the " +
        "configuration file\n",
    });
  }));

Deno.test("init refuses a directory with other files, and writes nothing", () =>
  withProject(async (dir) => {
    await Deno.mkdir(`${dir}/src`);
    await Deno.writeTextFile(`${dir}/src/main.py`, "");
    assert.deepEqual(await text(dir, ["init", "--store", "src"]), {
      code: 7,
      stdout: "",
      stderr: "agentcoord: Cannot use the store: DIR/src holds other files, such as main.py; " +
        "choose an empty directory, for example DIR/src/.agentcoord\n",
    });
    assert.deepEqual([...Deno.readDirSync(`${dir}/src`)].map(({ name }) => name), ["main.py"]);
    await assert.rejects(readConfig(dir), Deno.errors.NotFound);
  }));

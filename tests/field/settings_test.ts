/** Settings: where they come from, and that a mistyped or a stranger's one is not taken. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { COMMANDS, GROUPS } from "../../commands/mod.ts";
import { run } from "../../src/cli/run.ts";
import { nameOfUrl } from "../../src/config/origin.ts";
import { hideSecrets, resolveConfig } from "../../src/config.ts";
import { CoordinationClient } from "../../src/client.ts";
import { InvalidArgumentError } from "../../src/errors.ts";
import { cleanEnvironment, cli, cliJson, withProject as inProject } from "../support/cli.ts";
import { hasRedis, sharedRedis } from "../../dev/redis_server.ts";

/** A project in which nobody has made a store. */
const withProject = (body: (dir: string) => Promise<void>) => inProject(body, { store: false });

const SECRET = "hunter2";

/** What a docker --env-file, a shell's quoting or a slip of the finger makes of a URL. */
const NEARLY_URLS = [
  `"redis://:${SECRET}@db"`,
  `'redis://:${SECRET}@db'`,
  `“redis://:${SECRET}@db”`,
  ` redis://:${SECRET}@db`,
  `redis://:${SECRET}@db\n`,
  `\nredis://:${SECRET}@db`,
  `redis//:${SECRET}@db`,
  `redis:/:${SECRET}@db`,
  `redis//:${SECRET}`,
  `//:${SECRET}@db`,
  `:${SECRET}@db:6379`,
  `ada:${SECRET}@db`,
  `ada:${SECRET}@db:6379/0`,
  `http://ada:${SECRET}@db`,
];

Deno.test("a store that is nearly a URL is refused, never a directory, and never shown with its password", async (t) => {
  for (const value of NEARLY_URLS) {
    await t.step(JSON.stringify(value), () =>
      withProject(async (dir) => {
        for (const words of [["config"], ["status"], ["lock", "acquire", "a", "--agent", "ada"]]) {
          const { code, stdout, stderr } = await cli(dir, [...words, "--json"], {
            env: { AGENTCOORD_STORE: value },
          });
          assert.equal(code, 2, stdout);
          assert.doesNotMatch(stdout + stderr, new RegExp(SECRET));
        }
        assert.deepEqual([...Deno.readDirSync(dir)].map(({ name }) => name), [".git"]);
        await assert.rejects(CoordinationClient.open({ store: value, cwd: dir }), (error) => {
          assert.ok(error instanceof InvalidArgumentError);
          assert.doesNotMatch(JSON.stringify([error.message, error.details]), new RegExp(SECRET));
          return true;
        });
      }));
  }
});

Deno.test("a store directory that is plainly one is taken, whatever is in its name", () =>
  withProject((dir) => {
    for (const value of ["./ada@work", "state", "/srv/a:b@c", "../redis", "redis/data", "./:x"]) {
      const { store } = resolveConfig({ flags: { store: value }, env: {}, cwd: dir });
      assert.equal(store.kind, "directory", value);
    }
    return Promise.resolve();
  }));

Deno.test("hideSecrets keeps no password for any password, however the URL is broken", () => {
  const password = fc.string({ unit: "binary", minLength: 8, maxLength: 20 });
  fc.assert(fc.property(password, (word) => {
    const secret = `<${word}>`;
    for (
      const [before, after] of [['"redis://:', '@h"'], ["redis//:", "@h"], ["u:", "@h"], [
        "redis//",
        "",
      ]]
    ) {
      assert.ok(!hideSecrets(`${before}${secret}${after}`).includes(secret), before);
    }
  }));
});

Deno.test("REDIS_URL is the application's: two agents, of which one has it, exclude each other", () =>
  withProject(async (dir) => {
    const first = await cli(dir, ["lock", "acquire", "a.py", "--agent", "ada"], {
      env: { REDIS_URL: "redis://127.0.0.1:1" },
    });
    assert.equal(first.code, 0, first.stderr);
    assert.equal((await cli(dir, ["lock", "acquire", "a.py", "--agent", "bob"])).code, 3);
  }));

/** Texts that a configuration file must not hold, and words that the refusal has. */
const BAD_FILES: readonly (readonly [what: string, bytes: string | Uint8Array, says: RegExp])[] = [
  ["an unknown key", '{"stroe": "./x"}', /Invalid key "stroe" in .*agentcoord\.json: use store/],
  [
    "a wrong type",
    '{"namespace": ["x"]}',
    /Invalid namespace in .*agentcoord\.json \["x"\]: use 1 to 64/,
  ],
  ["a key twice", '{"store": "./a", "store": "./b"}', /the key "store" stands there twice/],
  ["an escaped key twice", '{"json": true, "j\\u0073on": false}', /the key "json" stands there/],
  ["bytes that are not UTF-8", new Uint8Array([0x7b, 0xff, 0x7d]), /it is not UTF-8/],
  ["far too much", " ".repeat(70_000), /it has 70000 bytes, and the limit is 65536/],
  ["an agent", '{"agent": "ada"}', /a file is shared by all agents/],
  ["a password", `{"store": "redis://:${SECRET}@db"}`, /a password does not go into a config/],
];

Deno.test("agentcoord.json that is not plainly right is refused, and nothing is written", async (t) => {
  const refused = async (dir: string, says: RegExp) => {
    const before = [...Deno.readDirSync(dir)].map(({ name }) => name).sort();
    for (const words of [["status"], ["task", "add", "x", "--agent", "ada"]]) {
      const { code, stdout, stderr } = await cli(dir, words);
      assert.deepEqual([code, stdout], [2, ""], stderr);
      assert.match(stderr, says);
      assert.doesNotMatch(stderr, new RegExp(SECRET));
    }
    assert.deepEqual([...Deno.readDirSync(dir)].map(({ name }) => name).sort(), before);
  };
  for (const [what, content, says] of BAD_FILES) {
    await t.step(what, () =>
      withProject(async (dir) => {
        const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
        await Deno.writeFile(`${dir}/agentcoord.json`, bytes);
        await refused(dir, says);
      }));
  }
  await t.step("a link that leads nowhere", () =>
    withProject(async (dir) => {
      await Deno.symlink("missing.json", `${dir}/agentcoord.json`);
      await refused(dir, /it is a link to missing\.json, which is not there/);
    }));
  await t.step(
    "a link that leads out of the project",
    () =>
      withProject((other) =>
        withProject(async (dir) => {
          await Deno.writeTextFile(`${other}/secret.json`, "{}");
          await Deno.symlink(`${other}/secret.json`, `${dir}/agentcoord.json`);
          await refused(dir, /secret\.json, outside the project/);
        })
      ),
  );
  await t.step("the old file as a link that leads nowhere", () =>
    withProject(async (dir) => {
      await Deno.mkdir(`${dir}/.agentcoord`);
      await Deno.symlink("missing.json", `${dir}/.agentcoord/config.json`);
      await refused(dir, /it is a link to missing\.json, which is not there/);
    }));
  await t.step("a pipe that nobody writes to", () =>
    withProject(async (dir) => {
      await new Deno.Command("mkfifo", { args: [`${dir}/agentcoord.json`] }).output();
      await refused(dir, /it is no file/);
    }));
});

Deno.test("agentcoord.json with a byte order mark is read", () =>
  withProject(async (dir) => {
    await Deno.writeTextFile(`${dir}/agentcoord.json`, '\ufeff{"namespace": "ci"}');
    assert.equal(resolveConfig({ flags: {}, env: {}, cwd: dir }).namespace, "ci");
    assert.equal((await cli(dir, ["init", "--durability", "normal"])).code, 0);
    assert.deepEqual(JSON.parse(await Deno.readTextFile(`${dir}/agentcoord.json`)), {
      namespace: "ci",
      durability: "normal",
    });
  }));

Deno.test("the user's own file comes after the project's and before the defaults", () =>
  withProject(async (dir) => {
    const home = `${dir}/home`;
    await Deno.mkdir(`${home}/agentcoord`, { recursive: true });
    await Deno.writeTextFile(
      `${home}/agentcoord/config.json`,
      '{"store": "redis://own", "durability": "normal", "namespace": "own"}',
    );
    await Deno.writeTextFile(`${dir}/agentcoord.json`, '{"namespace": "project"}');
    const env = { XDG_CONFIG_HOME: home, AGENTCOORD_NAMESPACE: "" };
    const config = resolveConfig({ flags: {}, env, cwd: dir });
    assert.deepEqual(config.store, { kind: "redis", url: "redis://own" });
    assert.equal(config.denial, undefined, "the user names it");
    assert.deepEqual([config.namespace, config.durability], ["project", "normal"]);
    assert.deepEqual(config.overridden.namespace.map(({ value }) => value), ["own"]);
    const relative = resolveConfig({ flags: {}, env: { XDG_CONFIG_HOME: "home" }, cwd: dir });
    assert.equal(relative.store.kind, "directory", "a relative XDG_CONFIG_HOME counts as none");
  }));

Deno.test("settings of version 0.1.0 are read with a warning until init moves them", () =>
  withProject(async (dir) => {
    await Deno.mkdir(`${dir}/.agentcoord`);
    const old = `${dir}/.agentcoord/config.json`;
    await Deno.writeTextFile(old, '{"store": "./state", "durability": "normal"}');
    const act = await cliJson(dir, ["lock", "acquire", "a", "--agent", "ada"]);
    assert.equal(act.code, 0);
    assert.match(
      act.document.warnings[0],
      /config\.json, which git ignores; "agentcoord init" moves/,
    );
    assert.ok((await Deno.stat(`${dir}/state`)).isDirectory);
    await Deno.writeTextFile(`${dir}/agentcoord.json`, '{"durability": "full"}');
    const moved = await cliJson(dir, ["init"]);
    assert.equal(moved.code, 0, moved.stderr);
    assert.equal(moved.document.data.config.moved, old);
    assert.deepEqual(moved.document.warnings, []);
    assert.deepEqual(JSON.parse(await Deno.readTextFile(`${dir}/agentcoord.json`)), {
      durability: "full",
      store: "./state",
    });
    await assert.rejects(Deno.stat(old), Deno.errors.NotFound);
    assert.deepEqual((await cliJson(dir, ["locks"])).document.warnings, []);
  }));

Deno.test("the environment that overrides the project's file is a warning to whoever acts", () =>
  withProject(async (dir) => {
    await Deno.writeTextFile(`${dir}/agentcoord.json`, '{"store": "./ours", "namespace": "a"}');
    const acquire = ["lock", "acquire", "x", "--agent", "ada"];
    const other = { AGENTCOORD_STORE: `${dir}/mine`, AGENTCOORD_NAMESPACE: "a" };
    const warned = (await cliJson(dir, acquire, { env: other })).document.warnings;
    assert.ok(
      warned.includes(
        `AGENTCOORD_STORE (${dir}/mine) overrides store (${dir}/ours) in ${dir}/agentcoord.json`,
      ),
      JSON.stringify(warned),
    );
    const same = { AGENTCOORD_STORE: "./ours" };
    const { document } = await cliJson(dir, acquire, { env: same });
    assert.doesNotMatch(JSON.stringify(document.warnings), /overrides/);
    const { document: shown } = await cliJson(dir, ["config"], { env: other });
    assert.deepEqual(shown.data.settings[0], {
      name: "store",
      value: `${dir}/mine`,
      source: "AGENTCOORD_STORE",
      overrides: [{ source: `${dir}/agentcoord.json`, value: "./ours" }],
    });
  }));

Deno.test("a directory with agentcoord.json is a project without git, from anywhere below", async () => {
  const dir = Deno.realPathSync(Deno.makeTempDirSync());
  try {
    Deno.mkdirSync(`${dir}/deep/er`, { recursive: true });
    Deno.writeTextFileSync(`${dir}/agentcoord.json`, '{"namespace": "x"}');
    const { project, namespace } = resolveConfig({ flags: {}, env: {}, cwd: `${dir}/deep/er` });
    assert.deepEqual([project.root, namespace], [dir, "x"]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("all worktrees go by the agentcoord.json of the main one", () =>
  withProject(async (dir) => {
    const git = async (...args: readonly string[]) => {
      const { success, stderr } = await new Deno.Command("git", {
        args: ["-c", "user.name=a", "-c", "user.email=a@b", ...args],
        cwd: dir,
        clearEnv: true,
        env: cleanEnvironment(),
      }).output();
      assert.ok(success, new TextDecoder().decode(stderr));
    };
    await git("commit", "-q", "--allow-empty", "-m", "x");
    await git("worktree", "add", "-q", "linked");
    await Deno.writeTextFile(`${dir}/linked/agentcoord.json`, '{"namespace": "stray"}');
    const { document } = await cliJson(`${dir}/linked`, ["config"]);
    assert.equal(document.data.settings[1].value, "default");
    assert.match(document.warnings[0], /linked\/agentcoord\.json does not count/);
    await Deno.writeTextFile(`${dir}/agentcoord.json`, '{"namespace": "main"}');
    const config = resolveConfig({ flags: {}, env: {}, cwd: `${dir}/linked` });
    assert.deepEqual([config.namespace, config.remarks], ["main", []]);
  }));

/** What `git remote add origin URL` may be given, and the namespace. */
const ORIGINS: readonly (readonly [string, string | undefined])[] = [
  ["https://github.com/Acme/Web-Shop.git", "acme-web-shop"],
  ["https://ada:tok@git.example:8443/acme/web.shop", "acme-web.shop"],
  ["ssh://git@github.com:22/acme/shop.git/", "acme-shop"],
  ["git@github.com:acme/shop.git", "acme-shop"],
  ["github.com:shop", "shop"],
  ["git://host/group/sub/shop.git", "group-sub-shop"],
  ["https://host/~ada/shop", "shop"],
  ["/srv/git/acme/shop.git", "acme-shop"],
  ["../acme/shop", "acme-shop"],
  ["file:///srv/git/acme/shop.git", "acme-shop"],
  ["https://host/Ünïcode/a b", "n-code-a-b"],
  ["https://host/", undefined],
  ["https://host/..", undefined],
];

Deno.test("a server's namespace is the owner and name of the repository's origin", async (t) => {
  for (const [url, name] of ORIGINS) assert.equal(nameOfUrl(url), name, url);
  const long = nameOfUrl(`https://h/acme/${"x".repeat(80)}a`);
  assert.equal(long?.length, 64);
  assert.notEqual(long, nameOfUrl(`https://h/acme/${"x".repeat(80)}b`));
  await t.step("read from git's own file, in worktrees too", () =>
    withProject(async (dir) => {
      const flags = { store: "redis://h" };
      const without = resolveConfig({ flags, env: {}, cwd: dir });
      assert.equal(without.namespace, "default");
      assert.match(without.remarks[0]?.text ?? "", /No namespace is named/);
      await Deno.writeTextFile(
        `${dir}/.git/config`,
        '[remote "upstream"]\n\turl = https://h/not/this\n[Remote "origin"] ; comment\n' +
          '\tfetch = +refs/*\n\turl = "git@h:Acme/Shop.git" # ours\n',
        { append: true },
      );
      const config = resolveConfig({ flags, env: {}, cwd: dir });
      assert.equal(config.namespace, "acme-shop");
      assert.equal(config.sources.namespace, `origin in ${dir}/.git/config`);
      assert.equal(resolveConfig({ flags: {}, env: {}, cwd: dir }).namespace, "default");
    }));
});

Deno.test("clones of one project that names a server and no namespace are warned that they may part", () =>
  withProject(async (dir) => {
    const resolve = (env = {}) => resolveConfig({ flags: {}, env, cwd: dir });
    await Deno.writeTextFile(`${dir}/agentcoord.json`, '{"store": "redis://h"}');
    await Deno.writeTextFile(`${dir}/.git/config`, '[remote "origin"]\n\turl = git@h:ada/shop\n', {
      append: true,
    });
    const [remark, ...others] = resolve().remarks;
    assert.deepEqual(others, []);
    assert.equal(remark?.kind, "notice");
    assert.ok(remark.text.startsWith(`${dir}/agentcoord.json names a server and no namespace`));
    assert.ok(remark.text.endsWith('Add this line to the file: "namespace": "ada-shop",'));
    // Whoever names the server without that file, or the namespace, has read nothing untrue.
    assert.deepEqual(resolve({ AGENTCOORD_STORE: "redis://h" }).remarks, []);
    assert.deepEqual(resolve({ AGENTCOORD_NAMESPACE: "n" }).remarks, []);
    await Deno.writeTextFile(
      `${dir}/agentcoord.json`,
      '{\n  "namespace": "ada-shop",\n  "store": "redis://h"\n}',
    );
    assert.deepEqual([resolve().namespace, resolve().remarks], ["ada-shop", []]);
  }));

Deno.test("children of a wrapper get the settings that hold", () =>
  withProject(async (dir) => {
    for (const fallback of ["auto", "directory", "never"]) {
      const env = { AGENTCOORD_FALLBACK: fallback, AGENTCOORD_AGENT: "ada" };
      const { document } = await cliJson(dir, ["config"], { env });
      const { stdout } = await cli(
        dir,
        ["lock", "run", "a", "--", "sh", "-c", "echo $AGENTCOORD_FALLBACK"],
        { env },
      );
      assert.equal(stdout.trim(), fallback);
      assert.equal(document.data.settings[3].value, fallback);
    }
  }));

Deno.test("a working directory that is gone is named, and help needs none", async () => {
  for (
    const [words, code, says] of [[["locks"], 2, /there any more/], [["--help"], 0, /^$/]] as const
  ) {
    let stderr = "";
    const left = await run(words, {
      version: "0.0.0",
      commands: COMMANDS,
      groups: GROUPS,
      env: {},
      get cwd(): string {
        throw new Deno.errors.NotFound("No such file or directory (os error 2)");
      },
      host: () => "test-host",
      isTerminal: false,
      columns: () => 80,
      stdin: () => Promise.resolve(new Uint8Array()),
      secret: () => undefined,
      stdout: () => Promise.resolve(),
      stderr: (text) => Promise.resolve(void (stderr += text)),
    });
    assert.equal(left, code, stderr);
    assert.match(stderr, says);
  }
});

Deno.test({
  name: "init with a server writes the namespace down, so that no fork or older clone is elsewhere",
  ignore: !hasRedis(),
  async fn() {
    const { url } = await sharedRedis();
    await withProject(async (dir) => {
      const { code, stderr } = await cli(dir, ["init", "--store", url]);
      assert.equal(code, 0, stderr);
      const written = JSON.parse(await Deno.readTextFile(`${dir}/agentcoord.json`));
      assert.equal(written.namespace, "default");
    });
  },
});

Deno.test("init leaves a store in which something is alive only with --yes, and says what stays", () =>
  withProject(async (dir) => {
    const acting = { env: { AGENTCOORD_AGENT: "ada" } };
    await cli(dir, ["lock", "acquire", "a"], acting);
    await cli(dir, ["task", "add", "x"], acting);
    const refused = await cliJson(dir, ["init", "--store", "./other"]);
    assert.equal(refused.code, 3);
    assert.match(
      refused.document.error.message,
      /\.agentcoord \(namespace default\) stay behind: 1 lock, 1 task; finish/,
    );
    assert.equal((await cli(dir, ["init", "--namespace", "n"])).code, 3);
    const inThere = () => [...Deno.readDirSync(dir)].map(({ name }) => name).sort();
    assert.deepEqual(inThere(), [".agentcoord", ".git"]);
    const left = await cliJson(dir, ["init", "--store", "./other", "--yes"]);
    assert.equal(left.code, 0);
    assert.match(left.document.warnings.join(), /stay behind: 1 lock, 1 task/);
    assert.deepEqual(inThere(), [".agentcoord", ".git", "agentcoord.json", "other"]);
    assert.equal(
      (await cli(dir, ["init", "--store", "./third"])).code,
      0,
      "nothing is alive there",
    );
  }));

Deno.test("init offers the server in REDIS_URL without its password, and does not take it", () =>
  withProject(async (dir) => {
    const env = { REDIS_URL: `redis://ada:${SECRET}@db:6379/1` };
    const { code, stdout, stderr } = await cli(dir, ["init"], { env });
    assert.equal(code, 0);
    assert.match(stdout, /Made the store in .*\.agentcoord/);
    assert.match(stderr, /agentcoord init --store redis:\/\/db:6379\/1, after agentcoord login/);
    assert.doesNotMatch(stdout + stderr, new RegExp(SECRET));
  }));

Deno.test("store whose variable or home directory was not expanded is refused, and nothing is made", () =>
  withProject(async (dir) => {
    for (const store of ["${REDIS_URL}", "$REDIS_URL", "~/state", "~", "/data/${NAME}/state"]) {
      const env = { AGENTCOORD_STORE: store, AGENTCOORD_AGENT: "ada" };
      for (const args of [["status"], ["task", "add", "t"]]) {
        const { code, stderr } = await cli(dir, args, { env });
        assert.equal(code, 2, stderr);
        assert.match(stderr, /AGENTCOORD_STORE.*it was not expanded.*begin with \.\//);
      }
    }
    assert.deepEqual([...Deno.readDirSync(dir)].map(({ name }) => name), [".git"]);
    const env = { AGENTCOORD_STORE: "./~", AGENTCOORD_AGENT: "ada" };
    const { code, stderr } = await cli(dir, ["task", "add", "t"], { env });
    assert.equal(code, 0, stderr);
    assert.ok((await Deno.stat(`${dir}/~/namespaces`)).isDirectory, "by its first characters");
  }));

/** A cloned project must not point agents at a stranger's store; passwords are the user's own. */
import assert from "node:assert/strict";
import { CoordinationClient } from "../../src/client.ts";
import { withCredentials } from "../../src/config/credentials.ts";
import { engineOf } from "../../src/open/engines.ts";
import { typed } from "../../src/cli/secret.ts";
import { DeniedError } from "../../src/errors.ts";
import { cli, cliJson, programCommand, withProject } from "../support/cli.ts";
import { freshNamespace, hasRedis, sharedRedis, startRedis } from "../../dev/redis_server.ts";

const SECRET = "p@ss/w:rd$1%";
const ACQUIRE = ["lock", "acquire", "a.py", "--agent", "ada"];

/** A project, and the directory that stands for `~/.config` of a user who has agreed to nothing. */
function withStranger(
  body: (dir: string, env: { XDG_CONFIG_HOME: string }, home: string) => Promise<void>,
): Promise<void> {
  return withProject(async (dir) => {
    const home = Deno.makeTempDirSync({ prefix: "agentcoord-home-" });
    try {
      await body(dir, { XDG_CONFIG_HOME: home }, `${home}/agentcoord`);
    } finally {
      await Deno.remove(home, { recursive: true });
    }
  }, { store: false });
}

function name(dir: string, settings: unknown): Promise<void> {
  return Deno.writeTextFile(`${dir}/agentcoord.json`, JSON.stringify(settings));
}

Deno.test({
  name: "a server that only the project's file names is used after trust, once for the project",
  ignore: !hasRedis(),
  fn: () =>
    withStranger(async (dir, env) => {
      const { url } = await sharedRedis();
      await name(dir, { store: `${url}/0`, namespace: freshNamespace() });
      for (const words of [ACQUIRE, ["locks"], ["init"], ["lock", "run", "a", "--", "true"]]) {
        const { code, stderr } = await cli(dir, words, {
          env: { ...env, AGENTCOORD_AGENT: "ada" },
        });
        assert.equal(code, words[1] === "run" ? 125 : 8, stderr);
        assert.match(
          stderr,
          /agentcoord\.json names the server redis:.*run "agentcoord trust" once/,
        );
        assert.match(stderr, /AGENTCOORD_STORE or with --store/);
      }
      await assert.rejects(CoordinationClient.open({ cwd: dir, env }), DeniedError);
      const doctor = await cliJson(dir, ["doctor"], { env });
      assert.equal(doctor.code, 8);
      assert.match(doctor.document.error.message, /The check "trust" failed/);

      const trusted = await cliJson(dir, ["trust"], { env });
      assert.deepEqual([trusted.code, trusted.document.data.added], [0, true]);
      assert.equal((await cli(dir, ACQUIRE, { env })).code, 0);
      await using client = await CoordinationClient.open({ cwd: dir, env });
      assert.equal((await client.locks.list({})).length, 1);
      const { stdout } = await cli(dir, ["trust", "--list"], { env });
      assert.ok(stdout.includes(dir) && stdout.includes(url), stdout);
      assert.equal((await cli(dir, ["trust", "--revoke"], { env })).code, 0);
      assert.equal((await cli(dir, ["locks"], { env })).code, 8);
      assert.equal((await cli(dir, ["trust", "--revoke"], { env })).code, 4);
    }),
});

Deno.test({
  name: "a server that the user names needs no further consent",
  ignore: !hasRedis(),
  fn: () =>
    withStranger(async (dir, env, home) => {
      const { url } = await sharedRedis();
      await name(dir, { store: url, namespace: freshNamespace() });
      assert.equal((await cli(dir, ["locks", "--store", url], { env })).code, 0);
      assert.equal((await cli(dir, ["locks"], { env: { ...env, AGENTCOORD_STORE: url } })).code, 0);
      assert.equal((await cli(dir, ["locks"], { env })).code, 8, "nothing was remembered");
      Deno.mkdirSync(home);
      Deno.writeTextFileSync(`${home}/config.json`, JSON.stringify({ store: url }));
      assert.equal((await cli(dir, ["locks"], { env })).code, 0, "the user's own file says it");
      Deno.removeSync(`${home}/config.json`);
      assert.equal((await cli(dir, ["init", "--store", url], { env })).code, 0);
      assert.equal((await cli(dir, ["locks"], { env })).code, 0, "init --store is remembered");
    }),
});

Deno.test("consent is to a server and the way it is spoken to, not to its user or database", () => {
  const place = (url: string) => engineOf({ kind: "redis", url }).trustedPlace;
  const base = place("redis://db");
  for (const url of ["redis://ada@DB:6379/3", "redis://db?command_timeout=1s"]) {
    assert.equal(place(url), base, url);
  }
  for (
    const url of [
      "rediss://db",
      "redis://db:6380",
      "redis://db2",
      "redis+cluster://db:6379",
      "redis+sentinel://db:6379/x",
      "unix:/db",
    ]
  ) assert.notEqual(place(url), base, url);
  assert.notEqual(place("rediss://db"), place("rediss://db?servername=evil"));
});

Deno.test("a directory outside of the project that only its file names is not made or used", async (t) => {
  const refused = async (dir: string, env: Record<string, string>, outside: string) => {
    for (const words of [["status"], ACQUIRE, ["lock", "break", "a", "--reason", "x"]]) {
      const { code, stderr } = await cli(dir, words, { env: { ...env, AGENTCOORD_AGENT: "ada" } });
      assert.equal(code, 8, stderr);
      assert.match(stderr, /out of the project|outside the project/);
    }
    await assert.rejects(Deno.stat(outside), Deno.errors.NotFound);
    assert.equal((await cli(dir, ["trust"], { env })).code, 0);
    assert.equal((await cli(dir, ACQUIRE, { env })).code, 0);
    assert.ok((await Deno.stat(outside)).isDirectory);
  };
  await t.step("by its path", () =>
    withStranger(async (dir, env, home) => {
      await name(dir, { store: `${home}-state` });
      await refused(dir, env, `${home}-state`);
    }));
  await t.step("by a link in the project", () =>
    withStranger(async (dir, env, home) => {
      await Deno.symlink(`${home}-linked`, `${dir}/innocent`);
      await name(dir, { store: "./innocent/state" });
      Deno.mkdirSync(`${home}-linked`);
      await refused(dir, env, `${home}-linked/state`);
    }));
  await t.step("by the old file", () =>
    withStranger(async (dir, env, home) => {
      await Deno.mkdir(`${dir}/.agentcoord`);
      await Deno.writeTextFile(`${dir}/.agentcoord/config.json`, `{"store": "${home}-old"}`);
      await refused(dir, env, `${home}-old`);
    }));
});

Deno.test("a password is kept by login for the user alone, and used without being shown", async (t) => {
  await t.step({
    name: "for a server",
    ignore: !hasRedis(),
    fn: () =>
      withStranger(async (dir, env, home) => {
        await using server = await startRedis({ config: { requirepass: SECRET } });
        const url = `redis://127.0.0.1:${server.port}`;
        await name(dir, { store: url, namespace: "n" });
        const acting = { ...env, AGENTCOORD_AGENT: "ada" };
        const wrong = await cli(dir, ["login", url], { env, stdin: "not that\n" });
        assert.equal(wrong.code, 8, wrong.stderr);
        assert.match(wrong.stderr, /refused the user or the password.*nothing was stored/);
        await assert.rejects(Deno.stat(`${home}/credentials.json`), Deno.errors.NotFound);
        const login = await cli(dir, ["login", url], { env, stdin: `${SECRET}\n` });
        assert.equal(login.code, 0, login.stderr);
        assert.equal(login.stderr, "");
        assert.equal(Deno.statSync(`${home}/credentials.json`).mode! & 0o777, 0o600);
        assert.deepEqual([...Deno.readDirSync(home)].map((entry) => entry.name), [
          "credentials.json",
        ]);
        const shown = [login.stdout];
        for (const words of [ACQUIRE, ["status"], ["config"], ["doctor"], ["init", "--json"]]) {
          const { code, stdout, stderr } = await cli(dir, words, { env: acting });
          assert.equal(code, 0, stderr);
          shown.push(stdout, stderr);
        }
        assert.ok(!shown.join("").includes(SECRET));
        assert.ok(!shown.join("").includes(encodeURIComponent(SECRET)));
        assert.doesNotMatch(Deno.readTextFileSync(`${dir}/agentcoord.json`), /@/);
        // The child needs no home: the password comes with its environment.
        const nested = `unset XDG_CONFIG_HOME HOME; exec ${
          [...programCommand(), "-q", "locks"].map((word) => `'${word}'`).join(" ")
        }`;
        const wrapped = await cli(dir, ["lock", "run", "b", "--", "sh", "-c", nested], {
          env: { ...acting, DENO_DIR: denoDirectory() },
        });
        assert.deepEqual([wrapped.code, wrapped.stdout], [0, "a.py\nb\n"], wrapped.stderr);

        Deno.chmodSync(`${home}/credentials.json`, 0o640);
        const open = await cli(dir, ["locks"], { env });
        assert.equal(open.code, 2);
        assert.match(open.stderr, /other users may read it, and it holds passwords; run chmod 600/);
        Deno.chmodSync(`${home}/credentials.json`, 0o600);
        const stays = /The password that you stored for redis:.* lets the files of every project/;
        const none = await cli(dir, ["trust", "--revoke"], { env });
        assert.deepEqual([none.code, stays.test(none.stderr)], [4, true], none.stderr);
        assert.equal((await cli(dir, ["trust"], { env })).code, 0);
        const revoked = await cli(dir, ["trust", "--revoke"], { env });
        assert.deepEqual([revoked.code, stays.test(revoked.stderr)], [0, true], revoked.stderr);
        assert.equal((await cli(dir, ["locks"], { env })).code, 0);
        assert.equal((await cli(dir, ["trust"], { env })).code, 0);
        assert.equal((await cli(dir, ["logout", url], { env })).code, 0);
        assert.equal((await cli(dir, ["logout", url], { env })).code, 4);
        const last = await cli(dir, ["trust", "--revoke"], { env });
        assert.deepEqual([last.code, last.stderr], [0, ""]);
        assert.equal((await cli(dir, ["doctor"], { env })).code, 8);
        assert.equal((await cli(dir, ["locks"], { env })).code, 8);
      }),
  });
  await t.step(
    "by user and place, never from TLS to none",
    () =>
      withStranger(async (dir, env, home) => {
        for (const url of ["redis://ada@db", "redis://bob@db:6379", "rediss://ada@safe"]) {
          assert.equal((await cli(dir, ["login", url, "--no-check"], { env, stdin: url })).code, 0);
        }
        const encoded = encodeURIComponent("redis://ada@db");
        assert.equal(
          withCredentials("redis://ada@db/3?command_timeout=1s", home),
          `redis://ada:${encoded}@db/3?command_timeout=1s`,
        );
        assert.throws(() => withCredentials("redis://db", home), /Several users of db:6379/);
        assert.equal(withCredentials("redis://eve@db", home), undefined);
        assert.equal(withCredentials("redis://ada@safe", home), undefined);
        assert.match(withCredentials("rediss://safe", home) ?? "", /^rediss:\/\/ada:.*@safe$/);
      }),
  );
});

/** Where the runtime keeps what it has compiled, which it finds by HOME otherwise. */
function denoDirectory(): string {
  const { HOME, XDG_CACHE_HOME, DENO_DIR } = Deno.env.toObject();
  return DENO_DIR ?? `${XDG_CACHE_HOME ?? `${HOME}/.cache`}/deno`;
}

Deno.test("a password that cannot be tried is stored only when it is to be stored untried", () =>
  withStranger(async (dir, env, home) => {
    const words = ["login", "redis://127.0.0.1:1"];
    const { code, stderr } = await cli(dir, words, { env, stdin: SECRET });
    assert.equal(code, 7, stderr);
    assert.match(stderr, /was not tried, and nothing was stored \(--no-check/);
    await assert.rejects(Deno.stat(`${home}/credentials.json`), Deno.errors.NotFound);
    assert.equal((await cli(dir, [...words, "--no-check"], { env, stdin: SECRET })).code, 0);
    assert.ok(Deno.statSync(`${home}/credentials.json`).isFile);
  }));

Deno.test("a password in --store is warned of, and refused by login", () =>
  withProject(async (dir) => {
    const { stderr } = await cli(dir, ["locks", "--store", "redis://:hunter2@127.0.0.1:1"]);
    assert.match(stderr, /--store has a password, which other users of this host can read/);
    assert.doesNotMatch(stderr, /hunter2/);
  }));

Deno.test("what is typed as a password is edited as at any terminal", () => {
  const type = (text: string) =>
    [...new TextEncoder().encode(text)].reduce(typed, { bytes: [], state: "typing" });
  const result = (text: string) => {
    const { bytes, state } = type(text);
    return [new TextDecoder().decode(new Uint8Array(bytes)), state];
  };
  assert.deepEqual(result("abc\r"), ["abc", "done"]);
  assert.deepEqual(result("aé\x7f\x7f\x7fb\n"), ["b", "done"]);
  assert.deepEqual(result("abc\x15de\x04"), ["de", "done"]);
  assert.deepEqual(result("ab\x03")[1], "interrupted");
});

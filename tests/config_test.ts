import assert from "node:assert/strict";
import fc from "fast-check";
import { type ConfigFlags, redactUrl, resolveConfig } from "../src/config.ts";
import { InvalidArgumentError } from "../src/errors.ts";

/** A project directory, with a configuration file when `config` is given. */
function inProject(config: unknown, run: (directory: string) => void): void {
  const directory = Deno.realPathSync(Deno.makeTempDirSync());
  try {
    Deno.mkdirSync(`${directory}/.agentcoord`);
    Deno.mkdirSync(`${directory}/sub`);
    if (config !== undefined) {
      const text = typeof config === "string" ? config : JSON.stringify(config);
      Deno.writeTextFileSync(`${directory}/agentcoord.json`, text);
    }
    run(directory);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

function refusal(run: () => unknown): InvalidArgumentError {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof InvalidArgumentError, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: "was accepted" });
}

Deno.test("resolveConfig uses the defaults where nothing is set", () =>
  inProject(undefined, (cwd) => {
    const { project, ...config } = resolveConfig({ flags: {}, env: {}, cwd: `${cwd}/sub` });
    assert.equal(project.root, cwd);
    assert.deepEqual(config, {
      store: { kind: "directory", directory: `${cwd}/.agentcoord` },
      namespace: "default",
      json: false,
      fallback: "auto",
      durability: "full",
      overridden: {
        store: [],
        namespace: [],
        agent: [],
        json: [],
        fallback: [],
        durability: [],
      },
      files: [],
      remarks: [],
      sources: {
        store: "default",
        namespace: "default",
        agent: "default",
        json: "default",
        fallback: "default",
        durability: "default",
      },
    });
  }));

Deno.test("resolveConfig takes flags over environment over file for every key", () => {
  const file = {
    store: "redis://file",
    namespace: "file",
    json: true,
    fallback: "never",
    durability: "normal",
  };
  const env = {
    AGENTCOORD_STORE: "redis://env",
    AGENTCOORD_NAMESPACE: "env",
    AGENTCOORD_AGENT: "env",
    AGENTCOORD_JSON: "0",
    AGENTCOORD_FALLBACK: "directory",
    AGENTCOORD_DURABILITY: "full",
  };
  const flags = {
    store: "redis://flag",
    namespace: "flag",
    agent: "flag",
    json: true,
    fallback: "never",
  };
  inProject(file, (cwd) => {
    const path = `${cwd}/agentcoord.json`;
    const fromFile = resolveConfig({ flags: {}, env: {}, cwd });
    assert.deepEqual(fromFile.store, { kind: "redis", url: "redis://file" });
    assert.equal(fromFile.namespace, "file");
    assert.equal(fromFile.agent, undefined);
    assert.equal(fromFile.json, true);
    assert.equal(fromFile.fallback, "never");
    assert.equal(fromFile.durability, "normal");
    assert.equal(fromFile.sources.store, path);
    assert.equal(fromFile.sources.durability, path);

    const fromEnv = resolveConfig({ flags: {}, env, cwd });
    assert.deepEqual(fromEnv.store, { kind: "redis", url: "redis://env" });
    assert.equal(fromEnv.namespace, "env");
    assert.equal(fromEnv.agent, "env");
    assert.equal(fromEnv.json, false);
    assert.equal(fromEnv.fallback, "directory");
    assert.equal(fromEnv.durability, "full");
    assert.equal(fromEnv.sources.json, "AGENTCOORD_JSON");
    assert.equal(fromEnv.sources.durability, "AGENTCOORD_DURABILITY");

    const fromFlags = resolveConfig({ flags, env, cwd });
    assert.deepEqual(fromFlags.store, { kind: "redis", url: "redis://flag" });
    assert.equal(fromFlags.namespace, "flag");
    assert.equal(fromFlags.agent, "flag");
    assert.equal(fromFlags.json, true);
    assert.equal(fromFlags.fallback, "never");
    assert.deepEqual(fromFlags.sources, {
      store: "--store",
      namespace: "--namespace",
      agent: "--agent",
      json: "--json",
      fallback: "--fallback",
      durability: "AGENTCOORD_DURABILITY",
    });
    assert.equal(resolveConfig({ flags: { json: false }, env: {}, cwd }).json, false);
    const unset = resolveConfig({
      flags: {},
      env: { AGENTCOORD_STORE: "", AGENTCOORD_AGENT: "", AGENTCOORD_JSON: "" },
      cwd,
    });
    assert.match(unset.sources.store, /agentcoord\.json$/, "an empty variable counts as unset");
    assert.equal(unset.agent, undefined);
  });
});

Deno.test("resolveConfig resolves a store directory against where it was written", () =>
  inProject({ store: "state//x" }, (root) => {
    const cwd = `${root}/sub`;
    const directory = (flags: ConfigFlags, env = {}) => {
      const { store } = resolveConfig({ flags, env, cwd });
      return store.kind === "directory" ? store.directory : store.url;
    };
    assert.equal(directory({}), `${root}/state/x`);
    assert.equal(directory({ store: "state" }), `${cwd}/state`);
    assert.equal(directory({ store: "../s/" }), `${root}/s`);
    assert.equal(directory({ store: "./a:b" }), `${cwd}/a:b`);
    assert.equal(directory({ store: "/var/lib/x" }), "/var/lib/x");
    assert.equal(directory({}, { AGENTCOORD_STORE: "." }), cwd);
  }));

Deno.test("resolveConfig accepts every Redis scheme", () =>
  inProject(undefined, (cwd) => {
    const urls = ["redis://localhost", "rediss://u:p@h:6380/2?ca=/ca.pem", "unix:/run/redis.sock"];
    urls.push("redis+sentinel://a:1,b:2/main", "redis+cluster://a:1,b:2", "REDIS://h");
    urls.push("unix:///run/redis.sock?db=1", "redis://[::1]:6379", "redis://:p%40ss@h/0");
    for (const url of urls) {
      const { store } = resolveConfig({ flags: { store: url }, env: {}, cwd });
      assert.deepEqual(store, { kind: "redis", url });
    }
  }));

Deno.test("resolveConfig refuses a wrong value and names where it was given", () =>
  inProject(undefined, (cwd) => {
    const cases: [ConfigFlags, Record<string, string>, RegExp][] = [
      [{ store: "" }, {}, /^Invalid --store "": use a URL with redis:/],
      [{ store: " " }, {}, /^Invalid --store " "/],
      [{ store: "a\u0000b" }, {}, /^Invalid --store .*U\+0000/],
      [{ store: "http://h" }, {}, /^Invalid --store "http:\/\/h": "http:" is no store; use/],
      [{ store: "file:///x" }, {}, /"file:" is no store/],
      [{ store: "localhost:6379" }, {}, /"localhost:" is no store/],
      [{ store: "redis:" }, {}, /it is no complete URL/],
      [{ store: "redis://" }, {}, /it is no complete URL/],
      [{ store: "redis:/x" }, {}, /it is no complete URL/],
      [{ store: "redis://h:99999" }, {}, /"redis:\/\/h:99999": use a port from 1 to 65535$/],
      [{ store: "redis://h x" }, {}, /percent-encode spaces/],
      [{ store: "unix:" }, {}, /give the absolute path of a socket/],
      [
        {},
        { AGENTCOORD_STORE: "redis://h?a=1" },
        /^Invalid AGENTCOORD_STORE "redis:.*no parameter "a"; use conn/,
      ],
      [{ store: "redis+sentinel://" }, {}, /it is no complete URL/],
      [{ namespace: "" }, {}, /^Invalid --namespace "": use 1 to 64/],
      [{}, { AGENTCOORD_NAMESPACE: "a b" }, /^Invalid AGENTCOORD_NAMESPACE "a b"/],
      [{ agent: ".." }, {}, /^Invalid --agent "\.\."/],
      [{}, { AGENTCOORD_JSON: "maybe" }, /^Invalid AGENTCOORD_JSON "maybe": use 1 or 0/],
      [{ fallback: "redis" }, {}, /^Invalid --fallback "redis": use auto, directory or never/],
      [{}, { AGENTCOORD_DURABILITY: "none" }, /^Invalid AGENTCOORD_DURABILITY .*full or normal/],
    ];
    for (const [flags, env, pattern] of cases) {
      const error = refusal(() => resolveConfig({ flags, env, cwd }));
      assert.match(error.message, pattern);
      assert.ok("field" in error.details && "value" in error.details);
    }
  }));

Deno.test("resolveConfig reads every common spelling of a switch", () =>
  inProject(undefined, (cwd) => {
    for (
      const [text, json] of [["1", true], ["TRUE", true], ["on", true], ["no", false]] as const
    ) {
      assert.equal(resolveConfig({ flags: {}, env: { AGENTCOORD_JSON: text }, cwd }).json, json);
    }
  }));

Deno.test("resolveConfig refuses a wrong file and names file, key and value", () => {
  const cases: [unknown, RegExp][] = [
    ["", /it is not JSON/],
    ["{", /it is not JSON \(line 1 column 2\)/],
    ["[]", /use one JSON object/],
    ["null", /use one JSON object/],
    [{ nmespace: "x" }, /^Invalid key "nmespace" in .*: use store, namespace, json/],
    ['{"__proto__": {}}', /^Invalid key "__proto__"/],
    ['{"constructor": 1}', /^Invalid key "constructor"/],
    [{ agent: "ada" }, /^Invalid agent in .*"ada": remove it; a file is shared by all agents/],
    [{ namespace: "a b" }, /^Invalid namespace in .*"a b": use 1 to 64/],
    [{ namespace: 5 }, /^Invalid namespace in .* 5: use 1 to 64/],
    [{ json: "1" }, /^Invalid json in .*"1": use true or false/],
    [{ store: 5 }, /^Invalid store in .* 5: use a URL/],
    [{ store: null }, /^Invalid store in .* null: use a URL/],
    [{ store: { url: "x" } }, /^Invalid store in .* an object: use a URL/],
    [{ store: "" }, /^Invalid store in .*"": use a URL/],
    [{ fallback: "x" }, /^Invalid fallback in .*"x": use auto, directory or never/],
    [{ durability: true }, /^Invalid durability in .* true: use full or normal/],
  ];
  for (const [config, pattern] of cases) {
    inProject(config, (cwd) => {
      const error = refusal(() =>
        resolveConfig({ flags: { store: "x", namespace: "x", fallback: "never" }, env: {}, cwd })
      );
      assert.match(error.message, pattern);
      assert.ok(error.message.includes(`${cwd}/agentcoord.json`), error.message);
    });
  }
});

Deno.test("resolveConfig refuses a configuration file that it cannot read", () =>
  inProject(undefined, (cwd) => {
    Deno.mkdirSync(`${cwd}/agentcoord.json`);
    assert.match(
      refusal(() => resolveConfig({ flags: {}, env: {}, cwd })).message,
      /^Invalid configuration file ".*agentcoord\.json": it is a directory$/,
    );
  }));

Deno.test("resolveConfig tells no secret in any refusal", () => {
  const secret = "s3cr3t";
  const files = [
    { store: `http://ada:${secret}@h` },
    { store: `redis://:${secret}@h:99999` },
    { store: { url: `redis://:${secret}@h` } },
    { store: [`redis://:${secret}@h`] },
    { url: `redis://:${secret}@h` },
    `{"store": "redis://:${secret}@h", }`,
    `{"store": redis://:${secret}@h}`,
  ];
  for (const config of files) {
    inProject(config, (cwd) => {
      const error = refusal(() => resolveConfig({ flags: {}, env: {}, cwd }));
      assert.ok(!JSON.stringify([error.message, error.details]).includes(secret), error.message);
    });
  }
  inProject(undefined, (cwd) => {
    for (
      const url of [
        `http://:${secret}@h`,
        `redis://u:a/${secret}@h:x`,
        `u:${secret}@h:1`,
        `//:${secret}@h`,
      ]
    ) {
      for (const env of [{ AGENTCOORD_STORE: url }]) {
        const error = refusal(() => resolveConfig({ flags: {}, env, cwd }));
        assert.ok(!JSON.stringify([error.message, error.details]).includes(secret), error.message);
      }
    }
  });
});

Deno.test("redactUrl hides user, password and secret parameters", () => {
  const cases = [
    ["redis://h:6379/0", "redis://h:6379/0"],
    ["redis://ada:pw@h:6379/0", "redis://***@h:6379/0"],
    ["rediss://:pw@h", "rediss://***@h"],
    ["redis://ada@h", "redis://***@h"],
    ["redis://u:p@a:1,b:2/main", "redis://***@a:1,b:2/main"],
    ["redis://h?db=1&password=pw&x=2", "redis://h?db=1&password=***&x=2"],
    ["redis://h?authToken=pw#f", "redis://h?authToken=***#f"],
    ["redis://h?p%61ssword=pw", "redis://h?p%61ssword=***"],
    ["redis://u:a/b?c#d@e@h", "redis://***@h"],
    ["u:pw@h", "u:***@h"],
    ["./state", "./state"],
  ] as const;
  for (const [url, shown] of cases) assert.equal(redactUrl(url), shown);
});

Deno.test("redactUrl keeps no password for any password", () => {
  const password = fc.string({ unit: "binary", minLength: 8, maxLength: 20 });
  fc.assert(fc.property(password, (word) => {
    const secret = `<${word}>`;
    assert.equal(redactUrl(`redis://ada:${secret}@h:1/0`), "redis://***@h:1/0");
    assert.equal(redactUrl(`rediss://:${secret}@h`), "rediss://***@h");
  }));
});

/** Where no store is: whoever looks leaves none behind, and whoever makes one says so. */
import assert from "node:assert/strict";
import { cli, cliJson, start, withProject as inProject } from "../support/cli.ts";
import { envelope } from "../support/golden_run.ts";
import { hasRedis, startRedis } from "../../dev/redis_server.ts";

/** A project in which nobody has made a store. */
const withProject = (body: (dir: string) => Promise<void>) => inProject(body, { store: false });

const names = (dir: string) => [...Deno.readDirSync(dir)].map(({ name }) => name).sort();

/** Commands that only look, and what they leave with where nothing is. */
const READERS: readonly (readonly [line: string, code: number])[] = [
  ["status", 0],
  ["agents", 0],
  ["agent list", 0],
  ["agent show ada", 4],
  ["hung", 0],
  ["hung --explain", 0],
  ["locks", 0],
  ["lock list --holder ada", 0],
  ["lock verify a.py --fence 1", 5],
  ["tasks", 0],
  ["task list --tags a", 0],
  ["task counts", 0],
  ["task show tsk_01JD3ZW5N7X9K2M4P6Q8R0S2T4", 4],
  ["board", 0],
  ["board search word", 0],
  ["board show thr_01JD3ZW5N7X9K2M4P6Q8R0S2T4", 4],
  ["approvals", 0],
  ["approval show apr_01JD3ZW5N7X9K2M4P6Q8R0S2T4", 4],
  ["audit list", 0],
  ["audit verify", 0],
  ["doctor", 0],
  ["config", 0],
];

Deno.test("whoever only looks makes no store, and answers as an empty one", async (t) => {
  for (const [line, code] of READERS) {
    await t.step(line, () =>
      withProject(async (dir) => {
        const env = { AGENTCOORD_AGENT: "ada" };
        const result = await envelope(dir, line.split(" "), { env });
        assert.equal(result.code, code, JSON.stringify(result.document));
        assert.deepEqual(names(dir), [".git"]);
        if (line === "doctor" || line === "config") return;
        assert.deepEqual(result.document.warnings, [
          `No store here yet: the first command that writes makes ${dir}/.agentcoord`,
        ]);
      }));
  }
  await t.step("events", () =>
    withProject(async (dir) => {
      const { code, stdout, stderr } = await cli(dir, ["events"]);
      assert.deepEqual([code, stdout], [0, ""]);
      assert.match(stderr, /No store here yet/);
      assert.deepEqual(names(dir), [".git"]);
    }));
});

/** Commands that end or keep what is not there, and what they leave with. */
const ENDERS: readonly (readonly [line: string, code: number])[] = [
  ["task prune --dry-run", 0],
  ["board prune --dry-run", 0],
  ["approval prune --dry-run", 0],
  ["lock release a.py", 5],
  ["lock release --all", 0],
  ["lock renew a.py", 5],
  ["task complete tsk_01JD3ZW5N7X9K2M4P6Q8R0S2T4", 4],
  ["approve apr_01JD3ZW5N7X9K2M4P6Q8R0S2T4", 4],
];

Deno.test("whoever ends what is not there makes no store", async (t) => {
  for (const [line, code] of ENDERS) {
    await t.step(line, () =>
      withProject(async (dir) => {
        const env = { AGENTCOORD_AGENT: "ada" };
        const result = await cli(dir, line.split(" "), { env });
        assert.equal(result.code, code, result.stderr);
        assert.deepEqual(names(dir), [".git"]);
      }));
  }
});

Deno.test("whoever only looks into another namespace of a store leaves none behind", () =>
  withProject(async (dir) => {
    await cli(dir, ["task", "add", "x", "--agent", "ada"]);
    const { document } = await cliJson(dir, ["status", "--namespace", "typo"]);
    assert.deepEqual([document.data.tasks.pending, document.warnings], [0, []]);
    assert.deepEqual(names(`${dir}/.agentcoord/namespaces`), ["default"]);
  }));

Deno.test({
  name: "whoever only looks leaves nothing on a server",
  ignore: !hasRedis(),
  fn: async (t) => {
    await using server = await startRedis();
    await using client = await server.connect();
    const env = {
      AGENTCOORD_STORE: server.url,
      AGENTCOORD_NAMESPACE: "n",
      AGENTCOORD_AGENT: "ada",
    };
    for (const [line, code] of READERS) {
      await t.step(line, () =>
        withProject(async (dir) => {
          const result = await envelope(dir, line.split(" "), { env });
          assert.equal(result.code, code, JSON.stringify(result.document));
          assert.deepEqual(await client.command("KEYS", "*"), []);
          assert.deepEqual(names(dir), [".git"]);
        }));
    }
  },
});

Deno.test("whoever makes a store says so, once", () =>
  withProject(async (dir) => {
    const add = ["task", "add", "x", "--agent", "ada", "--json"];
    const first = await cliJson(dir, add);
    const seen = `Made a store in ${dir}/.agentcoord`;
    assert.deepEqual(first.document.warnings, [seen]);
    assert.equal(first.stderr, `agentcoord: warning: ${seen}\n`);
    assert.deepEqual((await cliJson(dir, add)).document.warnings, []);
  }));

Deno.test("a follower makes the store it waits on, and hears of what comes", () =>
  withProject(async (dir) => {
    const follower = start(dir, ["events", "--follow", "--json"]);
    const lines = follower.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const remarks = follower.stderr.pipeThrough(new TextDecoderStream()).getReader();
    let seen = "";
    while (!/Made a store/.test(seen)) {
      const { value, done } = await remarks.read();
      assert.ok(!done, seen);
      seen += value;
    }
    await cli(dir, ["task", "add", "x", "--agent", "ada"]);
    assert.match((await lines.read()).value ?? "", /agent\.registered|task\.created/);
    follower.kill("SIGTERM");
    await Promise.all([lines.cancel(), remarks.cancel(), follower.status]);
  }));

Deno.test("no store is made in the home directory unless init asks for it", async () => {
  const home = Deno.realPathSync(Deno.makeTempDirSync());
  try {
    Deno.mkdirSync(`${home}/below`);
    const env = { HOME: home, DENO_DIR: denoDirectory() };
    const add = ["task", "add", "x", "--agent", "ada"];
    const { code, stderr } = await cli(home, add, { env });
    assert.equal(code, 2);
    assert.match(
      stderr,
      /No store is made in .*, which everything below would share: go to a proj/,
    );
    assert.deepEqual(names(home).filter((name) => name !== ".cache"), ["below"]);
    assert.equal((await cli(home, ["locks"], { env })).code, 0);
    const named = await cli(home, [...add, "--store", "./below/state"], { env });
    assert.equal(named.code, 0, "a place that is named is nobody's accident");
    assert.equal((await cli(home, ["init"], { env })).code, 0);
    assert.equal((await cli(home, add, { env })).code, 0);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});

Deno.test("no store is made in the root of all files", async () => {
  const { code, document } = await cliJson("/", ["task", "add", "x", "--agent", "ada"]);
  assert.equal(code, 2);
  assert.match(
    document.error.message,
    /No store is made in \/, which everything below would share/,
  );
  assert.ok(!names("/").includes(".agentcoord"));
});

/** Where the runtime keeps what it has compiled, which it finds by HOME otherwise. */
function denoDirectory(): string {
  const { HOME, XDG_CACHE_HOME, DENO_DIR } = Deno.env.toObject();
  return DENO_DIR ?? `${XDG_CACHE_HOME ?? `${HOME}/.cache`}/deno`;
}

Deno.test("a look in the home directory without a store does not promise one there", () =>
  withProject(async (dir) => {
    const env = { HOME: dir, DENO_DIR: denoDirectory(), AGENTCOORD_AGENT: "ada" };
    const { code, stderr } = await cli(dir, ["status"], { env });
    assert.equal(code, 0, stderr);
    assert.match(stderr, /No store is made in .*, which everything below would share/);
    assert.doesNotMatch(stderr, /the first command that writes makes/);
    assert.equal((await cli(dir, ["task", "add", "t"], { env })).code, 2);
  }));

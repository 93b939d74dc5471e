/**
 * File systems that lack something, and a process that may open no more files: the sentence names what is missing.
 * @module
 */
import assert from "node:assert/strict";
import { cli, withProject } from "../support/cli.ts";

const decoder = new TextDecoder();
const ROOT = new URL("../..", import.meta.url).pathname;

/** Whether `strace` may watch processes here. */
async function canInject(): Promise<boolean> {
  try {
    const { success } = await new Deno.Command("strace", {
      args: ["-qq", "-o", "/dev/null", "true"],
      stderr: "null",
    }).output();
    return success;
  } catch {
    return false;
  }
}

/** What a command says when each of these calls of the kernel is refused. */
async function refused(dir: string, calls: string, error: string) {
  const { code, stderr } = await new Deno.Command("strace", {
    args: [
      ...["-f", "-qq", "-o", "/dev/null", "-e", `trace=${calls}`],
      ...["-e", `inject=${calls}:error=${error}`],
      ...[Deno.execPath(), "run", "-A", "-q", "--no-check", `--config=${ROOT}deno.json`],
      ...[`${ROOT}main.ts`, "task", "add", "x", "--agent", "ada"],
    ],
    cwd: dir,
  }).output();
  return { code, stderr: decoder.decode(stderr) };
}

Deno.test({
  name: "store on a file system without hard links or locks is refused with what it lacks",
  ignore: !await canInject(),
  async fn() {
    for (
      const [calls, error, says] of [
        [
          "link,linkat",
          "EPERM",
          /the file system of .*store\.db has no hard links .*choose a --store/,
        ],
        ["link,linkat", "EOPNOTSUPP", /has no hard links/],
        ["flock", "ENOLCK", /the file system of .*store\.db has no file locks/],
        ["flock", "EOPNOTSUPP", /has no file locks/],
      ] as const
    ) {
      await withProject(async (dir) => {
        const { code, stderr } = await refused(dir, calls, error);
        assert.equal(code, 7, stderr);
        assert.match(stderr, says);
        assert.doesNotMatch(stderr, /permissions/);
      }, { store: false });
    }
  },
});

Deno.test("store that cannot be opened for too many open files says so, not its permissions", () =>
  withProject(async (dir) => {
    const path = `${dir}/.agentcoord/namespaces/default/store.db`;
    const added = await cli(dir, ["task", "add", "x", "--agent", "ada"]);
    assert.equal(added.code, 0, added.stderr);
    const program = `
      import { Database } from "${ROOT}src/engine/directory/database.ts";
      import { SCHEMA } from "${ROOT}src/open/schema.ts";
      const files = [];
      try { for (;;) files.push(Deno.openSync("/dev/null")); } catch { /* the limit */ }
      // As many as the database itself gets, but not its log.
      for (const left of [0, 1, 2]) {
        for (let n = 0; n < left; n++) files.pop().close();
        try { Database.openForReading("${path}", SCHEMA); console.log("opened"); }
        catch (error) { console.log(error.message); }
      }`;
    await Deno.writeTextFile(`${dir}/program.ts`, program);
    const run =
      `ulimit -n 64; exec "$0" run -A -q --no-check --config "${ROOT}deno.json" "${dir}/program.ts"`;
    const { stdout, stderr } = await new Deno.Command("sh", {
      args: ["-c", run, Deno.execPath()],
    }).output();
    const [first, ...others] = decoder.decode(stdout).trim().split("\n");
    assert.match(first ?? "", /too many files are open/, decoder.decode(stderr));
    for (const said of others) assert.match(said, /^opened$|too many files are open/);
  }));

Deno.test({
  name: "write that a disk quota refuses is told as that, and what ends or keeps something works",
  ignore: !await canInject(),
  async fn() {
    await withProject(async (dir) => {
      const env = { AGENTCOORD_AGENT: "ada" };
      assert.equal((await cli(dir, ["lock", "acquire", "a.py"], { env })).code, 0);
      const home = `${Deno.realPathSync(dir)}/.agentcoord/namespaces/default`;
      const names = () => [...Deno.readDirSync(home)].map(({ name }) => name).sort();
      const run = async (error: string, words: readonly string[]) => {
        const { code, stderr } = await new Deno.Command("strace", {
          args: [
            ...["-f", "-qq", "-o", "/dev/null", "-e", "trace=pwrite64,write"],
            ...["-P", `${home}/store.db-wal`, "-P", `${home}/store.probe`],
            ...["-e", `inject=pwrite64,write:error=${error}`],
            ...[Deno.execPath(), "run", "-A", "-q", "--no-check", `--config=${ROOT}deno.json`],
            ...[`${ROOT}main.ts`, ...words],
          ],
          cwd: dir,
          env,
        }).output();
        return { code, stderr: decoder.decode(stderr) };
      };
      const before = names();
      const full = await run("EDQUOT", ["task", "add", "x"]);
      assert.equal(full.code, 7, full.stderr);
      assert.match(full.stderr, /store\.db is over a disk quota; free some space/);
      const broken = await run("EIO", ["task", "add", "x"]);
      assert.match(broken.stderr, /the disk failed to read or write .*check the disk/);
      // The first try is refused, and the one after it finds room.
      const renewed = await run("EDQUOT:when=1", ["lock", "renew", "a.py"]);
      assert.equal(renewed.code, 0, renewed.stderr);
      assert.deepEqual(names(), before);
    });
  },
});

import assert from "node:assert/strict";
import type { CoordEvent } from "../../src/event/model.ts";
import { cli, cliJson, programCommand, withProject } from "../support/cli.ts";
import { assertNothingHeld } from "../support/wrapped.ts";
import { ends } from "../../dev/sleepers.ts";

const env = { AGENTCOORD_AGENT: "ada" };

Deno.test("lock run exits as its command does and releases", async () => {
  await withProject(async (dir) => {
    for (const code of [0, 7]) {
      const result = await cli(dir, ["lock", "run", "a", "--", "sh", "-c", `exit ${code}`], {
        env,
      });
      assert.deepEqual(result, { code, stdout: "", stderr: "" });
    }
    const killed = await cli(dir, ["lock", "run", "a", "--", "sh", "-c", "kill -KILL $$"], { env });
    assert.equal(killed.code, 128 + 9);
    await assertNothingHeld(dir);
  });
});

Deno.test("lock run passes arguments exactly, without a shell", async () => {
  await withProject(async (dir) => {
    const words = ["a b", "*", "$HOME", "x\ny", "", "-E", "--", "'q'", "é", "`id`", ";"];
    const args = ["lock", "run", "a", "--", "printf", "[%s]", ...words];
    const { stdout, code } = await cli(dir, args, { env });
    assert.equal(code, 0);
    assert.equal(stdout, words.map((word) => `[${word}]`).join(""));
  });
});

Deno.test("lock run hands standard input to its command", async () => {
  await withProject(async (dir) => {
    const stdin = "line\n".repeat(50_000);
    const { stdout } = await cli(dir, ["lock", "run", "a", "--", "cat"], { env, stdin });
    assert.equal(stdout, stdin);
  });
});

Deno.test("lock run tells its command the fence, the paths and the store", async () => {
  await withProject(async (dir) => {
    await Deno.mkdir(`${dir}/src`);
    const args = ["--namespace", "n1", "--agent", "bob", "lock", "run", "src", "b.py"];
    const { stdout, code } = await cli(
      dir,
      [...args, "--", "sh", "-c", "env | grep ^AGENTCOORD_ | sort"],
      { env },
    );
    assert.equal(code, 0);
    const lines = (await cli(dir, ["--json", "--namespace", "n1", "events"])).stdout.trim();
    const events: CoordEvent[] = lines.split("\n").map((line) => JSON.parse(line));
    const fence = events.find(({ type }) => type === "lock.acquired")?.data?.fence;
    const seen = stdout.trimEnd().split("\n");
    assert.deepEqual(seen.map((line) => line.replace(/^(AGENTCOORD_RUNS=).{36}$/, "$1MARK")), [
      "AGENTCOORD_AGENT=bob",
      "AGENTCOORD_DURABILITY=full",
      "AGENTCOORD_FALLBACK=auto",
      `AGENTCOORD_LOCK_FENCE=${fence}`,
      `AGENTCOORD_LOCK_PATHS=["${dir}/src","${dir}/b.py"]`,
      "AGENTCOORD_NAMESPACE=n1",
      "AGENTCOORD_RUNS=MARK",
      `AGENTCOORD_STORE=${dir}/.agentcoord`,
    ]);
  });
});

Deno.test("lock run lets its command verify the lock from any directory", async () => {
  await withProject(async (dir) => {
    await Deno.mkdir(`${dir}/src/deep`, { recursive: true });
    await Deno.mkdir(`${dir}/other/.agentcoord`, { recursive: true });
    const script = `eval "set -- $(printf '%s' "$AGENTCOORD_LOCK_PATHS" | tr -d '[]')"
      cd src/deep && "$program" $before lock verify "$1" --fence "$AGENTCOORD_LOCK_FENCE" &&
      cd ../../other && "$program" $before locks`;
    const [program, ...before] = programCommand();
    const { code, stdout, stderr } = await cli(
      dir,
      ["--store", "state", "lock", "run", "src/a.py", "--", "sh", "-c", script],
      { env: { ...env, program, before: before.join(" ") } },
    );
    assert.equal(stderr, `agentcoord: warning: Made a store in ${dir}/state\n`);
    assert.equal(code, 0);
    assert.match(stdout, /src\/a\.py \(fence (\d+)\)[^]*\nsrc\/a\.py +ada +exclusive +\1 /);
  });
});

Deno.test("lock run refuses with 75, or what -E says, while somebody else holds it", async () => {
  await withProject(async (dir) => {
    await cli(dir, ["lock", "acquire", "a", "--agent", "bob", "--intent", "work"]);
    const command = ["--", "touch", "ran"];
    const refused = await cli(dir, ["lock", "run", "a", ...command], { env });
    assert.equal(refused.code, 75);
    assert.equal(refused.stdout, "");
    assert.match(refused.stderr, /^agentcoord: Cannot acquire lock "a": held by "bob" \(work\)/);
    const waited = ["lock", "run", "a", "--wait", "50ms", "-E", "9", ...command];
    assert.equal((await cli(dir, waited, { env })).code, 9);
    const json = await cliJson(dir, ["lock", "run", "a", "-E", "0", ...command], { env });
    assert.equal(json.code, 0);
    assert.equal(json.stderr, "");
    assert.equal(json.document.ok, false);
    assert.equal(json.document.error.code, "conflict");
    assert.equal(json.document.error.details.holder, "bob");
    assert.equal(await exists(`${dir}/ran`), false);
  });
});

Deno.test("lock run tells not found from not executable, and takes no lock for either", async () => {
  await withProject(async (dir) => {
    await cli(dir, ["lock", "acquire", "a", "--agent", "bob"]);
    await Deno.writeTextFile(`${dir}/plain`, "echo no\n");
    await Deno.mkdir(`${dir}/directory`);
    const run = (program: string) => cli(dir, ["lock", "run", "a", "--", program], { env });
    for (const program of ["no-such-program", "./no-such-program", ""]) {
      const { code, stderr } = await run(program);
      assert.equal(code, 127, program);
      assert.equal(stderr, `agentcoord: Cannot run "${program}": there is no such program\n`);
    }
    for (const program of ["./plain", "./directory"]) {
      const { code, stderr } = await run(program);
      assert.equal(code, 126, program);
      assert.match(stderr, /is not executable/);
    }
  });
});

Deno.test("lock run releases when its command turns out not to be executable", async () => {
  await withProject(async (dir) => {
    await Deno.writeTextFile(`${dir}/script`, "#!/no/such/interpreter\n", { mode: 0o755 });
    const { code, document } = await cliJson(dir, ["lock", "run", "a", "--", "./script"], { env });
    assert.equal(code, 126);
    assert.match(document.error.message, /the interpreter in its first line does not exist/);
    await assertNothingHeld(dir);
  });
});

Deno.test("lock run is wrong usage without a command, an agent or a sane exit code", async () => {
  await withProject(async (dir) => {
    const fails = async (args: readonly string[], pattern: RegExp, vars = env) => {
      const { code, stderr } = await cli(dir, ["lock", "run", "a", ...args], { env: vars });
      assert.equal(code, 2);
      assert.match(stderr, pattern);
    };
    await fails([], /No command to run: write it after "--"/);
    await fails(["--"], /No command to run/);
    await fails(["--", "true"], /No acting agent/, {} as typeof env);
    await fails(["-E", "256", "--", "true"], /Invalid -E "?256"?: use 0 to 255/);
    await fails(["--ttl", "1ms", "--", "true"], /Invalid --ttl/);
  });
});

Deno.test("lock run reports a store that cannot be used with 125", async () => {
  await withProject(async (dir) => {
    await Deno.writeTextFile(`${dir}/foreign`, "mine");
    const args = ["--store", ".", "lock", "run", "a", "--", "true"];
    const { code, document } = await cliJson(dir, args, { env });
    assert.equal(code, 125);
    assert.equal(document.error.code, "store_unavailable");
  });
});

Deno.test("lock run with --json leaves stdout to its command", async () => {
  await withProject(async (dir) => {
    const args = ["--json", "lock", "run", "a", "--", "sh", "-c", "echo mine; exit 3"];
    assert.deepEqual(await cli(dir, args, { env }), { code: 3, stdout: "mine\n", stderr: "" });
  });
});

Deno.test("lock run ends its command at the timeout with 124", async () => {
  await withProject(async (dir) => {
    const args = ["lock", "run", "a", "--timeout", "300ms", "--", "sh", "-c", "sleep 1h; echo no"];
    // The shell's own child goes with it, or it would keep the pipe open.
    const { code, stdout, stderr } = await ends("the call", cli(dir, args, { env }));
    assert.equal(code, 124);
    assert.equal(stdout, "");
    assert.equal(stderr, "agentcoord: Ending the command: it ran longer than 300ms\n");
    await assertNothingHeld(dir);
  });
});

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

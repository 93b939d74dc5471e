import assert from "node:assert/strict";
import { cli, cliJson, withProject } from "../support/cli.ts";
import { assertNothingHeld, gone, Running, textOf, written } from "../support/wrapped.ts";

/** Writes the instant to `beats` all the time, whatever signal it gets but SIGKILL. */
const STUBBORN = `
  trap 'echo TERM >> signals' TERM
  echo $$ > pid
  while :; do date +%s%3N >> beats; sleep 0.02; done`;

/** Adds 1 to the number in a file, slowly enough that two at once would lose one. */
const INCREMENT = "n=$(cat counter); sleep 0.15; echo $((n + 1)) > counter";

Deno.test("lock run excludes others that run under the same lock", async () => {
  await withProject(async (dir) => {
    await Deno.writeTextFile(`${dir}/counter`, "0\n");
    const agents = ["ada", "bob", "cy", "di", "eve"];
    const results = await Promise.all(
      agents.map((agent) =>
        cli(dir, ["lock", "run", "counter", "--wait", "30s", "--", "sh", "-c", INCREMENT], {
          env: { AGENTCOORD_AGENT: agent },
        })
      ),
    );
    assert.deepEqual(results.map(({ code }) => code), agents.map(() => 0));
    assert.equal(textOf(`${dir}/counter`), `${agents.length}\n`);
  });
});

Deno.test("lock run shares its lock with others on request", async () => {
  await withProject(async (dir) => {
    const script = "touch $AGENTCOORD_AGENT; until [ -e ada ] && [ -e bob ]; do sleep 0.02; done";
    const results = await Promise.all(
      ["ada", "bob"].map((agent) =>
        cli(dir, ["lock", "run", "a", "--shared", "--wait", "5s", "--", "sh", "-c", script], {
          env: { AGENTCOORD_AGENT: agent },
        })
      ),
    );
    assert.deepEqual(results.map(({ code }) => code), [0, 0]);
  });
});

Deno.test("lock run keeps a lease for a command that takes longer than it", async () => {
  await withProject(async (dir) => {
    const command = "echo $$ > pid; until [ -e enough ]; do sleep 0.1; done";
    const args = ["lock", "run", "a", "--ttl", "3s", "--", "sh", "-c", command];
    const wrapper = new Running(dir, args);
    await written(`${dir}/pid`);
    const [first] = (await cliJson(dir, ["locks"])).document.data;
    const other = await cliJson(dir, [
      "lock",
      "acquire",
      "a",
      "--agent",
      "bob",
      "--wait",
      "7s",
    ]);
    assert.equal(other.document.error.code, "timeout");
    const [last] = (await cliJson(dir, ["locks"])).document.data;
    assert.equal(last.fence, first.fence);
    assert.ok(last.expiresAtMs > first.expiresAtMs);
    await Deno.writeTextFile(`${dir}/enough`, "");
    assert.deepEqual(await wrapper.result(), { code: 0, stdout: "", stderr: "" });
    await assertNothingHeld(dir);
  });
});

Deno.test("lock run ends its command soon after its lock was broken", async () => {
  await withProject(async (dir) => {
    const args = ["lock", "run", "a", "b", "--", "sh", "-c", "echo $$ > pid; sleep 60"];
    const wrapper = new Running(dir, args);
    await written(`${dir}/pid`);
    await cli(dir, ["lock", "break", "b", "--reason", "urgent", "--agent", "bob"]);
    const { code, stderr } = await wrapper.result();
    assert.equal(code, 125);
    assert.match(
      stderr,
      /^agentcoord: Ending the command: Lock "b" is not held under fence \d+ any mor/,
    );
    assert.equal(stderr.trimEnd().split("\n").length, 1);
    // What was still held is released all the same.
    await assertNothingHeld(dir);
  });
});

Deno.test("lock run kills a command that ignores the end of its lock", async () => {
  await withProject(async (dir) => {
    const args = ["lock", "run", "a", "--ttl", "2s", "--", "sh", "-c", STUBBORN];
    const wrapper = new Running(dir, args);
    const pid = Number(await written(`${dir}/pid`));
    await cli(dir, ["lock", "break", "a", "--reason", "urgent", "--agent", "bob"]);
    const { code, stderr } = await wrapper.result();
    assert.equal(code, 125);
    assert.match(stderr, /Ending the command: Cannot renew lock "a": "ada" does not hold it/);
    assert.equal(textOf(`${dir}/signals`), "TERM\n");
    await gone(pid, 0);
  });
});

Deno.test("lock run kills what its command started, even when that has ended itself", async () => {
  await withProject(async (dir) => {
    // The sleeper ignores SIGTERM, and has lost its parent long before.
    const script = `sh -c 'trap "" TERM; sleep 60 & echo $! > orphan'; exec sleep 60`;
    const args = ["lock", "run", "a", "--ttl", "1s", "--timeout", "400ms", "--"];
    const wrapper = new Running(dir, [...args, "sh", "-c", script]);
    const orphan = Number(await written(`${dir}/orphan`));
    await gone(orphan);
    assert.equal((await wrapper.result()).code, 124);
    await assertNothingHeld(dir);
  });
});

Deno.test("lock run fails when its lock had ended before its command did", async () => {
  await withProject(async (dir) => {
    const wrapper = new Running(dir, ["lock", "run", "a", "--", "sh", "-c", WAIT_FOR_GO]);
    await written(`${dir}/pid`);
    await cli(dir, ["lock", "break", "a", "--reason", "urgent", "--agent", "bob"]);
    await Deno.writeTextFile(`${dir}/go`, "");
    const { code, stderr } = await wrapper.result();
    assert.equal(code, 125);
    assert.match(stderr, /Lock "a"|lock "a"/);
  });
});

const WAIT_FOR_GO = "echo $$ > pid; until [ -e go ]; do sleep 0.02; done";

Deno.test("lock run ends its command before the lease lapses when the store is frozen", async () => {
  await withProject(async (dir) => {
    const args = ["lock", "run", "a", "--ttl", "2s", "--", "sh", "-c", STUBBORN];
    const wrapper = new Running(dir, args);
    const pid = Number(await written(`${dir}/pid`));
    const frozen = await freeze(`${dir}/.agentcoord/namespaces/default/store.lock`);
    try {
      // Reading needs no lock, and nobody can renew any more.
      const [lease] = (await cliJson(dir, ["locks"])).document.data;
      await gone(pid);
      const lastBeat = Number(textOf(`${dir}/beats`).trimEnd().split("\n").at(-1));
      const lateMs = lastBeat - lease.expiresAtMs;
      assert.ok(lateMs < 0, `still at work ${lateMs} ms after the lease lapsed`);
      assert.equal(textOf(`${dir}/signals`), "TERM\n");
    } finally {
      frozen.kill("SIGKILL");
      await frozen.status;
    }
    const { code, stderr } = await wrapper.result();
    assert.equal(code, 125);
    assert.match(
      stderr,
      /^agentcoord: Ending the command: The lease could not be renewed in time$/m,
    );
  });
});

/** A process that takes the kernel lock on `path` and is then stopped inside. */
async function freeze(path: string): Promise<Deno.ChildProcess> {
  const script = `Deno.openSync(Deno.args[0], { read: true, write: true }).lockSync(true);
    console.log("held");
    setInterval(() => {}, 60_000);`;
  const holder = new Deno.Command(Deno.execPath(), {
    args: ["eval", script, path],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = holder.stdout.getReader();
  assert.match(new TextDecoder().decode((await reader.read()).value), /held/);
  await reader.cancel();
  holder.kill("SIGSTOP");
  return holder;
}

/** What becomes of results when standard output is full, closed, or not read for a while. */
import assert from "node:assert/strict";
import { defineCommand } from "../../src/cli/command.ts";
import { run } from "../../src/cli/run.ts";
import { cli, cliJson, programCommand, start, withProject } from "../support/cli.ts";
import { cleanEnvironment } from "../support/cli.ts";
import { hasRedis, sharedRedis } from "../../dev/redis_server.ts";
import { waiterSeen } from "../support/wrapped.ts";

/** Runs a shell line in which `$A` starts the program; `$0` and on are `words`. */
async function shell(dir: string, script: string, env: Readonly<Record<string, string>> = {}) {
  const quoted = programCommand().map((word) => `'${word}'`).join(" ");
  const { code, stdout, stderr } = await new Deno.Command("bash", {
    args: ["-c", `A() { ${quoted} "$@"; }\n${script}`],
    cwd: dir,
    clearEnv: true,
    env: { ...cleanEnvironment(), ...env },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

async function stores(): Promise<readonly Readonly<Record<string, string>>[]> {
  if (!hasRedis()) return [{}];
  const namespace = `out-${crypto.randomUUID().slice(0, 8)}`;
  const { url } = await sharedRedis();
  return [{}, { AGENTCOORD_STORE: url, AGENTCOORD_NAMESPACE: namespace }];
}

Deno.test("inbox --ack counts nothing as read when it could not be written out", () =>
  withProject(async (dir) => {
    for (const env of await stores()) {
      const bob = { env: { AGENTCOORD_AGENT: "bob", ...env } };
      await cli(dir, ["agent", "register"], bob);
      await cli(dir, ["board", "post", "t", "--message", "@bob", "--agent", "ada"], { env });
      for (const verb of ["inbox --ack", "inbox wait --ack", "inbox --ack --json"]) {
        const failed = await shell(dir, `A ${verb} --agent bob > /dev/full`, env);
        assert.equal(failed.code, 74);
        assert.match(
          failed.stderr,
          /^agentcoord: Cannot write the output: No space left on device/,
        );
      }
      const gone =
        "(sleep 0.1; A inbox --ack --agent bob; echo $? > code) | true; sleep 0.1; cat code";
      await shell(dir, `${gone}; until test -s code; do sleep 0.1; done`, env);
      assert.equal((await cliJson(dir, ["inbox"], bob)).document.data.length, 1);
      assert.equal((await cliJson(dir, ["inbox", "wait", "--ack"], bob)).document.data.length, 1);
      assert.equal((await cliJson(dir, ["inbox"], bob)).document.data.length, 0);
    }
  }));

Deno.test("inbox --ack counts nothing as read when standard output is closed", () =>
  withProject(async (dir) => {
    for (const env of await stores()) {
      await cli(dir, ["agent", "register", "--agent", "bob"], { env });
      await cli(dir, ["board", "post", "t", "--message", "@bob", "--agent", "ada"], { env });
      for (
        const verb of ["inbox --ack", "inbox wait --ack", "inbox --ack --json", "inbox --ack -q"]
      ) {
        const closed = await shell(dir, `A ${verb} --agent bob >&-`, env);
        assert.equal(closed.code, 74);
        assert.match(
          closed.stderr,
          /^agentcoord: Cannot write the output: standard output is closed/,
        );
      }
      assert.equal(
        (await cliJson(dir, ["inbox", "--agent", "bob"], { env })).document.data.length,
        1,
      );
      // To throw it away is somebody's choice.
      assert.equal((await shell(dir, "A inbox --ack --agent bob >/dev/null", env)).code, 0);
      assert.equal(
        (await cliJson(dir, ["inbox", "--agent", "bob"], { env })).document.data.length,
        0,
      );
    }
  }));

Deno.test("help names the exit code of output that cannot be written", async () => {
  await withProject(async (dir) => {
    assert.match((await cli(dir, ["--help"])).stdout, /\b74 the result could not be written/);
  });
});

Deno.test("result on a non-blocking pipe that is full is written once there is room", () =>
  withProject(async (dir) => {
    const line = JSON.stringify({ title: "t", description: "x".repeat(1000) });
    await Deno.writeTextFile(`${dir}/tasks`, `${line}\n`.repeat(300));
    await cli(dir, ["task", "add", "--from", "tasks", "--agent", "ada", "-q"]);
    const read = `
import os, fcntl, subprocess, sys, time
r, w = os.pipe()
fcntl.fcntl(w, fcntl.F_SETFL, os.O_NONBLOCK | fcntl.fcntl(w, fcntl.F_GETFL))
p = subprocess.Popen(sys.argv[1:], stdout=w); os.close(w); time.sleep(1)
b = b"".join(iter(lambda: os.read(r, 65536), b"")); print(p.wait(), len(b))`;
    const args = [...programCommand(), "tasks", "--limit", "300", "--json"];
    const run = async (words: readonly string[]) => {
      const output = await new Deno.Command(words[0]!, {
        args: words.slice(1),
        cwd: dir,
        clearEnv: true,
        env: cleanEnvironment(),
      }).output();
      return new TextDecoder().decode(output.stdout);
    };
    const whole = await run(args);
    assert.ok(whole.length > 300_000);
    assert.equal(await run(["python3", "-c", read, ...args]), `0 ${whole.length}\n`);
  }));

Deno.test("text tells times from when it is printed, also after a wait", () =>
  withProject(async (dir) => {
    await cli(dir, ["lock", "acquire", "a", "--agent", "bob"]);
    const args = ["lock", "acquire", "a", "--agent", "ada", "--ttl", "10s", "--wait", "1m"];
    const waiting = start(dir, args);
    const output = waiting.output();
    await waiterSeen(dir);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await cli(dir, ["lock", "release", "a", "--agent", "bob"]);
    const { stdout } = await output;
    // Counted from the start of the call it would be at least 11 s.
    assert.match(new TextDecoder().decode(stdout), /lapses in (?:10|9\.\d)s\n$|lapses in 10s/);
  }));

Deno.test("warning is printed whole, however long it is", async () => {
  const words = `${"word ".repeat(200)}end`;
  const command = defineCommand({
    build: (command) => command,
    examples: [],
    run: (cli) => Promise.resolve(cli.warn(words)),
    text: () => "",
  });
  let seen = "";
  await run(["speak"], {
    version: "0",
    commands: [{ path: "speak", summary: "warns", load: () => Promise.resolve({ command }) }],
    groups: [],
    env: {},
    cwd: "/",
    host: () => "host",
    isTerminal: false,
    columns: () => 80,
    stdin: () => Promise.resolve(new Uint8Array()),
    secret: () => undefined,
    stdout: () => Promise.resolve(),
    stderr: (text) => Promise.resolve(void (seen += text)),
  });
  assert.equal(seen, `agentcoord: warning: ${words}\n`);
});

/** What the wrappers do at a terminal, and what their commands inherit. */
import assert from "node:assert/strict";
import { cleanEnvironment, programCommand, withProject } from "../support/cli.ts";
import { assertNothingHeld, gone, Running, textOf, written } from "../support/wrapped.ts";

/**
 * Runs a shell line, in which `$A` starts the program, at a terminal of its own; types `keys` once the file
 * `ready` is there. Prints how the shell ended.
 */
const AT_TERMINAL = `
import os, pty, sys, time, threading
keys = bytes(sys.argv[1], "ascii")
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
def type_keys():
    while not os.path.exists("ready"): time.sleep(0.05)
    time.sleep(0.3)
    os.write(terminal, keys)
threading.Thread(target=type_keys, daemon=True).start()
try:
    while os.read(terminal, 1024): pass
except OSError: pass
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))`;

async function atTerminal(dir: string, keys: string, script: string): Promise<string> {
  const quoted = programCommand().map((word) => `'${word}'`).join(" ");
  const { stdout } = await new Deno.Command("python3", {
    args: ["-c", AT_TERMINAL, keys, "bash", "-c", script.replaceAll("$A", quoted)],
    cwd: dir,
    clearEnv: true,
    env: { ...cleanEnvironment(), AGENTCOORD_AGENT: "ada" },
    stdin: "null",
  }).output();
  return new TextDecoder().decode(stdout).trim();
}

const WRAPPERS = ["lock run a", "agent run --name ada", "lock run --wait 1m a"];

for (const wrapper of WRAPPERS) {
  Deno.test(`${wrapper} in a loop ends the loop at Ctrl-C, after giving everything back`, () =>
    withProject(async (dir) => {
      const loop = `for i in 1 2 3; do echo $i >> rounds; $A ${wrapper} -- ` +
        "sh -c 'touch ready; sleep 20'; done";
      assert.equal(await atTerminal(dir, "\x03", loop), "-2");
      assert.equal(textOf(`${dir}/rounds`), "1\n");
      await assertNothingHeld(dir);
    }));
}

Deno.test("lock run in a loop ends the loop at Ctrl-C while it queues", () =>
  withProject(async (dir) => {
    const loop = "$A lock acquire a --agent bob -q; for i in 1 2 3; do echo $i >> rounds; " +
      "(sleep 2; touch ready) & $A lock run --wait 1m a -- true; done";
    assert.equal(await atTerminal(dir, "\x03", loop), "-2");
    assert.equal(textOf(`${dir}/rounds`), "1\n");
  }));

Deno.test("lock run at Ctrl-C shows 130, and leaves a loop alone whose command takes it", () =>
  withProject(async (dir) => {
    const handles =
      "$A lock run a -- bash -c 'trap \"exit 3\" INT; touch ready; sleep 20 & wait'; " +
      "echo $? > code";
    assert.equal(await atTerminal(dir, "\x03", handles), "0");
    assert.equal(textOf(`${dir}/code`), "3\n");
    await Deno.remove(`${dir}/ready`);
    const shown = "trap : INT; $A lock run a -- sh -c 'touch ready; sleep 20'; echo $? > code";
    await atTerminal(dir, "\x03", shown);
    assert.equal(textOf(`${dir}/code`), "130\n");
  }));

for (const signal of ["SIGINT", "SIGQUIT", "SIGTERM", "SIGHUP"] as const) {
  Deno.test(`lock run dies of a ${signal} that its command died of, after giving everything back`, () =>
    withProject(async (dir) => {
      const script = "import subprocess, sys; print(subprocess.run(sys.argv[1:]).returncode)";
      const command = [
        "sh",
        "-c",
        `sleep 0.3; touch ready; kill -s ${signal.slice(3)} $PPID; sleep 20`,
      ];
      const { stdout } = await new Deno.Command("python3", {
        args: ["-c", script, ...programCommand(), "lock", "run", "a", "--", ...command],
        cwd: dir,
        clearEnv: true,
        env: { ...cleanEnvironment(), AGENTCOORD_AGENT: "ada" },
        stdin: "null",
      }).output();
      const number = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGTERM: 15 }[signal];
      assert.equal(new TextDecoder().decode(stdout), `${-number}\n`);
      await assertNothingHeld(dir);
    }));
}

for (const how of ["time is up", "the wrapper is killed"]) {
  Deno.test(`lock run ends a daemon in a session of its own when ${how}`, () =>
    withProject(async (dir) => {
      // The shell between ends at once, so that nothing but the environment leads to the daemon.
      const script = "(setsid sh -c 'echo $$ > daemon; exec sleep 95' &) ; sleep 90";
      const args = ["lock", "run", "a", "--ttl", "4s", "--timeout", "3s", "--", "sh", "-c", script];
      const wrapper = new Running(dir, args);
      const daemon = Number(await written(`${dir}/daemon`));
      if (how === "the wrapper is killed") wrapper.kill("SIGKILL");
      await gone(daemon, 20_000);
      const { code } = await wrapper.result();
      assert.equal(code, how === "time is up" ? 124 : 128 + 9);
    }));
}

Deno.test("lock run gives its command the caller's soft limit of open files", () =>
  withProject(async (dir) => {
    const quoted = programCommand().map((word) => `'${word}'`).join(" ");
    const { stdout } = await new Deno.Command("bash", {
      args: [
        "-c",
        `ulimit -Sn 200; ${quoted} lock run a -- sh -c 'ulimit -Sn; ulimit -Hn'; ulimit -Hn`,
      ],
      cwd: dir,
      clearEnv: true,
      env: { ...cleanEnvironment(), AGENTCOORD_AGENT: "ada" },
      stdin: "null",
    }).output();
    const [soft, hard, ofCaller] = new TextDecoder().decode(stdout).trim().split("\n");
    assert.deepEqual([soft, hard], ["200", ofCaller]);
  }));

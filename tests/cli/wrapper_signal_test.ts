import assert from "node:assert/strict";
import { cli, cliJson, programCommand, withProject } from "../support/cli.ts";
import {
  assertNothingHeld,
  eventuallyEqual,
  gone,
  Running,
  textOf,
  waiterSeen,
  written,
} from "../support/wrapped.ts";

/** Notes its pid and every signal it gets, and ends on SIGTERM only. */
const NOTES = `
  exec 2> /dev/null
  for signal in HUP INT QUIT USR1 USR2; do trap "echo $signal >> signals" $signal; done
  trap 'echo TERM >> signals; exit 5' TERM
  echo $$ > pid
  while :; do sleep 0.05; done`;

Deno.test("lock run passes signals on and stays until its command ends", async () => {
  await withProject(async (dir) => {
    const wrapper = new Running(dir, ["lock", "run", "a", "--", "sh", "-c", NOTES]);
    await written(`${dir}/pid`);
    let expected = "";
    for (const name of ["HUP", "INT", "QUIT", "USR1", "USR2", "TERM"] as const) {
      wrapper.kill(`SIG${name}`);
      expected += `${name}\n`;
      await eventuallyEqual(() => textOf(`${dir}/signals`), expected);
    }
    assert.deepEqual(await wrapper.result(), { code: 5, stdout: "", stderr: "" });
    await assertNothingHeld(dir);
  });
});

Deno.test("lock run sent SIGTERM ends its command with all it started, and releases", async () => {
  await withProject(async (dir) => {
    const script = "sleep 60 & echo $! > grandchild; echo $$ > pid; wait";
    const wrapper = new Running(dir, ["lock", "run", "a", "--", "sh", "-c", script]);
    await written(`${dir}/pid`);
    wrapper.kill("SIGTERM");
    await gone(Number(textOf(`${dir}/grandchild`)));
    assert.equal((await wrapper.result()).code, 128 + 15);
    await assertNothingHeld(dir);
  });
});

Deno.test("lock run sent SIGINT while it queues leaves the queue with 130", async () => {
  await withProject(async (dir) => {
    await cli(dir, ["lock", "acquire", "a", "--agent", "bob"]);
    const args = ["lock", "run", "a", "--wait", "1m", "--", "touch", "ran"];
    const wrapper = new Running(dir, args);
    await waiterSeen(dir);
    wrapper.kill("SIGINT");
    assert.deepEqual(await wrapper.result(), { code: 130, stdout: "", stderr: "" });
    await cli(dir, ["lock", "release", "a", "--agent", "bob"]);
    const next = await cliJson(dir, ["lock", "acquire", "a", "--agent", "cy"]);
    assert.equal(next.code, 0);
    assert.equal(textOf(`${dir}/ran`), "");
  });
});

Deno.test("lock run killed outright takes its command with it", async () => {
  await withProject(async (dir) => {
    // Ignores SIGTERM, and so does what it starts.
    const script = "trap '' TERM; sleep 60 & echo $! > grandchild; echo $$ > pid; wait";
    const args = ["lock", "run", "a", "--ttl", "2s", "--", "sh", "-c", script];
    const wrapper = new Running(dir, args);
    const pid = Number(await written(`${dir}/pid`));
    const grandchild = Number(await written(`${dir}/grandchild`));
    wrapper.kill("SIGKILL");
    await gone(pid);
    await gone(grandchild);
    assert.equal((await wrapper.result()).code, 128 + 9);
    const { document } = await cliJson(dir, ["locks"]);
    assert.equal(document.data.length, 1, "the command ends before the lease lapses");
  });
});

Deno.test("lock run keeps from its command a signal that was ignored when it started", async () => {
  await withProject(async (dir) => {
    const words = [...programCommand(), "lock", "run", "a", "--", "sh", "-c", NOTES];
    const shell = new Deno.Command("sh", {
      args: ["-c", `trap '' HUP; exec "$@"`, "sh", ...words],
      cwd: dir,
      env: { AGENTCOORD_AGENT: "ada" },
      stdout: "null",
      stderr: "null",
    }).spawn();
    await written(`${dir}/pid`);
    shell.kill("SIGHUP");
    shell.kill("SIGTERM");
    assert.equal((await shell.status).code, 5);
    assert.equal(textOf(`${dir}/signals`), "TERM\n");
  });
});

Deno.test({
  name: "lock run at a terminal lets its command have what is typed, once",
  ignore: !(await hasScript()),
  fn: async () => {
    await withProject(async (dir) => {
      // Only a command in the terminal's foreground may read from it.
      const script = `
        trap 'echo INT >> signals' INT
        echo $$ > pid
        until [ "$line" ]; do read line < /dev/tty; done
        echo "$line" > line
        sleep 0.3
        exit 4`;
      const terminal = atTerminal(dir, ["lock", "run", "a", "--", "sh", "-c", script]);
      const keyboard = terminal.stdin.getWriter();
      const type = (text: string) => keyboard.write(new TextEncoder().encode(text));
      await written(`${dir}/pid`);
      await type("\x03");
      await eventuallyEqual(() => textOf(`${dir}/signals`), "INT\n");
      await type("typed\n");
      assert.equal(await written(`${dir}/line`), "typed\n");
      assert.equal((await terminal.status).code, 4);
      await keyboard.close().catch(() => undefined);
      assert.equal(textOf(`${dir}/signals`), "INT\n");
      await assertNothingHeld(dir);
    });
  },
});

Deno.test({
  name: "lock run at a terminal ends its command with all it started",
  ignore: !(await hasScript()),
  fn: async () => {
    await withProject(async (dir) => {
      // The sleeper ignores SIGTERM, by which it loses its parent; nor must the terminal's own SIGHUP,
      // when it is closed, be what ends it.
      const script = `sh -c 'trap "" TERM HUP; sleep 60 & echo $! > grandchild
        trap - TERM; exec sleep 60' & wait`;
      const run = ["lock", "run", "a", "--ttl", "2s", "--timeout", "300ms"];
      const terminal = atTerminal(dir, [...run, "--", "sh", "-c", script]);
      assert.equal((await terminal.status).code, 124);
      await gone(Number(textOf(`${dir}/grandchild`)));
      await terminal.stdin.close().catch(() => undefined);
      await assertNothingHeld(dir);
    });
  },
});

Deno.test({
  name: "lock run killed outright at a terminal takes its command with it",
  ignore: !(await hasScript()),
  fn: async () => {
    await withProject(async (dir) => {
      const script = `trap "" TERM HUP
        sleep 60 & echo $! > grandchild; echo $$ > child; echo $PPID > wrapper; wait`;
      const run = ["lock", "run", "a", "--ttl", "2s", "--", "sh", "-c", script];
      const terminal = atTerminal(dir, run);
      const wrapper = Number(await written(`${dir}/wrapper`));
      Deno.kill(wrapper, "SIGKILL");
      await gone(Number(textOf(`${dir}/child`)));
      await gone(Number(textOf(`${dir}/grandchild`)));
      await terminal.status;
      await terminal.stdin.close().catch(() => undefined);
    });
  },
});

/** Runs the program at a terminal of its own, made by script(1), whose keyboard is standard input. */
function atTerminal(dir: string, args: readonly string[]): Deno.ChildProcess {
  const words = [...programCommand(), ...args];
  const quoted = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
  return new Deno.Command("script", {
    // Without a shell in between, which would die of what is typed once the command has left.
    args: ["-qec", `exec ${quoted}`, "/dev/null"],
    cwd: dir,
    env: { AGENTCOORD_AGENT: "ada" },
    stdin: "piped",
    stdout: "null",
    stderr: "null",
  }).spawn();
}

async function hasScript(): Promise<boolean> {
  if (Deno.build.os !== "linux") return false;
  try {
    return (await new Deno.Command("script", { args: ["--version"] }).output()).success;
  } catch {
    return false;
  }
}

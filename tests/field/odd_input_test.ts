/**
 * Input that is no plain file: what may never come or never end is refused, pipes are read.
 * @module
 */
import assert from "node:assert/strict";
import { cleanEnvironment, programCommand, withProject } from "../support/cli.ts";

/** Runs a shell line in which `A` is the program; ends it when it takes 20 seconds. */
async function shell(dir: string, script: string) {
  const quoted = programCommand().map((word) => `'${word}'`).join(" ");
  const { code, stdout, stderr } = await new Deno.Command("bash", {
    args: ["-c", `A() { timeout 20 ${quoted} "$@"; }\n${script}`],
    cwd: dir,
    clearEnv: true,
    env: { ...cleanEnvironment(), AGENTCOORD_AGENT: "ada" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

const PIPE =
  /^agentcoord: Cannot read the file "pipe" of --[a-z]+: it is a named pipe, which may never be/;
const DEVICE = /: it is a device, which may never end\n$/;

const REFUSED: Readonly<Record<string, RegExp>> = {
  "A task add --from pipe": PIPE,
  "A task add t --payload @pipe": PIPE,
  "A task add --from link":
    /^agentcoord: Cannot read the file "link" of --from: it is a named pipe/,
  "A task add --from /dev/zero": DEVICE,
  "A task add t --payload @/dev/zero": DEVICE,
  "A task add --from /dev/stdin </dev/zero": DEVICE,
  "A task add --from - </dev/zero": DEVICE,
  "A task add t --description - </dev/zero": DEVICE,
  "A board post t --message - </dev/urandom": DEVICE,
  "A task add --from .": /: it is a directory\n$/,
};

Deno.test("input that may never come or never end is refused at once", () =>
  withProject(async (dir) => {
    await shell(dir, "mkfifo pipe; ln -s pipe link");
    for (const [line, message] of Object.entries(REFUSED)) {
      const { code, stderr } = await shell(dir, line);
      assert.match(stderr, message, line);
      assert.equal(code, 2, line);
    }
  }));

const TAKEN = [
  "A task add --from file -q",
  "A task add --from - -q <file",
  "cat file | A task add --from - -q",
  "cat file | A task add --from /dev/stdin -q",
  "A task add --from /dev/stdin -q <file",
  "A task add --from <(cat file) -q",
  "A task add t --payload @<(echo 1) -q",
  "echo text | A task add t --description - -q",
  "A task add t --description - -q </dev/null",
  "mkfifo here; cat file >here & A task add --from - -q <here",
];

Deno.test("input of a pipe that somebody writes to is taken", () =>
  withProject(async (dir) => {
    await Deno.writeTextFile(`${dir}/file`, '{"title":"t"}\n');
    for (const line of TAKEN) {
      const { code, stdout, stderr } = await shell(dir, line);
      assert.deepEqual([code, stderr], [0, ""], line);
      assert.match(stdout, /^tsk_\w{26}\n$/, line);
    }
  }));

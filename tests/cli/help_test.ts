/**
 * Help of every command, and what is said about words that are none. These run in this process: the
 * program's own entry is called with streams that a test can read.
 */
import assert from "node:assert/strict";
import { CommanderError } from "commander";
import { COMMANDS, GROUPS } from "../../commands/mod.ts";
import { buildProgram, findEntry } from "../../src/cli/program.ts";
import { run } from "../../src/cli/run.ts";
import { type ShellCommand, shellCommands } from "../support/shell_words.ts";

const LIST = { version: "0.0.0", commands: COMMANDS, groups: GROUPS };

async function inProcess(...argv: string[]) {
  let stdout = "";
  let stderr = "";
  const code = await run(argv, {
    ...LIST,
    env: {},
    cwd: "/nowhere",
    host: () => "host",
    isTerminal: false,
    columns: () => 80,
    secret: () => undefined,
    stdin: () => Promise.reject(new Error("help reads no input")),
    stdout: (text) => Promise.resolve(void (stdout += text)),
    stderr: (text) => Promise.resolve(void (stderr += text)),
  });
  return { code, stdout, stderr };
}

/** Parses a command line with the program's own definitions, without running it. */
async function dryParse({ words, rest }: ShellCommand): Promise<string | undefined> {
  let called: string | undefined;
  const program = await buildProgram(LIST, words, {
    help: () => called = "help",
    execute: () => Promise.resolve(void (called = findEntry(COMMANDS, GROUPS, words)?.path)),
  });
  try {
    await program.parseAsync([...words], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError) || error.exitCode !== 0) throw error;
  }
  const spec = (await findEntry(COMMANDS, GROUPS, words)?.load())?.command;
  if (rest !== undefined) assert.ok(spec?.takesRest, "takes no words after --");
  return called;
}

Deno.test("every command has a one-line summary and a path of one or two words", () => {
  const paths = COMMANDS.map(({ path }) => path);
  assert.deepEqual(paths, [...new Set(paths)]);
  for (const { path, summary } of COMMANDS) {
    assert.match(path, /^[a-z]+(-[a-z]+)*( [a-z]+(-[a-z]+)*)?$/, path);
    assert.match(summary, /^[^A-Z].{5,80}[^.]$/, `${path}: ${summary}`);
    const [group, verb] = path.split(" ");
    if (verb !== undefined) assert.ok(GROUPS.some(({ name }) => name === group), path);
  }
});

for (const entry of COMMANDS) {
  Deno.test(`help of "${entry.path}" exits 0 and its examples parse`, async () => {
    const words = entry.path.split(" ");
    const { code, stdout, stderr } = await inProcess(...words, "--help");
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    assert.ok(stdout.startsWith(`Usage: agentcoord ${entry.path} `), stdout);
    assert.ok(stdout.includes(entry.summary), stdout);
    if (entry.hidden) return;

    const { examples } = (await entry.load()).command;
    assert.ok(examples.length > 0, "has no example");
    for (const line of examples) {
      assert.ok(stdout.includes(`  $ ${line}\n`) || stdout.endsWith(`  $ ${line}`), line);
      const calls = shellCommands(line).filter(({ program }) => program === "agentcoord");
      const called = await Promise.all(
        calls.map(dryParse).map((parsing) =>
          parsing.catch((error) => {
            throw new Error(`example does not parse: ${line}\n${error.message}`);
          })
        ),
      );
      const own = (await entry.load()).command;
      const loaded = await Promise.all(
        called.map((path) =>
          COMMANDS.find((other) => other.path === path)?.load().then((leaf) => leaf.command)
        ),
      );
      // A list is reached by several names, and each may show the other in its examples.
      assert.ok(loaded.includes(own), `example does not call ${entry.path}: ${line}`);
    }
  });
}

Deno.test("help of the program lists every group and command", async () => {
  const { code, stdout, stderr } = await inProcess("--help");
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  for (const { name, summary } of GROUPS) {
    assert.match(stdout, new RegExp(`^  ${name} .*${RegExp.escape(summary)}$`, "m"));
  }
  for (const { path, hidden } of COMMANDS) {
    if (path.includes(" ")) continue;
    assert.equal(new RegExp(`^  ${path}[ \\n]`, "m").test(stdout), !hidden, path);
  }
  assert.deepEqual(await inProcess("help"), { code, stdout, stderr });
});

for (const { name } of GROUPS) {
  Deno.test(`help of the group "${name}" lists its commands`, async () => {
    const { code, stdout, stderr } = await inProcess(name, "--help");
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    for (const { path, isDefault } of COMMANDS) {
      const [group, verb] = path.split(" ");
      if (group === name && verb !== undefined && !isDefault) {
        assert.match(stdout, new RegExp(`^  ${verb}[ \\n]`, "m"));
      }
    }
  });
}

const MISTAKES: readonly { readonly words: string; readonly says: RegExp }[] = [
  { words: "lcok", says: /^Unknown command 'lcok' \(Did you mean lock\?\)$/ },
  { words: "lock aquire a.py", says: /^Unknown command 'aquire' \(Did you mean acquire\?\)$/ },
  {
    words: "lock acquire a.py --tll 5m",
    says: /^Unknown option '--tll' \(Did you mean --ttl\?\)$/,
  },
  { words: "locks --jsno", says: /^Unknown option '--jsno' \(Did you mean --json\?\)$/ },
  { words: "frobnicate", says: /^Unknown command 'frobnicate'$/ },
  { words: "init extra", says: /^Too many arguments for 'init'/ },
  { words: "lock acquire", says: /^Missing required argument 'path'$/ },
  { words: "lock verify a.py", says: /^Required option '--fence <n>' not specified$/ },
  { words: "init --durability some", says: /use full or normal$/ },
  { words: "", says: /^Name a command; see --help$/ },
  { words: "lock", says: /^Name a command; see --help$/ },
];

for (const { words, says } of MISTAKES) {
  Deno.test(`usage error of "agentcoord ${words}" exits 2 and says what is meant`, async () => {
    const argv = words.split(" ").filter((word) => word !== "");
    const text = await inProcess(...argv);
    assert.deepEqual([text.code, text.stdout], [2, ""]);
    const message = /^agentcoord: (.*)\n$/.exec(text.stderr)?.[1];
    assert.match(message ?? text.stderr, says);

    const json = await inProcess("--json", ...argv);
    assert.deepEqual([json.code, json.stderr], [2, ""]);
    const { ok, error } = JSON.parse(json.stdout);
    assert.deepEqual([ok, error.code, error.message], [false, "invalid_argument", message]);
  });
}

/**
 * The scripts are read by real shells. Only bash has to be there; where another is missing its part says
 * so and is passed over.
 */
import assert from "node:assert/strict";
import { COMMANDS, GROUPS } from "../../commands/mod.ts";
import { cleanEnvironment, cli, cliJson, withProject } from "../support/cli.ts";

interface ShellResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a shell without anybody's settings; `undefined` when it is not installed. */
async function shell(
  dir: string,
  argv: readonly [string, ...string[]],
): Promise<ShellResult | undefined> {
  const [program, ...args] = argv;
  const env = { ...cleanEnvironment(), LC_ALL: "C", HOME: dir };
  try {
    const command = new Deno.Command(program, {
      args,
      cwd: dir,
      clearEnv: true,
      env,
      stdin: "null",
    });
    const { code, stdout, stderr } = await command.output();
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    // deno-lint-ignore no-console -- a part that did not run must be seen
    console.warn(`NOT TESTED: ${program} is not installed`);
    return undefined;
  }
}

/** A project with a few files to complete, and the script for `name` in it. */
async function withScript(name: string, body: (dir: string) => Promise<void>): Promise<void> {
  await withProject(async (dir) => {
    const { code, stdout, stderr } = await cli(dir, ["completions", name]);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    await Deno.writeTextFile(`${dir}/script`, stdout);
    await Deno.mkdir(`${dir}/zsub`);
    await Deno.writeTextFile(`${dir}/zsub/file`, "");
    await Deno.writeTextFile(`${dir}/z a.py`, "");
    await body(dir);
  });
}

/** Lines to complete, the last word being under the cursor, and what is offered, sorted. */
const LINES: readonly { readonly line: readonly string[]; readonly offers: readonly string[] }[] = [
  { line: ["lock", "acq"], offers: ["acquire"] },
  { line: ["lock", "acquire", "--tt"], offers: ["--ttl"] },
  { line: ["lock", "acquire", "z"], offers: ["z a.py", "zsub"] },
  { line: ["lock", "acquire", "x.py", "z"], offers: ["z a.py", "zsub"] },
  { line: ["lock", "verify", "x.py", "z"], offers: [] },
  { line: ["lock", "acquire", "--intent", ""], offers: [] },
  { line: ["--store", "zsub", "lock", "rel"], offers: ["release"] },
  { line: ["--store", "z"], offers: ["z a.py", "zsub"] },
  { line: ["--fallback", "lock", "lock", "brea"], offers: ["break"] },
  { line: ["init", "--durability", ""], offers: ["full", "normal"] },
  { line: ["init", "--json", "--durability", "n"], offers: ["normal"] },
  { line: ["task", "claim", "--match", ""], offers: ["all", "any"] },
  { line: ["board", "--stat"], offers: ["--status"] },
  { line: ["completions", ""], offers: ["bash", "fish", "zsh"] },
  { line: ["help", "completi"], offers: ["completions"] },
  { line: ["lock", "--versi"], offers: ["--version"] },
  { line: ["nothing", "lik"], offers: [] },
  { line: ["lock", "run", "x.py", "--", "cat", "z"], offers: ["z a.py", "zsub"] },
  { line: ["lock", "acquire", "$(touch pwned)/"], offers: [] },
  { line: ["lock", "acquire", "`touch pwned`"], offers: [] },
];

const quoted = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;

Deno.test("completions for bash is valid and offers groups, verbs, options, choices and files", () =>
  withScript("bash", async (dir) => {
    const every = LINES.map(({ line }) => `try ${line.map(quoted).join(" ")}`);
    const groups = [[], ...GROUPS.map(({ name }) => [name])];
    for (const group of groups) every.push(`try ${[...group, ""].map(quoted).join(" ")}`);
    await Deno.writeTextFile(
      `${dir}/try`,
      `set -u
source ./script
complete -p agentcoord
try() {
  COMP_WORDS=(agentcoord "$@") COMP_CWORD=$# COMPREPLY=()
  _agentcoord
  ((\${#COMPREPLY[@]} == 0)) || printf '%s\\n' "\${COMPREPLY[@]}" | LC_ALL=C sort
  echo ==
}
${every.join("\n")}
try init --durability = n
try --store = zsub lock rel
`,
    );
    const result = await shell(dir, ["bash", "--norc", "--noprofile", "try"]);
    assert.ok(result !== undefined, "bash is needed");
    assert.deepEqual([result.code, result.stderr], [0, ""]);
    const [registered, ...offers] = result.stdout
      .replace("complete -F _agentcoord agentcoord\n", "$&==\n").split("==\n")
      .map((block) => block.split("\n").filter((line) => line !== ""));
    assert.deepEqual(registered, ["complete -F _agentcoord agentcoord"]);
    for (const [index, { line, offers: expected }] of LINES.entries()) {
      assert.deepEqual(offers[index], expected, line.join(" "));
    }
    for (const [index, [group]] of groups.entries()) {
      const verbs = COMMANDS.filter(({ hidden }) => !hidden).map(({ path }) => path.split(" "))
        .filter(([first, verb]) =>
          group === undefined ? verb === undefined : first === group && verb
        )
        .map(([first, verb]) => verb ?? first!);
      const expected = group === undefined
        ? [...verbs, ...GROUPS.map(({ name }) => name), "help"]
        : verbs;
      assert.deepEqual(offers[LINES.length + index], [...new Set(expected)].sort(), group);
    }
    assert.deepEqual(offers.slice(LINES.length + groups.length, -1), [["normal"], ["release"]]);
    assert.ok(
      ![...Deno.readDirSync(dir)].some(({ name }) => name === "pwned"),
      "a TAB ran a command",
    );
  }));

Deno.test("completions for fish is valid and offers the same", () =>
  withScript("fish", async (dir) => {
    const lines = LINES.filter(({ line }) => !/[$`]/.test(line.join("")));
    const every = lines.map(({ line }) =>
      `complete -C ${quoted(`agentcoord ${line.join(" ")}`)}; echo ==`
    );
    await Deno.writeTextFile(`${dir}/try`, `source ./script\n${every.join("\n")}\n`);
    const result = await shell(dir, ["fish", "--no-config", "try"]);
    if (result === undefined) return;
    assert.deepEqual([result.code, result.stderr], [0, ""]);
    const offers = result.stdout.split("==\n").map((block) =>
      block.split("\n").filter((line) => line !== "")
        .map((line) => line.split("\t")[0]!.replace(/\/$/, "")).sort()
    );
    for (const [index, { line, offers: expected }] of lines.entries()) {
      assert.deepEqual(offers[index], expected, line.join(" "));
    }
  }));

Deno.test("completions for zsh is valid", () =>
  withScript("zsh", async (dir) => {
    const result = await shell(dir, ["zsh", "-f", "-n", "script"]);
    if (result === undefined) return;
    assert.deepEqual(result, { code: 0, stdout: "", stderr: "" });
    const loaded = await shell(dir, [
      "zsh",
      "-f",
      "-c",
      `compdef() { print "$@" }; source ./script
_agentcoord_words lock; print -l \${reply%%:*}
_agentcoord_value init --durability && print -l $reply
_agentcoord_value init --json || print none
_agentcoord_argument 'lock acquire' 7; print -l $reply`,
    ]);
    const verbs = COMMANDS.filter(({ path, hidden }) => path.startsWith("lock ") && !hidden)
      .map(({ path }) => `${path.split(" ")[1]}\n`).join("");
    assert.deepEqual(loaded, {
      code: 0,
      stdout: `_agentcoord agentcoord\n${verbs}full\nnormal\nnone\n@file\n`,
      stderr: "",
    });
  }));

Deno.test("completions as JSON carries the script, and another shell is refused", () =>
  withProject(async (dir) => {
    const { code, document } = await cliJson(dir, ["completions", "fish"]);
    assert.equal(code, 0);
    assert.deepEqual(Object.keys(document.data), ["shell", "script"]);
    const refused = await cli(dir, ["completions", "tcsh"]);
    assert.deepEqual([refused.code, refused.stdout], [2, ""]);
    assert.match(refused.stderr, /Allowed choices are bash, zsh, fish\.\n$/);
  }));

import assert from "node:assert/strict";
import { join } from "node:path";
import { findViolations, formatViolation, readTree } from "../../scripts/checks/layers.ts";

/** A tree from path to content. */
type Files = Readonly<Record<string, string>>;

interface Example {
  readonly name: string;
  /** Breaks exactly one rule, once. */
  readonly broken: Files;
  /** Where, and words that the report must contain. */
  readonly report: RegExp;
  /** The nearest thing to it that is fine. */
  readonly fine: Files;
}

const lines = (count: number) => "const a = 1;\n".repeat(count);
/** Joins pieces, so that this file does not itself contain what the checks look for. */
const pieces = (...words: readonly string[]) => words.join("");

const EXAMPLES: readonly Example[] = [
  {
    name: "main.ts imported from a command",
    broken: { "main.ts": "", "commands/a.ts": `import "../main.ts";` },
    report: /^commands\/a\.ts:1: main\.ts is the top/,
    fine: { "main.ts": `import "./commands/mod.ts";`, "commands/mod.ts": "" },
  },
  {
    name: "a command imported from src/",
    broken: { "src/client.ts": `\nexport * from "../commands/a.ts";` },
    report: /^src\/client\.ts:2: src\/ is below the commands/,
    fine: { "commands/a.ts": `export * from "../src/client.ts";` },
  },
  {
    name: "a command imported from src/ only when needed",
    broken: { "src/client.ts": `await import("../commands/a.ts");` },
    report: /^src\/client\.ts:1: src\/ is below the commands/,
    fine: { "src/client.ts": `// await import("../commands/a.ts");` },
  },
  {
    name: "what tests share imported from the program",
    broken: { "src/lock/lock.ts": `import { startRedis } from "../../dev/redis_server.ts";` },
    report: /^src\/lock\/lock\.ts:1: dev\/, tests\/ and scripts\/ are beside the program/,
    fine: { "tests/lock/lock_test.ts": `import { startRedis } from "../../dev/redis_server.ts";` },
  },
  {
    name: "src/cli/ imported from the library",
    broken: { "src/lock/lock.ts": `import { table } from "../cli/output.ts";` },
    report: /^src\/lock\/lock\.ts:1: src\/cli\/ is for commands only/,
    fine: { "src/cli/run.ts": `import { table } from "./output.ts";` },
  },
  {
    name: "a wing imported from its room's domain file",
    broken: { "src/lock/lock.ts": `import { DirectoryLocks } from "./directory/store.ts";` },
    report: /^src\/lock\/lock\.ts:1: Only src\/open\/, and the wings of the same engine/,
    fine: { "src/lock/lock.ts": `import type { LockStore } from "./store.ts";` },
  },
  {
    name: "a wing imported from its room, if only its types",
    broken: { "src/lock/lock.ts": `import type { Row } from "./directory/rows.ts";` },
    report: /^src\/lock\/lock\.ts:1: Only src\/open\/, and the wings of the same engine/,
    fine: { "src/open/directory.ts": `import { append } from "../event/directory/append.ts";` },
  },
  {
    name: "a wing imported from the other engine's wing",
    broken: {
      "src/task/redis/store.ts": `import type { Row } from "../../event/directory/rows.ts";`,
    },
    report: /A wing never imports the other engine's wing/,
    fine: { "src/task/redis/store.ts": `import { keys } from "../../event/redis/keys.ts";` },
  },
  {
    name: "an engine's wing imported from the other one",
    broken: { "src/engine/redis/client.ts": `import { lock } from "../directory/kernel_lock.ts";` },
    report: /^src\/engine\/redis\/client\.ts:1: A wing never imports the other engine's wing/,
    fine: { "src/engine/redis/client.ts": `import { Actor } from "../actor.ts";` },
  },
  {
    name: "a room imported from the engine, if only its types",
    broken: {
      "src/engine/directory/engine.ts": `import type { Task } from "../../task/model.ts";`,
    },
    report: /^src\/engine\/directory\/engine\.ts:1: src\/engine\/ is the ground floor/,
    fine: { "src/task/directory/store.ts": `import type { A } from "../../engine/actor.ts";` },
  },
  {
    name: "a room's wing loaded by the engine when needed",
    broken: { "src/engine/waker.ts": `await import("../open/migrations.ts");` },
    report: /^src\/engine\/waker\.ts:1: src\/engine\/ is the ground floor/,
    fine: { "src/engine/waker.ts": `import { newId } from "../id.ts";` },
  },
  {
    name: "a table of another room",
    broken: {
      "src/lock/directory/tables.ts":
        "export const LOCK_TABLES = `CREATE TABLE locks (path TEXT)`;",
      "src/agent/directory/store.ts": "tx.run(`DELETE\nFROM locks WHERE holder = ?`);",
    },
    report:
      /^src\/agent\/directory\/store\.ts:2: What a room keeps .* Found: FROM locks, a table of lock/,
    fine: {
      "src/lock/directory/tables.ts":
        "export const LOCK_TABLES = `CREATE TABLE locks (path TEXT)`;",
      "src/lock/directory/held.ts": "tx.run(`DELETE FROM locks WHERE holder = ?`);",
    },
  },
  {
    name: "a key of another room",
    broken: {
      "src/agent/redis/prune.lua": "--[[ agent/prune: LOCKS ]]\ncall('DEL', LOCKS)\n",
    },
    report: /^src\/agent\/redis\/prune\.lua:2: What a room keeps .* Found: LOCKS, a key of lock/,
    fine: {
      "src/agent/redis/prune.lua": "--[[ agent/prune: LOCKS ]]\ncall('DEL', AGENTS) -- as LOCKS\n",
      "src/lock/redis/list.lua": "call('HGET', LOCKS, 'AGENTS')\n",
      "src/engine/redis/state.lua": "call('XADD', EVENTS)\n",
    },
  },
  {
    name: "SQLite outside its file, if only its types",
    broken: { "src/open/directory.ts": `import type { DatabaseSync } from "node:sqlite";` },
    report:
      /Only src\/engine\/directory\/database\.ts speaks to SQLite\. Found: import of "node:sqlite"/,
    fine: {
      "src/engine/directory/database.ts": `import { DatabaseSync } from "node:sqlite";`,
      "scripts/bench/bare.ts": `import { DatabaseSync } from "node:sqlite";`,
    },
  },
  {
    name: "the Redis client outside its engine",
    broken: { "src/lock/redis/store.ts": `const { Redis } = await import("ioredis");` },
    report: /Only src\/engine\/redis\/ speaks/,
    fine: { "src/engine/redis/client.ts": `const { Redis } = await import("ioredis");` },
  },
  {
    name: "a kernel lock outside the directory engine",
    broken: { "src/lock/directory/store.ts": "file.lockSync(true);" },
    report: /Only src\/engine\/directory\/ takes kernel file locks.* Found: \.lockSync/,
    fine: { "src/engine/directory/gate.ts": "file.lockSync(true); Deno.watchFs(path);" },
  },
  {
    name: "an asynchronous kernel lock outside the directory engine",
    broken: { "src/lock/directory/store.ts": "await file.lock(true);" },
    report: /Only src\/engine\/directory\/ takes kernel file locks/,
    fine: { "src/lock/directory/store.ts": "await session.lock(path);" },
  },
  {
    name: "a file watch outside the directory engine",
    broken: { "src/lock/directory/store.ts": "Deno.watchFs(path);" },
    report: /Only src\/engine\/directory\/ takes kernel file locks/,
    fine: { "src/lock/directory/store.ts": "/** Woken by `Deno.watchFs`. */" },
  },
  {
    name: "the environment read in the library",
    broken: { "src/config.ts": 'const a = `${Deno.env.get("A")}`;' },
    report: /^src\/config\.ts:1: Library code never prints/,
    fine: { "main.ts": 'const a = Deno.env.get("A");', "src/config.ts": "`Deno.env ${a}`;" },
  },
  {
    name: "printing in the library",
    broken: { "mod.ts": "console.error(1);" },
    report: /^mod\.ts:1: Library code never prints/,
    fine: { "mod.ts": '// console.error(1)\nconst a = "console.error(1)";' },
  },
  {
    name: "leaving the process in the library",
    broken: { "src/session.ts": "Deno.exit(1);" },
    report: /^src\/session\.ts:1: Library code never prints/,
    fine: { "src/cli/run.ts": "Deno.exit(1); console.log(Deno.stdin);" },
  },
  {
    name: "a circle of imports",
    broken: {
      "src/a.ts": `import { b } from "./b.ts";`,
      "src/b.ts": `export { c } from "./lock/c.ts";`,
      "src/lock/c.ts": `import { a, type A } from "../a.ts";`,
    },
    report: /Found: src\/a\.ts -> src\/b\.ts -> src\/lock\/c\.ts -> src\/a\.ts$/,
    fine: {
      "src/a.ts": `import { b } from "./b.ts";`,
      "src/b.ts": `export { c } from "./lock/c.ts";`,
      "src/lock/c.ts": `import type { D } from "./d.ts";`,
    },
  },
  {
    name: "a circle of imports that is closed by types alone",
    broken: {
      "src/a.ts": `import { b } from "./b.ts";`,
      "src/b.ts": `import type { A } from "./a.ts";`,
    },
    report:
      /^src\/b\.ts:1: Modules of src\/ must not .* not even for types\. Found: src\/a\.ts -> src\/b\.ts/,
    fine: {
      "src/a.ts": `import { b } from "./b.ts";\nimport type { C } from "./c.ts";`,
      "src/b.ts": `import type { C } from "./c.ts";`,
    },
  },
  {
    name: "a long file that does not say why",
    broken: { "src/a.ts": `/** Everything. */\n${lines(400)}// many lines\n` },
    report: /^src\/a\.ts:1: A file of more than 400 lines.* Found: 402 lines$/,
    fine: { "src/a.ts": `/** 401 lines: one table. */\n${lines(400)}`, "src/b.ts": lines(400) },
  },
  {
    name: "a long Lua file that does not say why",
    broken: { "src/lock/acquire.lua": `--[[ lock/acquire ]]\n${lines(400)}` },
    report: /^src\/lock\/acquire\.lua:1: A file of more than 400 lines/,
    fine: { "src/lock/acquire.lua": `--[[ Long lines\nfor a reason ]]\n${lines(400)}` },
  },
  {
    name: "a vague file name",
    broken: { "src/lock_utils.ts": "" },
    report: /^src\/lock_utils\.ts:1: A file is named after what it holds/,
    fine: { "src/lock_typeset.ts": "" },
  },
  {
    name: "a file name in another case",
    broken: { "src/lockStore.ts": "" },
    report: /^src\/lockStore\.ts:1: Source files and their folders are named in snake_case/,
    fine: { "src/lock_store.ts": "", "README.md": "", ".ci/run": "" },
  },
  {
    name: "a command loaded at every start",
    broken: {
      "main.ts": `import { COMMANDS } from "./commands/mod.ts";`,
      "commands/mod.ts": `import { run } from "./run.ts";`,
      "commands/run.ts": "",
    },
    report:
      /^commands\/mod\.ts:1: A command is loaded when .* Found: main\.ts -> commands\/mod\.ts -> commands\/run\.ts$/,
    fine: {
      "main.ts": `import { COMMANDS } from "./commands/mod.ts";`,
      "commands/mod.ts": `import { type Run } from "./run.ts"; await import("./run.ts");`,
      "commands/run.ts": "",
    },
  },
  {
    name: "a directory's database loaded while a server answers",
    broken: {
      "src/open/failover/store.ts": `import { Sides } from "./sides.ts";`,
      "src/open/failover/sides.ts": `import { type A, b } from "../../engine/directory/engine.ts";`,
    },
    report: /^src\/open\/failover\/sides\.ts:1: While a server answers, nothing of the directory/,
    fine: {
      "src/open/failover/store.ts": `import { Sides } from "./sides.ts";`,
      "src/open/failover/sides.ts": `import type { A } from "../../engine/directory/engine.ts";
import { type B, type C } from "../../engine/directory/engine.ts";
const { b } = await import("../../engine/directory/engine.ts");`,
    },
  },
  {
    name: "a path of this machine",
    broken: { "README.md": pieces("One\ncd /ro", "ot/agentcoord") },
    report: /^README\.md:2: A path of the machine/,
    fine: {
      "commands/mod.ts": pieces('import "./wo', 'rk/run.ts"; import "../a/wo', 'rk/run.ts";'),
    },
  },
  {
    name: "a package registry's host",
    broken: { "deno.lock": pieces("https://registry", ".npmjs.org/ulid") },
    report: /^deno\.lock:1: Which package registry is used/,
    fine: { "README.md": "the npm registry" },
  },
  {
    name: "a note to come back",
    broken: { "tests/a_test.ts": pieces("// TO", "DO: more") },
    report: /^tests\/a_test\.ts:1: Finish it, or leave it out/,
    fine: { "tests/a_test.ts": pieces("const TO", "DOS = 1;") },
  },
];

const reports = (files: Files) =>
  findViolations(new Map(Object.entries(files))).map(formatViolation);

for (const { name, broken, report, fine } of EXAMPLES) {
  Deno.test(`structure checks refuse ${name}`, () => {
    const found = reports(broken);
    assert.equal(found.length, 1, found.join("\n"));
    assert.match(found[0] ?? "", report);
    assert.deepEqual(reports(fine), []);
  });
}

Deno.test("structure checks are not confused by quotes, templates and regular expressions", () => {
  const source = [
    'const a = /["\'`]/.test(b) ? `//${c ? `http://x` : "`"}` : 1 / 2; // it\'s',
    'const d = "\\"" + `\\`${{ e: `}` }}`; /* ` */',
    'import { f } from "../commands/f.ts";',
  ].join("\n");
  const found = reports({ "src/a.ts": source });
  assert.equal(found.length, 1, found.join("\n"));
  assert.match(found[0] ?? "", /^src\/a\.ts:3: .* Found: import of "\.\.\/commands\/f\.ts"$/);
});

Deno.test("structure checks read the text files of a checkout, and fail when one breaks a rule", async () => {
  const root = await Deno.makeTempDir({ prefix: "agentcoord-layers-" });
  try {
    await new Deno.Command("git", { args: ["init", "--quiet", root] }).output();
    await Deno.mkdir(join(root, "src"));
    await Deno.writeTextFile(join(root, ".gitignore"), "ignored.ts\n");
    await Deno.writeTextFile(join(root, "ignored.ts"), "");
    await Deno.writeTextFile(join(root, "src/a.ts"), "console.log(1);\n");
    await Deno.writeFile(join(root, "image.png"), new Uint8Array([137, 80, 0, 71]));
    assert.deepEqual([...(await readTree(root)).keys()].sort(), [".gitignore", "src/a.ts"]);

    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", join(import.meta.dirname ?? "", "../../scripts/checks/layers.ts")],
      cwd: root,
    }).output();
    assert.equal(code, 1);
    assert.match(new TextDecoder().decode(stdout), /^src\/a\.ts:1: .* Found: console\.\n$/);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

/**
 * Bad calls: each exits with the code of its kind, names the offending value, and changes nothing.
 *
 * What is wrong in itself (exit code 2) is refused before the store is touched: not a row, not a file,
 * not even the registration of the acting agent, and where there was no store there is none after. What
 * the state of things refuses (3, 4, 5, 8, 9) has still been an act of the agent, so it counts as its heartbeat;
 * beside that, nothing changes.
 */
import assert from "node:assert/strict";
import { Command } from "@commander-js/extra-typings";
import { COMMANDS, GROUPS } from "../../commands/mod.ts";
import { findEntry } from "../../src/cli/program.ts";
import { EXIT_CODES } from "../../src/errors.ts";
import { printable } from "../../src/name.ts";
import { withProject } from "../support/cli.ts";
import {
  AGENT_MISTAKES,
  BOARD_MISTAKES,
  GLOBAL_MISTAKES,
  LEAST,
  LOCK_MISTAKES,
  type Mistake,
  NEED_NO_SETTING,
  NEED_NOBODY,
  OTHER_MISTAKES,
  REFUSALS,
  TASK_MISTAKES,
} from "../support/golden_mistakes.ts";
import { envelope, inProcess } from "../support/golden_run.ts";
import { seed, type Seeded } from "../support/golden_seed.ts";
import {
  assertUnchanged,
  contents,
  contentsButHeartbeats,
  KINDS,
  useRedis,
} from "../support/golden_store.ts";

const GROUPS_OF_MISTAKES: Readonly<Record<string, readonly Mistake[]>> = {
  "no command in particular": GLOBAL_MISTAKES,
  "the lock commands": LOCK_MISTAKES,
  "the agent commands": AGENT_MISTAKES,
  "the task commands": TASK_MISTAKES,
  "the board and the inbox": BOARD_MISTAKES,
  "the other commands": OTHER_MISTAKES,
};

const CHARACTERS: Readonly<Record<string, string>> = {
  NUL: "\0",
  BELL: "\x07",
  LF: "\n",
  ESC: "\x1b",
  C1: "\x9b",
  BIDI: "\u202e",
};

/** Identifiers for a project that holds nothing. */
const NOTHING: Seeded = {
  pending: "tsk_00000000000000000000000000",
  claimed: "tsk_00000000000000000000000000",
  completed: "tsk_00000000000000000000000000",
  approval: "apr_00000000000000000000000000",
  approved: "apr_00000000000000000000000000",
  thread: "thr_00000000000000000000000000",
  event: "evt_00000000000000000000000000",
  taskFence: 1,
  lockFence: 1,
};

/** The words of a line, with what stands in braces replaced. */
function wordsOf(line: string, seeded: Seeded): string[] {
  const known: Readonly<Record<string, string | number>> = { ...CHARACTERS, ...seeded };
  return [...line.matchAll(/(?:'[^']*'|\{\d+ names,?\}|[^\s'])+/g)].flatMap(([token]) => {
    const names = /^\{(\d+) names(,?)\}$/.exec(token);
    if (names !== null) {
      const list = Array.from({ length: Number(names[1]) }, (_, index) => `n${index}`);
      return names[2] === "," ? [list.join(",")] : list;
    }
    return token.replaceAll("'", "")
      .replace(/\{(\d+)\}/g, (_, count) => "x".repeat(count))
      .replace(/\{(\w+)\}/g, (whole, name) => name in known ? String(known[name]) : whole);
  });
}

/** What links in the seeded project, for paths that lead astray. */
async function layTraps(dir: string): Promise<void> {
  await Deno.mkdir(`${dir}/src`, { recursive: true });
  await Deno.symlink("/etc", `${dir}/out`);
  await Deno.symlink("circle", `${dir}/circle`);
}

function environment(as: string | undefined): Record<string, string> {
  // Wrappers look for their command there before they check anything else.
  const path = Deno.env.get("PATH") ?? "/usr/bin:/bin";
  return { PATH: path, ...(as === undefined ? {} : { AGENTCOORD_AGENT: as }) };
}

/** A test that calls the program in its own process, as often as it likes. */
function badInput(
  name: string,
  body: (dir: string, t: Deno.TestContext) => Promise<void>,
  withSeed = true,
  store = true,
): void {
  Deno.test({
    name,
    // As a one-shot process does, a call leaves to the kernel what it closes anyway.
    sanitizeResources: false,
    sanitizeOps: false,
    fn: (t) =>
      withProject(async (dir) => {
        if (withSeed) await layTraps(dir);
        await body(dir, t);
      }, { store }),
  });
}

/** Makes one mistake, in JSON and in text, and checks how it is refused. */
async function refuses(
  dir: string,
  [line, says, { stdin, env, as = "stranger" } = {}]: Mistake,
  seeded: Seeded,
): Promise<void> {
  const words = wordsOf(line, seeded);
  const options = {
    env: { ...environment(as), ...env },
    ...(stdin === undefined ? {} : { stdin }),
  };
  const { code, document: { error }, stderr } = await envelope(dir, words, options);
  assert.deepEqual([code, stderr, error?.code], [2, "", "invalid_argument"], line);
  assert.ok(error.message.includes(says), `${line}: ${error.message}`);
  assert.equal(error.retryable, false);
  assert.doesNotMatch(JSON.stringify(error), /s3cret/);
  const text = await inProcess(dir, words, options);
  assert.deepEqual(text, {
    code: 2,
    stdout: "",
    stderr: `agentcoord: ${printable(error.message, 2000)}\n`,
  });
  assert.match(text.stderr, /^[^\p{Cc}\p{Bidi_C}]+\n$/u, line);
}

for (const [group, mistakes] of Object.entries(GROUPS_OF_MISTAKES)) {
  badInput(`bad input of ${group} is refused, and nothing is written`, async (dir, t) => {
    const seeded = await seed(dir);
    let before = contents(dir);
    for (const mistake of mistakes) {
      await t.step(`agentcoord ${mistake[0]}`.slice(0, 100), async () => {
        await refuses(dir, mistake, seeded);
        const after = contents(dir);
        const earlier = before;
        before = after;
        assertUnchanged(earlier, after, mistake[0]);
      });
    }
  });
}

badInput(
  "bad input makes no store where there is none",
  async (dir) => {
    const before = contents(dir);
    const made: string[] = [];
    for (const mistakes of Object.values(GROUPS_OF_MISTAKES)) {
      for (const [line, says, options] of mistakes) {
        // A place in a list that is not there yet cannot be known to be wrong without looking.
        if (/--cursor/.test(line)) continue;
        await refuses(dir, [line, says, options ?? {}], NOTHING);
        if (!Object.hasOwn(contents(dir), "/.agentcoord")) continue;
        made.push(line);
        await Deno.remove(`${dir}/.agentcoord`, { recursive: true });
      }
    }
    assert.deepEqual(made, []);
    assertUnchanged(before, contents(dir), "all of them");
  },
  true,
  false,
);

badInput("bad input is refused without asking a Redis server", async (dir) => {
  // Whatever asked one would fail in another way: nothing listens there.
  const nowhere = { AGENTCOORD_STORE: "redis://127.0.0.1:1" };
  for (const mistakes of Object.values(GROUPS_OF_MISTAKES)) {
    for (const [line, says, options = {}] of mistakes) {
      if (/--cursor/.test(line)) continue;
      const env = { ...nowhere, ...options.env };
      await refuses(dir, [line, says, { ...options, env }], NOTHING);
    }
  }
});

badInput("what the state of things refuses is refused alike on Redis", async (dir) => {
  if (!KINDS.includes("redis")) return;
  await useRedis(dir);
  const seeded = await seed(dir);
  for (const [as, line, code, says] of REFUSALS) {
    const json = await envelope(dir, wordsOf(line, seeded), { env: environment(as) });
    assert.equal(json.code, code, line);
    assert.ok(
      json.document.error.message.includes(says),
      `${line}: ${json.document.error.message}`,
    );
  }
});

badInput("what the state of things refuses changes nothing but heartbeats", async (dir, t) => {
  const seeded = await seed(dir);
  let before = contentsButHeartbeats(dir);
  for (const [as, line, code, says] of REFUSALS) {
    await t.step(`${as}$ agentcoord ${line}`, async () => {
      const options = { env: environment(as) };
      const words = wordsOf(line, seeded);
      const json = await envelope(dir, words, options);
      const { error } = json.document;
      assert.deepEqual([json.code, json.stderr], [code, ""], `${line}: ${error?.message}`);
      if (code < 64) assert.equal(EXIT_CODES[error.code as keyof typeof EXIT_CODES], code);
      assert.ok(error.message.includes(says), `${line}: ${error.message}`);
      const text = await inProcess(dir, words, options);
      assert.deepEqual([text.code, text.stdout], [code, ""]);
      assert.match(text.stderr, /^agentcoord: [^\p{Cc}]+\n$/u);
      const after = contentsButHeartbeats(dir);
      const earlier = before;
      before = after;
      assertUnchanged(earlier, after, line);
    });
  }
});

badInput("what no command takes is refused by every command", async (dir) => {
  const seeded = await seed(dir);
  const before = contents(dir);
  for (const { path, load, hidden } of COMMANDS) {
    if (hidden) continue;
    const { takesRest, build } = (await load()).command;
    const least = `${path} ${LEAST[path] ?? ""}`.trimEnd();
    await refuses(dir, [`${least} --frobnicate`, "Unknown option '--frobnicate'"], seeded);
    await refuses(dir, [`${least} --quiet=yes`, "--quiet=yes"], seeded);
    if (takesRest) continue;
    const takesMany = build(new Command()).registeredArguments.at(-1)?.variadic ?? false;
    if (!takesMany) {
      await refuses(dir, [`${least} -- --more than it takes`, "Too many arguments"], seeded);
    }
    if (NEED_NO_SETTING.includes(path)) continue;
    await refuses(dir, [`${least} --agent 'a b'`, 'Invalid --agent "a b"'], seeded);
    if (NEED_NOBODY.includes(path)) continue;
    const { code, document: { error } } = await envelope(dir, wordsOf(least, seeded));
    assert.deepEqual([code, error?.code], [2, "invalid_argument"], `${path} without an agent`);
    assert.match(error.message, /^No acting agent: name one with --agent NAME or AGENTCOORD_AGENT/);
  }
  assertUnchanged(before, contents(dir), "all of them");
});

Deno.test("bad input is tried on every command", () => {
  const lines = Object.values(GROUPS_OF_MISTAKES).flat().map(([line]) => line);
  assert.ok(lines.length > 250, `${lines.length}`);
  const called = lines.map((line) => findEntry(COMMANDS, GROUPS, wordsOf(line, NOTHING))?.path);
  const missing = COMMANDS.filter(({ path, hidden }) => !hidden && !called.includes(path));
  assert.deepEqual(missing.map(({ path }) => path), []);
});

badInput("a word that AGENTCOORD_JSON cannot be is named, in text", async (dir) => {
  const result = await inProcess(dir, ["locks"], { env: { AGENTCOORD_JSON: "maybe" } });
  assert.deepEqual(result, {
    code: 2,
    stdout: "",
    stderr: 'agentcoord: Invalid AGENTCOORD_JSON "maybe": use 1 or 0\n',
  });
}, false);

badInput("a bad configuration file is refused with its key and its path", async (dir, t) => {
  await seed(dir);
  const path = `${dir}/agentcoord.json`;
  const files: readonly (readonly [text: string, says: string])[] = [
    ["{", "it is not JSON"],
    ['{"namespace": "default",}', "(line 1 column 25)"],
    ["", "it is not JSON"],
    ["[]", "use one JSON object"],
    ["null", "use one JSON object"],
    ['{"namspace": "x"}', 'Invalid key "namspace"'],
    ['{"__proto__": {}}', 'Invalid key "__proto__"'],
    ['{"agent": "ada"}', "a file is shared by all agents"],
    ['{"namespace": 5}', "Invalid namespace in"],
    ['{"namespace": "../x"}', '"../x"'],
    ['{"json": "yes"}', "use true or false"],
    ['{"fallback": true}', "use auto, directory or never"],
    ['{"durability": "some"}', "use full or normal"],
    ['{"store": ""}', "Invalid store in"],
    ['{"store": "redis//:s3cret@db"}', "it is neither a URL nor plainly a directory"],
    ['{"store": "redis://:s3cret@db"}', "a password does not go into a configuration file"],
    ['{"json": true, "json": false}', 'the key "json" stands there twice'],
    ['{"hooks": {"onError": "ask", "onError": "deny"}}', 'the key "onError" stands there twice'],
    ['{"hooks": {"onError": "retry"}}', "use ask, deny or allow"],
    ['{"store": "rediss://ada:s3cret@"}', "it is no complete URL"],
    ['{"store": ["s3cret"]}', "an array"],
    ['{"store": "redis://:s3cret@db?tls=1"}', "use rediss: for TLS"],
  ];
  for (const [text, says] of files) {
    await t.step(text, async () => {
      await Deno.writeTextFile(path, text);
      const before = contents(dir);
      for (const line of ["lock acquire free.py", "locks", "config"]) {
        const { code, stdout, stderr } = await inProcess(dir, wordsOf(line, NOTHING), {
          env: environment("stranger"),
        });
        assert.deepEqual([code, stdout], [2, ""], line);
        assert.ok(stderr.includes(says), stderr);
        assert.ok(stderr.includes(path), stderr);
        assert.doesNotMatch(stderr, /s3cret/);
      }
      assertUnchanged(before, contents(dir), text);
    });
  }
  await Deno.remove(path);
  await Deno.mkdir(path);
  const { code, stderr } = await inProcess(dir, ["locks"]);
  assert.deepEqual([code, stderr.includes(path)], [2, true], stderr);
}, false);

/** Values that people and programs hand over: taken as they are, or refused with the place. */
import assert from "node:assert/strict";
import { JsonError, parseJson } from "../../src/cli/json.ts";
import { mentionsIn } from "../../src/board/mention.ts";
import { sleep } from "../../src/clock.ts";
import { cli, cliJson, withProject } from "../support/cli.ts";
import { envelope, inProcess } from "../support/golden_run.ts";

/** As a one-shot process does, a call in this process leaves what the kernel closes to it. */
const inProject = (name: string, body: (dir: string) => Promise<void>) =>
  Deno.test({
    name,
    fn: () => withProject(body),
    sanitizeResources: false,
    sanitizeOps: false,
  });
const ADA = { env: { AGENTCOORD_AGENT: "ada" } };

Deno.test("JSON whose numbers a double cannot hold is refused with their place", () => {
  for (
    const [text, place] of [
      ['{"id":1234567890123456789}', " at .id"],
      ["9007199254740993", ""],
      ["-9007199254740993", ""],
      ['[0,{"a b":[1,2,90071992547409931]}]', ' at [1]["a b"][2]'],
      ['{"pi":3.14159265358979323846}', " at .pi"],
      ['{"s":"1234567890123456789","n":{"x":[1e400]}}', " at .n.x[0]"],
      ["1e-400", ""],
      ["0.1234567890123456789", ""],
    ] as const
  ) {
    assert.throws(() => parseJson(text), (error: Error) => {
      assert.ok(error instanceof JsonError);
      assert.match(error.message, /would be rounded to .*; write it as a text/);
      assert.ok(error.message.includes(`${place} would be rounded`), error.message);
      return true;
    });
  }
});

Deno.test("JSON whose numbers a double holds is taken as it is", () => {
  for (
    const text of [
      "0",
      "-0.0",
      "0.000",
      "0e5",
      "1.0",
      "1.50",
      "0.1",
      "1e3",
      "1E+3",
      "100e-2",
      "1e23",
      "9007199254740991",
      "9007199254740992",
      "18014398509481984",
      "0.10000000000000001",
      "1.7976931348623157e308",
      "5e-324",
      '"12345678901234567890"',
      '{"a\\"1234567890123456789":"\\\\"}',
      String.raw`["\\\"", "12345678901234567890", {"a":[{"b":1},{"b":2}]}, {}, []]`,
    ]
  ) assert.deepEqual(parseJson(text), JSON.parse(text));
});

Deno.test("JSON with a key twice in one object is refused, also when it is spelt otherwise", () => {
  assert.throws(() => parseJson('{"a":1,"b":{"a":1,"\\u0061":2}}'), /the key "a" twice at \.b$/);
  assert.throws(() => parseJson('[{"a":1,"a":1}]'), /the key "a" twice at \[0\]$/);
});

inProject(
  "payload, result and lines of a file with numbers that would be rounded are refused",
  async (dir) => {
    const number = '{"id":1234567890123456789}';
    await Deno.writeTextFile(`${dir}/payload`, number);
    for (
      const words of [
        ["task", "add", "t", "--payload", number],
        ["task", "add", "t", "--payload", "@payload"],
        ["task", "complete", "tsk_00000000000000000000000000", "--result", number],
      ]
    ) {
      const { code, document } = await envelope(dir, words, ADA);
      assert.equal(code, 2);
      assert.match(document.error.message, /1234567890123456789 at \.id would be rounded/);
    }
    const stdin = `{"title":"a"}\n{"title":"b","payload":${number}}\n`;
    const { code, document } = await envelope(dir, ["task", "add", "--from", "-"], {
      ...ADA,
      stdin,
    });
    assert.equal(code, 2);
    assert.match(document.error.message, /^Invalid line 2 .* at \.payload\.id would be rounded/);
    assert.deepEqual((await envelope(dir, ["tasks"])).document.data, []);
  },
);

inProject(
  "file of tasks takes null for what is left out, and names the line of every mistake",
  async (dir) => {
    const all = {
      title: "a",
      description: null,
      priority: null,
      tags: null,
      dependsOn: null,
      notBeforeMs: null,
      maxAttempts: null,
      leaseMs: null,
      backoff: null,
      payload: null,
      key: null,
    };
    const from = ["task", "add", "--from", "-"];
    const good = await envelope(dir, from, { ...ADA, stdin: JSON.stringify(all) });
    assert.equal(good.code, 0, JSON.stringify(good.document));
    assert.equal(good.document.data[0].payload, null);
    const twice = await envelope(dir, from, { ...ADA, stdin: '{"title":"a","title":"b"}' });
    assert.match(twice.document.error.message, /^Invalid line 1 .* the key "title" twice/);
    const stdin = `${'{"title":"t"}\n'.repeat(1000)}\n{"title":"bad\\u0007"}\n`;
    const last = await envelope(dir, from, { ...ADA, stdin });
    assert.match(last.document.error.message, /^Line 1002 of --from: Invalid title /);
    const early = `{"title":"t"}\n{"title":"bad\\u0007"}\n{"title":"t"}\n`;
    const second = await envelope(dir, from, { ...ADA, stdin: early });
    assert.match(second.document.error.message, /^Line 2 of --from: Invalid title /);
  },
);

inProject(
  "bytes that are not UTF-8 are refused with their place, on standard input and in files",
  async (dir) => {
    const write = (name: string, ...parts: readonly (string | number)[]) =>
      Deno.writeFile(
        `${dir}/${name}`,
        new Uint8Array(
          parts.flatMap((
            part,
          ) => typeof part === "number" ? part : [...new TextEncoder().encode(part)]),
        ),
      );
    await write("latin", '{"title":"é"}\n{"title":"caf', 0xe9, '"}\n');
    await write("cut", '{"title":"caf', 0xc3);
    await write("lone", 0x80);
    for (
      const [name, place] of [
        ["latin", /byte 29 \(0xe9, in line 2\) is not UTF-8/],
        ["cut", /byte 14 \(0xc3, in line 1\) is not UTF-8/],
        ["lone", /byte 1 \(0x80, in line 1\) is not UTF-8/],
      ] as const
    ) {
      const file = await cli(dir, ["task", "add", "--from", name], ADA);
      assert.equal(file.code, 2);
      assert.match(file.stderr, place);
      const payload = await cli(dir, ["task", "add", "t", "--payload", `@${name}`], ADA);
      assert.match(payload.stderr, place);
      const bytes = await Deno.readFile(`${dir}/${name}`);
      const { code, stderr } = await inProcess(dir, ["task", "add", "t", "--description", "-"], {
        ...ADA,
        stdin: bytes,
      });
      assert.equal(code, 2);
      assert.match(stderr, place);
    }
    await write("marked", 0xef, 0xbb, 0xbf, '{"title":"b"}\n');
    assert.equal((await cli(dir, ["task", "add", "--from", "marked"], ADA)).code, 0);
    const stdin = await Deno.readFile(`${dir}/marked`);
    const read = await inProcess(dir, ["task", "add", "--from", "-"], { ...ADA, stdin });
    assert.equal(read.code, 0);
    const titles = (await cliJson(dir, ["tasks"])).document.data.map((
      { title }: { title: string },
    ) => title);
    assert.deepEqual(titles, ["b", "b"]);
  },
);

inProject("-- ends options of commands that run no other command", async (dir) => {
  const add = await envelope(dir, ["task", "add", "--", "--json"], ADA);
  assert.deepEqual([add.code, add.document.data?.title], [0, "--json"]);
  const lock = await envelope(dir, ["lock", "acquire", "--", "-q", "--", "b"], ADA);
  const paths = lock.document.data?.map(({ path }: { path: string }) => path).sort();
  assert.deepEqual(paths, ["--", "-q", "b"]);
  const post = await envelope(dir, ["board", "post", "t", "--message", "--"], ADA);
  assert.deepEqual([post.code, post.document.data?.message], [0, "--"]);
  const more = await envelope(dir, ["version", "--", "x"]);
  assert.equal(more.code, 2);
});

inProject("words of the command line are safe to print in every refusal", async (dir) => {
  for (const words of [["completions", "\u202eevil"], ["version", "\x7f"], ["\u202e", "x"]]) {
    for (const json of [["--json"], []]) {
      const { code, stdout, stderr } = await inProcess(dir, [...json, ...words]);
      assert.equal(code, 2);
      assert.doesNotMatch(stdout + stderr, /[\u202e\x7f]/);
    }
  }
});

inProject("lock run --timeout beyond what a timer holds lets the command run", async (dir) => {
  const run = (timeout: string) =>
    cli(dir, ["lock", "run", "a", "--timeout", timeout, "--", "sh", "-c", "exit 4"], ADA);
  assert.deepEqual(await run("25d"), { code: 4, stdout: "", stderr: "" });
  const absurd = await run("400d");
  assert.equal(absurd.code, 2);
  assert.match(absurd.stderr, /Invalid --timeout .*30d/);
});

Deno.test("sleep longer than a timer holds goes on until it is called off", async () => {
  const off = new AbortController();
  let isOver = false;
  const sleeping = sleep(2 ** 31 + 5, off.signal).then(() => isOver = true);
  await sleep(20);
  assert.equal(isOver, false);
  off.abort();
  await sleeping;
});

Deno.test("mention stands beside scripts without spaces and beside markup, in no address", () => {
  for (
    const [text, names] of [
      ["请@ada看一下", ["ada"]],
      ["確認お願いします@ada-2さん", ["ada-2"]],
      ["サーバー@adaへ", ["ada"]],
      ["ช่วย@adaดูหน่อย", ["ada"]],
      ["안녕@ada님", ["ada"]],
      ["_@ada_ *@bob* **@cy** __@dan__", ["ada", "bob", "cy", "dan"]],
      ['(@ada) "@bob" 「@cy」', ["ada", "bob", "cy"]],
      ["me@example.org me_@example.org ü@example.org 1@example.org", []],
      ["https://x.org/@ada a.@ada a+@ada", []],
      ["@adaé @ada\u0301 @ada@x", []],
    ] as const
  ) assert.deepEqual(mentionsIn(text), names, text);
});

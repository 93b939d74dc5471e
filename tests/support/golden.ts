/**
 * Transcripts: what a row of command lines prints, with exit codes, compared as one text.
 *
 * ```text
 * ada$ lock acquire src/a.py          the words before "$" are who acts
 * Locked src/a.py (fence 1), lapses in 5m
 * bob$ NO_COLOR=1 lock acquire src/a.py <<<'text on standard input'
 * ! agentcoord: Cannot acquire …      a line of stderr
 * = 3                                 an exit code other than 0
 * ada& approval wait apr_1            goes on beside the lines that follow …
 * waiting                             goes on once it waits for something in the store
 * wait                                … up to here, where what it left stands
 * ```
 *
 * Every line runs as a process of its own. What differs from run to run is replaced: identifiers are
 * numbered in the order they are first seen (`apr_1`) and command lines use those numbers too; a fence is
 * counted from where the store began, and `--fence 1` on a command line means that one; an epoch
 * millisecond becomes `AT`, a hash `HASH`, an age of seconds `now`; longer times are rounded to the
 * minute. JSON is laid out over several lines where it is long. Columns are two spaces apart; their
 * alignment is {@linkcode assertAligned}'s business.
 *
 * Then all of it is played once more on Redis, where the program must say the very same. To be quick, that
 * happens inside the test's own process, but for lines that run a command of somebody else's.
 *
 * With `AGENTCOORD_GOLDEN=update` the transcripts in the test file are rewritten instead.
 * @module
 */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { formatDuration, parseDuration } from "../../src/duration.ts";
import { cli, type CliOptions, type CliResult } from "./cli.ts";
import { inProcess } from "./golden_run.ts";
import { freshNamespace, hasRedis, pause, resp, sharedRedis } from "../../dev/redis_server.ts";
import { eventually } from "./wrapped.ts";

/** Where and how a transcript runs. */
export interface TranscriptOptions {
  /** The test file, as `import.meta.url`: where an update is written to. */
  readonly file: string;
  /** Added to every environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** What came before can be done to a directory only. */
  readonly directoryOnly?: boolean;
}

/** What a transcript came to. */
interface Played {
  readonly text: string;
  /** The same with the keys of JSON objects in alphabetical order: no reader may rely on any other. */
  readonly sorted: string;
}

/** How the lines of a transcript are run on one kind of store. */
interface Stage {
  readonly run: (args: readonly string[], options: CliOptions) => Promise<CliResult>;
  /** Whether somebody is in a wait queue of the store. */
  readonly isWaitedFor: () => boolean | Promise<boolean>;
}

/** Runs every command line of `expected` in `dir` and compares all they left with it. */
export async function transcript(
  dir: string,
  expected: string,
  { file, env = {}, directoryOnly = false }: TranscriptOptions,
): Promise<void> {
  const actual = await play(dir, expected, env, {
    run: (args, options) => cli(dir, args, options),
    isWaitedFor: () => isWaitedFor(dir),
  });
  if (Deno.env.get("AGENTCOORD_GOLDEN") === "update") {
    return update(file, expected, `\n${actual.text}`);
  }
  assert.equal(actual.text, expected.replace(/^\n/, ""));
  if (directoryOnly || !hasRedis()) return;
  const answer = await playOnRedis(dir, expected, env);
  assert.equal(
    answer.sorted,
    actual.sorted,
    "Redis (actual) differs from the directory (expected)",
  );
}

/** A server for which a directory stands in begins with an epoch, and says since when and why; a directory has neither. */
const SERVER_AUTHORITY =
  /(\bdirectory, epoch |"store":"directory","epoch":)1(?:,"sinceMs":\d+,"reason":"first use","others":\[\])?/g;

/** Gives the transcript as it would be of the project's own directory. */
async function playOnRedis(
  dir: string,
  expected: string,
  env: Readonly<Record<string, string>>,
): Promise<Played> {
  const { url, port } = await sharedRedis();
  const namespace = freshNamespace();
  const store = { AGENTCOORD_STORE: url, AGENTCOORD_NAMESPACE: namespace };
  // Who decides reads the settings from the line itself.
  const named = ` --namespace ${namespace}`;
  const own = (text: string) =>
    text.replaceAll(named, "").replaceAll(namespace, "default").replaceAll(
      url,
      `${dir}/.agentcoord`,
    )
      .replaceAll("test-host", Deno.hostname()).replace(/\bredis\b/g, "directory")
      .replace(SERVER_AUTHORITY, (_, before) => `${before}0`);
  await using client = await resp(port);
  const answer = await play(dir, expected, { ...env, ...store }, {
    run: async (args, options) => {
      const given = { PATH: Deno.env.get("PATH") ?? "", ...options.env };
      const { code, stdout, stderr } = args.includes("--")
        ? await cli(dir, args, options)
        : await inProcess(dir, args, { ...options, env: given });
      return { code, stdout: own(stdout), stderr: own(stderr) };
    },
    isWaitedFor: async () => {
      const keys = ["lock_waiters", "task_waiters", "listeners"];
      const found = await client.command(
        "EXISTS",
        ...keys.map((key) => `{agentcoord:${namespace}}:${key}`),
      );
      return Number(found) > 0;
    },
  });
  // Calls in this process leave their connections to end by themselves.
  await pause(100);
  return answer;
}

async function play(
  dir: string,
  expected: string,
  env: Readonly<Record<string, string>>,
  stage: Stage,
): Promise<Played> {
  const steady = new Steadier(dir);
  let text = "";
  let sorted = "";
  const add = (lines: string) => {
    text += lines;
    sorted += lines;
  };
  let beside: Promise<CliResult> | undefined;
  const learnFences = async () => {
    if (steady.knowsFences) return;
    const { stdout } = await stage.run(["events", "--json"], { env });
    const first = /"fence":(\d+)/.exec(stdout)?.[1];
    if (first !== undefined) steady.beginFences(Number(first));
  };
  for (const line of expected.split("\n")) {
    const prompt = /^([\w.-]*)([$&]) (.*)$/.exec(line);
    if (prompt === null && line !== "wait" && line !== "waiting") continue;
    add(`${line}\n`);
    if (line === "waiting") {
      const waited = async () => await stage.isWaitedFor() || undefined;
      await eventually("somebody waiting", waited, 20_000);
      continue;
    }
    let result = beside;
    if (prompt !== null) {
      const [, actor = "", mode, words = ""] = prompt;
      if (/--fence[ =]\d/.test(words)) await learnFences();
      const call = parseCall(steady.original(words));
      result = stage.run(call.args, {
        env: { ...(actor === "" ? {} : { AGENTCOORD_AGENT: actor }), ...env, ...call.env },
        ...(call.stdin === undefined ? {} : { stdin: call.stdin }),
      });
      if (mode === "&") {
        beside = result;
        continue;
      }
    }
    if (result === undefined) throw new Error("nothing to wait for");
    const { code, stdout, stderr } = await result;
    if ((stdout + stderr).match(FENCE) !== null) await learnFences();
    const said = steady.steady(stdout);
    text += show(said, "", layOut);
    sorted += show(said, "", (line) => layOut(line, inOrder));
    add(show(steady.steady(stderr), "! ", layOut));
    if (code !== 0) add(`= ${code}\n`);
  }
  return { text, sorted };
}

/** Whether somebody is in a wait queue of the directory store of `dir`. */
function isWaitedFor(dir: string): boolean {
  using db = new DatabaseSync(`${dir}/.agentcoord/namespaces/default/store.db`, {
    readOnly: true,
    timeout: 5000,
  });
  const tables = ["lock_waiters", "task_waiters", "listeners"];
  return tables.some((table) => db.prepare(`SELECT 1 FROM ${table}`).get() !== undefined);
}

/** What a fence looks like that is counted from the year 2025, and an instant does not. */
const FENCE = /\b(?!1[5-9]\d{11}\b)\d{12,15}\b/g;

/** Replaces what differs from run to run, and knows the way back for identifiers. */
class Steadier {
  readonly #dir: string;
  readonly #numbered = new Map<string, string>();
  readonly #counts = new Map<string, number>();
  /** The number before the store's first fence, once that is known. */
  #base: number | undefined;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Whether it is known where the store's fences begin. */
  get knowsFences(): boolean {
    return this.#base !== undefined;
  }

  /** From now on fences are counted from `first`, the first one of the store. */
  beginFences(first: number): void {
    this.#base = first - 1;
  }

  steady(text: string): string {
    const parent = this.#dir.slice(0, this.#dir.lastIndexOf("/"));
    return text.replaceAll(this.#dir, "DIR")
      .replaceAll(`"${parent}/`, '"PARENT/')
      .replaceAll(Deno.hostname(), "HOST")
      .replace(/\b([a-z]{3})_[0-9A-HJKMNP-TV-Z]{26}\b/g, (id, prefix) => this.#number(id, prefix))
      .replace(/\b1[5-9]\d{11}\b/g, "AT")
      .replace(FENCE, (fence) => `${Number(fence) - (this.#base ?? 0)}`)
      .replace(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z/g, "TIME")
      .replace(/\b(?:[0-9a-f]{64}|[0-9a-f]{40})\b/g, "HASH")
      .replace(/("(?:ageMs|remainingMs)":)\d+/g, "$1MS")
      .replace(/("?pid"?[:\s]\s*)\d+/g, "$1PID")
      .replace(/\b(?:\d{1,2}(?:\.\d+)?(?:s|ms)|\d{3}ms) ago\b/g, "now")
      .replace(/\b(?:\d+(?:\.\d+)?[dhms]){1,2}(?![\w.])/g, round);
  }

  original(text: string): string {
    let result = text.replaceAll("DIR", this.#dir);
    for (const [id, name] of this.#numbered) {
      result = result.replace(new RegExp(`\\b${name}\\b`, "g"), id);
    }
    return result.replace(
      /(--fence[ =])(\d{1,6})\b/g,
      (_, option, fence) => `${option}${(this.#base ?? 0) + Number(fence)}`,
    );
  }

  #number(id: string, prefix: string): string {
    const known = this.#numbered.get(id);
    if (known !== undefined) return known;
    const count = (this.#counts.get(prefix) ?? 0) + 1;
    this.#counts.set(prefix, count);
    this.#numbered.set(id, `${prefix}_${count}`);
    return `${prefix}_${count}`;
  }
}

/** A machine under load takes seconds off a lease of minutes: 4m57s is 5m. */
function round(duration: string): string {
  const parts = duration.match(/\d+(?:\.\d+)?[dhms]/g) ?? [];
  const ms = parts.reduce((sum, part) => sum + parseDuration(part, "duration"), 0);
  const minutes = Math.round(ms / 60_000);
  return Math.abs(ms - minutes * 60_000) <= 25_000 && minutes > 0
    ? formatDuration(minutes * 60_000)
    : duration;
}

/** Lines as a transcript holds them: columns two spaces apart, colours visible, long JSON laid out. */
function show(text: string, mark: string, layOut: (line: string) => string): string {
  if (text === "") return "";
  // What does not end its last line is a mistake worth seeing.
  const body = text.endsWith("\n") ? text.slice(0, -1) : `${text}⏎`;
  return body.split("\n").flatMap((line) => layOut(line).split("\n"))
    .map((line) => `${mark}${line.replace(/(?<=\S) {2,}/g, "  ").replaceAll("\x1b", "␛")}\n`)
    .join("");
}

function layOut(line: string, arrange = (value: unknown) => value): string {
  // Instants were replaced by bare words, which JSON does not have.
  const quoted = line.replace(/:(AT|MS|PID)\b/g, ':"\u{e000}$1"');
  let value: unknown;
  try {
    value = JSON.parse(quoted);
  } catch {
    return line;
  }
  // Text that was written in any other way than one compact document shows as it is.
  if (JSON.stringify(value) !== quoted || typeof value !== "object") return line;
  return fold(arrange(value), "").replace(/"\u{e000}(\w+)"/gu, "$1");
}

function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1);
  return Object.fromEntries(entries.map(([key, item]) => [key, inOrder(item)]));
}

/** Columns up to which JSON stays on one line: one lease, one entry. */
const WIDTH = 140;

/** JSON with line breaks where it is too wide. */
function fold(value: unknown, indent: string): string {
  const flat = JSON.stringify(value);
  if (typeof value !== "object" || value === null || indent.length + flat.length <= WIDTH) {
    return flat;
  }
  const inner = `${indent}  `;
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  const items = Array.isArray(value)
    ? value.map((item) => fold(item, inner))
    : Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${fold(item, inner)}`);
  return `${open}\n${inner}${items.join(`,\n${inner}`)}\n${indent}${close}`;
}

interface ParsedCall {
  readonly env: Readonly<Record<string, string>>;
  readonly args: readonly string[];
  readonly stdin?: string;
}

/** Words as a shell reads them: quotes, variables in front, `<<<text` at the end. */
function parseCall(line: string): ParsedCall {
  const tokens = [...line.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)].map(([token]) =>
    token.replace(/'([^']*)'|"([^"]*)"/g, (_, single, double) => single ?? double)
  );
  const input = tokens.at(-1)?.startsWith("<<<") ? tokens.pop()!.slice(3) : undefined;
  const first = tokens.findIndex((token) => !/^[A-Z_]+=/.test(token));
  return {
    env: Object.fromEntries(tokens.slice(0, first).map((token) => token.split(/=(.*)/s))),
    args: tokens.slice(first),
    ...(input === undefined ? {} : { stdin: input.replaceAll("\\n", "\n") }),
  };
}

function update(file: string, before: string, after: string): void {
  const path = fileURLToPath(file);
  const source = Deno.readTextFileSync(path);
  assert.ok(source.includes(`\`${before}\``), "the transcript is not a plain String.raw literal");
  Deno.writeTextFileSync(path, source.replace(`\`${before}\``, () => `\`${after}\``));
}

/** Asserts that `text` is a table: every cell begins below the title of its column. */
export function assertAligned(text: string): void {
  const [header = "", ...rows] = text.replace(/\n$/, "").split("\n");
  const starts = [...header.matchAll(/\S+(?: \S+)*/g)].map(({ index }) => index);
  assert.ok(starts.length > 1 && rows.length > 0, `no table:\n${text}`);
  for (const row of rows) {
    for (const start of starts.slice(1)) {
      assert.match(row.slice(start - 2, start), /^ {0,2}$/, `column ${start} of ${row}\n${text}`);
      if (row.length > start && row[start] === " ") {
        assert.match(row.slice(start), /^ {2}/, `column ${start} of ${row}\n${text}`);
      }
    }
  }
}

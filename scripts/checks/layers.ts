/**
 * Structure checks: which file may import which, where the process and the disk may be touched, and
 * what a file may be called and contain. `deno run -A scripts/checks/layers.ts` prints what breaks a
 * rule, one line each, and fails if anything does.
 *
 * Each rule is one row below, with the sentence that is printed when it is broken.
 * @module
 */
// deno-lint-ignore-file no-console -- a script reports on stdout and stderr

import { posix } from "node:path";
import { documentViolations } from "./documents.ts";
import { loadingViolations } from "./loading.ts";
import { codeOf, type Import, importsOf, lineAt } from "./source.ts";

/** Text files of a checkout: path from the root, with `/`, to content. */
export type Tree = ReadonlyMap<string, string>;

/** One place that breaks a rule. */
export interface Violation {
  readonly path: string;
  /** From 1. */
  readonly line: number;
  /** The rule, as a sentence. */
  readonly rule: string;
  /** What was found there. */
  readonly found: string;
}

interface ImportRule {
  readonly rule: string;
  /** Files that the rule binds. */
  readonly from: RegExp;
  /** What they must not import: a path from the root, or the bare specifier of a package. */
  readonly to: RegExp;
  readonly unless?: (from: string, to: string) => boolean;
}

/** Imports and code are checked in the program itself; tests and benchmarks go where they need to. */
const PROGRAM = /^(?:src|commands)\/.*\.ts$|^(?:main|mod)\.ts$/;

const IMPORT_RULES: readonly ImportRule[] = [
  {
    rule: "main.ts is the top: nothing imports it.",
    from: /^/,
    to: /^main\.ts$/,
  },
  {
    rule: "src/ is below the commands and the library's entry: it must not import them.",
    from: /^src\//,
    to: /^commands\/|^mod\.ts$/,
  },
  {
    rule: "dev/, tests/ and scripts/ are beside the program: it must not import them.",
    from: /^/,
    to: /^(?:dev|tests|scripts)\//,
  },
  {
    rule: "src/cli/ is for commands only: the library must not import it.",
    from: /^src\/(?!cli\/)|^mod\.ts$/,
    to: /^src\/cli\//,
  },
  {
    rule:
      "src/engine/ is the ground floor: it imports no room and no other folder, not even types.",
    from: /^src\/engine\//,
    to: /^src\/(?!engine\/)\w+\//,
  },
  {
    rule: "Only src/open/, and the wings of the same engine, import a room's wing.",
    from: /^src\/(?!open\/|\w+\/(?:directory|redis)\/)|^commands\/|^(?:main|mod)\.ts$/,
    to: /^src\/(?!engine\/)\w+\/(?:directory|redis)\//,
  },
  {
    rule: "A wing never imports the other engine's wing.",
    from: /^src\/\w+\/(?:directory|redis)\//,
    to: /^src\/\w+\/(?:directory|redis)\//,
    unless: (from, to) => wingOf(from) === wingOf(to),
  },
  {
    rule: "Only src/engine/directory/database.ts speaks to SQLite.",
    from: /^(?!src\/engine\/directory\/database\.ts$)/,
    to: /^node:sqlite$/,
  },
  {
    rule: "Only src/engine/redis/ speaks to Redis' client.",
    from: /^(?!src\/engine\/redis\/)/,
    to: /^(?:npm:)?ioredis(?:[@/]|$)/,
  },
];

/** The engine whose wing a file lies in; `undefined` outside of the wings. */
function wingOf(path: string): string | undefined {
  return /^src\/\w+\/(directory|redis)\//.exec(path)?.[1];
}

/** Library files that may touch the process after all, each with its reason. */
const PROCESS_EXCEPTIONS: ReadonlyMap<string, string> = new Map([]);

interface CodeRule {
  readonly rule: string;
  readonly binds: (path: string) => boolean;
  /** Must not occur in code; comments and strings do not count. */
  readonly pattern: RegExp;
}

const CODE_RULES: readonly CodeRule[] = [
  {
    rule: "Only src/engine/directory/ takes kernel file locks and watches files.",
    binds: (path) => !path.startsWith("src/engine/directory/"),
    pattern: /\.(?:lockSync|tryLockSync|tryLock)\b|\.lock\(\s*true\b|\bDeno\.watchFs\b/g,
  },
  {
    rule: "Library code never prints, exits, or reads the environment, arguments or stdio: " +
      "main.ts passes them in.",
    binds: (path) => /^src\/(?!cli\/)|^mod\.ts$/.test(path) && !PROCESS_EXCEPTIONS.has(path),
    pattern:
      /\bDeno\.(?:env|exit|args|stdin|stdout|stderr)\b|\bconsole\.|\bprocess\.(?:env|exit|argv|std\w+)\b/g,
  },
];

interface TextRule {
  readonly rule: string;
  readonly pattern: RegExp;
}

/** Written in pieces, so that this file does not break its own rules. */
const anyOf = (...words: readonly (readonly string[])[]) =>
  words.map((pieces) => pieces.join("")).join("|");

const TEXT_RULES: readonly TextRule[] = [
  {
    rule: "A path of the machine that a file was written on means nothing elsewhere.",
    // Only where a path starts: a relative one may have a folder of that name.
    pattern: new RegExp(
      `(?<![\\w.})*-])/(?:${anyOf(["wo", "rk"], ["fa", "rm"], ["ro", "ot"])})/`,
      "g",
    ),
  },
  {
    rule: "Which package registry is used is the reader's own setting.",
    pattern: new RegExp(
      anyOf(["registry", "\\.npmjs"], ["registry", "\\.yarnpkg"], ["deb\\.", "debian"]),
      "g",
    ),
  },
  {
    rule: "Finish it, or leave it out.",
    pattern: new RegExp(`\\b(?:${anyOf(["TO", "DO"], ["FIX", "ME"])})\\b`, "g"),
  },
];

const MAX_LINES = 400;
const VAGUE_WORD = /^(?:utils?|helpers?|types|managers?)$/;
const SNAKE_CASE = /^[a-z0-9]+(?:_[a-z0-9]+)*$/;

/** Every place in the tree that breaks a rule, in the order of the rules. */
export function findViolations(tree: Tree): Violation[] {
  const modules = [...tree].filter(([path]) => PROGRAM.test(path)).map(([path, text]) => {
    const code = codeOf(text);
    return { path, code, imports: importsOf(text, code) };
  });
  const graph = new Map(modules.map(({ path, imports }) => [path, imports]));
  return [
    ...modules.flatMap(({ path, imports }) => importViolations(path, imports)),
    ...cycles(graph),
    ...loadingViolations(graph),
    ...modules.flatMap(({ path, code }) =>
      CODE_RULES.filter(({ binds }) => binds(path)).flatMap((rule) => matches(path, code, rule))
    ),
    ...foreignTables(tree),
    ...foreignKeys(tree),
    ...[...tree].flatMap(([path, text]) => TEXT_RULES.flatMap((rule) => matches(path, text, rule))),
    ...[...tree].flatMap(([path, text]) => sizeViolations(path, text)),
    ...[...tree.keys()].flatMap(nameViolations),
    ...documentViolations(tree),
  ];
}

/** One line for people: where, which rule, and what was found. */
export function formatViolation({ path, line, rule, found }: Violation): string {
  return `${path}:${line}: ${rule} Found: ${found}`;
}

/**
 * The text files of the checkout at `root` that git tracks or would track.
 * @throws Error when git cannot list them.
 */
export async function readTree(root: string): Promise<Tree> {
  const { success, stdout, stderr } = await new Deno.Command("git", {
    args: ["-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
  }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`git ls-files failed: ${decoder.decode(stderr).trim()}`);
  const tree = new Map<string, string>();
  for (const path of decoder.decode(stdout).split("\0").filter((path) => path !== "")) {
    const text = await readText(posix.join(root, path));
    if (text !== undefined) tree.set(path, text);
  }
  return tree;
}

/** `undefined` for a binary file, and for one that git lists but that has just been deleted. */
async function readText(path: string): Promise<string | undefined> {
  try {
    const text = await Deno.readTextFile(path);
    return text.includes("\0") ? undefined : text;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** What a specifier means inside the tree: a path from the root, or the specifier itself. */
function resolve(from: string, specifier: string): string {
  return specifier.startsWith(".") ? posix.join(posix.dirname(from), specifier) : specifier;
}

function importViolations(path: string, imports: readonly Import[]): Violation[] {
  return imports.flatMap(({ specifier, line }) => {
    const to = resolve(path, specifier);
    return IMPORT_RULES
      .filter((row) => row.from.test(path) && row.to.test(to) && !row.unless?.(path, to))
      .map(({ rule }) => ({ path, line, rule, found: `import of "${specifier}"` }));
  });
}

/**
 * Depth first over the modules of src/; an edge back into the current path closes a cycle. Edges that are there for
 * types alone count, too, because a reader of one such module has to read all others of the circle.
 */
function cycles(graph: ReadonlyMap<string, readonly Import[]>): Violation[] {
  const found: Violation[] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (module: string) => {
    path.push(module);
    for (const { specifier, line } of graph.get(module) ?? []) {
      const next = resolve(module, specifier);
      if (!next.startsWith("src/") || done.has(next)) continue;
      const start = path.indexOf(next);
      if (start === -1) {
        visit(next);
      } else {
        found.push({
          path: module,
          line,
          rule: "Modules of src/ must not import each other in a circle, not even for types.",
          found: [...path.slice(start), next].join(" -> "),
        });
      }
    }
    path.pop();
    done.add(module);
  };
  for (const module of graph.keys()) {
    if (module.startsWith("src/") && !done.has(module)) visit(module);
  }
  return found;
}

function matches(path: string, text: string, { rule, pattern }: TextRule): Violation[] {
  return [...text.matchAll(pattern)].map((match) => ({
    path,
    line: lineAt(text, match.index),
    rule,
    found: match[0],
  }));
}

const FOREIGN_ROWS =
  "What a room keeps is read and written by that room's wing alone; others call it.";

/**
 * Every place where a room's directory wing names a table of another room. Which tables a room has is what its
 * tables.ts creates.
 */
function foreignTables(tree: Tree): Violation[] {
  const owners = new Map<string, string>();
  for (const [path, text] of tree) {
    const room = /^src\/(\w+)\/directory\/tables\.ts$/.exec(path)?.[1];
    if (room === undefined) continue;
    for (const [, table] of text.matchAll(/\bCREATE (?:VIRTUAL )?TABLE (\w+)/g)) {
      owners.set(table!, room);
    }
  }
  return [...tree].flatMap(([path, text]) => {
    const folder = /^src\/(\w+)\/(?:\w+\/)*\w+\.ts$/.exec(path)?.[1];
    if (folder === undefined) return [];
    return [...text.matchAll(/\b(?:FROM|JOIN|INTO|UPDATE|REPLACE)\s+(\w+)/g)].flatMap((match) => {
      const owner = owners.get(match[1]!);
      if (owner === undefined || owner === folder) return [];
      return [{
        path,
        line: lineAt(text, match.index),
        rule: FOREIGN_ROWS,
        found: `${match[0]}, a table of ${owner}`,
      }];
    });
  });
}

/** The room that a key of the Redis store belongs to, by the name that scripts know it under. */
const KEY_OWNERS: readonly (readonly [room: string, names: RegExp])[] = [
  ["agent", /^(?:AGENTS(?:_\w+)?|AGENT_\w+|SEEN)$/],
  ["approval", /^(?:APPROVALS|APPROVAL_\w+)$/],
  ["audit", /^AUDIT(?:_\w+)?$/],
  ["board", /^(?:BOARD_\w+|THREADS|THREAD_\w+|MESSAGES|INBOX(?:_\w+)?)$/],
  ["event", /^(?:EVENTS|LISTENERS)$/],
  ["lock", /^(?:LOCKS|LOCK_\w+)$/],
  ["task", /^(?:TASKS|TASK_\w+)$/],
];

/** Every place where a room's Lua names a key of another room. */
function foreignKeys(tree: Tree): Violation[] {
  return [...tree].flatMap(([path, text]) => {
    const room = /^src\/(\w+)\/redis\/\w+\.lua$/.exec(path)?.[1];
    // A migration brings a whole namespace forward, so it knows what all rooms kept then.
    if (room === undefined || room === "engine" || /\/to_\d+\.lua$/.test(path)) return [];
    // The header says in which file a key of another room is explained.
    const code = text.replace(/--\[\[[\s\S]*?\]\]|--.*/g, (comment) => comment.replace(/./g, " "));
    return [...code.matchAll(/(?<!['"\w])[A-Z]+(?:_[A-Z]+)*(?![\w'"])/g)].flatMap((match) => {
      const owner = KEY_OWNERS.find(([, names]) => names.test(match[0]))?.[0];
      if (owner === undefined || owner === room) return [];
      const line = lineAt(text, match.index);
      return [{ path, line, rule: FOREIGN_ROWS, found: `${match[0]}, a key of ${owner}` }];
    });
  });
}

function sizeViolations(path: string, text: string): Violation[] {
  const lines = text.split("\n").length - 1;
  if (lines <= MAX_LINES || !/\.(?:ts|lua)$/.test(path) || path.startsWith("tests/")) return [];
  const firstComment =
    /^(?:#!.*\n)?\s*(?:\/\*[\s\S]*?\*\/|(?:\/\/.*\n)+|--\[\[[\s\S]*?\]\]|(?:--.*\n)+)/.exec(text)
      ?.[0];
  if (firstComment !== undefined && /\blines\b/.test(firstComment)) return [];
  return [{
    path,
    line: 1,
    rule: `A file of more than ${MAX_LINES} lines is split, or its first comment says why it has ` +
      `so many lines.`,
    found: `${lines} lines`,
  }];
}

function nameViolations(path: string): Violation[] {
  if (!/\.(?:ts|lua)$/.test(path)) return [];
  const names = path.replace(/\.\w+$/, "").split("/");
  const found = `"${path}"`;
  return [
    ...(names.every((name) => SNAKE_CASE.test(name)) ? [] : [{
      path,
      line: 1,
      rule: "Source files and their folders are named in snake_case.",
      found,
    }]),
    ...(names.some((name) => name.split("_").some((word) => VAGUE_WORD.test(word)))
      ? [{
        path,
        line: 1,
        rule: "A file is named after what it holds: no utils, helpers, types or manager.",
        found,
      }]
      : []),
  ];
}

if (import.meta.main) {
  const violations = findViolations(await readTree("."));
  for (const violation of violations) console.log(formatViolation(violation));
  if (violations.length > 0) Deno.exit(1);
}

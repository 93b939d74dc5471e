/**
 * Reads TypeScript just well enough for the structure checks: what is code and what is comment or
 * text, and which modules a file imports. A parser would be exact, but is a dependency fifty times
 * the size of what it would replace here.
 * @module
 */

/** One module that a file imports or re-exports. */
export interface Import {
  /** As written: `./lock.ts`, `node:sqlite`, `ioredis`. */
  readonly specifier: string;
  /** Line of the specifier, from 1. */
  readonly line: number;
  /** Whether it is loaded with the file, only when that line runs, or never, because only types are named. */
  readonly when: "start" | "later" | "never";
}

const SPACE = /\s+/y;
const COMMENT = /\/\/[^\n]*|\/\*[\s\S]*?\*\//y;
const STRING = /"(?:\\[\s\S]|[^"\\\n])*"|'(?:\\[\s\S]|[^'\\\n])*'/y;
/** From a backtick, or from the `}` that ends a placeholder, to the next placeholder or backtick. */
const TEMPLATE_PART = /[`}](?:\\[\s\S]|[^\\`$]|\$(?!\{))*(?:`|\$\{)/y;
const REGEX = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/y;
const WORD = /[\w$]+/y;
/** After one of these a slash starts a regular expression; after anything else it divides. */
const BEFORE_REGEX = /^(?:[([{},;:=!&|?+\-*%<>~^]|return|typeof|case|in|of|await|yield|void)?$/;

/**
 * The source with comments, and the insides of strings, templates and regular expressions, replaced
 * by spaces. Same length and same lines, so an offset means the same in both.
 */
export function codeOf(source: string): string {
  let code = "";
  let before = "";
  /** For each template that is open: how many braces are open in its current placeholder. */
  const placeholders: number[] = [];

  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = code.length;
    return pattern.exec(source)?.[0];
  };
  const blank = (text: string) => text.replace(/[^\n]/g, " ");
  const quoted = (text: string) => text.charAt(0) + blank(text.slice(1, -1)) + text.charAt(0);

  while (code.length < source.length) {
    const char = source.charAt(code.length);
    const depth = placeholders.at(-1);
    let text: string | undefined;
    if ((text = take(SPACE)) !== undefined) {
      code += text;
    } else if (char === "/" && (text = take(COMMENT)) !== undefined) {
      code += blank(text);
    } else if (
      (char === "`" || (char === "}" && depth === 0)) && (text = take(TEMPLATE_PART)) !== undefined
    ) {
      if (char === "}") placeholders.pop();
      if (text.endsWith("${")) placeholders.push(0);
      code += blank(text);
      before = text.endsWith("${") ? "{" : "`";
    } else if ((text = take(STRING)) !== undefined) {
      code += quoted(text);
      before = '"';
    } else if (char === "/" && BEFORE_REGEX.test(before) && (text = take(REGEX)) !== undefined) {
      code += blank(text);
      before = "/";
    } else {
      if (depth !== undefined && char === "{") placeholders[placeholders.length - 1] = depth + 1;
      if (depth !== undefined && char === "}") placeholders[placeholders.length - 1] = depth - 1;
      before = take(WORD) ?? char;
      code += before;
    }
  }
  return code;
}

// Both run over the output of codeOf(), in which the inside of a string is spaces.
const STATIC_IMPORT =
  /(?<![.\w$])(?<keyword>import|export)\b(?<clause>[\w$*{},\s]*)(?<quote>["'])(?<inside> *)\k<quote>/g;
const DYNAMIC_IMPORT = /(?<![.\w$])import\s*\(\s*(?<quote>["'])(?<inside> *)\k<quote>/g;

/** Every import and re-export in `source`, given its {@linkcode codeOf}; computed specifiers aside. */
export function importsOf(source: string, code: string): Import[] {
  const found: Import[] = [];
  for (const pattern of [STATIC_IMPORT, DYNAMIC_IMPORT]) {
    for (const match of code.matchAll(pattern)) {
      const { keyword, clause = "", inside = "" } = match.groups ?? {};
      if (keyword !== undefined && !isModuleClause(keyword, clause)) continue;
      const end = match.index + match[0].length - 1;
      found.push({
        specifier: source.slice(end - inside.length, end),
        line: lineAt(source, end),
        when: keyword === undefined ? "later" : namesOnlyTypes(clause) ? "never" : "start",
      });
    }
  }
  return found;
}

/** Line of an offset, from 1. */
export function lineAt(source: string, offset: number): number {
  return source.slice(0, offset).split("\n").length;
}

/** Tells `import "x"` and `export * from "x"` from `export default "x"`. */
function isModuleClause(keyword: string, clause: string): boolean {
  return /\bfrom\s*$/.test(clause) || (keyword === "import" && clause.trim() === "");
}

/** Tells `import type …` and `import { type A, type B } from "x"` from what brings a value. */
function namesOnlyTypes(clause: string): boolean {
  if (/^\s*type\b(?!\s*(?:,|from\b))/.test(clause)) return true;
  const names = /^\s*\{([^}]*)\}\s*from\s*$/.exec(clause)?.[1];
  const each = names?.split(",").map((name) => name.trim()).filter((name) => name !== "") ?? [];
  return each.length > 0 && each.every((name) => /^type\s/.test(name));
}

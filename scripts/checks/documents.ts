/**
 * Checks of the documents: every relative link leads to a file and a heading of the checkout, and every file of
 * the checkout that a text names is there.
 * @module
 */
import { posix } from "node:path";
import type { Tree, Violation } from "./layers.ts";
import { lineAt } from "./source.ts";

const FENCED = /^```[\s\S]*?^```/gm;
const LINK = /\[[^\]]*\]\(([^()\s]+)\)/g;
const CODE = /`([^`\n]+)`/g;
/** Folders of the checkout; the first word of a code span that begins with one is a path in it. */
const OURS = /^(?:src|tests|dev|scripts|commands|docs)\/[\w./-]*$/;
/** Of README.md: in it, `src/…` is also a path in a project of its reader's. */
const READERS = new Set(["README.md"]);

/** Every link and every path in the documents of the tree that leads nowhere. */
export function documentViolations(tree: Tree): Violation[] {
  return [...tree].filter(([path]) => path.endsWith(".md")).flatMap(([path, text]) => [
    ...brokenLinks(tree, path, text),
    ...missingPaths(tree, path, text),
  ]);
}

function brokenLinks(tree: Tree, path: string, text: string): Violation[] {
  return [...proseOf(text).matchAll(LINK)].flatMap((match) => {
    const [, target = ""] = match;
    if (/^[a-z]+:/.test(target)) return [];
    const [file = "", anchor] = target.split("#");
    const to = file === "" ? path : posix.join(posix.dirname(path), file);
    const isThere = has(tree, to) &&
      (anchor === undefined || anchorsOf(tree.get(to) ?? "").has(anchor));
    if (isThere) return [];
    const rule = "A link of a document leads to a file, and a heading, of the checkout.";
    return [{ path, line: lineAt(text, match.index), rule, found: `"${target}"` }];
  });
}

function missingPaths(tree: Tree, path: string, text: string): Violation[] {
  return [...proseOf(text).matchAll(CODE)].flatMap((match) => {
    const [named = ""] = match[1]!.split(" ");
    if (!OURS.test(named) || has(tree, named)) return [];
    if (READERS.has(path) && named.startsWith("src/")) return [];
    const rule = "A file that a document names is in the checkout.";
    return [{ path, line: lineAt(text, match.index), rule, found: `"${named}"` }];
  });
}

/** The text with blanks for the blocks of code: same length, same lines. */
function proseOf(text: string): string {
  return text.replace(FENCED, (block) => block.replace(/[^\n]/g, " "));
}

function has(tree: Tree, path: string): boolean {
  if (tree.has(path)) return true;
  const folder = path.endsWith("/") ? path : `${path}/`;
  return [...tree.keys()].some((one) => one.startsWith(folder));
}

/** What GitHub calls the headings of a document. */
function anchorsOf(text: string): Set<string> {
  const headings = [...proseOf(text).matchAll(/^#{1,6} +(.+)$/gm)].map(([, heading]) => heading!);
  return new Set(
    headings.map((one) =>
      one.trim().toLowerCase().replace(/[^\p{L}\p{N}_ -]/gu, "").replaceAll(" ", "-")
    ),
  );
}

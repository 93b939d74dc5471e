/**
 * What is loaded at the start of a call, and what only when it is needed: each command pays for every module that is
 * evaluated on its way.
 * @module
 */
import { posix } from "node:path";
import type { Violation } from "./layers.ts";
import type { Import } from "./source.ts";

interface LoadingRule {
  readonly rule: string;
  /** The module that is loaded. */
  readonly from: string;
  /** What must not be evaluated with it. */
  readonly without: RegExp;
}

const LOADING_RULES: readonly LoadingRule[] = [
  {
    rule: "A command is loaded when it is called, and a room and an engine when a store is used.",
    from: "main.ts",
    without:
      /^commands\/(?!mod\.ts$)|^src\/(?:engine|open|lock|agent|task|board|approval|audit|event)\//,
  },
  {
    rule: "While a server answers, nothing of the directory's database is loaded.",
    from: "src/open/failover/store.ts",
    without:
      /^src\/\w+\/directory\/(?!(?:failure|kernel_lock|place|plain_file|row_json|tracked)\.ts$)|transfer|^src\/open\/directory\.ts$/,
  },
];

/** Every module that is evaluated although a rule says that it is not, with the way that leads there. */
export function loadingViolations(graph: ReadonlyMap<string, readonly Import[]>): Violation[] {
  return LOADING_RULES.flatMap(({ rule, from, without }) => {
    const loaded = loadedWith(graph, from);
    return [...loaded].filter(([module]) => without.test(module)).map(([, way]) => {
      const { path, line } = way.at(-1)!;
      return {
        path,
        line,
        rule,
        found: [...way.map((step) => step.path), way.at(-1)!.to].join(" -> "),
      };
    });
  });
}

/** One import on the way to a module. */
interface Step {
  readonly path: string;
  readonly line: number;
  readonly to: string;
}

/** Each module that is evaluated with this one, and the shortest way there. */
function loadedWith(
  graph: ReadonlyMap<string, readonly Import[]>,
  start: string,
): ReadonlyMap<string, readonly Step[]> {
  const ways = new Map<string, readonly Step[]>([[start, []]]);
  for (const [path, way] of ways) {
    for (const { specifier, line, when } of graph.get(path) ?? []) {
      const to = specifier.startsWith(".") ? posix.join(posix.dirname(path), specifier) : specifier;
      if (when === "start" && !ways.has(to)) ways.set(to, [...way, { path, line, to }]);
    }
  }
  return ways;
}

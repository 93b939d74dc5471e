/**
 * What a user should know about settings that are valid, and may still not be what was meant.
 * @module
 */
import type { Project } from "../project.ts";
import type { Setting } from "./setting.ts";
import { isSameStore, parseStore, shownStore, type StoreConfig } from "./store_value.ts";

/** One such thing. */
export interface Remark {
  /** `override`: the environment wins over the project's file. `migration`: what `init` mends. */
  readonly kind: "notice" | "override" | "migration";
  /** One or two sentences, without secrets. */
  readonly text: string;
}

/** About the files that the project's settings stand in. */
export function projectRemarks({ root, oldConfigPath, strayConfigPath }: Project): Remark[] {
  const old =
    `Settings are read from ${oldConfigPath}, which git ignores; "agentcoord init" moves ` +
    `them to ${root}/agentcoord.json`;
  const stray = `${strayConfigPath} does not count: all worktrees go by ${root}/agentcoord.json, ` +
    "which is not there";
  return [
    ...(oldConfigPath === undefined ? [] : [{ kind: "migration" as const, text: old }]),
    ...(strayConfigPath === undefined ? [] : [{ kind: "notice" as const, text: stray }]),
  ];
}

/**
 * Where the environment overrides the project's file with another value: whoever else works by the file
 * does not see what this process does.
 */
export function overrideRemarks(
  given: Readonly<Record<string, readonly Setting[]>>,
  isProjects: (setting: Setting) => boolean,
  baseOf: (setting: Setting) => string,
): Remark[] {
  return ["store", "namespace", "fallback", "durability"].flatMap((key) => {
    const [first, ...others] = given[key] ?? [];
    const file = others.find(isProjects);
    if (first === undefined || file === undefined || !first.source.startsWith("AGENTCOORD_")) {
      return [];
    }
    const values = key === "store"
      ? differing(parseStore(first, baseOf(first)), parseStore(file, baseOf(file)))
      : first.value === file.value
      ? undefined
      : [`"${first.value}"`, `"${file.value}"`];
    if (values === undefined) return [];
    const text = `${first.source} (${values[0]}) overrides ${key} (${values[1]}) in ${file.source}`;
    return [{ kind: "override" as const, text }];
  });
}

function differing(one: StoreConfig, other: StoreConfig): readonly string[] | undefined {
  return isSameStore(one, other) ? undefined : [shownStore(one), shownStore(other)];
}

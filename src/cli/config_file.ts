/**
 * Writing `agentcoord.json`, which {@linkcode resolveConfig} reads.
 * @module
 */
import { given } from "../given.ts";
import { replaceFile } from "../config/private_file.ts";
import { readSettingsFile, reasonOf, unusable } from "../config/settings_file.ts";
import type { Durability } from "../config.ts";
import { InvalidArgumentError } from "../errors.ts";
import { CONFIG_FILE, type Project } from "../project.ts";

/** Settings to be kept for everybody in the project. */
export interface FileSettings {
  /** A URL, or a directory: absolute, or relative to the project's root. */
  readonly store?: string;
  readonly namespace?: string;
  readonly durability?: Durability;
}

/** One key that {@linkcode writeConfigFile} set. */
export interface SettingChange {
  readonly name: string;
  readonly value: unknown;
  /** What stood there before, `null` for nothing. */
  readonly before: unknown;
}

/** What {@linkcode writeConfigFile} did. */
export interface ConfigFileChange {
  /** The file. */
  readonly path: string;
  /** The keys it set; empty when the file already said all of that. */
  readonly changes: readonly SettingChange[];
  /** The file of version 0.1.0 whose settings were moved here, and which is gone. */
  readonly moved?: string;
}

/**
 * Sets `settings` in the project's configuration file, making it when it is missing, and leaves every
 * other key as it is. What stands in the file of version 0.1.0 moves along. A reader sees the old file
 * or the new one, never a part.
 *
 * @throws {InvalidArgumentError} when a file is invalid, or cannot be written.
 */
export function writeConfigFile(project: Project, settings: FileSettings): ConfigFileChange {
  const { root, worktree, configPath, oldConfigPath: moved } = project;
  const path = configPath ?? `${root === "/" ? "" : root}/${CONFIG_FILE}`;
  const options = { base: root, within: [root, worktree] };
  const before = readSettingsFile(path, options) ?? {};
  const old = (moved && readSettingsFile(moved, options)) || {};
  const after: Readonly<Record<string, unknown>> = { ...old, ...before, ...settings };
  const changes = Object.entries(after).filter(([name, value]) => before[name] !== value)
    .map(([name, value]) => ({ name, value, before: before[name] ?? null }));
  try {
    if (changes.length > 0) replaceFile(path, `${JSON.stringify(after, null, 2)}\n`);
    if (moved !== undefined) Deno.removeSync(moved);
  } catch (error) {
    if (error instanceof InvalidArgumentError || error instanceof Deno.errors.NotCapable) {
      throw error;
    }
    throw unusable(path, reasonOf(error));
  }
  return { path, changes, ...given({ moved }) };
}

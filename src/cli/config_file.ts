/**
 * Writing `.agentcoord/config.json`, which {@linkcode resolveConfig} reads.
 * @module
 */
import type { Durability } from "../config.ts";
import type { Project } from "../project.ts";

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
  readonly value: string;
  /** What stood there before, `null` for nothing. */
  readonly before: unknown;
}

/** What {@linkcode writeConfigFile} did. */
export interface ConfigFileChange {
  /** The file. */
  readonly path: string;
  /** The keys it set; empty when the file already said all of that. */
  readonly changes: readonly SettingChange[];
}

/**
 * Sets `settings` in the project's configuration file, making it when it is missing, and leaves every
 * other key as it is. A reader sees the old file or the new one, never a part.
 */
export function writeConfigFile(
  { storeDirectory, configPath }: Project,
  settings: FileSettings,
): ConfigFileChange {
  const path = configPath ?? `${storeDirectory}/config.json`;
  const before: Record<string, unknown> = configPath === undefined
    ? {}
    : JSON.parse(Deno.readTextFileSync(configPath));
  const changes = Object.entries(settings).filter(([name, value]) => before[name] !== value)
    .map(([name, value]) => ({ name, value, before: before[name] ?? null }));
  if (changes.length === 0) return { path, changes };
  if (makeDirectory(storeDirectory)) {
    // The state lies elsewhere, so nothing else keeps this directory out of the project's git status.
    Deno.writeTextFileSync(`${storeDirectory}/.gitignore`, "*\n");
  }
  const draft = `${path}.${Deno.pid}`;
  // A store's URL may hold a password.
  Deno.writeTextFileSync(draft, `${JSON.stringify({ ...before, ...settings }, null, 2)}\n`, {
    mode: 0o600,
  });
  Deno.renameSync(draft, path);
  return { path, changes };
}

/** Whether the directory had to be made. */
function makeDirectory(path: string): boolean {
  try {
    Deno.mkdirSync(path, { mode: 0o700 });
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return false;
    throw error;
  }
}

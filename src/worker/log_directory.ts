/**
 * Where the output of workers' commands is kept.
 * @module
 */
import { invalid } from "../check.ts";
import { reasonOf } from "../disk.ts";
import { hideFromGit } from "../engine/directory/place.ts";
import { InvalidArgumentError } from "../errors.ts";
import { printable } from "../name.ts";
import type { Project } from "../project.ts";

/** The absolute path: `asked`, relative to `cwd`, or else `.agentcoord/logs` of the project. Makes nothing. */
export function logDirectory({ project, cwd }: LogPlace, asked?: string): string {
  if (asked === undefined) return `${project.storeDirectory}/logs`;
  if (asked === "" || asked.includes("\n")) {
    throw invalid(asked, "--log-dir", "use the path of a directory, without line feeds");
  }
  return asked.startsWith("/") ? asked : `${cwd}/${asked}`;
}

/**
 * Makes it where it is missing. Others than its owner cannot look into a new one.
 *
 * @throws {InvalidArgumentError} when it cannot be made.
 */
export function makeLogDirectory({ project }: LogPlace, path: string): void {
  try {
    Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
    if (path.startsWith(`${project.storeDirectory}/`)) hideFromGit(project.storeDirectory);
  } catch (error) {
    throw new InvalidArgumentError(
      `Cannot keep logs in ${printable(path)}: ${
        reasonOf(error)
      }; name another place with --log-dir`,
      { field: "--log-dir", value: printable(path) },
    );
  }
}

/** Where a worker was started. */
export interface LogPlace {
  readonly project: Pick<Project, "storeDirectory">;
  readonly cwd: string;
}

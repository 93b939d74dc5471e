/**
 * Which program the words after `--` name, and what to say when it cannot be executed.
 * @module
 */
import { given } from "../given.ts";
import { CoordError, InvalidArgumentError } from "../errors.ts";
import { quote } from "../name.ts";

/** Exit codes for a program that cannot be executed, as the POSIX shell has them (2.8.2). */
const NOT_EXECUTABLE = 126;
const NOT_FOUND = 127;

/** A program that cannot be executed, with the exit code that says so. */
export class NotExecutedError extends CoordError {
  /** 126 when it was found, 127 when not. */
  readonly exitCode: number;

  /** `found` is the path of the program that is there but cannot be executed. */
  constructor(program: string, found: string | undefined, reason?: string, cause?: unknown) {
    const message = found === undefined
      ? `Cannot run ${quote(program)}: there is no such program`
      : `Cannot run ${quote(program)}: ${reason ?? `${quote(found)} is not executable`}`;
    super(found === undefined ? "not_found" : "invalid_argument", message, {
      details: { field: "--", value: program, ...given({ path: found }) },
      cause,
    });
    this.exitCode = found === undefined ? NOT_FOUND : NOT_EXECUTABLE;
  }
}

/**
 * Checks, before anything is taken, that the first of `words` can be executed: by its path when it has a
 * slash, else as found in `env.PATH`.
 *
 * @throws {InvalidArgumentError} when there are no words.
 * @throws {NotExecutedError} when there is no such program, or it may not be executed.
 */
export function executable(
  words: readonly string[],
  env: Readonly<Record<string, string>>,
): void {
  const [program] = words;
  if (program === undefined) {
    throw new InvalidArgumentError(
      'No command to run: write it after "--", as in -- make test',
      { field: "--" },
    );
  }
  const { found, runs } = find(program, env);
  if (!runs) throw new NotExecutedError(program, found);
}

/** What the system's refusal to execute `program` means. */
export function executionFailure(
  program: string,
  env: Readonly<Record<string, string>>,
  error: unknown,
): CoordError {
  const reason = error instanceof Error ? error.message : String(error);
  const { found } = find(program, env);
  // ENOENT of a file that is there is about the interpreter named in its first line.
  const why = error instanceof Deno.errors.NotFound
    ? "the interpreter in its first line does not exist"
    : /Exec format error/.test(reason)
    ? 'it is no program for this system; a script needs a first line such as "#!/bin/sh"'
    : reason.replace(/^Failed to spawn '.*?': /s, "").replace(/ \(os error \d+\)$/, "");
  return new NotExecutedError(program, found, why, error);
}

/** Where `program` is, and whether it has the permission to be executed. */
function find(
  program: string,
  env: Readonly<Record<string, string>>,
): { readonly found: string | undefined; readonly runs: boolean } {
  if (program === "") return { found: undefined, runs: false };
  const candidates = program.includes("/")
    ? [program]
    : (env.PATH ?? "").split(":").map((directory) => `${directory || "."}/${program}`);
  let found: string | undefined;
  for (const path of candidates) {
    const info = stat(path);
    if (info === undefined) continue;
    found ??= path;
    if (info.isFile && ((info.mode ?? 0o111) & 0o111) !== 0) return { found: path, runs: true };
  }
  return { found, runs: false };
}

function stat(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch {
    return undefined;
  }
}

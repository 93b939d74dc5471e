/**
 * The program as people meet it: a process with arguments, an environment and standard streams.
 *
 * It runs from source, or, when `AGENTCOORD_BIN` names a compiled binary, that.
 * @module
 */
import { fileURLToPath } from "node:url";
import { systemClock } from "../../src/clock.ts";
import { DirectoryStore } from "../../src/open/directory.ts";

/** What one run of the program left behind. */
export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How to run it. */
export interface CliOptions {
  /** Added to an environment without any setting of ours. */
  readonly env?: Readonly<Record<string, string>>;
  /** Text on standard input; without it standard input is empty. */
  readonly stdin?: string;
}

/** Runs one command line in `dir` to its end. */
export async function cli(
  dir: string,
  args: readonly string[],
  { env = {}, stdin }: CliOptions = {},
): Promise<CliResult> {
  const child = start(dir, args, { env, stdin: stdin === undefined ? "null" : "piped" });
  const [{ code, stdout, stderr }] = await Promise.all([
    child.output(),
    stdin === undefined ? undefined : feed(child.stdin, stdin),
  ]);
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Runs one command line with `--json`; gives the envelope together with the exit code. */
export async function cliJson(
  dir: string,
  args: readonly string[],
  options: CliOptions = {},
  // deno-lint-ignore no-explicit-any -- a test looks into the document as its reader would
): Promise<{ readonly code: number; readonly document: any; readonly stderr: string }> {
  // Before the first "--", behind which words belong to somebody else's command.
  const { code, stdout, stderr } = await cli(dir, ["--json", ...args], options);
  try {
    return { code, document: JSON.parse(stdout), stderr };
  } catch {
    throw new Error(`no JSON document on stdout (exit code ${code}):\n${stdout}\n${stderr}`);
  }
}

/** Starts one command line in `dir`; the caller waits for it, or ends it. */
export function start(
  dir: string,
  args: readonly string[],
  { env = {}, stdin = "null" }: {
    readonly env?: Readonly<Record<string, string>>;
    readonly stdin?: "null" | "piped";
  } = {},
): Deno.ChildProcess {
  const [program, ...before] = programCommand();
  return new Deno.Command(program, {
    args: [...before, ...args],
    cwd: dir,
    clearEnv: true,
    env: { ...cleanEnvironment(), ...env },
    stdin,
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** The words that start the program. */
export function programCommand(): readonly [string, ...string[]] {
  const binary = Deno.env.get("AGENTCOORD_BIN");
  if (binary) return [binary];
  const file = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
  return [Deno.execPath(), "run", "-A", "--config", file("deno.json"), file("main.ts")];
}

/** What {@linkcode withProject} makes. */
export interface ProjectOptions {
  /** Whether it has an empty store, so that no command says that it made one. Default `true`. */
  readonly store?: boolean;
}

/** Calls `body` with a new git repository, which is removed afterwards. */
export async function withProject(
  body: (dir: string) => Promise<void>,
  { store = true }: ProjectOptions = {},
): Promise<void> {
  const dir = await Deno.realPath(await Deno.makeTempDir({ prefix: "agentcoord-cli-" }));
  try {
    const git = new Deno.Command("git", {
      args: ["init", "-q", "-b", "main"],
      cwd: dir,
      clearEnv: true,
      env: cleanEnvironment(),
    });
    if (!(await git.output()).success) throw new Error("git init failed");
    if (store) await makeStore(`${dir}/.agentcoord`);
    await body(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Makes an empty store. */
async function makeStore(directory: string): Promise<void> {
  const options = { namespace: "default", durability: "normal", clock: systemClock } as const;
  await (await DirectoryStore.open(directory, options)).close();
}

/**
 * Output with what differs from run to run replaced, for comparing whole texts: identifiers become
 * `tsk_ID`, epoch milliseconds `AT`, `"pid":123` `"pid":PID`, and the temporary directory `DIR`.
 */
export function steady(text: string, dir?: string): string {
  const local = dir === undefined ? text : text.replaceAll(dir, "DIR");
  return local.replace(/\b([a-z]{3})_[0-9A-HJKMNP-TV-Z]{26}\b/g, "$1_ID")
    .replace(/\b1[5-9]\d{11}\b/g, "AT")
    .replace(/("?pid"?[:\s]\s*)\d+/g, "$1PID");
}

/** This process's environment without what would change the program's or git's behaviour. */
export function cleanEnvironment(): Record<string, string> {
  const ours = /^(?:AGENTCOORD_|GIT_|REDIS_URL$|CLICOLOR_FORCE$|FORCE_COLOR$)/;
  return {
    ...Object.fromEntries(
      Object.entries(Deno.env.toObject()).filter(([name]) => !ours.test(name)),
    ),
    XDG_CONFIG_HOME: ownConfigHome(),
  };
}

let configHome: string | undefined;

/** A directory in place of the developer's own configuration, for this test process alone. */
export function ownConfigHome(): string {
  if (configHome === undefined) {
    const made = Deno.makeTempDirSync({ prefix: "agentcoord-config-" });
    addEventListener("unload", () => Deno.removeSync(made, { recursive: true }));
    configHome = made;
  }
  return configHome;
}

async function feed(stream: WritableStream<Uint8Array>, text: string): Promise<void> {
  const writer = stream.getWriter();
  try {
    await writer.write(new TextEncoder().encode(text));
    await writer.close();
  } catch (error) {
    // The program may end without having read all of it.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

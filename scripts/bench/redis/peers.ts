/**
 * Other people's queues and locks, which the program is measured beside. They come from npm when a run
 * needs them, into a directory of their own, and run in Node.js, which they are made for.
 *
 * AGENTCOORD_BENCH_PEERS names a directory with a `node_modules` that has them; without it they are
 * installed below the system's temporary directory and stay there for the next run.
 * @module
 */
// deno-lint-ignore-file no-console -- an installation takes a while and says so on stderr

import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onPath } from "../../../dev/redis_server.ts";
import { runProgram } from "../harness.ts";
import { addressOf, type Place } from "./site.ts";

/** One turn of a peer: a process that does what `work` says. */
export type Peer = <Outcome>(place: Place, work: object) => Promise<Outcome>;

/** The peers there are. */
export interface Peers {
  /** Which versions, or why there are none. */
  readonly about: string;
  /** A queue. */
  readonly bullmq?: Peer;
  /** A lock. */
  readonly redlock?: Peer;
}

const PACKAGES = ["bullmq@6", "redlock@4", "ioredis@6"] as const;
const NAMES = PACKAGES.map((wanted) => wanted.split("@")[0]!);

/** Finds the peers, and installs them if need be. */
export async function findPeers(): Promise<Peers> {
  if (!onPath("node")) return { about: "no peers: node is not on PATH" };
  const given = Deno.env.get("AGENTCOORD_BENCH_PEERS");
  const directory = given ?? join(tmpdir(), `agentcoord-bench-peers-${Deno.uid() ?? 0}`);
  if (!NAMES.every((name) => existsSync(manifest(directory, name)))) {
    if (given !== undefined) {
      return { about: `no peers: ${given} has not all of ${NAMES.join(", ")}` };
    }
    const complaint = await install(directory);
    if (complaint !== undefined) return { about: `no peers: ${complaint}` };
  }
  const versions = NAMES.map((name) => {
    const { version } = JSON.parse(Deno.readTextFileSync(manifest(directory, name)));
    return `${name} ${version}`;
  });
  const start = (script: string): Peer => (place, work) =>
    runProgram({
      path: "node",
      args: [fileURLToPath(new URL(`../peers/${script}.mjs`, import.meta.url))],
      env: { AGENTCOORD_BENCH_PEERS: directory },
    }, { address: addressOf(place.url), name: place.name, ...work });
  return {
    about: `peers: ${versions.join(", ")}`,
    bullmq: start("bullmq"),
    redlock: start("redlock"),
  };
}

function manifest(directory: string, name: string): string {
  return join(directory, "node_modules", name, "package.json");
}

/** What went wrong, if anything did. */
async function install(directory: string): Promise<string | undefined> {
  if (!onPath("npm")) return "npm is not on PATH";
  await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
  // Where everybody may make directories, somebody else may have made this one.
  const { uid, isDirectory } = await Deno.lstat(directory);
  if (!isDirectory || uid !== Deno.uid()) return `${directory} is not yours`;
  console.error(`installing ${PACKAGES.join(", ")} in ${directory} ...`);
  const { success, stderr } = await new Deno.Command("npm", {
    args: [
      "install",
      "--no-audit",
      "--no-fund",
      "--ignore-scripts",
      "--prefix",
      directory,
      ...PACKAGES,
    ],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (success) return undefined;
  const lines = new TextDecoder().decode(stderr).split("\n");
  const reason = lines.find((line) => /npm (?:error|ERR!)/.test(line)) ?? "npm install failed";
  return reason.replace(/^npm (?:error|ERR!) */, "npm: ");
}

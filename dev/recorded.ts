/**
 * Stores that an earlier version of the program left behind, kept in tests/recorded/: what they hold, byte by byte,
 * and what that program showed of it. Written by scripts/record_store.ts.
 * @module
 */
import { Buffer } from "node:buffer";
import type { Primitives } from "../src/primitive_clients.ts";
import type { Primitive } from "../src/primitives.ts";

/** Namespace that the recorded stores use. */
export const NAMESPACE = "default";

/** One recorded store. */
export interface Recording {
  /** When {@linkcode Recording.view} was taken, in epoch milliseconds. */
  readonly viewedAtMs: number;
  /** What the program that wrote the store showed of it: see {@linkcode viewOf}. */
  readonly view: unknown;
  /** Of a directory store: its database, zipped, in base64. */
  readonly database?: string;
  /** Of a Redis store: commands that make its keys; each character is a byte, and keys have no prefix. */
  readonly commands?: readonly (readonly string[])[];
}

/** Everything that can be seen in a store; `as` gives the rooms of one who acts as that agent. */
export async function viewOf(as: (name: string) => Pick<Primitives, Primitive>): Promise<unknown> {
  const rooms = as("ada");
  const { tasks } = await rooms.tasks.list({ limit: 1000 });
  const { threads } = await rooms.board.list({ limit: 1000 });
  const view = {
    locks: await rooms.locks.list(),
    agents: await Promise.all(["ada", "bob", "cy"].map((name) => rooms.agents.explain(name))),
    tasks: await Promise.all(tasks.map(({ id }) => rooms.tasks.show(id))),
    counts: await rooms.tasks.counts(),
    threads: await Promise.all(threads.map(({ id }) => rooms.board.show(id))),
    approvals: await rooms.approvals.list(),
    entries: await rooms.audit.list(),
    verified: await rooms.audit.verify(),
    // A copy of a directory tells that it is one.
    events: (await rooms.events.list({ limit: 1000 })).events
      .filter(({ type }) => type !== "store.restored"),
    // The last, because to look into an inbox is a sign of life.
    inboxes: [await as("ada").board.inbox(), await as("bob").board.inbox()],
  };
  return JSON.parse(JSON.stringify(view));
}

/** What `shown` has of what `expected` has: a later version may show more. */
export function partOf(shown: unknown, expected: unknown): unknown {
  if (typeof shown !== "object" || shown === null) return shown;
  if (Array.isArray(shown)) {
    return shown.map((item, index) => partOf(item, (expected as unknown[] | undefined)?.[index]));
  }
  const names = Object.keys(Object(expected)).filter((name) => name in shown);
  return Object.fromEntries(
    names.map((name) => [
      name,
      partOf(shown[name as never], Object(expected)[name]),
    ]),
  );
}

/** Reads what scripts/record_store.ts wrote. */
export async function readRecording(name: string): Promise<Recording> {
  return JSON.parse(
    await Deno.readTextFile(new URL(`../tests/recorded/${name}.json`, import.meta.url)),
  );
}

/** Makes the directory of a recorded store, as the program that wrote it left it. */
export async function restoreDirectory(directory: string, { database }: Recording): Promise<void> {
  const home = `${directory}/namespaces/${NAMESPACE}`;
  await Deno.mkdir(home, { recursive: true });
  const zipped = Uint8Array.fromBase64(database!);
  const whole = new Blob([zipped]).stream().pipeThrough(new DecompressionStream("gzip"));
  await Deno.writeFile(`${home}/store.db`, whole);
  await Deno.writeTextFile(`${home}/store.lock`, "");
}

/** Makes the keys of a recorded store under another namespace. */
export async function restoreRedis(
  send: (command: string, ...args: readonly Buffer[]) => Promise<unknown>,
  namespace: string,
  { commands }: Recording,
): Promise<void> {
  for (const [command, key, ...args] of commands!) {
    const full = Buffer.from(`{agentcoord:${namespace}}:${key}`);
    await send(command!, full, ...args.map((text) => Buffer.from(text, "latin1")));
  }
}

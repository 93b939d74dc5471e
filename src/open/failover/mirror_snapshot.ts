/**
 * One generation of the mirror as a whole: what it amounts to, and a new one that says just that.
 * @module
 */
import { storeFailure } from "../../engine/directory/failure.ts";
import { lookAtFile } from "../../engine/directory/plain_file.ts";
import { mirrorPath } from "./mirror.ts";
import type { MirrorLine, MirrorState } from "./mirror_line.ts";
import { MirrorFold } from "./mirror_state.ts";

/** Records in one line of a mirror that was made smaller. */
const RECORDS_PER_LINE = 64;

const LINE_FEED = 10;

/**
 * What this generation of the mirror amounts to at `nowMs`, by the host's clock; nothing when there is no file.
 *
 * @throws {StoreUnavailableError} when the file cannot be read.
 */
export function loadMirror(home: string, generation: number, nowMs: number): MirrorState {
  const path = mirrorPath(home, generation);
  const fold = new MirrorFold();
  try {
    if (lookAtFile(path) !== undefined) {
      for (const line of linesOf(Deno.readFileSync(path))) fold.add(line);
    }
  } catch (error) {
    throw storeFailure(error, path);
  }
  return fold.state(nowMs);
}

/**
 * Makes a generation of the mirror with this state; the file has its name only when it is whole. Who waits and was
 * carried over once already without having looked at the store since is left out. Only under the exclusive lock,
 * before the record names the generation.
 *
 * @throws {StoreUnavailableError} when the file cannot be written.
 */
export function writeMirror(home: string, generation: number, state: MirrorState): void {
  const path = mirrorPath(home, generation);
  const text = statements(state).map((line) => `${JSON.stringify(line)}\n`).join("");
  const draft = `${path}.${Deno.pid}.${crypto.randomUUID().slice(0, 8)}`;
  try {
    Deno.writeTextFileSync(draft, text, { createNew: true, mode: 0o600 });
    Deno.renameSync(draft, path);
  } catch (error) {
    removeDraft(draft);
    throw storeFailure(error, path);
  }
}

function removeDraft(draft: string): void {
  try {
    Deno.removeSync(draft);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** The lines of a file. It may be longer than a string can be, so each is decoded by itself. */
function* linesOf(bytes: Uint8Array<ArrayBuffer>): Iterable<MirrorLine> {
  const decoder = new TextDecoder();
  for (let at = 0; at < bytes.length;) {
    const found = bytes.indexOf(LINE_FEED, at);
    const end = found === -1 ? bytes.length : found;
    const line = end > at ? parse(decoder.decode(bytes.subarray(at, end))) : undefined;
    if (line !== undefined) yield line;
    at = end + 1;
  }
}

/** `undefined` for a part of a line. */
function parse(text: string): MirrorLine | undefined {
  try {
    const line = JSON.parse(text);
    return typeof line === "object" && line !== null ? line : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The lines that amount to this state. */
function statements(state: MirrorState): readonly MirrorLine[] {
  const { leases, tasks, agents, waiters, openTasks } = state;
  const lines: MirrorLine[] = openTasks === undefined ? [] : [{ op: "open_tasks", ...openTasks }];
  for (let at = 0; at < leases.length; at += RECORDS_PER_LINE) {
    lines.push({ op: "lease", leases: leases.slice(at, at + RECORDS_PER_LINE) });
  }
  for (const { task, leaseMs, untilMs } of tasks) {
    lines.push({ op: "claim", tasks: [task], leaseMs, untilMs: [untilMs] });
  }
  for (const agent of agents) lines.push({ op: "agent", agent });
  for (const waiter of waiters) {
    if (!waiter.carried) lines.push({ op: "wait", waiter: { ...waiter, carried: true } });
  }
  return lines;
}

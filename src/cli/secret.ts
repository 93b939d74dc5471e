/**
 * Asks for a secret at the terminal without showing it.
 * @module
 */
import { CoordError, InvalidArgumentError } from "../errors.ts";

/** Keys that mean something besides themselves. */
const KEY = { enter: 0x0d, lineFeed: 0x0a, interrupt: 0x03, end: 0x04, delete: 0x7f, erase: 0x08 };
/** Kills the line, as at any terminal. */
const KILL = 0x15;

/** What typing came to so far. */
export interface Typed {
  readonly bytes: readonly number[];
  readonly state: "typing" | "done" | "interrupted";
}

/** The state after one more byte from a terminal that passes every key on. */
export function typed({ bytes }: Typed, byte: number): Typed {
  if (byte === KEY.interrupt) return { bytes, state: "interrupted" };
  if (byte === KEY.enter || byte === KEY.lineFeed || byte === KEY.end) {
    return { bytes, state: "done" };
  }
  if (byte === KILL) return { bytes: [], state: "typing" };
  if (byte !== KEY.delete && byte !== KEY.erase) {
    return { bytes: [...bytes, byte], state: "typing" };
  }
  // A character may be several bytes; those after the first begin with the bits 10.
  const last = bytes.findLastIndex((candidate) => (candidate & 0xc0) !== 0x80);
  return { bytes: bytes.slice(0, Math.max(last, 0)), state: "typing" };
}

/**
 * What is typed up to Enter.
 *
 * @throws {CoordError} when it is given up with Ctrl-C.
 * @throws {InvalidArgumentError} when it is not UTF-8.
 */
export async function askSecret(prompt: string): Promise<string> {
  const encoder = new TextEncoder();
  Deno.stdin.setRaw(true);
  try {
    Deno.stderr.writeSync(encoder.encode(prompt));
    let now: Typed = { bytes: [], state: "typing" };
    const buffer = new Uint8Array(256);
    while (now.state === "typing") {
      const count = await Deno.stdin.read(buffer);
      if (count === null) break;
      for (const byte of buffer.subarray(0, count)) {
        if (now.state === "typing") now = typed(now, byte);
      }
    }
    if (now.state === "interrupted") throw new CoordError("denied", "Given up; nothing was stored");
    return new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array(now.bytes));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new InvalidArgumentError("Invalid password: it is not UTF-8", { field: "password" });
  } finally {
    Deno.stdin.setRaw(false);
    Deno.stderr.writeSync(encoder.encode("\n"));
  }
}

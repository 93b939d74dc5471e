/**
 * Reading to the end what may have none, as the output of `yes`.
 * @module
 */
import { InvalidArgumentError } from "../errors.ts";

/** The most that is read at once: as a text it must fit into memory, and some 2^29 characters are V8's limit. */
export const MAX_INPUT_BYTES = 256 * 1024 * 1024;

/**
 * All of a stream.
 *
 * @throws {InvalidArgumentError} when it has more than {@linkcode MAX_INPUT_BYTES}.
 */
export async function readWhole(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    length += chunk.length;
    if (length <= MAX_INPUT_BYTES) continue;
    throw new InvalidArgumentError("Too much input: give at most 256 MiB at once", {
      field: "input",
      maxBytes: MAX_INPUT_BYTES,
    });
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

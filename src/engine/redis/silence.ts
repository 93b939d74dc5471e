/**
 * The limit of a connection's silence. It is one per connection, not per command: a timer for each command halves the
 * throughput. When commands wait and nothing has come from the server or gone to it for the whole limit, the
 * connection is given up with all that wait on it, and made again: a network that has silently dropped it comes
 * back that way too.
 * @module
 */
import { Buffer } from "node:buffer";
import { setTimeout } from "node:timers";
import type { Redis } from "npm:ioredis@6.0.0";
import {
  replaceSilenceTimer,
  socketOf,
  type SocketWriting,
  type WriteDone,
} from "./ioredis_internals.ts";

/** How often silence is looked for within the time that a command may take. */
const LOOKS = 4;
/** What is longer goes to the socket in pieces, because it tells only when a whole one has gone. */
const PIECE_BYTES = 65_536;

/** Makes a socket take what is long in pieces; the result says how many have gone. */
function inPieces(stream: SocketWriting): () => number {
  const write = stream.write.bind(stream);
  const waiting: { readonly piece: Buffer; readonly done?: WriteDone | undefined }[] = [];
  let gone = 0;
  let busy = false;
  const next = () => {
    const first = waiting.shift();
    busy = first !== undefined;
    if (first === undefined) return;
    write(first.piece, (error) => {
      first.done?.(error);
      // With an error the socket ends, and the client tells everybody.
      if (error) return void waiting.splice(0);
      gone++;
      next();
    });
  };
  stream.write = (data, done) => {
    if (!busy && data.length <= PIECE_BYTES) return write(data, done);
    const bytes = Buffer.from(data as Buffer);
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      const end = at + PIECE_BYTES;
      waiting.push({
        piece: bytes.subarray(at, end),
        done: end >= bytes.length ? done : undefined,
      });
    }
    if (!busy) next();
    return false;
  };
  return () => gone;
}

/**
 * Drops a connection on which nothing came or went for as long as a command may take, although something is due. The
 * library's own way sets and clears a timer with every answer, a quarter of what a command costs; this one
 * looks now and then whether bytes have come, and so may be a quarter late.
 */
export function limitSilence(client: Redis, commandTimeoutMs: number): void {
  let gone = () => 0;
  client.on("connect", () => gone = inPieces(socketOf(client)!));
  replaceSilenceTimer(client, (timer) => {
    const { stream } = timer;
    const moved = () => stream.bytesRead + gone();
    let seen = moved();
    let silences = 0;
    const look = () => {
      timer.socketTimeoutTimer = undefined;
      if (timer.commandQueue.length === 0) return;
      silences = moved() === seen ? silences + 1 : 0;
      seen = moved();
      if (silences < LOOKS) return wait();
      stream.destroy(new Error(`Socket timeout. Nothing came for ${commandTimeoutMs} ms`));
    };
    const wait = () => {
      // A command under way keeps the process alive by its socket; an idle connection must not.
      timer.socketTimeoutTimer = setTimeout(look, commandTimeoutMs / LOOKS).unref();
    };
    wait();
  });
}

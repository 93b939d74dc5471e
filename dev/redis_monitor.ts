/**
 * What a server executes, as MONITOR tells it.
 * @module
 */
import { once } from "node:events";
import { connect } from "node:net";
import { pause, type RedisServer } from "./redis_server.ts";

/** One command that was executed. */
export interface Executed {
  readonly words: readonly string[];
  /** Whether a script did it. */
  readonly byScript: boolean;
}

/** Somebody who listens to a server. */
export interface Monitor {
  /** Everything executed so far. */
  read(): Promise<readonly Executed[]>;
  /** Ends it. */
  stop(): Promise<void>;
}

/** Listens from now on. */
export async function monitor(server: RedisServer): Promise<Monitor> {
  const socket = connect(server.port, "127.0.0.1");
  let text = "";
  // Latin-1, as MONITOR writes bytes that are not printable in escapes.
  socket.setEncoding("latin1");
  socket.on("data", (chunk: string) => text += chunk);
  await once(socket, "connect");
  socket.write("MONITOR\r\n");
  while (!text.startsWith("+OK\r\n")) await pause(5);
  return {
    async read() {
      const mark = `mark-${crypto.randomUUID()}`;
      await server.command("ECHO", mark);
      while (!text.includes(mark)) await pause(5);
      return text.split("\r\n").flatMap((line) => {
        const match = /^\+[\d.]+ \[\d+ ([^\]]+)\] (.*)$/.exec(line);
        return match === null ? [] : [{
          words: [...match[2]!.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, word]) => word!),
          byScript: match[1] === "lua",
        }];
      });
    },
    async stop() {
      socket.destroy();
      await once(socket, "close");
    },
  };
}

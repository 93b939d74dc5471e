/**
 * A server that speaks the Redis protocol and answers what a test tells it to.
 * @module
 */
import { closeQuietly, encodeCommand, RespParser, writeAll } from "./resp.ts";

/** A stub that listens. */
export interface RespStub extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
}

/** Answers each command, whose words are given in upper case first, with a text or an error. */
export function respStub(answer: (args: readonly string[]) => string | Error): RespStub {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const conns = new Set<Deno.Conn>();
  const serving = (async () => {
    const clients: Promise<void>[] = [];
    for await (const conn of listener) {
      conns.add(conn);
      clients.push(serve(conn, answer).catch(() => undefined));
    }
    await Promise.all(clients);
  })();
  const { port } = listener.addr as Deno.NetAddr;
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const conn of conns) closeQuietly(conn);
      await serving;
    },
  };
}

async function serve(
  conn: Deno.Conn,
  answer: (args: readonly string[]) => string | Error,
): Promise<void> {
  const parser = new RespParser();
  const chunk = new Uint8Array(65_536);
  for (let count = await conn.read(chunk); count !== null; count = await conn.read(chunk)) {
    parser.push(chunk.subarray(0, count));
    for (let frame = parser.next(); frame !== undefined; frame = parser.next()) {
      const [name = "", ...rest] = [frame.value].flat().map(String);
      const reply = answer([name.toUpperCase(), ...rest]);
      await writeAll(
        conn,
        reply instanceof Error
          ? new TextEncoder().encode(`-${reply.message}\r\n`)
          // A command of one word is encoded as an array of one bulk string.
          : encodeCommand([reply]).subarray(4),
      );
    }
  }
  closeQuietly(conn);
}

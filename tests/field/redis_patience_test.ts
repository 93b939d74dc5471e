/**
 * What a client of a Redis server waits for, and for how long: calls and waits are equally patient, and a link that
 * still carries something is not given up.
 * @module
 */
import assert from "node:assert/strict";
import { Member } from "../redis/member.ts";
import { hasRedis, pause, startRedis } from "../../dev/redis_server.ts";
import { startProxy } from "../../dev/proxy.ts";
import { closeQuietly, writeAll } from "../../dev/resp.ts";
import { eventually } from "../support/wrapped.ts";
import { ends } from "../../dev/sleepers.ts";

function redisTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: !hasRedis(), fn });
}

/** Whether a wait of this client is woken, and not only ended by its slow look. */
async function isWoken(ada: Member, bob: Member): Promise<void> {
  await ada.locks.acquire("woken.py");
  const waiting = bob.locks.acquire("woken.py", { waitMs: 10_000 });
  await eventually("a waiter that listens", async () => {
    const lines = await ada.store.connection.send("PUBSUB", ["CHANNELS"]) as string[];
    return lines.some((channel) => channel.includes("wake:wtr_"));
  });
  await ada.locks.release("woken.py");
  await waiting;
  await bob.locks.release("woken.py");
}

redisTest(
  "a wait that failed because no server listened does not break the next ones",
  async () => {
    await using server = await startRedis({ config: { appendonly: "yes" } });
    const location = `${server.url}?command_timeout=300ms#waits`;
    await using ada = await Member.join(location, "ada");
    await using bob = await Member.join(location, "bob");
    await server.kill();
    await assert.rejects(bob.tasks.tryClaim({ waitMs: 100 }), { code: "store_unavailable" });
    await assert.rejects(bob.tasks.tryClaim({ waitMs: 100 }), { code: "store_unavailable" });
    await server.restart();
    await eventually("a call that works again", () => bob.tasks.counts().catch(() => undefined));
    await eventually("another's call", () => ada.tasks.counts().catch(() => undefined));
    assert.deepEqual(await bob.tasks.tryClaim({ waitMs: 50 }), []);
    await isWoken(ada, bob);
  },
);

redisTest(
  "a first wait is as patient as a call with a server that is down for a moment",
  async () => {
    await using server = await startRedis({ config: { appendonly: "yes" } });
    await using ada = await Member.join(`${server.url}#waits`, "ada");
    await using bob = await Member.join(`${server.url}#waits`, "bob");
    await server.kill();
    const waiting = bob.tasks.claim({ waitMs: 20_000 });
    waiting.catch(() => undefined);
    await pause(300);
    await server.restart();
    await ada.tasks.create([{ title: "t" }]);
    assert.equal((await waiting)[0]!.title, "t");
  },
);

redisTest("a first wait goes on when its connection is cut while it subscribes", async () => {
  await using server = await startRedis();
  await using proxy = await startProxy(server);
  await using ada = await Member.join(`${server.url}#waits`, "ada");
  await using bob = await Member.join(`${proxy.url}#waits`, "bob");
  proxy.loseReplyOf(([word]) => /^info$/i.test(word!));
  const waiting = bob.tasks.claim({ waitMs: 20_000 });
  await eventually("a cut", () => proxy.lost().length === 1);
  await ada.tasks.create([{ title: "t" }]);
  assert.equal((await waiting)[0]!.title, "t");
});

redisTest("a wait works as soon as the server takes another client again", async () => {
  await using server = await startRedis();
  await using client = await server.connect();
  await using ada = await Member.join(`${server.url}#waits`, "ada");
  await using bob = await Member.join(`${server.url}?command_timeout=300ms#waits`, "bob");
  await client.command("CONFIG", "SET", "maxclients", 3);
  await assert.rejects(bob.tasks.tryClaim({ waitMs: 100 }), { code: "store_unavailable" });
  await client.command("CONFIG", "SET", "maxclients", 100);
  await isWoken(ada, bob);
});

/** Carries so many bytes a second to the server, and answers at once. */
function slowLink(port: number, bytesPerSecond: number) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const ends: Deno.Conn[] = [];
  const carry = async (from: Deno.Conn, to: Deno.Conn, rate: number) => {
    const chunk = new Uint8Array(65_536);
    try {
      for (;;) {
        const count = await from.read(chunk);
        if (count === null) break;
        if (count > 1000) await pause(count / rate * 1000);
        await writeAll(to, chunk.subarray(0, count));
      }
    } catch {
      // One end is gone.
    }
    closeQuietly(from);
    closeQuietly(to);
  };
  const serving = (async () => {
    try {
      for await (const client of listener) {
        const server = await Deno.connect({ hostname: "127.0.0.1", port });
        ends.push(client, server);
        carry(client, server, bytesPerSecond);
        carry(server, client, Infinity);
      }
    } catch {
      // It was closed.
    }
  })();
  return {
    url: `redis://127.0.0.1:${(listener.addr as Deno.NetAddr).port}`,
    async [Symbol.asyncDispose]() {
      closeQuietly(listener);
      for (const end of ends) closeQuietly(end);
      await serving;
    },
  };
}

redisTest(
  "a batch is carried as long as the link takes, and a frozen server still fails in time",
  async () => {
    await using server = await startRedis();
    // The server and this process need a part of the limit themselves, on a busy machine the most of it.
    await using link = slowLink(server.port, 4_000_000);
    const limits = "?command_timeout=4s";
    await using ada = await Member.join(`${link.url}${limits}#slow`, "ada");
    const payload = "x".repeat(240_000);
    const started = performance.now();
    // One after the other on the same link: the last one takes longer than a command may.
    const made = await Promise.all(
      [1, 2, 3].map(() =>
        ada.tasks.create(
          Array.from({ length: 33 }, (_, index) => ({ title: `t${index}`, payload })),
        )
      ),
    );
    assert.ok(performance.now() - started > 4000, "it took longer than a command may");
    assert.equal(made.flat().length, 99);
    assert.equal((await ada.tasks.counts()).pending, 99);

    server.freeze();
    try {
      const refused = assert.rejects(ada.tasks.create([{ title: "more", payload }]), {
        code: "store_unavailable",
      });
      await ends("failing", refused);
    } finally {
      server.resume();
    }
  },
);

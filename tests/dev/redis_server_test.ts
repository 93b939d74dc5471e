// The real servers and faults that tests of the Redis store rely on do what they promise.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { type Proxy, startProxy } from "../../dev/proxy.ts";
import {
  freshNamespace,
  hasRedis,
  type RedisServer,
  resp,
  type RespClient,
  RespError,
  sharedRedis,
  startRedis,
} from "../../dev/redis_server.ts";
import { encodeCommand, RespParser, writeAll } from "../../dev/resp.ts";
import { ends, GENEROUS_MS } from "../../dev/sleepers.ts";

const SERVER_MODULE = JSON.stringify(new URL("../../dev/redis_server.ts", import.meta.url).href);
const CONFIG = fileURLToPath(new URL("../../deno.json", import.meta.url));

/** Waits until `condition` holds, at most 5 s. */
async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + GENEROUS_MS;
  while (!await condition()) {
    if (performance.now() > deadlineMs) assert.fail(`it did not happen: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Registers a test that needs Redis, reported as skipped where there is none. */
function redisTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: !hasRedis(), fn });
}

/** Registers a test with a server behind a proxy, and a client of the proxy. */
function proxyTest(
  name: string,
  body: (bench: { server: RedisServer; proxy: Proxy; client: RespClient }) => Promise<void>,
): void {
  redisTest(name, async () => {
    await using server = await startRedis();
    await using proxy = await startProxy(server);
    await using client = await resp(proxy.port);
    await body({ server, proxy, client });
  });
}

/** Whether the process runs; one that has ended and was not collected yet does not. */
function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const status = `/proc/${pid}/status`;
  return !(existsSync(status) && /^State:\s+Z/m.test(Deno.readTextFileSync(status)));
}

/** Runs Deno on modules with these texts in a directory of their own. */
function deno(args: readonly string[], modules: readonly string[]) {
  const directory = Deno.makeTempDirSync({ prefix: "agentcoord-test-" });
  const paths = modules.map((text, i) => {
    const path = `${directory}/${i}_test.ts`;
    Deno.writeTextFileSync(path, text);
    return path;
  });
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args, "-A", "--no-check", "--config", CONFIG, ...paths],
    env: { AGENTCOORD_TEST_REDIS: "", NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  return { child, remove: () => Deno.removeSync(directory, { recursive: true }) };
}

Deno.test("parser gives the same values however the bytes are cut", () => {
  const bytes = new TextEncoder().encode(
    "*3\r\n$3\r\nSET\r\n$5\r\na\r\né\r\n$-1\r\n:42\r\n+O\nK\r\n-ERR no\r\n*-1\r\n" +
      "*2\r\n*1\r\n:1\r\n$0\r\n\r\n%1\r\n+k\r\n#t\r\n>2\r\n+m\r\n_\r\n,1.5\r\n",
  );
  const expected = [
    ["SET", "a\r\né", null],
    42,
    "O\nK",
    new RespError("ERR no"),
    null,
    [[1], ""],
    ["k", true],
    ["m", null],
    1.5,
  ];
  for (const size of [1, 2, 3, 7, bytes.length]) {
    const parser = new RespParser();
    const values: unknown[] = [];
    const back: number[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      parser.push(bytes.slice(at, at + size));
      for (let frame = parser.next(); frame !== undefined; frame = parser.next()) {
        values.push(frame.value);
        back.push(...frame.bytes);
      }
    }
    assert.deepEqual(values, expected, `chunks of ${size}`);
    assert.deepEqual(Uint8Array.from(back), bytes);
  }
});

redisTest("server answers, counts its clients, and is gone when it is stopped", async () => {
  const server = await startRedis({ config: { requirepass: "secret" } });
  assert.equal(server.url, `redis://:secret@127.0.0.1:${server.port}`);
  await using client = await server.connect();
  assert.equal(await client.command("SET", "k", "v"), "OK");
  assert.equal(await server.connections(), 1);
  assert.ok(await server.usedMemory() > 100_000);
  await assert.rejects(client.command("INCR", "k"), RespError);
  await assert.rejects(resp(server.port, { password: "wrong" }), /WRONGPASS/);
  await using stranger = await resp(server.port);
  await assert.rejects(stranger.command("GET", "k"), /NOAUTH/);
  assert.match(server.log(), /Ready to accept connections/);
  await server.stop();
  assert.equal(runs(server.pid), false);
  assert.equal(existsSync(server.directory), false);
  await assert.rejects(client.command("PING"), /closed/);
});

redisTest("server started again keeps its port, and its data only with persistence", async () => {
  for (const appendonly of ["no", "yes"]) {
    await using server = await startRedis({ config: { appendonly, appendfsync: "always" } });
    const { pid, port } = server;
    await server.command("SET", "k", "v");
    await server.kill();
    assert.equal(server.running, false);
    await assert.rejects(resp(port), Deno.errors.ConnectionRefused);
    await server.restart();
    assert.notEqual(server.pid, pid);
    assert.equal(server.port, port);
    assert.equal(await server.command("GET", "k"), appendonly === "yes" ? "v" : null);
  }
});

redisTest("server that is frozen answers nobody until it is resumed", async () => {
  await using server = await startRedis();
  await using client = await resp(server.port, { timeoutMs: 200 });
  server.freeze();
  await assert.rejects(client.command("PING"), /no answer to PING after 200 ms/);
  server.resume();
  assert.equal(await server.command("PING"), "PONG");
  server.freeze(); // It can be stopped all the same.
});

redisTest("servers started at the same time get ports of their own", async () => {
  const servers = await Promise.all(Array.from({ length: 6 }, () => startRedis()));
  try {
    assert.equal(new Set(servers.map(({ port }) => port)).size, 6);
    await assert.rejects(startRedis({ port: servers[0]!.port }), /the port is taken/);
    await assert.rejects(startRedis({ config: { nonsense: "1" } }), /Bad directive/);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
});

redisTest("servers do not survive a test process that is killed", async () => {
  const { child, remove } = deno(["run"], [`
    import { resp, sharedRedis, startRedis } from ${SERVER_MODULE};
    const own = await startRedis();
    own.freeze();
    await using shared = await resp((await sharedRedis()).port);
    const [pid] = /(?<=process_id:)\\d+/.exec(await shared.command("INFO", "server"));
    const [, directory] = await shared.command("CONFIG", "GET", "dir");
    console.log(JSON.stringify({ pids: [own.pid, Number(pid)], directories: [own.directory, directory] }));
    await new Promise((resolve) => setTimeout(resolve, 60_000));
  `]);
  const reader = child.stdout.getReader();
  const line = new TextDecoder().decode((await reader.read()).value);
  const { pids, directories } = JSON.parse(line) as { pids: number[]; directories: string[] };
  assert.deepEqual(pids.map(runs), [true, true]);
  child.kill("SIGKILL");
  await child.status;
  await Promise.all([reader.cancel(), child.stderr.cancel()]);
  await until("both servers have ended", () => !pids.some(runs));
  await until("their directories are gone", () => !directories.some(existsSync));
  remove();
});

redisTest("shared server is one for all test files, and ends with the last", async () => {
  const module = `
    import { resp, sharedRedis } from ${SERVER_MODULE};
    for (const name of ["first", "second"]) {
      Deno.test(name, async () => {
        const { url, port } = await sharedRedis();
        await using client = await resp(port);
        const id = /run_id:\\w+/.exec(await client.command("INFO", "server"))[0];
        console.log("seen", url, id);
      });
    }
  `;
  const { child, remove } = deno(["test"], [module, module]);
  const { code, stdout, stderr } = await child.output();
  const output = new TextDecoder().decode(stdout);
  assert.equal(code, 0, output + new TextDecoder().decode(stderr));
  const seen = output.match(/^seen .*$/gm) ?? [];
  assert.equal(seen.length, 4);
  assert.equal(new Set(seen).size, 1);
  const port = Number(/:(\d+) /.exec(seen[0]!)![1]);
  await until("the shared server has ended", async () => {
    try {
      (await resp(port)).close();
      return false;
    } catch {
      return true;
    }
  });
  remove();
});

redisTest("tests have namespaces of their own in the shared server", async () => {
  const { url, port } = await sharedRedis();
  assert.equal(url, `redis://127.0.0.1:${port}`);
  assert.deepEqual(await sharedRedis(), { url, port });
  const [mine, other] = [freshNamespace(), freshNamespace()];
  await using client = await resp(port);
  await client.command("SET", `${mine}:k`, "v", "PX", 5000);
  assert.equal(await client.command("EXISTS", `${other}:k`), 0);
});

proxyTest("proxy passes pipelines, large values and split chunks on as they are", async (bench) => {
  const { server, proxy, client } = bench;
  const large = "é\r\n".repeat(400_000);
  const replies = await Promise.all([
    client.command("SET", "k", large),
    ...Array.from({ length: 1000 }, (_, i) => client.command("RPUSH", "list", `${i}`)),
    client.command("GET", "k"),
    client.command("LRANGE", "list", 0, -1),
  ]);
  assert.equal(replies[1001], large);
  assert.equal((replies[1002] as string[]).length, 1000);
  assert.equal(proxy.commands().length, 1003);
  assert.deepEqual(proxy.commands()[1000], ["RPUSH", "list", "999"]);
  proxy.clear();
  await using conn = await Deno.connect({ hostname: "127.0.0.1", port: proxy.port });
  for (const byte of encodeCommand(["SET", "slow", "v"])) await writeAll(conn, Uint8Array.of(byte));
  await until("the command has come", async () => await server.command("GET", "slow") === "v");
  assert.deepEqual(proxy.commands(), [["SET", "slow", "v"]]);
});

proxyTest("proxy loses the reply of a command that was executed", async (bench) => {
  const { server, proxy, client } = bench;
  proxy.loseReplyOf(([name]) => name === "INCR");
  const [before, lost, behind] = await Promise.allSettled([
    client.command("GET", "counter"),
    client.command("INCR", "counter"),
    client.command("PING"),
  ]);
  assert.deepEqual(before, { status: "fulfilled", value: null });
  assert.equal(lost!.status, "rejected");
  assert.equal(behind!.status, "rejected");
  assert.equal(await server.command("GET", "counter"), "1");
  assert.deepEqual(proxy.lost(), [["INCR", "counter"]]);
  await using again = await resp(proxy.port);
  assert.equal(await again.command("INCR", "counter"), 2, "only the first is lost");
});

proxyTest("proxy loses as many replies as it shall, each with its connection", async (bench) => {
  const { server, proxy } = bench;
  proxy.loseReplies(2, ([name]) => name === "INCR");
  for (let attempt = 1; attempt <= 2; attempt++) {
    await using client = await resp(proxy.port);
    assert.equal(await client.command("PING"), "PONG");
    await assert.rejects(client.command("INCR", "counter"), /closed/);
    assert.equal(await server.command("GET", "counter"), `${attempt}`);
  }
  await using client = await resp(proxy.port);
  assert.equal(await client.command("INCR", "counter"), 3);
});

proxyTest("proxy does not take messages for replies", async ({ server, proxy, client }) => {
  proxy.loseReplyOf(([name]) => name === "PING");
  await client.command("HELLO", 3);
  await client.command("CLIENT", "TRACKING", "on");
  await client.command("GET", "k");
  await server.command("SET", "k", "v");
  assert.deepEqual(await client.next(), ["invalidate", ["k"]]);
  await using subscriber = await resp(proxy.port);
  assert.deepEqual(await subscriber.command("SUBSCRIBE", "topic"), ["subscribe", "topic", 1]);
  await server.command("PUBLISH", "topic", "hello");
  assert.deepEqual(await subscriber.next(), ["message", "topic", "hello"]);
  await assert.rejects(client.command("PING"), /closed/);
});

proxyTest("proxy cuts connections, and takes new ones", async ({ server, proxy, client }) => {
  assert.equal(await client.command("PING"), "PONG");
  assert.equal(proxy.connections, 1);
  proxy.cut();
  await assert.rejects(client.command("PING"), /closed/);
  await until("the server has noticed", async () => await server.connections() === 0);
  await using again = await resp(proxy.port);
  assert.equal(await again.command("PING"), "PONG");
});

proxyTest("proxy refuses connections, and keeps those there are", async ({ proxy, client }) => {
  assert.equal(await client.command("PING"), "PONG");
  await proxy.refuse(true);
  await assert.rejects(resp(proxy.port), Deno.errors.ConnectionRefused);
  assert.equal(await client.command("PING"), "PONG");
  await proxy.refuse(false);
  await using again = await resp(proxy.port);
  assert.equal(await again.command("PING"), "PONG");
});

proxyTest("proxy delays what passes, once each way, in order", async ({ proxy, client }) => {
  await client.command("PING");
  proxy.delay(100);
  const startedMs = performance.now();
  const values = await Promise.all([1, 2, 3].map(() => client.command("INCR", "k")));
  const tookMs = performance.now() - startedMs;
  assert.deepEqual(values, [1, 2, 3]);
  assert.ok(tookMs >= 195, `${tookMs} ms`);
  proxy.delay(3_600_000);
  proxy.delay(0);
  assert.equal(await ends("a command without delay", client.command("PING")), "PONG");
});

proxyTest("black hole swallows nothing for good, and executes late", async (bench) => {
  const { server, proxy, client } = bench;
  await client.command("PING");
  proxy.blackhole(true);
  await using hasty = await resp(proxy.port, { timeoutMs: 100 });
  const patient = client.command("INCR", "patient");
  await assert.rejects(hasty.command("INCR", "hasty"), /no answer/);
  assert.equal(await server.command("EXISTS", "patient", "hasty"), 0);
  proxy.blackhole(false);
  assert.equal(await patient, 1);
  await until("given up, and executed", async () => await server.command("GET", "hasty") === "1");
  proxy.blackhole(true); // It can be stopped all the same.
  client.command("PING").catch(() => {});
});

import assert from "node:assert/strict";
import { StoreUnavailableError } from "../../../src/errors.ts";
import { RedisConnection } from "../../../src/engine/redis/connection.ts";
import { freePort, hasRedis, resp, startRedis } from "../../../dev/redis_server.ts";
import { respStub } from "../../../dev/resp_stub.ts";
import { ends, GENEROUS_MS } from "../../../dev/sleepers.ts";

const SECRET = "hunter2-s3cret";
const LIMITS = { connectTimeoutMs: 1000, commandTimeoutMs: 1000 };

function redisTest(name: string, run: () => Promise<void>): void {
  Deno.test({ name, ignore: !hasRedis(), fn: run });
}

/** What went wrong, after checking that it tells no secret. */
async function failureOf(action: Promise<unknown>): Promise<StoreUnavailableError> {
  const error = await ends("failing", action.then(() => undefined, (error) => error));
  assert.ok(error instanceof StoreUnavailableError, Deno.inspect(error));
  for (const shown of [Deno.inspect(error, { depth: 9 }), JSON.stringify(error.details)]) {
    assert.ok(!shown.includes(SECRET), shown);
  }
  return error;
}

function expect(error: StoreUnavailableError, reason: string, message: RegExp, retryable: boolean) {
  assert.match(error.message, message);
  assert.match(error.message, /^Cannot use the store: /);
  assert.deepEqual(
    { code: error.code, reason: error.details.reason, retryable: error.retryable },
    { code: "store_unavailable", reason, retryable },
    error.message,
  );
}

const open = (url: string) => RedisConnection.open(url, LIMITS);
const evaluate = (connection: RedisConnection, script: string, key = "k") =>
  connection.send("EVAL", [script, 1, key]).catch((error) => {
    throw connection.failure(error);
  });
const WRITE = "return redis.call('SET', KEYS[1], 'x')";

redisTest("a Redis connection greets the server, runs commands and closes", async () => {
  await using server = await startRedis();
  const connection = await open(server.url);
  assert.equal(connection.connects, 1);
  assert.equal(connection.clustered, false);
  assert.equal(connection.location, server.url);
  const { version, flavour, runId, mode, role } = connection.server;
  assert.match(version, /^\d+\.\d+\.\d+$/);
  assert.match(runId, /^[0-9a-f]{40}$/);
  assert.match(flavour, /^(redis|valkey)$/);
  assert.deepEqual([mode, role], ["standalone", "master"]);
  assert.equal(await connection.send("EVAL", ["return ARGV[1]", 1, "k", "é"]), "é");
  // Commands under way are answered before the end.
  const last = connection.send("EVAL", ["return 1", 1, "k"]);
  await connection.close();
  assert.equal(await last, 1);
  const error = await failureOf(connection.send("PING"));
  expect(error, "closed", /it has been closed$/, false);
});

redisTest("a Redis connection opens with nothing but AUTH, SELECT and INFO", async () => {
  await using server = await startRedis({ config: { requirepass: SECRET } });
  await using watch = await server.connect();
  await watch.command("MONITOR");
  const connection = await open(`${server.url}/3`);
  await connection.send("PING");
  await connection.close();
  const seen: string[] = [];
  while (seen.length < 4) seen.push(/\] "(\w+)"/.exec(String(await watch.next()))?.[1] ?? "");
  assert.deepEqual(seen, ["auth", "select", "info", "PING"]);
});

redisTest("a Redis connection names a wrong password, user or database at once", async () => {
  await using server = await startRedis({ config: { requirepass: "right" } });
  const at = `127.0.0.1:${server.port}`;
  const cases: [string, string, RegExp][] = [
    [`redis://:${SECRET}@${at}`, "auth", /refused the user or the password in the URL$/],
    [`redis://ada:${SECRET}@${at}`, "auth", /refused the user or the password/],
    [`redis://${at}`, "auth", /wants a password; store it with agentcoord login/],
    [`redis://:right@${at}/16`, "database", /has no database 16; use a lower number/],
  ];
  for (const [url, reason, message] of cases) {
    expect(await failureOf(open(url)), reason, message, false);
  }
  await using plain = await startRedis();
  const url = `redis://:${SECRET}@127.0.0.1:${plain.port}`;
  expect(await failureOf(open(url)), "auth", /has no password, but the URL has one/, false);
});

redisTest("a Redis connection tells a port, host, socket or protocol that is wrong", async () => {
  const http = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    () => new Response(""),
  );
  const cases: [string, string, RegExp, boolean][] = [
    [`redis://127.0.0.1:${freePort()}`, "unreachable", /nothing listens at 127\.0\.0\.1/, true],
    [`redis://[::1]:${freePort()}`, "unreachable", /nothing listens at \[::1\]:/, true],
    ["redis://no-such-host.invalid", "unreachable", /the host "no-such-host.invalid" is un/, true],
    ["unix:/nowhere/r.sock", "unreachable", /nothing listens at \/nowhere\/r\.sock/, true],
    [`redis://127.0.0.1:${http.addr.port}`, "not_redis", /is no Redis server; check/, false],
    [`rediss://127.0.0.1:${http.addr.port}`, "tls", /does not speak TLS; use redis:/, false],
  ];
  for (const [url, reason, message, retryable] of cases) {
    const error = await failureOf(open(url));
    expect(error, reason, message, retryable);
    assert.equal(error.details.sent, false);
  }
  await http.shutdown();
});

redisTest("a Redis connection works over a Unix socket, in its database", async () => {
  const directory = Deno.makeTempDirSync({ prefix: "agentcoord-redis-" });
  const path = `${directory}/r@s.sock`;
  await using server = await startRedis({ directory, config: { unixsocket: path } });
  const connection = await open(`unix:${path.replace("@", "%40")}?db=2`);
  await evaluate(connection, WRITE, "here");
  await connection.close();
  assert.match(String(await server.command("INFO", "keyspace")), /db2:keys=1/);
  await server.stop();
  await Deno.remove(directory, { recursive: true });
});

redisTest("a Redis connection refuses a server that is too old, and takes Valkey", async () => {
  const info = (text: string) => respStub((args) => args[0] === "INFO" ? text : "OK");
  await using old = info("redis_version:5.0.14\r\n");
  const error = await failureOf(open(old.url));
  expect(
    error,
    "too_old",
    / runs Redis 5\.0\.14, which is too old; 6\.2 or newer is needed/,
    false,
  );
  await using valkey = info("redis_version:7.2.4\r\nvalkey_version:8.1.0\r\nrun_id:r\r\n");
  const connection = await open(valkey.url);
  assert.deepEqual([connection.server.flavour, connection.server.version], ["valkey", "8.1.0"]);
  await connection.close();
});

redisTest("a Redis connection waits for a server that loads its data", async () => {
  let asked = 0;
  await using stub = respStub(() => `redis_version:7.0.0\r\nloading:${++asked < 3 ? 1 : 0}\r\n`);
  const connection = await open(stub.url);
  assert.equal(asked, 3);
  await connection.close();
  await using slow = respStub(() => "redis_version:7.0.0\r\nloading:1\r\n");
  const error = await failureOf(RedisConnection.open(slow.url, { commandTimeoutMs: 200 }));
  expect(error, "loading", /is still loading its data/, true);
});

redisTest(
  "a Redis connection of a restricted user works, and names what is not allowed",
  async () => {
    await using server = await startRedis();
    const user = ["ACL", "SETUSER", "ada", "on", `>${SECRET}`, "~ok*", "resetchannels"];
    await server.command(...user, "+eval", "+get", "+subscribe");
    const connection = await open(`redis://ada:${SECRET}@127.0.0.1:${server.port}`);
    assert.equal(connection.server.version, "");
    assert.equal(await evaluate(connection, "return 1", "ok"), 1);
    const allow = /; allow it with ACL SETUSER$/;
    const failures = {
      command: await failureOf(
        connection.send("SET", ["ok", 1]).catch((error) => {
          throw connection.failure(error);
        }),
      ),
      inside: await failureOf(evaluate(connection, WRITE, "ok")),
      key: await failureOf(evaluate(connection, "return 1", "other")),
      channel: await failureOf(connection.subscribe("c", { onMessage() {} })),
    };
    for (const failure of Object.values(failures)) expect(failure, "no_permission", allow, false);
    assert.match(failures.command.message, /may not run the command "set" at/);
    assert.match(failures.key.message, /may not use the keys of the store/);
    assert.match(failures.channel.message, /may not use the channels of the store/);
    await connection.close();
  },
);

redisTest("a Redis connection names what keeps the server from writing", async () => {
  await using server = await startRedis();
  const connection = await open(server.url);
  const config = (name: string, value: string) => server.command("CONFIG", "SET", name, value);
  const refused = async (reason: string, message: RegExp, retryable: boolean) =>
    expect(await failureOf(evaluate(connection, WRITE)), reason, message, retryable);

  await config("maxmemory", "1");
  await refused("out_of_memory", /used up its memory \(maxmemory\)/, true);
  await config("maxmemory", "0");
  await config("min-replicas-to-write", "2");
  await refused("too_few_replicas", /fewer replicas than it wants/, true);
  await config("min-replicas-to-write", "0");
  await server.command("LPUSH", "list", "1");
  const type = await failureOf(evaluate(connection, "return redis.call('GET', KEYS[1])", "list"));
  expect(type, "foreign_keys", /other data lies under this namespace's keys/, false);
  const plain = await evaluate(connection, "return nil + 1").catch((error) => error);
  assert.ok(plain instanceof Error && !(plain instanceof StoreUnavailableError));
  assert.ok(!("command" in plain));

  await server.command("REPLICAOF", "127.0.0.1", String(freePort()));
  await refused("readonly", /has just become a replica, which takes no writes; try again/, true);
  // The connection was made again, so by now it is known to lead to a replica.
  await until(() => connection.connects === 2);
  await refused("readonly", /is a replica, which takes no writes; use the address/, false);
  await config("replica-serve-stale-data", "no");
  await refused("primary_down", /has lost its primary/, true);
  await connection.close();
});

redisTest("a Redis connection fails in time when the server freezes, and comes back", async () => {
  await using server = await startRedis();
  const connection = await open(server.url);
  server.freeze();
  const [one, two] = await Promise.all([
    failureOf(evaluate(connection, WRITE)),
    failureOf(evaluate(connection, WRITE)),
  ]);
  for (const error of [one, two]) {
    expect(error, "timeout", /has not answered for 1s; the server may be frozen/, true);
    assert.equal(error.details.sent, true);
  }
  const unsent = await failureOf(connection.ready());
  assert.equal(unsent.details.sent, false);
  const opening = await failureOf(open(server.url));
  expect(opening, "timeout", /has not answered for 1s/, true);
  server.resume();
  assert.equal(await evaluate(connection, "return 7"), 7);
  await connection.close();
});

redisTest("a Redis connection rides out a restart, and never sends a command twice", async () => {
  await using server = await startRedis();
  const connection = await RedisConnection.open(server.url);
  const { runId } = connection.server;
  server.freeze();
  const sent = evaluate(connection, "return redis.call('INCR', KEYS[1])", "count");
  const lost = failureOf(sent);
  await server.kill();
  const error = await lost;
  expect(error, "lost", /was lost before the answer came, so the operation may or may not/, true);
  assert.equal(error.details.sent, true);
  const waiting = evaluate(connection, "return redis.call('INCR', KEYS[1])", "count");
  await server.restart();
  assert.equal(await waiting, 1);
  assert.equal(connection.connects, 2);
  assert.notEqual(connection.server.runId, runId);
  await connection.close();
});

redisTest("a Redis connection gives up on a server that stays away, and tells why", async () => {
  await using server = await startRedis();
  const connection = await RedisConnection.open(server.url, { commandTimeoutMs: 300 });
  await server.kill();
  await until(() => !connection.isReady);
  const error = await failureOf(evaluate(connection, WRITE));
  expect(error, "unreachable", /nothing listens at/, true);
  assert.equal(error.details.sent, false);
  await connection.close();
});

redisTest("a Redis connection does not wait where waiting is no use", async () => {
  await using server = await startRedis({ config: { requirepass: SECRET } });
  const connection = await RedisConnection.open(server.url, { commandTimeoutMs: 20_000 });
  await server.command("CONFIG", "SET", "requirepass", "another");
  const lost = until(() => !connection.isReady);
  await using admin = await resp(server.port, { password: "another" });
  await admin.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  await lost;
  const error = await failureOf(connection.ready());
  expect(error, "auth", /refused the user or the password/, false);
  await connection.close();
});

redisTest("a Redis connection hears channels, also after the connection was lost", async () => {
  await using server = await startRedis();
  const connection = await open(server.url);
  const heard: string[] = [];
  const listen = (name: string) => ({
    onMessage: (message: string) => heard.push(`${name} ${message}`),
    onLost: () => heard.push(`${name} lost`),
    onAgain: () => heard.push(`${name} again`),
  });
  const [endA] = await Promise.all([
    connection.subscribe("a", listen("a")),
    connection.subscribe("b", listen("b")),
  ]);
  assert.equal(await server.connections(), 2);
  await server.command("PUBLISH", "a", "1");
  await server.command("PUBLISH", "b", "2");
  await until(() => heard.length === 2);
  assert.deepEqual(heard.splice(0), ["a 1", "b 2"]);
  await server.command("CLIENT", "KILL", "TYPE", "pubsub");
  await until(() => heard.length === 4);
  assert.deepEqual(heard.splice(0), ["a lost", "b lost", "a again", "b again"]);
  endA();
  await until(async () => (await server.command("PUBLISH", "a", "3")) === 0);
  await server.command("PUBLISH", "b", "4");
  await until(() => heard.includes("b 4"));
  await connection.close();
  await until(async () => (await server.connections()) === 0);
});

async function until(done: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + GENEROUS_MS;
  while (!await done()) {
    assert.ok(performance.now() < endMs, "it did not happen");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

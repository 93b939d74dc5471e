import assert from "node:assert/strict";
import { ConflictError, StoreUnavailableError } from "../../../src/errors.ts";
import { type FailureContext, redisFailure } from "../../../src/engine/redis/failure.ts";

const CONTEXT: FailureContext = {
  place: "db:6379",
  location: "redis://***@db:6379",
  db: 0,
  tls: false,
  connectTimeoutMs: 5000,
  commandTimeoutMs: 5000,
  secrets: ["s3cret", "ada"],
  replica: false,
};

/** As the client makes one of a server's error, with all that it knows. */
function reply(message: string): Error {
  const error = Object.assign(new Error(message), {
    command: { name: "auth", args: ["ada", "s3cret"] },
  });
  error.name = "ReplyError";
  return error;
}

Deno.test("redisFailure knows what every server says, bare and from inside a script", () => {
  const bare: [string, string, boolean][] = [
    ["OOM command not allowed when used memory > 'maxmemory'.", "out_of_memory", true],
    ["READONLY You can't write against a read only replica.", "readonly", true],
    ["MISCONF Redis is configured to save RDB snapshots, but", "disk", true],
    ["NOREPLICAS Not enough good replicas to write.", "too_few_replicas", true],
    ["MASTERDOWN Link with MASTER is down and replica-serve-", "primary_down", true],
    ["LOADING Redis is loading the dataset in memory", "loading", true],
    ["CLUSTERDOWN The cluster is down", "cluster_down", true],
    ["BUSY Redis is busy running a script. You can only call", "busy", true],
    ["WRONGTYPE Operation against a key holding the wrong kind", "foreign_keys", false],
    ["NOPERM this user has no permissions to run the 'set' command", "no_permission", false],
  ];
  const wrapped = (text: string) => [
    text,
    `${text} script: 9f06, on @user_script:1.`,
    `ERR Error running script (call to f_9f06): @user_script:1: @user_script: 1: -${text}`,
  ];
  const once: [string, string, boolean][] = [
    ["NOAUTH Authentication required.", "auth", false],
    ["WRONGPASS invalid username-password pair or user is disabled.", "auth", false],
    ["ERR AUTH <password> called without any password configured for the", "auth", false],
    ["DENIED Redis is running in protected mode because", "auth", false],
    ["ERR DB index is out of range", "database", false],
    ["ERR SELECT is not allowed in cluster mode", "cluster", false],
    ["MOVED 3999 127.0.0.1:6381", "cluster", false],
    ["CROSSSLOT Keys in request don't hash to the same slot", "cluster", false],
    ["ERR This instance has cluster support disabled", "not_cluster", false],
    ["ERR max number of clients reached", "too_many_clients", true],
    ["ERR unknown command 'evalsha', with args beginning with: 's3cret'", "unsupported", false],
    ["ERR The user executing the script can't run this command script: 9", "no_permission", false],
  ];
  const cases = bare.flatMap(([text, reason, retryable]) =>
    wrapped(text).map((text): [string, string, boolean] => [text, reason, retryable])
  );
  for (const [text, reason, retryable] of [...cases, ...once]) {
    const failure = redisFailure(reply(text), CONTEXT);
    assert.ok(failure instanceof StoreUnavailableError, text);
    assert.deepEqual([failure.details.reason, failure.retryable], [reason, retryable], text);
    assert.match(failure.message, /^Cannot use the store: .*db:6379/);
    assert.ok(!/s3cret|ada\b/.test(Deno.inspect(failure, { depth: 9 })), text);
    assert.equal(failure.details.sent, undefined);
  }
});

Deno.test("redisFailure tells what was sent from what was not", () => {
  const sent = (message: string, lastError?: Error) => {
    const failure = redisFailure(new Error(message), { ...CONTEXT, lastError });
    assert.ok(failure instanceof StoreUnavailableError, message);
    return [failure.details.reason, failure.details.sent];
  };
  const flushed = "Reached the max retries per request limit (which is 0).";
  assert.deepEqual(sent(flushed), ["lost", true]);
  assert.deepEqual(sent(flushed, new Error("read ECONNRESET")), ["lost", true]);
  assert.deepEqual(sent(flushed, new Error("Socket timeout. Expecting data")), ["timeout", true]);
  assert.deepEqual(sent("Connection is closed."), ["lost", true]);
  assert.deepEqual(sent("Command timed out"), ["timeout", true]);
  assert.deepEqual(sent("Stream isn't writeable and enableOffline"), ["unreachable", false]);
  assert.deepEqual(sent("connect ECONNREFUSED 127.0.0.1:1"), ["unreachable", false]);
});

Deno.test("redisFailure hands on what is ours, and nothing of a command that went wrong", () => {
  const ours = new ConflictError("held");
  assert.equal(redisFailure(ours, CONTEXT), ours);
  assert.equal(redisFailure("text", CONTEXT), "text");
  const bug = new TypeError("x is not a function");
  assert.equal(redisFailure(bug, CONTEXT), bug);
  const unknown = redisFailure(reply("ERR user_script:1: attempt to s3cret"), CONTEXT);
  assert.ok(unknown instanceof Error && !(unknown instanceof StoreUnavailableError));
  assert.equal(unknown.message, "ERR user_script:1: attempt to ***");
  assert.ok(!Deno.inspect(unknown, { depth: 9 }).includes("s3cret"));
});

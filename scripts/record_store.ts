/**
 * Records a store as a version of the program leaves it: it has something of everything, and what the program
 * shows of it. A later version must open it and show the same; see tests/field/recorded_store_test.ts.
 *
 *     deno run -A scripts/record_store.ts directory tests/recorded/directory_5.json [ROOT]
 *     deno run -A scripts/record_store.ts redis://127.0.0.1:6379 tests/recorded/redis_3.json [ROOT]
 *
 * ROOT is a checkout of the version to record; without it, this one. The server must be empty: what it holds is
 * removed afterwards.
 * @module
 */
import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import { Redis } from "ioredis";
import { NAMESPACE, type Recording, viewOf } from "../dev/recorded.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

const [kind, file, root = "."] = Deno.args;
if (kind === undefined || file === undefined) throw new Error("say directory or a URL, and a file");
const { CoordinationClient } = await import(
  `file://${await Deno.realPath(root)}/mod.ts`
) as typeof import("../mod.ts");
const home = await Deno.makeTempDir({ prefix: "agentcoord-record-" });
const store = kind === "directory" ? `${home}/store` : kind;
try {
  const seen = await fillAndView();
  const held = kind === "directory"
    ? { database: zipped(`${store}/namespaces/${NAMESPACE}/store.db`) }
    : { commands: await commandsOf(store) };
  const recording: Recording = { ...seen, ...held };
  await Deno.writeTextFile(file, JSON.stringify(recording, null, 2) + "\n");
} finally {
  await Deno.remove(home, { recursive: true });
}

async function fillAndView(): Promise<Pick<Recording, "viewedAtMs" | "view">> {
  await Deno.mkdir(`${home}/project/real`, { recursive: true });
  await Deno.symlink("real", `${home}/project/link`);
  await using client = await CoordinationClient.open({
    store,
    namespace: NAMESPACE,
    cwd: `${home}/project`,
  });
  const open = (name: string, options = {}) =>
    client.session(name, { heartbeat: false, onClose: "leave", ...options });
  const ada = await open("ada", { role: "engineer", tags: ["backend", "api"], workingOn: "café" });
  const bob = await open("bob");
  const cy = await open("cy", { role: "reviewer", onClose: "deregister" });
  const ttlMs = 20 * DAY_MS;

  await ada.locks.acquire(["src/a.py", "src/b.py"], { ttlMs, intent: 'fix "login" é' });
  await ada.locks.acquire("docs", { ttlMs, mode: "shared" });
  await bob.locks.acquire("docs", { ttlMs, mode: "shared", intent: "read" });
  await bob.locks.acquire("link/x.py", { ttlMs });
  await bob.locks.acquire("gone.py", { ttlMs });
  await bob.locks.release("gone.py");

  const [first, , third] = await ada.tasks.create([
    { title: 'The "first"', description: "two\nlines", payload: { deep: [[], {}, [null, 1e21]] } },
    { title: "Second", priority: 9, tags: ["a", "b"], payload: null, leaseMs: ttlMs },
    { title: "Third", dependsOn: [0, 1], maxAttempts: 2, key: "third" },
    { title: "Later", notBeforeMs: Date.now() + 300 * DAY_MS, payload: "text" },
    { title: "Needs the first", dependsOn: [0], tags: ["late"], payload: [], priority: 0 },
  ]);
  const [second] = await ada.tasks.claim();
  await ada.tasks.renew(second!.id, { progress: "half\nway" });
  await bob.tasks.claim({ leaseMs: ttlMs });
  await bob.tasks.release(first!.id, { reason: "not mine" });
  await bob.tasks.claim({ leaseMs: ttlMs });
  await bob.tasks.complete(first!.id, { result: { done: [true, "é"] } });
  const [failing, dying, , , waiting] = await bob.tasks.create([
    { title: "Fails", priority: 8, backoff: { kind: "none" } },
    { title: "Dies", priority: 7, maxAttempts: 1 },
    { title: "Needs what dies", dependsOn: [1] },
    { title: "Ends", priority: 0, payload: { a: 1 } },
    { title: "Waits", backoff: { kind: "linear", baseMs: 5000 } },
  ]);
  await cy.tasks.claim();
  await cy.tasks.fail(failing!.id, { error: 'a "wall"' });
  await cy.tasks.claim();
  await cy.tasks.fail(failing!.id, { error: "another" });
  await cy.tasks.create([{ title: "Is put off", priority: 9, backoff: { kind: "linear" } }]);
  const [putOff] = await cy.tasks.claim();
  await cy.tasks.fail(putOff!.id, { error: "later" });
  await ada.tasks.update(failing!.id, { priority: 0, title: "Failed", payload: { n: 1 } });
  await cy.tasks.claim();
  await cy.tasks.fail(dying!.id, { error: "no way", retry: false });
  await ada.tasks.update(waiting!.id, { description: "changed", tags: [], maxAttempts: 9 });
  await ada.tasks.cancel(third!.id);
  await ada.agents.heartbeat({ status: "blocked", workingOn: "waiting" });

  const high = await ada.board.post({
    title: "Outage",
    message: "see @bob",
    priority: "high",
    tags: ["prod"],
  });
  const plain = await bob.board.post({ title: "Plan", message: "a plan\nof two lines", key: "p" });
  await cy.board.reply(plain.id, { message: "yes @ada", to: ["bob"], status: "waiting" });
  await ada.board.reply(plain.id, { message: "no" });
  await bob.board.inbox({ ack: true });
  await ada.board.reply(high.id, { message: "still @bob @cy" });
  const closed = await cy.board.post({ title: "Closed", priority: "low", tags: ["x", "y"] });
  await cy.board.resolve(closed.id, { message: "done" });

  const timeoutMs = 6 * DAY_MS;
  const ask = { actionType: "deploy", description: "to\nproduction", timeoutMs };
  await ada.approvals.request({ ...ask, approvers: ["bob"], key: "k" });
  const used = await ada.approvals.request({ ...ask, digest: "d1" });
  await bob.approvals.approve(used.id, { comment: "go" });
  await ada.approvals.use(used.id, { digest: "d1" });
  const refused = await bob.approvals.request(ask);
  await ada.approvals.reject(refused.id, { comment: 'no "reason"' });

  for (const n of [1, 2, 3]) {
    const refs = n === 1 ? [] : [`src/a.py:${n}`, "é"];
    const decision = { decisionType: "plan", context: `c${n}`, reason: "two\nlines" };
    await bob.audit.log({ ...decision, refs, key: `${n}` });
  }
  await ada.tasks.create([
    {
      title: "Has paths",
      tags: ["paths"],
      leaseMs: ttlMs,
      paths: ["lib", { path: "docs", mode: "shared" }],
    },
    { title: "Is held up", tags: ["paths"], paths: ["lib/x.py"] },
  ]);
  await bob.tasks.claim({ tags: ["paths"] });
  await ada.tasks.tryClaim({ tags: ["paths"] });
  await cy.close();
  // Signs of life that the look would be are given before it.
  await ada.board.inbox();
  await bob.board.inbox();
  const view = await viewOf((name) => name === "ada" ? ada : bob);
  return { viewedAtMs: Date.now(), view };
}

function zipped(path: string): string {
  return gzipSync(Deno.readFileSync(path)).toString("base64");
}

/** Commands that make every key of the namespace anew, on any server. */
async function commandsOf(url: string): Promise<string[][]> {
  const client = new Redis(url);
  const prefix = `{agentcoord:${NAMESPACE}}:`;
  // The client has shapes of its own for some answers; those of a script it leaves alone.
  const ask = async (command: string, ...args: (string | number)[]) =>
    bytes(
      await client.callBuffer("EVAL", "return redis.call(unpack(ARGV))", 0, command, ...args),
    );
  const commands: string[][] = [];
  try {
    for (const key of (await client.keys(`${prefix}*`)).sort()) {
      const name = key.slice(prefix.length);
      const type = await client.type(key);
      if (type === "string") commands.push(["SET", name, await ask("GET", key) as string]);
      else if (type === "hash") {
        const fields = await ask("HGETALL", key) as string[];
        commands.push(...pairs(fields).map((pair) => ["HSET", name, ...pair]));
      } else if (type === "zset") {
        const members = await ask("ZRANGE", key, 0, -1, "WITHSCORES") as string[];
        commands.push(...pairs(members).map(([member, score]) => ["ZADD", name, score!, member!]));
      } else if (type === "stream") {
        const entries = await ask("XRANGE", key, "-", "+") as [string, string[]][];
        commands.push(...entries.map(([id, fields]) => ["XADD", name, id, ...fields]));
      } else throw new Error(`${key} is a ${type}`);
      await client.del(key);
    }
  } finally {
    client.disconnect();
  }
  return commands;
}

/** Each byte as one character. */
function bytes(answer: unknown): unknown {
  if (Array.isArray(answer)) return answer.map(bytes);
  return Buffer.isBuffer(answer) ? answer.toString("latin1") : String(answer);
}

function pairs(values: readonly string[]): string[][] {
  return values.flatMap((first, at) => at % 2 === 0 ? [[first, values[at + 1]!]] : []);
}

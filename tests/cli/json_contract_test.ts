/**
 * What scripts rely on: one envelope, and rows with the same keys whether there are none, one or many.
 * Long, because every list has its own row.
 */
import assert from "node:assert/strict";
import { withProject } from "../support/cli.ts";
import { envelope, inProcess } from "../support/golden_run.ts";
import { assertShape, type Shape, SHAPES } from "../support/golden_shape.ts";
import { KINDS, silenceAll, useRedis } from "../support/golden_store.ts";

/** Rows that are many, and no multiple of a page. */
const MANY = 17;
const PAGE = 5;

/** A command that lists rows. */
interface ListCommand {
  /** Every way to call it. */
  readonly calls: readonly (readonly string[])[];
  readonly shape: Shape;
  /** Makes one more row; `index` counts from 0. */
  readonly add: (dir: string, index: number) => Promise<void>;
  /** What identifies a row. */
  readonly key: "id" | "path" | "name";
  /** Where rows made later stand, in a list that has pages. */
  readonly paged?: "newest first" | "newest last" | "oldest first";
  /** Who acts; most lists need nobody. */
  readonly as?: string;
  /** Rows that are there already once the first call was made. */
  readonly before?: number;
}

async function does(dir: string, agent: string, ...words: string[]): Promise<string> {
  const env = { AGENTCOORD_AGENT: agent, AGENTCOORD_DURABILITY: "normal" };
  const { code, stdout, stderr } = await inProcess(dir, ["-q", ...words], { env });
  assert.deepEqual([code, stderr], [0, ""], words.join(" "));
  return stdout.trimEnd();
}

const LISTS: Readonly<Record<string, ListCommand>> = {
  locks: {
    calls: [["locks"], ["lock", "list"], ["locks", "--holder", "ada"]],
    shape: SHAPES.lease,
    key: "path",
    add: async (dir, index) => void await does(dir, "ada", "lock", "acquire", `${index}.py`),
  },
  agents: {
    calls: [["agents"], ["agent", "list"], ["agents", "--status", "active"]],
    shape: SHAPES.agent,
    key: "name",
    add: async (dir, index) =>
      void await does(dir, `agent-${index}`, "agent", "register", "--role", "engineer"),
  },
  hung: {
    calls: [["hung", "--threshold", "1"]],
    shape: SHAPES.agent,
    key: "name",
    add: async (dir, index) => {
      await does(dir, `agent-${index}`, "lock", "acquire", `${index}.py`);
      await silenceAll(dir, 60_000);
    },
  },
  "hung --explain": {
    calls: [["hung", "--threshold", "1", "--explain"]],
    shape: SHAPES.hungAgent,
    key: "name",
    add: async (dir, index) => {
      await does(dir, `agent-${index}`, "lock", "acquire", `${index}.py`);
      await does(dir, "boss", "task", "add", `task ${index}`);
      await does(dir, `agent-${index}`, "task", "claim");
      await does(dir, "boss", "agent", "deregister");
      await silenceAll(dir, 60_000);
    },
  },
  tasks: {
    calls: [["tasks"], ["task", "list"], ["tasks", "--by", "ada"]],
    shape: SHAPES.task,
    key: "id",
    paged: "oldest first",
    add: async (dir, index) => void await does(dir, "ada", "task", "add", `task ${index}`),
  },
  "tasks by tag": {
    calls: [["tasks", "--tags", "x"], ["task", "list", "--status", "pending", "--tags", "x"]],
    shape: SHAPES.task,
    key: "id",
    paged: "oldest first",
    add: async (dir, index) => {
      await does(dir, "ada", "task", "add", `other ${index}`, "--tags", "y");
      await does(dir, "ada", "task", "add", `task ${index}`, "--tags", "x,z");
    },
  },
  board: {
    calls: [["board"], ["board", "list"], ["board", "list", "--status", "active"]],
    shape: SHAPES.thread,
    key: "id",
    paged: "newest first",
    add: async (dir, index) => void await does(dir, "ada", "board", "post", `thread ${index}`),
  },
  "board search": {
    calls: [["board", "search", "needle"], ["board", "search", "NEEDLE", "thread"]],
    shape: SHAPES.thread,
    key: "id",
    paged: "newest first",
    add: async (dir, index) => {
      await does(dir, "ada", "board", "post", `hay ${index}`);
      await does(dir, "ada", "board", "post", `thread ${index}`, "--message", "a needle");
    },
  },
  inbox: {
    calls: [["inbox"]],
    shape: SHAPES.message,
    key: "id",
    as: "bob",
    add: async (dir, index) =>
      void await does(dir, "ada", "board", "post", `thread ${index}`, "--to", "bob"),
  },
  approvals: {
    calls: [["approvals"], ["approval", "list"], ["approvals", "--status", "pending"]],
    shape: SHAPES.approval,
    key: "id",
    paged: "newest first",
    add: async (dir, index) =>
      void await does(dir, "ada", "approval", "request", "deploy", "--description", `${index}`),
  },
  "audit list": {
    calls: [["audit", "list"], ["audit", "list", "--by", "ada", "--type", "deployment"]],
    shape: SHAPES.entry,
    key: "id",
    paged: "newest last",
    add: async (dir, index) =>
      void await does(
        dir,
        "ada",
        ...["audit", "log", "deployment", "--context", "x", "--reason", `${index}`],
      ),
  },
};

/** Registers a test that calls the program in its own process, once for each kind of store. */
function contract(name: string, body: (dir: string) => Promise<void>, kinds = KINDS): void {
  for (const kind of kinds) {
    Deno.test({
      name: `${name} (${kind})`,
      sanitizeResources: false, // As a one-shot process does, a call leaves what the kernel closes to it.
      sanitizeOps: false,
      fn: () =>
        withProject(async (dir) => {
          if (kind === "redis") await useRedis(dir);
          await body(dir);
        }),
    });
  }
}

for (const [name, list] of Object.entries(LISTS)) {
  const { calls, shape, key, add, as, paged } = list;
  const env: Record<string, string> = as === undefined ? {} : { AGENTCOORD_AGENT: as };

  contract(`the JSON of ${name} has the same shape for no row, one row and many`, async (dir) => {
    if (as !== undefined) await does(dir, as, "agent", "register");
    const rows = async (words: readonly string[]) => {
      const { code, document, stderr } = await envelope(dir, words, { env });
      assert.deepEqual([code, stderr, document.warnings], [0, "", []]);
      assert.deepEqual(Object.keys(document), ["schemaVersion", "ok", "data", "warnings"]);
      assert.ok(Array.isArray(document.data));
      for (const row of document.data) assertShape(row, shape);
      return document.data;
    };
    for (let made = 0; made <= MANY; made++) {
      if ([0, 1, MANY].includes(made)) {
        const first = await rows(calls[0]!);
        assert.equal(first.length, made);
        assert.equal(new Set(first.map((row: Record<string, string>) => row[key])).size, made);
        for (const call of calls.slice(1)) assert.deepEqual(await rows(call), first);
      }
      if (made < MANY) await add(dir, made);
    }
    if (paged !== undefined) await pages(dir, list, await rows(calls[0]!));
  });
}

/** Walks through the pages while a row is added: what was there comes exactly once, in order. */
async function pages(
  dir: string,
  { calls, add, paged }: ListCommand,
  all: readonly { readonly id: string }[],
): Promise<void> {
  const seen: string[] = [];
  let cursor: string | undefined;
  for (let page = 0;; page++) {
    assert.ok(page < all.length, "the pages do not end");
    const from = cursor === undefined ? [] : ["--cursor", cursor];
    const { document } = await envelope(dir, [...calls[0]!, "--limit", `${PAGE}`, ...from]);
    const ids = document.data.map(({ id }: { id: string }) => id);
    seen.splice(paged === "newest last" ? 0 : seen.length, 0, ...ids);
    if (page === 1) await add(dir, 1000);
    cursor = document.nextCursor;
    if (cursor === undefined) {
      assert.deepEqual(Object.keys(document), ["schemaVersion", "ok", "data", "warnings"]);
      break;
    }
    assert.equal(ids.length, PAGE, "only the last page may be short");
    assert.deepEqual(
      Object.keys(document),
      ["schemaVersion", "ok", "data", "nextCursor", "warnings"],
    );
  }
  const late = paged === "oldest first" ? seen.splice(all.length) : [];
  assert.deepEqual(seen, all.map(({ id }) => id));
  assert.equal(late.length, paged === "oldest first" ? 1 : 0);
}

// deno-lint-ignore no-explicit-any -- a test looks into the document as its reader would
async function data(dir: string, agent: string, ...words: string[]): Promise<any> {
  const env = { AGENTCOORD_AGENT: agent };
  const { code, document } = await envelope(dir, words, { env });
  assert.equal(code, 0, JSON.stringify(document));
  return document.data;
}

contract(
  "the JSON of a task has every field it needs, in every state, and no null",
  async (dir) => {
    const add = (...words: string[]) => data(dir, "ada", "task", "add", ...words);
    const payload = ["--payload", '{"pull":[1,null]}', "--description", "a\nb", "--tags", "x"];
    const { id } = await add("done", ...payload, "--key", "k");
    const [claimed] = await data(dir, "bob", "task", "claim");
    assert.equal(claimed.id, id);
    assert.deepEqual(claimed.lease, {
      holder: "bob",
      fence: claimed.attempts[0].fence,
      expiresAtMs: claimed.lease.expiresAtMs,
    });
    await data(dir, "bob", "task", "renew", id, "--progress", "half way");
    const done = await data(dir, "bob", "task", "complete", id, "--result", "[1]");
    assert.deepEqual([done.status, done.result, done.payload, done.lease], [
      "completed",
      [1],
      { pull: [1, null] },
      undefined,
    ]);
    assert.deepEqual(Object.keys(done.attempts[0]), [
      "holder",
      "fence",
      "startedAtMs",
      "endedAtMs",
      "outcome",
      "progress",
    ]);

    const dead = await add("dead");
    await data(dir, "bob", "task", "claim");
    await data(dir, "bob", "task", "fail", dead.id, "--error", "no", "--no-retry");
    const blocked = await add("blocked", "--depends-on", dead.id);
    await add("scheduled", "--not-before", "+1h");
    await data(dir, "ada", "task", "cancel", (await add("cancelled")).id);
    const retried = await add("retried");
    await data(dir, "bob", "task", "claim");
    await data(dir, "bob", "task", "fail", retried.id, "--error", "try again");
    await add("pending");

    const rows = await data(dir, "ada", "tasks");
    for (const row of rows) assertShape(row, SHAPES.task);
    assert.deepEqual(
      rows.map(({ title, status }: Record<string, string>) => `${title} ${status}`),
      [
        "pending pending",
        "blocked blocked",
        "scheduled scheduled",
        "retried scheduled",
        "done completed",
        "dead dead",
        "cancelled cancelled",
      ],
    );
    assert.match(rows[1].blockedReason, new RegExp(dead.id));
    assert.deepEqual(await data(dir, "ada", "task", "show", id), done);
    assert.deepEqual((await data(dir, "ada", "task", "show", blocked.id)).dependsOn, [dead.id]);
  },
);

contract("the JSON of a claim is a list, whatever the count", async (dir) => {
  const tasks = Array.from({ length: 5 }, (_, index) => JSON.stringify({ title: `task ${index}` }));
  const env = { AGENTCOORD_AGENT: "ada" };
  const made = await envelope(dir, ["task", "add", "--from", "-"], {
    env,
    stdin: tasks.join("\n"),
  });
  assert.equal(made.document.data.length, 5);
  assert.equal((await data(dir, "ada", "task", "claim")).length, 1);
  assert.equal((await data(dir, "ada", "task", "claim", "--count", "10")).length, 4);
  const { code, document } = await envelope(dir, ["task", "claim"], { env });
  assert.deepEqual([code, document.error.code], [9, "nothing_to_claim"]);
  const one = await envelope(dir, ["task", "add", "--from", "-"], { env, stdin: tasks[0]! });
  assert.equal(one.document.data.length, 1);
});

contract("the JSON of an approval and of an agent has what became of it", async (dir) => {
  const ask = ["approval", "request", "deploy", "--description", "x", "--digest", "d"];
  const { id } = await data(dir, "ada", ...ask, "--approvers", "bob");
  const decided = await data(dir, "bob", "approve", id, "--comment", "fine");
  assertShape(decided, SHAPES.approval);
  assert.deepEqual([decided.approvers, decided.digest, decided.comment], [["bob"], "d", "fine"]);
  assert.deepEqual(await data(dir, "ada", "approvals"), [decided]);
  assert.deepEqual(await data(dir, "ada", "approval", "wait", id), decided);

  const register = ["agent", "register", "--name", "cat", "--working-on", "x", "--tags", "a,b"];
  const registered = await data(dir, "ada", ...register);
  assertShape(registered, SHAPES.agent);
  const beaten = await data(dir, "cat", "agent", "heartbeat", "--status", "blocked");
  assertShape(beaten, SHAPES.agent);
  assert.deepEqual([beaten.name, beaten.status, beaten.tags], ["cat", "blocked", ["a", "b"]]);
  assert.deepEqual(await data(dir, "cat", "agent", "deregister"), {
    released: { locks: 0, tasks: 0 },
  });
  const shown = await data(dir, "ada", "agent", "show", "cat");
  assertShape(shown, SHAPES.agent);
  assert.equal(shown.status, "gone");
  assert.deepEqual(await data(dir, "ada", "agents", "--status", "gone"), [shown]);
  assert.deepEqual(await data(dir, "ada", "agent", "prune"), [shown]);
  assert.deepEqual(await data(dir, "ada", "agent", "prune"), []);
});

contract("board show pages back through the replies", async (dir) => {
  const { id } = await data(dir, "ada", "board", "post", "thread");
  const empty = await data(dir, "ada", "board", "show", id);
  assertShape(empty, SHAPES.threadWithReplies);
  assert.deepEqual(empty.replies, []);
  for (let index = 0; index < MANY; index++) {
    await does(dir, "ada", "board", "reply", id, "--message", `reply ${index}`);
  }
  const all = await data(dir, "ada", "board", "show", id);
  assertShape(all, SHAPES.threadWithReplies);
  assert.deepEqual([all.replies.length, all.replyCount], [MANY, MANY]);
  const seen = [];
  for (let cursor: string[] = [];;) {
    const { replies } = await data(dir, "ada", "board", "show", id, "--limit", "5", ...cursor);
    if (replies.length === 0) break;
    seen.unshift(...replies);
    cursor = ["--cursor", replies[0].id];
  }
  assert.deepEqual(seen, all.replies);
});

contract("an inbox read in parts shows every message once", async (dir) => {
  for (let index = 0; index < MANY; index++) {
    await does(dir, "ada", "board", "post", `thread ${index}`, "--message", "@bob look");
  }
  const all = await data(dir, "bob", "inbox");
  assert.equal(all.length, MANY);
  const seen = [];
  for (;;) {
    const part = await data(dir, "bob", "inbox", "--limit", "5", "--ack");
    if (part.length === 0) break;
    seen.push(...part);
  }
  assert.deepEqual(seen, all);
});

contract("events print one object a line, from any cursor on", async (dir) => {
  const lines = async (...words: string[]) => {
    const { code, stdout, stderr } = await inProcess(dir, ["--json", "events", ...words]);
    assert.deepEqual([code, stderr], [0, ""]);
    const events = stdout.split("\n").slice(0, -1).map((line) => JSON.parse(line));
    for (const event of events) assertShape(event, SHAPES.event);
    return events;
  };
  assert.deepEqual(await lines(), []);
  await does(dir, "ada", "agent", "register");
  assert.equal((await lines()).length, 1);
  for (let index = 0; index < MANY; index++) await does(dir, "ada", "lock", "acquire", `${index}`);
  const all = await lines();
  assert.equal(all.length, MANY + 1);
  const seen = await lines("--limit", "5");
  for (;;) {
    const part = await lines("--limit", "5", "--since", seen.at(-1).id);
    if (part.length === 0) break;
    seen.push(...part);
  }
  assert.deepEqual(seen, all);
});

contract("JSON is printed when flag, variable or file ask for it, in this order", async (dir) => {
  const isJson = async (words: readonly string[], env: Record<string, string> = {}) => {
    const { stdout, stderr } = await inProcess(dir, words, { env });
    return stdout.startsWith('{"schemaVersion":1,') && stderr === "";
  };
  for (const words of [["locks"], ["version"], ["lcok"], ["lock", "verify", "a"]]) {
    assert.ok(!await isJson(words), words.join(" "));
    assert.ok(await isJson([...words, "--json"]), words.join(" "));
    assert.ok(await isJson(["--json", ...words]), words.join(" "));
    for (const on of ["1", "true", "yes", "on", "TRUE"]) {
      assert.ok(await isJson(words, { AGENTCOORD_JSON: on }), `${words.join(" ")} ${on}`);
    }
    for (const off of ["0", "false", "no"]) {
      assert.ok(!await isJson(words, { AGENTCOORD_JSON: off }), `${words.join(" ")} ${off}`);
      assert.ok(await isJson(["--json", ...words], { AGENTCOORD_JSON: off }), words.join(" "));
    }
  }
  await Deno.writeTextFile(`${dir}/agentcoord.json`, '{"json": true}');
  for (const words of [["locks"], ["version"], ["lcok"], ["lock", "verify", "a"]]) {
    assert.ok(await isJson(words), words.join(" "));
    assert.ok(!await isJson(words, { AGENTCOORD_JSON: "0" }), words.join(" "));
  }
}, ["directory"]);

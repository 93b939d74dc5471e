import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { sleep } from "../../src/clock.ts";
import { cli, cliJson, start, steady, withProject } from "../support/cli.ts";

interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly value: string | number;
  readonly subject?: string;
  readonly hint?: string;
}

const HOME = ".agentcoord/namespaces/default";
const DATABASE = `${HOME}/store.db`;

/** Every file below `dir` with its content and instant of change. */
async function snapshot(dir: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for await (const { name, isDirectory } of Deno.readDir(dir)) {
    const path = `${dir}/${name}`;
    if (isDirectory) {
      for (const [inner, state] of await snapshot(path)) found.set(inner, state);
    } else {
      const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(path));
      const { mtime } = await Deno.stat(path);
      found.set(path, `${mtime?.getTime()} ${new Uint8Array(digest).toHex()}`);
    }
  }
  return found;
}

/** A project whose store has been used once. */
async function withStore(body: (dir: string) => Promise<void>): Promise<void> {
  await withProject(async (dir) => {
    const { code } = await cli(dir, ["lock", "acquire", "a.py", "--agent", "ada"]);
    assert.equal(code, 0);
    await body(dir);
  });
}

const names = (directory: string) => [...Deno.readDirSync(directory)].map(({ name }) => name);

/** Changes the database behind the program's back. */
function tamper(dir: string, sql: string): void {
  const db = new DatabaseSync(`${dir}/${DATABASE}`);
  db.exec(sql);
  db.close();
}

function find(checks: readonly Check[], name: string): Check {
  const check = checks.find((candidate) => candidate.name === name);
  assert.ok(check !== undefined, `no check ${name}`);
  return check;
}

/** Runs doctor on a store that is to be refused; checks both modes of output, gives the checks. */
async function refused(dir: string, failing: string): Promise<readonly Check[]> {
  const json = await cliJson(dir, ["doctor"]);
  assert.deepEqual([json.code, json.document.ok], [7, false]);
  assert.equal(json.document.error.code, "store_unavailable");
  const { checks } = json.document.error.details;
  assert.deepEqual(
    checks.filter(({ ok }: Check) => !ok).map(({ name }: Check) => name),
    [failing],
  );
  const text = await cli(dir, ["doctor"]);
  assert.equal(text.code, 7);
  assert.match(text.stdout, new RegExp(`^FAIL  ${failing} `, "m"));
  assert.match(text.stderr, new RegExp(`^agentcoord: The check "${failing}" failed: `));
  return checks;
}

Deno.test("doctor where no store is says so and makes none", () =>
  withProject(async (dir) => {
    const { code, stdout, stderr } = await cli(dir, ["doctor"]);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    assert.equal(
      steady(stdout, dir).replace(/^(ok {4}f\w+ +).*$/gm, "$1…"),
      `\
ok    project      DIR
ok    store        DIR/.agentcoord
ok    namespace    default
ok    durability   full
ok    file_system  …
ok    free_bytes   …
ok    file_watch   …
note  database     none yet
      nothing has been stored here so far; agentcoord init makes the store
`,
    );
    assert.deepEqual([...Deno.readDirSync(dir)].map(({ name }) => name), [".git"]);
  }, { store: false }));

Deno.test("doctor on a store in use finds it well and changes nothing in it", () =>
  withStore(async (dir) => {
    const before = await snapshot(`${dir}/.agentcoord`);
    const { code, document, stderr } = await cliJson(dir, ["doctor"]);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    const checks: Check[] = document.data.checks;
    assert.deepEqual(
      checks.map(({ name, ok, value }) => `${name} ${ok} ${typeof value}`),
      [
        "project true string",
        "store true string",
        "namespace true string",
        "durability true string",
        "file_system true string",
        "free_bytes true number",
        "file_watch true string",
        "database true string",
        "schema_version true number",
        "sqlite_version true string",
        "integrity true string",
        "lost_commits true number",
        "restored true string",
        "oldest_event true string",
        "clock_ahead_ms true number",
        "file_modes true string",
        "git_ignored true string",
        "database_bytes true number",
        "log_bytes true number",
        "waiters true number",
        "stale_waiters true number",
        "kernel_lock true string",
        "read_ms true number",
        "write_ms true number",
        "largest_record_bytes true number",
        "audit_chain true string",
      ],
    );
    const value = (name: string) => find(checks, name).value;
    assert.deepEqual(
      [value("database"), value("integrity"), value("file_modes"), value("kernel_lock")],
      ["present", "ok", "0700", "free"],
    );
    assert.equal(value("audit_chain"), "0 entries fit");
    assert.equal(value("restored"), "never");
    assert.deepEqual(find(checks, "largest_record_bytes"), {
      name: "largest_record_bytes",
      ok: true,
      value: 0,
    });
    assert.ok(Number(value("write_ms")) < 1000);
    const after = await snapshot(`${dir}/.agentcoord`);
    // The shared memory beside the database is scratch space that every reader uses.
    const stable = [...before.keys()].filter((path) => !path.endsWith("-shm"));
    assert.deepEqual([...after.keys()].sort(), [...before.keys()].sort());
    for (const path of stable) assert.equal(after.get(path), before.get(path), path);
  }));

Deno.test("doctor names the largest record", () =>
  withStore(async (dir) => {
    await cli(dir, ["task", "add", "small", "--agent", "ada"]);
    const payload = JSON.stringify("x".repeat(50_000));
    const added = await cliJson(dir, ["task", "add", "large", "--payload", payload], {
      env: { AGENTCOORD_AGENT: "ada" },
    });
    const { id } = added.document.data;
    await cli(dir, ["board", "post", "t", "--message", "m".repeat(1000), "--agent", "ada"]);
    const { document } = await cliJson(dir, ["doctor"]);
    const { value, subject, hint } = find(document.data.checks, "largest_record_bytes");
    assert.deepEqual({ subject, hint }, { subject: `task ${id}`, hint: undefined });
    assert.ok(Number(value) > 50_000 && Number(value) < 51_000, String(value));
    const { stdout } = await cli(dir, ["doctor"]);
    assert.match(
      stdout,
      new RegExp(`^ok    largest_record_bytes  50\\.\\d kB \\(task ${id}\\)$`, "m"),
    );
  }));

Deno.test("doctor says what to do when events or ended things pile up", () =>
  withStore(async (dir) => {
    tamper(dir, "UPDATE events SET at_ms = at_ms - 31 * 86400000");
    const old = find((await cliJson(dir, ["doctor"])).document.data.checks, "oldest_event");
    assert.match(String(old.value), /^31d/);
    assert.match(old.hint ?? "", /agentcoord task prune, agentcoord board prune/);
    tamper(
      dir,
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
       INSERT INTO events SELECT (SELECT max(seq) FROM events) + i, 'task.created', 'x', NULL,
         (SELECT max(at_ms) FROM events), NULL FROM n`,
    );
    const full = find((await cliJson(dir, ["doctor"])).document.data.checks, "oldest_event");
    assert.match(full.hint ?? "", /the newest 100000 events are kept.*begin anew/);
  }));

Deno.test("doctor notes what works but should be known", () =>
  withStore(async (dir) => {
    await Deno.chmod(`${dir}/.agentcoord`, 0o755);
    await Deno.remove(`${dir}/.agentcoord/.gitignore`);
    await Deno.mkdir(`${dir}/${HOME}/bells`, { recursive: true });
    await Deno.writeTextFile(`${dir}/${HOME}/bells/wtr_01ARZ3NDEKTSV4RRFFQ69G5FAV`, "");
    tamper(dir, "UPDATE state SET now_ms = now_ms + 3600000");
    const { code, document } = await cliJson(dir, ["doctor"]);
    assert.equal(code, 0);
    const { checks } = document.data;
    const { value: aheadMs, hint } = find(checks, "clock_ahead_ms");
    assert.ok(Number(aheadMs) > 3_500_000 && Number(aheadMs) <= 3_600_000, String(aheadMs));
    assert.match(hint ?? "", /clock was set back/);
    assert.deepEqual(find(checks, "file_modes").value, "0755");
    assert.match(find(checks, "file_modes").hint ?? "", /chmod -R go= .*\/\.agentcoord$/);
    assert.match(find(checks, "git_ignored").hint ?? "", /\.gitignore$/);
    assert.equal(find(checks, "stale_waiters").value, 1);
    const text = await cli(dir, ["doctor"]);
    assert.equal(text.code, 0);
    assert.match(text.stdout, /^note {2}clock_ahead_ms +(?:1h|59m\d+s)\n {6}the host's clock/m);
  }));

Deno.test("doctor in a namespace without state names those that have some", () =>
  withStore(async (dir) => {
    const { code, document } = await cliJson(dir, ["doctor", "--namespace", "other"]);
    assert.equal(code, 0);
    const { value, hint } = find(document.data.checks, "database");
    assert.equal(value, "none yet");
    assert.match(hint ?? "", /namespaces with state here: default$/);
    assert.deepEqual(
      [...Deno.readDirSync(`${dir}/.agentcoord/namespaces`)].map(({ name }) => name),
      ["default"],
    );
  }));

Deno.test("doctor names the process that sits on the kernel lock", () =>
  withStore(async (dir) => {
    using file = await Deno.open(`${dir}/${HOME}/store.lock`, { write: true });
    await file.lock(true);
    const checks = await refused(dir, "kernel_lock");
    const { value, hint } = find(checks, "kernel_lock");
    if (Deno.build.os !== "linux") return;
    assert.match(String(value), new RegExp(`^held by process ${Deno.pid} \\(.+\\)$`));
    assert.match(hint ?? "", new RegExp(`kill -CONT ${Deno.pid}\\b`));
    assert.ok(!checks.some(({ name }) => name === "write_ms"), "wrote past the lock");
  }));

Deno.test("doctor refuses a truncated database and leaves it as it is", () =>
  withStore(async (dir) => {
    // Closing the last connection copies the log into the database.
    tamper(dir, "SELECT 1");
    await Deno.truncate(`${dir}/${DATABASE}`, 8192);
    const before = await Deno.readFile(`${dir}/${DATABASE}`);
    const checks = await refused(dir, "database");
    assert.match(
      String(find(checks.filter(({ ok }) => !ok), "database").value),
      /store\.db is damaged \(.+\); restore the/,
    );
    assert.deepEqual(await Deno.readFile(`${dir}/${DATABASE}`), before);
  }));

Deno.test("doctor refuses a database with broken pages", () =>
  withStore(async (dir) => {
    // A page that opening does not read.
    const db = new DatabaseSync(`${dir}/${DATABASE}`);
    const { page_size } = db.prepare("PRAGMA page_size").get() as { page_size: number };
    const { rootpage } = db.prepare(
      "SELECT rootpage FROM sqlite_master WHERE name = 'lock_waiter_paths_by_seq'",
    ).get() as { rootpage: number };
    db.close();
    using file = await Deno.open(`${dir}/${DATABASE}`, { write: true });
    await file.seek((rootpage - 1) * page_size, Deno.SeekMode.Start);
    await file.write(new Uint8Array(page_size).fill(0x5a));
    const failed = (await refused(dir, "integrity")).find(({ ok }) => !ok);
    assert.match(failed?.hint ?? "", /restore .*\/\.agentcoord from a backup/);
  }));

Deno.test("doctor refuses a database of a newer version, and somebody else's", () =>
  withStore(async (dir) => {
    tamper(dir, "PRAGMA user_version = 99");
    const newer = (await refused(dir, "database")).find(({ ok }) => !ok);
    assert.match(String(newer?.value), /has schema version 99, this program knows \d+; upgrade/);
    tamper(dir, "PRAGMA user_version = 1; PRAGMA application_id = 7");
    const foreign = (await refused(dir, "database")).find(({ ok }) => !ok);
    assert.match(String(foreign?.value), /is not an AgentCoord database/);
  }));

Deno.test("doctor refuses a directory with somebody else's files", () =>
  withProject(async (dir) => {
    await Deno.mkdir(`${dir}/.agentcoord`);
    await Deno.writeTextFile(`${dir}/.agentcoord/main.py`, "");
    const failed = (await refused(dir, "database")).find(({ ok }) => !ok);
    assert.match(String(failed?.value), /holds other files, such as main\.py; choose an empty/);
    assert.deepEqual(names(`${dir}/.agentcoord`), ["main.py"]);
  }, { store: false }));

Deno.test("doctor finds an audit log that was changed past the program", () =>
  withStore(async (dir) => {
    const reason = ["--reason", "ada is on holiday"];
    const { code } = await cli(dir, ["lock", "break", "a.py", "--agent", "maria", ...reason]);
    assert.equal(code, 0);
    tamper(dir, "UPDATE audit SET reason = 'she asked for it'");
    const failed = (await refused(dir, "audit_chain")).find(({ ok }) => !ok);
    assert.match(String(failed?.value), /^broken at entry 1: /);
  }));

Deno.test("doctor --selftest fights on the store's disk and leaves nothing behind", () =>
  withStore(async (dir) => {
    const { code, document, stderr } = await cliJson(dir, ["doctor", "--selftest"]);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
    const checks: Check[] = document.data.checks;
    assert.deepEqual(checks.slice(-5).map(({ name, ok }) => `${name} ${ok}`), [
      "lock_exclusion true",
      "locks_per_s true",
      "task_exclusion true",
      "tasks_per_s true",
      "wake_ms true",
    ]);
    const [, added, sum] = /added (\d+) times, the sum is (\d+); 0 found another inside/
      .exec(String(find(checks, "lock_exclusion").value)) ?? [];
    assert.equal(added, sum);
    assert.ok(Number(added) > 0);
    assert.equal(find(checks, "task_exclusion").value, "200 tasks, 200 completed, 0 twice");
    assert.deepEqual(names(`${dir}/.agentcoord/namespaces`), ["default"]);
    const { document: locks } = await cliJson(dir, ["locks"]);
    assert.deepEqual(locks.data.map(({ path }: { path: string }) => path), ["a.py"]);
  }));

Deno.test("doctor --selftest where no store is makes none, also when it is interrupted", () =>
  withProject(async (dir) => {
    const child = start(dir, ["doctor", "--selftest"]);
    // The ground of the fight shows that it is under way.
    while (!names(dir).some((name) => name.includes("selftest"))) await sleep(10);
    child.kill("SIGINT");
    const { code, stdout } = await child.output();
    assert.equal(code, 130);
    assert.equal(stdout.length, 0);
    assert.deepEqual(names(dir), [".git"]);
  }, { store: false }));

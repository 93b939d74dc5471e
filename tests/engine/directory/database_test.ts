import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { Agents } from "../../../src/agent/agent.ts";
import { systemClock } from "../../../src/clock.ts";
import { StoreUnavailableError } from "../../../src/errors.ts";
import { Database } from "../../../src/engine/directory/database.ts";
import { DirectoryStore } from "../../../src/open/directory.ts";
import { MIGRATIONS } from "../../../src/open/migrations.ts";
import { openAs } from "../../../dev/workers/context.ts";
import { SCHEMA, SCHEMA_VERSION } from "../../../src/open/schema.ts";

const HOME = "namespaces/default";
const FILE = `${HOME}/store.db`;

/** Runs `body` with a directory of its own. */
function dirTest(name: string, body: (dir: string) => Promise<void>): void {
  Deno.test(name, async () => {
    const dir = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
    try {
      await body(dir);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  });
}

/** Uses the store in `dir` once and answers with the names of its agents. */
async function use(dir: string, name = "ada"): Promise<string[]> {
  const context = await openAs(dir, name, "full");
  try {
    await new Agents(context).heartbeat();
    return (await new Agents(context).list()).map((agent) => agent.name);
  } finally {
    await context.store.close();
  }
}

/** Checks that the store is refused with words that match, and names `path`. */
async function refused(
  using: Promise<unknown>,
  words: RegExp,
  { path, retryable = false }: { readonly path: string; readonly retryable?: boolean },
): Promise<void> {
  await assert.rejects(using, (error: StoreUnavailableError) => {
    assert.ok(error instanceof StoreUnavailableError, `${error}`);
    assert.match(error.message, words);
    assert.ok(error.message.includes(path), `${error.message} names ${path}`);
    assert.equal(error.details.path, path);
    assert.equal(error.retryable, retryable);
    return true;
  });
}

const DAMAGED =
  /^Cannot use the store: .* is damaged \(.*\); restore the directory .* from a backup, or/;

/** What a store that nobody has open consists of. */
const FILES = ["store.db", "store.lock", "store.reserve"];

dirTest("store is made on first use, closed to others and hidden from git", async (dir) => {
  assert.deepEqual(await use(`${dir}/a/.agentcoord`), ["ada"]);
  assert.deepEqual(await use(`${dir}/a/.agentcoord`, "bob"), ["ada", "bob"]);
  const mode = async (path: string) => (await Deno.stat(path)).mode! & 0o777;
  assert.equal(await mode(`${dir}/a/.agentcoord`), 0o700);
  assert.equal(await mode(`${dir}/a/.agentcoord/${FILE}`), 0o600);
  assert.equal(await Deno.readTextFile(`${dir}/a/.agentcoord/.gitignore`), "*\n");
  const left = [...Deno.readDirSync(`${dir}/a/.agentcoord/${HOME}`)].map(({ name }) => name);
  assert.deepEqual(left.filter((name) => name !== "bells").sort(), FILES);
});

dirTest("store in an empty directory or beside its settings is fine", async (dir) => {
  await Deno.writeTextFile(`${dir}/config.json`, "{}\n");
  assert.deepEqual(await use(dir), ["ada"]);
});

dirTest("store refuses a directory with other files and touches nothing", async (dir) => {
  await Deno.writeTextFile(`${dir}/thesis.tex`, "\\begin");
  await refused(use(dir), /holds other files, such as thesis\.tex; choose an empty/, { path: dir });
  assert.deepEqual([...Deno.readDirSync(dir)].map(({ name }) => name), ["thesis.tex"]);
});

dirTest("store refuses a path that goes through a file", async (dir) => {
  await Deno.writeTextFile(`${dir}/file`, "");
  for (const path of [`${dir}/file`, `${dir}/file/.agentcoord`]) {
    await refused(use(path), /a part of the path .* is a file; choose another --store/, { path });
  }
  const text = await Deno.readTextFile(`${dir}/file`);
  assert.equal(text, "");
});

/** Ways to spoil a database, and what is said then. */
const SPOILERS: readonly (readonly [string, RegExp, (path: string) => Promise<void> | void])[] = [
  ["an empty file", /is damaged \(it is empty\)/, (path) => Deno.truncate(path)],
  ["a truncated file", DAMAGED, (path) => Deno.truncate(path, 8192)],
  ["a header and nothing else", DAMAGED, (path) => Deno.truncate(path, 100)],
  ["half a header", DAMAGED, (path) => Deno.truncate(path, 50)],
  ["garbage", DAMAGED, (path) => Deno.writeFile(path, new Uint8Array(50_000).fill(7))],
  ["a text", DAMAGED, (path) => Deno.writeTextFile(path, "Dear diary,\n".repeat(100))],
  ["a directory", /is a directory in the place of a file/, async (path) => {
    await Deno.remove(path);
    await Deno.mkdir(path);
  }],
  [
    "another program's database",
    /is not an AgentCoord database; move the directory/,
    async (path) => {
      await Deno.remove(path);
      const db = new DatabaseSync(path);
      db.exec("CREATE TABLE bookmarks (url TEXT); INSERT INTO bookmarks VALUES ('x')");
      db.close();
    },
  ],
  ["another program's marked database", /is not an AgentCoord database/, (path) => {
    const db = new DatabaseSync(path);
    db.exec("PRAGMA application_id = 252006673");
    db.close();
  }],
  [
    "a newer schema",
    new RegExp(`has schema version 999, this program knows ${SCHEMA_VERSION}; upgrade agentcoord`),
    (path) => {
      const db = new DatabaseSync(path);
      db.exec("PRAGMA user_version = 999");
      db.close();
    },
  ],
];

for (const [what, words, spoil] of SPOILERS) {
  dirTest(`store refuses ${what} in place of its database and leaves it as it is`, async (dir) => {
    await use(dir);
    const path = `${dir}/${FILE}`;
    await spoil(path);
    const before = await look(path);
    for (let attempt = 0; attempt < 2; attempt++) {
      await refused(use(dir), words, { path });
      assert.deepEqual(await look(path), before);
    }
    // Moving it away is what the refusal advises; then an empty store begins.
    await Deno.rename(path, `${dir}/moved`);
    assert.deepEqual(await use(dir, "bob"), ["bob"]);
  });
}

async function look(path: string): Promise<string> {
  const { isDirectory } = await Deno.stat(path);
  if (isDirectory) return "a directory";
  const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(path));
  return new Uint8Array(digest).toHex();
}

dirTest(
  "store that loses pages in its middle is refused by the operation that needs them",
  async (dir) => {
    await use(dir);
    const path = `${dir}/${FILE}`;
    const file = await Deno.open(path, { write: true });
    await file.seek(4096, Deno.SeekMode.Start);
    for (let page = 1; page < 8; page++) await file.write(new Uint8Array(4096).fill(0xaa));
    file.close();
    await refused(use(dir), DAMAGED, { path });
  },
);

dirTest("schema comes forward from every older version with the data kept", async (dir) => {
  const path = `${dir}/old.db`;
  await (await Database.open(path, SCHEMA)).close();
  const whole = new DatabaseSync(path);
  const { application_id } = whole.prepare("PRAGMA application_id").get() as Record<string, number>;
  const schemaOf = (db: DatabaseSync) =>
    db.prepare("SELECT type, name, sql FROM sqlite_master ORDER BY name").all()
      .map((row) => Object.values(row).join(" "));
  const wanted = schemaOf(whole);
  whole.close();
  for (let version = 1; version < MIGRATIONS.length; version++) {
    const older = `${dir}/${version}.db`;
    const db = new DatabaseSync(older);
    db.exec(`PRAGMA application_id = ${application_id}; PRAGMA journal_mode = WAL`);
    for (const migration of MIGRATIONS.slice(0, version)) db.exec(migration);
    db.exec(`PRAGMA user_version = ${version}; UPDATE state SET event = 7`);
    db.close();
    const [first, second] = await Promise.all([
      Database.open(older, SCHEMA),
      Database.open(older, SCHEMA),
    ]);
    assert.equal(first.versions().schema, SCHEMA_VERSION);
    assert.deepEqual(
      first.all("SELECT event AS x FROM state", []).map((row) => ({ ...row as object })),
      [
        { x: 7 },
      ],
    );
    assert.equal(second.integrity(), "ok");
    first.close();
    second.close();
    const migrated = new DatabaseSync(older);
    assert.deepEqual(schemaOf(migrated), wanted);
    migrated.close();
  }
  assert.equal(MIGRATIONS.length, SCHEMA_VERSION);
});

dirTest("schema that comes forward keeps leases on directories, without the slash", async (dir) => {
  const path = `${dir}/0.1.0.db`;
  const db = new DatabaseSync(path);
  db.exec(`PRAGMA application_id = ${0x41437264}; PRAGMA journal_mode = WAL; ${MIGRATIONS[0]!}`);
  db.exec("PRAGMA user_version = 1");
  const lease = (name: string, fence: number) =>
    db.exec(`INSERT INTO locks VALUES ('${name}', ${fence}, 'ada', 'shared', '', 1000, 1, 9e12)`);
  ["src/", "src", "./", "/", "/etc/", "a.py"].forEach(lease);
  db.exec(`INSERT INTO lock_waiters VALUES (1, 'wtr', 'bob', 'exclusive', '["src/"]', 'b', 1, NULL);
    INSERT INTO lock_waiter_paths VALUES ('src/', 1);
    UPDATE state SET counts = '{"locks":6,"lock_waiters":1}'`);
  db.close();
  const forward = await Database.open(path, SCHEMA);
  assert.deepEqual(
    forward.all("SELECT path, fence FROM locks ORDER BY fence", []).map((row) =>
      Object.values(row as object).join(" ")
    ),
    ["src 0", "src 1", ". 2", "/ 3", "/etc 4", "a.py 5"],
  );
  assert.deepEqual(forward.all("SELECT * FROM lock_waiter_paths", []), []);
  const [state] = forward.all<{ counts: string }>("SELECT counts FROM state", []);
  assert.deepEqual(JSON.parse(state!.counts), { locks: 6 });
  forward.close();
});

dirTest("schema that is not the one of its version is not brought forward", async (dir) => {
  const path = `${dir}/old.db`;
  (await Database.open(path, SCHEMA)).close();
  const db = new DatabaseSync(path);
  db.exec("PRAGMA user_version = 1");
  const before = db.prepare("SELECT COUNT(*) n FROM sqlite_master").get();
  await assert.rejects(
    Database.open(path, SCHEMA),
    /its tables are not those that agentcoord makes/,
  );
  assert.deepEqual(db.prepare("SELECT COUNT(*) n FROM sqlite_master").get(), before);
  assert.deepEqual({ ...db.prepare("PRAGMA user_version").get() }, { user_version: 1 });
  db.close();
});

dirTest("store made by several processes at once is one store", async (dir) => {
  const script = `
    import { Agents } from "${new URL("../../../src/agent/agent.ts", import.meta.url)}";
    import { openAs } from "${new URL("../../../dev/workers/context.ts", import.meta.url)}";
    const [dir, name, startMs] = Deno.args;
    while (Date.now() < Number(startMs)) { /* as close together as can be */ }
    const context = await openAs(dir, name, "full");
    await new Agents(context).register();
    await context.store.close();
  `;
  const startMs = Date.now() + 700;
  const names = ["ada", "bob", "cy", "di"];
  const codes = await Promise.all(names.map(async (name) => {
    const args = ["run", "-A", "--no-check", "--quiet", "-", `${dir}/new`, name, `${startMs}`];
    const child = new Deno.Command(Deno.execPath(), { args, stdin: "piped" }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(script));
    await writer.close();
    return (await child.status).code;
  }));
  assert.deepEqual(codes, [0, 0, 0, 0]);
  assert.deepEqual(await use(`${dir}/new`), names);
  const left = [...Deno.readDirSync(`${dir}/new/${HOME}`)].map(({ name }) => name);
  assert.deepEqual(left.sort(), FILES, "no drafts are left");
});

/** Whether this user may mount a small file system, which the tests of full and read-only disks need. */
function canMount(): boolean {
  const dir = Deno.makeTempDirSync({ prefix: "agentcoord-mount-" });
  try {
    if (!command("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", dir)) return false;
    return command("umount", dir);
  } finally {
    Deno.removeSync(dir);
  }
}

function command(name: string, ...args: readonly string[]): boolean {
  try {
    const child = new Deno.Command(name, { args: [...args], stdout: "null", stderr: "null" });
    return child.outputSync().success;
  } catch {
    return false;
  }
}

const ignore = Deno.build.os !== "linux" || !canMount();
if (ignore) {
  // deno-lint-ignore no-console -- a test that cannot run says so
  console.warn("Skipped: tests of full and read-only disks, which need to mount a tmpfs (as root)");
}

/** Runs `body` on a file system of its own. */
function diskTest(
  name: string,
  size: string,
  body: (disk: string, remount: (options: string) => void) => Promise<void>,
): void {
  Deno.test({
    name,
    ignore,
    fn: async () => {
      const disk = await Deno.makeTempDir({ prefix: "agentcoord-disk-" });
      assert.ok(command("mount", "-t", "tmpfs", "-o", `size=${size},mode=0700`, "tmpfs", disk));
      const remount = (options: string) =>
        assert.ok(command("mount", "-o", `remount,${options}`, disk));
      try {
        await body(disk, remount);
      } finally {
        command("umount", "-l", disk);
        await Deno.remove(disk);
      }
    },
  });
}

diskTest(
  "store on a read-only disk is refused, and read again once it is not",
  "4m",
  async (disk, remount) => {
    const dir = `${disk}/.agentcoord`;
    remount("ro");
    await refused(use(dir), /cannot be opened for writing; check that it exists and its perm/, {
      path: dir,
    });
    remount("rw");
    await use(dir);
    remount("ro");
    const words = /^Cannot use the store: .* cannot be opened for writing; check/;
    await refused(use(dir, "bob"), words, { path: `${dir}/${FILE}` });
    await refused(openAs(`${disk}/.agentcoord`, "bob"), words, { path: `${dir}/${FILE}` });
    remount("rw");
    assert.deepEqual(await use(dir, "cy"), ["ada", "cy"]);
  },
);

/** Takes what space is left. */
function fill(disk: string): void {
  using file = Deno.openSync(`${disk}/filler`, { create: true, append: true });
  assert.throws(() => {
    for (;;) file.writeSync(new Uint8Array(4096));
  }, /os error 28/);
}

diskTest(
  "disk that fills up refuses operations until there is space again, and loses none",
  "2m",
  async (disk, remount) => {
    const dir = `${disk}/.agentcoord`;
    const context = await openAs(dir, "ada", "full");
    const agents = new Agents(context);
    const path = `${dir}/${FILE}`;
    const done: string[] = [];
    const workingOn = "x".repeat(500);
    const registerUntilFull = async (): Promise<unknown> => {
      while (done.length < 20_000) {
        const name = `w${String(done.length).padStart(5, "0")}`;
        try {
          await agents.register({ name, workingOn });
          done.push(name);
        } catch (error) {
          return error;
        }
      }
      throw new Error("the disk never filled up");
    };
    const full = /no space is left for .*store\.db; free some space, then try again/;
    await refused(Promise.reject(await registerUntilFull()), full, { path, retryable: true });
    fill(disk);
    await registerUntilFull();
    const before = done.length;
    await refused(Promise.reject(await registerUntilFull()), full, { path, retryable: true });
    assert.equal(done.length, before, "an operation was answered for on a full disk");
    const noBell = Promise.resolve().then(() => context.store.waker());
    await refused(noBell, /no space is left for/, {
      path: `${dir}/${HOME}/bells`,
      retryable: true,
    });
    const known = async () => (await agents.list()).map((agent) => agent.name);
    assert.deepEqual(await known(), done, "readers go on, and see what was answered for");
    await refused(use(`${disk}/other`), /no space is left for/, {
      path: `${disk}/other`,
      retryable: true,
    });
    remount("size=16m");
    await agents.register({ name: "after" });
    assert.deepEqual(await known(), ["after", ...done]);
    await context.store.close();
    assert.deepEqual(await use(dir), ["ada", "after", ...done]);
    const store = await DirectoryStore.open(dir, {
      namespace: "default",
      durability: "full",
      clock: systemClock,
    });
    assert.equal(store.integrity(), "ok");
    await store.close();
  },
);

diskTest(
  "store that cannot be made on a full disk leaves nothing half made",
  "64k",
  async (disk, remount) => {
    const dir = `${disk}/.agentcoord`;
    await refused(use(dir), /no space is left for/, { path: `${dir}/${FILE}`, retryable: true });
    const left = [...Deno.readDirSync(`${dir}/${HOME}`)].map(({ name }) => name);
    assert.deepEqual(left, []);
    remount("size=16m");
    assert.deepEqual(await use(dir), ["ada"]);
  },
);

diskTest(
  "store opened on a full disk can be read, and is whole once there is space",
  "2m",
  async (disk) => {
    const dir = `${disk}/.agentcoord`;
    await use(dir);
    const junk = await Deno.open(`${disk}/junk`, { create: true, write: true });
    await assert.rejects(async () => {
      for (;;) await junk.write(new Uint8Array(4096));
    }, /No space left/);
    junk.close();
    for (let attempt = 0; attempt < 2; attempt++) {
      const context = await openAs(dir, "bob", "full");
      assert.deepEqual((await new Agents(context).list()).map(({ name }) => name), ["ada"]);
      await context.store.close();
    }
    await Deno.remove(`${disk}/junk`);
    assert.deepEqual(await use(dir, "cy"), ["ada", "cy"]);
  },
);

/**
 * Stores that cannot be used: the program says which file, why, and what to do about it, exits with 7, and
 * leaves everything as it is.
 */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { cli, cliJson, withProject } from "../support/cli.ts";
import { assertUnchanged, type Contents, contents } from "../support/golden_store.ts";

const HOME = ".agentcoord/namespaces/default";
const DATABASE = `${HOME}/store.db`;
const env = { AGENTCOORD_AGENT: "ada" };

/** Every file below `dir` with its bytes, the engine's own working files aside. */
async function bytes(dir: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { name, isDirectory } of Deno.readDir(dir)) {
    if (name === ".git" || /-(?:wal|shm)$/.test(name)) continue;
    if (isDirectory) {
      found[name] = "directory";
      for (const [below, digest] of Object.entries(await bytes(`${dir}/${name}`))) {
        found[`${name}/${below}`] = digest;
      }
    } else {
      const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(`${dir}/${name}`));
      found[name] = new Uint8Array(digest).toHex();
    }
  }
  return found;
}

/** Checks that a reader and a writer are refused with 7 and the same words, and that no byte changed. */
async function unusable(
  dir: string,
  store: readonly string[],
  says: RegExp,
  first: readonly string[] = ["locks"],
): Promise<void> {
  const before = await bytes(dir);
  for (const words of [first, ["lock", "acquire", "free.py"], ["task", "add", "t"]]) {
    const { code, document, stderr } = await cliJson(dir, [...store, ...words], { env });
    assert.deepEqual(
      [code, stderr, document.error?.code],
      [7, "", "store_unavailable"],
      words.join(),
    );
    assert.match(document.error.message, /^Cannot use the store: /);
    assert.match(document.error.message, says);
    assert.match(document.error.message, /; [a-z]/, "says nothing about what to do");
  }
  const text = await cli(dir, [...store, ...first], { env });
  assert.deepEqual([text.code, text.stdout], [7, ""]);
  assert.match(text.stderr, /^agentcoord: Cannot use the store: .*\n$/);
  assert.deepEqual(await bytes(dir), before);
}

/** A store with a lock in it, whose log has been copied into the database. */
async function filled(dir: string): Promise<string> {
  await cli(dir, ["lock", "acquire", "held.py"], { env });
  const path = `${dir}/${DATABASE}`;
  const db = new DatabaseSync(path);
  db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
  return path;
}

Deno.test("a store that is a file is refused", () =>
  withProject(async (dir) => {
    await Deno.writeTextFile(`${dir}/state`, "not a store\n");
    await unusable(dir, ["--store", "state"], /state is a file; choose another --store/);
    await unusable(dir, ["--store", "state/below"], /state\/below is a file; choose another/);
  }));

Deno.test("a directory with other files is refused", () =>
  withProject(async (dir) => {
    await Deno.mkdir(`${dir}/src`);
    await Deno.writeTextFile(`${dir}/src/main.py`, "");
    await unusable(dir, ["--store", "src"], /src holds other files, such as main\.py; choose an/);
    await unusable(dir, ["--store", "."], /holds other files, such as (?:\.git|src); choose an/);
  }));

Deno.test("a damaged database is refused and kept as it is", () =>
  withProject(async (dir) => {
    const path = await filled(dir);
    const whole = await Deno.readFile(path);
    const garbage = crypto.getRandomValues(new Uint8Array(4096));
    const states: readonly (readonly [name: string, content: Uint8Array, says: RegExp])[] = [
      [
        "empty",
        new Uint8Array(),
        /it is empty.*restore the directory .*default from a backup, or move all/,
      ],
      ["garbage", garbage, /file is not a database|damaged/],
      ["one byte", whole.slice(0, 1), /damaged/],
      ["half a page", whole.slice(0, 2048), /damaged/],
      ["half of it", whole.slice(0, whole.length / 2), /damaged/],
      ["without its last byte", whole.slice(0, -1), /damaged/],
      ["text", new TextEncoder().encode("<html>\n".repeat(1000)), /damaged/],
    ];
    for (const [name, content, says] of states) {
      for (const suffix of ["-wal", "-shm"]) await Deno.remove(path + suffix).catch(() => {});
      await Deno.writeFile(path, content);
      await unusable(dir, [], says).catch((error) => {
        throw new Error(`${name}: ${error.message}`);
      });
    }
    await Deno.writeFile(path, whole);
    const { code, document } = await cliJson(dir, ["locks"]);
    assert.deepEqual([code, document.data.length], [0, 1]);
  }));

Deno.test("a page overwritten in the middle is damage to whoever reads it", () =>
  withProject(async (dir) => {
    const path = await filled(dir);
    const whole = await Deno.readFile(path);
    const { page_size: size } = (() => {
      using db = new DatabaseSync(path, { readOnly: true });
      return db.prepare("PRAGMA page_size").get() as { page_size: number };
    })();
    // Everything but the first page, which holds the header and the schema's root.
    await Deno.writeFile(path, whole.map((byte, index) => index < size ? byte : 0xff));
    for (const words of [["locks"], ["lock", "acquire", "free.py"], ["events"], ["tasks"]]) {
      const { code, document } = await cliJson(dir, words, { env });
      assert.deepEqual([code, document.error?.code], [7, "store_unavailable"], words.join(" "));
      assert.match(document.error.message, /store\.db is damaged \(.*malformed.*\); restore the/);
    }
  }));

Deno.test("a database of a newer version, or of somebody else, is refused", () =>
  withProject(async (dir) => {
    const path = await filled(dir);
    const pragma = (statement: string) => {
      using db = new DatabaseSync(path);
      db.exec(statement);
      db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    };
    pragma("PRAGMA user_version = 99");
    await unusable(dir, [], /has schema version 99, this program knows \d+; upgrade agentcoord/);
    pragma("PRAGMA user_version = 1; PRAGMA application_id = 0");
    await unusable(
      dir,
      [],
      /store\.db is not an AgentCoord database; move the directory .*default away/,
    );
  }));

Deno.test("a namespace whose place is taken by a file is refused", () =>
  withProject(async (dir) => {
    await filled(dir);
    await Deno.writeTextFile(`${dir}/.agentcoord/namespaces/other`, "");
    await unusable(dir, ["--namespace", "other"], /is a file|File exists/);
  }));

/** Runs `body` with a file system of its own of so many bytes; `remount` changes its options. */
async function withDisk(
  bytes: number,
  body: (dir: string, remount: (options: string) => Promise<void>) => Promise<void>,
): Promise<void> {
  const dir = await Deno.realPath(await Deno.makeTempDir({ prefix: "agentcoord-disk-" }));
  const command = async (program: string, ...args: string[]) => {
    const { success, stderr } = await new Deno.Command(program, { args }).output();
    if (!success) throw new Error(`${program}: ${new TextDecoder().decode(stderr)}`);
  };
  await command("mount", "-t", "tmpfs", "-o", `size=${bytes},mode=0700`, "tmpfs", dir);
  try {
    await body(dir, (options) => command("mount", "-o", `remount,${options}`, dir));
  } finally {
    await command("umount", "-l", dir);
    await Deno.remove(dir);
  }
}

const canMount = await withDisk(100_000, () => Promise.resolve()).then(() => true, () => false);
if (!canMount) {
  // deno-lint-ignore no-console -- a case that is left out must not go unnoticed
  console.warn("SKIPPED: read-only and full disks, because this user may not mount a tmpfs");
}

/** Mounts file systems, which root may, and a container of its own often may not. */
function diskTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: !canMount, fn });
}

diskTest("a store on a read-only disk is refused, and so is making one there", async () => {
  await withDisk(4_000_000, async (dir, remount) => {
    await filled(dir);
    await remount("ro");
    await unusable(dir, [], /cannot be opened for writing; check that it exists and its permissio/);
    // Looking needs no store.
    const making = ["board", "post", "x"];
    await unusable(dir, ["--store", "elsewhere"], /cannot be opened for writing/, making);
    await remount("rw");
    const { code, document } = await cliJson(dir, ["locks"]);
    assert.deepEqual([code, document.data.length], [0, 1]);
  });
});

diskTest("a full disk is refused as such, and nothing is half written", async () => {
  await withDisk(4_000_000, async (dir) => {
    await filled(dir);
    await fill(`${dir}/ballast`);
    const before = await copied(dir);
    const log = ["audit", "log", "deploy", "--reason", "x", "--context", "-"];
    const stdin = "x".repeat(60_000);
    for (const words of [log, log, ["--store", "elsewhere", ...log]]) {
      const { code, document } = await cliJson(dir, words, { env, stdin });
      assert.deepEqual([code, document.error?.code], [7, "store_unavailable"], words.join(" "));
      assert.match(document.error.message, /no space is left for .*; free some space, then try ag/);
      assert.equal(document.error.retryable, true);
    }
    assertUnchanged(before, await copied(dir), "on a full disk");
    const locks = await cliJson(dir, ["locks"]);
    assert.deepEqual([locks.code, locks.document.data.length], [0, 1]);

    await Deno.remove(`${dir}/ballast`);
    const logged = await cliJson(dir, log, { env, stdin });
    assert.equal(logged.code, 0);
    const { document } = await cliJson(dir, ["audit", "verify"]);
    assert.deepEqual(document.data, { ok: true, entries: 1, head: logged.document.data.link });
  });
});

diskTest("a disk that fills up under the work costs nothing that was confirmed", async () => {
  await withDisk(4_000_000, async (dir) => {
    await filled(dir);
    await fill(`${dir}/ballast`);
    const { size } = await Deno.stat(`${dir}/ballast`);
    await Deno.truncate(`${dir}/ballast`, size - 600_000);
    const log = ["audit", "log", "deploy", "--reason", "x", "--context", "-"];
    const confirmed: string[] = [];
    for (let refused = 0; refused < 3;) {
      const { code, document } = await cliJson(dir, log, { env, stdin: "x".repeat(60_000) });
      if (code === 0) confirmed.push(document.data.id);
      else {
        refused++;
        assert.equal(code, 7);
        assert.match(document.error.message, /no space is left/);
      }
      assert.ok(confirmed.length < 20, "the disk does not fill up");
    }
    assert.ok(confirmed.length > 1, `${confirmed.length}`);
    await Deno.remove(`${dir}/ballast`);
    const { document } = await cliJson(dir, ["audit", "list"]);
    assert.deepEqual(document.data.map(({ id }: { id: string }) => id), confirmed);
    const verified = await cliJson(dir, ["audit", "verify"]);
    assert.deepEqual([verified.code, verified.document.data.entries], [0, confirmed.length]);
  });
});

/** What a copy of the store holds: reading it where it is takes some space too. */
async function copied(dir: string): Promise<Contents> {
  const copy = await Deno.makeTempDir({ prefix: "agentcoord-copy-" });
  try {
    const cp = new Deno.Command("cp", { args: ["-a", `${dir}/.agentcoord`, copy] });
    assert.ok((await cp.output()).success);
    return contents(copy);
  } finally {
    await Deno.remove(copy, { recursive: true });
  }
}

/** Writes until nothing more fits. */
async function fill(path: string): Promise<void> {
  using file = await Deno.open(path, { create: true, write: true });
  for (let size = 65_536; size >= 1;) {
    try {
      await file.write(new Uint8Array(size));
    } catch {
      size = Math.floor(size / 2);
    }
  }
}

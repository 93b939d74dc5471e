/**
 * A store's directory that came with somebody's repository: its links, pipes and rows lead nowhere.
 * @module
 */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { newId } from "../../src/id.ts";
import { cli, withProject } from "../support/cli.ts";

const HOME = ".agentcoord/namespaces/default";
const LONG_AGO = new Date(Date.now() - 2 * 3600_000);

/** Makes a store with one lock's history in it, all of it in the database file. */
async function seed(dir: string): Promise<void> {
  for (const verb of ["acquire", "release"]) {
    const { code, stderr } = await cli(dir, ["lock", verb, "x", "--agent", "m"]);
    assert.equal(code, 0, stderr);
  }
  const db = new DatabaseSync(`${dir}/${HOME}/store.db`);
  db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
}

/** Files of the user's, old ones. */
async function victim(dir: string, ...names: readonly string[]): Promise<void> {
  await Deno.mkdir(`${dir}/victim`);
  for (const name of names) {
    await Deno.writeTextFile(`${dir}/victim/${name}`, "precious\n");
    await Deno.utime(`${dir}/victim/${name}`, LONG_AGO, LONG_AGO);
  }
}

function victims(dir: string): Record<string, string> {
  return Object.fromEntries(
    [...Deno.readDirSync(`${dir}/victim`)].map(({ name }) => [
      name,
      Deno.readTextFileSync(`${dir}/victim/${name}`),
    ]),
  );
}

async function fifo(path: string): Promise<void> {
  const { success } = await new Deno.Command("mkfifo", { args: [path] }).output();
  assert.ok(success);
}

const WAIT = ["inbox", "wait", "--timeout", "300ms", "--agent", "victim"];
const ACT = ["lock", "acquire", "y", "--agent", "victim"];

Deno.test("waiting deletes nothing behind a link in the place of the bells", async () => {
  await withProject(async (dir) => {
    await seed(dir);
    await victim(dir, "thesis.txt", newId("wtr"));
    const before = victims(dir);
    await Deno.remove(`${dir}/${HOME}/bells`, { recursive: true }).catch(() => {});
    await Deno.symlink(`${dir}/victim`, `${dir}/${HOME}/bells`);
    for (const args of [WAIT, ACT]) {
      const { code, stderr } = await cli(dir, args);
      assert.equal(code, 7, stderr);
      assert.match(stderr, /bells is a symbolic link in the place of a directory/);
    }
    assert.deepEqual(victims(dir), before);
  });
});

Deno.test("opening a store writes nothing through a link in the place of its .gitignore", async () => {
  await withProject(async (dir) => {
    await victim(dir, "bashrc");
    const before = victims(dir);
    for (const target of ["bashrc", "made"]) {
      await Deno.remove(`${dir}/.agentcoord`, { recursive: true }).catch(() => {});
      await Deno.mkdir(`${dir}/.agentcoord`);
      await Deno.symlink(`${dir}/victim/${target}`, `${dir}/.agentcoord/.gitignore`);
      assert.equal((await cli(dir, ["status"])).code, 0);
      assert.equal((await cli(dir, ["init"])).code, 0);
      assert.deepEqual(victims(dir), before);
    }
  });
});

Deno.test("waking touches no file that a row names by a path", async () => {
  await withProject(async (dir) => {
    await seed(dir);
    await victim(dir, "target");
    const before = victims(dir);
    const db = new DatabaseSync(`${dir}/${HOME}/store.db`);
    const listen = db.prepare("INSERT INTO listeners VALUES ('audit', ?, 0)");
    for (const name of ["../../../../victim/target", `${dir}/victim/target`, "", ".", "a\0b"]) {
      listen.run(name);
    }
    db.close();
    await Deno.mkdir(`${dir}/${HOME}/bells`, { recursive: true });
    const { code, stderr } = await cli(dir, [
      ...["audit", "log", "t", "--context", "c", "--reason", "r", "--agent", "victim"],
    ]);
    assert.equal(code, 0, stderr);
    assert.deepEqual(victims(dir), before);
  });
});

Deno.test("waiting touches only bells, and no pipe holds it up", async () => {
  await withProject(async (dir) => {
    await seed(dir);
    const bells = `${dir}/${HOME}/bells`;
    await Deno.remove(bells, { recursive: true }).catch(() => {});
    await Deno.mkdir(bells);
    await victim(dir, "thesis.txt");
    const [dead, linked, second, piped, folder] = Array.from({ length: 5 }, () => newId("wtr"));
    for (const name of [dead!, "notes.txt"]) {
      await Deno.writeTextFile(`${bells}/${name}`, "");
      await Deno.utime(`${bells}/${name}`, LONG_AGO, LONG_AGO);
    }
    await Deno.symlink(`${dir}/victim/thesis.txt`, `${bells}/${linked}`);
    await Deno.link(`${dir}/victim/thesis.txt`, `${bells}/${second}`);
    await fifo(`${bells}/${piped}`);
    await Deno.mkdir(`${bells}/${folder}`);
    const { code, stderr } = await cli(dir, WAIT);
    assert.equal(code, 6, stderr);
    const left = [...Deno.readDirSync(bells)].map(({ name }) => name).sort();
    assert.deepEqual(left, ["notes.txt", linked, second, piped, folder].sort());
    assert.deepEqual(victims(dir), { "thesis.txt": "precious\n" });
    assert.notEqual((await cli(dir, ["doctor"])).code, 1);
  });
});

for (const name of ["store.db", "store.db-wal", "store.db-shm", "store.db-journal", "store.lock"]) {
  const kinds: Record<string, (path: string, dir: string) => Promise<void>> = {
    "a symbolic link": (path, dir) => Deno.symlink(`${dir}/victim/file`, path),
    "a symbolic link to nothing": (path, dir) => Deno.symlink(`${dir}/victim/made`, path),
    "a named pipe": (path) => fifo(path),
    "a directory": (path) => Deno.mkdir(path),
    ...(name === "store.db" ? {} : {
      "a second name of another file": (path, dir) => Deno.link(`${dir}/victim/file`, path),
    }),
  };
  Deno.test(`store is refused when ${name} is no file of its own`, async () => {
    await withProject(async (dir) => {
      await seed(dir);
      await victim(dir, "file");
      const path = `${dir}/${HOME}/${name}`;
      for (const [what, make] of Object.entries(kinds)) {
        await Deno.remove(path).catch(() => {});
        await make(path, dir);
        const { code, stderr } = await cli(dir, ACT);
        assert.equal(code, 7, `${what}: ${stderr}`);
        assert.ok(stderr.includes(`${HOME}/${name}`), `${what}: ${stderr}`);
        assert.equal((await cli(dir, ["doctor"])).code, 7, what);
        assert.deepEqual(victims(dir), { file: "precious\n" }, what);
        await Deno.remove(path, { recursive: true });
      }
    });
  });
}

const ODD_FILES: Readonly<Record<string, (path: string) => Promise<void>>> = {
  "store.db-journal": (path) => Deno.writeTextFile(path, ""),
  "store.db-shm": (path) => Deno.mkdir(path),
  "store.lock": (path) => Deno.mkdir(path),
  "bells": (path) => Deno.writeTextFile(path, ""),
};

for (const [name, make] of Object.entries(ODD_FILES)) {
  Deno.test(`store without a database is refused alike by those who look and who write when ${name} is odd`, async () => {
    await withProject(async (dir) => {
      await Deno.mkdir(`${dir}/${HOME}`, { recursive: true });
      await make(`${dir}/${HOME}/${name}`);
      const wrote = await cli(dir, ACT);
      assert.equal(wrote.code, 7, wrote.stderr);
      assert.ok(wrote.stderr.includes(`${HOME}/${name} is `), wrote.stderr);
      const looked = await cli(dir, ["status"]);
      assert.deepEqual([looked.code, looked.stderr], [7, wrote.stderr]);
      assert.equal((await cli(dir, ["doctor"])).code, 7);
      assert.deepEqual([...Deno.readDirSync(`${dir}/${HOME}`)].map((file) => file.name), [name]);
    }, { store: false });
  });
}

for (const place of ["namespaces", "namespaces/default"]) {
  Deno.test(`store is refused when ${place} is a link to another project's`, async () => {
    await withProject(async (dir) => {
      await seed(dir);
      await Deno.mkdir(`${dir}/other`);
      await Deno.rename(`${dir}/.agentcoord`, `${dir}/other/.agentcoord`);
      const path = `${dir}/.agentcoord/${place}`;
      await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
      const target = `${dir}/other/.agentcoord/${place}`;
      await Deno.symlink(target, path);
      for (const args of [ACT, ["status"], ["init"], ["doctor"]]) {
        const { code, stdout, stderr } = await cli(dir, args);
        assert.equal(code, 7, `${args}: ${stderr}`);
        assert.match(stdout + stderr, /is a symbolic link in the place of a directory/);
      }
    });
  });
}

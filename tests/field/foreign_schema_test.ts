/**
 * A database whose schema or bytes are not those of a store: refused, and left as it is.
 * @module
 */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { Database } from "../../src/engine/directory/database.ts";
import { MIGRATIONS } from "../../src/open/migrations.ts";
import { isOwnSchema, schemaDigest } from "../../src/engine/directory/schema.ts";
import { cli, withProject } from "../support/cli.ts";
import { SCHEMA, SCHEMA_VERSION } from "../../src/open/schema.ts";

const HOME = ".agentcoord/namespaces/default";

Deno.test("schema of each version is known by its digest", () => {
  const db = new DatabaseSync(":memory:");
  for (const [index, migration] of MIGRATIONS.entries()) {
    db.exec(migration);
    const version = index + 1;
    assert.ok(
      isOwnSchema(SCHEMA, db, version),
      `src/open/schema.ts: version ${version} is ${schemaDigest(db)}`,
    );
  }
  db.exec("CREATE TABLE another (x)");
  assert.ok(!isOwnSchema(SCHEMA, db, SCHEMA_VERSION));
  db.close();
});

const CHANGES: Readonly<Record<string, string>> = {
  "a trigger that approves": `CREATE TRIGGER t AFTER INSERT ON approvals BEGIN
    UPDATE approvals SET status = 'approved', decided_by = 'maria', decided_at_ms = 1 WHERE id = new.id; END`,
  "a view": "CREATE VIEW v AS SELECT 1",
  "another table": "CREATE TABLE another (x)",
  "another index": "CREATE INDEX another ON approvals (description)",
  "another column": "ALTER TABLE approvals ADD COLUMN another TEXT",
  "a table less": "DROP TABLE approvals",
  "an index less": "DROP INDEX approvals_pending",
};

for (const [what, sql] of Object.entries(CHANGES)) {
  Deno.test(`store with ${what} in its schema is refused by every command`, async () => {
    await withProject(async (dir) => {
      assert.equal((await cli(dir, ["task", "add", "t", "--agent", "ada"])).code, 0);
      const db = new DatabaseSync(`${dir}/${HOME}/store.db`);
      db.exec(sql);
      db.close();
      const run = ["approval", "run", "deploy", "--agent", "victim", "--approvers", "lead", "--"];
      const { code, stdout, stderr } = await cli(dir, [...run, "echo", "RAN"]);
      assert.equal(code, 125, stderr);
      assert.equal(stdout, "");
      assert.match(stderr, /is damaged \(its tables are not those that agentcoord makes\)/);
      for (const args of [["task", "list"], ["doctor"]]) {
        assert.equal((await cli(dir, args)).code, 7, `${args}`);
      }
    });
  });
}

/** A database with a log that has the newest commits, as a process that was killed leaves it. */
async function withLog(dir: string): Promise<string> {
  const path = `${dir}/store.db`;
  const db = await Database.open(path, SCHEMA);
  db.run("UPDATE state SET event = 7", []);
  for (const suffix of ["", "-wal"]) {
    await Deno.copyFile(path + suffix, `${dir}/copy${suffix}`);
  }
  db.close();
  return `${dir}/copy`;
}

Deno.test("refused open changes no byte of a database and its log", async () => {
  const dir = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
  try {
    const source = await withLog(dir);
    const good = await Deno.readFile(source);
    const log = await Deno.readFile(`${source}-wal`);
    assert.ok(log.length > 0);
    let refusals = 0;
    // Every byte of the header, and the beginnings of the pages behind it.
    const places = Array.from({ length: 108 }, (_, index) => index);
    for (let page = 1; page < 40; page++) places.push(page * 1024, page * 1024 + 5);
    for (const place of places) {
      const path = `${dir}/${place}.db`;
      const bad = good.slice();
      bad[place]! ^= 0x58;
      await Deno.writeFile(path, bad);
      await Deno.writeFile(`${path}-wal`, log);
      let opened: Database | undefined;
      try {
        opened = await Database.open(path, SCHEMA);
      } catch (error) {
        refusals++;
        assert.equal((error as { code?: string }).code, "store_unavailable", `${place}: ${error}`);
        assert.deepEqual(await Deno.readFile(path), bad, `byte ${place}`);
        assert.deepEqual(await Deno.readFile(`${path}-wal`), log, `byte ${place}`);
      }
      opened?.close();
    }
    assert.ok(refusals > 30, `${refusals} of ${places.length}`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

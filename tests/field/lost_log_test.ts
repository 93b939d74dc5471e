/**
 * A database without its log, with an older log, with the log of another database, or with an older copy of itself:
 * what was committed last is not there, and that is noticed.
 * @module
 */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { CoordinationClient } from "../../mod.ts";
import { cli, cliJson, withProject } from "../support/cli.ts";
import { Running, written } from "../support/wrapped.ts";

const HOME = ".agentcoord/namespaces/default";

async function acquire(dir: string, path: string, agent = "ada"): Promise<number> {
  const { code, stdout, stderr } = await cli(dir, ["lock", "acquire", path, "--agent", agent]);
  assert.equal(code, 0, stderr);
  return Number(/fence (\d+)/.exec(stdout)![1]);
}

async function restoredEvents(dir: string): Promise<readonly Record<string, unknown>[]> {
  const { stdout } = await cli(dir, ["events", "--type", "store.restored", "--json"]);
  return stdout.trim().split("\n").filter((line) => line !== "").map((line) =>
    JSON.parse(line).data
  );
}

async function lostCommits(dir: string) {
  const { code, document } = await cliJson(dir, ["doctor"]);
  const checks = (document.data ?? document.error.details).checks;
  const find = (wanted: string) => checks.find(({ name }: { name: string }) => name === wanted);
  return { code, check: find("lost_commits"), restored: find("restored") };
}

async function warnings(dir: string, words: readonly string[]): Promise<readonly string[]> {
  const { code, document } = await cliJson(dir, words);
  assert.equal(code, 0);
  return document.warnings;
}

/** Copies the log into the database, and leaves none. */
function checkpoint(dir: string): void {
  const db = new DatabaseSync(`${dir}/${HOME}/store.db`);
  db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
}

const LOSSES: Readonly<Record<string, (home: string) => Promise<void>>> = {
  removed: (home) => Deno.remove(`${home}/store.db-wal`),
  emptied: (home) => Deno.truncate(`${home}/store.db-wal`, 0),
  cut: (home) => Deno.truncate(`${home}/store.db-wal`, 3000),
  damaged: async (home) => {
    const log = await Deno.readFile(`${home}/store.db-wal`);
    log[100]! ^= 1;
    await Deno.writeFile(`${home}/store.db-wal`, log);
  },
};

for (const [what, lose] of Object.entries(LOSSES)) {
  Deno.test(`store whose log was ${what} says so, and gives no fence out twice`, async () => {
    await withProject(async (dir) => {
      await acquire(dir, "a.py");
      checkpoint(dir);
      await acquire(dir, "b.py");
      const last = await acquire(dir, "c.py");
      assert.deepEqual(await restoredEvents(dir), []);
      await lose(`${dir}/${HOME}`);
      const doctor = await lostCommits(dir);
      assert.equal(doctor.code, 7);
      assert.equal(doctor.check.ok, false);
      assert.ok(doctor.check.value >= 1, JSON.stringify(doctor.check));
      assert.match(doctor.check.hint, /commits were lost or an older copy was restored/);
      // Whoever only looks gets the warning, too, as long as nobody has written.
      for (let look = 0; look < 2; look++) {
        const [warning, ...others] = await warnings(dir, ["locks"]);
        assert.match(warning!, new RegExp(`^${doctor.check.value} commits are missing from `));
        assert.deepEqual(others, []);
      }
      const [said] = await warnings(dir, ["lock", "acquire", "d.py", "--agent", "ada"]);
      assert.match(
        said!,
        /commits are missing from .*older copy was put back, or its log was lost/,
      );
      assert.deepEqual(await warnings(dir, ["locks"]), []);
      const next = await acquire(dir, "f.py");
      assert.ok(next > last, `${next} after ${last}`);
      const [event, ...more] = await restoredEvents(dir);
      assert.deepEqual(event, { cause: "behind", lostCommits: doctor.check.value });
      assert.deepEqual(more, []);
      const after = await lostCommits(dir);
      assert.equal(after.code, 0);
      assert.deepEqual(after.check, { name: "lost_commits", ok: true, value: 0 });
      assert.match(after.restored.value, / ago$/);
      assert.match(after.restored.hint, /^commits were lost \(\d+ missing\); fences have a gap/);
      await acquire(dir, "e.py");
      assert.equal((await restoredEvents(dir)).length, 1, "it is one event");
    });
  });
}

Deno.test("database whose log alone was removed is not told as removed, however little it holds", async () => {
  await withProject(async (dir) => {
    for (const path of ["a.py", "b.py", "c.py"]) await acquire(dir, path);
    await Deno.remove(`${dir}/${HOME}/store.db-wal`);
    // Every commit lay in the log.
    const db = new DatabaseSync(`${dir}/${HOME}/store.db`, { readOnly: true });
    assert.equal(db.prepare("SELECT commits FROM state").get()!.commits, 0);
    db.close();
    for (const words of [["locks"], ["status"], ["lock", "acquire", "d.py", "--agent", "ada"]]) {
      const [warning, ...others] = await warnings(dir, words);
      assert.match(warning!, /^\d+ commits are missing from .*default: .* or its log was lost/);
      assert.deepEqual(others, []);
    }
    assert.deepEqual(await warnings(dir, ["locks"]), []);
  });
});

Deno.test("database that was removed with its log is missed by readers, doctor and the next writer", async () => {
  await withProject(async (dir) => {
    await acquire(dir, "a.py");
    const last = await acquire(dir, "b.py");
    for (const suffix of ["", "-wal", "-shm"]) {
      await Deno.remove(`${dir}/${HOME}/store.db${suffix}`).catch(() => undefined);
    }
    for (const words of [["locks"], ["task", "counts"], ["board"]]) {
      const [warning, ...others] = await warnings(dir, words);
      assert.match(warning!, /^store\.db was removed from .*namespaces\/default, with \d+ commits/);
      assert.deepEqual(others, []);
    }
    const { code, document } = await cliJson(dir, ["doctor"]);
    assert.equal(code, 7);
    const { checks } = document.error.details;
    const check = checks.find(({ name }: { name: string }) => name === "database");
    assert.match(check.value, /^removed, with \d+ commits$/);
    const said = await warnings(dir, ["lock", "acquire", "c.py", "--agent", "ada"]);
    assert.match(said.join("\n"), /store\.db was removed from/);
    assert.ok(await acquire(dir, "d.py") > last);
    const [event] = await restoredEvents(dir);
    assert.equal(event!.cause, "behind");
    assert.deepEqual(await warnings(dir, ["locks"]), []);
  });
});

Deno.test("store copied with its directory, as a backup is, leaves a gap in its fences once", async () => {
  await withProject(async (dir) => {
    await acquire(dir, "a.py");
    const copy = new Deno.Command("cp", { args: ["-a", ".agentcoord", "backup"], cwd: dir });
    assert.ok((await copy.output()).success);
    const last = await acquire(dir, "b.py");
    await Deno.remove(`${dir}/.agentcoord`, { recursive: true });
    await Deno.rename(`${dir}/backup`, `${dir}/.agentcoord`);
    // Who only looks does not take the step that ends the warning.
    for (let look = 0; look < 2; look++) {
      assert.match((await warnings(dir, ["locks"]))[0]!, /was copied or put back from a backup/);
      const { code, document } = await cliJson(dir, ["doctor"]);
      assert.equal(code, 0);
      const find = (wanted: string) =>
        document.data.checks.find(({ name }: { name: string }) => name === wanted);
      assert.match(find("lost_commits").hint, /the files were copied/);
      assert.equal(find("write_ms").value, "not tried");
      assert.equal(find("restored").value, "never");
    }
    const next = await acquire(dir, "b.py");
    assert.deepEqual(await warnings(dir, ["locks"]), []);
    assert.ok(next > last, `${next} after ${last}`);
    assert.deepEqual(await restoredEvents(dir), [{ cause: "copy", lostCommits: 0 }]);
    await acquire(dir, "c.py");
    assert.equal((await restoredEvents(dir)).length, 1);
  });
});

Deno.test("store moved as a whole goes on as it was", async () => {
  await withProject(async (dir) => {
    const last = await acquire(dir, "a.py");
    await Deno.rename(`${dir}/.agentcoord`, `${dir}/state`);
    await Deno.rename(`${dir}/state`, `${dir}/.agentcoord`);
    assert.equal(await acquire(dir, "b.py"), last + 1);
    assert.deepEqual(await restoredEvents(dir), []);
  });
});

Deno.test("operations of processes that are killed leave nothing that looks like a loss", async () => {
  await withProject(async (dir) => {
    const before = await acquire(dir, "a.py");
    for (let round = 0; round < 4; round++) {
      const args = [
        "lock",
        "run",
        `${round}.py`,
        "--",
        "sh",
        "-c",
        `echo $$ > pid${round}; sleep 60`,
      ];
      const running = new Running(dir, args);
      await written(`${dir}/pid${round}`);
      running.kill("SIGKILL");
      await running.result();
    }
    assert.equal(await acquire(dir, "z.py"), before + 5);
    assert.deepEqual(await restoredEvents(dir), []);
    assert.equal((await lostCommits(dir)).check.ok, true);
  });
});

Deno.test("log without its database is refused and kept, by readers, writers and doctor", async () => {
  await withProject(async (dir) => {
    await acquire(dir, "a.py");
    await Deno.rename(`${dir}/${HOME}/store.db`, `${dir}/bad.db`);
    const log = await Deno.readFile(`${dir}/${HOME}/store.db-wal`);
    for (const words of [["task", "counts"], ["lock", "acquire", "b.py", "--agent", "ada"]]) {
      const { code, stderr } = await cli(dir, words);
      assert.equal(code, 7, stderr);
      assert.match(stderr, /store\.db is damaged \(it is missing, and its log is there\)/);
      assert.ok(stderr.includes(`move all of it away`) && stderr.includes(`${dir}/${HOME} from`));
    }
    assert.equal((await cli(dir, ["doctor"])).code, 7);
    assert.deepEqual(await Deno.readFile(`${dir}/${HOME}/store.db-wal`), log);
    await Deno.rename(`${dir}/bad.db`, `${dir}/${HOME}/store.db`);
    const { document } = await cliJson(dir, ["locks"]);
    assert.deepEqual(document.data.map(({ path }: { path: string }) => path), ["a.py"]);
    // The way out that the message names: the directory as a whole.
    await Deno.rename(`${dir}/${HOME}`, `${dir}/damaged`);
    assert.equal((await cli(dir, ["task", "counts"])).code, 0);
  });
});

Deno.test("older copy of the database beside the log of the newer one is damage, and the way out is the directory", async () => {
  await withProject(async (dir) => {
    const home = `${dir}/${HOME}`;
    const lines = Array.from({ length: 300 }, (_, index) => JSON.stringify({ title: `t${index}` }));
    const add = () =>
      cli(dir, ["task", "add", "--from", "-", "--agent", "ada"], { stdin: lines.join("\n") });
    assert.equal((await add()).code, 0);
    // Ends as the library does: the log is copied into the database.
    await using client = await CoordinationClient.open({ cwd: dir, store: `${dir}/.agentcoord` });
    await client.tasks.counts();
    await client.close();
    await Deno.copyFile(`${home}/store.db`, `${dir}/backup`);
    assert.equal((await add()).code, 0);
    const again = await CoordinationClient.open({ cwd: dir, store: `${dir}/.agentcoord` });
    await again.close();
    await acquire(dir, "a.py");
    assert.ok((await Deno.stat(`${home}/store.db-wal`)).size > 0);
    assert.equal((await cli(dir, ["task", "counts"])).code, 0);
    await Deno.copyFile(`${dir}/backup`, `${home}/store.db`);
    const { code, stderr } = await cli(dir, ["task", "counts"]);
    assert.equal(code, 7, stderr);
    assert.match(stderr, /older copy, and the log of a newer one lies beside it/);
    assert.match(stderr, /restore the directory .*namespaces\/default from a backup/);
    await Deno.remove(`${home}/store.db-wal`);
    await Deno.remove(`${home}/store.db-shm`).catch(() => undefined);
    await acquire(dir, "b.py");
    assert.equal((await restoredEvents(dir))[0]?.cause, "behind");
  });
});

Deno.test("approval that was given and not used lapses when an older copy is restored, since it may have been used", async () => {
  await withProject(async (dir) => {
    const request = ["approval", "request", "deploy", "--description", "d", "--agent", "v"];
    const { document } = await cliJson(dir, request);
    const { id } = document.data;
    assert.equal((await cli(dir, ["approve", id, "--agent", "maria"])).code, 0);
    await new Deno.Command("cp", { args: ["-r", `${dir}/.agentcoord`, `${dir}/saved`] }).output();
    await Deno.remove(`${dir}/.agentcoord`, { recursive: true });
    await Deno.rename(`${dir}/saved`, `${dir}/.agentcoord`);
    await acquire(dir, "a.py");
    const shown = await cliJson(dir, ["approval", "show", id]);
    assert.equal(shown.document.data.status, "expired");
    const expired = await cliJson(dir, ["approval", "list", "--status", "expired"]);
    assert.equal(expired.document.data.length, 1);
    assert.equal((await restoredEvents(dir))[0]?.lapsedApprovals, 1);
  });
});

Deno.test("backup put back alone in a new directory says so, and lets approvals that were not used lapse", async () => {
  await withProject(async (dir) => {
    const home = `${dir}/${HOME}`;
    const request = ["approval", "request", "deploy", "--description", "d", "--agent", "v"];
    const { id } = (await cliJson(dir, request)).document.data;
    assert.equal((await cli(dir, ["approve", id, "--agent", "maria"])).code, 0);
    const before = await acquire(dir, "a.py");
    const { backup, DatabaseSync: Sqlite } = await import("node:sqlite");
    const db = new Sqlite(`${home}/store.db`);
    await backup(db, `${dir}/copy.db`);
    db.close();
    const last = await acquire(dir, "b.py");
    await Deno.rename(home, `${dir}/away`);
    await Deno.mkdir(home);
    await Deno.copyFile(`${dir}/copy.db`, `${home}/store.db`);
    const { check } = await lostCommits(dir);
    assert.match(check.hint, /copied/);
    const next = await acquire(dir, "c.py");
    assert.ok(next > last && last > before);
    const [event, ...more] = await restoredEvents(dir);
    assert.deepEqual(event, { cause: "copy", lostCommits: 0, lapsedApprovals: 1 });
    assert.deepEqual(more, []);
    const shown = await cliJson(dir, ["approval", "show", id]);
    assert.equal(shown.document.data.status, "expired");
  });
});

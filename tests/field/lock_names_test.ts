/**
 * One path is one lock, whatever the disk looks like when it is named: with a slash or without, above or
 * below what is held.
 * @module
 */
import assert from "node:assert/strict";
import { ConflictError, LeaseLostError, NotFoundError } from "../../src/errors.ts";
import { Locks } from "../../src/lock/lock.ts";
import { cli, cliJson, withProject } from "../support/cli.ts";
import { storeTest } from "../../dev/stores.ts";

Deno.test("lock stays the same lock when the disk changes under its name", () =>
  withProject(async (dir) => {
    const run = async (line: string) => (await cli(dir, line.split(" "))).code;
    const taken = await cliJson(dir, ["lock", "acquire", "out", "--agent", "ada"]);
    await Deno.mkdir(`${dir}/out`);
    assert.equal(await run(`lock verify out --fence ${taken.document.data[0].fence}`), 0);
    assert.equal(await run("lock acquire out/x --agent bob"), 3);
    assert.equal(await run("lock renew out/ --agent ada"), 0);
    assert.equal(await run("lock release out --agent ada"), 0);

    await Deno.mkdir(`${dir}/old`);
    assert.equal(await run("lock acquire old --agent ada"), 0);
    await Deno.remove(`${dir}/old`);
    assert.equal(await run("lock acquire old --agent bob"), 3);
    assert.equal(await run("lock break old --agent zoe --reason r"), 0);
    assert.equal(await run("lock acquire old/ --agent bob"), 0);
    await Deno.writeTextFile(`${dir}/old`, "");
    assert.equal(await run("lock release old --agent bob"), 0);
  }));

Deno.test("lock taken through a link is found when the link leads elsewhere", () =>
  withProject(async (dir) => {
    const run = async (line: string) => (await cli(dir, line.split(" "))).code;
    for (const name of ["1", "2"]) await Deno.mkdir(`${dir}/releases/${name}`, { recursive: true });
    await Deno.symlink("releases/1", `${dir}/current`);
    const taken = await cliJson(dir, ["lock", "acquire", "current", "--agent", "ada"]);
    assert.equal(taken.document.data[0].path, "releases/1");
    assert.equal(await run("lock acquire releases/1/x --agent bob"), 3);
    await Deno.remove(`${dir}/current`);
    await Deno.symlink("releases/2", `${dir}/current`);
    assert.equal(await run("lock acquire current --agent bob"), 3);
    assert.equal(await run("lock acquire releases/1 --agent bob"), 3);
    assert.equal(await run(`lock verify current --fence ${taken.document.data[0].fence}`), 0);
    assert.equal(await run("lock release current --agent ada"), 0);
    assert.equal(await run("lock acquire releases/1 --agent bob"), 0);

    await Deno.writeTextFile(`${dir}/f`, "");
    assert.equal(await run("lock acquire f --agent ada"), 0);
    await Deno.rename(`${dir}/f`, `${dir}/l`);
    await Deno.symlink("l", `${dir}/f`);
    assert.equal(await run("lock acquire f --agent bob"), 3);
    assert.equal(await run("lock release f --agent ada"), 0);
  }));

Deno.test("lock run on the whole project names its top to the command", () =>
  withProject(async (dir) => {
    const words = [
      "lock",
      "run",
      "./",
      "--agent",
      "ada",
      "--",
      "printenv",
      "AGENTCOORD_LOCK_PATHS",
    ];
    assert.equal((await cli(dir, words)).stdout, `["${dir}"]\n`);
  }));

storeTest("lock with a slash and without is one for every operation", async ({ as }) => {
  const [ada, bob] = ["ada", "bob"].map((name) => new Locks(as(name))) as [Locks, Locks];
  for (const [taken, asked] of [["x", "x/"], ["x/", "x"], [".", "./"], ["./", "."]] as const) {
    const [lease] = await ada.acquire(taken);
    assert.equal(lease!.path, taken.startsWith("x") ? "x" : ".");
    await assert.rejects(bob.acquire(asked), ConflictError);
    assert.equal((await ada.verify(asked, { fence: lease!.fence })).holder, "ada");
    assert.equal((await ada.renew(asked))[0]!.fence, lease!.fence);
    assert.equal((await ada.acquire(asked, { reentrant: true }))[0]!.fence, lease!.fence);
    assert.deepEqual((await ada.release(asked)).map(({ path }) => path), [lease!.path]);
    await ada.acquire(taken);
    assert.equal((await bob.break(asked, { reason: "r" })).length, 1);
  }
  assert.deepEqual(await ada.acquire(["y", "y/", "./y"]).then((leases) => leases.length), 1);
});

storeTest("lock covers what is below its name and nothing beside it", async ({ as }) => {
  const [ada, bob] = ["ada", "bob"].map((name) => new Locks(as(name))) as [Locks, Locks];
  await ada.acquire(["a", "/a"], { absolute: true });
  for (const path of ["a/b", "a/b/c/", "a/", ".", "/a/b"]) {
    await assert.rejects(bob.acquire(path, { absolute: true }), ConflictError, path);
  }
  await bob.acquire(["ab", "a.b", "a b", "a-", "b/a", "/ab", "/b/a"], { absolute: true });
});

storeTest("lock waiters below a name wait for it, and it for them", async ({ as }) => {
  const [ada, bob, cy] = ["ada", "bob", "cy"].map((name) => new Locks(as(name)));
  await ada!.acquire("a/b");
  const order: string[] = [];
  const wait = async (locks: Locks, path: string) => {
    await locks.acquire(path, { waitMs: 60_000 });
    order.push(path);
    await locks.release(path);
  };
  const waiting = [wait(bob!, "a"), wait(cy!, "a/b/c")];
  await ada!.release("a/b");
  await Promise.all(waiting);
  assert.deepEqual(order, ["a", "a/b/c"]);
});

storeTest("lock is found under its other names, and keeps others from them", async (bench) => {
  const { as, clock, store } = bench;
  const [ada, bob] = ["ada", "bob"].map((name) => new Locks(as(name))) as [Locks, Locks];
  bench.aliases["current"] = ["link"];
  bench.aliases["next"] = ["link"];
  const [lease] = await ada.acquire("current", { ttlMs: 1000 });
  assert.equal(lease!.path, "current");
  const fence = lease!.fence;
  for (const path of ["link", "link/x", "current", ".", "next"]) {
    await assert.rejects(bob.acquire(path), (error: ConflictError) => {
      assert.equal(error.details.path, "current", path);
      return error instanceof ConflictError;
    });
  }
  await bob.acquire(["linked", "lin"]);
  // As when the link leads elsewhere by now.
  assert.equal((await ada.verify("next", { fence })).path, "current");
  assert.equal((await ada.renew("next", { ttlMs: 2000 }))[0]!.expiresAtMs, clock.nowMs() + 2000);
  assert.equal((await ada.acquire("next", { reentrant: true }))[0]!.fence, fence);
  assert.deepEqual((await ada.list({ holder: "ada" })).map(({ path }) => path), ["current"]);
  assert.equal((await ada.list()).length, 3);
  assert.equal(await ada.count(), 3);
  assert.deepEqual((await ada.release("next")).map(({ path }) => path), ["current"]);
  for (const path of ["link", "current"]) {
    await bob.acquire(path);
    await bob.release(path);
  }
  await ada.acquire("current");
  assert.deepEqual((await bob.break("next", { reason: "r" })).map(({ path }) => path), ["current"]);
  await ada.acquire("current", { ttlMs: 1000 });
  clock.advance(1000);
  await bob.acquire("link/x");
  assert.equal((await (await store.locks()).list("ada")).length, 0);
});

storeTest("lock waiters under different names of one file take turns", async (bench) => {
  const [ada, bob, cy] = ["ada", "bob", "cy"].map((name) => new Locks(bench.as(name)));
  bench.aliases["current"] = ["link"];
  bench.aliases["next"] = ["link"];
  await ada!.acquire("link");
  const order: string[] = [];
  const wait = async (locks: Locks, path: string) => {
    await locks.acquire(path, { waitMs: 60_000 });
    order.push(path);
    await locks.release(path);
  };
  const waiting = [wait(bob!, "current"), wait(cy!, "next")];
  await ada!.release("link");
  await Promise.all(waiting);
  assert.deepEqual(order, ["current", "next"]);
});

// The first one in the way is named by one rule on every store: the path's own, then the nearest above, then below.
storeTest(
  "lock refusal names the nearest lease and the path that was asked for",
  async ({ as }) => {
    const [ada, bob, cy, di, eve] = ["ada", "bob", "cy", "di", "eve"].map((name) =>
      new Locks(as(name))
    );
    const shared = { mode: "shared" } as const;
    await ada!.acquire(".", shared);
    await bob!.acquire("a", shared);
    await cy!.acquire("a/b", shared);
    await eve!.acquire("a/b/c/d", shared);
    const refused = async (path: string) => {
      const outcome = await di!.tryAcquire(path);
      assert.ok(outcome.kind === "held" && outcome.blocker.kind === "lease");
      assert.equal(outcome.blocker.asked, path);
      return `${outcome.blocker.lease.holder} ${outcome.blocker.lease.path}`;
    };
    assert.equal(await refused("a/b"), "cy a/b");
    assert.equal(await refused("a/b/c"), "cy a/b");
    assert.equal(await refused("a/x"), "bob a");
    assert.equal(await refused("x"), "ada .");
    await cy!.release("a/b");
    await bob!.release("a");
    await ada!.release(".");
    await cy!.acquire("a/b/c/a", shared);
    assert.equal(await refused("a/b"), "cy a/b/c/a");
    assert.equal(await refused("."), "cy a/b/c/a");
    await assert.rejects(di!.acquire("a/b"), (error: ConflictError) => {
      assert.match(
        error.message,
        /^Cannot acquire lock "a\/b": "a\/b\/c\/a" is held by "cy", free in /,
      );
      assert.equal(error.details.asked, "a/b");
      assert.equal(error.details.path, "a/b/c/a");
      return true;
    });
  },
);

storeTest("lock refusal by one's own lease says how to go on", async ({ as }) => {
  const ada = new Locks(as("ada"));
  await ada.acquire("src");
  await assert.rejects(
    ada.acquire("src/a.py"),
    /"src\/a\.py": "src" is held by "ada", .*; you hold it already: extend it with lock renew, or acquire with --reentrant/,
  );
  await ada.acquire("doc", { mode: "shared" });
  for (const reentrant of [false, true]) {
    await assert.rejects(
      ada.acquire("doc", { reentrant }),
      /held by "ada", .*; you hold it shared: release it before you acquire it exclusively/,
    );
  }
});

storeTest("lock below a directory that one holds is verified, not released", async ({ as }) => {
  const [ada, bob] = ["ada", "bob"].map((name) => new Locks(as(name))) as [Locks, Locks];
  const fence = (await ada.acquire("src"))[0]!.fence;
  assert.equal((await bob.verify("src/deep/a.py", { fence })).path, "src");
  await assert.rejects(ada.verify("lib/a.py", { fence }), LeaseLostError);
  await assert.rejects(
    ada.verify("src/a.py", { fence: fence + 1 }),
    /"src\/a\.py" is not current: "src" is held by "ada" now/,
  );
  for (const verb of ["release", "renew"] as const) {
    await assert.rejects(ada[verb]("src/a.py"), (error: LeaseLostError) => {
      assert.match(
        error.message,
        new RegExp(`its lock "src" \\(fence ${fence}\\) covers it: ${verb} that$`),
      );
      const [{ covering }] = error.details.lost as [{ covering: { path: string } }];
      assert.equal(covering.path, "src");
      return true;
    });
    await assert.rejects(bob[verb]("src/a.py"), /"bob" does not hold it; nobody holds it now/);
  }
  await assert.rejects(bob.break("src/a.py", { reason: "r" }), (error: NotFoundError) => {
    assert.match(
      error.message,
      /Nobody holds lock "src\/a\.py"; "src" is held by "ada" and covers it/,
    );
    return error instanceof NotFoundError;
  });
  assert.equal((await ada.list()).length, 1);
});

/**
 * A directory store on a full disk: what ends something or keeps it alive still works, what makes something new is
 * refused. The disk is a small one in memory, mounted for the test.
 * @module
 */
import assert from "node:assert/strict";
import { CoordinationClient } from "../../mod.ts";
import { cli } from "../support/cli.ts";

const SIZE = "4m";

async function mount(dir: string): Promise<boolean> {
  const args = ["-t", "tmpfs", "-o", `size=${SIZE}`, "tmpfs", dir];
  try {
    return (await new Deno.Command("mount", { args, stderr: "null" }).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Whether this user may mount; tried once. */
async function mayMount(): Promise<boolean> {
  const dir = await Deno.makeTempDir({ prefix: "agentcoord-mount-" });
  const may = await mount(dir);
  if (may) await unmount(dir);
  await Deno.remove(dir);
  return may;
}

async function unmount(dir: string): Promise<void> {
  const { success } = await new Deno.Command("umount", { args: [dir] }).output();
  assert.ok(success, `umount ${dir}`);
}

/** Takes all that is left, also what was just given up. */
async function fill(dir: string): Promise<void> {
  using file = await Deno.open(`${dir}/fill`, { append: true, create: true });
  for (const size of [65_536, 4096, 1]) {
    try {
      for (;;) await file.write(new Uint8Array(size));
    } catch (error) {
      assert.match(String(error), /os error 28/);
    }
  }
}

const ignore = !await mayMount();
// deno-lint-ignore no-console -- a case that is left out must not go unnoticed
if (ignore) console.warn("SKIPPED: full disks, because this user may not mount one");

function diskTest(name: string, body: (dir: string) => Promise<void>): void {
  Deno.test({ name, ignore }, async () => {
    const dir = await Deno.realPath(await Deno.makeTempDir({ prefix: "agentcoord-disk-" }));
    assert.ok(await mount(dir));
    try {
      await body(dir);
    } finally {
      await unmount(dir);
      await Deno.remove(dir);
    }
  });
}

const FULL = { code: "store_unavailable", message: /no space is left/ };

diskTest("full disk lets holders renew, finish and leave, and refuses what is new", async (dir) => {
  const store = `${dir}/.agentcoord`;
  await using client = await CoordinationClient.open({ cwd: dir, store });
  await using boss = await client.session("boss", { heartbeat: false, onClose: "leave" });
  await using ada = await client.session("ada", { heartbeat: false, onClose: "leave" });
  await boss.tasks.create(Array.from({ length: 200 }, (_, index) => ({ title: `t${index}` })));
  const tasks = await ada.tasks.claim({ count: 5 });
  await ada.locks.acquire(["a.py", "b.py", "c.py"]);
  await boss.board.post({ title: "t", message: "@ada" });
  const { id } = await ada.approvals.request({ actionType: "deploy", description: "d" });
  // So much that the log cannot be copied without the database growing.
  await assert.rejects(async () => {
    for (;;) await boss.tasks.create([{ title: "big", description: "x".repeat(30_000) }]);
  }, FULL);
  await fill(dir);
  const big = { title: "new", description: "x".repeat(30_000) };
  await assert.rejects(boss.tasks.create([big]), FULL);

  const steps: readonly (() => Promise<unknown>)[] = [
    () => ada.locks.renew("a.py"),
    () => ada.locks.release("b.py"),
    () => boss.locks.break("c.py", { reason: "full" }),
    () => ada.tasks.renew(tasks[0]!.id, { progress: "half" }),
    () => ada.tasks.complete(tasks[0]!.id, { result: { ok: true } }),
    () => ada.tasks.fail(tasks[1]!.id, { error: "broken" }),
    () => ada.tasks.release(tasks[2]!.id),
    () => boss.tasks.cancel(tasks[3]!.id),
    () => ada.agents.heartbeat(),
    () => ada.board.inbox({ ack: true }),
    () => boss.approvals.approve(id),
    () => ada.approvals.use(id),
    () => ada.agents.deregister(),
    () => boss.agents.prune(),
  ];
  for (const [index, step] of steps.entries()) {
    // Somebody takes at once whatever there is.
    await fill(dir);
    await step().catch((error) => {
      throw new Error(`operation ${index}`, { cause: error });
    });
  }
  assert.deepEqual(await client.locks.list(), []);
  assert.equal((await client.tasks.counts()).claimed, 0);
  assert.equal((await client.audit.verify()).ok, true);
});

diskTest(
  "command on a full disk works where it frees, also as the first on a store that nobody has open",
  async (dir) => {
    const env = { AGENTCOORD_STORE: `${dir}/.agentcoord`, AGENTCOORD_AGENT: "ada" };
    const run = async (...words: string[]) => (await cli(dir, words, { env })).code;
    assert.equal(await run("init"), 0);
    assert.equal(await run("lock", "acquire", "a.py", "b.py"), 0);
    const client = await CoordinationClient.open({ cwd: dir, store: `${dir}/.agentcoord` });
    await client.tasks.counts();
    // The last one out leaves no log, and no index of it.
    await client.close();
    await fill(dir);
    const reserve = `${dir}/.agentcoord/namespaces/default/store.reserve`;
    const whole = (await Deno.stat(reserve)).size;
    assert.equal(whole, 1_048_576);
    assert.equal(await run("locks"), 0);
    await fill(dir);
    assert.equal(await run("lock", "renew", "a.py"), 0);
    await fill(dir);
    assert.equal(await run("lock", "release", "a.py", "b.py"), 0);
    assert.ok((await Deno.stat(reserve)).size < whole);
    await Deno.remove(`${dir}/fill`);
    assert.equal(await run("lock", "acquire", "a.py"), 0);
    assert.equal((await Deno.stat(reserve)).size, whole, "it is made whole again");
  },
);

import assert from "node:assert/strict";
import { cli, cliJson, withProject } from "../support/cli.ts";
import { eventually, gone, runs, textOf, written } from "../support/wrapped.ts";

const ADA = { env: { AGENTCOORD_AGENT: "ada" } };

/** Spawns a worker that runs a shell's script for each task. */
async function spawn(dir: string, name: string, script: string, ...options: readonly string[]) {
  const args = ["spawn", name, ...options, "--", "sh", "-c", script];
  const { code, document } = await cliJson(dir, args, ADA);
  assert.equal(code, 0, JSON.stringify(document));
  return document.data;
}

async function stop(dir: string, ...args: readonly string[]) {
  return (await cliJson(dir, ["workers", "stop", ...args], ADA)).document.data;
}

async function workers(dir: string, ...args: readonly string[]) {
  return (await cliJson(dir, ["workers", ...args])).document.data;
}

async function add(dir: string, title: string): Promise<string> {
  return (await cliJson(dir, ["task", "add", title], ADA)).document.data.id;
}

function statusOf(dir: string, id: string, status: string): Promise<true> {
  return eventually(
    `${id} ${status}`,
    async () =>
      (await cliJson(dir, ["task", "show", id])).document.data.status === status || undefined,
  );
}

function stateOf(dir: string, name: string, state: string): Promise<true> {
  return eventually(
    `${name} ${state}`,
    async () =>
      (await workers(dir, "list", "--all")).find((one: { name: string }) => one.name === name)
          ?.state === state || undefined,
  );
}

/** Calls `body` with a project whose workers are ended whatever happens. */
async function withWorkers(body: (dir: string) => Promise<void>): Promise<void> {
  await withProject(async (dir) => {
    try {
      await body(dir);
    } finally {
      await stop(dir, "--all", "--now");
    }
  });
}

Deno.test("spawn starts a worker that outlives it, works, and is seen by everybody", async () => {
  await withWorkers(async (dir) => {
    const id = await add(dir, "x");
    const agent = await spawn(dir, "w1", 'echo "$AGENTCOORD_AGENT" > who', "--idle-exit", "10m");
    assert.deepEqual([agent.name, agent.worker.mode, agent.worker.spawnedBy], [
      "w1",
      "subprocess",
      "ada",
    ]);
    await statusOf(dir, id, "completed");
    assert.equal(textOf(`${dir}/who`), "w1\n");
    const [worker] = await workers(dir);
    assert.deepEqual([worker.name, worker.state, worker.command], [
      "w1",
      "running",
      `sh -c 'echo "$AGENTCOORD_AGENT" > who'`,
    ]);
    assert.match(
      (await cli(dir, ["workers", "logs", "w1"])).stdout,
      new RegExp(`^completed +${id}`, "m"),
    );
    assert.equal(
      (await cli(dir, ["workers", "logs", "w1", "--tail", "1"])).stdout.split("\n").length,
      2,
    );
  });
});

Deno.test("spawn refuses a name that a live agent has, and starts nothing", async () => {
  await withWorkers(async (dir) => {
    await spawn(dir, "w1", "true");
    const { code, document } = await cliJson(dir, ["spawn", "w1", "--", "true"], ADA);
    assert.deepEqual([code, document.error.code], [3, "conflict"]);
    assert.match(
      document.error.message,
      /^Cannot spawn "w1": a live agent on "[^"]+" has the name; .*\(a worker: agentcoord workers stop w1\)$/,
    );
    assert.equal((await workers(dir)).length, 1);
  });
});

Deno.test("workers stop lets the task under way be done, and leaves nothing behind", async () => {
  await withWorkers(async (dir) => {
    const id = await add(dir, "x");
    const { worker } = await spawn(
      dir,
      "w1",
      "echo $$ > pid; until [ -e go ]; do sleep 0.05; done",
    );
    const pid = Number(await written(`${dir}/pid`));
    const stopping = stop(dir, "w1");
    await stateOf(dir, "w1", "stopping");
    assert.ok(runs(pid));
    await Deno.writeTextFile(`${dir}/go`, "");
    const [stopped] = await stopping;
    assert.equal(stopped.state, "ended");
    await statusOf(dir, id, "completed");
    await gone(worker.place.pid);
    assert.deepEqual(await workers(dir), []);
    assert.equal((await cliJson(dir, ["agent", "show", "w1"])).document.data.status, "gone");
  });
});

Deno.test("workers stop --now gives the task back at no cost", async () => {
  await withWorkers(async (dir) => {
    const id = await add(dir, "x");
    const { worker } = await spawn(dir, "w1", "echo $$ > pid; sleep 300");
    const pid = Number(await written(`${dir}/pid`));
    await stop(dir, "w1", "--now");
    await gone(pid);
    await gone(worker.place.pid);
    const task = (await cliJson(dir, ["task", "show", id])).document.data;
    assert.deepEqual([task.status, task.attemptsUsed], ["pending", 0]);
  });
});

Deno.test("workers stop kills what does not listen, and releases what it held at once", async () => {
  await withWorkers(async (dir) => {
    const id = await add(dir, "x");
    const { worker } = await spawn(dir, "w1", "echo $$ > pid; sleep 300", "--lease", "1h");
    const pid = Number(await written(`${dir}/pid`));
    const agent = (await cliJson(dir, ["agent", "show", "w1"])).document.data;
    Deno.kill(agent.pid, "SIGSTOP");
    await stop(dir, "w1", "--now");
    for (const process of [pid, agent.pid, worker.place.pid]) await gone(process);
    assert.equal((await cliJson(dir, ["task", "show", id])).document.data.status, "pending");
  });
});

Deno.test("worker that is killed is started again under its name", async () => {
  await withWorkers(async (dir) => {
    await spawn(dir, "w1", "true");
    await stateOf(dir, "w1", "running");
    const { pid } = (await cliJson(dir, ["agent", "show", "w1"])).document.data;
    Deno.kill(pid, "SIGKILL");
    const id = await add(dir, "x");
    await statusOf(dir, id, "completed");
    assert.match(
      (await cli(dir, ["workers", "logs", "w1"])).stdout,
      /exit code 137; started again in 1 s/,
    );
  });
});

Deno.test("worker that is not to be started again is seen to have ended", async () => {
  await withWorkers(async (dir) => {
    await spawn(dir, "w1", "true", "--restart", "never");
    await stateOf(dir, "w1", "running");
    const { pid } = (await cliJson(dir, ["agent", "show", "w1"])).document.data;
    Deno.kill(pid, "SIGKILL");
    await stateOf(dir, "w1", "ended");
    assert.deepEqual(await workers(dir), []);
  });
});

Deno.test("workers stop refuses an agent that nobody spawned, and no name at all", async () => {
  await withProject(async (dir) => {
    await cli(dir, ["agent", "register", "--name", "bob"]);
    const { code, document } = await cliJson(dir, ["workers", "stop", "bob"], ADA);
    assert.deepEqual([code, document.error.code], [3, "conflict"]);
    assert.equal((await cli(dir, ["workers", "stop"], ADA)).code, 2);
    assert.equal((await cli(dir, ["workers", "stop", "--all", "bob"], ADA)).code, 2);
    assert.equal((await cli(dir, ["workers", "logs", "nobody"])).code, 4);
  });
});

import assert from "node:assert/strict";
import type { Agent } from "../../src/agent/model.ts";
import { Agents } from "../../src/agent/agent.ts";
import { resolveConfig } from "../../src/config.ts";
import { openContext } from "../../src/open/open.ts";
import { cli, cliJson, programCommand, withProject } from "../support/cli.ts";
import { eventually, gone, Running, written } from "../support/wrapped.ts";

/** Calls `body` with the agents in the project's store, acting as `bob` on another host. */
async function watching<T>(dir: string, body: (agents: Agents) => Promise<T>): Promise<T> {
  const config = resolveConfig({ flags: {}, env: {}, cwd: dir });
  const context = await openContext({ ...config, actor: { name: "bob", host: "elsewhere" } });
  try {
    return await body(new Agents(context));
  } finally {
    await context.store.close();
  }
}

const agentNamed = (dir: string, name: string): Promise<Agent> =>
  watching(dir, (agents) => agents.show(name));

/** Runs until a file \`go\` appears. */
const WAIT_FOR_GO = "echo $$ > pid; until [ -e go ]; do sleep 0.02; done; exit 3";

Deno.test("agent run registers, keeps the agent alive, and deregisters", async () => {
  await withProject(async (dir) => {
    const args = ["agent", "run", "--name", "worker-1", "--role", "builder", "--ttl", "600ms"];
    const more = ["--tags", "backend,db", "--working-on", "the build", "--"];
    const wrapper = new Running(dir, [...args, ...more, "sh", "-c", WAIT_FOR_GO]);
    await written(`${dir}/pid`);
    const first = await agentNamed(dir, "worker-1");
    assert.equal(first.role, "builder");
    assert.equal(first.workingOn, "the build");
    assert.deepEqual(first.tags, ["backend", "db"]);
    assert.equal(first.pid, wrapper.pid);
    await new Promise((resolve) => setTimeout(resolve, 1200));
    const later = await agentNamed(dir, "worker-1");
    assert.ok(later.lastHeartbeatAtMs >= first.lastHeartbeatAtMs + 600);
    assert.ok(later.expiresAtMs > Date.now());
    await Deno.writeTextFile(`${dir}/go`, "");
    assert.deepEqual(await wrapper.result(), { code: 3, stdout: "", stderr: "" });
    assert.equal((await agentNamed(dir, "worker-1")).status, "gone");
  });
});

Deno.test("agent run gives back what its command left held", async () => {
  await withProject(async (dir) => {
    const script = `"$program" $before lock acquire a b > /dev/null; echo "$AGENTCOORD_AGENT"`;
    const [program, ...before] = programCommand();
    const args = ["agent", "run", "--name", "cy", "--", "sh", "-c", script];
    const env = { AGENTCOORD_AGENT: "ada", program, before: before.join(" ") };
    assert.deepEqual(await cli(dir, args, { env }), {
      code: 0,
      stdout: "cy\n",
      stderr: 'Gave back what "cy" still held: 2 locks, 0 tasks\n',
    });
    assert.deepEqual((await cliJson(dir, ["locks"])).document.data, []);
  });
});

Deno.test("agent run keeps the leases of its command alive", async () => {
  await withProject(async (dir) => {
    const [program, ...before] = programCommand();
    const script = `"$program" $before lock acquire a --ttl 800ms > /dev/null; ${WAIT_FOR_GO}`;
    const args = ["agent", "run", "--name", "cy", "--ttl", "600ms", "--", "sh", "-c", script];
    const wrapper = new Running(dir, args, { program, before: before.join(" ") });
    await written(`${dir}/pid`);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const { document } = await cliJson(dir, ["locks"]);
    assert.equal(document.data[0]?.holder, "cy");
    await Deno.writeTextFile(`${dir}/go`, "");
    assert.equal((await wrapper.result()).code, 3);
  });
});

Deno.test("agent run refuses a name in use with 75, unless it takes it over", async () => {
  await withProject(async (dir) => {
    await watching(dir, (agents) => agents.register());
    const args = ["agent", "run", "--name", "bob"];
    const refused = await cliJson(dir, [...args, "--", "touch", "ran"]);
    assert.equal(refused.code, 75);
    assert.equal(refused.document.error.code, "conflict");
    const takes = await cli(dir, [...args, "--takeover", "--", "sh", "-c", "exit 4"]);
    assert.deepEqual(takes, { code: 4, stdout: "", stderr: "" });
    const nameless = await cli(dir, ["agent", "run", "--", "true"]);
    assert.equal(nameless.code, 2);
    assert.match(nameless.stderr, /No agent to run as: name it with --name NAME/);
  });
});

Deno.test("agent run leaves a name alone that was taken over meanwhile", async () => {
  await withProject(async (dir) => {
    const args = ["agent", "run", "--name", "bob", "--ttl", "300ms", "--"];
    const wrapper = new Running(dir, [...args, "sh", "-c", WAIT_FOR_GO]);
    await written(`${dir}/pid`);
    const taken = await watching(dir, (agents) => agents.register({ takeover: true }));
    await new Promise((resolve) => setTimeout(resolve, 300));
    await Deno.writeTextFile(`${dir}/go`, "");
    const { code, stderr } = await wrapper.result();
    assert.equal(code, 3);
    assert.match(stderr, /^agentcoord: warning: Agent "bob" was taken over; no more heartbeats/);
    const now = await agentNamed(dir, "bob");
    assert.equal(now.host, "elsewhere");
    assert.equal(now.lastHeartbeatAtMs, taken.lastHeartbeatAtMs);
    assert.notEqual(now.status, "gone");
  });
});

Deno.test("agent run sent SIGTERM ends its command and deregisters", async () => {
  await withProject(async (dir) => {
    const args = ["agent", "run", "--name", "cy", "--", "sh", "-c", WAIT_FOR_GO];
    const wrapper = new Running(dir, args);
    const pid = Number(await written(`${dir}/pid`));
    wrapper.kill("SIGTERM");
    assert.equal((await wrapper.result()).code, 128 + 15);
    await gone(pid);
    const status = await eventually("its end", async () => (await agentNamed(dir, "cy")).status);
    assert.equal(status, "gone");
  });
});

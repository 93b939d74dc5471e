/**
 * What runs for a while on a Redis server: streams, and wrapped commands whose server goes away. The
 * transcripts tell of everything else.
 */
import assert from "node:assert/strict";
import { cli, cliJson, withProject } from "../support/cli.ts";
import { Stream } from "../support/golden_stream.ts";
import { startCluster } from "../../dev/redis_cluster.ts";
import { startSentinel } from "../../dev/redis_sentinel.ts";
import { hasRedis, type RedisServer, startRedis } from "../../dev/redis_server.ts";
import { eventually, gone, Running, textOf, written } from "../support/wrapped.ts";
import { ends } from "../../dev/sleepers.ts";

type Env = Readonly<Record<string, string>>;

function serverTest(
  name: string,
  body: (dir: string, env: Env, server: RedisServer) => Promise<void>,
): void {
  Deno.test({
    name,
    ignore: !hasRedis(),
    fn: () =>
      withProject(async (dir) => {
        await using server = await startRedis();
        await body(dir, {
          AGENTCOORD_STORE: server.url,
          AGENTCOORD_AGENT: "ada",
          AGENTCOORD_NAMESPACE: "default",
        }, server);
      }),
  });
}

/** Waits until so many processes listen to be woken. */
function listening(server: RedisServer, count: number): Promise<true> {
  return eventually(`${count} listening`, async () => {
    const channels = await server.command("PUBSUB", "CHANNELS", "{agentcoord:*}:wake:*");
    return (channels as readonly unknown[]).length >= count || undefined;
  });
}

serverTest(
  "streams of events, audit entries and messages go on Redis as they come",
  async (dir, env, server) => {
    const events = new Stream(dir, ["events", "--follow", "--json"], env);
    const audit = new Stream(dir, ["audit", "tail", "--follow", "--json"], env);
    const inbox = new Running(dir, ["inbox", "wait", "--timeout", "60s", "--json"], {
      ...env,
      AGENTCOORD_AGENT: "maria",
    });
    await listening(server, 3);
    const does = async (...args: string[]) => assert.equal((await cli(dir, args, { env })).code, 0);
    await does("lock", "acquire", "a.py");
    await does("board", "post", "for @maria");
    await does("audit", "log", "deployment", "--context", "green", "--reason", "asked");
    const seen: string[] = [];
    while (seen.at(-1) !== "audit.logged ada") {
      const [{ type, agent }] = await events.objects(1);
      if (agent === "ada") seen.push(`${type} ${agent}`);
    }
    assert.deepEqual(seen, [
      "agent.registered ada",
      "lock.acquired ada",
      "thread.posted ada",
      "audit.logged ada",
    ]);
    assert.equal((await audit.objects(1))[0].decisionType, "deployment");
    const { code, stdout } = await inbox.result();
    assert.deepEqual([code, JSON.parse(stdout).data.length], [0, 1]);
    await events.end();
    await audit.end();
  },
);

serverTest("agent run keeps its agent alive on Redis and deregisters it", async (dir, env) => {
  const script = "echo $$ > pid; until [ -e go ]; do sleep 0.02; done; exit 3";
  const args = ["agent", "run", "--name", "worker-1", "--ttl", "600ms", "--", "sh", "-c", script];
  const wrapper = new Running(dir, args, env);
  await written(`${dir}/pid`);
  const shown = async () =>
    (await cliJson(dir, ["agent", "show", "worker-1"], { env })).document.data;
  const first = await shown();
  await eventually(
    "a heartbeat",
    async () => (await shown()).lastHeartbeatAtMs > first.lastHeartbeatAtMs || undefined,
  );
  await Deno.writeTextFile(`${dir}/go`, "");
  assert.deepEqual(await wrapper.result(), { code: 3, stdout: "", stderr: "" });
  assert.equal((await shown()).status, "gone");
});

/** Notes when it is at work, and does not stop when it is asked to. */
const STUBBORN =
  "trap 'echo TERM >> signals' TERM; echo $$ > pid; while :; do date +%s%3N >> beats; sleep 0.05; done";

for (const [what, harm] of [["is frozen", "freeze"], ["is gone", "kill"]] as const) {
  serverTest(
    `lock run ends its command before the lease lapses when Redis ${what} and nothing stands in`,
    async (dir, env, server) => {
      const args = ["lock", "run", "a", "--ttl", "6s", "--", "sh", "-c", STUBBORN];
      const store = `${server.url}?command_timeout=500ms`;
      const alone = { ...env, AGENTCOORD_STORE: store, AGENTCOORD_FALLBACK: "never" };
      const wrapper = new Running(dir, args, alone);
      const pid = Number(await written(`${dir}/pid`));
      await server[harm]();
      // It cannot have been renewed later than now.
      const lapsesAtMs = Date.now() + 6000;
      await gone(pid);
      const lastBeat = Number(textOf(`${dir}/beats`).trimEnd().split("\n").at(-1));
      assert.ok(
        lastBeat < lapsesAtMs,
        `still at work ${lastBeat - lapsesAtMs} ms after the lease lapsed`,
      );
      assert.equal(textOf(`${dir}/signals`), "TERM\n");
      const { code, stderr } = await ends("the wrapper", wrapper.result());
      assert.equal(code, 125);
      assert.match(stderr, /^agentcoord: Ending the command: .*renewed/m);
      if (harm === "freeze") server.resume();
    },
  );
}

/** Commands that together read, write, wait and are woken. */
async function works(dir: string, url: string, mode: string): Promise<void> {
  const env = { AGENTCOORD_STORE: url, AGENTCOORD_AGENT: "ada", AGENTCOORD_NAMESPACE: "default" };
  const waiting = new Running(dir, ["-q", "task", "claim", "--wait", "30s"], env);
  const { document } = await cliJson(dir, ["task", "add", "one"], { env });
  assert.deepEqual(await waiting.result(), {
    code: 0,
    stdout: `${document.data.id}\n`,
    stderr: "",
  });
  const { code, document: doctor } = await cliJson(dir, ["doctor"], { env });
  assert.equal(code, 0, JSON.stringify(doctor));
  const found = doctor.data.checks.find(({ name }: { name: string }) => name === "mode");
  assert.equal(found.value, mode);
}

Deno.test({
  name: "commands work on a Redis cluster",
  ignore: !hasRedis(),
  fn: () =>
    withProject(async (dir) => {
      await using cluster = await startCluster();
      await works(dir, cluster.url, "cluster");
    }),
});

Deno.test({
  name: "commands work on the primary that Redis Sentinels name",
  ignore: !hasRedis(),
  fn: () =>
    withProject(async (dir) => {
      await using sentinel = await startSentinel();
      await works(dir, sentinel.url, "sentinel");
    }),
});

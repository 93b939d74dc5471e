/**
 * That `bench --large` measures every command on both stores and leaves nothing behind; and that its meters see
 * how long others were kept waiting. How fast anything is, is not a test's business.
 * @module
 */
import assert from "node:assert/strict";
import { Redis } from "ioredis";
import { directoryMeter, serverMeter } from "../../scripts/bench/large/meter.ts";
import type { LargeReport } from "../../scripts/bench/large/run.ts";
import { systemClock } from "../../src/clock.ts";
import { DirectoryEngine } from "../../src/engine/directory/engine.ts";
import { hasRedis, startRedis } from "../../dev/redis_server.ts";
import { PREAMBLE } from "../../src/open/preamble.ts";
import { PRIMITIVES } from "../../src/primitives.ts";
import { SCHEMA } from "../../src/open/schema.ts";

/** The script as a process of its own, with as little as there can be of everything. */
async function benchLarge(...args: string[]): Promise<LargeReport> {
  const command = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--no-check", "scripts/bench.ts", "--large", "--json"],
      ...["--scale", "0.005", "--rounds", "1", ...args],
    ],
  });
  const { code, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  assert.equal(code, 0, decoder.decode(stderr));
  return JSON.parse(decoder.decode(stdout));
}

function assertMeasured({ amounts, rows }: LargeReport): void {
  assert.deepEqual([amounts.tasks, amounts.locks, amounts.dependents], [1500, 100, 50]);
  for (const name of PRIMITIVES) {
    const own = rows.filter(({ command }) => command.startsWith(`${name}.`));
    assert.ok(own.some(({ longestMs }) => longestMs > 0), name);
  }
  for (const { command, longestMs, cpuMs, boundMs, over } of rows) {
    assert.ok(longestMs >= cpuMs && cpuMs >= 0, command);
    assert.equal(over, cpuMs > boundMs, command);
  }
}

Deno.test("bench --large measures every command on a directory", async () => {
  const report = await benchLarge("--store", "dir");
  assert.equal(report.about, "a directory");
  assertMeasured(report);
});

Deno.test({
  name:
    "bench --large measures every command on a server, whose settings and data stay as they were",
  ignore: !hasRedis(),
  fn: async () => {
    await using server = await startRedis();
    await server.command("SET", "mine", "kept");
    await server.command("CONFIG", "SET", "slowlog-log-slower-than", "12345");
    assertMeasured(await benchLarge("--store", server.url));
    assert.deepEqual(await server.command("KEYS", "*"), ["mine"]);
    assert.deepEqual(await server.command("CONFIG", "GET", "slowlog-log-slower-than"), [
      "slowlog-log-slower-than",
      "12345",
    ]);
  },
});

Deno.test("bench meter of a directory tells the longest hold of its lock, and of a view", async () => {
  const directory = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
  const meter = directoryMeter();
  const engine = await DirectoryEngine.open(directory, {
    schema: SCHEMA,
    preamble: PREAMBLE,
    durability: "normal",
    clock: systemClock,
  });
  const busy = (ms: number) => () => {
    const until = performance.now() + ms;
    while (performance.now() < until);
  };
  try {
    for (const times of [[1, 30, 2], [40, 1, 1]]) {
      const { wallMs } = await meter.longest(async () => {
        for (const ms of times) await engine.write(undefined, busy(ms));
      });
      assert.ok(wallMs >= Math.max(...times), `${wallMs}`);
    }
    const { wallMs, cpuMs } = await meter.longest(() => engine.read(busy(25)));
    assert.ok(wallMs >= 25 && cpuMs > 0 && cpuMs <= wallMs, `${cpuMs} of ${wallMs}`);
  } finally {
    await meter.stop();
    await engine.close();
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test({
  name: "bench meter of a server tells the longest script of those that ran",
  ignore: !hasRedis(),
  fn: async () => {
    await using server = await startRedis();
    const client = new Redis(server.url);
    const meter = await serverMeter(client);
    const loop = "for i = 1, ARGV[1] do redis.call('PING') end";
    try {
      const { wallMs, cpuMs } = await meter.longest(async () => {
        for (const count of [10, 20_000, 10]) await client.eval(loop, 0, count);
      });
      const [[, , us]] = await client.slowlog("GET", 1) as [[number, number, number]];
      assert.ok(wallMs > 0 && wallMs >= us / 1000, `${wallMs}`);
      assert.ok(cpuMs > 0 && cpuMs <= wallMs, `${cpuMs} of ${wallMs}`);
    } finally {
      await meter.stop();
      client.disconnect();
    }
  },
});

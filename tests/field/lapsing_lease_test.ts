/**
 * A command that acts as an agent tells of leases of that agent that soon lapse: acting does not renew them.
 * @module
 */
import assert from "node:assert/strict";
import { type Clock, systemClock } from "../../src/clock.ts";
import type { RoomContext } from "../../src/context.ts";
import { Locks } from "../../src/lock/lock.ts";
import { DirectoryStore } from "../../src/open/directory.ts";
import { RedisStore } from "../../src/open/redis.ts";
import type { Store } from "../../src/store.ts";
import { Tasks } from "../../src/task/task.ts";
import { cli, cliJson, withProject } from "../support/cli.ts";
import { KINDS, useRedis } from "../support/golden_store.ts";
import { resp } from "../../dev/redis_server.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Runs `body` in a project of each kind, in whose store `seed` was done 50 minutes ago. */
function inThePast(
  name: string,
  seed: (as: (name: string) => RoomContext) => Promise<unknown>,
  body: (dir: string) => Promise<void>,
): void {
  for (const kind of KINDS) {
    Deno.test(`${name} (${kind})`, () =>
      withProject(async (dir) => {
        const clock: Clock = { ...systemClock, nowMs: () => Date.now() - 50 * MINUTE };
        let store: Store;
        if (kind === "redis") {
          const { store: url, namespace } = await useRedis(dir);
          store = await RedisStore.open(url, { namespace, nowMs: clock.nowMs });
          // No script is known: what looks for leases must still see what the command has done.
          await using server = await resp(Number(new URL(url).port));
          await server.command("SCRIPT", "FLUSH");
        } else {
          store = await DirectoryStore.open(`${dir}/.agentcoord`, {
            namespace: "default",
            durability: "normal",
            clock,
          });
        }
        try {
          await seed((name) => ({
            store,
            clock,
            actor: { name, host: "mill" },
            lockPath: (path) => ({ path, aliases: [] }),
          }));
        } finally {
          await store.close();
        }
        await body(dir);
      }));
  }
}

const warnings = (stderr: string) =>
  stderr.split("\n").filter((line) => line.startsWith("agentcoord: warning: "))
    .map((line) => line.slice("agentcoord: warning: ".length));

/** What a shell makes of the command that a warning names, behind `agentcoord`. */
async function words(warning: string): Promise<string[]> {
  const command = /: agentcoord (.*)$/.exec(warning)![1]!;
  const { stdout } = await new Deno.Command("sh", { args: ["-c", `printf '%s\\n' ${command}`] })
    .output();
  return new TextDecoder().decode(stdout).trimEnd().split("\n");
}

inThePast(
  "lapsing lock is in the warnings of every act of its holder until it is renewed",
  async (as) => {
    await new Locks(as("ada")).acquire("src/it's mine.py", { ttlMs: HOUR });
    await new Locks(as("ada")).acquire("long.py", { ttlMs: 24 * HOUR });
    await new Locks(as("bob")).acquire("other.py", { ttlMs: 24 * HOUR });
  },
  async (dir) => {
    const seen = await cli(dir, ["task", "add", "x", "--agent", "ada"]);
    assert.equal(seen.code, 0);
    const [warning, ...more] = warnings(seen.stderr);
    assert.deepEqual(more, []);
    assert.match(
      warning!,
      /^agent "ada" holds src\/it's mine\.py, which lapses in (?:10m|9m\d+s); renew it: agentcoord lock renew 'src\/it'\\''s mine\.py' --agent ada$/,
    );

    // Refused, it has acted all the same; and the command is one for where it was asked.
    await Deno.mkdir(`${dir}/src/deep`, { recursive: true });
    const refused = await cliJson(
      `${dir}/src/deep`,
      ["lock", "acquire", "../../other.py", "--agent", "ada"],
    );
    assert.equal(refused.code, 3);
    const [below] = refused.document.warnings as string[];
    assert.match(below!, /: agentcoord lock renew '\.\.\/it'\\''s mine\.py' --agent ada$/);
    assert.deepEqual(refused.document.warnings.length, 1);

    const quiet = await cli(dir, ["locks", "--agent", "ada"]);
    assert.deepEqual(warnings(quiet.stderr), [], "who only looks does not act");
    const bob = await cliJson(dir, ["task", "claim", "--agent", "bob"]);
    assert.deepEqual(bob.document.warnings, []);
    const taken = await cli(dir, ["lock", "acquire", "new.py", "--ttl", "2s", "--agent", "cy"]);
    assert.deepEqual(warnings(taken.stderr), [], "a short lease is no news to who just took it");

    const renewed = await cli(`${dir}/src/deep`, await words(below!));
    assert.deepEqual([renewed.code, warnings(renewed.stderr)], [0, []]);
    const after = await cliJson(dir, ["task", "add", "y", "--agent", "ada"]);
    assert.deepEqual(after.document.warnings, []);
  },
);

inThePast(
  "lapsing task is in a warning with the command that renews it, and no more once it is done",
  async (as) => {
    const tasks = new Tasks(as("ada"));
    await tasks.create([{ title: "one", leaseMs: HOUR }, { title: "two" }]);
    await tasks.claim();
  },
  async (dir) => {
    const { document } = await cliJson(dir, ["lock", "acquire", "a.py", "--agent", "ada"]);
    const [warning] = document.warnings as string[];
    assert.match(warning!, /^agent "ada" holds task tsk_\w{26}, which lapses in (?:10m|9m\d+s); /);
    const [group, verb, id] = await words(warning!);
    assert.deepEqual([group, verb], ["task", "renew"]);
    const done = await cliJson(dir, ["task", "complete", id!, "--agent", "ada"]);
    assert.deepEqual([done.code, done.document.warnings], [0, []]);
  },
);

inThePast(
  "lapsing leases that are many share one warning with the heartbeat that renews all",
  (as) =>
    new Locks(as("ada")).acquire(Array.from({ length: 9 }, (_, i) => `${i}.py`), { ttlMs: HOUR }),
  async (dir) => {
    const seen = await cliJson(dir, ["task", "add", "x", "--agent", "ada"]);
    const [warning, ...more] = seen.document.warnings as string[];
    assert.deepEqual(more, []);
    assert.match(warning!, /^agent "ada" holds several leases that lapse soon, the first in /);
    const beat = await cliJson(dir, await words(warning!));
    assert.deepEqual([beat.code, beat.document.warnings], [0, []]);
    const after = await cliJson(dir, ["task", "add", "y", "--agent", "ada"]);
    assert.deepEqual(after.document.warnings, []);
  },
);

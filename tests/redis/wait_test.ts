/**
 * Those who wait are woken whatever happens to connections, to others who wait, and to the server.
 * @module
 */
import assert from "node:assert/strict";
import { Fleet } from "../../dev/fleet.ts";
import {
  freshNamespace,
  hasRedis,
  pause,
  type RedisConfig,
  type RedisServer,
  startRedis,
} from "../../dev/redis_server.ts";
import { eventually } from "../support/wrapped.ts";
import { ends } from "../../dev/sleepers.ts";
import { Member } from "./member.ts";

const HOUR_MS = 3_600_000;

/** Registers a test with a server of its own and two members. */
function waitTest(
  name: string,
  body: (
    bench: {
      readonly server: RedisServer;
      readonly location: string;
      readonly ada: Member;
      readonly bob: Member;
    },
  ) => Promise<void>,
  config: RedisConfig = {},
): void {
  Deno.test({
    name,
    ignore: !hasRedis(),
    async fn() {
      await using server = await startRedis({ config });
      const location = `${server.url}#${freshNamespace()}`;
      await using ada = await Member.join(location, "ada");
      await using bob = await Member.join(location, "bob");
      await body({ server, location, ada, bob });
    },
  });
}

/** Everything that one can wait for, as `waiter` waits and `other` makes it come. */
function waits({ unpolled: waiter }: Member, other: Member) {
  return {
    lock: {
      wait: () => waiter.locks.acquire("a.py", { waitMs: HOUR_MS }),
      come: () => other.locks.release("a.py"),
    },
    task: {
      wait: () => waiter.tasks.claim({ tags: ["x"], waitMs: HOUR_MS }),
      come: () => other.tasks.create([{ title: "t", tags: ["x"] }]),
    },
    message: {
      wait: () => waiter.board.inboxWait({ timeoutMs: HOUR_MS }),
      come: () => other.board.post({ title: "for @bob" }),
    },
    event: {
      wait: () => waiter.events.follow({ type: "approval.requested" }).next(),
      come: () => other.approvals.request({ actionType: "a", description: "b" }),
    },
    entry: {
      wait: () => waiter.audit.tail({ type: "decided" }).next(),
      come: () => other.audit.log({ decisionType: "decided", context: "c", reason: "r" }),
    },
  } as const;
}

/** Waits for all of it, does something to the server, and lets all of it come. */
async function wokenAfter(
  { ada, bob }: { readonly ada: Member; readonly bob: Member },
  disturb: () => Promise<unknown>,
  pauseMs: number,
): Promise<void> {
  await ada.locks.acquire("a.py");
  const things = Object.entries(waits(bob, ada));
  const waiting = things.map(([what, { wait }]) => [what, wait() as Promise<unknown>] as const);
  await bob.asleep(things.length);
  await disturb();
  await pause(pauseMs);
  for (const [, { come }] of things) await come();
  await Promise.all(waiting.map(([what, wait]) => ends(`waiting for ${what}`, wait)));
}

waitTest("waiters hear what comes right after their subscription was cut", async (bench) => {
  await wokenAfter(bench, () => bench.server.command("CLIENT", "KILL", "TYPE", "pubsub"), 0);
});

waitTest(
  "waiters hear what comes after their subscription was cut and made again",
  async (bench) => {
    await wokenAfter(bench, () => bench.server.command("CLIENT", "KILL", "TYPE", "pubsub"), 400);
  },
);

waitTest("waiters hear what comes after every connection was cut", async (bench) => {
  const cut = async () => {
    for (const type of ["normal", "pubsub"]) {
      await bench.server.command("CLIENT", "KILL", "TYPE", type);
    }
  };
  await wokenAfter(bench, cut, 300);
});

waitTest("waiters hear what comes after the server has forgotten all scripts", async (bench) => {
  await wokenAfter(bench, () => bench.server.command("SCRIPT", "FLUSH"), 0);
});

waitTest(
  "waiters of one process share one more connection, and none is left once it is closed",
  async ({ server, location, ada }) => {
    await ada.locks.acquire("a.py");
    const before = await server.connections();
    const eve = await Member.join(location, "eve");
    assert.equal(await server.connections(), before + 1);
    const enough = new AbortController();
    const { signal } = enough;
    const quiet = (work: Promise<unknown>) => work.catch(() => undefined);
    const waiting = [
      ...Array.from(
        { length: 10 },
        (_, i) => quiet(eve.locks.acquire(["a.py", `${i}`], { waitMs: 60_000, signal })),
      ),
      ...Array.from({ length: 10 }, () => quiet(eve.tasks.tryClaim({ waitMs: 60_000, signal }))),
      quiet(eve.board.inboxWait({ signal })),
      quiet(eve.events.follow({ type: "task.dead", signal }).next()),
      quiet(eve.audit.tail({ signal }).next()),
    ];
    await eve.asleep(waiting.length);
    assert.equal(await server.connections(), before + 2);
    enough.abort();
    await Promise.all(waiting);
    assert.equal(await server.connections(), before + 2);
    await eve.close();
    await eventually("no connection left", async () => await server.connections() === before);
    const channels = await server.command("PUBSUB", "CHANNELS") as string[];
    assert.deepEqual(channels, []);
  },
);

for (const what of ["lock", "task"] as const) {
  for (const how of ["killed", "frozen"] as const) {
    waitTest(
      `a ${how} waiter for a ${what} does not keep the next one waiting`,
      async ({ location, ada, bob }) => {
        const directory = await Deno.makeTempDir({ prefix: "agentcoord-wait-" });
        const fleet = new Fleet("waiter.ts", [location, what], directory);
        try {
          await ada.locks.acquire("the.lock");
          fleet.start(0);
          await eventually("somebody in the wait queue", () => fleet.records().length > 0);
          // Nobody wakes the next one after a frozen one, which only does not come: it looks by itself.
          const { locks, tasks } = how === "killed" ? bob.unpolled : bob;
          const waiting: Promise<unknown> = what === "lock"
            ? locks.acquire("the.lock", { waitMs: HOUR_MS })
            : tasks.claim({ waitMs: HOUR_MS });
          await bob.asleep();
          if (how === "killed") await fleet.kill(0);
          else fleet.stun(0);
          await (what === "lock"
            ? ada.locks.release("the.lock")
            : ada.tasks.create([{ title: "t" }]));
          await ends("the next one's wait", waiting);
        } finally {
          await fleet.kill(0);
          await Deno.remove(directory, { recursive: true });
        }
      },
    );
  }
}

for (const end of ["shut down", "killed"] as const) {
  waitTest(
    `waiters, leases and fences outlive a server that is ${end} and started again from its log`,
    async ({ server, ada, bob }) => {
      const [lease] = await ada.locks.acquire("a.py");
      const [task] = await ada.tasks.create([{ title: "t" }]);
      await ada.audit.log({ decisionType: "before", context: "c", reason: "r" });
      const { cursor } = await ada.events.list();
      const waiting = bob.unpolled.locks.acquire("a.py", { waitMs: HOUR_MS });
      await bob.asleep();
      if (end === "killed") await server.kill();
      await server.restart();
      await pause(300);
      assert.deepEqual(await ada.locks.verify("a.py", { fence: lease!.fence }), lease);
      await ada.locks.release("a.py");
      const [next] = await ends("the wait", waiting);
      assert.ok(next!.fence > lease!.fence + 1, `fences ${lease!.fence}, ${next!.fence}`);
      assert.equal((await bob.tasks.claim())[0]!.id, task!.id);
      assert.ok((await ada.audit.verify()).ok);
      const { events } = await ada.events.list({ since: cursor });
      assert.deepEqual(events.map(({ type }) => type).slice(-3), [
        "lock.released",
        "lock.acquired",
        "task.claimed",
      ]);
    },
    { appendonly: "yes", appendfsync: "always" },
  );
}

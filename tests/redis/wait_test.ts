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
import { Member, timed } from "./member.ts";

/** A waiter that nobody woke would look again only after a second. */
const WOKEN_MS = 700;

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
function waits(waiter: Member, other: Member) {
  return {
    lock: {
      wait: () => waiter.locks.acquire("a.py", { waitMs: 20_000 }),
      come: () => other.locks.release("a.py"),
    },
    task: {
      wait: () => waiter.tasks.claim({ tags: ["x"], waitMs: 20_000 }),
      come: () => other.tasks.create([{ title: "t", tags: ["x"] }]),
    },
    message: {
      wait: () => waiter.board.inboxWait({ timeoutMs: 20_000 }),
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

/** Waits for all of it, does something to the server, lets all of it come, and measures. */
async function wokenAfter(
  { ada, bob }: { readonly ada: Member; readonly bob: Member },
  disturb: () => Promise<unknown>,
  pauseMs: number,
): Promise<void> {
  await ada.locks.acquire("a.py");
  const things = Object.entries(waits(bob, ada));
  const waiting = things.map(([what, { wait }]) =>
    (wait() as Promise<unknown>).then(() => [what, performance.now()] as const)
  );
  await pause(150);
  await disturb();
  await pause(pauseMs);
  const cameMs = new Map<string, number>();
  for (const [what, { come }] of things) {
    await come();
    cameMs.set(what, performance.now());
  }
  for (const [what, atMs] of await Promise.all(waiting)) {
    assert.ok(atMs - cameMs.get(what)! < WOKEN_MS, `${what}: ${atMs - cameMs.get(what)!} ms`);
  }
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
    const ends = (work: Promise<unknown>) => work.catch(() => undefined);
    const waiting = [
      ...Array.from(
        { length: 10 },
        (_, i) => ends(eve.locks.acquire(["a.py", `${i}`], { waitMs: 60_000, signal })),
      ),
      ...Array.from({ length: 10 }, () => ends(eve.tasks.tryClaim({ waitMs: 60_000, signal }))),
      ends(eve.board.inboxWait({ signal })),
      ends(eve.events.follow({ type: "task.dead", signal }).next()),
      ends(eve.audit.tail({ signal }).next()),
    ];
    await pause(200);
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
  for (const [how, withinMs] of [["killed", WOKEN_MS], ["frozen", 2500]] as const) {
    waitTest(
      `a ${how} waiter for a ${what} does not keep the next one waiting`,
      async ({ location, ada, bob }) => {
        const directory = await Deno.makeTempDir({ prefix: "agentcoord-wait-" });
        const fleet = new Fleet("waiter.ts", [location, what], directory);
        try {
          await ada.locks.acquire("the.lock");
          fleet.start(0);
          await eventually("somebody in line", () => fleet.records().length > 0);
          const waiting = timed<unknown>(
            what === "lock"
              ? bob.locks.acquire("the.lock", { waitMs: 20_000 })
              : bob.tasks.claim({ waitMs: 20_000 }),
          );
          await pause(200);
          const frozen = how === "frozen" ? fleet.freeze(0, 3000) : undefined;
          if (how === "killed") await fleet.kill(0);
          await (what === "lock"
            ? ada.locks.release("the.lock")
            : ada.tasks.create([{ title: "t" }]));
          const [, waitedMs] = await waiting;
          assert.ok(waitedMs < 200 + withinMs, `woken after ${waitedMs} ms`);
          await fleet.kill(0);
          await frozen;
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
      const waiting = bob.locks.acquire("a.py", { waitMs: 20_000 });
      await pause(150);
      if (end === "killed") await server.kill();
      await server.restart();
      await pause(300);
      assert.deepEqual(await ada.locks.verify("a.py", { fence: lease!.fence }), lease);
      const [, releasedMs] = await timed(ada.locks.release("a.py"));
      const [[next], waitedMs] = await timed(waiting);
      assert.ok(releasedMs + waitedMs < WOKEN_MS, `woken after ${releasedMs + waitedMs} ms`);
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

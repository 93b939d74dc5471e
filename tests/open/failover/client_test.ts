/**
 * The library on a server for which the project's directory stands in.
 * @module
 */
import assert from "node:assert/strict";
import { type ClientOptions, CoordinationClient, type StoreWarning } from "../../../mod.ts";
import { hasRedis } from "../../../dev/redis_server.ts";
import { type Sites, until, withSites } from "../../../dev/site.ts";

/** What a test of a project gets. */
interface Project extends Pick<Sites, "server" | "url"> {
  readonly dir: string;
  /** A client of the server, as a process of its own would have it; closed at the end. */
  readonly open: (options?: ClientOptions) => Promise<CoordinationClient>;
}

function projectTest(name: string, body: (project: Project) => Promise<void>): void {
  Deno.test({
    name,
    ignore: !hasRedis(),
    fn: () =>
      withSites(async ({ server, url }) => {
        const dir = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
        const clients: CoordinationClient[] = [];
        const open = async (options: ClientOptions = {}) => {
          const own = { store: url, namespace: "default", cwd: dir, durability: "normal" } as const;
          const client = await CoordinationClient.open({ ...own, ...options });
          clients.push(client);
          return client;
        };
        try {
          await body({ server, url, dir, open });
        } finally {
          for (const client of clients) await client.close();
          await Deno.remove(dir, { recursive: true });
        }
      }),
  });
}

projectTest(
  "a held lock of the library keeps its fence across loss and return of the server, which it is told of",
  async ({ server, open }) => {
    const told: StoreWarning[] = [];
    const [client, other] = [
      await open({ onWarning: (warning) => told.push(warning) }),
      await open(),
    ];
    await using ada = await client.session("ada");
    await using bob = await other.session("bob");
    await using lock = await ada.lockFile("a.py", { ttlMs: 3000 });
    const isHeld = async () => {
      await assert.rejects(bob.lockFile("a.py"), { code: "conflict" });
      const lease = await client.locks.verify("a.py", { fence: lock.fence });
      return lease.expiresAtMs;
    };
    const grantedUntil = lock.leases[0]!.expiresAtMs;
    await server.kill();
    // It lapses unless it is renewed in the directory.
    await until("a renewal without the server", async () => await isHeld() > grantedUntil + 3000);
    assert.deepEqual(told.map(({ kind }) => kind), ["authority"]);
    assert.deepEqual(told.map((warning) => warning.kind === "authority" && warning.store), [
      "directory",
    ]);
    await server.restart();
    await until("the server decides", async () => {
      await isHeld();
      return told.length === 2;
    });
    const [, back] = told;
    assert.ok(back?.kind === "authority" && back.store === "redis", JSON.stringify(back));
    const returned = await isHeld();
    await until("a renewal on the server", async () => await isHeld() > returned + 2000);
    assert.equal(lock.signal.aborted, false);
    await lock.release();
    await using next = await bob.lockFile("a.py");
    assert.ok(next.fence > lock.fence);
  },
);

projectTest(
  "a claimed task of the library is completed while the server is lost",
  async (project) => {
    const { server, open } = project;
    const client = await open();
    await using ada = await client.session("ada");
    const [made] = await ada.tasks.create([{ title: "one", leaseMs: 60_000 }]);
    await using task = await ada.claimTask();
    assert.equal(task!.task.id, made!.id);
    await server.kill();
    assert.equal((await task!.complete({ version: 1 })).status, "completed");
    await server.restart();
    await until("the server has the result", async () => {
      const direct = await open({ fallback: "never" }).catch((error) => {
        // The directory still decides.
        assert.equal(error.code, "store_unavailable");
        assert.match(error.message, /stands in for the server/);
      });
      return (await direct?.tasks.get(made!.id))?.status === "completed";
    });
    assert.deepEqual((await client.tasks.get(made!.id))?.result, { version: 1 });
  },
);

projectTest(
  "the library never fails over where that was asked for",
  async ({ server, open, dir }) => {
    const client = await open({ fallback: "never" });
    await using ada = await client.session("ada", { heartbeat: false, onClose: "leave" });
    assert.deepEqual([...Deno.readDirSync(dir)], []);
    await server.kill();
    await assert.rejects(ada.locks.acquire("a.py"), { code: "store_unavailable" });
    await server.restart();
  },
);

projectTest(
  "the library refuses a bad fallback and a bad hook before it connects",
  async ({ open }) => {
    await assert.rejects(open({ fallback: "always" as "auto" }), {
      code: "invalid_argument",
      message: /Invalid fallback "always": use auto, directory or never/,
    });
    await assert.rejects(open({ onWarning: "x" as unknown as () => void }), {
      code: "invalid_argument",
      message: /onWarning/,
    });
  },
);

projectTest(
  "the library makes no directory in the root of all files, and directory is refused there",
  async ({ open }) => {
    const isThere = () => [...Deno.readDirSync("/")].some(({ name }) => name === ".agentcoord");
    assert.equal(isThere(), false);
    const client = await open({ cwd: "/" });
    await client.session("ada");
    assert.equal(isThere(), false);
    await assert.rejects(open({ cwd: "/", fallback: "directory" }), {
      code: "invalid_argument",
      message: /^No directory can stand in for the server in \//,
    });
  },
);

projectTest("the library makes no directory in a home directory", async ({ open, dir }) => {
  const client = await open({ env: { HOME: dir } });
  await client.session("ada");
  assert.deepEqual([...Deno.readDirSync(dir)], []);
});

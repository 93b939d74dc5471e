/**
 * Where no directory can stand in for a server: something is in its place that is not ours.
 * @module
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { systemClock } from "../../../src/clock.ts";
import { StoreUnavailableError } from "../../../src/errors.ts";
import type { StoreWarning } from "../../../src/engine/warning.ts";
import { Locks } from "../../../src/lock/lock.ts";
import type { FailoverMode } from "../../../src/open/failover/change.ts";
import { encodeFile, firstRecord } from "../../../src/open/failover/record.ts";
import { FailoverStore } from "../../../src/open/failover/store.ts";
import { contextOn } from "../../../dev/room_context.ts";
import { freshNamespace, hasRedis, sharedRedis } from "../../../dev/redis_server.ts";
import { eventually } from "../../support/wrapped.ts";

/** What a test works with. */
interface Place {
  /** A git repository. */
  readonly project: string;
  /** Where nothing may be written. */
  readonly elsewhere: string;
  readonly fallback: string;
  readonly home: string;
  readonly open: (mode: FailoverMode, warn?: (warning: StoreWarning) => void) => Promise<
    FailoverStore
  >;
}

function placeTest(name: string, body: (place: Place) => Promise<void>): void {
  Deno.test({
    name,
    ignore: !hasRedis(),
    fn: async () => {
      const top = await Deno.realPath(await Deno.makeTempDir({ prefix: "agentcoord-test-" }));
      const [project, elsewhere] = [`${top}/project`, `${top}/elsewhere`];
      for (const directory of [project, elsewhere]) Deno.mkdirSync(directory);
      await run(project, "git", "init", "-q");
      const { url } = await sharedRedis();
      const namespace = freshNamespace();
      const fallback = `${project}/.agentcoord/fallback`;
      const stores: FailoverStore[] = [];
      const open: Place["open"] = async (mode, warn) => {
        const durability = "normal";
        const site = { directory: fallback, namespace, mode, clock: systemClock };
        const store = await FailoverStore.open({ url, durability, warn, ...site });
        stores.push(store);
        return store;
      };
      const home = `${fallback}/namespaces/${namespace}`;
      try {
        await body({ project, elsewhere, fallback, home, open });
      } finally {
        for (const store of stores) await store.close();
        await Deno.remove(top, { recursive: true });
      }
    },
  });
}

async function run(cwd: string, program: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args, cwd }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
}

const locksOn = (store: FailoverStore) => new Locks(contextOn(store, systemClock, "ada"));

/** What can be in the way, what it is called in the warning, and how it comes there. */
const OBSTACLES: readonly {
  readonly what: string;
  readonly says: RegExp;
  readonly put: (place: Place) => void | Promise<void>;
}[] = [
  {
    what: "a link in the place of .agentcoord",
    says: /\.agentcoord is a symbolic link/,
    put: ({ project, elsewhere }) => Deno.symlinkSync(elsewhere, `${project}/.agentcoord`),
  },
  {
    what: "a link in its own place",
    says: /fallback is a symbolic link/,
    put: ({ project, elsewhere, fallback }) => {
      Deno.mkdirSync(`${project}/.agentcoord`);
      Deno.symlinkSync(elsewhere, fallback);
    },
  },
  {
    what: "a link in the place of its namespaces",
    says: /namespaces is a symbolic link/,
    put: ({ elsewhere, fallback }) => {
      Deno.mkdirSync(fallback, { recursive: true });
      Deno.symlinkSync(elsewhere, `${fallback}/namespaces`);
    },
  },
  {
    what: "a link in the place of the namespace",
    says: /test-\S+ is a symbolic link/,
    put: ({ elsewhere, fallback, home }) => {
      Deno.mkdirSync(`${fallback}/namespaces`, { recursive: true });
      Deno.symlinkSync(elsewhere, home);
    },
  },
  ...["authority", "authority.lock", "turnstile.lock"].flatMap((name) => [
    {
      what: `a link in the place of ${name}`,
      says: new RegExp(`${name} is a symbolic link`),
      put: ({ elsewhere, home }: Place) => {
        Deno.mkdirSync(home, { recursive: true });
        Deno.symlinkSync(`${elsewhere}/made`, `${home}/${name}`);
      },
    },
    {
      what: `a named pipe in the place of ${name}`,
      says: new RegExp(`${name} is a named pipe`),
      put: async ({ home }: Place) => {
        Deno.mkdirSync(home, { recursive: true });
        await run(home, "mkfifo", name);
      },
    },
  ]),
  {
    what: "a link in the place of the site's name",
    says: /site is a symbolic link/,
    put: ({ elsewhere, fallback }) => {
      Deno.mkdirSync(`${fallback}/namespaces`, { recursive: true });
      Deno.symlinkSync(`${elsewhere}/made`, `${fallback}/site`);
    },
  },
  {
    what: "somebody else's files",
    says: /fallback holds other files, such as notes\.txt/,
    put: ({ fallback }) => {
      Deno.mkdirSync(fallback, { recursive: true });
      Deno.writeTextFileSync(`${fallback}/notes.txt`, "");
    },
  },
  {
    what: "a file in the place of .agentcoord",
    says: /\.agentcoord is a file in the place of a directory/,
    put: ({ project }) => Deno.writeTextFileSync(`${project}/.agentcoord`, ""),
  },
  {
    what: "a record that came with the repository",
    says: /came with the git repository around it/,
    put: async ({ project, home }) => {
      Deno.mkdirSync(home, { recursive: true });
      // It names the directory, in which the repository may have put whatever it likes.
      const record = encodeFile({ ...firstRecord(Date.now()), store: "directory", outage: 1 });
      Deno.writeFileSync(`${home}/authority`, record);
      await run(project, "git", "add", "-f", ".agentcoord");
    },
  },
  {
    what: "a mirror that came with the repository",
    says: /came with the git repository around it/,
    put: async ({ project, home }) => {
      Deno.mkdirSync(home, { recursive: true });
      Deno.writeTextFileSync(`${home}/mirror.1`, "");
      await run(project, "git", "add", "-f", ".agentcoord");
    },
  },
];

for (const { what, says, put } of OBSTACLES) {
  placeTest(
    `auto works on Redis alone and says so where the directory has ${what}`,
    async (place) => {
      await put(place);
      const warnings: StoreWarning[] = [];
      const store = await place.open("auto", (warning) => warnings.push(warning));
      const locks = locksOn(store);
      assert.equal((await locks.acquire("a.py")).length, 1);
      assert.equal((await locks.list()).length, 1);
      const [warning, ...more] = warnings;
      assert.ok(warning?.kind === "no_fallback", JSON.stringify(warning));
      assert.match(warning.reason, says);
      assert.deepEqual(more, []);
      // Other sites hear that one acts here which no directory speaks for.
      const sites = (await store.sites()).map(({ site }) => site);
      assert.deepEqual(sites, [`none:${Deno.hostname()}`]);
      assert.deepEqual([...Deno.readDirSync(place.elsewhere)], []);
    },
  );

  placeTest(`directory is refused where the directory has ${what}`, async (place) => {
    await put(place);
    const acquire = async () => await locksOn(await place.open("directory")).acquire("a.py");
    await assert.rejects(acquire(), (error) => {
      assert.ok(error instanceof StoreUnavailableError);
      assert.match(error.message, /^Cannot let a directory stand in for the server: /);
      assert.match(error.message, says);
      assert.match(error.message, /; mend that, or do without one with --fallback never$/);
      return true;
    });
    assert.deepEqual([...Deno.readDirSync(place.elsewhere)], []);
  });
}

placeTest("a copied directory is a site that knows of no others yet", async ({ home, open }) => {
  const first = await open("auto");
  await locksOn(first).acquire("a.py");
  await first.announce();
  const before = await first.authority();
  assert.ok(before.sitesAtMs > 0);
  await first.close();
  Deno.copyFileSync(`${home}/authority`, `${home}/copy`);
  Deno.renameSync(`${home}/copy`, `${home}/authority`);
  const second = await open("auto");
  const { file, mirror, ...record } = await second.authority();
  assert.equal(file, Deno.statSync(`${home}/authority`).ino);
  assert.notEqual(mirror, before.mirror);
  const { file: _, mirror: __, ...rest } = before;
  assert.deepEqual(record, { ...rest, sitesAtMs: 0 });
});

placeTest("a fallback directory is for its owner, and git does not see it", async (place) => {
  await locksOn(await place.open("auto")).acquire("a.py");
  assert.equal(Deno.readTextFileSync(`${place.fallback}/.gitignore`), "*\n");
  for (const directory of [`${place.project}/.agentcoord`, place.fallback, place.home]) {
    assert.equal(Deno.statSync(directory).mode! & 0o777, 0o700, directory);
  }
  const { stdout } = await new Deno.Command("git", {
    args: ["status", "--porcelain"],
    cwd: place.project,
  }).output();
  assert.equal(new TextDecoder().decode(stdout), "");
});

placeTest(
  "a fallback directory that was removed is made again while Redis decides",
  async (place) => {
    const store = await place.open("auto");
    const locks = locksOn(store);
    await locks.acquire("a.py");
    await Deno.remove(`${place.project}/.agentcoord`, { recursive: true });
    // One look at the files serves what comes shortly after it.
    await eventually("it is made again", async () => {
      await locks.renew("a.py");
      return existsSync(`${place.fallback}/.gitignore`);
    });
    await locks.acquire("b.py");
    assert.equal((await locks.list()).length, 2);
    assert.equal(Deno.readTextFileSync(`${place.fallback}/.gitignore`), "*\n");
  },
);

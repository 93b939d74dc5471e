/**
 * Changes of authority that are interrupted: a process is killed ahead of each thing that it writes, in turn, and another
 * one makes the change again. Both stores end as after a change that nobody interrupted.
 *
 * `AGENTCOORD_TEST_ALL=1` kills at each write; otherwise every few, so that each kind of write is hit.
 */
import assert from "node:assert/strict";
import { Fleet } from "../../../dev/fleet.ts";
import {
  actBefore,
  actDuring,
  actElsewhere,
  actLater,
  type AuthorityChangeName,
  changeAuthority,
  frozenClock,
  openScene,
  type ScenePlace,
} from "../../../dev/outage_scene.ts";
import { startProxy } from "../../../dev/proxy.ts";
import { hasRedis, type RedisServer, startRedis } from "../../../dev/redis_server.ts";
import { bringStateBack, dumpDatabase, dumpRedis, keepState } from "../../../dev/state_dump.ts";
import { KernelLock } from "../../../src/engine/directory/kernel_lock.ts";
import { MarkWriter, readMark } from "../../../src/engine/directory/mark.ts";
import { Authority } from "../../../src/open/failover/authority.ts";
import { loadMirror } from "../../../src/open/failover/mirror_snapshot.ts";
import { RedisStore } from "../../../src/open/redis.ts";

const NAMESPACE = "default";
const START_MS = 1_800_000_000_000;
const SECOND_MS = 1000;
const MINUTE_MS = 60_000;
const SITES = ["alone", "with another site"] as const;

/** What comes before the change that is interrupted. */
interface Scene {
  readonly server: RedisServer;
  readonly place: ScenePlace;
  /** Brings the directory of the site back as it was. */
  readonly bringBack: () => Promise<void>;
}

async function withScene(
  change: AuthorityChangeName,
  isAlone: boolean,
  body: (scene: Scene) => Promise<void>,
): Promise<void> {
  const home = await Deno.makeTempDir({ prefix: "agentcoord-interrupted-" });
  await using server = await startRedis();
  await using proxy = await startProxy(server.port);
  const directory = `${home}/site`;
  let nowMs = START_MS;
  const clock = { ...frozenClock(0), nowMs: () => nowMs };
  const place = { namespace: NAMESPACE, directory, clock };
  try {
    const store = await openScene({ ...place, url: `${proxy.url}?command_timeout=200ms` });
    const elsewhere = await RedisStore.open(server.url, {
      namespace: NAMESPACE,
      nowMs: clock.nowMs,
      site: "none:elsewhere",
    });
    try {
      const before = await actBefore(store, clock);
      if (!isAlone) await (await elsewhere.agents()).touch({ name: "zoe", host: "elsewhere" });
      await store.sites();
      if (change === "failback") {
        await proxy.refuse(true);
        proxy.cut();
        nowMs += SECOND_MS;
        await actDuring(store, clock, before);
        nowMs += MINUTE_MS;
        if (!isAlone) await actElsewhere(elsewhere, clock, before);
      }
    } finally {
      await store.close();
      await elsewhere.close();
    }
    const bringBack = await keepDirectory(directory, `${home}/kept`);
    await keepState(server);
    const url = change === "failover" ? `${proxy.url}?command_timeout=100ms` : server.url;
    if (change === "failover") await proxy.refuse(true);
    await body({ server, place: { ...place, url, clock: frozenClock(nowMs) }, bringBack });
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

/** Keeps a copy of the directory; what it gives brings that back. */
async function keepDirectory(directory: string, kept: string): Promise<() => Promise<void>> {
  await copy(directory, kept);
  const home = `${directory}/namespaces/${NAMESPACE}`;
  return async () => {
    // These stay the files that they are: in another one the site would be a copy, which is another site.
    const own = [`${directory}/site`, `${home}/authority`];
    for (const [at, path] of own.entries()) await Deno.rename(path, `${kept}.${at}`);
    await Deno.remove(directory, { recursive: true });
    await copy(kept, directory);
    for (const [at, path] of own.entries()) {
      const content = await Deno.readFile(path);
      await Deno.rename(`${kept}.${at}`, path);
      await Deno.writeFile(path, content);
    }
    for (const { name } of Deno.readDirSync(home)) {
      if (name.startsWith("outage.")) makeOwn(`${home}/${name}/store.lock`);
    }
  };
}

/** The mark of a database names the file that it is in: to the engine this one would be a copy, of which it tells. */
function makeOwn(path: string): void {
  const lock = KernelLock.open(path);
  const found = readMark(lock);
  assert.ok(found.kind !== "none");
  const marks = new MarkWriter(lock, path);
  marks.note(found.mark);
  marks.endHold();
  marks.close();
  lock.close();
}

async function copy(from: string, to: string): Promise<void> {
  const { success } = await new Deno.Command("cp", { args: ["-a", from, to] }).output();
  assert.ok(success);
}

/** Makes the change from the start, in a process that is killed ahead of its `at`-th write; the writes it made. */
async function interrupt(
  change: AuthorityChangeName,
  { server, place, bringBack }: Scene,
  at: number,
): Promise<readonly string[]> {
  const { url, namespace, directory, clock } = place;
  await bringBack();
  await bringStateBack(server);
  if (change === "restore") await server.command("FLUSHDB");
  const logs = await Deno.makeTempDir({ prefix: "agentcoord-logs-" });
  try {
    const args = [change, url, namespace, directory, String(clock.nowMs()), String(at)];
    const fleet = new Fleet("change_dier.ts", args, logs);
    fleet.start(0);
    const failures = await fleet.finished();
    const writes = fleet.records<{ write: string }>().map(({ write }) => write);
    if (failures > 0) assert.equal(writes.length, at - 1, "the process was not killed but failed");
    return writes;
  } finally {
    await Deno.remove(logs, { recursive: true });
  }
}

/** All that both stores know. */
async function outcome({ server, place }: Scene): Promise<readonly string[]> {
  const home = `${place.directory}/namespaces/${place.namespace}`;
  const authority = Authority.open(home, { clock: place.clock });
  const record = authority.peek();
  authority.close();
  const { memory: _, ...known } = record;
  return [
    ...await dumpRedis(server),
    JSON.stringify(known),
    JSON.stringify(loadMirror(home, record.mirror, place.clock.nowMs())),
    ...(record.store === "directory"
      ? dumpDatabase(`${home}/outage.${record.outage}/store.db`)
      : []),
    ...[...Deno.readDirSync(home)].map(({ name }) => name).filter((name) => name !== "looked")
      .sort(),
  ];
}

const isAll = Deno.env.get("AGENTCOORD_TEST_ALL") === "1";
/** Without that, this many of each are killed at. */
const EVERY = 4;

for (const change of ["failback", "failover", "restore"] as const) {
  for (const site of SITES) {
    Deno.test({
      name: `${change} ends as if nobody had interrupted it, killed at each write, ${site}`,
      ignore: !hasRedis(),
      fn: () =>
        withScene(change, site === "alone", async (scene) => {
          const writes = await interrupt(change, scene, 0);
          await changeAuthority(change, scene.place);
          await actLater(scene.place);
          const expected = await outcome(scene);
          assert.ok(writes.length > 0);
          const first = isAll ? 1 : 1 + (site === "alone" ? 0 : Math.floor(EVERY / 2));
          for (let at = first; at <= writes.length; at += isAll ? 1 : EVERY) {
            await interrupt(change, scene, at);
            await changeAuthority(change, scene.place);
            await actLater(scene.place);
            assert.deepEqual(
              await outcome(scene),
              expected,
              `killed ahead of write ${at} of ${writes.length}: ${writes[at - 1]}`,
            );
          }
        }),
    });
  }
}

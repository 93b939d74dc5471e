/**
 * What a fault campaign does to processes, connections and the server: at random, and the same again for the same seed.
 * @module
 */
import { type Fleet, seeded } from "../../dev/fleet.ts";
import type { Proxy } from "../../dev/proxy.ts";
import type { RedisServer } from "../../dev/redis_server.ts";
import type { Fault } from "./history.ts";
import type { Outages } from "./outages.ts";

/** What there is to do it to. */
export interface Targets {
  readonly fleet: Fleet;
  readonly processes: number;
  /** One in front of the server for each slot; empty without a server. */
  readonly proxies: readonly Proxy[];
  readonly server: RedisServer | undefined;
  /** Of a site whose directory stands in for the server: only then may the server forget. */
  readonly outages: Outages | undefined;
  readonly now: () => number;
}

/** Longer than the workers' leases at times, and than what a command may take. */
const FREEZE_MS = 3000;

/** The server forgets in this part of the time only: what is acknowledged later is excused by nothing. */
const FORGETFUL = 0.5;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Goes on until `isOver`, and gives back everything whole; answers with what it did. `untilMs` is about when that is. */
export async function plague(
  { fleet, processes, proxies, server, outages, now }: Targets,
  { seed, untilMs, isOver }: {
    readonly seed: number;
    readonly untilMs: number;
    readonly isOver: () => boolean;
  },
): Promise<readonly Fault[]> {
  const random = seeded(seed);
  const faults: Fault[] = [];
  /** Those that end by themselves while others go on. */
  const lasting: Promise<void>[] = [];
  const busy = new Set<number>();
  const someMs = (most: number) => most * (0.1 + 0.9 * random());

  /** Does something to one slot that nothing is done to yet, and does not wait for its end. */
  function toOne(what: string, act: (slot: number, forMs: number) => Promise<number | void>): void {
    const [slot, forMs] = [Math.floor(random() * processes), someMs(FREEZE_MS)];
    if (busy.has(slot)) return;
    busy.add(slot);
    const fromMs = now();
    lasting.push(
      act(slot, forMs).then((killed) => {
        faults.push({
          what,
          slot,
          fromMs,
          toMs: now(),
          ...(killed === undefined ? {} : { killed: killed as number }),
        });
      }).finally(() => busy.delete(slot)),
    );
  }

  /** Does something to everybody, one at a time. */
  async function toAll(what: string, act: (forMs: number) => Promise<unknown>): Promise<void> {
    const fromMs = now();
    await act(someMs(FREEZE_MS));
    faults.push({ what, fromMs, toMs: now() });
  }

  const deeds: [weight: number, deed: () => Promise<void> | void][] = [
    [4, () =>
      toOne("kill -9 of a worker", async (slot) => {
        const pid = fleet.pid(slot);
        await fleet.kill(slot);
        fleet.start(slot);
        return pid;
      })],
    [3, () => toOne("SIGSTOP of a worker", (slot, forMs) => fleet.freeze(slot, forMs))],
  ];
  if (server !== undefined) {
    deeds.push(
      [3, () => toOne("cut connections", (slot) => Promise.resolve(proxies[slot]!.cut()))],
      [3, () =>
        toOne("half-open connections", async (slot, forMs) => {
          proxies[slot]!.blackhole(true);
          await pause(forMs);
          if (random() < 0.5) proxies[slot]!.cut();
          proxies[slot]!.blackhole(false);
        })],
      [3, () =>
        toOne("refused connections", async (slot, forMs) => {
          await proxies[slot]!.refuse(true);
          proxies[slot]!.cut();
          await pause(forMs);
          await proxies[slot]!.refuse(false);
        })],
      [6, () =>
        toOne("lost reply", (slot) => {
          proxies[slot]!.loseReplies(1, ([word]) => /^eval/i.test(word!));
          return Promise.resolve();
        })],
      [2, () =>
        toAll("kill -9 of the server", async (forMs) => {
          await server.kill();
          await pause(forMs);
          await server.restart();
        })],
      [2, () =>
        toAll("SIGSTOP of the server", async (forMs) => {
          server.freeze();
          await pause(forMs);
          server.resume();
        })],
    );
  }
  const forgetful: typeof deeds = [];
  if (server !== undefined && outages !== undefined) {
    const toMemory = async (what: string, forget: () => Promise<unknown>) => {
      const fromMs = now();
      const losesBeforeMs = await outages.losesBeforeMs(forget);
      faults.push({ what, fromMs, toMs: now(), losesBeforeMs });
    };
    forgetful.push(
      [2, () => toMemory("FLUSHALL", () => server.command("FLUSHALL"))],
      [3, () =>
        toMemory("kill -9 of the server, which forgets", async () => {
          await server.kill();
          await pause(someMs(FREEZE_MS));
          await Deno.remove(`${server.directory}/appendonlydir`, { recursive: true });
          await server.restart();
        })],
    );
  }
  const forgetsUntilMs = now() + (untilMs - now()) * FORGETFUL;
  const hatOf = (some: typeof deeds) =>
    some.flatMap(([weight, deed]) => Array<() => Promise<void> | void>(weight).fill(deed));
  const [early, late] = [hatOf([...deeds, ...forgetful]), hatOf(deeds)];
  while (!isOver()) {
    await pause(150 + random() * 600);
    const hat = now() < forgetsUntilMs ? early : late;
    await hat[Math.floor(random() * hat.length)]!();
    // They remember every command, for tests that are shorter.
    for (const proxy of proxies) proxy.clear();
  }
  await Promise.all(lasting);
  return faults;
}

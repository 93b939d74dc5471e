/**
 * Decides what a fault campaign does when: at random, and the same again for the same seed, as far as the processes
 * do the same.
 * @module
 */
import { seeded } from "../../dev/fleet.ts";
import type { RedisServer } from "../../dev/redis_server.ts";
import {
  away,
  type Deed,
  forgetfulDeeds,
  pause,
  type Random,
  serverDeeds,
  slotDeeds,
  someMs,
  type Targets,
} from "./deeds.ts";
import type { Outages } from "./outages.ts";
import { Strikes } from "./strikes.ts";

/** The server forgets in this part of the time only: what is acknowledged later is excused by nothing. */
const FORGETFUL = 0.5;
/** How long somebody lies in wait for a change of authority. */
const AMBUSH_MS = 8000;
/** How long nothing happens at times: the server is trusted again after that, and whoever waits must have been told. */
const REST_MS = 5500;
const RESTS = 0.03;
/** How long the directory may decide after the server has come back: it was lost many times shortly before. */
const LONGEST_OUTAGE_MS = 35_000;

/** How long a campaign's faults go on. */
export interface Duration {
  readonly seed: number;
  /** About when it is over. */
  readonly untilMs: number;
  readonly isOver: () => boolean;
}

/** Goes on until it is over, and gives back everything whole; answers with what it did. */
export async function plague(
  targets: Targets,
  { seed, untilMs, isOver }: Duration,
): Promise<Strikes> {
  const { processes, proxies, server, outages, now } = targets;
  const random = seeded(seed);
  const strikes = new Strikes(now, outages);
  const slots = slotDeeds(targets, strikes, random);
  const servers = server === undefined ? [] : [...serverDeeds({ server }, strikes, random)];
  const forgetful: Deed<void>[] = [];
  if (server !== undefined && outages !== undefined) {
    forgetful.push(...forgetfulDeeds({ server, outages }, strikes, random));
  }
  /** Those that end by themselves while others go on; one at a time in each slot and on the server. */
  const lasting = new Map<number | "server", Promise<void>>();
  const begin = (key: number | "server", act: () => Promise<void>) => {
    lasting.set(key, act().finally(() => lasting.delete(key)));
  };
  const strikeSlot = (slot: number) => {
    if (!lasting.has(slot)) begin(slot, () => draw(slots, random)(slot));
  };
  const forgetsUntilMs = now() + (untilMs - now()) * FORGETFUL;
  const onServer = () => now() < forgetsUntilMs ? [...servers, ...forgetful] : servers;
  const ambushes = () => [
    {
      weight: 4,
      act: () => failingOver({ ...targets, server: server! }, strikes, strikeSlot, random),
    },
    {
      weight: 6,
      act: () =>
        failingBack({ ...targets, server: server! }, strikes, random, async (slot) => {
          // Who moves everything back is hit, or the server that it is moved to.
          if (slot !== undefined && random() < 0.6) strikeSlot(slot);
          else await draw(onServer(), random)();
        }),
    },
  ];
  while (!isOver()) {
    await pause(150 + random() * 600);
    if (outages !== undefined && random() < RESTS) {
      while (lasting.size > 0) await Promise.all(lasting.values());
      await until(now, async () => (await outages.look()).store === "redis", LONGEST_OUTAGE_MS);
      await pause(REST_MS);
    }
    if (server !== undefined && !lasting.has("server") && random() < 0.5) {
      const choices = outages === undefined ? servers : [...onServer(), ...ambushes()];
      begin("server", () => draw(choices, random)());
    } else {
      strikeSlot(Math.floor(random() * processes));
    }
    // They remember every command, for tests that are shorter.
    for (const proxy of proxies) proxy.clear();
  }
  while (lasting.size > 0) await Promise.all(lasting.values());
  return strikes;
}

/** Only kills the server and starts it again, over and over. */
export async function outagesOnly(
  { server, outages, now }: Targets & { readonly server: RedisServer; readonly outages: Outages },
  { seed, isOver }: Duration,
): Promise<Strikes> {
  const random = seeded(seed);
  const strikes = new Strikes(now, outages);
  while (!isOver()) {
    await pause(REST_MS);
    await strikes.strike("kill -9 of the server", () =>
      away(server, strikes, async () => {
        await until(now, async () => (await outages.look()).store === "directory");
        await pause(someMs(random, 1000));
      }));
    await until(now, async () => (await outages.look()).store === "redis");
  }
  return strikes;
}

type Site = Targets & { readonly server: RedisServer };

/** Kills the server, and strikes whoever makes the directory take over in that very moment. */
async function failingOver(
  { server, fleet, processes, outages, now }: Site,
  strikes: Strikes,
  strikeSlot: (slot: number) => void,
  random: Random,
): Promise<void> {
  await strikes.strike("kill -9 of the server", () =>
    away(server, strikes, async () => {
      const slot = await until(now, async () => {
        if ((await outages!.look()).store === "directory") return "missed";
        return slotOf(outages!.changers(), fleet, processes);
      });
      if (typeof slot === "number") strikeSlot(slot);
      await pause(someMs(random));
    }));
}

/** Lets the directory take over and the server come back, and does something in the midst of moving back. */
async function failingBack(
  { server, fleet, processes, outages, now }: Site,
  strikes: Strikes,
  random: Random,
  act: (slot: number | undefined) => Promise<void>,
): Promise<void> {
  if ((await outages!.look()).store === "redis") {
    await strikes.strike("kill -9 of the server", () =>
      away(server, strikes, async () => {
        await until(now, async () => (await outages!.look()).store === "directory");
        await pause(someMs(random));
      }));
  }
  let slot: number | undefined;
  const isMoving = await until(now, async () => {
    const { store, moving } = await outages!.look();
    if (store === "redis") return "missed";
    slot = slotOf(outages!.changers(), fleet, processes);
    return slot !== undefined || moving !== undefined ? "moving" : undefined;
  });
  if (isMoving !== "moving") return;
  await pause(random() * 20);
  await act(slot);
}

/** The slot of one of these processes; `undefined` when none is a worker. */
function slotOf(
  pids: ReadonlySet<number>,
  fleet: Targets["fleet"],
  processes: number,
): number | undefined {
  for (let slot = 0; slot < processes; slot++) if (pids.has(fleet.pid(slot)!)) return slot;
  return undefined;
}

/** Looks again and again, until there is something or it has taken too long. */
async function until<T>(
  now: () => number,
  look: () => Promise<T | undefined | false>,
  withinMs: number = AMBUSH_MS,
): Promise<T | undefined> {
  const deadlineMs = now() + withinMs;
  while (now() < deadlineMs) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    await pause(1);
  }
  return undefined;
}

/** One of them, in proportion to their weights. */
function draw<Target>(deeds: readonly Deed<Target>[], random: Random): Deed<Target>["act"] {
  let left = random() * deeds.reduce((sum, { weight }) => sum + weight, 0);
  return (deeds.find(({ weight }) => (left -= weight) < 0) ?? deeds.at(-1)!).act;
}

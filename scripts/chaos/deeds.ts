/**
 * Each thing that a fault campaign does to a process, to a connection or to the server.
 * @module
 */
import type { Fleet } from "../../dev/fleet.ts";
import type { Proxy } from "../../dev/proxy.ts";
import type { RedisServer } from "../../dev/redis_server.ts";
import type { Outages } from "./outages.ts";
import type { Effects, Strikes } from "./strikes.ts";

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

/** A number from 0 to 1. */
export type Random = () => number;

/** Something to do, and how often compared with the others. */
export interface Deed<Target> {
  readonly weight: number;
  readonly act: (target: Target) => Promise<void>;
}

/** Longer than the workers' leases at times, and than what a command may take. */
const FREEZE_MS = 3000;

/** Waits. */
export const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** A time of that length, at times much shorter. */
export function someMs(random: Random, mostMs: number = FREEZE_MS): number {
  return mostMs * (0.1 + 0.9 * random());
}

/** What is done to one worker, or to its connections. */
export function slotDeeds(
  { fleet, proxies, outages }: Targets,
  strikes: Strikes,
  random: Random,
): readonly Deed<number>[] {
  const deed = (
    weight: number,
    what: string,
    act: (slot: number, forMs: number) => Promise<Effects | void>,
  ): Deed<number> => ({
    weight,
    act: (slot) => {
      const forMs = someMs(random);
      return strikes.strike(what, async () => ({ slot, ...await act(slot, forMs) }));
    },
  });
  const deeds = [
    deed(4, "kill -9 of a worker", async (slot) => {
      const killed = fleet.pid(slot);
      await fleet.kill(slot);
      fleet.start(slot);
      return killed === undefined ? {} : { killed };
    }),
    deed(3, "SIGSTOP of a worker", async (slot, forMs) => {
      const frozen = fleet.freeze(slot, forMs);
      const isInside = outages?.operators().has(fleet.pid(slot)!) === true;
      await frozen;
      return isInside ? { inside: true } : {};
    }),
  ];
  if (proxies.length === 0) return deeds;
  return [
    ...deeds,
    deed(3, "cut connections", (slot) => Promise.resolve(proxies[slot]!.cut())),
    deed(3, "half-open connections", async (slot, forMs) => {
      proxies[slot]!.blackhole(true);
      await pause(forMs);
      // What was held goes on its way late, or never.
      if (random() < 0.5) proxies[slot]!.cut();
      proxies[slot]!.blackhole(false);
    }),
    deed(3, "refused connections", async (slot, forMs) => {
      await proxies[slot]!.refuse(true);
      proxies[slot]!.cut();
      await pause(forMs);
      await proxies[slot]!.refuse(false);
    }),
    deed(6, "lost reply", (slot) => {
      proxies[slot]!.loseReplies(1, ([word]) => /^eval/i.test(word!));
      return Promise.resolve();
    }),
  ];
}

/** What is done to the server, one at a time, so that everybody feels it. */
export function serverDeeds(
  { server }: { readonly server: RedisServer },
  strikes: Strikes,
  random: Random,
): readonly Deed<void>[] {
  return [
    {
      weight: 4,
      act: () =>
        strikes.strike("kill -9 of the server", async () => {
          await away(server, strikes, () => pause(someMs(random)));
        }),
    },
    {
      weight: 4,
      act: () =>
        strikes.strike("SIGSTOP of the server", async () => {
          server.freeze();
          strikes.turn("frozen");
          await pause(someMs(random));
          server.resume();
          strikes.turn("back");
        }),
    },
  ];
}

/** What makes the server forget some or all of what it has acknowledged. */
export function forgetfulDeeds(
  { server, outages }: { readonly server: RedisServer; readonly outages: Outages },
  strikes: Strikes,
  random: Random,
): readonly Deed<void>[] {
  const deed = (what: string, forget: () => Promise<unknown>): Deed<void> => ({
    weight: 2,
    act: () =>
      strikes.strike(what, async () => ({ losesBeforeMs: await outages.losesBeforeMs(forget) })),
  });
  const kept = `${server.directory}/appendonlydir`;
  const older = `${server.directory}/older`;
  let hasOlder = false;
  return [
    deed("FLUSHALL", () => server.command("FLUSHALL")),
    deed("kill -9 of the server, which forgets", () =>
      away(server, strikes, async () => {
        await pause(someMs(random));
        await Deno.remove(kept, { recursive: true });
      })),
    {
      weight: 4,
      act: async () => {
        if (!hasOlder) {
          await copyDirectory(kept, older);
          hasOlder = true;
          return;
        }
        hasOlder = false;
        await deed(
          "kill -9 of the server, which comes back as it was earlier",
          () =>
            away(server, strikes, async () => {
              await Deno.remove(kept, { recursive: true });
              await Deno.rename(older, kept);
            }),
        ).act();
      },
    },
  ];
}

/** Kills the server, and starts it again after that. */
export async function away(
  server: RedisServer,
  strikes: Strikes,
  meanwhile: () => Promise<void>,
): Promise<void> {
  strikes.turn("killed");
  await server.kill();
  await meanwhile();
  await server.restart();
  strikes.turn("back");
}

/** The server goes on writing meanwhile: the end of its log may be missing, as after a crash. */
async function copyDirectory(from: string, to: string): Promise<void> {
  await Deno.remove(to, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  await Deno.mkdir(to);
  for await (const { name } of Deno.readDir(from)) {
    await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}

/**
 * What a soak test does to processes and to the server: at random, and the same again for the same seed.
 * @module
 */
import { type Fleet, seeded } from "../../dev/fleet.ts";
import type { RedisServer } from "../../dev/redis_server.ts";

/** What there is to do it to. */
export interface ChaosTargets {
  readonly fleet: Fleet;
  readonly processes: number;
  /** Only a server that nobody else uses. */
  readonly server: RedisServer | undefined;
}

/** Slots that are never killed, so that their size can be watched. */
export const SPARED = 2;
/** Longer than the workers' leases. */
const FREEZE_MS = 2000;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Goes on until `endMs`; answers with how often what was done. */
export async function chaos(
  { fleet, processes, server }: ChaosTargets,
  { seed, endMs }: { readonly seed: number; readonly endMs: number },
): Promise<Readonly<Record<string, number>>> {
  const random = seeded(seed);
  const slot = (from: number) => from + Math.floor(random() * (processes - from));
  const freezing: Promise<void>[] = [];
  const deeds: Readonly<Record<string, () => Promise<unknown>>> = {
    "kill -9": async () => {
      const one = slot(SPARED);
      await fleet.kill(one);
      fleet.start(one);
    },
    "SIGSTOP": () => {
      freezing.push(fleet.freeze(slot(SPARED), FREEZE_MS * (0.5 + random())));
      return Promise.resolve();
    },
    ...(server === undefined ? {} : {
      "CLIENT KILL normal": () => server.command("CLIENT", "KILL", "TYPE", "normal"),
      "CLIENT KILL pubsub": () => server.command("CLIENT", "KILL", "TYPE", "pubsub"),
      "SCRIPT FLUSH": () => server.command("SCRIPT", "FLUSH"),
      "DEBUG SLEEP": () => server.command("DEBUG", "SLEEP", (0.5 + random() * 1.5).toFixed(2)),
    }),
  };
  const weights = {
    "kill -9": 6,
    "SIGSTOP": 2,
    "CLIENT KILL normal": 3,
    "CLIENT KILL pubsub": 3,
    "SCRIPT FLUSH": 2,
    "DEBUG SLEEP": 1,
  };
  const hat = Object.entries(weights).flatMap(([name, weight]) =>
    name in deeds ? Array<string>(weight).fill(name) : []
  );
  const counts: Record<string, number> = {};
  while (Date.now() < endMs) {
    await pause(200 + random() * 600);
    const name = hat[Math.floor(random() * hat.length)]!;
    await deeds[name]!();
    counts[name] = (counts[name] ?? 0) + 1;
  }
  await Promise.all(freezing);
  return counts;
}

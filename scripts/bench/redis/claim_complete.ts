/**
 * One process works through a backlog on Redis: one caller, or fifty tasks in flight.
 * @module
 */
import process from "node:process";
import { Redis } from "ioredis";
import { NAMES, type Way } from "../claimer.ts";
import type { Benchmark, Figure } from "../figure.ts";
import { alternate, defineWorker, perSecond, type Sample } from "../harness.ts";
import { draft, type Held, type Queue } from "../queue.ts";
import type { Peers } from "./peers.ts";
import { fill, openQueue } from "./queue.ts";
import { addressOf, type Place, serverCpuUs, type Site } from "./site.ts";

interface Args {
  readonly way: Way | "bare-fused";
  readonly place: Place;
  /** Tasks held at the same time, by as many callers. */
  readonly inFlight: number;
  readonly warmUp: number;
  readonly tasks: number;
}

/** What a process did: how long its tasks took, and the processor time of client and server. */
export interface Outcome {
  readonly ms: number;
  readonly clientUs: number;
  readonly serverUs: number;
}

/** One claiming process; it builds its own backlog. */
export const worker = defineWorker<Args, Outcome>(
  import.meta.url,
  async ({ way, place, inFlight, warmUp, tasks }, start) => {
    const queue = await openQueue(way.startsWith("bare") ? "bare" : "ours", place);
    await fill(queue, warmUp + tasks + 2 * inFlight, draft);
    const observer = new Redis({ ...addressOf(place.url), disconnectTimeout: 50 });
    const run = way.endsWith("fused") ? fused : separate;
    await run(queue, warmUp, inFlight);
    await start();
    const serverBefore = await serverCpuUs(observer);
    const cpuBefore = process.cpuUsage();
    const startedAt = performance.now();
    await run(queue, tasks, inFlight);
    const ms = performance.now() - startedAt;
    const { user, system } = process.cpuUsage(cpuBefore);
    const serverUs = await serverCpuUs(observer) - serverBefore;
    observer.disconnect();
    await queue.close();
    return { ms, clientUs: user + system, serverUs };
  },
);

/** Calls `caller` as often as there are tasks in flight; `take` says whether another task is to be done. */
async function share(
  tasks: number,
  inFlight: number,
  caller: (take: () => boolean) => Promise<void>,
): Promise<void> {
  let left = tasks;
  await Promise.all(Array.from({ length: inFlight }, () => caller(() => left-- > 0)));
}

function separate(queue: Queue, tasks: number, inFlight: number): Promise<void> {
  return share(tasks, inFlight, async (take) => {
    while (take()) await queue.complete(found(await queue.claim()));
  });
}

/** Each caller's first claim and last completion make one task more. */
function fused(queue: Queue, tasks: number, inFlight: number): Promise<void> {
  return share(tasks - inFlight, inFlight, async (take) => {
    let task = found(await queue.claim());
    while (take()) task = found(await queue.completeAndClaim(task));
    await queue.complete(task);
  });
}

/** A queue that runs dry measures nothing. */
function found(task: Held | undefined): Held {
  if (task === undefined) throw new Error("the backlog is too small: a claim found no task");
  return task;
}

/** One caller. */
export function claimComplete(site: Site, peers: Peers): Benchmark {
  return {
    name: "claim-complete",
    about: "claim and complete, one process, one caller",
    run: async ({ rounds, quick }) => {
      const turns = sides(site, peers, {
        inFlight: 1,
        warmUp: quick ? 100 : 1000,
        tasks: quick ? 300 : 8000,
      });
      const { bullmq, ours } = await turns(["bare", "separate", "bare-fused", "fused"], rounds);
      const beside = (bare: Values | undefined) =>
        [["BullMQ", bullmq, 3], ["bare scripts", bare]] as const;
      return [
        ...figures(NAMES.separate, ours.separate!, beside(ours.bare)),
        ...figures(NAMES.fused, ours.fused!, beside(ours["bare-fused"])),
      ];
    },
  };
}

/** Fifty tasks in flight. */
export function claimComplete50(site: Site, peers: Peers): Benchmark {
  const inFlight = 50;
  return {
    name: "claim-complete-50",
    about: `claim and complete, one process, ${inFlight} tasks in flight`,
    run: async ({ rounds, quick }) => {
      const turns = sides(site, peers, {
        inFlight,
        warmUp: quick ? 500 : 5000,
        tasks: quick ? 1000 : 50_000,
      });
      const { bullmq, ours } = await turns(["bare-fused", "fused"], rounds);
      const bare = ours["bare-fused"];
      return figures(NAMES.fused, ours.fused!, [["BullMQ", bullmq, 3], [
        "bare scripts",
        bare,
        0.8,
      ]]);
    },
  };
}

type Values = Readonly<Record<"rate" | "clientUs" | "serverUs", readonly number[]>>;

/** Lets our ways of working and the peer, if there is one, take turns. */
function sides(site: Site, peers: Peers, amount: Omit<Args, "way" | "place">) {
  const { inFlight, warmUp, tasks } = amount;
  const sample = ({ ms, clientUs, serverUs }: Outcome): Sample<keyof Values> => (
    { rate: perSecond(tasks, ms), clientUs: clientUs / tasks, serverUs: serverUs / tasks }
  );
  return async (ways: readonly Args["way"][], rounds: number) => {
    const peer = peers.bullmq;
    const turns = Object.fromEntries(ways.map((way) => [
      way,
      () =>
        site.withPlace(async (place) => {
          const [outcome] = await worker.run([{ way, place, ...amount }]);
          return sample(outcome!);
        }),
    ]));
    const { peer: bullmq, ...ours } = await alternate<string, keyof Values>(rounds, {
      ...(peer && {
        peer: () =>
          site.withPlace(async (place) => {
            // It finds its speed later than we do, and is not judged by its start.
            const work = { mode: "process", concurrency: inFlight, warmUp, tasks };
            return sample(await peer<Outcome>(place, work));
          }),
      }),
      ...turns,
    });
    return { bullmq, ours: ours as Readonly<Record<string, Values>> };
  };
}

/** The peer stands first, the yardstick last; both have their processor time beside ours. */
function figures(
  name: string,
  own: Values,
  yardsticks: readonly (readonly [name: string, values: Values | undefined, atLeast?: number])[],
): Figure[] {
  const rows = (metric: keyof Values, what: string, unit: string): Figure[] =>
    yardsticks.flatMap(([yardstick, values, atLeast]): Figure[] =>
      values === undefined ? [] : [{
        name: `${name}${what}`,
        unit,
        values: own[metric],
        beside: { name: yardstick, values: values[metric] },
        ...(metric === "rate" && atLeast && { target: { of: "ratio", atLeast } }),
      }]
    );
  return [
    ...rows("rate", "", "tasks/s"),
    ...rows("clientUs", ": processor time of a task, client", "us"),
    ...rows("serverUs", ": processor time of a task, server", "us"),
  ];
}

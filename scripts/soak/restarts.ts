/**
 * A soak test on a Redis server without persistence that is killed and started again at random, so that it forgets
 * everything: no fence is given twice or out of order, and among the tenures that one life of the server knew, none
 * overlap.
 * @module
 */
import { Fleet, seeded } from "../../dev/fleet.ts";
import { freshNamespace, type RedisServer, startRedis } from "../../dev/redis_server.ts";
import type { SoakRecord } from "./record.ts";
import type { SoakOptions, SoakReport } from "./run.ts";

/** When the server was killed, or emptied, and when it could answer again. */
export interface Death {
  readonly fromMs: number;
  readonly toMs: number;
}

type Of<Kind extends SoakRecord["kind"]> = Extract<SoakRecord, { readonly kind: Kind }>;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Runs the whole test; `store` is not looked at. */
export async function soakRestarts(
  { seconds, processes, seed }: Omit<SoakOptions, "store">,
): Promise<SoakReport> {
  const directory = await Deno.makeTempDir({ prefix: "agentcoord-soak-" });
  const server = await startRedis();
  try {
    const endMs = Date.now() + seconds * 1000;
    const worker = new URL("./restart_worker.ts", import.meta.url).href;
    const location = `${server.url}#${freshNamespace()}`;
    const fleet = new Fleet(worker, [location, String(endMs)], directory);
    for (let slot = 0; slot < processes; slot++) fleet.start(slot);
    const { deaths, ...counts } = await killing(server, fleet, { processes, seed, endMs });
    const failed = await fleet.finished();
    const records = fleet.records<SoakRecord>();
    const violations = [...judgeRestarts(records, deaths)];
    if (failed > 0) violations.push(`${failed} workers failed: see their output`);
    const count = (kind: SoakRecord["kind"]) => records.filter((one) => one.kind === kind).length;
    return {
      figures: {
        seed,
        seconds,
        processes,
        ...counts,
        "tenures of locks": count("took"),
        "tenures of tasks": count("claimed"),
        "fences found current": count("verified"),
        "refused": count("refused"),
      },
      violations,
    };
  } finally {
    await server.stop();
    await Deno.remove(directory, { recursive: true });
  }
}

/** Until `endMs` the server forgets, by one way or another, every second or so; workers die, too. */
async function killing(
  server: RedisServer,
  fleet: Fleet,
  { processes, seed, endMs }: {
    readonly processes: number;
    readonly seed: number;
    readonly endMs: number;
  },
) {
  const random = seeded(seed);
  const deaths: Death[] = [];
  const counts = { "kill -9 of the server": 0, "FLUSHALL": 0, "kill -9 of a worker": 0 };
  while (Date.now() < endMs - 1500) {
    await pause(200 + random() * 1000);
    const fromMs = Date.now();
    const deed = random();
    if (deed < 0.6) {
      await server.kill();
      await server.restart();
      counts["kill -9 of the server"]++;
    } else if (deed < 0.85) {
      await server.command("FLUSHALL");
      counts["FLUSHALL"]++;
    } else {
      const slot = Math.floor(random() * processes);
      await fleet.kill(slot);
      fleet.start(slot);
      counts["kill -9 of a worker"]++;
      continue;
    }
    deaths.push({ fromMs, toMs: Date.now() });
  }
  return { deaths, ...counts };
}

/** What may not be, as sentences: at most a hundred. */
export function judgeRestarts(
  records: readonly SoakRecord[],
  deaths: readonly Death[],
): readonly string[] {
  const violations: string[] = [];
  const check = (holds: boolean, sentence: () => string) => {
    if (!holds && violations.length < 100) violations.push(sentence());
  };
  const of = <Kind extends SoakRecord["kind"]>(kind: Kind) =>
    records.filter((record): record is Of<Kind> => record.kind === kind);
  const took = of("took").toSorted((a, b) => a.fence - b.fence);

  const given = [...took, ...of("claimed")].map(({ fence }) => fence);
  const seen = new Set<number>();
  for (const fence of given) {
    check(!seen.has(fence), () => `fence ${fence} was given twice`);
    check(Number.isSafeInteger(fence), () => `fence ${fence} is not exact`);
    seen.add(fence);
  }
  for (const [index, { fence, acquiredAtMs }] of took.entries()) {
    const before = took[index - 1];
    check(
      before === undefined || before.acquiredAtMs <= acquiredAtMs,
      () => `fence ${fence} was given before the smaller one ${before?.fence}`,
    );
  }

  const releasedAt = new Map(of("releasing").map(({ fence, atMs }) => [fence, atMs]));
  for (const [path, tenures] of Map.groupBy(took, (one) => one.path)) {
    for (const [index, { fence, acquiredAtMs }] of tenures.entries()) {
      const before = tenures[index - 1];
      if (before === undefined) continue;
      const endMs = Math.min(before.expiresAtMs, releasedAt.get(before.fence) ?? Infinity);
      const forgot = deaths.some(({ fromMs, toMs }) =>
        fromMs <= acquiredAtMs && toMs >= before.acquiredAtMs
      );
      check(
        acquiredAtMs >= endMs || forgot,
        () =>
          `lock ${path}: fence ${fence} began before ${before.fence} ended, and nothing was forgotten`,
      );
    }
  }
  for (const { path, fence, atMs } of of("verified")) {
    const newer = took.find((one) =>
      one.path === path && one.fence > fence && one.acquiredAtMs < atMs
    );
    check(
      newer === undefined,
      () => `lock ${path}: fence ${fence} was found current after ${newer?.fence} was given`,
    );
  }
  return violations;
}

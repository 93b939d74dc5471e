/**
 * Whether processes and the server keep their size while the same work goes on and on.
 * @module
 */
import type { RedisServer } from "../../dev/redis_server.ts";
import type { SoakRecord } from "./record.ts";

/** A size at an instant. */
export interface Sample {
  readonly atMs: number;
  readonly bytes: number;
  /** How many things had been stored then, where that is what the size depends on. */
  readonly items?: number;
}

/** How a size grows. */
export interface Growth {
  /** Bytes in each minute. */
  readonly perMinute: number;
  /** Bytes for each thing stored. */
  readonly perItem: number;
}

/** Growth over the second half, when whatever is kept for speed has been made. */
export function growth(samples: readonly Sample[]): Growth {
  const from = (samples[0]?.atMs ?? 0) / 2 + (samples.at(-1)?.atMs ?? 0) / 2;
  const late = samples.filter(({ atMs }) => atMs >= from);
  const bytes = late.map((sample) => sample.bytes);
  return {
    perMinute: slope(late.map(({ atMs }) => atMs / 60_000), bytes),
    perItem: slope(late.map(({ items = 0 }) => items), bytes),
  };
}

/** Slope of the straight line that lies closest to the points. */
export function slope(xs: readonly number[], ys: readonly number[]): number {
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const [x, y] = [mean(xs), mean(ys)];
  const spread = xs.reduce((sum, one) => sum + (one - x) ** 2, 0);
  return spread === 0 ? 0 : xs.reduce((sum, one, i) => sum + (one - x) * (ys[i]! - y), 0) / spread;
}

/** How a worker's size went. */
export interface WorkerSizes {
  /** All it had: this goes up and down by tens of megabytes, as the heap is extended and collected. */
  readonly all: readonly Sample[];
  /** What lived in the heap after a full collection. */
  readonly heap: readonly Sample[];
  /** What is not heap: the program, the embedded engine's caches, whatever native code keeps. */
  readonly native: readonly Sample[];
}

/**
 * Sizes of each worker that was never killed, by slot. Whether one grows is seen in `heap` and `native`: over
 * 22 minutes of the directory's soak `all` went up by 11 MB a minute for two minutes, and down again, while
 * neither of them moved by more than 1 MB a minute.
 */
export function workerSizes(
  records: readonly SoakRecord[],
  slots: number,
): ReadonlyMap<string, WorkerSizes> {
  const sizes = records.flatMap((record) =>
    record.kind === "size" && Number(record.slot.slice("slot".length)) < slots ? [record] : []
  ).sort((a, b) => a.atMs - b.atMs);
  return new Map(
    [...Map.groupBy(sizes, ({ slot }) => slot)].map(([slot, list]) => [slot, {
      all: list.map(({ atMs, rss }) => ({ atMs, bytes: rss })),
      heap: list.map(({ atMs, heap }) => ({ atMs, bytes: heap })),
      native: list.map(({ atMs, native }) => ({ atMs, bytes: native })),
    }]),
  );
}

/** Watches what the data of a server takes until `signal` fires. */
export async function serverSizes(
  server: RedisServer,
  items: () => number,
  signal: AbortSignal,
): Promise<readonly Sample[]> {
  const samples: Sample[] = [];
  while (!signal.aborted) {
    try {
      samples.push({ atMs: Date.now(), bytes: await server.usedMemory(), items: items() });
    } catch {
      // Chaos drops every connection, also this one; the next sample comes in a second.
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, 1000);
      signal.addEventListener("abort", () => {
        clearTimeout(timer);
        resolve();
      }, { once: true });
    });
  }
  return samples;
}

/** How many members each key has that is empty when nobody holds or waits for anything. */
export async function residue(
  server: RedisServer,
  prefix: string,
): Promise<Readonly<Record<string, number>>> {
  const kinds = {
    locks: "HLEN",
    lock_due: "ZCARD",
    lock_paths: "ZCARD",
    lock_waiters: "HLEN",
    lock_wait_queue: "ZCARD",
    held: "ZCARD",
    listeners: "HLEN",
  };
  const found: Record<string, number> = {};
  for (const [key, command] of Object.entries(kinds)) {
    found[key] = Number(await server.command(command, prefix + key));
  }
  return found;
}

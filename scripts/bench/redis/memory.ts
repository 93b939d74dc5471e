/**
 * What a waiting task takes of the server's memory.
 * @module
 */
import { Tasks } from "../../../src/task/task.ts";
import type { Benchmark, Figure } from "../figure.ts";
import { alternate } from "../harness.ts";
import { openOursOnRedis } from "../ours.ts";
import type { Peers } from "./peers.ts";
import { ourPrefix, type Place, type Site } from "./site.ts";

const BATCH = 1000;
/** With its name and quotes 500 bytes of JSON. */
const PAYLOAD = { text: "x".repeat(488) };

/** The benchmark. */
export function memory(site: Site, { bullmq }: Peers): Benchmark {
  return {
    name: "memory",
    about: "the server's memory for a pending task with a payload of 500 bytes",
    run: async ({ rounds, quick }) => {
      const tasks = quick ? 2000 : 100_000;
      const grown = async (body: (place: Place) => Promise<unknown>) =>
        await site.withPlace(async (place) => {
          const before = await site.usedMemory();
          await body(place);
          const bytes = (await site.usedMemory() - before) / tasks;
          const events = await site.memoryOf(`${ourPrefix(place)}events`) / tasks;
          return { bytes, events };
        });
      const series = await alternate<string, "bytes" | "events">(quick ? 1 : Math.min(rounds, 3), {
        ...(bullmq && {
          bullmq: () => grown((place) => bullmq(place, { mode: "fill", tasks })),
        }),
        ours: () => grown((place) => fill(place, tasks)),
      });
      const values = series.ours!.bytes;
      const own: Figure = {
        name: `a task among ${tasks}`,
        unit: "B",
        values,
        target: { of: "median", atMost: 750 },
      };
      const beside = series.bullmq && { name: "BullMQ", values: series.bullmq.bytes };
      return [
        { ...own, ...(beside && { beside }) },
        { name: "of that, the event stream", unit: "B", values: series.ours!.events },
      ];
    },
  };
}

async function fill({ url, name }: Place, tasks: number): Promise<void> {
  const context = await openOursOnRedis(url, name);
  const room = new Tasks(context);
  const drafts = Array.from({ length: BATCH }, () => ({ title: "j", payload: PAYLOAD }));
  for (let done = 0; done < tasks; done += BATCH) await room.create(drafts);
  await context.store.close();
}

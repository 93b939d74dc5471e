/**
 * What a claim costs on Redis when many tasks wait.
 * @module
 */
import type { Benchmark } from "../figure.ts";
import { alternate, defineWorker, median } from "../harness.ts";
import { type Draft, draft, type Queue } from "../queue.ts";
import { fill, openQueue } from "./queue.ts";
import type { Place, Site } from "./site.ts";

const SMALL = 1000;
const LARGE = 1_000_000;
const TAGGED = 100_000;
const RARE = "rare";
/** Claims of one kind in a row: all kinds see the same moments of the machine. */
const SLICE = 50;
const WARM_UP = 200;

interface Args {
  readonly places: Readonly<Record<Backlog, Place>>;
  /** Claims of each kind. */
  readonly claims: number;
}

type Backlog = "small" | "large" | "tagged";
type Kind = Backlog | "rare";

const KINDS: readonly Kind[] = ["small", "large", "tagged", "rare"];

/** Of a million, each is small: what lies in the hash does not matter to the order of the queue. */
function short(index: number): Draft {
  return { ...draft(index), description: "" };
}

function common(index: number): Draft {
  return { ...draft(index), tags: ["common", `team-${index % 10}`] };
}

/** One claiming process; answers with the median time of each kind's claims in microseconds. */
export const worker = defineWorker<Args, Record<Kind, number>>(
  import.meta.url,
  async ({ places, claims }, start) => {
    const [small, large, tagged] = await Promise.all(
      [places.small, places.large, places.tagged].map((place) => openQueue("ours", place)),
    );
    const timed: Record<Kind, () => Promise<number>> = {
      small: () => time(small!, short),
      large: () => time(large!, short),
      tagged: () => time(tagged!, common),
      // Lowest of all, so the queue's end is where it is found.
      rare: () =>
        time(tagged!, (index) => ({ ...draft(index), priority: 0, tags: [RARE] }), [RARE]),
    };
    const times: Record<Kind, number[]> = { small: [], large: [], tagged: [], rare: [] };
    for (let done = 0; done < WARM_UP; done++) for (const kind of KINDS) await timed[kind]();
    await start();
    while (times.rare.length < claims) {
      for (const kind of KINDS) {
        for (let done = 0; done < SLICE; done++) times[kind].push(await timed[kind]());
      }
    }
    await Promise.all([small!, large!, tagged!].map((queue) => queue.close()));
    const { small: a, large: b, tagged: c, rare: d } = times;
    return { small: median(a), large: median(b), tagged: median(c), rare: median(d) };
  },
);

let created = 0;

/** Adds a task, claims one, and completes it: the backlog stays as long as it is. */
async function time(
  queue: Queue,
  draftOf: (index: number) => Draft,
  tags?: readonly string[],
): Promise<number> {
  await queue.create([draftOf(created++)]);
  const before = performance.now();
  const task = await queue.claim(tags);
  const us = (performance.now() - before) * 1000;
  await queue.complete(task!);
  return us;
}

/** The benchmark. */
export function backlog(site: Site): Benchmark {
  return {
    name: "backlog",
    about:
      "one claim when few and when many tasks wait, and by a tag that only the last one carries",
    run: ({ rounds, quick }) => {
      const large = quick ? 5000 : LARGE;
      const tagged = quick ? 5000 : TAGGED;
      return filled(
        site,
        SMALL,
        short,
        (small) =>
          filled(site, large, short, (large_) =>
            filled(site, tagged, common, async (tagged_) => {
              const places = { small, large: large_, tagged: tagged_ };
              const { ours } = await alternate(rounds, {
                ours: async () => (await worker.run([{ places, claims: quick ? 50 : 1000 }]))[0]!,
              });
              return [{
                name: `claim p50 at ${large}`,
                unit: "us",
                values: ours.large,
                beside: { name: `at ${SMALL}`, values: ours.small },
                target: { of: "ratio", atMost: 1.3 },
              }, {
                name: `claim p50 by a tag that only the last of ${tagged} carries`,
                unit: "us",
                values: ours.rare,
                beside: { name: "plain", values: ours.tagged },
                target: { of: "ratio", atMost: 1.5 },
              }];
            })),
      );
    },
  };
}

function filled<T>(
  site: Site,
  tasks: number,
  draftOf: (index: number) => Draft,
  body: (place: Place) => Promise<T>,
): Promise<T> {
  return site.withPlace(async (place) => {
    const queue = await openQueue("ours", place);
    await fill(queue, tasks, draftOf);
    await queue.close();
    return await body(place);
  });
}

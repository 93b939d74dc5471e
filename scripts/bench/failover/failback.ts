/**
 * How long moving a large outage back to the server keeps another process of the site waiting.
 * @module
 */
import { Approvals } from "../../../src/approval/approval.ts";
import { Audit } from "../../../src/audit/audit.ts";
import { Board } from "../../../src/board/board.ts";
import type { RoomContext } from "../../../src/context.ts";
import { Locks } from "../../../src/lock/lock.ts";
import { Tasks } from "../../../src/task/task.ts";
import type { Benchmark } from "../figure.ts";
import type { Effort } from "../harness.ts";
import { agentOn, openSite, withSite } from "./site.ts";
import { worker } from "./watcher.ts";

const RECORDS = 50_000;
const QUICK_RECORDS = 2000;
/** The longest that anybody may be kept out, in milliseconds. */
const LONGEST_WAIT_MS = 2000;
const HOUR_MS = 3_600_000;

type Fill = (context: RoomContext, records: number) => Promise<void>;

const numbers = (from: number, count: number) =>
  Array.from({ length: count }, (_, at) => from + at);

const createTasks: Fill = async (context, records) => {
  const tasks = new Tasks(context);
  for (let at = 0; at < records; at += 100) {
    await tasks.create(
      numbers(at, Math.min(100, records - at)).map((number) => ({
        title: `task ${number}`,
        payload: { number },
      })),
    );
  }
};

const takeLocks: Fill = async (context, records) => {
  const locks = new Locks(context);
  for (let at = 0; at < records; at += 100) {
    const paths = numbers(at, Math.min(100, records - at)).map((number) => `src/${number}.ts`);
    await locks.acquire(paths, { ttlMs: HOUR_MS });
  }
};

/** A fifth of each: messages, audit entries, locks, approvals, claimed tasks; events come with them. */
const fillMixed: Fill = async (context, records) => {
  const each = Math.floor(records / 5);
  const [board, audit, approvals] = [
    new Board(context),
    new Audit(context),
    new Approvals(context),
  ];
  const thread = await board.post({ title: "long", message: "first" });
  for (let at = 0; at < each; at++) {
    await Promise.all([
      at % 2 === 0
        ? board.post({ title: `thread ${at}`, message: `words of ${at}` })
        : board.reply(thread.id, { message: `words of ${at}` }),
      audit.log({ decisionType: "choice", context: `place ${at}`, reason: "because" }),
      approvals.request({ actionType: "deploy", description: `number ${at}` }),
    ]);
  }
  await takeLocks(context, each);
  await createTasks(context, each);
  const tasks = new Tasks(context);
  for (let at = 0; at < each; at += 100) await tasks.claim({ count: 100, leaseMs: HOUR_MS });
};

/** One failback of what `fill` has left. */
async function turn(fill: Fill, records: number) {
  return await withSite(async (site) => {
    const { proxy, directory } = site;
    await proxy.refuse(true);
    const store = await openSite(site);
    await fill(agentOn(store, "filler"), records);
    const stop = `${directory}/stop`;
    const watching = worker.run([{ url: site.url, directory, stop }]);
    await proxy.refuse(false);
    const startedAt = performance.now();
    while ((await store.authority()).store === "directory") {
      await store.failback();
    }
    const tookMs = performance.now() - startedAt;
    await Deno.writeTextFile(stop, "");
    const [waits] = await watching;
    await store.close();
    return { tookMs, longestMs: Math.max(...waits!), turns: waits!.length };
  });
}

/** The benchmark of one kind of records. */
function failbackOf(what: string, fill: Fill): Benchmark {
  return {
    name: `failback-${what}`,
    about: `an outage with ${RECORDS} records (${what}) is moved back while another process works`,
    run: async ({ rounds, quick }: Effort) => {
      const turns = [];
      for (let round = 0; round < rounds; round++) {
        turns.push(await turn(fill, quick ? QUICK_RECORDS : RECORDS));
      }
      return [
        {
          name: "longest wait of the other process",
          unit: "ms",
          values: turns.map(({ longestMs }) => longestMs),
          target: { of: "median", atMost: LONGEST_WAIT_MS },
        },
        { name: "its operations meanwhile", unit: "", values: turns.map(({ turns }) => turns) },
        { name: "all of it", unit: "ms", values: turns.map(({ tookMs }) => tookMs) },
      ];
    },
  };
}

/** Tasks alone; locks alone, all of them held to the end; some of everything. */
export const failbacks: readonly Benchmark[] = [
  failbackOf("tasks", createTasks),
  failbackOf("locks", takeLocks),
  failbackOf("mixed", fillMixed),
];

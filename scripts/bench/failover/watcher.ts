/**
 * Another process of a site, which makes an operation every few milliseconds and notes how long each took.
 * @module
 */
import { sleep } from "../../../src/clock.ts";
import { Locks } from "../../../src/lock/lock.ts";
import { defineWorker } from "../harness.ts";
import { agentOn, openSite, type SitePlace } from "./site.ts";

/** Between two operations, in milliseconds. */
const EVERY_MS = 50;

/** Where, and until when: the file is there then. */
export interface Watch extends SitePlace {
  readonly stop: string;
}

/** How long its operations took, in milliseconds. */
export const worker = defineWorker(
  import.meta.url,
  async (watch: Watch, start): Promise<readonly number[]> => {
    const store = await openSite(watch);
    const locks = new Locks(agentOn(store, "watcher"));
    await locks.acquire("watched");
    await start();
    const took: number[] = [];
    while (!await isThere(watch.stop)) {
      const startedAt = performance.now();
      await locks.renew("watched");
      took.push(performance.now() - startedAt);
      await sleep(EVERY_MS);
    }
    await store.close();
    return took;
  },
);

async function isThere(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

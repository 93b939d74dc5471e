/**
 * How long a store served nobody else: the longest single command of a server, the longest hold of a directory's
 * kernel lock or of one consistent view of it.
 * @module
 */
import type { Redis } from "ioredis";
import { DirectoryEngine } from "../../../src/engine/directory/engine.ts";
import { KernelLock } from "../../../src/engine/directory/kernel_lock.ts";

/** Measures one kind of store. */
export interface Meter {
  /** What one figure is of. */
  readonly about: string;
  /** Calls `body`; gives the longest time in milliseconds. */
  readonly longest: (body: () => Promise<unknown>) => Promise<number>;
  /** Puts everything back as it was. */
  readonly stop: () => Promise<void>;
}

/**
 * Shorter commands are not told of. Not 0: the server would also write down each command that a script calls, and so
 * measure mostly that.
 */
const SLOWER_THAN_US = 200;
const ENTRIES = 4096;
/** What this meter itself asks for. */
const OWN = /^(slowlog|config|ping|info)$/i;

/** Asks the server's own log of slow commands, which gives the time of each, alone and to the microsecond. */
export async function serverMeter(client: Redis): Promise<Meter> {
  const settings = { "slowlog-log-slower-than": SLOWER_THAN_US, "slowlog-max-len": ENTRIES };
  const before = new Map<string, string>();
  for (const [name, value] of Object.entries(settings)) {
    const [, old] = await client.config("GET", name) as string[];
    before.set(name, old!);
    await client.config("SET", name, String(value));
  }
  return {
    about: "longest single script or command of the server",
    longest: async (body) => {
      await client.slowlog("RESET");
      await body();
      const entries = await client.slowlog("GET", ENTRIES) as [
        number,
        number,
        number,
        readonly string[],
      ][];
      const times = entries.filter(([, , , [name]]) => !OWN.test(name!)).map(([, , us]) => us);
      return Math.max(0, ...times) / 1000;
    },
    stop: async () => {
      for (const [name, value] of before) await client.config("SET", name, value);
    },
  };
}

/** Stops the time around every hold of the kernel lock, and every read, of this process. */
export function directoryMeter(): Meter {
  const lock = KernelLock.prototype;
  const engine = DirectoryEngine.prototype;
  const { tryAcquire, acquire, release } = lock;
  const { read } = engine;
  let longestMs = 0;
  let heldSince = 0;
  const note = (since: number) => longestMs = Math.max(longestMs, performance.now() - since);
  lock.tryAcquire = function () {
    const taken = tryAcquire.call(this);
    if (taken) heldSince = performance.now();
    return taken;
  };
  lock.acquire = async function (timeoutMs) {
    await acquire.call(this, timeoutMs);
    heldSince = performance.now();
  };
  lock.release = function () {
    release.call(this);
    note(heldSince);
  };
  engine.read = function (look) {
    const since = performance.now();
    try {
      return read.call(this, look) as ReturnType<typeof read<ReturnType<typeof look>>>;
    } finally {
      note(since);
    }
  };
  return {
    about: "longest hold of the directory's lock, or of one view of it",
    longest: async (body) => {
      longestMs = 0;
      await body();
      return longestMs;
    },
    stop: () => {
      Object.assign(lock, { tryAcquire, acquire, release });
      Object.assign(engine, { read });
      return Promise.resolve();
    },
  };
}

/**
 * How long a store served nobody else: the longest single command of a server, the longest hold of a directory's
 * kernel lock or of one consistent view of it.
 * @module
 */
import process from "node:process";
import type { Redis } from "ioredis";
import { DirectoryEngine } from "../../../src/engine/directory/engine.ts";
import { KernelLock } from "../../../src/engine/directory/kernel_lock.ts";
import { infoField } from "../../../dev/redis_server.ts";

/** The longest operation of a call, in milliseconds. */
export interface Longest {
  /** As others saw it. */
  readonly wallMs: number;
  /** What the processor did meanwhile for the operation alone: on a busy machine the rest is waiting for a turn. */
  readonly cpuMs: number;
}

/** Measures one kind of store. */
export interface Meter {
  /** What one figure is of. */
  readonly about: string;
  /** Calls `body`; gives the longest of its operations. */
  readonly longest: (body: () => Promise<unknown>) => Promise<Longest>;
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

/**
 * Asks the server's own log of slow commands, which gives the time of each, alone and to the microsecond. Their share
 * of the processor is known of all of a call's commands together.
 */
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
      const cpuBefore = await cpuMs(client);
      await body();
      const cpu = await cpuMs(client) - cpuBefore;
      const entries = await client.slowlog("GET", ENTRIES) as [
        number,
        number,
        number,
        readonly string[],
      ][];
      const times = entries.filter(([, , , [name]]) => !OWN.test(name!)).map(([, , us]) =>
        us / 1000
      );
      const wallMs = Math.max(0, ...times);
      const all = times.reduce((sum, ms) => sum + ms, 0);
      return { wallMs, cpuMs: cpu < all ? wallMs * cpu / all : wallMs };
    },
    stop: async () => {
      for (const [name, value] of before) await client.config("SET", name, value);
    },
  };
}

/** Processor time of the thread that runs all commands; NaN where the server does not tell. */
async function cpuMs(client: Redis): Promise<number> {
  const info = await client.info("cpu");
  const seconds = (mode: string) => Number(infoField(info, `used_cpu_${mode}_main_thread`));
  return (seconds("user") + seconds("sys")) * 1000;
}

/** Stops the time around every hold of the kernel lock, and every read, of this process. */
export function directoryMeter(): Meter {
  const lock = KernelLock.prototype;
  const engine = DirectoryEngine.prototype;
  const { tryAcquire, acquire, release } = lock;
  const { read } = engine;
  let longest: Longest = { wallMs: 0, cpuMs: 0 };
  let heldSince = spent();
  const note = (since: Longest) => {
    const now = spent();
    const wallMs = now.wallMs - since.wallMs;
    const cpuMs = Math.min(now.cpuMs - since.cpuMs, wallMs);
    longest = {
      wallMs: Math.max(longest.wallMs, wallMs),
      cpuMs: Math.max(longest.cpuMs, cpuMs),
    };
  };
  lock.tryAcquire = function () {
    const taken = tryAcquire.call(this);
    if (taken) heldSince = spent();
    return taken;
  };
  lock.acquire = async function (timeoutMs) {
    await acquire.call(this, timeoutMs);
    heldSince = spent();
  };
  lock.release = function () {
    release.call(this);
    note(heldSince);
  };
  engine.read = function (look) {
    const since = spent();
    try {
      return read.call(this, look) as ReturnType<typeof read<ReturnType<typeof look>>>;
    } finally {
      note(since);
    }
  };
  return {
    about: "longest hold of the directory's lock, or of one view of it",
    longest: async (body) => {
      longest = { wallMs: 0, cpuMs: 0 };
      await body();
      return longest;
    },
    stop: () => {
      Object.assign(lock, { tryAcquire, acquire, release });
      Object.assign(engine, { read });
      return Promise.resolve();
    },
  };
}

/** Time so far: of the clock, and of this process on the processor. */
function spent(): Longest {
  const { user, system } = process.cpuUsage();
  return { wallMs: performance.now(), cpuMs: (user + system) / 1000 };
}

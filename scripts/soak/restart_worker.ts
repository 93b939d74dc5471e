// restart_worker.ts STORE END_MS NAME LOG: takes locks and tasks until END_MS, and looks whether old fences are refused,
// on a server that forgets everything now and then.
import type { RoomContext } from "../../src/context.ts";
import { CoordError } from "../../src/errors.ts";
import { Primitives } from "../../src/primitive_clients.ts";
import { openLog, seeded } from "../../dev/fleet.ts";
import { openAs } from "../../dev/workers/context.ts";
import { PATHS, type SoakRecord } from "./record.ts";

const [location, endMs, name, log] = Deno.args as [string, string, string, string];
const LEASE_MS = 800;
const HANDS = 3;

const random = seeded(Deno.pid);
const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)]!;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const write = openLog(log);
const record = (one: SoakRecord) => write(one);
/** Fences seen by anybody in this process, with their paths. */
const old: { readonly path: string; readonly fence: number }[] = [];

/** What others, and a server that was killed, may do to a call; anything else is a bug. */
const EXPECTED = [
  "conflict",
  "timeout",
  "lease_lost",
  "not_found",
  "nothing_to_claim",
  "store_unavailable",
];

async function unlessExpected<T>(act: () => Promise<T>): Promise<T | undefined> {
  try {
    return await act();
  } catch (error) {
    const known = error instanceof CoordError && EXPECTED.includes(error.code) &&
      (error.code !== "store_unavailable" || error.retryable);
    if (!known) throw error;
    record({ kind: "refused", code: error.code, reason: String(error.details.reason ?? "") });
    return undefined;
  }
}

async function hand(agent: string, context: RoomContext): Promise<void> {
  const { locks, tasks } = new Primitives({
    ...context,
    actor: { ...context.actor!, name: agent },
  });

  async function lock(): Promise<void> {
    const path = pick(PATHS);
    const waitMs = random() < 0.5 ? 0 : 300;
    const [lease] = await locks.acquire(path, { ttlMs: LEASE_MS, waitMs });
    const { fence, acquiredAtMs, expiresAtMs } = lease!;
    record({ kind: "took", path, fence, acquiredAtMs, expiresAtMs });
    old.push({ path, fence });
    await pause(random() * 5);
    if (random() < 0.05) return;
    record({ kind: "releasing", fence, atMs: Date.now() });
    await locks.release(path, { fence });
  }

  async function work(): Promise<void> {
    if (random() < 0.3) await tasks.create([{ title: "t", leaseMs: LEASE_MS }]);
    for (const { id, lease } of await tasks.tryClaim({ waitMs: random() < 0.5 ? 0 : 100 })) {
      record({ kind: "claimed", id, fence: lease!.fence });
      await tasks.complete(id, { fence: lease!.fence });
    }
  }

  async function verify(): Promise<void> {
    if (old.length === 0) return;
    const { path, fence } = pick(old.slice(-50));
    const atMs = Date.now();
    await locks.verify(path, { fence });
    record({ kind: "verified", path, fence, atMs });
  }

  while (Date.now() < Number(endMs)) await unlessExpected(pick([lock, lock, lock, work, verify]));
}

/** Opening tries once, and the server may be down. */
async function join(): Promise<RoomContext> {
  for (;;) {
    const context = await unlessExpected(() => openAs(location, name));
    if (context !== undefined) return context;
    await pause(20);
  }
}

const context = await join();
await Promise.all(
  Array.from({ length: HANDS }, (_, index) => hand(`${name}-${Deno.pid}-${index}`, context)),
);
await context.store.close();

// chaos_worker.ts STORES SEED DIRECTORY FAULT NAME LOG: does what agents do until DIRECTORY has a file `over`, and writes down
// every call and answer. STORES has one location a line, for each slot its own; FAULT may name a mistake that its
// store is to make.
import type { RoomContext } from "../../src/context.ts";
import { CoordError } from "../../src/errors.ts";
import { Primitives } from "../../src/primitive_clients.ts";
import type { Effect, Essence, Line, Mark, Operation } from "../../scripts/chaos/history.ts";
import { faulty, type PlantedFault } from "../faulty_store.ts";
import { isThere, openLog, seeded } from "../fleet.ts";
import { monotonicMs as now } from "../monotonic.ts";
import { openAs } from "./context.ts";

const [stores, seed, directory, fault, name, log] = Deno.args as [
  string,
  string,
  string,
  string,
  string,
  string,
];
const PATHS = ["a", "b", "c", "d"];
/** Short, so that a dead holder costs little; longer than the shortest freeze. */
const LEASE_MS = 1500;
const WAIT_MS = 3000;
/** Longer than the time within which whoever waits has to be told. */
const LONG_WAIT_MS = 12_000;
/** How many slots have somebody who follows the event stream, and as many others the audit log. */
const FOLLOWERS = 2;

const { pid } = Deno;
const slot = Number(/\d+$/.exec(name)![0]);
const random = seeded(Number(seed) * 1000 + Number(/(\d+)-\d+\.jsonl$/.exec(log)![1]));
const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)]!;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const write = openLog(log);
const line = (one: Line) => write(one);
const writeMark = openLog(`${directory}/marks.jsonl`);
const mark = (one: Mark) => writeMark({ ...one });
const writeEffect = openLog(`${directory}/effects.jsonl`);
const effect = (one: Effect) => writeEffect({ ...one });
/**
 * Until when a lease holds at least, by the clock that all processes share: the server is on this host, and has its
 * time, but the directory reckons with how far the server's clock seemed to be ahead.
 */
const instantOf = ({ expiresAtMs }: { readonly expiresAtMs: number }) =>
  now() + expiresAtMs - Date.now() - 200;
let count = 0;
const unique = () => `${pid}-${count++}`;
const isOver = () => isThere(`${directory}/over`);

/** What others and faults may do to a call; anything else is a mistake. */
const EXPECTED = ["conflict", "timeout", "lease_lost", "store_unavailable", "not_found"];

/** Makes a call and writes down what came of it; nothing when it failed. */
async function call<Result>(
  operation: Operation,
  given: Essence,
  make: () => Promise<Result>,
  essenceOf: (result: Result) => Essence = () => ({}),
): Promise<Result | undefined> {
  const id = `call-${unique()}`;
  line({ kind: "begin", call: id, pid, slot, agent: name, operation, atMs: now(), given });
  try {
    const result = await make();
    line({ kind: "end", call: id, atMs: now(), outcome: "ok", answer: essenceOf(result) });
    return result;
  } catch (error) {
    const atMs = now();
    const known = error instanceof CoordError && EXPECTED.includes(error.code) &&
      (error.code !== "store_unavailable" || error.retryable);
    const outcome = known ? error.code : "unexpected";
    line({ kind: "end", call: id, atMs, outcome, answer: {}, message: String(error) });
    // Whoever fails at once, over and over, keeps the others from what they do.
    if (error instanceof CoordError && error.code === "store_unavailable") await pause(50);
    return undefined;
  }
}

/** Opening tries once, and a fault may be faster. */
async function join(): Promise<RoomContext> {
  for (;;) {
    try {
      const context = await openAs(stores.split("\n")[slot]!, name);
      if (fault === "") return context;
      return { ...context, store: faulty(context.store, fault as PlantedFault) };
    } catch (error) {
      if (!(error instanceof CoordError) || !error.retryable || isOver()) throw error;
      await pause(50);
    }
  }
}

line({ kind: "start", pid, slot });
const context = await join();
const { locks, tasks, board, approvals, audit, events } = new Primitives(context);

/** Takes a lock and works under it, renewing it at times; sometimes leaves it to lapse. */
async function lock(): Promise<void> {
  const path = pick(PATHS);
  const limitMs = pick([WAIT_MS, LONG_WAIT_MS]);
  // Long enough at times for another store to take over meanwhile.
  const isLong = random() < 0.25;
  const leaseMs = isLong ? 2 * LEASE_MS : LEASE_MS;
  const taken = await call(
    "lock.acquire",
    { path, leaseMs, limitMs },
    () => locks.acquire(path, { ttlMs: leaseMs, waitMs: limitMs }),
    ([lease]) => ({ fence: lease!.fence, untilMs: instantOf(lease!) }),
  );
  if (taken === undefined) return;
  const { fence } = taken[0]!;
  mark({ path, fence, edge: "begin", atMs: now() });
  await pause(isLong ? leaseMs * 0.8 : random() * 60);
  if (random() < 0.3) {
    const renewed = await call(
      "lock.renew",
      { path, fence, leaseMs },
      () => locks.renew(path, { fence, ttlMs: leaseMs }),
      () => ({ fence }),
    );
    if (renewed !== undefined) await pause(random() * 200);
  }
  if (random() < 0.03) return;
  mark({ path, fence, edge: "end", atMs: now() });
  await call("lock.release", { path, fence }, () => locks.release(path, { fence }));
}

async function create(): Promise<void> {
  const nonce = unique();
  await call(
    "task.create",
    { nonce },
    () => tasks.create([{ title: nonce, leaseMs: LEASE_MS, maxAttempts: 50 }]),
    ([task]) => ({ id: task!.id }),
  );
}

/** Claims a task, waiting, leaves its effect and completes it; sometimes leaves it to lapse. */
async function work(): Promise<void> {
  const limitMs = random() < 0.5 ? 0 : WAIT_MS;
  const claimed = await call(
    "task.claim",
    { leaseMs: LEASE_MS, limitMs },
    () => tasks.tryClaim({ leaseMs: LEASE_MS, waitMs: limitMs }),
    ([task]) =>
      task === undefined ? {} : {
        id: task.id,
        fence: task.lease!.fence,
        untilMs: instantOf(task.lease!),
      },
  );
  const task = claimed?.[0];
  if (task === undefined) return;
  const { id, lease } = task;
  const { fence } = lease!;
  effect({ id, fence, atMs: now() });
  await pause(random() * 60);
  if (random() < 0.05) return;
  await call("task.complete", { id, fence }, () => tasks.complete(id, { fence, result: fence }));
}

async function post(): Promise<void> {
  const nonce = unique();
  const thread = await call(
    "board.post",
    { nonce },
    () => board.post({ title: nonce }),
    ({ id }) => ({ id }),
  );
  for (let replies = 0; thread !== undefined && replies < 3; replies++) {
    const text = unique();
    const to = `slot${Math.floor(random() * stores.split("\n").length)}`;
    const addressed = to !== name;
    await call(
      "board.reply",
      { nonce: text, ...(addressed ? { to } : {}) },
      () => board.reply(thread.id, { message: text, ...(addressed ? { to: [to] } : {}) }),
      ({ reply }) => ({ id: reply!.id }),
    );
  }
}

async function note(): Promise<void> {
  const nonce = unique();
  await call(
    "audit.log",
    { nonce },
    () => audit.log({ decisionType: "chaos", context: "c", reason: nonce }),
    ({ id }) => ({ id }),
  );
}

/** Asks for an approval and waits for the decision. */
async function ask(): Promise<void> {
  const nonce = unique();
  const asked = await call(
    "approval.request",
    { nonce },
    () => approvals.request({ actionType: "deploy", description: nonce, timeoutMs: 3_600_000 }),
    ({ id }) => ({ id }),
  );
  if (asked === undefined) return;
  const { id } = asked;
  const limitMs = pick([WAIT_MS, LONG_WAIT_MS]);
  await call(
    "approval.wait",
    { id, limitMs },
    () => approvals.wait(id, { timeoutMs: limitMs }),
    ({ status }) => ({ status }),
  );
}

async function decide(): Promise<void> {
  let pending;
  try {
    pending = await approvals.list({ status: "pending", limit: 20 });
  } catch (error) {
    // Only a write is worth a line.
    if (!(error instanceof CoordError) || !error.retryable) throw error;
    return;
  }
  const others = pending.approvals.filter(({ requestedBy }) => requestedBy !== name);
  if (others.length === 0) return;
  const { id } = pick(others);
  const status = pick(["approved", "rejected"] as const);
  const decision = status === "approved" ? "approve" : "reject";
  await call("approval.decide", { id, status }, () => approvals[decision](id));
}

async function read(): Promise<void> {
  const limitMs = WAIT_MS;
  await call("inbox.wait", { limitMs }, () => board.inboxWait({ timeoutMs: limitMs, ack: true }));
}

/** Does these, one after the other, until it is time to leave. */
async function hand(...acts: readonly (() => Promise<unknown>)[]): Promise<void> {
  while (!isOver()) {
    await pick(acts)();
    await pause(random() * 40);
  }
}

/** Follows the stream, and goes on where it was when something came in between. */
async function follow(): Promise<void> {
  const over = new AbortController();
  const timer = setInterval(() => isOver() && over.abort(), 100);
  let follower = unique();
  let since: string | undefined;
  while (!isOver()) {
    const from = since === undefined ? {} : { since };
    try {
      for await (const { id } of events.follow({ ...from, signal: over.signal })) {
        line({ kind: "event", follower, id, atMs: now() });
        since = id;
      }
    } catch (error) {
      if (!(error instanceof CoordError)) throw error;
      if (error.code !== "store_unavailable") {
        // The place is no longer kept, as after a loss of memory.
        [follower, since] = [unique(), undefined];
      } else if (!error.retryable) throw error;
      await pause(50);
    }
  }
  clearInterval(timer);
}

/** Follows the audit log from now on, and again from now on when something came in between. */
async function tail(): Promise<void> {
  const over = new AbortController();
  const timer = setInterval(() => isOver() && over.abort(), 100);
  while (!isOver()) {
    const follower = unique();
    try {
      for await (const { id } of audit.tail({ signal: over.signal })) {
        line({ kind: "entry", follower, id, atMs: now() });
      }
    } catch (error) {
      if (!(error instanceof CoordError)) throw error;
      if (error.code === "store_unavailable" && !error.retryable) throw error;
      await pause(50);
    }
  }
  clearInterval(timer);
}

await Promise.all([
  hand(lock),
  hand(lock),
  hand(create, () => pause(60)),
  hand(work),
  hand(work),
  hand(post, note, decide, decide),
  hand(ask),
  hand(read),
  ...(slot < FOLLOWERS ? [follow()] : slot < 2 * FOLLOWERS ? [tail()] : []),
]);
await context.store.close();
line({ kind: "leave", pid, slot });

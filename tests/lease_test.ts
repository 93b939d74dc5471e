import assert from "node:assert/strict";
import { systemClock } from "../src/clock.ts";
import { LeaseLostError, StoreUnavailableError } from "../src/errors.ts";
import { instantOf, LeaseKeeper } from "../src/lease.ts";
import { pause } from "../dev/redis_server.ts";
import { ends } from "../dev/sleepers.ts";
import { TestClock } from "../dev/stores.ts";

/** Settled once the keeper's signal fires. */
function fired(keeper: LeaseKeeper): Promise<unknown> {
  const { signal } = keeper;
  const firing = new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener("abort", resolve);
  });
  return ends("the lease", firing);
}

/** A renewal that answers as `answer` says; `times` is settled once it was tried so often. */
function renewals(answer: () => Promise<void> = () => Promise.resolve()) {
  let tries = 0;
  const renew = () => {
    tries++;
    return answer();
  };
  const times = async (count: number) => {
    const reached = async () => {
      while (tries < count) await pause(5);
    };
    await ends(`renewal ${count}`, reached());
  };
  return { renew, times, tries: () => tries };
}

Deno.test("lease keeper renews at a third and stays quiet while renewal is confirmed", async () => {
  // Time stands still for the lease, so that a slow machine cannot let it lapse; the renewals take real time.
  const clock = new TestClock();
  const { renew, times, tries } = renewals();
  const startedMs = performance.now();
  const keeper = new LeaseKeeper({ ttlMs: 90, renew, clock }, instantOf(clock));
  await times(6);
  assert.ok(tries() <= (performance.now() - startedMs) / 29, "more often than at each third");
  assert.equal(keeper.signal.aborted, false);
  await keeper.stop();
});

Deno.test("lease keeper fires before the lease can lapse when renewal is never confirmed", async () => {
  const clock = new TestClock();
  const { renew, times, tries } = renewals(() => Promise.reject(new StoreUnavailableError("gone")));
  const keeper = new LeaseKeeper({ ttlMs: 60, marginMs: 15, renew, clock }, instantOf(clock));
  clock.advance(44);
  await times(tries() + 5);
  assert.equal(keeper.signal.aborted, false, "it goes on trying until then");
  clock.advance(1);
  await fired(keeper);
  assert.ok(keeper.signal.reason instanceof LeaseLostError);
  await keeper.stop();
});

Deno.test("lease keeper fires although a renewal hangs for ever", async () => {
  const clock = new TestClock();
  const { renew, times } = renewals(() => new Promise(() => {}));
  const keeper = new LeaseKeeper({ ttlMs: 60, renew, clock }, instantOf(clock));
  await times(1);
  assert.equal(keeper.signal.aborted, false);
  clock.advance(54);
  await fired(keeper);
});

Deno.test("lease keeper fires at once when the store says that the lease is lost", async () => {
  const { renew } = renewals(() => Promise.reject(new LeaseLostError("gone")));
  const clock = new TestClock();
  const keeper = new LeaseKeeper({ ttlMs: 90, renew, clock }, instantOf(clock));
  await fired(keeper);
  assert.match(String(keeper.signal.reason.message), /gone/);
  await keeper.stop();
});

Deno.test("lease keeper counts from when the request was sent, by the faster clock", async () => {
  // The wall clock has run ahead by 10 s, as after the machine slept: the monotonic one has not seen it.
  const clock = { nowMs: () => Date.now() + 10_000, monotonicMs: () => performance.now() };
  const sentAt = { monotonicMs: performance.now(), nowMs: Date.now() };
  const renew = () => Promise.resolve();
  const keeper = new LeaseKeeper({ ttlMs: 5000, renew, clock }, sentAt);
  assert.equal(keeper.signal.aborted, true);
  await keeper.stop();
});

Deno.test("lease keeper leaves the signal alone once stopped", async () => {
  const renew = () => Promise.reject(new LeaseLostError("gone"));
  const keeper = new LeaseKeeper({ ttlMs: 200, renew, clock: systemClock }, instantOf(systemClock));
  await keeper.stop();
  await pause(400);
  assert.equal(keeper.signal.aborted, false);
});

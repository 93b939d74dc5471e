import assert from "node:assert/strict";
import { systemClock, type Timer } from "../src/clock.ts";
import { LeaseLostError, StoreUnavailableError } from "../src/errors.ts";
import { instantOf, LeaseKeeper } from "../src/lease.ts";

/** Resolves with the milliseconds after which the keeper's signal fired, at most `limitMs`. */
async function firedAfter(keeper: LeaseKeeper, limitMs: number): Promise<number | undefined> {
  const started = performance.now();
  const fired = new Promise<number>((resolve) => {
    keeper.signal.addEventListener("abort", () => resolve(performance.now() - started));
  });
  let timer: Timer | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), limitMs);
  });
  try {
    return await Promise.race([fired, late]);
  } finally {
    clearTimeout(timer);
  }
}

Deno.test("lease keeper renews at a third and stays quiet while renewal is confirmed", async () => {
  let renewals = 0;
  const renew = () => Promise.resolve(renewals++);
  const options = { ttlMs: 300, renew, clock: systemClock };
  const keeper = new LeaseKeeper(options, instantOf(systemClock));
  assert.equal(await firedAfter(keeper, 1000), undefined);
  await keeper.stop();
  assert.ok(renewals >= 6 && renewals <= 10, `${renewals} renewals in 1000 ms`);
});

Deno.test("lease keeper fires before the lease can lapse when renewal is never confirmed", async () => {
  let tries = 0;
  const renew = () => {
    tries++;
    return Promise.reject(new StoreUnavailableError("unreachable"));
  };
  const options = { ttlMs: 600, marginMs: 150, renew, clock: systemClock };
  const keeper = new LeaseKeeper(options, instantOf(systemClock));
  const fired = await firedAfter(keeper, 2000);
  assert.ok(fired !== undefined && fired >= 400 && fired < 600, `fired after ${fired} ms`);
  assert.ok(keeper.signal.reason instanceof LeaseLostError);
  assert.ok(tries > 1, "gave up after one failure");
  await keeper.stop();
});

Deno.test("lease keeper fires although a renewal hangs for ever", async () => {
  const options = { ttlMs: 400, renew: () => new Promise(() => {}), clock: systemClock };
  const keeper = new LeaseKeeper(options, instantOf(systemClock));
  const fired = await firedAfter(keeper, 2000);
  assert.ok(fired !== undefined && fired < 400, `fired after ${fired} ms`);
});

Deno.test("lease keeper fires at once when the store says that the lease is lost", async () => {
  const renew = () => Promise.reject(new LeaseLostError("gone"));
  const keeper = new LeaseKeeper({ ttlMs: 900, renew, clock: systemClock }, instantOf(systemClock));
  const fired = await firedAfter(keeper, 2000);
  assert.ok(fired !== undefined && fired < 500, `fired after ${fired} ms`);
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
  assert.equal(await firedAfter(keeper, 400), undefined);
});

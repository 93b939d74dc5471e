// redlock: {warmUp, pairs}; one caller takes a lock and gives it back.
import { load, serve } from "./process.mjs";

const { Redis } = load("ioredis");
const Redlock = load("redlock");
const TTL_MS = 30_000;

await serve(async ({ address, name, warmUp, pairs }, start) => {
  const redlock = new Redlock([new Redis(address)]);
  const run = async (count) => {
    for (let done = 0; done < count; done++) {
      const lock = await redlock.lock(`${name}:the.lock`, TTL_MS);
      await lock.unlock();
    }
  };
  await run(warmUp);
  await start();
  const startedAt = performance.now();
  await run(pairs);
  return { ms: performance.now() - startedAt };
});

// BullMQ: {mode: "process", concurrency, warmUp, tasks} | {mode: "add", batch, warmUp, tasks} | {mode: "fill", tasks}
import process from "node:process";
import { load, serve, serverCpuUs } from "./process.mjs";

const { Queue, Worker } = load("bullmq");
const { Redis } = load("ioredis");
const BATCH = 1000;

/** The same 500 bytes that the other side's tasks carry. */
const job = { name: "j", data: { text: "x".repeat(488) } };
const jobs = (count) => Array.from({ length: count }, () => job);

await serve(async ({ address, name, mode, ...work }, start) => {
  const connection = { ...address, maxRetriesPerRequest: null };
  const place = { connection, prefix: name };
  const queue = new Queue("queue", place);
  await queue.waitUntilReady();
  const fill = async (tasks) => {
    for (let from = 0; from < tasks; from += BATCH) {
      await queue.addBulk(jobs(Math.min(BATCH, tasks - from)));
    }
  };
  if (mode === "fill") {
    await fill(work.tasks);
    await start();
    await queue.close();
    return {};
  }
  if (mode === "add") {
    const add = async (tasks) => {
      for (let done = 0; done < tasks; done += work.batch) {
        if (work.batch === 1) await queue.add(job.name, job.data);
        else await queue.addBulk(jobs(work.batch));
      }
    };
    await add(work.warmUp);
    await start();
    const startedAt = performance.now();
    await add(work.tasks);
    return { ms: performance.now() - startedAt };
  }
  const { concurrency, warmUp, tasks } = work;
  await fill(warmUp + tasks);
  const observer = new Redis(address);
  const worker = new Worker("queue", () => Promise.resolve(0), {
    ...place,
    concurrency,
    autorun: false,
  });
  await worker.waitUntilReady();
  await start();
  return await new Promise((resolve, reject) => {
    let done = 0;
    let startedAt, cpuBefore, serverBefore;
    worker.on("error", reject);
    worker.on("completed", () => {
      if (++done === warmUp) {
        serverBefore = serverCpuUs(observer);
        cpuBefore = process.cpuUsage();
        startedAt = performance.now();
      }
      if (done < warmUp + tasks) return;
      const ms = performance.now() - startedAt;
      const { user, system } = process.cpuUsage(cpuBefore);
      Promise.all([serverBefore, serverCpuUs(observer)]).then(
        ([before, after]) => resolve({ ms, clientUs: user + system, serverUs: after - before }),
        reject,
      );
    });
    worker.run().catch(reject);
  });
});

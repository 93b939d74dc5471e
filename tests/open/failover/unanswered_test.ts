/**
 * Calls that Redis has executed and whose answer nobody got before the directory took over.
 * @module
 */
import assert from "node:assert/strict";
import { Approvals } from "../../../src/approval/approval.ts";
import { systemClock } from "../../../src/clock.ts";
import type { RoomContext } from "../../../src/context.ts";
import { Tasks } from "../../../src/task/task.ts";
import { startProxy } from "../../../dev/proxy.ts";
import { hasRedis } from "../../../dev/redis_server.ts";
import { COMMAND_TIMEOUT_MS, withSites } from "../../../dev/site.ts";

const CALLS: readonly (readonly [string, (context: RoomContext) => Promise<unknown>])[] = [
  ["a task", (context) => new Tasks(context).create([{ title: "only once" }])],
  [
    "an approval",
    (context) => new Approvals(context).request({ actionType: "a", description: "only once" }),
  ],
];

for (const [what, make] of CALLS) {
  Deno.test({
    name:
      `${what} that Redis may have made is not made again in the directory, so nobody acts on it twice`,
    ignore: !hasRedis(),
    fn: () =>
      withSites(async ({ server, site }) => {
        await using proxy = await startProxy(server);
        const { open } = await site();
        const url = `${proxy.url}?command_timeout=${COMMAND_TIMEOUT_MS}ms`;
        const store = await open({ url, mode: "directory" });
        const context: RoomContext = {
          store,
          clock: systemClock,
          actor: { name: "ada", host: "test-host" },
          lockPath: (path) => ({ path, aliases: [] }),
        };
        await new Tasks(context).create([{ title: "before" }]);
        proxy.loseReplyOf((words) => words.some((word) => word.includes("only once")));
        await proxy.refuse(true);
        await assert.rejects(make(context), { code: "store_unavailable", retryable: true });
        assert.equal((await store.authority()).store, "directory");
        assert.equal((await new Tasks(context).counts()).pending, 0);
        assert.equal((await new Approvals(context).counts()).pending, 0);
      }),
  });
}

/**
 * What failover promises to commands that run under a lock.
 * @module
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { until } from "../../../dev/site.ts";
import { cliJson, start, withProject } from "../../support/cli.ts";
import { promise } from "../../support/promise.ts";

/** Longer than a renewal may take while the store changes. */
const TTL = "6s";

promise(
  "A command under lock run is ended neither when the directory takes over nor when the server is back",
  ({ server, url }) =>
    withProject(async (dir) => {
      const env = {
        AGENTCOORD_STORE: url,
        AGENTCOORD_NAMESPACE: "default",
        AGENTCOORD_AGENT: "ada",
      };
      const ask = async (...args: readonly string[]) =>
        (await cliJson(dir, args, { env })).document.data;
      const command = "touch began; while [ ! -e over ]; do sleep 0.1; done";
      const args = ["lock", "run", "a.py", "--ttl", TTL, "--", "sh", "-c", command];
      const child = start(dir, args, { env, stdin: "null" });
      const ended = child.output();
      const decides = (store: string) =>
        until(`${store} decides, and the lock is renewed there`, async () => {
          const { authority } = await ask("status");
          const [lease] = await ask("locks");
          assert.equal(lease?.holder, "ada");
          if (authority.store !== store) return false;
          const before = lease.expiresAtMs;
          await until("it is renewed", async () => (await ask("locks"))[0].expiresAtMs > before);
          return true;
        }, 60_000);
      try {
        await until("the command runs", () => existsSync(`${dir}/began`));
        await decides("redis");
        await server.kill();
        await decides("directory");
        await server.restart();
        await decides("redis");
      } finally {
        await Deno.writeTextFile(`${dir}/over`, "");
      }
      assert.equal((await ended).code, 0);
    }, { store: false }),
);

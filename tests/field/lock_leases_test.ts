import assert from "node:assert/strict";
import { CoordinationClient, InvalidArgumentError, type Lease } from "../../mod.ts";
import { withProject } from "../support/cli.ts";

Deno.test("locks take leases back as they gave them, and no other objects", () =>
  withProject(async (dir) => {
    await using client = await CoordinationClient.open({ cwd: dir });
    await using session = await client.session("ada");
    for (const item of [null, {}, { path: "./a.txt" }, { path: 1, fence: 1 }, 7, ["a"]]) {
      const paths = [item] as unknown as readonly Lease[];
      const refused = (error: unknown) => error instanceof InvalidArgumentError;
      await assert.rejects(session.locks.acquire(paths as unknown as string[]), refused);
      await assert.rejects(session.locks.release(paths), refused);
      await assert.rejects(session.locks.renew(paths), refused);
    }
    assert.deepEqual(await session.locks.list(), []);
    const leases = await session.locks.acquire("a.txt");
    assert.equal((await session.locks.renew(leases)).length, 1);
    assert.equal((await session.locks.release(leases)).length, 1);
  }));

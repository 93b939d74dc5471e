/**
 * Commands about the store itself; those about a server are in `redis_test.ts`.
 * @module
 */
import assert from "node:assert/strict";
import { cli, withProject } from "../support/cli.ts";

Deno.test("store sites of a directory is refused, since sites share a server", () =>
  withProject(async (dir) => {
    const { code, stdout, stderr } = await cli(dir, ["store", "sites"]);
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(
      stderr,
      /The store at .*\.agentcoord is a directory: sites are what shares a server\n$/,
    );
  }));

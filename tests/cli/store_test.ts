/**
 * Commands about the store itself; those about a server are in `redis_test.ts`.
 * @module
 */
import { withProject } from "../support/cli.ts";
import { transcript } from "../support/golden.ts";

Deno.test("store sites of a directory is refused, since sites share a server", () =>
  withProject(async (dir) => {
    await transcript(
      dir,
      String.raw`
$ store sites
! agentcoord: The store at DIR/.agentcoord is a directory: sites are what shares a server
= 2
`,
      { file: import.meta.url },
    );
  }));

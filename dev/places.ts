/**
 * Places for stores that several processes open: a fault test runs once on each kind.
 * @module
 */
import { freshNamespace, hasRedis, sharedRedis } from "./redis_server.ts";

/** What a test of several processes gets. */
export interface Place {
  /** What `openAs` takes, in every process. */
  readonly location: string;
  /** A private directory for logs and the like; removed after the test. */
  readonly directory: string;
}

/** Registers `body` once for every kind of store; each run has a place of its own. */
export function placeTest(name: string, body: (place: Place) => Promise<void>): void {
  const register = (
    kind: string,
    ignore: boolean,
    locate: (directory: string) => string | Promise<string>,
  ) =>
    Deno.test({ name: `${name} (${kind})`, ignore }, async () => {
      const directory = await Deno.makeTempDir({ prefix: "agentcoord-place-" });
      try {
        await body({ location: await locate(directory), directory });
      } finally {
        await Deno.remove(directory, { recursive: true });
      }
    });
  register("directory", false, (directory) => `${directory}/store`);
  register("redis", !hasRedis(), async () => `${(await sharedRedis()).url}#${freshNamespace()}`);
}

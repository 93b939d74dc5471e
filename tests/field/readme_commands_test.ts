/**
 * Commands of the README that are more than one call of the program, run as they stand there.
 * @module
 */
import assert from "node:assert/strict";
import { cliJson, withProject } from "../support/cli.ts";
import { freshNamespace, hasRedis, sharedRedis } from "../../dev/redis_server.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

async function hasJq(): Promise<boolean> {
  try {
    return (await new Deno.Command("jq", { args: ["--version"], stdout: "null" }).output()).success;
  } catch {
    return false;
  }
}

/** The shell block of the README in which this occurs. */
async function block(part: string): Promise<string> {
  const text = await Deno.readTextFile(`${ROOT}README.md`);
  const blocks = [...text.matchAll(/```sh\n(.*?)```/gs)].map(([, block]) => block!);
  const found = blocks.filter((block) => block.includes(part));
  assert.equal(found.length, 1);
  return found[0]!;
}

Deno.test({
  name: "README takes pending tasks along to a server, each of them once",
  ignore: !hasRedis() || !await hasJq(),
  async fn() {
    const { url } = await sharedRedis();
    const namespace = freshNamespace();
    const script = await block("jq -c");
    await withProject(async (dir) => {
      const add = ["task", "add", "--agent", "ada"];
      await cliJson(dir, [...add, "one", "--priority", "7", "--tags", "a", "--payload", '{"n":1}']);
      await cliJson(dir, [...add, "two"]);
      await Deno.writeTextFile(
        `${dir}/agentcoord`,
        `#!/bin/sh\nexec "${Deno.execPath()}" run -A -q --no-check --config "${ROOT}deno.json" "${ROOT}main.ts" "$@"\n`,
        { mode: 0o755 },
      );
      const env = {
        PATH: `${dir}:${Deno.env.get("PATH")}`,
        AGENTCOORD_STORE: url,
        AGENTCOORD_NAMESPACE: namespace,
      };
      for (let time = 0; time < 2; time++) {
        const { success, stderr } = await new Deno.Command("sh", {
          args: ["-ec", script],
          cwd: dir,
          env,
        }).output();
        assert.ok(success, new TextDecoder().decode(stderr));
      }
      const { document } = await cliJson(dir, ["tasks"], { env });
      const moved = document.data as Record<string, unknown>[];
      assert.deepEqual(
        moved.map(({ title, priority, tags, payload }) => ({ title, priority, tags, payload })),
        [
          { title: "one", priority: 7, tags: ["a"], payload: { n: 1 } },
          { title: "two", priority: 3, tags: [], payload: undefined },
        ],
      );
    });
  },
});

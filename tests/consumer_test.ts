/**
 * The library as another project uses it: one that lies elsewhere, and maps nothing but its name.
 * @module
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import configuration from "../deno.json" with { type: "json" };
import { readTree } from "../scripts/checks/layers.ts";
import { requireRuntime } from "../src/runtime.ts";
import { freshNamespace, hasRedis, sharedRedis } from "../dev/redis_server.ts";

const LIBRARY = fileURLToPath(new URL("../mod.ts", import.meta.url));

const PROGRAM = `/**
 * Two agents and one file.
 *
 * @example
 * \`\`\`ts
 * import { story } from "./story.ts";
 *
 * if (await story() !== "done by ada, then by bob") throw new Error("not the story");
 * \`\`\`
 * @module
 */
import { ConflictError, CoordinationClient } from "@agentcoord/agentcoord";

export async function story(): Promise<string> {
  await using client = await CoordinationClient.open(
    { store: Deno.env.get("STORE")!, namespace: Deno.env.get("NAMESPACE")! },
  );
  await using ada = await client.session("ada");
  await using bob = await client.session("bob");
  await ada.tasks.create([{ title: "fix auth" }]);
  {
    await using lock = await ada.lockFile("auth.ts");
    lock.signal.throwIfAborted();
    const refused = await bob.lockFile("auth.ts").catch((error: unknown) => error);
    if (!(refused instanceof ConflictError)) throw new Error("held twice");
    await using task = await ada.claimTask();
    await task!.complete({ by: "ada" });
  }
  await using _lock = await bob.lockFile("auth.ts");
  return "done by ada, then by bob";
}
`;

const STORES = [
  { name: "directory", ignore: false, store: (dir: string) => `${dir}/state` },
  { name: "redis", ignore: !hasRedis(), store: async () => (await sharedRedis()).url },
] as const;

for (const { name, ignore, store } of STORES) {
  Deno.test(`library works in a project elsewhere that maps only its name (${name})`, {
    ignore,
  }, async () => {
    const dir = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
    try {
      const imports = { [configuration.name]: LIBRARY };
      await Deno.writeTextFile(`${dir}/deno.json`, JSON.stringify({ imports }));
      await Deno.writeTextFile(`${dir}/story.ts`, PROGRAM);
      const env = { STORE: await store(dir), NAMESPACE: freshNamespace(), NO_COLOR: "1" };
      for (const args of [["check", "story.ts"], ["test", "-A", "--doc", "story.ts"]]) {
        const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
          args,
          cwd: dir,
          env,
        }).output();
        const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
        assert.ok(success, `deno ${args.join(" ")}: ${said}`);
        if (args[0] === "test") assert.match(said, /1 passed/);
      }
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  });
}

Deno.test("library names the versions of its packages itself, and they are those of deno.json", async () => {
  const known = Object.values<string>(configuration.imports);
  const bare = Object.keys(configuration.imports);
  for (const [path, text] of await readTree(fileURLToPath(new URL("..", import.meta.url)))) {
    if (!/^src\/(?!cli\/).*\.ts$|^mod\.ts$/.test(path)) continue;
    for (const [, specifier] of text.matchAll(/^(?:import|export) .*from "([^."][^"]*)";$/gm)) {
      assert.ok(!bare.includes(specifier!), `${path}: "${specifier}" means nothing elsewhere`);
      if (specifier!.startsWith("npm:")) {
        assert.ok(known.includes(specifier!), `${path}: ${specifier}`);
      }
    }
  }
});

Deno.test("library says in another runtime what it needs, and what to use there", () => {
  const node = { process: { version: "v24.1.0" } };
  const old = { Deno: { version: { deno: "2.6.9" } } };
  assert.throws(
    () => requireRuntime(node),
    /needs Deno 2\.7 or newer, and this is Node\.js v24\.1\.0; .*binary with --json/,
  );
  assert.throws(
    () => requireRuntime({ ...node, Bun: { version: "1.3.0" } }),
    /this is Bun 1\.3\.0/,
  );
  assert.throws(() => requireRuntime({ ...node, ...old }), /this is Deno 2\.6\.9/);
  for (const deno of ["2.7.0", "2.11.3", "3.0.0"]) requireRuntime({ Deno: { version: { deno } } });
});

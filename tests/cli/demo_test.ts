/**
 * The demo, from source or as the binary, is itself a test: it fails unless its work was done.
 * @module
 */
import assert from "node:assert/strict";
import { cli, cliJson } from "../support/cli.ts";

Deno.test("demo finishes what a killed worker began, verifies it and leaves nothing behind", async () => {
  const dir = await Deno.makeTempDir({ prefix: "agentcoord-demo-test-" });
  const { code, stdout, stderr } = await cli(dir, ["demo"]);
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /kill -9 (ada|bob), while it holds the task and src\/auth\.ts/);
  assert.match(stdout, /has lost "Rate-limit the login": its lease lapsed/);
  assert.match(stdout, /maria +approves/);
  assert.match(stdout, /\$ agentcoord status\n(.*\n)*tasks +7 completed/);
  assert.match(stdout, /Verified: 7 of 7 tasks completed exactly once; (ada|bob) was killed/);
  assert.deepEqual([...Deno.readDirSync(dir)], []);
  const project = /shop in (\S+)/.exec(stdout)?.[1] ?? "";
  assert.throws(() => Deno.statSync(project), Deno.errors.NotFound);
  await Deno.remove(dir);
});

Deno.test("demo --keep leaves its project, and settings around it do not matter", async () => {
  const dir = await Deno.makeTempDir({ prefix: "agentcoord-demo-test-" });
  const env = { AGENTCOORD_STORE: `${dir}/elsewhere`, AGENTCOORD_AGENT: "zoe" };
  const { code, document } = await cliJson(dir, ["demo", "--keep"], { env });
  assert.equal(code, 0, JSON.stringify(document));
  const { directory, tasks, completedOnce } = document.data;
  assert.equal(completedOnce, tasks);
  const looked = await cliJson(directory, ["tasks", "--status", "completed"]);
  assert.equal(looked.document.data.length, tasks);
  await Deno.remove(directory, { recursive: true });
  await Deno.remove(dir, { recursive: true });
});

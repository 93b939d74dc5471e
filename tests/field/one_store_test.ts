/**
 * One file is locked in one store: that of the first project upwards from it.
 * @module
 */
import assert from "node:assert/strict";
import { cli, withProject } from "../support/cli.ts";

Deno.test("lock is refused in a store above another one that the file belongs to", () =>
  withProject(async (dir) => {
    await Deno.remove(`${dir}/.git`, { recursive: true });
    await Deno.mkdir(`${dir}/sub`);
    // Nothing is above it yet, so this makes a store of its own.
    assert.equal((await cli(`${dir}/sub`, "lock acquire a.py --agent bob".split(" "))).code, 0);
    const refused = await cli(dir, "lock acquire sub/a.py --agent ada".split(" "));
    assert.equal(refused.code, 2, refused.stderr);
    assert.match(refused.stderr, /"sub\/a\.py": it lies in another project, ".*\/sub" /);
    assert.match(refused.stderr, /go there and lock "a\.py"; if that was made by mistake, remove/);
    await Deno.remove(`${dir}/sub/.agentcoord`, { recursive: true });
    // Now the store above is the first one from there as well.
    assert.equal((await cli(dir, "lock acquire sub/a.py --agent ada".split(" "))).code, 0);
    assert.equal((await cli(`${dir}/sub`, "lock acquire a.py --agent bob".split(" "))).code, 3);
  }, { store: false }));

import assert from "node:assert/strict";
import { given } from "../src/given.ts";

Deno.test("given keeps every value but undefined, in the order of the fields", () => {
  const kept = given({ text: "", none: undefined, zero: 0, no: false, nothing: null });
  assert.deepEqual(Object.entries(kept), [
    ["text", ""],
    ["zero", 0],
    ["no", false],
    ["nothing", null],
  ]);
});

Deno.test("given makes a field absent, so that a spread neither adds nor replaces it", () => {
  assert.deepEqual({ limit: 5, ...given({ limit: undefined, cursor: undefined }) }, { limit: 5 });
  assert.equal("cursor" in { ...given({ cursor: undefined }) }, false);
});

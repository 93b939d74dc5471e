/**
 * The library's public names: removing or renaming one breaks programs, so it must be seen here.
 * @module
 */
import assert from "node:assert/strict";
import * as library from "../mod.ts";
import configuration from "../deno.json" with { type: "json" };

Deno.test("library exports exactly its public names", () => {
  assert.deepEqual(Object.keys(library).sort(), [
    "Agents",
    "Approvals",
    "Audit",
    "Board",
    "ConflictError",
    "CoordError",
    "CoordinationClient",
    "DeniedError",
    "EXIT_CODES",
    "Events",
    "Failover",
    "HeldLock",
    "HeldTask",
    "InvalidArgumentError",
    "LeaseLostError",
    "Locks",
    "NotFoundError",
    "NothingToClaimError",
    "Primitives",
    "Session",
    "StoreUnavailableError",
    "Tasks",
    "TimeoutError",
    "VERSION",
    "runWorker",
  ]);
});

Deno.test("library version is the package's", () => {
  assert.equal(library.VERSION, configuration.version);
});

Deno.test("library exit codes are the documented ones", () => {
  assert.deepEqual(library.EXIT_CODES, {
    internal: 1,
    invalid_argument: 2,
    conflict: 3,
    not_found: 4,
    lease_lost: 5,
    timeout: 6,
    store_unavailable: 7,
    denied: 8,
    nothing_to_claim: 9,
  });
});

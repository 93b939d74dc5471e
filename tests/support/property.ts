/**
 * How many runs a property test makes.
 * @module
 */

/** Runs per property: 100, or AGENTCOORD_PROPERTY_RUNS (1000 and more at night). */
export function propertyRuns(): number {
  return Number(Deno.env.get("AGENTCOORD_PROPERTY_RUNS") ?? "100");
}

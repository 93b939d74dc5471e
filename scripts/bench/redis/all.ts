/**
 * The benchmarks of the Redis store.
 * @module
 */
import type { Benchmark } from "../figure.ts";
import { pathsOnRedis } from "../paths.ts";
import { backlog } from "./backlog.ts";
import { claimComplete, claimComplete50 } from "./claim_complete.ts";
import { create } from "./create.ts";
import { failover } from "./failover.ts";
import { lock } from "./lock.ts";
import { memory } from "./memory.ts";
import type { Peers } from "./peers.ts";
import type { Site } from "./site.ts";

/** All of them, on one server. */
export function redisBenchmarks(site: Site, peers: Peers): readonly Benchmark[] {
  return [
    claimComplete(site, peers),
    claimComplete50(site, peers),
    backlog(site),
    pathsOnRedis(site),
    lock(site, peers),
    memory(site, peers),
    create(site, peers),
    failover(site),
  ];
}

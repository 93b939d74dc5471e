/**
 * The engines: one descriptor each. Everything that depends on the engine of a store is asked here.
 * @module
 */
import type { StoreConfig } from "../store_config.ts";
import { directoryEngine } from "./directory_engine.ts";
import type { EngineDescriptor } from "./engine_descriptor.ts";
import { redisEngine } from "./redis_engine.ts";

export type { EngineDescriptor, TestGround } from "./engine_descriptor.ts";

const ENGINES: {
  readonly [Kind in StoreConfig["kind"]]: (
    store: Extract<StoreConfig, { kind: Kind }>,
  ) => EngineDescriptor;
} = {
  directory: directoryEngine,
  redis: redisEngine,
};

/** The engine that the store is on. */
export function engineOf(store: StoreConfig): EngineDescriptor {
  const describe = ENGINES[store.kind] as (store: StoreConfig) => EngineDescriptor;
  return describe(store);
}
